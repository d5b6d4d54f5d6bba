#include "train/orthogonal.h"

#include <math.h>

enum { LANES = 8 };

static double dot(size_t n, const double *x, const double *y) {
  double lane[LANES] = {0};
  size_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (size_t l = 0; l < LANES; l++)
      lane[l] += x[i + l] * y[i + l];
  for (size_t l = 0; i < n; i++, l++)
    lane[l] += x[i] * y[i];
  return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

ldb_status ldb_orthonormal_rows(size_t n, size_t length, double *a, ldb_error *e) {
  for (size_t i = 0; i < n; i++) {
    double *row = a + i * length;
    const double before = sqrt(dot(length, row, row));
    for (int pass = 0; pass < 2; pass++)
      for (size_t j = 0; j < i; j++) {
        const double *done = a + j * length;
        const double share = dot(length, row, done);
        for (size_t k = 0; k < length; k++)
          row[k] -= share * done[k];
      }
    const double norm = sqrt(dot(length, row, row));
    if (!(norm > 1e-12 * before))
      return ldb_fail(e, LDB_VALUE, "row %zu depends on the rows before it", i + 1);
    for (size_t k = 0; k < length; k++)
      row[k] /= norm;
  }
  return LDB_OK;
}
