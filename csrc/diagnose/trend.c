#include "diagnose/trend.h"

#include <math.h>

#include "diagnose/order.h"

static const double z_one_percent = 2.326, z_ninety_five = 1.645, z_power = 3.61;
static const double correlated = 0.3;
enum { FEWEST_AFTER_DOUBLING = 10 };

size_t ldb_trend_scratch(const ldb_trend_options *o) {
  return 2 * o->window + o->window * (o->window - 1) / 2;
}

/* Means of the last k blocks of b values; returns k. */
static size_t block_means(size_t n, const double *x, size_t b, size_t window, double *mean) {
  const size_t k = n / b < window ? n / b : window;
  const double *from = x + (n - k * b);
  for (size_t i = 0; i < k; i++) {
    double sum = 0.0;
    for (size_t j = 0; j < b; j++)
      sum += from[i * b + j];
    mean[i] = sum / (double)b;
  }
  return k;
}

/* All slopes, sorted, in slope; returns S. */
static double rank_test(size_t n, const double *x, double *slope) {
  double s = 0.0;
  size_t m = 0;
  for (size_t i = 0; i < n; i++)
    for (size_t j = i + 1; j < n; j++) {
      s += (double)((x[j] > x[i]) - (x[j] < x[i]));
      slope[m++] = (x[j] - x[i]) / (double)(j - i);
    }
  ldb_sort_numbers(m, slope);
  return s;
}

/* Var S with ties; sorted holds a sorted copy of the values. */
static double rank_variance(size_t n, const double *sorted) {
  const double d = (double)n;
  double v = d * (d - 1.0) * (2.0 * d + 5.0);
  for (size_t i = 0; i < n;) {
    size_t end = i + 1;
    while (end < n && sorted[end] <= sorted[i])
      end++;
    const double t = (double)(end - i);
    v -= t * (t - 1.0) * (2.0 * t + 5.0);
    i = end;
  }
  return v > 0.0 ? v / 18.0 : 0.0;
}

/* Standard deviation (n - 2 degrees of freedom) and lag-1 autocorrelation around the line. What is
   as small as rounding counts as none. */
static void residuals(size_t n, const double *x, double slope, double *copy, ldb_trend *out) {
  double square = 0.0, product = 0.0, mean = 0.0, largest = 0.0;
  for (size_t i = 0; i < n; i++)
    copy[i] = x[i] - slope * (double)i;
  for (size_t i = 0; i < n; i++)
    mean += copy[i] / (double)n;
  for (size_t i = 0; i < n; i++)
    largest = fmax(largest, fabs(x[i]));
  for (size_t i = 0; i < n; i++) {
    const double e = copy[i] - mean;
    square += e * e;
    if (i > 0) product += e * (copy[i - 1] - mean);
  }
  const double rounding = 1e-13 * largest;
  if (square <= (double)n * rounding * rounding) square = product = 0.0;
  out->block_sd = n > 2 ? sqrt(square / (double)(n - 2)) : 0.0;
  out->lag1 = square > 0.0 ? product / square : 0.0;
}

static double sorted_median(size_t n, const double *x) {
  return n % 2 == 1 ? x[n / 2] : x[n / 2 - 1] + (x[n / 2] - x[n / 2 - 1]) / 2.0;
}

/* One look with blocks of b steps. Fills everything but more_steps and the verdict. */
static void look(size_t n, const double *x, size_t b, const ldb_trend_options *o, double *scratch,
                 ldb_trend *out) {
  double *mean = scratch, *copy = scratch + o->window, *slope = scratch + 2 * o->window;
  const size_t k = block_means(n, x, b, o->window, mean), m = k * (k - 1) / 2;
  out->blocks = k;
  out->block = b;
  const double s = rank_test(k, mean, slope);
  const double sen = m > 0 ? sorted_median(m, slope) : 0.0;
  residuals(k, mean, sen, copy, out);
  out->mean = 0.0;
  for (size_t i = 0; i < k; i++) {
    copy[i] = mean[i];
    out->mean += mean[i] / (double)k;
  }
  ldb_sort_numbers(k, copy);
  out->lowest = copy[0];
  out->level = sorted_median(k, copy);
  const double variance = rank_variance(k, copy), root = sqrt(variance);
  out->z = variance > 0.0 ? (s - (double)((s > 0.0) - (s < 0.0))) / root : 0.0;
  const double r = out->lag1 > 0.0 ? fmin(out->lag1, 0.99) : 0.0;
  out->se = out->block_sd / sqrt((double)k) * sqrt((1.0 + r) / (1.0 - r));
  const double excess = out->level > o->floor ? out->level - o->floor : fabs(out->level);
  const double unit = excess > 0.0 ? excess : 1.0;
  const double place = ((double)m - z_ninety_five * root) / 2.0;
  const size_t at = place > 0.0 ? (size_t)place : 0;
  out->slope = sen / unit;
  out->fastest = m > 0 ? 0.0 - slope[at] / unit * o->per / (double)b : 0.0;
  out->stalled = out->fastest < o->delta;
  out->noise_cv = out->block_sd * sqrt((double)b) / unit;
}

static void judge(const ldb_trend_options *o, ldb_trend *out) {
  const double steps = (double)(out->blocks * out->block);
  out->more_steps = 0;
  if (out->blocks < LDB_TREND_LEAST) {
    out->verdict = LDB_TREND_UNDETERMINED;
    out->more_steps = (LDB_TREND_LEAST - out->blocks) * out->block;
  } else if (out->z < -z_one_percent) {
    out->verdict = LDB_TREND_DECREASING;
  } else if (out->z > z_one_percent) {
    out->verdict = LDB_TREND_INCREASING;
  } else if (out->stalled) {
    out->verdict = LDB_TREND_PLATEAU;
  } else {
    const double ratio = z_power * out->noise_cv * o->per / o->delta;
    const double wanted = ceil(cbrt(12.0 * ratio * ratio) - steps), least = (double)out->block;
    out->verdict = LDB_TREND_UNDETERMINED;
    out->more_steps = (size_t)fmin(fmax(wanted, least), 1e9);
  }
}

void ldb_trend_test(size_t n, const double *x, const ldb_trend_options *o, double *scratch,
                    ldb_trend *out) {
  size_t b = o->block;
  if (n / o->window < b) b = n / o->window > 0 ? n / o->window : 1;
  look(n, x, b, o, scratch, out);
  while (out->lag1 >= correlated && n / (2 * b) >= FEWEST_AFTER_DOUBLING) {
    b *= 2;
    look(n, x, b, o, scratch, out);
  }
  judge(o, out);
  out->first = x[0];
  out->last = x[n - 1];
  out->best = x[0];
  for (size_t i = 1; i < n; i++)
    if (x[i] < out->best) out->best = x[i];
}
