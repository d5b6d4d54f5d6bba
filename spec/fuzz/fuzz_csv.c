/*
** Any bytes as CSV. Invariants: a failure has a message; what was measured is what the later passes
** meet (cells sum to rows, numbers are written for every row); a walk field by field sees
** rows * columns fields; writing the cells out quoted and reading them again gives the same cells.
** The first byte of the input chooses the options.
*/
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/csv.h"

#define REQUIRE(c) ((c) ? (void)0 : (fprintf(stderr, "line %d: %s\n", __LINE__, #c), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void *take(size_t n) {
  void *p = malloc(n > 0 ? n : 1);
  REQUIRE(p != NULL);
  return p;
}

/* Every cell, quoted, by commas; returns the length. out has room for 2n + 4 bytes a cell. */
static size_t rewrite(const char *bytes, size_t n, char separator, char *out, int64_t *fields) {
  ldb_csv_cursor c;
  ldb_csv_field f;
  bool got = true;
  ldb_error e;
  size_t at = 0;
  *fields = 0;
  ldb_csv_start(&c, bytes, n, separator);
  for (;;) {
    REQUIRE(ldb_csv_next(&c, &f, &got, &e) == LDB_OK);
    REQUIRE(c.at <= n);
    if (!got) return at;
    ++*fields;
    char *cell = take(f.n);
    size_t length = ldb_csv_unquote(&f, cell);
    REQUIRE(length <= f.n);
    out[at++] = '"';
    for (size_t i = 0; i < length; i++) {
      out[at++] = cell[i];
      if (cell[i] == '"') out[at++] = '"';
    }
    out[at++] = '"';
    out[at++] = f.last ? '\n' : ',';
    free(cell);
  }
}

static void check_same_cells(const char *a, size_t na, char sa, const char *b, size_t nb) {
  ldb_csv_cursor ca, cb;
  ldb_csv_field fa, fb;
  bool got_a = true, got_b = true;
  ldb_error e;
  ldb_csv_start(&ca, a, na, sa);
  ldb_csv_start(&cb, b, nb, ',');
  while (got_a) {
    REQUIRE(ldb_csv_next(&ca, &fa, &got_a, &e) == LDB_OK);
    REQUIRE(ldb_csv_next(&cb, &fb, &got_b, &e) == LDB_OK);
    REQUIRE(got_a == got_b);
    if (!got_a) return;
    char *x = take(fa.n), *y = take(fb.n);
    size_t nx = ldb_csv_unquote(&fa, x), ny = ldb_csv_unquote(&fb, y);
    double vx = 0, vy = 0;
    REQUIRE(nx == ny && memcmp(x, y, nx) == 0);
    REQUIRE(fa.last == fb.last && fa.column == fb.column && fa.line >= 1);
    REQUIRE(fa.doubled || ldb_csv_classify(&fa, &vx) == ldb_csv_classify(&fb, &vy));
    REQUIRE(vx == vy);
    free(x);
    free(y);
  }
}

static void check_numbers(const char *bytes, size_t n, const ldb_csv_layout *layout,
                          const ldb_csv_column *columns, ldb_dtype dtype) {
  ldb_error e = {.text = ""};
  int64_t *chosen = take(sizeof(int64_t) * (size_t)layout->columns);
  int64_t *slot = take(sizeof(int64_t) * (size_t)layout->columns);
  int64_t k = 0, missing = 0, text = 0;
  for (int64_t j = layout->columns - 1; j >= 0; j--) {
    text += columns[j].text;
    missing += columns[j].missing;
    chosen[k++] = j;
  }
  ldb_view out;
  int64_t shape[2] = {layout->rows, k};
  REQUIRE(ldb_view_init(&out, dtype, 2, shape, &e) == LDB_OK);
  size_t size = (size_t)(layout->rows * k) * ldb_dtype_size(dtype);
  out.data = take(size);
  memset(out.data, 0x7F, size > 0 ? size : 1);
  ldb_status s = ldb_csv_numbers(bytes, n, layout, chosen, k, slot, &out, &e);
  REQUIRE((s == LDB_OK) == (text == 0));
  REQUIRE(s == LDB_OK || strstr(e.text, "is not a number") != NULL);
  if (s == LDB_OK && dtype == LDB_F64) {
    int64_t nans = 0;
    for (int64_t i = 0; i < layout->rows * k; i++)
      nans += isnan(((double *)out.data)[i]) ? 1 : 0;
    REQUIRE(nans == missing);
  }
  free(out.data);
  free(slot);
  free(chosen);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  if (n == 0) return 0;
  static const char separators[] = {'\0', ',', ';', '\t', '|', ' ', 'x', '\0'};
  ldb_csv_options options = {.separator = separators[data[0] & 7],
                             .header = (data[0] >> 3) % 3 - 1};
  ldb_dtype dtype = (data[0] & 0x40) != 0 ? LDB_F32 : LDB_F64;
  size_t size = n - 1;
  char *bytes = take(size);
  memcpy(bytes, data + 1, size);
  ldb_error e = {.text = ""};
  ldb_csv_layout layout;
  if (ldb_csv_measure(bytes, size, &options, &layout, &e) != LDB_OK) {
    REQUIRE(e.text[0] != '\0');
    free(bytes);
    return 0;
  }
  REQUIRE(layout.columns >= 1 && layout.rows >= 0);
  REQUIRE((uint64_t)layout.columns <= size + 1 && (uint64_t)layout.rows <= size);
  ldb_csv_column *columns = take(sizeof *columns * (size_t)layout.columns);
  REQUIRE(ldb_csv_survey(bytes, size, &layout, columns, &e) == LDB_OK);
  for (int64_t j = 0; j < layout.columns; j++) {
    REQUIRE(columns[j].numbers + columns[j].missing + columns[j].text == layout.rows);
    REQUIRE((columns[j].text > 0) == (columns[j].text_line > 0));
    REQUIRE(columns[j].min <= columns[j].max);
  }
  check_numbers(bytes, size, &layout, columns, dtype);
  int64_t fields = 0;
  char *copy = take(2 * size + 4 * (size + 1));
  size_t written = rewrite(bytes, size, layout.separator, copy, &fields);
  REQUIRE(fields == (layout.rows + (layout.header ? 1 : 0)) * layout.columns);
  check_same_cells(bytes, size, layout.separator, copy, written);
  free(copy);
  free(columns);
  free(bytes);
  return 0;
}
