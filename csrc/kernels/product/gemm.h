/*
** Matrix products: the only door to BLAS.
** Everything is row-major. alpha is 1 and beta 0 or 1, because some BLAS libraries skip reading
** (and so hide NaN) for other values.
*/
#ifndef LDB_GEMM_H
#define LDB_GEMM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

/* One matrix as BLAS wants it: op(X) is X, or its transpose where trans is set; stored rows are ld
   elements apart. */
typedef struct ldb_mat {
  const void *data;
  int64_t ld;
  bool trans;
} ldb_mat;

/* c[m x n] = op(a)[m x k] . op(b)[k x n]  (+ c where accumulate is set), t is f32 or f64.
   c must not overlap a or b. k = 0 gives zeros (or leaves c); m = 0 or n = 0 does nothing.
   LDB_OVERFLOW where a size or a leading dimension does not fit a 32-bit BLAS integer. */
ldb_status ldb_gemm(ldb_dtype t, int64_t m, int64_t n, int64_t k, ldb_mat a, ldb_mat b, void *c,
                    int64_t ldc, bool accumulate, ldb_error *e);

/* The same in plain loops: the path for tiny products, and what specs compare BLAS with. Sums of
   f32 products are kept in f32, in order of k. */
void ldb_gemm_plain(ldb_dtype t, int64_t m, int64_t n, int64_t k, ldb_mat a, ldb_mat b, void *c,
                    int64_t ldc, bool accumulate);

/* Reads v (rank >= 2, f32 or f64) as a matrix of its last two axes without copying. False where
   neither of these axes has stride 1, so that the caller has to pack it. */
bool ldb_mat_of(const ldb_view *v, ldb_mat *m);

/* Version, kernel family and thread limit of the library, e.g. "OpenBLAS 0.3.21 ... Haswell". */
const char *ldb_blas_config(void);

/* How the library was built to use threads: "serial", "pthread" or "openmp". */
const char *ldb_blas_parallel(void);

/* The library's own thread count. It belongs to the whole process, so hosts decide; but where
   OpenMP decides, products here take one thread whatever it is, and it is left as it was. */
void ldb_blas_set_threads(int n);
int ldb_blas_threads(void);

enum { LDB_WARM_UP_SIZE = 128, LDB_WARM_UP_FLOATS = 3 * 128 * 128 };

/* One 128^3 product in the caller's memory (LDB_WARM_UP_FLOATS floats; up to about 100^3 the
   library needs no buffer, and more takes longer), so that the library takes its own buffers now
   and not, under a memory limit, in the middle of a training run. */
void ldb_blas_warm_up(float *scratch);

#endif
