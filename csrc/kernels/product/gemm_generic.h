/*
** Plain matrix product; included by gemm.c once per element type with T and NAME(x) defined.
*/

static void NAME(gemm_plain)(int64_t m, int64_t n, int64_t k, ldb_mat a, ldb_mat b, T *c,
                             int64_t ldc, bool accumulate) {
  const T *pa = a.data, *pb = b.data;
  const int64_t a_row = a.trans ? 1 : a.ld, a_col = a.trans ? a.ld : 1;
  const int64_t b_row = b.trans ? 1 : b.ld, b_col = b.trans ? b.ld : 1;
  for (int64_t i = 0; i < m; i++) {
    T *ci = c + i * ldc;
    if (!accumulate) {
      for (int64_t j = 0; j < n; j++)
        ci[j] = 0;
    }
    for (int64_t p = 0; p < k; p++) {
      const T s = pa[i * a_row + p * a_col];
      const T *bp = pb + p * b_row;
      if (b_col == 1) {
        for (int64_t j = 0; j < n; j++)
          ci[j] += s * bp[j];
      } else {
        for (int64_t j = 0; j < n; j++)
          ci[j] += s * bp[j * b_col];
      }
    }
  }
}
