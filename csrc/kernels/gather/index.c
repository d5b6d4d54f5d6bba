#include "kernels/gather/index.h"

#include <math.h>

static double value_at(const ldb_view *ids, int64_t at) {
  if (ids->dtype == LDB_F32) return (double)((const float *)ids->data)[at];
  if (ids->dtype == LDB_F64) return ((const double *)ids->data)[at];
  return (double)((const int32_t *)ids->data)[at];
}

/* False for NaN, fractions, and magnitudes beyond exact whole numbers. */
static bool is_whole(double v) {
  return fabs(v) <= 9007199254740992.0 && v == floor(v);
}

ldb_status ldb_read_position(const ldb_view *ids, int64_t at, int64_t n, int64_t *to,
                             ldb_error *e) {
  const double v = value_at(ids, at);
  if (!is_whole(v))
    return ldb_fail(e, LDB_VALUE, "index %lld is %g, not a whole number", (long long)at + 1, v);
  const int64_t i = (int64_t)v;
  *to = i < 0 ? i + n : i - 1;
  if (*to >= 0 && *to < n) return LDB_OK;
  if (n == 0)
    return ldb_fail(e, LDB_RANGE, "index %lld at position %lld: the axis is empty", (long long)i,
                    (long long)at + 1);
  return ldb_fail(e, LDB_RANGE, "index %lld at position %lld is outside 1..%lld%s", (long long)i,
                  (long long)at + 1, (long long)n, i == 0 ? " (indices are 1-based)" : "");
}

static ldb_status bad_label(const ldb_view *ids, int64_t at, int64_t classes, ldb_error *e) {
  const int64_t n = ldb_view_count(ids);
  const double v = value_at(ids, at);
  double least = v, most = v;
  if (!is_whole(v))
    return ldb_fail(e, LDB_VALUE,
                    "label %g in row %lld is not a whole number (class ids are "
                    "0..%lld)",
                    v, (long long)at + 1, (long long)classes - 1);
  for (int64_t i = 0; i < n; i++) {
    const double w = value_at(ids, i);
    if (w < least) least = w;
    if (w > most) most = w;
  }
  return ldb_fail(e, LDB_RANGE, "label %lld in row %lld is outside 0..%lld%s", (long long)v,
                  (long long)at + 1, (long long)classes - 1,
                  least >= 1 && most == (double)classes ? " (labels look 1-based: subtract 1)"
                                                        : "");
}

ldb_status ldb_check_labels(const ldb_view *ids, int64_t classes, ldb_error *e) {
  const int64_t n = ldb_view_count(ids);
  for (int64_t i = 0; i < n; i++) {
    const double v = value_at(ids, i);
    if (!is_whole(v) || v < 0 || v >= (double)classes) return bad_label(ids, i, classes, e);
  }
  return LDB_OK;
}

int64_t ldb_label(const ldb_view *ids, int64_t at) {
  return (int64_t)value_at(ids, at);
}

void ldb_add_row(ldb_dtype t, int64_t n, const void *from, int64_t from_at, void *to,
                 int64_t to_at) {
  if (t == LDB_F32) {
    const float *f = (const float *)from + from_at;
    float *d = (float *)to + to_at;
    for (int64_t i = 0; i < n; i++)
      d[i] += f[i];
  } else if (t == LDB_F64) {
    const double *f = (const double *)from + from_at;
    double *d = (double *)to + to_at;
    for (int64_t i = 0; i < n; i++)
      d[i] += f[i];
  } else {
    const int32_t *f = (const int32_t *)from + from_at;
    int32_t *d = (int32_t *)to + to_at;
    for (int64_t i = 0; i < n; i++)
      d[i] += f[i];
  }
}
