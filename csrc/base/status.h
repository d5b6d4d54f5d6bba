/*
** Status codes and the message that travels with them.
** Every core function that can fail returns an ldb_status and fills the caller's ldb_error;
** nothing below binding/ prints, exits, aborts or touches Lua.
*/
#ifndef LDB_STATUS_H
#define LDB_STATUS_H

/* code, short name, sentence: the only place where a status is spelled */
#define LDB_STATUS_MAP(X)                                               \
  X(OK, "ok", "no error")                                               \
  X(SHAPE, "shape", "shapes do not fit together")                       \
  X(DTYPE, "dtype", "element type is not accepted here")                \
  X(RANGE, "range", "a value lies outside its legal range")             \
  X(VALUE, "value", "an argument has no meaning here")                  \
  X(OVERFLOW, "overflow", "a size does not fit into memory arithmetic") \
  X(FORMAT, "format", "the bytes do not follow the file format")        \
  X(STATE, "state", "the object is not in a state that allows this")    \
  X(INTERRUPTED, "interrupted", "the host asked to stop")

typedef enum ldb_status {
#define X(code, name, sentence) LDB_##code,
  LDB_STATUS_MAP(X)
#undef X
      LDB_STATUS_COUNT
} ldb_status;

enum { LDB_ERROR_TEXT = 480 };

typedef struct ldb_error {
  ldb_status code;
  char text[LDB_ERROR_TEXT]; /* what was expected, what came, the likely cause; no trailing stop */
} ldb_error;

#if defined(__GNUC__)
#define LDB_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define LDB_PRINTF(f, a)
#endif

/* Fills *e (which may be NULL) and returns code, so that `return ldb_fail(e, LDB_SHAPE, ...)` reads
   as one step. Text longer than the buffer is cut. */
ldb_status ldb_fail(ldb_error *e, ldb_status code, const char *format, ...) LDB_PRINTF(3, 4);

const char *ldb_status_name(ldb_status code);
const char *ldb_status_sentence(ldb_status code);

#endif
