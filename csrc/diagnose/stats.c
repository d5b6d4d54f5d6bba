#include "diagnose/stats.h"

#include <float.h>
#include <math.h>

enum { CHUNK = 512, LANES = 8 };

double ldb_element(ldb_dtype dtype, const void *x, size_t i) {
  switch (dtype) {
  case LDB_F32:
    return (double)((const float *)x)[i];
  case LDB_F64:
    return ((const double *)x)[i];
  default:
    return (double)((const int32_t *)x)[i];
  }
}

static void to_double(ldb_dtype dtype, size_t n, const void *x, size_t from, double *out) {
  const float *narrow = x;
  const double *wide = x;
  const int32_t *whole = x;
  if (dtype == LDB_F32) {
    for (size_t i = 0; i < n; i++)
      out[i] = (double)narrow[from + i];
  } else if (dtype == LDB_F64) {
    for (size_t i = 0; i < n; i++)
      out[i] = wide[from + i];
  } else {
    for (size_t i = 0; i < n; i++)
      out[i] = (double)whole[from + i];
  }
}

static double fold(const double lane[LANES]) {
  return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

static double sum_around(size_t n, const double *x, double center, bool square) {
  double lane[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (size_t l = 0; l < LANES; l++) {
      const double d = x[i + l] - center;
      lane[l] += square ? d * d : d;
    }
  for (size_t l = 0; i < n; i++, l++) {
    const double d = x[i] - center;
    lane[l] += square ? d * d : d;
  }
  return fold(lane);
}

/* Drops what is not finite from x and counts it; returns how many remain. */
static size_t keep_finite(size_t n, double *x, ldb_stats *s) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    if (isfinite(x[i]))
      x[kept++] = x[i];
    else if (isnan(x[i]))
      s->nan++;
    else if (x[i] > 0.0)
      s->plus_inf++;
    else
      s->minus_inf++;
  }
  return kept;
}

static void merge(ldb_stats *s, size_t n, const double *x) {
  const double before = (double)s->finite, added = (double)n, total = before + added;
  double low = x[0], high = x[0];
  uint64_t zeros = 0;
  for (size_t i = 0; i < n; i++) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
    zeros += (uint64_t)(x[i] == 0.0);
  }
  const double mean = x[0] + sum_around(n, x, x[0], false) / added;
  const double shift = mean - s->mean;
  s->m2 += sum_around(n, x, mean, true) + shift * shift * before * added / total;
  s->mean += shift * added / total;
  s->finite += (uint64_t)n;
  s->zeros += zeros;
  if (!(low >= s->min)) s->min = low;
  if (!(high <= s->max)) s->max = high;
}

void ldb_stats_scan(ldb_dtype dtype, size_t n, const void *x, ldb_stats *out) {
  const ldb_stats empty = {0};
  *out = empty;
  out->count = (uint64_t)n;
  out->min = out->max = (double)NAN;
  for (size_t at = 0; at < n; at += CHUNK) {
    double chunk[CHUNK];
    size_t m = n - at < CHUNK ? n - at : CHUNK;
    to_double(dtype, m, x, at, chunk);
    double broken = 0.0; /* x * 0 is NaN for NaN and infinity, else 0 */
    for (size_t i = 0; i < m; i++)
      broken += chunk[i] * 0.0;
    if (isnan(broken)) m = keep_finite(m, chunk, out);
    if (m > 0) merge(out, m, chunk);
  }
}

double ldb_stats_std(const ldb_stats *s) {
  return s->finite > 0 ? sqrt(s->m2 / (double)s->finite) : (double)NAN;
}

double ldb_stats_sum_sq(const ldb_stats *s) {
  return s->m2 + s->mean * s->mean * (double)s->finite;
}

double ldb_stats_rms(const ldb_stats *s) {
  return s->finite > 0 ? sqrt(s->m2 / (double)s->finite + s->mean * s->mean) : (double)NAN;
}

void ldb_unit_active(ldb_dtype dtype, size_t rows, size_t units, const void *x, double threshold,
                     uint32_t *counts) {
  for (size_t u = 0; u < units; u++)
    counts[u] = 0;
  for (size_t r = 0; r < rows; r++) {
    if (dtype == LDB_F32) {
      const float *row = (const float *)x + r * units, limit = (float)threshold;
      for (size_t u = 0; u < units; u++)
        counts[u] += (uint32_t)(row[u] > limit);
    } else {
      for (size_t u = 0; u < units; u++)
        counts[u] += (uint32_t)(ldb_element(dtype, x, r * units + u) > threshold);
    }
  }
}

