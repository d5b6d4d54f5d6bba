#include "kernels/norm.h"

enum { LANES = 8 };

static double lanes_total(const double a[LANES]) {
  return ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]));
}

#define T float
#define NAME(x) x##_f32
#include "kernels/norm_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/norm_generic.h"
#undef T
#undef NAME

/* Elements of one outer part. */
static int64_t part_of(ldb_norm_split s) {
  return s.rows * s.groups * s.width;
}

void ldb_norm_moments(ldb_dtype t, ldb_norm_split s, ldb_norm_kind kind, const void *x,
                      double *mean, double *variance) {
  const bool centre = kind != LDB_NORM_RMS;
  for (int64_t o = 0; o < s.outer; o++) {
    const int64_t at = o * part_of(s), k = o * s.groups;
    if (t == LDB_F32)
      moments_f32(s, centre, (const float *)x + at, mean + k, variance + k);
    else
      moments_f64(s, centre, (const double *)x + at, mean + k, variance + k);
  }
}

void ldb_norm_apply(ldb_dtype t, ldb_norm_split s, const void *x, const double *mean,
                    const double *inverse, const double *gamma, const double *beta, void *y) {
  for (int64_t o = 0; o < s.outer; o++) {
    const int64_t at = o * part_of(s), k = o * s.groups;
    if (t == LDB_F32)
      apply_f32(s, (const float *)x + at, mean + k, inverse + k, gamma, beta, (float *)y + at);
    else
      apply_f64(s, (const double *)x + at, mean + k, inverse + k, gamma, beta, (double *)y + at);
  }
}

void ldb_norm_backward(ldb_dtype t, ldb_norm_split s, ldb_norm_kind kind, const void *x,
                       const double *mean, const double *inverse, const double *gamma,
                       const void *gy, void *gx, double *ggamma, double *gbeta, double *sums) {
  for (int64_t c = 0; c < s.groups * s.width; c++)
    ggamma[c] = gbeta[c] = 0;
  for (int64_t o = 0; o < s.outer; o++) {
    const int64_t at = o * part_of(s), k = o * s.groups;
    if (t == LDB_F32)
      backward_f32(s, kind, (const float *)x + at, mean + k, inverse + k, gamma,
                   (const float *)gy + at, gx ? (float *)gx + at : NULL, ggamma, gbeta, sums);
    else
      backward_f64(s, kind, (const double *)x + at, mean + k, inverse + k, gamma,
                   (const double *)gy + at, gx ? (double *)gx + at : NULL, ggamma, gbeta, sums);
  }
}
