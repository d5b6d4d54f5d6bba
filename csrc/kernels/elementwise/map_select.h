/*
** Inner loops, for ldb_walk, that choose or convert and do not compute.
*/
#ifndef LDB_MAP_SELECT_H
#define LDB_MAP_SELECT_H

#include "kernels/gather/walk.h"

/* y[i] = cond[i] != 0 ? a[i] : b[i]; operands y, cond, a, b; y, a and b have the type `value`. NaN
   counts as true. ctx is not used. */
ldb_inner_fn *ldb_select_loop(ldb_dtype cond, ldb_dtype value);

/* y[i] = (type of y) x[i]; operands y, x. f64 -> f32 rounds to nearest; a float becomes an integer
   by dropping its fraction. What i32 cannot hold (NaN, infinity, 2^31 and beyond) is written as 0
   and reported: */
typedef struct ldb_cast_report {
  int64_t misfits; /* set to 0 before the walk */
  double value;    /* one of them */
} ldb_cast_report;
/* ctx: ldb_cast_report. */
ldb_inner_fn *ldb_cast_loop(ldb_dtype from, ldb_dtype to);

#endif
