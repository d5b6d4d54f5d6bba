/*
** The tape: what a step did, written down while it runs eagerly. While a tape is in the context,
** the gate (lb_gate.h) appends a record of every instruction that it runs: the function of the op
** row (or of an update, a fill, ...), its argument, and the pointers in it. Two tapes of two
** successive steps that are equal but for the numbers that may change make a plan (lb_plan.h).
**
** Taping never changes what the step does, and raises nothing but what a debug hook raises: when
** memory is short, or something happens that a replay could not repeat, the tape only says so.
** Every storage that a record names is held, so that addresses stay unique.
*/
#ifndef LB_TAPE_H
#define LB_TAPE_H

#include "binding/lb_node.h"
#include "graph/plan.h"

/* A storage that a record names. */
typedef struct lb_seen {
  struct lb_seen *next;
  lb_storage *storage;
  bool born; /* during the step */
} lb_seen;

typedef struct lb_pointer {
  void *ptr;
  uint32_t place, access;
  int32_t buffer; /* set when the tape is settled; -1: unknown bytes, which nobody looks at */
  size_t delta;
} lb_pointer;

/* What settling makes of storages: inputs first, then the others as they are first named. */
typedef struct lb_tape_buffer {
  lb_storage *storage; /* NULL for inputs */
  size_t bytes;
  bool born;
} lb_tape_buffer;

typedef struct lb_tape_input {
  ldb_view view;
  int32_t alias; /* an earlier input that begins at the same byte, or -1 */
} lb_tape_input;

/* A result of the step, or the gradient of a leaf at its end. */
typedef struct lb_tape_value {
  bool tensor; /* else the value itself is in the list of results, or there is no gradient */
  int32_t buffer;
  size_t delta;
  ldb_view view;
} lb_tape_value;

/* Numbers of a record that may differ from step to step. */
typedef enum lb_dial_kind { LB_DIAL_NONE, LB_DIAL_RATE, LB_DIAL_STREAM } lb_dial_kind;
typedef struct lb_dial {
  lb_dial_kind kind;
  /* RATE: of an ldb_update_call; optimizer -1: called by itself, then lr and step are fixed */
  int32_t optimizer;
  bool own; /* the parameter's group has a rate of its own */
  double lr, own_lr, base;
  uint64_t step;
  /* STREAM */
  const struct lb_stream *stream;
  uint32_t place, seed_place; /* in the argument; seed_place 0: the seed is fixed */
} lb_dial;

enum { LB_STREAM_FIXED = -1, LB_STREAM_STATE = -2, LB_STREAM_STEP = -3 };
/* A stream that was made during the step: from (purpose, a, b) where a counts. */
typedef struct lb_stream {
  struct lb_stream *next;
  uint64_t value, purpose, a, b;
  uint64_t base; /* what the owner had counted before the step */
  int32_t owner; /* place in the list of counting layers; or one of LB_STREAM_ */
} lb_stream;

typedef enum lb_record_kind { LB_FORWARD, LB_BACKWARD, LB_STEP, LB_CONSTANT } lb_record_kind;
typedef struct lb_record {
  struct lb_record *next;
  lb_record_kind kind;
  const ldb_op *op;
  ldb_step_fn *step;
  const char *name;
  int32_t scope;
  uint32_t n_pointers;
  size_t n_bytes;
  lb_dial dial;
  void *target; /* of a constant, whose bytes are in arg */
  lb_pointer *pointer;
  unsigned char *arg; /* pointers and dials are zero in it */
} lb_record;

enum { LB_DRAFT_POINTERS = 2 * LDB_MAX_IN + 6 };
/* A record to be: its argument lies with the caller. */
typedef struct lb_draft {
  lb_record r;
  lb_pointer pointer[LB_DRAFT_POINTERS];
  void (*points)(lb_record *r); /* fills r->pointer where there are more, r->arg is in place */
  const void *arg;
} lb_draft;

enum { LB_MAX_OPTIMIZERS = 8, LB_TAPE_REASON = 240 };

