/*
** softmax for one element type; included by softmax.c with T and NAME(x) defined. A NaN need not be
** looked for: exp makes one of it, and the sum carries it to the whole line.
*/
#include "kernels/reduce/row_lanes_generic.h"

/* Dense lines, one after the other. */
LDB_CLONES static void NAME(softmax_lines)(int64_t lines, int64_t n, bool as_log,
                                           const T *restrict x, T *restrict y) {
  for (int64_t r = 0; r < lines; r++, x += n, y += n) {
    const T m = NAME(top)(n, x);
    for (int64_t i = 0; i < n; i++)
      y[i] = NAME(ldb_exp)(x[i] - m);
    double sum;
    ROW_SUM(T, NAME(fold), n, sum, y[i]);
    if (as_log) {
      const T shift = (T)log(sum);
      for (int64_t i = 0; i < n; i++)
        y[i] = (x[i] - m) - shift;
    } else {
      const T scale = (T)(1 / sum);
      for (int64_t i = 0; i < n; i++)
        y[i] *= scale;
    }
  }
}

LDB_CLONES static void NAME(grad_lines)(int64_t lines, int64_t n, bool as_log, const T *restrict y,
                                        const T *restrict gy, T *restrict gx) {
  for (int64_t r = 0; r < lines; r++, y += n, gy += n, gx += n) {
    double whole;
    if (as_log)
      ROW_SUM(T, NAME(fold), n, whole, gy[i]);
    else
      ROW_SUM(T, NAME(fold), n, whole, gy[i] * y[i]);
    const T sum = (T)whole;
    if (as_log) {
      for (int64_t i = 0; i < n; i++)
        gx[i] = gy[i] - NAME(ldb_exp)(y[i]) * sum;
    } else {
      for (int64_t i = 0; i < n; i++)
        gx[i] = y[i] * (gy[i] - sum);
    }
  }
}

/* `width` lines side by side, whose elements are d apart. */
LDB_CLONES static void NAME(softmax_block)(int64_t n, int64_t d, int width, bool as_log, const T *x,
                                           T *y) {
  T m[BLOCK];
  double sum[BLOCK];
  for (int j = 0; j < width; j++) {
    m[j] = -(T)HUGE_VAL;
    sum[j] = 0;
  }
  for (int64_t i = 0; i < n; i++)
    for (int j = 0; j < width; j++)
      m[j] = x[i * d + j] > m[j] ? x[i * d + j] : m[j];
  for (int64_t i = 0; i < n; i++) {
    for (int j = 0; j < width; j++)
      y[i * d + j] = NAME(ldb_exp)(x[i * d + j] - m[j]);
    for (int j = 0; j < width; j++)
      sum[j] += (double)y[i * d + j];
  }
  for (int j = 0; j < width; j++)
    sum[j] = as_log ? log(sum[j]) : 1 / sum[j];
  for (int64_t i = 0; i < n; i++) {
    if (as_log)
      for (int j = 0; j < width; j++)
        y[i * d + j] = (T)((double)(x[i * d + j] - m[j]) - sum[j]);
    else
      for (int j = 0; j < width; j++)
        y[i * d + j] = (T)((double)y[i * d + j] * sum[j]);
  }
}

LDB_CLONES static void NAME(grad_block)(int64_t n, int64_t d, int width, bool as_log, const T *y,
                                        const T *gy, T *gx) {
  double sum[BLOCK] = {0};
  for (int64_t i = 0; i < n; i++)
    for (int j = 0; j < width; j++)
      sum[j] += (double)gy[i * d + j] * (as_log ? 1 : (double)y[i * d + j]);
  for (int64_t i = 0; i < n; i++) {
    if (as_log) {
      for (int j = 0; j < width; j++)
        gx[i * d + j] = NAME(ldb_exp)(y[i * d + j]);
      for (int j = 0; j < width; j++)
        gx[i * d + j] = (T)((double)gy[i * d + j] - (double)gx[i * d + j] * sum[j]);
    } else {
      for (int j = 0; j < width; j++)
        gx[i * d + j] = (T)((double)y[i * d + j] * ((double)gy[i * d + j] - sum[j]));
    }
  }
}

/* `outer` parts of [n x inner]. */
static void NAME(softmax)(int64_t outer, int64_t n, int64_t inner, bool as_log, const T *x, T *y) {
  if (inner == 1) {
    NAME(softmax_lines)(outer, n, as_log, x, y);
    return;
  }
  for (int64_t o = 0; o < outer; o++, x += n * inner, y += n * inner)
    for (int64_t i = 0; i < inner; i += BLOCK)
      NAME(softmax_block)(n, inner, block_width(inner - i), as_log, x + i, y + i);
}

static void NAME(softmax_grad)(int64_t outer, int64_t n, int64_t inner, bool as_log, const T *y,
                               const T *gy, T *gx) {
  if (inner == 1) {
    NAME(grad_lines)(outer, n, as_log, y, gy, gx);
    return;
  }
  for (int64_t o = 0; o < outer; o++, y += n * inner, gy += n * inner, gx += n * inner)
    for (int64_t i = 0; i < inner; i += BLOCK)
      NAME(grad_block)(n, inner, block_width(inner - i), as_log, y + i, gy + i, gx + i);
}
