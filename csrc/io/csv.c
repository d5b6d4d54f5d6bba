#include "io/csv.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/text.h"

static bool is_end_of_line(char c) {
  return c == '\n' || c == '\r';
}

static bool is_blank(const ldb_csv_cursor *c, char byte) {
  return (byte == ' ' || byte == '\t') && byte != c->separator;
}

/* Steps over LF, CR or CRLF at the cursor. */
static void take_end_of_line(ldb_csv_cursor *c) {
  bool cr = c->bytes[c->at] == '\r';
  c->at++;
  if (cr && c->at < c->n && c->bytes[c->at] == '\n') c->at++;
  c->line++;
}

static void skip_blanks(ldb_csv_cursor *c) {
  while (c->at < c->n && is_blank(c, c->bytes[c->at]))
    c->at++;
}

/* Blank lines and comments before a row. */
static void skip_empty_lines(ldb_csv_cursor *c) {
  for (;;) {
    size_t start = c->at;
    skip_blanks(c);
    if (c->at < c->n && c->bytes[c->at] == '#') {
      while (c->at < c->n && !is_end_of_line(c->bytes[c->at]))
        c->at++;
    }
    if (c->at >= c->n) return;
    if (!is_end_of_line(c->bytes[c->at])) {
      c->at = start;
      return;
    }
    take_end_of_line(c);
  }
}

void ldb_csv_start(ldb_csv_cursor *c, const char *bytes, size_t n, char separator) {
  *c = (ldb_csv_cursor){.bytes = bytes, .n = n, .separator = separator, .line = 1, .column = 1};
  if (n >= 3 && memcmp(bytes, "\xEF\xBB\xBF", 3) == 0) c->at = 3;
}

static ldb_status fail_here(const ldb_csv_field *f, ldb_error *e, const char *what) {
  return ldb_fail(e, LDB_FORMAT, "line %lld, column %lld: %s", (long long)f->line,
                  (long long)f->column, what);
}

/* Cursor on the opening quote. */
static ldb_status take_quoted(ldb_csv_cursor *c, ldb_csv_field *f, ldb_error *e) {
  size_t start = ++c->at;
  for (;;) {
    if (c->at >= c->n) return fail_here(f, e, "a quote opens here and is never closed");
    char byte = c->bytes[c->at];
    if (byte == '"') {
      if (c->at + 1 >= c->n || c->bytes[c->at + 1] != '"') break;
      f->doubled = true;
      c->at += 2;
    } else if (is_end_of_line(byte)) {
      take_end_of_line(c);
    } else if (byte == '\0') {
      return fail_here(f, e, "NUL byte (is this a binary file, or UTF-16?)");
    } else {
      c->at++;
    }
  }
  f->text = c->bytes + start;
  f->n = c->at - start;
  c->at++;
  skip_blanks(c);
  if (c->at < c->n && c->bytes[c->at] != c->separator && !is_end_of_line(c->bytes[c->at]))
    return fail_here(f, e, "text after the closing quote (a quote inside is written \"\")");
  return LDB_OK;
}

static ldb_status take_plain(ldb_csv_cursor *c, ldb_csv_field *f, ldb_error *e) {
  size_t start = c->at;
  for (; c->at < c->n; c->at++) {
    char byte = c->bytes[c->at];
    if (byte == c->separator || is_end_of_line(byte)) break;
    if (byte == '\0') return fail_here(f, e, "NUL byte (is this a binary file, or UTF-16?)");
  }
  size_t end = c->at;
  while (end > start && is_blank(c, c->bytes[end - 1]))
    end--;
  f->text = c->bytes + start;
  f->n = end - start;
  return LDB_OK;
}

ldb_status ldb_csv_next(ldb_csv_cursor *c, ldb_csv_field *f, bool *got, ldb_error *e) {
  *got = false;
  if (c->column == 1) {
    skip_empty_lines(c);
    if (c->at >= c->n) return LDB_OK;
  }
  skip_blanks(c);
  *f = (ldb_csv_field){.text = c->bytes + c->at, .line = c->line, .column = c->column};
  bool quoted = c->at < c->n && c->bytes[c->at] == '"';
  ldb_status s = quoted ? take_quoted(c, f, e) : take_plain(c, f, e);
  if (s != LDB_OK) return s;
  f->last = c->at >= c->n || is_end_of_line(c->bytes[c->at]);
  if (!f->last) {
    c->at++;
    c->column++;
  } else {
    if (c->at < c->n) take_end_of_line(c);
    c->column = 1;
  }
  *got = true;
  return LDB_OK;
}

