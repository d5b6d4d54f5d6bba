#include "train/clip.h"

#include <math.h>
#include <stdint.h>

#include "base/clones.h"

enum { LANES = 8 };

#define T float
#define NAME(x) x##_f32
#include "train/clip_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "train/clip_generic.h"

double ldb_sum_squares(ldb_dtype dtype, size_t n, const void *x) {
  return dtype == LDB_F64 ? squares_f64((int64_t)n, x) : squares_f32((int64_t)n, x);
}

size_t ldb_clip_value(ldb_dtype dtype, size_t n, void *x, double low, double high) {
  return (size_t)(dtype == LDB_F64 ? clip_f64((int64_t)n, x, low, high)
                                   : clip_f32((int64_t)n, x, (float)low, (float)high));
}

void ldb_scale(ldb_dtype dtype, size_t n, void *x, double factor) {
  if (factor == 1.0) return;
  if (dtype == LDB_F64)
    scale_f64((int64_t)n, x, factor);
  else
    scale_f32((int64_t)n, x, (float)factor);
}

double ldb_clip_factor(double norm, double limit, ldb_flavor flavor, bool global) {
  if (isnan(norm)) return norm;
  if (flavor == LDB_TORCH) return fmin(1.0, limit / (norm + 1e-6));
  if (global && isinf(norm)) return (double)NAN;
  return norm > limit ? limit / norm : 1.0;
}
