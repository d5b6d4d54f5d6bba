#include "kernels/copy.h"

#include <math.h>
#include <string.h>

double ldb_read(const ldb_view *v, int64_t o) {
  switch (v->dtype) {
  case LDB_F32:
    return (double)((const float *)v->data)[o];
  case LDB_F64:
    return ((const double *)v->data)[o];
  default:
    return (double)((const int32_t *)v->data)[o];
  }
}

static int32_t to_i32(double x) {
  if (!(x > -2147483649.0)) return INT32_MIN; /* NaN as well */
  if (x >= 2147483648.0) return INT32_MAX;
  return (int32_t)x;
}

void ldb_write(const ldb_view *v, int64_t o, double value) {
  switch (v->dtype) {
  case LDB_F32:
    ((float *)v->data)[o] = (float)value;
    break;
  case LDB_F64:
    ((double *)v->data)[o] = value;
    break;
  default:
    ((int32_t *)v->data)[o] = to_i32(value);
    break;
  }
}

/* The innermost axis, strides sf and st. */
static void copy_row(const ldb_view *from, int64_t of, int64_t sf, const ldb_view *to, int64_t ot,
                     int64_t st, int64_t n) {
  if (from->dtype == to->dtype && sf == 1 && st == 1) {
    size_t size = ldb_dtype_size(to->dtype);
    memcpy((char *)to->data + (size_t)ot * size, (const char *)from->data + (size_t)of * size,
           (size_t)n * size);
    return;
  }
  if (from->dtype == LDB_F32 && to->dtype == LDB_F32) {
    const float *f = (const float *)from->data + of;
    float *t = (float *)to->data + ot;
    for (int64_t i = 0; i < n; i++)
      t[i * st] = f[i * sf];
    return;
  }
  for (int64_t i = 0; i < n; i++)
    ldb_write(to, ot + i * st, ldb_read(from, of + i * sf));
}

/* Steps index over the axes 0..rank-2; false after the last one. */
static bool next_row(const ldb_view *v, int64_t *index) {
  for (int i = v->rank - 2; i >= 0; i--) {
    if (++index[i] < v->shape[i]) return true;
    index[i] = 0;
  }
  return false;
}

static int64_t row_offset(const ldb_view *v, const int64_t *index) {
  int64_t o = 0;
  for (int i = 0; i < v->rank - 1; i++)
    o += index[i] * v->stride[i];
  return o;
}

void ldb_copy_view(const ldb_view *from, const ldb_view *to) {
  int64_t index[LDB_MAX_RANK] = {0};
  int64_t n = ldb_view_count(to);
  if (n == 0) return;
  if (ldb_view_is_contiguous(from) && ldb_view_is_contiguous(to)) {
    copy_row(from, 0, 1, to, 0, 1, n);
    return;
  }
  int last = to->rank - 1;
  do {
    copy_row(from, row_offset(from, index), from->stride[last], to, row_offset(to, index),
             to->stride[last], to->shape[last]);
  } while (next_row(to, index));
}

void ldb_fill_view(const ldb_view *v, double value) {
  int64_t index[LDB_MAX_RANK] = {0};
  int64_t n = ldb_view_count(v);
  if (n == 0) return;
  int last = v->rank - 1;
  int64_t width = v->rank ? v->shape[last] : 1, stride = v->rank ? v->stride[last] : 1;
  do {
    int64_t o = row_offset(v, index);
    for (int64_t i = 0; i < width; i++)
      ldb_write(v, o + i * stride, value);
  } while (next_row(v, index));
}

/* x - x is 0 for finite x and NaN otherwise, so one sum finds any without a branch. */
static bool row_nonfinite_f32(const float *x, int64_t stride, int64_t n) {
  float sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += x[i * stride] - x[i * stride];
  return sum != 0 || isnan(sum);
}

static bool row_nonfinite_f64(const double *x, int64_t stride, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; i++)
    sum += x[i * stride] - x[i * stride];
  return sum != 0 || isnan(sum);
}

bool ldb_has_nonfinite(const ldb_view *v) {
  int64_t index[LDB_MAX_RANK] = {0};
  if (v->dtype == LDB_I32 || ldb_view_count(v) == 0) return false;
  int last = v->rank - 1;
  int64_t width = v->rank ? v->shape[last] : 1, stride = v->rank ? v->stride[last] : 1;
  do {
    int64_t o = row_offset(v, index);
    bool found = v->dtype == LDB_F32
                     ? row_nonfinite_f32((const float *)v->data + o, stride, width)
                     : row_nonfinite_f64((const double *)v->data + o, stride, width);
    if (found) return true;
  } while (next_row(v, index));
  return false;
}