ldb_csv_kind ldb_csv_classify(const ldb_csv_field *f, double *value) {
  static const char *const missing[] = {"?", "NA", "N/A", "n/a", "null", "NULL"};
  const char *p = f->text;
  size_t n = f->n;
  double number = 0;
  for (; n > 0 && (*p == ' ' || *p == '\t'); n--)
    p++; /* inside quotes */
  while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
    n--;
  if (n == 0) return LDB_CSV_MISSING;
  if (ldb_text_number(p, n, &number)) {
    if (isnan(number)) return LDB_CSV_MISSING;
    /* 1e400 was written as a finite number: infinity would be another one */
    if (isinf(number) && isdigit((unsigned char)p[n - 1])) return LDB_CSV_TEXT;
    *value = number;
    return LDB_CSV_NUMBER;
  }
  for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
    if (strlen(missing[i]) == n && memcmp(p, missing[i], n) == 0) return LDB_CSV_MISSING;
  }
  return LDB_CSV_TEXT;
}

size_t ldb_csv_unquote(const ldb_csv_field *f, char *out) {
  size_t n = 0;
  for (size_t i = 0; i < f->n; i++) {
    out[n++] = f->text[i];
    if (f->doubled && f->text[i] == '"') i++; /* the other one of the pair */
  }
  return n;
}

/* How well a separator explains the first rows. */
typedef struct sample {
  int64_t columns; /* of the first row */
  bool even;       /* all rows have as many */
  bool broken;     /* a quote error */
  int64_t values;  /* numbers and missing cells */
} sample;

static void take_sample(const char *bytes, size_t n, char separator, sample *out) {
  enum { SAMPLE_ROWS = 32, SAMPLE_FIELDS = 4096 };
  ldb_csv_cursor c;
  ldb_csv_field f;
  bool got = true;
  double value = 0;
  int64_t rows = 0;
  *out = (sample){.even = true};
  ldb_csv_start(&c, bytes, n, separator);
  for (int64_t i = 0; i < SAMPLE_FIELDS && rows < SAMPLE_ROWS; i++) {
    if (ldb_csv_next(&c, &f, &got, NULL) != LDB_OK) {
      out->broken = true;
      return;
    }
    if (!got) return;
    if (f.n > 0 && ldb_csv_classify(&f, &value) != LDB_CSV_TEXT) out->values++;
    if (!f.last) continue;
    if (rows == 0) out->columns = f.column;
    out->even = out->even && f.column == out->columns;
    rows++;
  }
}

static bool explains_better(const sample *a, const sample *b) {
  if (a->broken != b->broken) return b->broken;
  if ((a->columns > 1) != (b->columns > 1)) return a->columns > 1;
  if (a->even != b->even) return a->even;
  if (a->values != b->values) return a->values > b->values;
  return a->columns > b->columns;
}

static char find_separator(const char *bytes, size_t n) {
  static const char candidates[] = {',', ';', '\t', '|'};
  char best = candidates[0];
  sample best_sample, next;
  take_sample(bytes, n, best, &best_sample);
  for (size_t i = 1; i < sizeof candidates; i++) {
    take_sample(bytes, n, candidates[i], &next);
    if (explains_better(&next, &best_sample)) {
      best = candidates[i];
      best_sample = next;
    }
  }
  return best;
}

static ldb_status check_start(const char *bytes, size_t n, ldb_error *e) {
  if (n >= 2 && (memcmp(bytes, "\xFF\xFE", 2) == 0 || memcmp(bytes, "\xFE\xFF", 2) == 0))
    return ldb_fail(e, LDB_FORMAT, "this is UTF-16 text: save the file as UTF-8");
  if (n >= 2 && memcmp(bytes, "\x1F\x8B", 2) == 0)
    return ldb_fail(e, LDB_FORMAT, "this is a gzip file: unpack it first (gunzip)");
  if (n >= 4 && memcmp(bytes, "PK\x03\x04", 4) == 0)
    return ldb_fail(e, LDB_FORMAT, "this is a ZIP archive or a spreadsheet: export it as CSV");
  return LDB_OK;
}

