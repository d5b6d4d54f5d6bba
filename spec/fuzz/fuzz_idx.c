/*
** Any bytes as IDX. Invariants: a failure has a message; an accepted file is exactly header plus
** elements; every element is read; one byte less or more is refused.
*/
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/idx.h"

#define REQUIRE(c) ((c) ? (void)0 : (fprintf(stderr, "line %d: %s\n", __LINE__, #c), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void *take(size_t n) {
  void *p = malloc(n > 0 ? n : 1);
  REQUIRE(p != NULL);
  return p;
}

static void read_as(const uint8_t *bytes, size_t n, const ldb_idx_layout *layout, ldb_dtype dtype) {
  ldb_error e = {.text = ""};
  ldb_view out;
  size_t size = 0;
  if (ldb_view_init(&out, dtype, layout->shape.rank, layout->shape.shape, &e) != LDB_OK) {
    REQUIRE(ldb_view_count(&layout->shape) == 0); /* [0 x huge] of a wider type */
    return;
  }
  REQUIRE(ldb_view_bytes(&out, &size, &e) == LDB_OK);
  REQUIRE(size <= 8 * n);
  out.data = take(size);
  ldb_status s = ldb_idx_read(bytes, n, layout, &out, &e);
  int lossy = dtype == LDB_I32 && layout->shape.dtype != LDB_I32 && size > 0;
  REQUIRE((s == LDB_OK) == !lossy);
  unsigned char sum = 0;
  for (size_t i = 0; s == LDB_OK && i < size; i++)
    sum ^= ((unsigned char *)out.data)[i];
  if (s == LDB_OK && layout->type == 0x08 && size > 0 && dtype == LDB_F32)
    REQUIRE(((float *)out.data)[0] == (float)bytes[layout->offset]);
  *(volatile unsigned char *)&sum = sum;
  free(out.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  uint8_t *bytes = take(n);
  ldb_error e = {.text = ""};
  ldb_idx_layout layout, other;
  if (n > 0) memcpy(bytes, data, n);
  if (ldb_idx_measure(bytes, n, &layout, &e) != LDB_OK) {
    REQUIRE(e.text[0] != '\0');
  } else {
    size_t count = (size_t)ldb_view_count(&layout.shape);
    REQUIRE(layout.offset + count * layout.element_bytes == n);
    for (int t = 0; t < LDB_DTYPE_COUNT; t++)
      read_as(bytes, n, &layout, (ldb_dtype)t);
    REQUIRE(ldb_idx_measure(bytes, n - 1, &other, &e) == LDB_FORMAT);
  }
  free(bytes);
  return 0;
}
