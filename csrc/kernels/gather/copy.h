/*
** Copying between views of equal shape, with conversion of the element type.
*/
#ifndef LDB_COPY_H
#define LDB_COPY_H

#include "base/view.h"

/* to[i] = (type of to) from[i] for every index i; the views have the same shape and do not overlap.
   f64 -> f32 rounds to nearest; to i32: truncated towards zero, clamped, NaN becomes INT32_MIN. */
void ldb_copy_view(const ldb_view *from, const ldb_view *to);

/* v[i] = value for every index i, converted as above. */
void ldb_fill_view(const ldb_view *v, double value);

/* Element at an offset (in elements) as a double, and back. */
double ldb_read(const ldb_view *v, int64_t offset);
void ldb_write(const ldb_view *v, int64_t offset, double value);

/* True when an element is NaN or infinite; i32 is always finite. */
bool ldb_has_nonfinite(const ldb_view *v);

#endif
