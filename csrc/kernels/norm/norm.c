#include "kernels/norm/norm.h"

#include <math.h>

#include "kernels/norm/norm_f32.h"

enum { LANES = 8 };

static double lanes_total(const double a[LANES]) {
  return ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]));
}

#define T float
#define NAME(x) x##_f32
#include "kernels/norm/norm_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/norm/norm_generic.h"
#undef T
#undef NAME

/* Elements of one outer part. */
static int64_t part_of(ldb_norm_split s) {
  return s.rows * s.groups * s.width;
}

/* Where statistics rest on few values, little is left of a gradient when what goes through them has
   been taken off: such f32 arrays are computed in f64 throughout. */
enum { FEW = 16 };

static bool is_wide(ldb_dtype t, ldb_norm_split s) {
  return t == LDB_F32 && s.rows * s.width > FEW;
}

/* gamma, beta and their gradients, and two sums a group */
size_t ldb_norm_scratch(ldb_dtype t, ldb_norm_split s) {
  if (is_wide(t, s)) return ldb_norm_f32_doubles(s);
  return (size_t)(4 * s.groups * s.width + 2 * s.groups);
}

static void part_moments(ldb_dtype t, ldb_norm_split s, bool centre, const void *x, int64_t at,
                         double *mean, double *variance) {
  if (t == LDB_F32)
    moments_f32(s, centre, (const float *)x + at, mean, variance);
  else
    moments_f64(s, centre, (const double *)x + at, mean, variance);
}

void ldb_norm_moments(ldb_team *team, ldb_dtype t, ldb_norm_split s, const void *x, double *mean,
                      double *variance, double *scratch) {
  if (is_wide(t, s))
    ldb_norm_moments_f32(team, s, LDB_NORM_CENTRED, x, mean, variance, scratch);
  else
    part_moments(t, s, true, x, 0, mean, variance);
}

/* to = n values as doubles, or the neutral one where there are none. */
static const double *load(ldb_dtype t, const void *from, double neutral, int64_t n, double *to) {
  for (int64_t i = 0; i < n; i++)
    to[i] = !from          ? neutral
            : t == LDB_F32 ? (double)((const float *)from)[i]
                           : ((const double *)from)[i];
  return to;
}

static void store(ldb_dtype t, const double *from, int64_t n, void *to) {
  for (int64_t i = 0; to && i < n; i++) {
    if (t == LDB_F32)
      ((float *)to)[i] = (float)from[i];
    else
      ((double *)to)[i] = from[i];
  }
}

void ldb_norm_forward(ldb_team *team, ldb_dtype t, ldb_norm_split s, ldb_norm_kind kind, bool given,
                      double epsilon, const void *x, const void *gamma, const void *beta,
                      double *mean, double *inverse, void *y, double *scratch) {
  const int64_t n = s.groups * s.width;
  if (is_wide(t, s)) {
    ldb_norm_forward_f32(team, s, kind, given, epsilon, x, gamma, beta, mean, inverse, y, scratch);
    return;
  }
  const double *by = load(t, gamma, 1, n, scratch), *plus = load(t, beta, 0, n, scratch + n);
  for (int64_t o = 0; o < s.outer; o++) {
    const int64_t at = o * part_of(s), k = o * s.groups;
    if (!given) part_moments(t, s, kind != LDB_NORM_RMS, x, at, mean + k, inverse + k);
    for (int64_t p = k; p < k + s.groups; p++)
      inverse[p] = 1 / sqrt(inverse[p] + epsilon);
    if (t == LDB_F32)
      apply_f32(s, (const float *)x + at, mean + k, inverse + k, by, plus, (float *)y + at);
    else
      apply_f64(s, (const double *)x + at, mean + k, inverse + k, by, plus, (double *)y + at);
  }
}

void ldb_norm_backward(ldb_team *team, ldb_dtype t, ldb_norm_split s, ldb_norm_kind kind,
                       const void *x, const double *mean, const double *inverse, const void *gamma,
                       const void *gy, void *gx, void *ggamma, void *gbeta, double *scratch) {
  const int64_t n = s.groups * s.width;
  double *to_gamma = scratch + n, *to_beta = scratch + 2 * n, *sums = scratch + 4 * n;
  if (is_wide(t, s)) {
    ldb_norm_backward_f32(team, s, kind, x, mean, inverse, gamma, gy, gx, ggamma, gbeta, scratch);
    return;
  }
  const double *by = load(t, gamma, 1, n, scratch);
  for (int64_t c = 0; c < n; c++)
    to_gamma[c] = to_beta[c] = 0;
  for (int64_t o = 0; o < s.outer; o++) {
    const int64_t at = o * part_of(s), k = o * s.groups;
    if (t == LDB_F32)
      backward_f32(s, kind, (const float *)x + at, mean + k, inverse + k, by,
                   (const float *)gy + at, gx ? (float *)gx + at : NULL, to_gamma, to_beta, sums);
    else
      backward_f64(s, kind, (const double *)x + at, mean + k, inverse + k, by,
                   (const double *)gy + at, gx ? (double *)gx + at : NULL, to_gamma, to_beta, sums);
  }
  store(t, to_gamma, n, ggamma);
  store(t, to_beta, n, gbeta);
}
