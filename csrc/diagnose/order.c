#include "diagnose/order.h"

#include <math.h>

/* Williams' heapsort for one type: sift the root down, move the largest behind, repeat. */
#define DEFINE_HEAPSORT(name, type)                                      \
  static void name##_sift(type *x, size_t root, size_t n) {              \
    const type moved = x[root];                                          \
    for (size_t child = 2 * root + 1; child < n; child = 2 * root + 1) { \
      if (child + 1 < n && x[child] < x[child + 1]) child++;             \
      if (!(moved < x[child])) break;                                    \
      x[root] = x[child];                                                \
      root = child;                                                      \
    }                                                                    \
    x[root] = moved;                                                     \
  }                                                                      \
  void name(size_t n, type *x) {                                         \
    for (size_t i = n / 2; i > 0; i--)                                   \
      name##_sift(x, i - 1, n);                                          \
    for (size_t end = n; end > 1; end--) {                               \
      const type largest = x[0];                                         \
      x[0] = x[end - 1];                                                 \
      x[end - 1] = largest;                                              \
      name##_sift(x, 0, end - 1);                                        \
    }                                                                    \
  }

DEFINE_HEAPSORT(ldb_sort_numbers, double)
DEFINE_HEAPSORT(ldb_sort_keys, uint64_t)

double ldb_median(size_t n, double *x) {
  ldb_sort_numbers(n, x);
  return n % 2 == 1 ? x[n / 2] : x[n / 2 - 1] + (x[n / 2] - x[n / 2 - 1]) / 2.0;
}

double ldb_mean_deviation(size_t n, const double *x, double center) {
  double sum = 0.0;
  for (size_t i = 0; i < n; i++)
    sum += fabs(x[i] - center);
  return sum / (double)n;
}

double ldb_median_deviation(size_t n, double *x, double center) {
  for (size_t i = 0; i < n; i++)
    x[i] = fabs(x[i] - center);
  return ldb_median(n, x);
}
