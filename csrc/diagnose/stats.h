/*
** What is in a tensor, in one pass: moments over the finite elements, counts of the others.
** Accumulators are f64; chunks of 512 elements are reduced in eight lanes and merged with the
** formula of Chan, Golub and LeVeque (1983), so that the order is fixed and nothing cancels.
*/
#ifndef LDB_STATS_H
#define LDB_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

typedef struct ldb_stats {
  uint64_t count;  /* all elements */
  uint64_t finite; /* the moments below are over these */
  double mean, m2; /* m2 = sum (x - mean)^2 */
  double min, max; /* NaN when nothing is finite */
  uint64_t zeros, nan, plus_inf, minus_inf;
} ldb_stats;

/* x: n elements of any dtype. */
void ldb_stats_scan(ldb_dtype dtype, size_t n, const void *x, ldb_stats *out);

/* Standard deviation (ddof 0), root mean square and sum of squares of the finite elements. */
double ldb_stats_std(const ldb_stats *s);
double ldb_stats_rms(const ldb_stats *s);
double ldb_stats_sum_sq(const ldb_stats *s);

/* One element as a double. */
double ldb_element(ldb_dtype dtype, const void *x, size_t i);

/* Units are the last axis: x is [rows x units]. counts[u] = number of rows with x > threshold (NaN
   is not). A ReLU unit that is never above 0 is dead on these rows. */
void ldb_unit_active(ldb_dtype dtype, size_t rows, size_t units, const void *x, double threshold,
                     uint32_t *counts);

/* counts[u] = number of rows with x <= low or x >= high: a saturated sigmoid or tanh. */
void ldb_unit_saturated(ldb_dtype dtype, size_t rows, size_t units, const void *x, double low,
                        double high, uint32_t *counts);

/* Per column of x [rows x columns], over its finite elements. Arrays of `columns` doubles; count is
   the number of finite elements. m2 = sum (x - mean)^2. min and max are NaN where count is 0. */
typedef struct ldb_columns {
  double *count, *mean, *m2, *min, *max;
} ldb_columns;
enum { LDB_COLUMN_ARRAYS = 5 };
void ldb_column_stats(ldb_dtype dtype, size_t rows, size_t columns, const void *x,
                      ldb_columns *out);

/* Where one sample lies: statistics of the sums of its rows, for outputs that should be
   probabilities. x [rows x columns]; NaN when a row is not finite. */
void ldb_row_sums(ldb_dtype dtype, size_t rows, size_t columns, const void *x, double *min,
                  double *max);

/* All units (last axis) of a weight [inputs x units] the same within `tolerance` of the largest
   |w|: nothing but noise can ever tell them apart. False for fewer than two units or any
   non-finite element. */
bool ldb_units_equal(ldb_dtype dtype, size_t inputs, size_t units, const void *w, double tolerance);

#endif
