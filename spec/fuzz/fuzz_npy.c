/*
** Any bytes as NPY. Invariants: a failure has a message; an accepted file is exactly header plus
** elements; every element is read or refused with a message; what is read and written again reads
** back as the same bytes.
*/
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/npy.h"

#define REQUIRE(c) ((c) ? (void)0 : (fprintf(stderr, "line %d: %s\n", __LINE__, #c), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void *take(size_t n) {
  void *p = malloc(n > 0 ? n : 1);
  REQUIRE(p != NULL);
  return p;
}

static void round_trip(const ldb_view *v, size_t size) {
  ldb_error e = {.text = ""};
  size_t n = 0;
  REQUIRE(ldb_npy_bytes(v, &n, &e) == LDB_OK);
  unsigned char *file = take(n);
  REQUIRE(ldb_npy_write(v, file, n, &e) == LDB_OK);
  ldb_npy_layout layout;
  REQUIRE(ldb_npy_measure(file, n, &layout, &e) == LDB_OK);
  REQUIRE(layout.offset % 64 == 0 && !layout.fortran && layout.major == 1);
  REQUIRE(layout.shape.dtype == v->dtype && ldb_same_shape(&layout.shape, v));
  ldb_view again = layout.shape;
  again.data = take(size);
  REQUIRE(ldb_npy_read(file, n, &layout, &again, &e) == LDB_OK);
  REQUIRE(memcmp(again.data, v->data, size) == 0);
  REQUIRE(ldb_npy_measure(file, n - 1, &layout, &e) == LDB_FORMAT);
  free(again.data);
  free(file);
}

static void read_as(const uint8_t *bytes, size_t n, const ldb_npy_layout *layout, ldb_dtype dtype) {
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
  if (ldb_npy_read(bytes, n, layout, &out, &e) == LDB_OK) {
    round_trip(&out, size);
  } else {
    REQUIRE(e.text[0] != '\0');
  }
  free(out.data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  uint8_t *bytes = take(n);
  ldb_error e = {.text = ""};
  ldb_npy_layout layout;
  if (n > 0) memcpy(bytes, data, n);
  if (ldb_npy_measure(bytes, n, &layout, &e) != LDB_OK) {
    REQUIRE(e.text[0] != '\0');
  } else {
    size_t count = (size_t)ldb_view_count(&layout.shape);
    REQUIRE(layout.offset + count * (size_t)layout.element.size == n);
    for (int t = 0; t < LDB_DTYPE_COUNT; t++)
      read_as(bytes, n, &layout, (ldb_dtype)t);
  }
  free(bytes);
  return 0;
}