static ldb_status fail_ragged(const ldb_csv_field *f, int64_t columns, int64_t first_line,
                              ldb_error *e) {
  return ldb_fail(e, LDB_FORMAT, "line %lld: %lld field%s, but the first row (line %lld) has %lld",
                  (long long)f->line, (long long)f->column, f->column == 1 ? "" : "s",
                  (long long)first_line, (long long)columns);
}

ldb_status ldb_csv_measure(const char *bytes, size_t n, const ldb_csv_options *options,
                           ldb_csv_layout *out, ldb_error *e) {
  ldb_status s = check_start(bytes, n, e);
  if (s != LDB_OK) return s;
  char separator = options->separator;
  if (separator == '"' || is_end_of_line(separator) || separator == '#')
    return ldb_fail(e, LDB_VALUE, "a quote, '#' or a line end cannot be the separator");
  if (separator == '\0') separator = find_separator(bytes, n);
  *out = (ldb_csv_layout){.separator = separator};
  ldb_csv_cursor c;
  ldb_csv_field f;
  bool got = true;
  int64_t numbers = 0, texts = 0, first_line = 0, rows = 0;
  double value = 0;
  ldb_csv_start(&c, bytes, n, separator);
  for (;;) {
    s = ldb_csv_next(&c, &f, &got, e);
    if (s != LDB_OK) return s;
    if (!got) break;
    if (rows == 0) {
      ldb_csv_kind kind = ldb_csv_classify(&f, &value);
      numbers += kind == LDB_CSV_NUMBER;
      texts += kind == LDB_CSV_TEXT;
      first_line = f.column == 1 ? f.line : first_line;
      out->columns = f.column;
    }
    if (f.last ? f.column != out->columns : f.column > out->columns) {
      while (!f.last && ldb_csv_next(&c, &f, &got, NULL) == LDB_OK && got)
        continue;
      return fail_ragged(&f, out->columns, first_line, e);
    }
    if (f.last) rows++;
  }
  if (rows == 0) return ldb_fail(e, LDB_FORMAT, "no rows: the file is empty or only comments");
  out->header = options->header < 0 ? numbers == 0 && texts > 0 : options->header == 1;
  out->rows = rows - (out->header ? 1 : 0);
  return LDB_OK;
}

/* Puts the cursor before the first data row. */
static ldb_status start_rows(ldb_csv_cursor *c, const char *bytes, size_t n,
                             const ldb_csv_layout *layout, ldb_error *e) {
  ldb_csv_start(c, bytes, n, layout->separator);
  if (!layout->header) return LDB_OK;
  ldb_csv_field f = {.last = false};
  bool got = true;
  while (got && !f.last) {
    ldb_status s = ldb_csv_next(c, &f, &got, e);
    if (s != LDB_OK) return s;
  }
  return LDB_OK;
}

static ldb_status fail_changed(ldb_error *e) {
  return ldb_fail(e, LDB_STATE, "the bytes do not match the layout that was measured");
}

static void survey_number(ldb_csv_column *column, double value) {
  column->numbers++;
  if (!(fabs(value) < 9007199254740992.0) || value != floor(value)) column->integral = false;
  if (!isfinite(value)) return;
  if (value < column->min) column->min = value;
  if (value > column->max) column->max = value;
}

ldb_status ldb_csv_survey(const char *bytes, size_t n, const ldb_csv_layout *layout,
                          ldb_csv_column *columns, ldb_error *e) {
  for (int64_t j = 0; j < layout->columns; j++) {
    columns[j] = (ldb_csv_column){.integral = true, .min = HUGE_VAL, .max = -HUGE_VAL};
  }
  ldb_csv_cursor c;
  ldb_csv_field f;
  bool got = true;
  ldb_status s = start_rows(&c, bytes, n, layout, e);
  while (s == LDB_OK) {
    s = ldb_csv_next(&c, &f, &got, e);
    if (s != LDB_OK || !got) break;
    if (f.column > layout->columns) return fail_changed(e);
    ldb_csv_column *column = &columns[f.column - 1];
    double value = 0;
    switch (ldb_csv_classify(&f, &value)) {
    case LDB_CSV_NUMBER:
      survey_number(column, value);
      break;
    case LDB_CSV_MISSING:
      if (column->missing++ == 0) column->missing_line = f.line;
      break;
    case LDB_CSV_TEXT:
      if (column->text++ == 0) column->text_line = f.line;
      break;
    }
  }
  for (int64_t j = 0; j < layout->columns; j++) {
    if (columns[j].min > columns[j].max) columns[j].min = columns[j].max = 0;
  }
  return s;
}

