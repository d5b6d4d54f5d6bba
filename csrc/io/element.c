#include "io/element.h"

#include <string.h>

ldb_dtype ldb_element_dtype(const ldb_element *t) {
  if (t->kind != LDB_REAL) return LDB_I32;
  return t->size == 4 ? LDB_F32 : LDB_F64;
}

static uint64_t read_bits(const ldb_element *t, const unsigned char *p) {
  uint64_t bits = 0;
  for (int i = 0; i < t->size; i++)
    bits = bits << 8 | p[t->big_endian ? i : t->size - 1 - i];
  return bits;
}

static double read_real(const ldb_element *t, uint64_t bits) {
  if (t->size == 4) {
    uint32_t word = (uint32_t)bits;
    float value = 0;
    memcpy(&value, &word, sizeof value);
    return (double)value;
  }
  double value = 0;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* Two's complement of t->size bytes, without relying on how casts to signed types wrap. */
static int64_t read_signed(const ldb_element *t, uint64_t bits) {
  uint64_t sign = (uint64_t)1 << (8 * t->size - 1);
  if ((bits & sign) == 0) return (int64_t)bits;
  return (int64_t)(bits & (sign - 1)) - (int64_t)(sign - 1) - 1;
}

static void store_real(ldb_view *out, int64_t at, double value) {
  if (out->dtype == LDB_F32) {
    ((float *)out->data)[at] = (float)value;
  } else {
    ((double *)out->data)[at] = value;
  }
}

static ldb_status store_integer(ldb_view *out, int64_t at, bool fits, int64_t value,
                                double as_double, ldb_error *e) {
  if (out->dtype != LDB_I32) {
    store_real(out, at, as_double);
    return LDB_OK;
  }
  if (!fits || value > INT32_MAX || value < INT32_MIN)
    return ldb_fail(e, LDB_RANGE, "element %lld is %.0f, which does not fit i32: ask for dtype f64",
                    (long long)at + 1, as_double);
  ((int32_t *)out->data)[at] = (int32_t)value;
  return LDB_OK;
}

ldb_status ldb_element_store(const ldb_element *t, const unsigned char *p, ldb_view *out,
                             int64_t at, ldb_error *e) {
  uint64_t bits = read_bits(t, p);
  switch (t->kind) {
  case LDB_REAL:
    if (out->dtype == LDB_I32)
      return ldb_fail(e, LDB_DTYPE, "the elements are f%d, which do not become i32 without loss",
                      8 * t->size);
    store_real(out, at, read_real(t, bits));
    return LDB_OK;
  case LDB_BOOLEAN:
    if (bits > 1)
      return ldb_fail(e, LDB_FORMAT, "element %lld is the byte %d, but a boolean is 0 or 1",
                      (long long)at + 1, (int)bits);
    return store_integer(out, at, true, (int64_t)bits, (double)bits, e);
  case LDB_UNSIGNED:
    return store_integer(out, at, bits <= INT32_MAX, (int64_t)(bits & INT32_MAX), (double)bits, e);
  case LDB_SIGNED:
    break;
  }
  int64_t value = read_signed(t, bits);
  return store_integer(out, at, true, value, (double)value, e);
}
