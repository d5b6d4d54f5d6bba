/*
** Comma-separated values over a byte range: RFC 4180 with what real files add to it. Quoted fields
** may hold separators, line ends and doubled quotes; lines end in LF, CRLF or CR; a UTF-8
** byte-order mark, blank lines and lines that start with '#' are skipped; blanks around a field are
** not part of it. A field that is empty or NA, N/A, n/a, NaN, nan, null, NULL or ? is missing.
**
** Passes over the same bytes, in caller's memory:
**   ldb_csv_measure -> ldb_csv_layout (separator, header, rows, columns; ragged rows are refused)
**   ldb_csv_survey  -> one ldb_csv_column per column (what its cells are)
**   ldb_csv_numbers -> the chosen columns as a [rows x chosen] tensor
** or field by field with ldb_csv_start and ldb_csv_next.
*/
#ifndef LDB_CSV_H
#define LDB_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

typedef struct ldb_csv_options {
  char separator; /* '\0': found among , ; tab | */
  int header;     /* 1 yes, 0 no, -1: yes when the first row holds text and no number */
} ldb_csv_options;

typedef struct ldb_csv_layout {
  char separator;
  bool header;
  int64_t rows; /* without the header */
  int64_t columns;
} ldb_csv_layout;

typedef struct ldb_csv_column {
  int64_t numbers, missing, text; /* how many cells of each kind; they sum to rows */
  int64_t text_line;              /* line of the first text cell, 0: none */
  int64_t missing_line;           /* line of the first missing cell, 0: none */
  bool integral;                  /* all numbers are integers below 2^53 in size */
  double min, max;                /* of the finite numbers; 0 when there are none */
} ldb_csv_column;

typedef struct ldb_csv_field {
  const char *text; /* without the outer quotes and blanks */
  size_t n;
  bool doubled;   /* holds doubled quotes, see ldb_csv_unquote */
  bool last;      /* of its row */
  int64_t line;   /* of its first byte, from 1 */
  int64_t column; /* from 1 */
} ldb_csv_field;

typedef struct ldb_csv_cursor {
  const char *bytes;
  size_t n, at;
  char separator;
  int64_t line, column; /* of the next field */
} ldb_csv_cursor;

typedef enum ldb_csv_kind { LDB_CSV_NUMBER, LDB_CSV_MISSING, LDB_CSV_TEXT } ldb_csv_kind;

/* Layout of bytes[0..n). Fails on rows of different lengths, quotes that do not close, text after a
   closing quote, NUL bytes, UTF-16, and a file without any row. */
ldb_status ldb_csv_measure(const char *bytes, size_t n, const ldb_csv_options *options,
                           ldb_csv_layout *out, ldb_error *e);

/* columns[layout->columns]. */
ldb_status ldb_csv_survey(const char *bytes, size_t n, const ldb_csv_layout *layout,
                          ldb_csv_column *columns, ldb_error *e);

/* out[i, k] = number in row i of column chosen[k] (from 0), NaN when it is missing. out is
   contiguous, f32 or f64, shape [rows x n_chosen]. slot[layout->columns] is scratch. Fails on text:
   "line 7, column 3 ('alcohol'): 'abc' is not a number". */
ldb_status ldb_csv_numbers(const char *bytes, size_t n, const ldb_csv_layout *layout,
                           const int64_t *chosen, int64_t n_chosen, int64_t *slot, ldb_view *out,
                           ldb_error *e);

/* Puts the cursor before the first field (of the header, if there is one). */
void ldb_csv_start(ldb_csv_cursor *c, const char *bytes, size_t n, char separator);
/* The next field; *got is false at the end. */
ldb_status ldb_csv_next(ldb_csv_cursor *c, ldb_csv_field *f, bool *got, ldb_error *e);

/* What a field is; *value is set for numbers only. */
ldb_csv_kind ldb_csv_classify(const ldb_csv_field *f, double *value);

/* Copies the field to out (room for f->n bytes) with doubled quotes made single; returns the
 * length. */
size_t ldb_csv_unquote(const ldb_csv_field *f, char *out);

#endif
