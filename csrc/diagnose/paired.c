#include "diagnose/paired.h"

#include <math.h>

/* Continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), evaluated by
   Lentz's method; converges fast for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x) {
  const double tiny = 1e-300;
  double c = 1.0, d = 1.0 - (a + b) * x / (a + 1.0);
  d = 1.0 / (fabs(d) < tiny ? tiny : d);
  double h = d;
  for (int m = 1; m <= 500; m++) {
    const double k = (double)m;
    const double even = k * (b - k) * x / ((a + 2.0 * k - 1.0) * (a + 2.0 * k));
    const double odd = -(a + k) * (a + b + k) * x / ((a + 2.0 * k) * (a + 2.0 * k + 1.0));
    d = 1.0 + even * d;
    c = 1.0 + even / c;
    d = 1.0 / (fabs(d) < tiny ? tiny : d);
    c = fabs(c) < tiny ? tiny : c;
    h *= d * c;
    d = 1.0 + odd * d;
    c = 1.0 + odd / c;
    d = 1.0 / (fabs(d) < tiny ? tiny : d);
    c = fabs(c) < tiny ? tiny : c;
    h *= d * c;
    if (fabs(d * c - 1.0) < 1e-15) break;
  }
  return h;
}

/* ln Gamma(x) for x > 0: Stirling's series after shifting x above 10. lgamma writes a global. */
static double log_gamma(double x) {
  double shift = 0.0;
  for (; x < 10.0; x += 1.0)
    shift += log(x);
  const double y = 1.0 / (x * x);
  const double series = (1.0 / 12.0 - y * (1.0 / 360.0 - y * (1.0 / 1260.0 - y / 1680.0))) / x;
  return (x - 0.5) * log(x) - x + 0.91893853320467274178 + series - shift;
}

static double incomplete_beta(double a, double b, double x) {
  if (x <= 0.0) return 0.0;
  if (x >= 1.0) return 1.0;
  const double front =
      exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
  if (x < (a + 1.0) / (a + b + 2.0)) return front * beta_fraction(a, b, x) / a;
  return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b;
}

double ldb_student_p(double t, double df) {
  if (isnan(t) || !(df > 0.0)) return (double)NAN;
  if (isinf(t)) return 0.0;
  return incomplete_beta(df / 2.0, 0.5, df / (df + t * t));
}

double ldb_normal_cdf(double z) {
  return 0.5 * erfc(-z * 0.70710678118654752440);
}

void ldb_paired_t(size_t n, const double *a, const double *b, ldb_paired *out) {
  double mean = 0.0, square = 0.0;
  for (size_t i = 0; i < n; i++) { /* Welford */
    const double d = a[i] - b[i], step = d - mean;
    mean += step / (double)(i + 1);
    square += step * (d - mean);
  }
  out->n = n;
  out->mean = n > 0 ? mean : (double)NAN;
  out->sd = n > 1 ? sqrt(square / (double)(n - 1)) : (double)NAN;
  out->t = out->p = (double)NAN;
  if (n < 2) return;
  if (out->sd > 0.0 || isnan(out->sd))
    out->t = mean / (out->sd / sqrt((double)n));
  else
    out->t = mean < 0.0 || mean > 0.0 ? copysign((double)INFINITY, mean) : 0.0;
  out->p = ldb_student_p(out->t, (double)(n - 1));
}

/* P(X >= k) for X ~ Binomial(n, 1/2). */
static double binomial_tail(size_t n, size_t k) {
  if (k == 0) return 1.0;
  return incomplete_beta((double)k, (double)(n - k) + 1.0, 0.5);
}

void ldb_sign_test(size_t n, const double *a, const double *b, ldb_signs *out) {
  out->negative = out->positive = out->ties = 0;
  for (size_t i = 0; i < n; i++) {
    if (a[i] < b[i])
      out->negative++;
    else if (a[i] > b[i])
      out->positive++;
    else
      out->ties++;
  }
  const size_t m = out->negative + out->positive;
  const size_t more = out->negative > out->positive ? out->negative : out->positive;
  out->p_less = binomial_tail(m, out->negative);
  out->p_two_sided = fmin(1.0, 2.0 * binomial_tail(m, more));
}

/* Mean ranks 1 .. n: 1 + #smaller + (#equal - 1) / 2, by counting: n is a number of runs or of
   sampled steps. */
static void mean_ranks(size_t n, const double *x, double *rank) {
  for (size_t i = 0; i < n; i++) {
    size_t smaller = 0, equal = 0;
    for (size_t j = 0; j < n; j++) {
      smaller += (size_t)(x[j] < x[i]);
      equal += (size_t)(!(x[j] < x[i]) && !(x[j] > x[i]));
    }
    rank[i] = 1.0 + (double)smaller + ((double)equal - 1.0) / 2.0;
  }
}

double ldb_spearman(size_t n, const double *a, const double *b, double *scratch) {
  double *x = scratch, *y = scratch + n, xy = 0.0, xx = 0.0, yy = 0.0;
  if (n < 2) return (double)NAN;
  mean_ranks(n, a, x);
  mean_ranks(n, b, y);
  const double center = ((double)n + 1.0) / 2.0;
  for (size_t i = 0; i < n; i++) {
    xy += (x[i] - center) * (y[i] - center);
    xx += (x[i] - center) * (x[i] - center);
    yy += (y[i] - center) * (y[i] - center);
  }
  return xx > 0.0 && yy > 0.0 ? xy / sqrt(xx * yy) : (double)NAN;
}
