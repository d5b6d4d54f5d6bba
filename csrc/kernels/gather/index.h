/*
** Positions and class ids: whole numbers in i32, f32 or f64 arrays, checked before use.
*/
#ifndef LDB_INDEX_H
#define LDB_INDEX_H

#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

/* *to = 0-based place on an axis of n elements that element `at` of the contiguous ids names:
   1-based or negative from the end. LDB_RANGE names the element and its value. */
ldb_status ldb_read_position(const ldb_view *ids, int64_t at, int64_t n, int64_t *to, ldb_error *e);

/* Checks that every element of the contiguous ids is a whole number in 0..classes-1; otherwise
   LDB_RANGE names the first bad one, and says so when all labels lie in 1..classes. */
ldb_status ldb_check_labels(const ldb_view *ids, int64_t classes, ldb_error *e);

/* Element `at` of ids that passed the check. */
int64_t ldb_label(const ldb_view *ids, int64_t at);

/* to[to_at + i] += from[from_at + i], i < n, for any element type. */
void ldb_add_row(ldb_dtype t, int64_t n, const void *from, int64_t from_at, void *to,
                 int64_t to_at);

#endif
