#include "diagnose/audit.h"

#include <math.h>

#include "diagnose/order.h"

ldb_nonfinite ldb_first_nonfinite(const ldb_rows *x) {
  ldb_nonfinite found = {0, 0, 0, 0.0};
  if (x->dtype == LDB_I32) return found;
  for (size_t i = 0; i < x->rows * x->columns; i++) {
    const double v = ldb_element(x->dtype, x->x, i);
    if (isfinite(v)) continue;
    if (found.count++ > 0) continue;
    found.row = i / x->columns;
    found.column = i % x->columns;
    found.value = v;
  }
  return found;
}

bool ldb_all_integral(const ldb_rows *x) {
  if (x->dtype == LDB_I32) return true;
  for (size_t i = 0; i < x->rows * x->columns; i++) {
    const double v = ldb_element(x->dtype, x->x, i);
    if (isfinite(v) && (floor(v) < v)) return false;
  }
  return true;
}

bool ldb_rows_identical(const ldb_rows *x) {
  if (x->rows < 2) return false;
  for (size_t r = 1; r < x->rows; r++)
    for (size_t j = 0; j < x->columns; j++) {
      const double a = ldb_element(x->dtype, x->x, j);
      const double b = ldb_element(x->dtype, x->x, r * x->columns + j);
      if (a < b || a > b || isnan(a) != isnan(b)) return false;
    }
  return true;
}

static double std_of(const ldb_columns *c, size_t j) {
  return c->count[j] > 0.0 ? sqrt(c->m2[j] / c->count[j]) : 0.0;
}

bool ldb_column_is_constant(const ldb_columns *c, size_t j) {
  return !(c->min[j] < c->max[j]) || std_of(c, j) <= 1e-6 * fabs(c->mean[j]);
}

void ldb_feature_summary(const ldb_columns *c, size_t columns, double *scratch, ldb_features *out) {
  double low = (double)INFINITY, high = 0.0, top = 0.0;
  size_t varying = 0, offset = 0;
  out->constant = out->largest = 0;
  out->max_abs = (double)NAN;
  for (size_t j = 0; j < columns; j++) {
    const double std = std_of(c, j), most = fmax(fabs(c->min[j]), fabs(c->max[j]));
    if (!(most <= out->max_abs) && !isnan(most)) {
      out->max_abs = most;
      out->largest = j;
    }
    if (ldb_column_is_constant(c, j)) {
      out->constant++;
      continue;
    }
    low = fmin(low, std);
    high = fmax(high, std);
    offset += (size_t)(fabs(c->mean[j]) > 2.0 * std);
    scratch[varying] = std * std + c->mean[j] * c->mean[j];
    top = fmax(top, scratch[varying++]);
  }
  out->disparity = out->kappa = out->offset_share = (double)NAN;
  if (varying == 0) return;
  out->disparity = high / low;
  out->kappa = top / ldb_median(varying, scratch);
  out->offset_share = (double)offset / (double)varying;
}

void ldb_feature_shift(const ldb_columns *a, const ldb_columns *b, size_t columns, ldb_shift *out) {
  size_t compared = 0, bad = 0;
  out->mean_shift = out->sd_ratio_bad_share = (double)NAN;
  out->column = 0;
  for (size_t j = 0; j < columns; j++) {
    if (ldb_column_is_constant(a, j) || ldb_column_is_constant(b, j)) continue;
    const double sa = std_of(a, j), sb = std_of(b, j), ratio = sb / sa;
    /* Both deviations: a feature that is almost always zero may be so in one part by chance. */
    const double shift = fabs(a->mean[j] - b->mean[j]) / sqrt((sa * sa + sb * sb) / 2.0);
    compared++;
    bad += (size_t)(ratio < 0.5 || ratio > 2.0);
    if (!(shift <= out->mean_shift)) {
      out->mean_shift = shift;
      out->column = j;
    }
  }
  if (compared > 0) out->sd_ratio_bad_share = (double)bad / (double)compared;
}

size_t ldb_distinct(size_t n, const double *y, double *value, uint32_t *count) {
  size_t k = 0;
  for (size_t i = 0; i < n; i++)
    value[i] = y[i];
  ldb_sort_numbers(n, value);
  for (size_t i = 0; i < n; i++) {
    if (k > 0 && value[i] <= value[k - 1]) {
      count[k - 1]++;
    } else {
      value[k] = value[i];
      count[k++] = 1;
    }
  }
  return k;
}

size_t ldb_place_of(size_t k, const double *value, double v) {
  size_t low = 0, high = k;
  while (low + 1 < high) {
    const size_t middle = low + (high - low) / 2;
    if (value[middle] <= v)
      low = middle;
    else
      high = middle;
  }
  return low;
}

double ldb_runs_z(size_t n, size_t runs, size_t k, const uint32_t *count) {
  const double d = (double)n;
  double s = 0.0, c = 0.0;
  if (n < 2) return 0.0;
  for (size_t i = 0; i < k; i++) {
    const double m = (double)count[i];
    s += m * m;
    c += m * m * m;
  }
  const double expected = (d * (d + 1.0) - s) / d;
  const double variance = (s * (s + d * (d + 1.0)) - 2.0 * d * c - d * d * d) / (d * d * (d - 1.0));
  return variance > 0.0 ? ((double)runs - expected) / sqrt(variance) : 0.0;
}

double ldb_median_runs_z(size_t n, const double *y, double median) {
  uint32_t count[2] = {0, 0};
  size_t runs = 0;
  int side = -1;
  for (size_t i = 0; i < n; i++) {
    if (!(y[i] < median) && !(y[i] > median)) continue;
    const int now = y[i] > median;
    runs += (size_t)(now != side);
    side = now;
    count[now]++;
  }
  return ldb_runs_z((size_t)count[0] + count[1], runs, 2, count);
}
