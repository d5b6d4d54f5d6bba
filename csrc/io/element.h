/*
** Elements of foreign arrays: any byte order, any width, to the three dtypes of a view.
*/
#ifndef LDB_ELEMENT_H
#define LDB_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

typedef enum ldb_element_kind { LDB_SIGNED, LDB_UNSIGNED, LDB_REAL, LDB_BOOLEAN } ldb_element_kind;

typedef struct ldb_element {
  ldb_element_kind kind;
  int size; /* bytes: 1 2 4 8; real: 4 or 8; boolean: 1 */
  bool big_endian;
} ldb_element;

/* Integers and booleans become i32, reals keep their width. */
ldb_dtype ldb_element_dtype(const ldb_element *t);

/* out[at] = the element at p, for one value. Fails when it does not fit: an integer beyond 32 bits
   as i32, a real as i32, a boolean byte above 1. The message says the element's number (at + 1). */
ldb_status ldb_element_store(const ldb_element *t, const unsigned char *p, ldb_view *out,
                             int64_t at, ldb_error *e);

#endif
