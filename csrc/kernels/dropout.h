/*
** Inverted dropout whose mask is a pure function of (seed, stream, element), so that it is never
** stored: backward applies the same function to the gradient.
*/
#ifndef LDB_DROPOUT_H
#define LDB_DROPOUT_H

#include "base/rng.h"

/* y[i] = word i of the stream >= rate 2^32 ? x[i] / (1 - rate) : 0, i < n, 0 <= rate <= 1. A
   dropped NaN becomes 0. y may be the same array as x. */
void ldb_dropout_f32(const ldb_rng *r, double rate, int64_t n, const float *x, float *y);
void ldb_dropout_f64(const ldb_rng *r, double rate, int64_t n, const double *x, double *y);

#endif
