#include "train/clip.h"

#include <math.h>

enum { LANES = 8 };

double ldb_sum_squares(ldb_dtype dtype, size_t n, const void *x) {
  double lane[LANES] = {0};
  const float *narrow = x;
  const double *wide = x;
  if (dtype == LDB_F64) {
    for (size_t i = 0; i < n; i++)
      lane[i % LANES] += wide[i] * wide[i];
  } else {
    for (size_t i = 0; i < n; i++)
      lane[i % LANES] += (double)narrow[i] * (double)narrow[i];
  }
  return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

size_t ldb_clip_value(ldb_dtype dtype, size_t n, void *x, double low, double high) {
  size_t changed = 0;
  if (dtype == LDB_F64) {
    double *v = x;
    for (size_t i = 0; i < n; i++) {
      const double c = v[i] < low ? low : v[i] > high ? high : v[i];
      changed += (size_t)(c < v[i] || c > v[i]);
      v[i] = c;
    }
  } else {
    float *v = x;
    const float l = (float)low, h = (float)high;
    for (size_t i = 0; i < n; i++) {
      const float c = v[i] < l ? l : v[i] > h ? h : v[i];
      changed += (size_t)(c < v[i] || c > v[i]);
      v[i] = c;
    }
  }
  return changed;
}

void ldb_scale(ldb_dtype dtype, size_t n, void *x, double factor) {
  if (factor == 1.0) return;
  if (dtype == LDB_F64) {
    double *v = x;
    for (size_t i = 0; i < n; i++)
      v[i] *= factor;
  } else {
    float *v = x;
    const float f = (float)factor;
    for (size_t i = 0; i < n; i++)
      v[i] *= f;
  }
}

double ldb_clip_factor(double norm, double limit, ldb_flavor flavor, bool global) {
  if (isnan(norm)) return norm;
  if (flavor == LDB_TORCH) return fmin(1.0, limit / (norm + 1e-6));
  if (global && isinf(norm)) return (double)NAN;
  return norm > limit ? limit / norm : 1.0;
}
