/* Sorting in place and what follows from it. qsort may allocate; heapsort never does. */
#ifndef LDB_ORDER_H
#define LDB_ORDER_H

#include <stddef.h>
#include <stdint.h>

/* Ascending; x must hold no NaN. */
void ldb_sort_numbers(size_t n, double *x);
void ldb_sort_keys(size_t n, uint64_t *x);

/* Median of x, n > 0, no NaN; sorts x. */
double ldb_median(size_t n, double *x);

/* Mean of |x_i - center| and median of |x_i - center|; the latter overwrites x and sorts it. */
double ldb_mean_deviation(size_t n, const double *x, double center);
double ldb_median_deviation(size_t n, double *x, double center);

#endif
