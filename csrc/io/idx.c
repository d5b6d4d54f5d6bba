#include "io/idx.h"

#include "io/element.h"

enum { HEADER_BYTES = 4, SIZE_BYTES = 4 };

/* false when the code is not one of the six */
static bool element_of(unsigned char type, ldb_element *out) {
  *out = (ldb_element){.kind = LDB_SIGNED, .size = 1, .big_endian = true};
  switch (type) {
  case 0x08:
    out->kind = LDB_UNSIGNED;
    return true;
  case 0x09:
    return true;
  case 0x0B:
    out->size = 2;
    return true;
  case 0x0C:
    out->size = 4;
    return true;
  case 0x0D:
    out->kind = LDB_REAL;
    out->size = 4;
    return true;
  case 0x0E:
    out->kind = LDB_REAL;
    out->size = 8;
    return true;
  default:
    return false;
  }
}

static ldb_status check_magic(const unsigned char *bytes, size_t n, ldb_element *element,
                              ldb_error *e) {
  if (n >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B)
    return ldb_fail(e, LDB_FORMAT, "this is a gzip file: unpack it first (gunzip)");
  if (n < HEADER_BYTES)
    return ldb_fail(e, LDB_FORMAT, "cut short: an IDX header has %d bytes, got %llu",
                    (int)HEADER_BYTES, (unsigned long long)n);
  if (bytes[0] != 0 || bytes[1] != 0)
    return ldb_fail(e, LDB_FORMAT, "not an IDX file: it must begin with 00 00, got %02x %02x",
                    (unsigned)bytes[0], (unsigned)bytes[1]);
  if (!element_of(bytes[2], element))
    return ldb_fail(e, LDB_FORMAT,
                    "unknown IDX element type %02x (known: 08 09 0b 0c 0d 0e for u8 i8 i16 i32 f32 "
                    "f64)",
                    (unsigned)bytes[2]);
  if (bytes[3] == 0 || bytes[3] > LDB_MAX_RANK)
    return ldb_fail(e, LDB_FORMAT, "an IDX file of rank %d: expected 1 to %d", (int)bytes[3],
                    (int)LDB_MAX_RANK);
  return LDB_OK;
}

/* n == header + count * element_bytes, in arithmetic that cannot wrap */
static ldb_status check_length(size_t n, const ldb_idx_layout *layout, ldb_error *e) {
  size_t count = (size_t)ldb_view_count(&layout->shape), data = 0, expected = 0;
  char shape[LDB_SHAPE_TEXT];
  if (!ldb_mul_size(count, layout->element_bytes, &data) ||
      !ldb_add_size(data, layout->offset, &expected))
    return ldb_fail(e, LDB_OVERFLOW, "the header declares %s, more bytes than can be counted",
                    ldb_shape_text(&layout->shape, shape));
  if (n == expected) return LDB_OK;
  return ldb_fail(e, LDB_FORMAT, "%s: expected %llu bytes for shape %s, got %llu",
                  n < expected ? "cut short" : "bytes left over", (unsigned long long)expected,
                  ldb_shape_text(&layout->shape, shape), (unsigned long long)n);
}

ldb_status ldb_idx_measure(const unsigned char *bytes, size_t n, ldb_idx_layout *out,
                           ldb_error *e) {
  ldb_element element;
  ldb_status s = check_magic(bytes, n, &element, e);
  if (s != LDB_OK) return s;
  int rank = bytes[3];
  size_t offset = HEADER_BYTES + SIZE_BYTES * (size_t)rank;
  if (n < offset)
    return ldb_fail(e, LDB_FORMAT, "cut short: an IDX header of rank %d has %llu bytes, got %llu",
                    rank, (unsigned long long)offset, (unsigned long long)n);
  int64_t shape[LDB_MAX_RANK] = {0};
  for (int i = 0; i < rank; i++) {
    const unsigned char *p = bytes + HEADER_BYTES + SIZE_BYTES * i;
    shape[i] = (int64_t)p[0] << 24 | (int64_t)p[1] << 16 | (int64_t)p[2] << 8 | (int64_t)p[3];
  }
  *out =
      (ldb_idx_layout){.type = bytes[2], .element_bytes = (size_t)element.size, .offset = offset};
  s = ldb_view_init(&out->shape, ldb_element_dtype(&element), rank, shape, e);
  if (s != LDB_OK) return s;
  return check_length(n, out, e);
}

ldb_status ldb_idx_read(const unsigned char *bytes, size_t n, const ldb_idx_layout *layout,
                        ldb_view *out, ldb_error *e) {
  ldb_element element;
  if (!element_of(layout->type, &element) || check_length(n, layout, e) != LDB_OK ||
      !ldb_same_shape(out, &layout->shape))
    return ldb_fail(e, LDB_STATE, "the bytes do not match the layout that was measured");
  const unsigned char *p = bytes + layout->offset;
  int64_t count = ldb_view_count(out);
  if (element.kind == LDB_UNSIGNED && out->dtype == LDB_F32) { /* images: the case that is large */
    for (int64_t i = 0; i < count; i++)
      ((float *)out->data)[i] = (float)p[i];
    return LDB_OK;
  }
  for (int64_t i = 0; i < count; i++, p += layout->element_bytes) {
    ldb_status s = ldb_element_store(&element, p, out, i, e);
    if (s != LDB_OK) return s;
  }
  return LDB_OK;
}
