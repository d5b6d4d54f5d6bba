/* What a data set is like before anybody trains on it: features, targets, order of the rows. */
#ifndef LDB_AUDIT_H
#define LDB_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/view.h"
#include "diagnose/duplicates.h"
#include "diagnose/stats.h"

/* First element that is NaN or infinite; rows and columns from 0. */
typedef struct ldb_nonfinite {
  uint64_t count;
  size_t row, column;
  double value;
} ldb_nonfinite;
ldb_nonfinite ldb_first_nonfinite(const ldb_rows *x);

bool ldb_all_integral(const ldb_rows *x);   /* every finite element is a whole number */
bool ldb_rows_identical(const ldb_rows *x); /* all rows the same; false for fewer than two rows */

/* A feature is constant when its extremes are equal or its standard deviation is at most 1e-6 of
   its |mean|: scaling the data changes no verdict. Standard deviations divide by n. */
typedef struct ldb_features {
  size_t constant;
  double disparity;    /* largest / smallest standard deviation of the non-constant features */
  double kappa;        /* largest / median E[x^2] of the non-constant features: about the condition
                          number that the scales alone give the least-squares problem */
  double offset_share; /* of non-constant features with |mean| > 2 standard deviations */
  size_t largest;      /* column with the largest |x| */
  double max_abs;
} ldb_features;

bool ldb_column_is_constant(const ldb_columns *c, size_t j);

/* scratch: `columns` doubles. Ratios are NaN without a non-constant feature. */
void ldb_feature_summary(const ldb_columns *c, size_t columns, double *scratch, ldb_features *out);

/* Validation against training features, over those that vary in both. */
typedef struct ldb_shift {
  double mean_shift;         /* max_j |mean_a - mean_b| / sqrt((sd_a^2 + sd_b^2) / 2) */
  size_t column;             /* where */
  double sd_ratio_bad_share; /* share with sd_b / sd_a outside [1/2, 2] */
} ldb_shift;
void ldb_feature_shift(const ldb_columns *a, const ldb_columns *b, size_t columns, ldb_shift *out);

/* Distinct values of y (no NaN): value (ascending) and how often each occurs. value must have room
   for n; count for n. Returns how many. */
size_t ldb_distinct(size_t n, const double *y, double *value, uint32_t *count);

/* Place of v among the distinct values. */
size_t ldb_place_of(size_t k, const double *value, double v);

/* Runs of equal neighbours in an order of n items of k kinds (Wald and Wolfowitz 1940; k kinds:
   Barton and David 1957). With s = sum n_k^2, c = sum n_k^3:
     E R = (n (n + 1) - s) / n,
     Var R = (s (s + n (n + 1)) - 2 n c - n^3) / (n^2 (n - 1)).
   z << 0: sorted. 0 when the variance is 0. */
double ldb_runs_z(size_t n, size_t runs, size_t k, const uint32_t *count);

/* The same for numbers, by the side of the median on which they lie; those on it are left out. */
double ldb_median_runs_z(size_t n, const double *y, double median);

#endif
