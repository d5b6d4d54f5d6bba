#include "kernels/product/gemm.h"

#include <cblas.h>
#include <limits.h>

#define T float
#define NAME(x) x##_f32
#include "kernels/product/gemm_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/product/gemm_generic.h"
#undef T
#undef NAME

/* Below this many multiplications the loop is faster than entering the library. */
enum { TINY = 256 };

void ldb_gemm_plain(ldb_dtype t, int64_t m, int64_t n, int64_t k, ldb_mat a, ldb_mat b, void *c,
                    int64_t ldc, bool accumulate) {
  if (t == LDB_F32)
    gemm_plain_f32(m, n, k, a, b, c, ldc, accumulate);
  else
    gemm_plain_f64(m, n, k, a, b, c, ldc, accumulate);
}

/* An OpenBLAS that was built with OpenMP takes the thread count of the calling thread from there,
   and openblas_set_num_threads changes it for the host's own loops, too. So for such a library the
   count is 1 only inside our products. Weak: without OpenMP these are not there. */
#if defined(__ELF__) && defined(__GNUC__)
extern int omp_get_max_threads(void) __attribute__((weak));
extern void omp_set_num_threads(int) __attribute__((weak));

static bool openmp_decides(void) {
  return omp_get_max_threads && omp_set_num_threads && openblas_get_parallel() == 2;
}

static int enter_alone(void) {
  if (!omp_get_max_threads || !omp_set_num_threads) return 1;
  const int n = omp_get_max_threads();
  if (n != 1) omp_set_num_threads(1);
  return n;
}

static void leave_alone(int n) {
  if (n != 1) omp_set_num_threads(n);
}
#else
static bool openmp_decides(void) {
  return false;
}

static int enter_alone(void) {
  return 1;
}

static void leave_alone(int n) {
  (void)n;
}
#endif

static bool fits(int64_t x) {
  return x >= 0 && x <= INT32_MAX;
}

static bool is_tiny(int64_t m, int64_t n, int64_t k) {
  return m <= TINY && n <= TINY && k <= TINY && m * n * k <= TINY;
}

ldb_status ldb_gemm(ldb_dtype t, int64_t m, int64_t n, int64_t k, ldb_mat a, ldb_mat b, void *c,
                    int64_t ldc, bool accumulate, ldb_error *e) {
  if (t != LDB_F32 && t != LDB_F64)
    return ldb_fail(e, LDB_DTYPE, "expected f32 or f64 matrices, got %s", ldb_dtype_name(t));
  if (!fits(m) || !fits(n) || !fits(k) || !fits(a.ld) || !fits(b.ld) || !fits(ldc))
    return ldb_fail(e, LDB_OVERFLOW,
                    "matrix product of [%lld x %lld] and [%lld x %lld]: a side has more than %d "
                    "elements",
                    (long long)m, (long long)k, (long long)k, (long long)n, INT32_MAX);
  if (m == 0 || n == 0) return LDB_OK;
  if (k == 0 || is_tiny(m, n, k)) {
    ldb_gemm_plain(t, m, n, k, a, b, c, ldc, accumulate);
    return LDB_OK;
  }
  const CBLAS_TRANSPOSE ta = a.trans ? CblasTrans : CblasNoTrans;
  const CBLAS_TRANSPOSE tb = b.trans ? CblasTrans : CblasNoTrans;
  const int count = enter_alone();
  if (t == LDB_F32)
    cblas_sgemm(CblasRowMajor, ta, tb, (blasint)m, (blasint)n, (blasint)k, 1.0F, a.data,
                (blasint)a.ld, b.data, (blasint)b.ld, accumulate ? 1.0F : 0.0F, c, (blasint)ldc);
  else
    cblas_dgemm(CblasRowMajor, ta, tb, (blasint)m, (blasint)n, (blasint)k, 1.0, a.data,
                (blasint)a.ld, b.data, (blasint)b.ld, accumulate ? 1.0 : 0.0, c, (blasint)ldc);
  leave_alone(count);
  return LDB_OK;
}

bool ldb_mat_of(const ldb_view *v, ldb_mat *m) {
  const int64_t rows = v->shape[v->rank - 2], cols = v->shape[v->rank - 1];
  const int64_t row_stride = v->stride[v->rank - 2], col_stride = v->stride[v->rank - 1];
  m->data = v->data;
  /* an axis of one element has no meaningful stride */
  if ((col_stride == 1 || cols <= 1) && (row_stride >= cols || rows <= 1)) {
    m->trans = false;
    m->ld = rows <= 1 ? cols : row_stride;
  } else if ((row_stride == 1 || rows <= 1) && (col_stride >= rows || cols <= 1)) {
    m->trans = true;
    m->ld = cols <= 1 ? rows : col_stride;
  } else {
    return false;
  }
  if (m->ld < 1) m->ld = 1;
  return true;
}

const char *ldb_blas_config(void) {
  return openblas_get_config();
}

const char *ldb_blas_parallel(void) {
  int kind = openblas_get_parallel();
  return kind == 0 ? "serial" : kind == 1 ? "pthread" : "openmp";
}

void ldb_blas_set_threads(int n) {
  if (openmp_decides() || openblas_get_num_threads() == n) return;
  openblas_set_num_threads(n < 1 ? 1 : n);
}

int ldb_blas_threads(void) {
  return openmp_decides() ? 1 : openblas_get_num_threads();
}

void ldb_blas_warm_up(float *scratch) {
  const int n = LDB_WARM_UP_SIZE;
  float *a = scratch, *b = a + n * n, *c = b + n * n;
  for (int i = 0; i < 2 * n * n; i++)
    a[i] = 1.0F;
  const int count = enter_alone();
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, n, n, 1.0F, a, n, b, n, 0.0F, c, n);
  leave_alone(count);
}
