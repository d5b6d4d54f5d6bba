/*
** Rows of a data set: picking them for batches and splits, and what their columns hold.
*/
#ifndef LDB_BATCH_H
#define LDB_BATCH_H

#include "base/status.h"
#include "base/view.h"

/* out[i, ...] = x[ids[i], ...]. x [n x ...] contiguous of any dtype, ids [m] i32 contiguous in
   0..n-1, out [m x ...] of x's dtype. On failure out is not written. */
ldb_status ldb_take_rows(const ldb_view *x, const ldb_view *ids, ldb_view *out, ldb_error *e);

/* How many of the n rows of x [n x ...] (contiguous) hold no NaN; writes their numbers, from 0, to
   ids unless it is NULL (room for n). */
int64_t ldb_complete_rows(const ldb_view *x, int32_t *ids);

enum ldb_column_stat {
  LDB_COLUMN_MISSING,  /* NaN */
  LDB_COLUMN_INFINITE, /* +-inf */
  LDB_COLUMN_MEAN,     /* of the finite values, as all that follow; 0 when there are none */
  LDB_COLUMN_STD,      /* population: divided by their number */
  LDB_COLUMN_MIN,
  LDB_COLUMN_MAX,
  LDB_COLUMN_STATS
};

/* out [d x LDB_COLUMN_STATS] f64 for x [n x ...] contiguous, d = elements of one row. Sums run in
   f64 down the rows, the deviations in a second pass. */
void ldb_column_moments(const ldb_view *x, double *out);

#endif