void ldb_unit_saturated(ldb_dtype dtype, size_t rows, size_t units, const void *x, double low,
                        double high, uint32_t *counts) {
  for (size_t u = 0; u < units; u++)
    counts[u] = 0;
  for (size_t r = 0; r < rows; r++)
    for (size_t u = 0; u < units; u++) {
      const double v = ldb_element(dtype, x, r * units + u);
      counts[u] += (uint32_t)(v <= low || v >= high);
    }
}

/* Adds one row to the columns' counts, sums of (v - shift), and extremes. shift is in m2. */
static void add_row(size_t n, const double *v, ldb_columns *c, size_t at) {
  double *restrict count = c->count + at, *restrict mean = c->mean + at;
  double *restrict shift = c->m2 + at, *restrict low = c->min + at, *restrict high = c->max + at;
  for (size_t j = 0; j < n; j++) {
    const bool finite = fabs(v[j]) <= DBL_MAX;
    count[j] += finite ? 1.0 : 0.0;
    mean[j] += finite ? v[j] - shift[j] : 0.0;
    low[j] = finite && v[j] < low[j] ? v[j] : low[j];
    high[j] = finite && v[j] > high[j] ? v[j] : high[j];
  }
}

static void add_squares(size_t n, const double *v, ldb_columns *c, size_t at) {
  double *restrict m2 = c->m2 + at;
  const double *restrict mean = c->mean + at;
  for (size_t j = 0; j < n; j++) {
    const double d = fabs(v[j]) <= DBL_MAX ? v[j] - mean[j] : 0.0;
    m2[j] += d * d;
  }
}

typedef void add_chunk(size_t n, const double *v, ldb_columns *c, size_t at);

static void over_rows(ldb_dtype dtype, size_t rows, size_t columns, const void *x, ldb_columns *out,
                      add_chunk *add) {
  for (size_t r = 0; r < rows; r++)
    for (size_t at = 0; at < columns; at += CHUNK) {
      double chunk[CHUNK];
      const size_t m = columns - at < CHUNK ? columns - at : CHUNK;
      to_double(dtype, m, x, r * columns + at, chunk);
      add(m, chunk, out, at);
    }
}

void ldb_column_stats(ldb_dtype dtype, size_t rows, size_t columns, const void *x,
                      ldb_columns *out) {
  for (size_t j = 0; j < columns; j++) {
    const double first = rows > 0 ? ldb_element(dtype, x, j) : 0.0;
    out->count[j] = out->mean[j] = 0.0;
    out->m2[j] = isfinite(first) ? first : 0.0; /* keeps the sums small until the mean is known */
    out->min[j] = (double)INFINITY;
    out->max[j] = -(double)INFINITY;
  }
  over_rows(dtype, rows, columns, x, out, add_row);
  for (size_t j = 0; j < columns; j++) {
    const bool any = out->count[j] > 0.0;
    out->mean[j] = any ? out->m2[j] + out->mean[j] / out->count[j] : 0.0;
    out->m2[j] = 0.0;
    if (!any) out->min[j] = out->max[j] = (double)NAN;
  }
  over_rows(dtype, rows, columns, x, out, add_squares);
}

void ldb_row_sums(ldb_dtype dtype, size_t rows, size_t columns, const void *x, double *min,
                  double *max) {
  *min = *max = (double)NAN;
  for (size_t r = 0; r < rows; r++) {
    double sum = 0.0;
    for (size_t j = 0; j < columns; j++)
      sum += ldb_element(dtype, x, r * columns + j);
    if (!isfinite(sum)) {
      *min = *max = (double)NAN;
      return;
    }
    if (!(sum >= *min)) *min = sum;
    if (!(sum <= *max)) *max = sum;
  }
}

bool ldb_units_equal(ldb_dtype dtype, size_t inputs, size_t units, const void *w,
                     double tolerance) {
  double largest = 0.0, difference = 0.0;
  if (units < 2) return false;
  for (size_t i = 0; i < inputs; i++) {
    const double first = ldb_element(dtype, w, i * units);
    for (size_t u = 0; u < units; u++) {
      const double v = ldb_element(dtype, w, i * units + u);
      if (!isfinite(v)) return false;
      largest = fmax(largest, fabs(v));
      difference = fmax(difference, fabs(v - first));
    }
  }
  return difference <= tolerance * largest;
}
