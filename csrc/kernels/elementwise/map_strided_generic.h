/*
** Runs an inner loop whose operands are all of type T over any strides: elements are gathered into
** dense buffers, which go through the loop, and the results are put where they belong. So every
** function has one loop, the dense one. Included with T and F(fn) as map_math_generic.h.
*/
static void F(strided)(ldb_inner_fn *f, int operands, int64_t n, char *const *p, const int64_t *s,
                       void *ctx) {
  enum { DENSE = 256 };
  static const int64_t one[LDB_MAX_OPERANDS] = {1, 1, 1, 1, 1};
  T buffer[LDB_MAX_OPERANDS][DENSE];
  char *dense[LDB_MAX_OPERANDS];
  for (int k = 0; k < operands; k++)
    dense[k] = (char *)buffer[k];
  for (int64_t at = 0; at < n; at += DENSE) {
    const int64_t m = n - at < DENSE ? n - at : DENSE;
    for (int k = 1; k < operands; k++) {
      const T *from = (const T *)(const void *)p[k] + at * s[k];
      for (int64_t i = 0; i < m; i++)
        buffer[k][i] = from[i * s[k]];
    }
    f(m, dense, one, ctx);
    T *to = (T *)(void *)p[0] + at * s[0];
    for (int64_t i = 0; i < m; i++)
      to[i * s[0]] = buffer[0][i];
  }
}
