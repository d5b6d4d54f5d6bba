/*
** The few numbers about a float array that every training step can afford: one pass near the speed
** of memory, for the outputs of layers.
**
** Sums are made in 32 f32 lanes over 1024 elements and added in f64, in the order of the elements,
** so that they have the same bits whatever the number of threads; their relative error against f64
** is below 4e-6 of the sum of magnitudes. Where f32 cannot hold the squares, and where something is
** not finite, the 1024 elements are taken again in f64.
*/
#ifndef LDB_LEAN_STATS_H
#define LDB_LEAN_STATS_H

#include <stdint.h>

#include "base/team.h"

typedef struct ldb_lean {
  int64_t count, zeros, nonfinite; /* all elements; x == 0; NaN or infinite */
  double sum, sum_sq;              /* of the finite ones */
  double min, max;                 /* of the finite ones; NaN when there are none */
} ldb_lean;

/* x: n floats. Sets *out. */
void ldb_lean_stats(ldb_team *team, int64_t n, const float *x, ldb_lean *out);

/* *to: what is known of the elements of *to and of *from together. */
void ldb_lean_merge(ldb_lean *to, const ldb_lean *from);

#endif
