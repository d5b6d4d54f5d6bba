/*
** A plan: the instructions of one training step with the buffers they work on, replayed without
** asking again what to compute. Whoever captured the step gives the instructions in the order in
** which they ran, and for each the places in its argument that hold pointers (sites). Here buffers
** get lifetimes and places in one arena, pointers are written, and the list is run.
**
** The functions are those that ran eagerly, with the same arguments: a replay has the same bits.
** Nothing here allocates.
*/
#ifndef LDB_PLAN_H
#define LDB_PLAN_H

#include "graph/op.h"

/* An instruction that is no op: an update, a fill, a copy, ... */
typedef ldb_status ldb_step_fn(void *arg, ldb_error *e);

typedef struct ldb_instruction {
  ldb_compute_fn *compute; /* arg is an ldb_call; or NULL and */
  ldb_step_fn *step;       /* arg is what this function takes */
  void *arg;
  const char *name; /* of the op or function, for messages */
  int32_t scope;    /* number of the layer it belongs to, or -1 */
} ldb_instruction;

typedef enum ldb_buffer_kind {
  LDB_BUFFER_PASSING, /* in the arena, from its first to its last instruction */
  LDB_BUFFER_KEPT,    /* in the arena, for good: constants, gradients of parameters */
  LDB_BUFFER_OUTSIDE, /* somebody else's: parameters, slots of optimisers, data */
  LDB_BUFFER_INPUT    /* somebody else's, bound anew for every replay */
} ldb_buffer_kind;

typedef struct ldb_buffer {
  ldb_buffer_kind kind;
  size_t bytes;
  int32_t first, last; /* instructions that touch it; first > last: none */
  size_t offset;       /* in the arena */
  unsigned char *data; /* where it is now */
} ldb_buffer;

enum ldb_access { LDB_READS = 1, LDB_WRITES = 2 };

/* One pointer in the argument of one instruction. */
typedef struct ldb_site {
  int32_t instruction, buffer;
  uint32_t place;  /* bytes from the start of the argument */
  uint32_t access; /* LDB_READS | LDB_WRITES; 0: the bytes are not looked at */
  size_t delta;    /* bytes from the start of the buffer */
} ldb_site;

enum { LDB_ARENA_ALIGN = 64 };

/* first and last of every buffer from the sites. `last` of buffers that must hold to the end is
   raised by the caller afterwards. */
void ldb_plan_lifetimes(ldb_buffer *b, int32_t n, const ldb_site *site, size_t n_sites);

/* Gives PASSING and KEPT buffers their offsets: largest first, each into the smallest gap among
   those whose lifetimes overlap. order has room for 2 n numbers. Returns the bytes of the arena. */
size_t ldb_plan_place(ldb_buffer *b, int32_t n, int32_t *order);

/* Bytes that the buffers in the arena would take beside each other. */
size_t ldb_plan_sum(const ldb_buffer *b, int32_t n);

/* Sets data of the buffers in the arena and writes every pointer. */
void ldb_plan_locate(ldb_buffer *b, int32_t n, unsigned char *arena, const ldb_instruction *list,
                     const ldb_site *site, size_t n_sites);

/* Writes the pointers of n_sites sites to one buffer that has moved. */
void ldb_plan_bind(const ldb_instruction *list, const ldb_site *site, size_t n_sites,
                   unsigned char *data);

/* Runs instructions from..to-1; *at is the one that failed. */
ldb_status ldb_plan_run(const ldb_instruction *list, int32_t from, int32_t to, int32_t *at,
                        ldb_error *e);

/* ---- instructions that every room can make --------------------------------------------------- */

typedef struct ldb_fill_step {
  ldb_view to;
  double value;
} ldb_fill_step;
ldb_status ldb_do_fill(void *fill_step, ldb_error *e);

typedef struct ldb_copy_step {
  ldb_view from, to;
} ldb_copy_step;
ldb_status ldb_do_copy(void *copy_step, ldb_error *e);

typedef enum ldb_sample_kind {
  LDB_SAMPLE_UNIFORM, /* a, b: low, high */
  LDB_SAMPLE_NORMAL,  /* a, b: mean, std */
  LDB_SAMPLE_TRUNCATED_NORMAL,
  LDB_SAMPLE_PERMUTATION
} ldb_sample_kind;

typedef struct ldb_sample_step {
  ldb_sample_kind kind;
  ldb_dtype dtype;
  size_t n;
  void *data;
  uint64_t seed, stream;
  double a, b;
} ldb_sample_step;
ldb_status ldb_do_sample(void *sample_step, ldb_error *e);

/* A place where whoever replays may stop: the value of a scalar is looked at. Fails with LDB_STATE
   when it is not finite; a replay may go on behind it. */
typedef struct ldb_mark_step {
  ldb_view value;
} ldb_mark_step;
ldb_status ldb_do_mark(void *mark_step, ldb_error *e);

#endif