/* User values of a tape. Lists: item at 1.., and its place by item. */
enum {
  LB_TAPE_HELD = 1, /* storages as keys; 1..: memory of records */
  LB_TAPE_LEAVES,   /* tensors whose gradient was set or added to */
  LB_TAPE_OWNERS,   /* layers that count their calls */
  LB_TAPE_OPTIMIZERS,
  LB_TAPE_SCOPES, /* paths of layers */
  LB_TAPE_RESULTS,
  LB_TAPE_VALUES = LB_TAPE_RESULTS
};

typedef struct lb_tape {
  char reason[LB_TAPE_REASON]; /* why no plan can be made; "" so far */
  lb_record *first, *last;
  lb_seen *seen, *seen_last;
  lb_stream *streams;
  int32_t n_records, n_seen, n_held, n_leaves, n_owners, n_optimizers, n_scopes;
  int32_t scope;     /* number of the layer at work, or -1 */
  int32_t optimizer; /* the one in its step, or -1 */
  bool own;          /* of the next update */
  bool no_gradient;  /* some leaf must have no gradient when the step begins */
  double own_lr;
  double base[LB_MAX_OPTIMIZERS];
  int64_t every[LB_MAX_OPTIMIZERS];
  unsigned stepped;        /* optimisers that made their step */
  uint64_t draws;          /* of the state when the step began */
  lb_tape_buffer *buffers; /* from here on: when settled */
  lb_tape_input *inputs;
  lb_tape_value *results, *gradients;
  int32_t n_buffers, n_inputs, n_results;
  bool has_step;
  uint64_t step; /* given by the caller */
} lb_tape;

static inline bool lb_taping(lua_State *L) {
  return lb_getcontext(L)->tape != NULL;
}

/* Makes a tape, keeps it in the registry and in the context, which must have none. */
lb_tape *lb_tape_start(lua_State *L);
/* Makes the metatable of tapes. */
void lb_tape_metatable(lua_State *L);
lb_tape *lb_testtape(lua_State *L, int idx); /* NULL when it is something else */
lb_tape *lb_check_tape(lua_State *L, int idx, const char *where);
/* Takes it out of the context: what follows is not of the step. */
void lb_tape_leave(lua_State *L);
/* The same, and pushes it. */
void lb_tape_stop(lua_State *L);

/* Settles a tape that has stopped: where every pointer points, what came out. Arguments, after the
   tape at index 1: the number of arguments of the step, they themselves, its results. Storages that
   were born in the step are let go. May raise; then the tape is of no use. */
int lb_tape_settle(lua_State *L);

/* The step cannot be planned, because: (the first reason stays) */
void lb_tape_refuse(lua_State *L, const char *format, ...) LDB_PRINTF(2, 3);
void lb_tape_fail(lb_tape *t, const char *format, ...) LDB_PRINTF(2, 3);
/* The values of a tensor are read by Lua: as refuse, with the likely cause. */
void lb_tape_read(lua_State *L, const char *function);

void lb_tape_born(lua_State *L);         /* the new storage on top of the stack */
void lb_tape_see(lua_State *L, int idx); /* the tensor at idx takes part */
void lb_tape_hold(lua_State *L);         /* storage on top of the stack, popped: plans keep it */
/* Appends an instruction: only the gate (lb_gate.c) does. */
void lb_tape_append(lua_State *L, const lb_draft *d);

/* The tensor at idx is a leaf whose gradient was set, or read to add to it. */
void lb_tape_leaf(lua_State *L, int idx);
/* backward found no gradient at the leaf at idx (lb_tape_leaf not called yet). */
void lb_tape_fresh_leaf(lua_State *L, int idx);
bool lb_tape_knows_leaf(lua_State *L, int idx);

/* A stream was made from purpose, a and b. The layer at owner_idx (or nil) counted a; or it is the
   state's own. */
void lb_tape_stream(lua_State *L, lb_stream s, int owner_idx);
/* The optimiser at idx begins its step; 0: it is done. */
void lb_tape_optimizer(lua_State *L, int idx, double base, int64_t every);
/* The next records belong to the layer whose path is at idx. */
void lb_tape_scope(lua_State *L, int idx);
/* tensor at idx is in a storage that was made during the step */
bool lb_tape_is_born(lua_State *L, int idx);

#endif
