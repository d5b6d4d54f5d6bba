/*
** What the rows of elementwise ops share: shape inference, forward and backward over the tables of
** kernels/elementwise/map_unary.h and kernels/elementwise/map_binary.h.
*/
#ifndef LDB_OP_MAP_H
#define LDB_OP_MAP_H

#include "graph/op.h"
#include "kernels/elementwise/map_binary.h"
#include "kernels/elementwise/map_unary.h"

/* out has the shape and type of in[0]. */
ldb_status ldb_infer_like_first(ldb_call *c, ldb_error *e);
/* As above, and i32 is refused. */
ldb_status ldb_infer_float(ldb_call *c, ldb_error *e);
/* out = the broadcast shape of in[0] and in[1], with their type; they must agree in it. */
ldb_status ldb_infer_broadcast(ldb_call *c, ldb_error *e);
/* Makes room for one gradient of out's shape where an input from `first` on is smaller than out. */
ldb_status ldb_room_for_broadcast(ldb_call *c, int first, ldb_error *e);

/* out = f(in[0]) with parameters attrs.num[0..1]. */
ldb_status ldb_map_unary(ldb_call *c, ldb_unary k, ldb_error *e);
/* gin[0] = gout f'(in[0]). */
ldb_status ldb_map_unary_gradient(ldb_call *c, ldb_unary k, ldb_error *e);
/* out = f(in[0], in[1]) */
ldb_status ldb_map_binary(ldb_call *c, ldb_binary k, ldb_error *e);
/* gin[i] = gout df/din[i], summed over the axes along which in[i] was repeated. */
ldb_status ldb_map_binary_gradient(ldb_call *c, ldb_binary k, ldb_error *e);

/* Where the gradient of input i, of out's shape, is to be written: into gin[i] itself when it has
   as many elements, else into scratch. */
ldb_view ldb_gradient_target(const ldb_call *c, int i);
/* Sums target down to gin[i] if it is not gin[i] itself. */
ldb_status ldb_gradient_done(ldb_call *c, int i, const ldb_view *target, ldb_error *e);

/* "expected f32 or f64, got i32" */
ldb_status ldb_wrong_dtype(ldb_dtype t, ldb_error *e);

/* The functions NAME_forward and NAME_backward of a row over the table of unary functions. */
#define LDB_UNARY_FUNCTIONS(fn)                                \
  static ldb_status fn##_forward(ldb_call *c, ldb_error *e) {  \
    return ldb_map_unary(c, LDB_UNARY_##fn, e);                \
  }                                                            \
  static ldb_status fn##_backward(ldb_call *c, ldb_error *e) { \
    return ldb_map_unary_gradient(c, LDB_UNARY_##fn, e);       \
  }

#endif
