/*
** The op table. One row per op: name, inputs, attributes, shape inference, forward, backward.
** Rows are listed in graph/op_list.h; the Lua functions, the gradient check, the fuzz and shape
** specs and the docs all loop over that list.
*/
#ifndef LDB_OP_H
#define LDB_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/team.h"
#include "base/view.h"

enum { LDB_MAX_IN = 8, LDB_MAX_NUM = 4, LDB_MAX_INT = 8, LDB_MAX_LIST = 2 * LDB_MAX_RANK };

typedef enum ldb_attr_kind {
  LDB_ATTR_NUM,   /* number                          -> num[slot] */
  LDB_ATTR_INT,   /* integer                         -> integer[slot] */
  LDB_ATTR_BOOL,  /* boolean                         -> integer[slot], 0 or 1 */
  LDB_ATTR_ENUM,  /* one of the choices              -> integer[slot], index into choices */
  LDB_ATTR_DTYPE, /* "f32" "f64" "i32"              -> integer[slot] */
  LDB_ATTR_AXIS,  /* 1-based, negative from the end  -> integer[slot], 0-based, valid for input 1 */
  LDB_ATTR_PAIR,  /* one integer for both or {a, b}  -> integer[slot], integer[slot + 1] */
  LDB_ATTR_AXES,  /* one or a list of axes, nil: all -> axes, a bit mask, valid for input 1 */
  LDB_ATTR_LIST   /* list of integers, as given      -> list[], n_list */
} ldb_attr_kind;

typedef struct ldb_attr_spec {
  const char *name; /* NULL ends the array */
  ldb_attr_kind kind;
  int slot;
  bool required;
  double fallback;            /* for AXIS: as the user would write it, e.g. -1 */
  const char *const *choices; /* ENUM: NULL-terminated */
} ldb_attr_spec;

typedef struct ldb_attrs {
  double num[LDB_MAX_NUM];
  int64_t integer[LDB_MAX_INT];
  uint32_t axes;
  int n_list;
  int64_t list[LDB_MAX_LIST];
} ldb_attrs;

struct ldb_op;

/* One evaluation of an op. The caller owns all memory; nothing here is zeroed beyond what each
   field says. */
typedef struct ldb_call {
  const struct ldb_op *op;
  int n_in;                /* optional inputs that were not given have data == NULL, rank -1 */
  ldb_view in[LDB_MAX_IN]; /* same dtype where the row says PROMOTE */
  ldb_attrs attrs;
  ldb_view out;           /* set by infer; data given by the caller (view ops: set by infer) */
  ldb_view saved;         /* infer sets dtype, rank 1 and length (0: none); written by forward,
                             read by backward */
  size_t forward_scratch; /* bytes, set by infer; 64-byte aligned memory in scratch */
  size_t backward_scratch;
  void *scratch;
  ldb_team *team; /* threads and their workspace; NULL: this thread alone */
  /* backward only */
  ldb_view gout;            /* contiguous, shape and dtype of out */
  ldb_view gin[LDB_MAX_IN]; /* contiguous, shape and dtype of in[i]; to be overwritten, not added
                               to; data == NULL where no gradient is wanted */
} ldb_call;

/* Checks inputs and attributes together and fills out, saved and the scratch sizes. All fields that
   it sets are preset by the caller to "no saved, no scratch". */
typedef ldb_status ldb_infer_fn(ldb_call *c, ldb_error *e);
typedef ldb_status ldb_compute_fn(ldb_call *c, ldb_error *e);

enum ldb_op_flags {
  LDB_OP_VIEW = 1,       /* out shares the bytes of in[0]; infer sets out's data and strides */
  LDB_OP_CONTIGUOUS = 2, /* inputs are made contiguous before infer */
  LDB_OP_PROMOTE = 4,    /* inputs are brought to one dtype: i32 < f32 < f64 */
  LDB_OP_FLOAT = 8,      /* i32 inputs become f32 (f64 if another input is f64) */
  LDB_OP_KEEP_IN = 16,   /* backward reads the values of the inputs */
  LDB_OP_KEEP_OUT = 32,  /* backward reads the values of out */
  LDB_OP_RANDOM = 64     /* draws random numbers: attrs hold seed and stream */
};

typedef struct ldb_op {
  const char *name;
  const char *doc; /* formula and shapes, one line */
  const char
      *inputs; /* "x y"; a trailing ? marks an optional one: "x w b?"; "x*" is 1..LDB_MAX_IN */
  unsigned flags;
  unsigned grad_inputs; /* bit i: input i has a gradient; 0 with backward == NULL */
  const ldb_attr_spec *attrs;
  ldb_infer_fn *infer;
  ldb_compute_fn *forward; /* NULL for pure views */
  ldb_compute_fn *backward;
} ldb_op;

/* All rows, in the order of op_list.h, NULL-terminated. */
extern const ldb_op *const ldb_op_table[];

/* NULL when there is no such op. */
const ldb_op *ldb_op_find(const char *name);

/* Backward scratch and reduction for broadcast inputs: sums the contiguous gradient `full` (shape
   of out) down to the shape of gin. Used by every broadcasting op. */
ldb_status ldb_reduce_to(const ldb_view *full, ldb_view *gin, ldb_error *e);

#endif
