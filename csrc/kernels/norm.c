#include "kernels/norm.h"

#include <math.h>

#include "kernels/norm_f32.h"

enum { LANES = 8 };

static double lanes_total(const double a[LANES]) {
  return ((a[0] + a[1]) + (a[2] + a[3])) + ((a[4] + a[5]) + (a[6] + a[7]));
}

static double line_sum(int64_t n, const double *x) {
  double lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++)
      lane[l] += x[i + l];
  for (int l = 0; i < n; i++, l++)
    lane[l] += x[i];
  return lanes_total(lane);
}

static double line_squares(int64_t n, double m, const double *x) {
  double lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++)
      lane[l] += (x[i + l] - m) * (x[i + l] - m);
  for (int l = 0; i < n; i++, l++)
    lane[l] += (x[i] - m) * (x[i] - m);
  return lanes_total(lane);
}

/* One outer part: x [rows x groups x width]. */
static void moments(ldb_norm_split s, bool centre, const double *x, double *mean, double *square) {
  const int64_t c = s.groups * s.width;
  const double n = (double)(s.rows * s.width);
  for (int64_t p = 0; p < s.groups; p++)
    mean[p] = square[p] = 0;
  for (int64_t j = 0; centre && j < s.rows; j++) {
    const double *row = x + j * c;
    if (s.width == 1) {
      for (int64_t p = 0; p < s.groups; p++)
        mean[p] += row[p];
    } else {
      for (int64_t p = 0; p < s.groups; p++)
        mean[p] += line_sum(s.width, row + p * s.width);
    }
  }
  for (int64_t p = 0; centre && p < s.groups; p++)
    mean[p] /= n;
  for (int64_t j = 0; j < s.rows; j++) {
    const double *row = x + j * c;
    if (s.width == 1) {
      for (int64_t p = 0; p < s.groups; p++)
        square[p] += (row[p] - mean[p]) * (row[p] - mean[p]);
    } else {
      for (int64_t p = 0; p < s.groups; p++)
        square[p] += line_squares(s.width, mean[p], row + p * s.width);
    }
  }
  for (int64_t p = 0; p < s.groups; p++)
    square[p] /= n;
}

static void apply(ldb_norm_split s, const double *x, const double *mean, const double *inverse,
                  const double *gamma, const double *beta, double *y) {
  const int64_t c = s.groups * s.width;
  for (int64_t j = 0; j < s.rows; j++, x += c, y += c) {
    if (s.width == 1) {
      for (int64_t p = 0; p < c; p++)
        y[p] = ((x[p] - mean[p]) * inverse[p] * gamma[p] + beta[p]);
      continue;
    }
    for (int64_t p = 0; p < s.groups; p++) {
      const double m = mean[p], r = inverse[p];
      for (int64_t i = p * s.width; i < (p + 1) * s.width; i++)
        y[i] = ((x[i] - m) * r * gamma[i] + beta[i]);
    }
  }
}

/* The sums of one line of `width` elements: adds to *sg = sum g, *sgh = sum g h, and per channel
   to ggamma and gbeta. */
static void line_sums(int64_t n, double m, double r, const double *gamma, const double *x,
                      const double *gy, double *ggamma, double *gbeta, double *sg, double *sgh) {
  double g_lane[LANES] = {0}, h_lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) {
      const double up = gy[i + l], h = (x[i + l] - m) * r;
      gbeta[i + l] += up;
      ggamma[i + l] += up * h;
      g_lane[l] += up * gamma[i + l];
      h_lane[l] += up * gamma[i + l] * h;
    }
  for (int l = 0; i < n; i++, l++) {
    const double up = gy[i], h = (x[i] - m) * r;
    gbeta[i] += up;
    ggamma[i] += up * h;
    g_lane[l] += up * gamma[i];
    h_lane[l] += up * gamma[i] * h;
  }
  *sg += lanes_total(g_lane);
  *sgh += lanes_total(h_lane);
}

/* Sums of one outer part with one channel a group, side by side. */
static void column_sums(ldb_norm_split s, const double *x, const double *mean,
                        const double *inverse, const double *gamma, const double *gy,
                        double *ggamma, double *gbeta, double *sg, double *sgh) {
  for (int64_t j = 0; j < s.rows; j++, x += s.groups, gy += s.groups)
    for (int64_t p = 0; p < s.groups; p++) {
      const double up = gy[p];
      sg[p] += up;
      sgh[p] += up * ((x[p] - mean[p]) * inverse[p]);
    }
  for (int64_t p = 0; p < s.groups; p++) {
    gbeta[p] += sg[p];
    ggamma[p] += sgh[p];
    sg[p] *= gamma[p];
    sgh[p] *= gamma[p];
  }
}

