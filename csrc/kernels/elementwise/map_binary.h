/*
** Inner loops of functions of two variables, for ldb_walk. Formulas and derivatives are one table:
** map_binary_list.h.
*/
#ifndef LDB_MAP_BINARY_H
#define LDB_MAP_BINARY_H

#include "kernels/elementwise/map_binary_list.h"
#include "kernels/gather/walk.h"

typedef enum ldb_binary {
#define B(name, value, gradient_a, gradient_b) LDB_BINARY_##name,
#define R(name, test) LDB_BINARY_##name,
  LDB_BINARY_LIST(B) LDB_RELATION_LIST(R)
#undef B
#undef R
      LDB_BINARY_COUNT
} ldb_binary;

/* y[i] = f(a[i], b[i]); operands y, a, b; ctx is not used. Relations write i32, 1 for true. NULL
   when the function is not defined for the element type (i32 has add, sub, mul, which wrap around,
   maximum, minimum and the relations). */
ldb_inner_fn *ldb_binary_forward(ldb_binary k, ldb_dtype t);

/* gx[i] = g[i] df/da or df/db (which = 0 or 1); operands gx, g, a, b. NULL for i32 and for
   relations. */
ldb_inner_fn *ldb_binary_backward(ldb_binary k, ldb_dtype t, int which);

#endif