/* " ('alcohol')", or nothing when there is no header or no name. */
static const char *column_name(const char *bytes, size_t n, const ldb_csv_layout *layout,
                               int64_t column, char buf[LDB_EXCERPT_TEXT + 8]) {
  ldb_csv_cursor c;
  ldb_csv_field f = {.last = false};
  bool got = true;
  buf[0] = '\0';
  if (!layout->header) return buf;
  ldb_csv_start(&c, bytes, n, layout->separator);
  while (!f.last && ldb_csv_next(&c, &f, &got, NULL) == LDB_OK && got) {
    if (f.column != column || f.n == 0) continue;
    char name[LDB_EXCERPT_TEXT], plain[LDB_EXCERPT_TEXT];
    ldb_csv_field head = f; /* more than is shown, no more than plain holds */
    if (head.n > sizeof plain) head.n = sizeof plain;
    ldb_text_excerpt(plain, ldb_csv_unquote(&head, plain), name);
    size_t length = strlen(name);
    memcpy(buf, " ('", 3);
    memcpy(buf + 3, name, length);
    memcpy(buf + 3 + length, "')", 3);
  }
  return buf;
}

static bool looks_like_decimal_comma(const ldb_csv_field *f) {
  const char *comma = memchr(f->text, ',', f->n);
  double value = 0;
  if (comma == NULL) return false;
  size_t before = (size_t)(comma - f->text), after = f->n - before - 1;
  return ldb_text_number(f->text, before, &value) && ldb_text_number(comma + 1, after, &value);
}

static ldb_status fail_text(const char *bytes, size_t n, const ldb_csv_layout *layout,
                            const ldb_csv_field *f, bool first_row, ldb_error *e) {
  char cell[LDB_EXCERPT_TEXT], name[LDB_EXCERPT_TEXT + 8];
  const char *hint = "";
  if (looks_like_decimal_comma(f)) {
    hint = " (the decimal point must be '.')";
  } else if (first_row && !layout->header) {
    hint = " (if this line holds the names of the columns, say header = true)";
  }
  return ldb_fail(e, LDB_FORMAT, "line %lld, column %lld%s: '%s' is not a number%s",
                  (long long)f->line, (long long)f->column,
                  column_name(bytes, n, layout, f->column, name),
                  ldb_text_excerpt(f->text, f->n, cell), hint);
}

static void store(ldb_view *out, int64_t at, double value) {
  if (out->dtype == LDB_F32) {
    ((float *)out->data)[at] = (float)value;
  } else {
    ((double *)out->data)[at] = value;
  }
}

ldb_status ldb_csv_numbers(const char *bytes, size_t n, const ldb_csv_layout *layout,
                           const int64_t *chosen, int64_t n_chosen, int64_t *slot, ldb_view *out,
                           ldb_error *e) {
  if (out->dtype == LDB_I32) return ldb_fail(e, LDB_DTYPE, "expected f32 or f64, got i32");
  for (int64_t j = 0; j < layout->columns; j++)
    slot[j] = -1;
  for (int64_t k = 0; k < n_chosen; k++) {
    int64_t j = chosen[k];
    if (j < 0 || j >= layout->columns || slot[j] >= 0)
      return ldb_fail(e, LDB_RANGE, "column %lld of %lld is out of range or chosen twice",
                      (long long)j + 1, (long long)layout->columns);
    slot[j] = k;
  }
  ldb_csv_cursor c;
  ldb_csv_field f;
  bool got = true;
  int64_t row = 0;
  ldb_status s = start_rows(&c, bytes, n, layout, e);
  while (s == LDB_OK) {
    s = ldb_csv_next(&c, &f, &got, e);
    if (s != LDB_OK || !got) break;
    if (f.column > layout->columns || row >= layout->rows) return fail_changed(e);
    int64_t k = slot[f.column - 1];
    if (k >= 0) {
      double value = (double)NAN;
      if (ldb_csv_classify(&f, &value) == LDB_CSV_TEXT)
        return fail_text(bytes, n, layout, &f, row == 0, e);
      store(out, row * n_chosen + k, value);
    }
    if (f.last) row++;
  }
  if (s == LDB_OK && row != layout->rows) return fail_changed(e);
  return s;
}
