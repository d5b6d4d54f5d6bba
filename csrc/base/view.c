#include "base/view.h"

#include <stdio.h>
#include <string.h>

static const size_t dtype_sizes[LDB_DTYPE_COUNT] = {sizeof(float), sizeof(double), sizeof(int32_t)};
static const char *const dtype_names[LDB_DTYPE_COUNT] = {"f32", "f64", "i32"};

size_t ldb_dtype_size(ldb_dtype t) {
  return dtype_sizes[t];
}

const char *ldb_dtype_name(ldb_dtype t) {
  return dtype_names[t];
}

bool ldb_dtype_parse(const char *s, ldb_dtype *t) {
  for (int i = 0; i < LDB_DTYPE_COUNT; i++) {
    if (strcmp(s, dtype_names[i]) == 0) {
      *t = (ldb_dtype)i;
      return true;
    }
  }
  return false;
}

bool ldb_mul_size(size_t a, size_t b, size_t *out) {
  if (b != 0 && a > SIZE_MAX / b) return false;
  *out = a * b;
  return true;
}

bool ldb_add_size(size_t a, size_t b, size_t *out) {
  if (a > SIZE_MAX - b) return false;
  *out = a + b;
  return true;
}

int64_t ldb_view_count(const ldb_view *v) {
  int64_t n = 1;
  for (int i = 0; i < v->rank; i++)
    n *= v->shape[i];
  return n;
}

bool ldb_view_is_contiguous(const ldb_view *v) {
  int64_t expected = 1;
  for (int i = v->rank - 1; i >= 0; i--) {
    if (v->shape[i] == 0) return true;
    if (v->shape[i] != 1 && v->stride[i] != expected) return false;
    expected *= v->shape[i];
  }
  return true;
}

bool ldb_same_shape(const ldb_view *a, const ldb_view *b) {
  if (a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++)
    if (a->shape[i] != b->shape[i]) return false;
  return true;
}

ldb_status ldb_view_init(ldb_view *v, ldb_dtype t, int rank, const int64_t *shape, ldb_error *e) {
  if (rank < 0 || rank > LDB_MAX_RANK)
    return ldb_fail(e, LDB_SHAPE, "rank %d is outside 0..%d", rank, (int)LDB_MAX_RANK);
  size_t bytes = dtype_sizes[t];
  bool empty = false;
  for (int i = 0; i < rank; i++) {
    if (shape[i] < 0)
      return ldb_fail(e, LDB_SHAPE, "size %lld of axis %d is negative", (long long)shape[i], i + 1);
    if (shape[i] == 0) empty = true;
  }
  for (int i = 0; i < rank; i++) {
    /* an empty axis makes no other axis legal: views and strides still count with it */
    if (shape[i] != 0 && (!ldb_mul_size(bytes, (size_t)shape[i], &bytes) || bytes > INT64_MAX))
      return ldb_fail(e, LDB_OVERFLOW, "%s elements of shape with axis %d of %lld do not fit%s",
                      dtype_names[t], i + 1, (long long)shape[i],
                      empty ? " (even though another axis is 0)" : " into memory");
  }
  v->data = NULL;
  v->dtype = t;
  v->rank = rank;
  int64_t stride = 1;
  for (int i = rank - 1; i >= 0; i--) {
    v->shape[i] = shape[i];
    v->stride[i] = stride;
    stride *= shape[i] > 0 ? shape[i] : 1;
  }
  return LDB_OK;
}

ldb_status ldb_view_bytes(const ldb_view *v, size_t *bytes, ldb_error *e) {
  size_t n = dtype_sizes[v->dtype];
  for (int i = 0; i < v->rank; i++)
    if (!ldb_mul_size(n, (size_t)v->shape[i], &n))
      return ldb_fail(e, LDB_OVERFLOW, "the tensor's bytes cannot be counted");
  *bytes = n;
  return LDB_OK;
}

ldb_status ldb_broadcast_shape(const char *name, const ldb_view *a, const ldb_view *b,
                               ldb_view *out, ldb_error *e) {
  int rank = a->rank > b->rank ? a->rank : b->rank;
  int64_t shape[LDB_MAX_RANK];
  for (int i = 0; i < rank; i++) {
    int ia = i - (rank - a->rank), ib = i - (rank - b->rank);
    int64_t na = ia < 0 ? 1 : a->shape[ia], nb = ib < 0 ? 1 : b->shape[ib];
    if (na != nb && na != 1 && nb != 1) {
      char ta[LDB_SHAPE_TEXT], tb[LDB_SHAPE_TEXT];
      return ldb_fail(e, LDB_SHAPE,
                      "%s%sshapes %s and %s do not broadcast (axis %d: %lld against %lld)",
                      name ? name : "", name ? ": " : "", ldb_shape_text(a, ta),
                      ldb_shape_text(b, tb), i + 1, (long long)na, (long long)nb);
    }
    shape[i] = na == 1 ? nb : na;
  }
  void *data = out->data;
  ldb_dtype t = out->dtype;
  ldb_status s = ldb_view_init(out, LDB_F64, rank, shape, e);
  out->data = data;
  out->dtype = t;
  return s;
}

ldb_view ldb_broadcast_to(const ldb_view *v, const ldb_view *target) {
  ldb_view r = *v;
  int shift = target->rank - v->rank;
  r.rank = target->rank;
  for (int i = 0; i < target->rank; i++) {
    int j = i - shift;
    r.shape[i] = target->shape[i];
    r.stride[i] = j < 0 || v->shape[j] == 1 ? 0 : v->stride[j];
  }
  return r;
}

const char *ldb_shape_text(const ldb_view *v, char buf[LDB_SHAPE_TEXT]) {
  size_t used = 1;
  buf[0] = '[';
  for (int i = 0; i < v->rank && used < LDB_SHAPE_TEXT - 2; i++) {
    int n = snprintf(buf + used, LDB_SHAPE_TEXT - 1 - used, i ? " x %lld" : "%lld",
                     (long long)v->shape[i]);
    if (n < 0) break;
    used += (size_t)n;
    if (used > LDB_SHAPE_TEXT - 2) used = LDB_SHAPE_TEXT - 2;
  }
  buf[used] = ']';
  buf[used + 1] = '\0';
  return buf;
}
