#include "train/batch.h"

#include <math.h>
#include <string.h>

static int64_t row_elements(const ldb_view *x) {
  int64_t n = 1;
  for (int k = 1; k < x->rank; k++)
    n *= x->shape[k];
  return n;
}

static double element(const ldb_view *x, int64_t i) {
  switch (x->dtype) {
  case LDB_F32:
    return (double)((const float *)x->data)[i];
  case LDB_I32:
    return (double)((const int32_t *)x->data)[i];
  default:
    return ((const double *)x->data)[i];
  }
}

ldb_status ldb_take_rows(const ldb_view *x, const ldb_view *ids, ldb_view *out, ldb_error *e) {
  const int32_t *id = ids->data;
  int64_t rows = x->shape[0], m = ids->shape[0];
  for (int64_t i = 0; i < m; i++) {
    if (id[i] < 0 || id[i] >= rows)
      return ldb_fail(e, LDB_RANGE, "row %lld of a data set of %lld rows (place %lld of the list)",
                      (long long)id[i] + 1, (long long)rows, (long long)i + 1);
  }
  size_t bytes = (size_t)row_elements(x) * ldb_dtype_size(x->dtype);
  const unsigned char *from = x->data;
  unsigned char *to = out->data;
  if (bytes == 0) return LDB_OK;
  for (int64_t i = 0; i < m; i++)
    memcpy(to + (size_t)i * bytes, from + (size_t)id[i] * bytes, bytes);
  return LDB_OK;
}

int64_t ldb_complete_rows(const ldb_view *x, int32_t *ids) {
  int64_t d = row_elements(x), found = 0;
  for (int64_t i = 0; i < x->shape[0]; i++) {
    bool complete = true;
    for (int64_t j = 0; complete && j < d; j++)
      complete = !isnan(element(x, i * d + j));
    if (!complete) continue;
    if (ids != NULL) ids[found] = (int32_t)i;
    found++;
  }
  return found;
}

static void add_to_column(double *column, double value) {
  if (isnan(value)) {
    column[LDB_COLUMN_MISSING]++;
  } else if (isinf(value)) {
    column[LDB_COLUMN_INFINITE]++;
  } else {
    column[LDB_COLUMN_MEAN] += value;
    if (value < column[LDB_COLUMN_MIN]) column[LDB_COLUMN_MIN] = value;
    if (value > column[LDB_COLUMN_MAX]) column[LDB_COLUMN_MAX] = value;
  }
}

void ldb_column_moments(const ldb_view *x, double *out) {
  int64_t n = x->shape[0], d = row_elements(x);
  for (int64_t j = 0; j < d; j++) {
    double *column = out + j * LDB_COLUMN_STATS;
    for (int k = 0; k < LDB_COLUMN_STATS; k++)
      column[k] = 0;
    column[LDB_COLUMN_MIN] = HUGE_VAL;
    column[LDB_COLUMN_MAX] = -HUGE_VAL;
  }
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j < d; j++)
      add_to_column(out + j * LDB_COLUMN_STATS, element(x, i * d + j));
  }
  for (int64_t j = 0; j < d; j++) {
    double *column = out + j * LDB_COLUMN_STATS;
    double finite = (double)n - column[LDB_COLUMN_MISSING] - column[LDB_COLUMN_INFINITE];
    if (finite > 0) column[LDB_COLUMN_MEAN] /= finite;
    if (finite == 0) column[LDB_COLUMN_MIN] = column[LDB_COLUMN_MAX] = 0;
  }
  for (int64_t i = 0; i < n; i++) {
    for (int64_t j = 0; j < d; j++) {
      double *column = out + j * LDB_COLUMN_STATS;
      double deviation = element(x, i * d + j) - column[LDB_COLUMN_MEAN];
      if (isfinite(deviation)) column[LDB_COLUMN_STD] += deviation * deviation;
    }
  }
  for (int64_t j = 0; j < d; j++) {
    double *column = out + j * LDB_COLUMN_STATS;
    double finite = (double)n - column[LDB_COLUMN_MISSING] - column[LDB_COLUMN_INFINITE];
    if (finite > 0) column[LDB_COLUMN_STD] = sqrt(column[LDB_COLUMN_STD] / finite);
  }
}
