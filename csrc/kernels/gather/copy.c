#include "kernels/gather/copy.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "kernels/elementwise/map_select.h"

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

/* To whole numbers, where a value that does not fit is clamped. */
static void clamp_view(const ldb_view *from, const ldb_view *to) {
  int64_t index[LDB_MAX_RANK] = {0};
  const int last = to->rank - 1;
  const int64_t width = to->rank ? to->shape[last] : 1;
  const int64_t sf = to->rank ? from->stride[last] : 0, st = to->rank ? to->stride[last] : 0;
  do {
    const int64_t of = row_offset(from, index), ot = row_offset(to, index);
    for (int64_t i = 0; i < width; i++)
      ldb_write(to, ot + i * st, ldb_read(from, of + i * sf));
  } while (next_row(to, index));
}

void ldb_copy_view(const ldb_view *from, const ldb_view *to) {
  const int64_t n = ldb_view_count(to);
  const ldb_view *const operands[] = {to, from};
  if (n == 0) return;
  if (from->dtype == to->dtype && ldb_view_is_contiguous(from) && ldb_view_is_contiguous(to))
    memcpy(to->data, from->data, (size_t)n * ldb_dtype_size(to->dtype));
  else if (to->dtype == LDB_I32 && from->dtype != LDB_I32)
    clamp_view(from, to);
  else
    ldb_walk(NULL, 2, operands, ldb_cast_loop(from->dtype, to->dtype), NULL);
}

void ldb_fill_view(const ldb_view *v, double value) {
  int64_t index[LDB_MAX_RANK] = {0};
  const int64_t n = ldb_view_count(v);
  if (n == 0) return;
  if (v->dtype == LDB_F32 && ldb_view_is_contiguous(v)) {
    float *x = v->data;
    const float f = (float)value;
    for (int64_t i = 0; i < n; i++)
      x[i] = f;
    return;
  }
  int last = v->rank - 1;
  int64_t width = v->rank ? v->shape[last] : 1, stride = v->rank ? v->stride[last] : 1;
  do {
    int64_t o = row_offset(v, index);
    for (int64_t i = 0; i < width; i++)
      ldb_write(v, o + i * stride, value);
  } while (next_row(v, index));
}

/* Bits without the sign, whose largest tells: those of infinity are above all finite ones', those
   of NaN above these. */
LDB_CLONES static bool dense_nonfinite_f32(const float *x, int64_t n) {
  uint32_t most = 0;
  for (int64_t i = 0; i < n; i++) {
    uint32_t u;
    memcpy(&u, &x[i], sizeof u);
    u &= 0x7FFFFFFFU;
    most = u > most ? u : most;
  }
  return most >= 0x7F800000U;
}

static bool row_nonfinite_f32(const float *x, int64_t stride, int64_t n) {
  bool found = false;
  if (stride == 1) return dense_nonfinite_f32(x, n);
  for (int64_t i = 0; i < n; i++)
    found |= !isfinite(x[i * stride]);
  return found;
}

static bool row_nonfinite_f64(const double *x, int64_t stride, int64_t n) {
  bool found = false;
  for (int64_t i = 0; i < n; i++)
    found |= !isfinite(x[i * stride]);
  return found;
}

bool ldb_has_nonfinite(const ldb_view *v) {
  int64_t index[LDB_MAX_RANK] = {0};
  const int64_t n = ldb_view_count(v);
  if (v->dtype == LDB_I32 || n == 0) return false;
  if (v->dtype == LDB_F32 && ldb_view_is_contiguous(v)) return dense_nonfinite_f32(v->data, n);
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
