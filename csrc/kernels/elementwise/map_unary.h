/*
** Inner loops of functions of one variable, for ldb_walk. Formulas and derivatives are one table:
** map_unary_list.h.
*/
#ifndef LDB_MAP_UNARY_H
#define LDB_MAP_UNARY_H

#include "kernels/elementwise/map_unary_list.h"
#include "kernels/gather/walk.h"

typedef enum ldb_unary {
#define U(name, keep, value, gradient) LDB_UNARY_##name,
  LDB_UNARY_LIST(U)
#undef U
      LDB_UNARY_COUNT
} ldb_unary;

/* What the derivative reads besides the gradient. */
typedef enum ldb_keep { LDB_KEEP_NONE, LDB_KEEP_IN, LDB_KEEP_OUT } ldb_keep;

ldb_keep ldb_unary_keep(ldb_unary k);

/* y[i] = f(x[i]); operands y, x; ctx: double[2], the parameters. NULL when the function is not
   defined for the element type (i32 has neg, square, abs, sign, linear; they wrap around). */
ldb_inner_fn *ldb_unary_forward(ldb_unary k, ldb_dtype t);

/* gx[i] = g[i] f'(x[i]); operands gx, g and then x or y as ldb_unary_keep says. NULL for i32. */
ldb_inner_fn *ldb_unary_backward(ldb_unary k, ldb_dtype t);

#endif
