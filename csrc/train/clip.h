/*
** Gradient clipping, in place over flat arrays of LDB_F32 or LDB_F64. NaN stays NaN: a gradient
** that is broken must be seen, not hidden.
*/
#ifndef LDB_CLIP_H
#define LDB_CLIP_H

#include <stddef.h>

#include "base/view.h"
#include "train/optimizer.h"

/* sum x_i^2 in f64, eight lanes, fixed order. */
double ldb_sum_squares(ldb_dtype dtype, size_t n, const void *x);

/* x_i <- min(max(x_i, low), high); returns how many elements changed. */
size_t ldb_clip_value(ldb_dtype dtype, size_t n, void *x, double low, double high);

/* x_i <- factor x_i; a factor of exactly 1 leaves every bit. */
void ldb_scale(ldb_dtype dtype, size_t n, void *x, double factor);

/* Factor that brings a norm down to limit > 0.
   Keras, one variable (clipnorm):    limit / max(norm, limit)
   Keras, all (global_clipnorm):      the same, but NaN for a norm that is NaN or infinite, so that
                                      all gradients become NaN
   PyTorch (clip_grad_norm_):         min(1, limit / (norm + 1e-6)) */
double ldb_clip_factor(double norm, double limit, ldb_flavor flavor, bool global);

#endif