/* gx of one outer part from the means sg = sum g / n and sgh = sum g h / n. */
static void input_gradient(ldb_norm_split s, const double *x, const double *mean,
                           const double *inverse, const double *gamma, const double *gy, double *gx,
                           const double *sg, const double *sgh) {
  const int64_t c = s.groups * s.width;
  for (int64_t j = 0; j < s.rows; j++, x += c, gy += c, gx += c) {
    if (s.width == 1) {
      for (int64_t p = 0; p < c; p++) {
        const double h = (x[p] - mean[p]) * inverse[p];
        gx[p] = (inverse[p] * (gy[p] * gamma[p] - sg[p] - h * sgh[p]));
      }
      continue;
    }
    for (int64_t p = 0; p < s.groups; p++) {
      const double m = mean[p], r = inverse[p], a = sg[p], b = sgh[p];
      for (int64_t i = p * s.width; i < (p + 1) * s.width; i++)
        gx[i] = (r * (gy[i] * gamma[i] - a - (x[i] - m) * r * b));
    }
  }
}

static void backward(ldb_norm_split s, ldb_norm_kind kind, const double *x, const double *mean,
                     const double *inverse, const double *gamma, const double *gy, double *gx,
                     double *ggamma, double *gbeta, double *sums) {
  const int64_t c = s.groups * s.width;
  double *sg = sums, *sgh = sums + s.groups;
  for (int64_t p = 0; p < s.groups; p++)
    sg[p] = sgh[p] = 0;
  if (s.width == 1) {
    column_sums(s, x, mean, inverse, gamma, gy, ggamma, gbeta, sg, sgh);
  } else {
    for (int64_t j = 0; j < s.rows; j++)
      for (int64_t p = 0; p < s.groups; p++) {
        const int64_t k = p * s.width, at = j * c + k;
        line_sums(s.width, mean[p], inverse[p], gamma + k, x + at, gy + at, ggamma + k, gbeta + k,
                  &sg[p], &sgh[p]);
      }
  }
  const double n = (double)(s.rows * s.width);
  for (int64_t p = 0; p < s.groups; p++) {
    sg[p] = kind == LDB_NORM_CENTRED ? sg[p] / n : 0;
    sgh[p] = kind == LDB_NORM_FIXED ? 0 : sgh[p] / n;
  }
  if (gx) input_gradient(s, x, mean, inverse, gamma, gy, gx, sg, sgh);
}

/* Elements of one outer part. */
static int64_t part_of(ldb_norm_split s) {
  return s.rows * s.groups * s.width;
}

/* gamma, beta and their gradients, and two sums a group; or what f32 wants */
size_t ldb_norm_scratch(ldb_dtype t, ldb_norm_split s) {
  if (t == LDB_F32) return ldb_norm_f32_doubles(s);
  return (size_t)(4 * s.groups * s.width + 2 * s.groups);
}

void ldb_norm_moments(ldb_team *team, ldb_dtype t, ldb_norm_split s, const void *x, double *mean,
                      double *variance, double *scratch) {
  if (t == LDB_F32)
    ldb_norm_moments_f32(team, s, LDB_NORM_CENTRED, x, mean, variance, scratch);
  else
    moments(s, true, x, mean, variance);
}

static const double *scale_of(const double *given, double neutral, int64_t n, double *room) {
  if (given) return given;
  for (int64_t i = 0; i < n; i++)
    room[i] = neutral;
  return room;
}

void ldb_norm_forward(ldb_team *team, ldb_dtype t, ldb_norm_split s, ldb_norm_kind kind, bool given,
                      double epsilon, const void *x, const void *gamma, const void *beta,
                      double *mean, double *inverse, void *y, double *scratch) {
  const int64_t n = s.groups * s.width;
  if (t == LDB_F32) {
    ldb_norm_forward_f32(team, s, kind, given, epsilon, x, gamma, beta, mean, inverse, y, scratch);
    return;
  }
  gamma = scale_of(gamma, 1, n, scratch);
  beta = scale_of(beta, 0, n, scratch + n);
  for (int64_t o = 0; o < s.outer; o++) {
    const int64_t at = o * part_of(s), k = o * s.groups;
    if (!given) moments(s, kind != LDB_NORM_RMS, (const double *)x + at, mean + k, inverse + k);
    for (int64_t p = k; p < k + s.groups; p++)
      inverse[p] = 1 / sqrt(inverse[p] + epsilon);
    apply(s, (const double *)x + at, mean + k, inverse + k, gamma, beta, (double *)y + at);
  }
}

void ldb_norm_backward(ldb_team *team, ldb_dtype t, ldb_norm_split s, ldb_norm_kind kind,
                       const void *x, const double *mean, const double *inverse, const void *gamma,
                       const void *gy, void *gx, void *ggamma, void *gbeta, double *scratch) {
  const int64_t n = s.groups * s.width;
  double *to_gamma = ggamma ? ggamma : scratch + n, *to_beta = gbeta ? gbeta : scratch + 2 * n;
  if (t == LDB_F32) {
    ldb_norm_backward_f32(team, s, kind, x, mean, inverse, gamma, gy, gx, ggamma, gbeta, scratch);
    return;
  }
  gamma = scale_of(gamma, 1, n, scratch);
  for (int64_t c = 0; c < n; c++)
    to_gamma[c] = to_beta[c] = 0;
  for (int64_t o = 0; o < s.outer; o++) {
    const int64_t at = o * part_of(s), k = o * s.groups;
    backward(s, kind, (const double *)x + at, mean + k, inverse + k, gamma, (const double *)gy + at,
             gx ? (double *)gx + at : NULL, to_gamma, to_beta, scratch + 4 * n);
  }
}
