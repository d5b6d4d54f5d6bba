#include "kernels/product/product_little.h"

enum {
  MOST = 64,           /* rows, columns and k */
  WORK = 48 * 48 * 48, /* their product */
  TURNED = 2304,       /* elements of b that are turned on the stack */
  FEW = 32             /* rows of results in one column that are made as they stand */
};

static int64_t min(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t parts(int64_t n, int64_t most) {
  return (n + most - 1) / most;
}

bool ldb_micro_little(const ldb_micro *micro, const ldb_product *whole) {
  ldb_product line;
  const ldb_product *p = whole;
  if (p->n == 1 && p->ldc == 1 && p->m > (p->a.mat.trans ? 1 : FEW)) {
    line = *p; /* a column of results as a row of them */
    line.m = 1;
    line.n = p->m;
    line.a = ldb_turned(&p->b);
    line.b = ldb_turned(&p->a);
    p = &line;
  }
  if (p->m > MOST || p->n > MOST || p->k > MOST || p->m * p->n * p->k > WORK) return false;
  if (!ldb_is_stored(&p->a) || !ldb_is_stored(&p->b)) return false;
  float turned_b[TURNED];
  const float *a = p->a.mat.data, *b = p->b.mat.data;
  const int64_t a_row = p->a.mat.trans ? 1 : p->a.mat.ld, a_col = p->a.mat.trans ? p->a.mat.ld : 1;
  int64_t b_row = p->b.mat.ld;
  if (p->b.mat.trans && (p->k > 1 || p->b.mat.ld > 1)) {
    if (p->n * p->k > TURNED) return false;
    micro->transpose(p->n, p->k, b, b_row, turned_b, p->n);
    b = turned_b;
    b_row = p->n;
  }
  const int64_t high = parts(p->m, parts(p->m, micro->rows));
  for (int64_t row = 0; row < p->m; row += high) {
    const int64_t rows = min(high, p->m - row);
    for (int64_t col = 0; col < p->n; col += 2 * micro->lanes) {
      const int64_t cols = min(2 * micro->lanes, p->n - col);
      micro->masked[2 * (rows - 1) + (cols > micro->lanes)](
          p->k, a + row * a_row, a_row, a_col, b + col, b_row, p->c + row * p->ldc + col, p->ldc,
          cols, p->accumulate);
    }
  }
  if (whole->done) whole->done(whole->done_ctx, 0, whole->m, 0, whole->n);
  return true;
}
