#include "kernels/attention.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/dropout.h"
#include "kernels/gemm.h"
#include "kernels/math_inline.h"

enum { LANES = 8 };

/* Where one head of one sample stands: its number, and the offsets of its first score in mask,
   bias and the gradient of bias. */
typedef struct place {
  int64_t o, h, index, mask, bias, gbias;
} place;

static int64_t offset_of(const ldb_view *scores, const ldb_view *seen, int64_t index) {
  int64_t offset = 0;
  if (!seen->data) return 0;
  for (int i = scores->rank - 3; i >= 0; i--) {
    offset += index % scores->shape[i] * seen->stride[i];
    index /= scores->shape[i];
  }
  return offset;
}

static place place_of(const ldb_attention *a, const ldb_view *gbias, int64_t o, int64_t h) {
  place p = {.o = o, .h = h, .index = o * a->heads + h};
  p.mask = offset_of(&a->scores, &a->mask, p.index);
  p.bias = offset_of(&a->scores, &a->bias, p.index);
  p.gbias = gbias ? offset_of(&a->scores, gbias, p.index) : 0;
  return p;
}

#define T float
#define NAME(x) x##_f32
#include "kernels/attention_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/attention_generic.h"
#undef T
#undef NAME

/* Matrix of `width` columns of one head: rows from `row` on of an array [outer x t x heads width].
   Written through by the products into results, hence not const. */
static void *head_at(const ldb_attention *a, const void *data, int64_t t, int64_t width,
                     const place *p, int64_t row) {
  const size_t at = (size_t)((p->o * t + row) * a->heads * width + p->h * width);
  return (char *)(uintptr_t)data + at * ldb_dtype_size(a->dtype);
}

static int64_t ld_of(const ldb_attention *a, int64_t width) {
  return a->heads * width > 0 ? a->heads * width : 1;
}

static ldb_mat head(const ldb_attention *a, const void *data, int64_t t, int64_t width,
                    const place *p, int64_t row, bool trans) {
  return (ldb_mat){head_at(a, data, t, width, p, row), ld_of(a, width), trans};
}

/* Keys that the rows up to `end` can weigh: all, or under causality those before `end`. */
static int64_t columns(const ldb_attention *a, int64_t end) {
  const bool may_be_empty = a->mask.data || a->bias.data;
  if (!a->causal || (a->uniform && may_be_empty)) return a->tk;
  return end < a->tk ? end : a->tk;
}

/* The weights of rows first..first+n-1, before dropout; open[i] as weigh says. */
static ldb_status weights(const ldb_attention *a, const place *p, int64_t first, int64_t n,
                          int64_t cols, void *s, bool *open, ldb_error *e) {
  const ldb_status st =
      ldb_gemm(a->dtype, n, cols, a->dk, head(a, a->q, a->tq, a->dk, p, first, false),
               head(a, a->k, a->tk, a->dk, p, 0, true), s, cols, false, e);
  if (st != LDB_OK) return st;
  for (int64_t i = 0; i < n; i++) {
    if (a->dtype == LDB_F32) {
      float *row = (float *)s + i * cols;
      admit_f32(a, p, first + i, cols, row);
      open[i] = weigh_f32(a, cols, row);
    } else {
      double *row = (double *)s + i * cols;
      admit_f64(a, p, first + i, cols, row);
      open[i] = weigh_f64(a, cols, row);
    }
  }
  return LDB_OK;
}

static void drop_rows(const ldb_attention *a, const place *p, int64_t first, int64_t n,
                      int64_t cols, void *s) {
  for (int64_t i = 0; a->rate > 0 && i < n; i++) {
    if (a->dtype == LDB_F32)
      drop_f32(a, p, first + i, cols, (float *)s + i * cols);
    else
      drop_f64(a, p, first + i, cols, (double *)s + i * cols);
  }
}

static ldb_status forward_block(const ldb_attention *a, const place *p, int64_t first, int64_t n,
                                void *y, void *s, ldb_error *e) {
  bool open[LDB_ATTENTION_ROWS];
  const int64_t cols = columns(a, first + n);
  const ldb_mat left = {s, cols > 0 ? cols : 1, false};
  ldb_status st = LDB_OK;
  if (cols > 0) st = weights(a, p, first, n, cols, s, open, e);
  if (st != LDB_OK) return st;
  drop_rows(a, p, first, n, cols, s);
  return ldb_gemm(a->dtype, n, a->dv, cols, left, head(a, a->v, a->tk, a->dv, p, 0, false),
                  head_at(a, y, a->tq, a->dv, p, first), ld_of(a, a->dv), false, e);
}

ldb_status ldb_attention_forward(const ldb_attention *a, void *y, void *scores, ldb_error *e) {
  for (int64_t i = 0; i < a->outer * a->heads; i++) {
    const place p = place_of(a, NULL, i / a->heads, i % a->heads);
    for (int64_t first = 0; first < a->tq; first += LDB_ATTENTION_ROWS) {
      const int64_t left = a->tq - first, n = left < LDB_ATTENTION_ROWS ? left : LDB_ATTENTION_ROWS;
      const ldb_status st = forward_block(a, &p, first, n, y, scores, e);
      if (st != LDB_OK) return st;
    }
  }
  return LDB_OK;
}

/* gq = gs k, gk += gs' q, gv += w' gy of one block; w: weights after dropout, gs: gradient of q k'.
 */
static ldb_status block_products(const ldb_attention *a, const ldb_attention_gradients *g,
                                 const place *p, int64_t first, int64_t n, int64_t cols,
                                 const void *gy, const void *w, const void *gs, ldb_error *e) {
  ldb_status st = LDB_OK;
  if (g->gq)
    st = ldb_gemm(a->dtype, n, a->dk, cols, (ldb_mat){gs, cols, false},
                  head(a, a->k, a->tk, a->dk, p, 0, false),
                  head_at(a, g->gq, a->tq, a->dk, p, first), ld_of(a, a->dk), false, e);
  if (st == LDB_OK && g->gk)
    st = ldb_gemm(a->dtype, cols, a->dk, n, (ldb_mat){gs, cols, true},
                  head(a, a->q, a->tq, a->dk, p, first, false),
                  head_at(a, g->gk, a->tk, a->dk, p, 0), ld_of(a, a->dk), true, e);
  if (st == LDB_OK && g->gv)
    st = ldb_gemm(a->dtype, cols, a->dv, n, (ldb_mat){w, cols, true},
                  head(a, gy, a->tq, a->dv, p, first, false), head_at(a, g->gv, a->tk, a->dv, p, 0),
                  ld_of(a, a->dv), true, e);
  return st;
}

static ldb_status backward_block(const ldb_attention *a, const ldb_attention_gradients *g,
                                 const place *p, int64_t first, int64_t n, const void *gy, void *s,
                                 ldb_error *e) {
  bool open[LDB_ATTENTION_ROWS];
  const int64_t cols = columns(a, first + n);
  void *gs = (char *)s + (size_t)(LDB_ATTENTION_ROWS * a->tk) * ldb_dtype_size(a->dtype);
  if (cols == 0) return LDB_OK;
  ldb_status st = weights(a, p, first, n, cols, s, open, e);
  if (st == LDB_OK)
    st = ldb_gemm(a->dtype, n, cols, a->dv, head(a, gy, a->tq, a->dv, p, first, false),
                  head(a, a->v, a->tk, a->dv, p, 0, true), gs, cols, false, e);
  if (st != LDB_OK) return st;
  drop_rows(a, p, first, n, cols, gs);
  for (int64_t i = 0; i < n; i++) {
    const int64_t at = i * cols;
    if (a->dtype == LDB_F32)
      score_gradient_f32(a, p, first + i, cols, open[i], &g->gbias_seen, (const float *)s + at,
                         (float *)gs + at);
    else
      score_gradient_f64(a, p, first + i, cols, open[i], &g->gbias_seen, (const double *)s + at,
                         (double *)gs + at);
  }
  drop_rows(a, p, first, n, cols, s);
  return block_products(a, g, p, first, n, cols, gy, s, gs, e);
}

static void clear(void *data, int64_t n, ldb_dtype t) {
  if (data && n > 0) memset(data, 0, (size_t)n * ldb_dtype_size(t));
}

ldb_status ldb_attention_backward(const ldb_attention *a, const void *gy,
                                  const ldb_attention_gradients *g, void *scores, ldb_error *e) {
  const int64_t n_heads = a->outer * a->heads;
  clear(g->gq, n_heads * a->tq * a->dk, a->dtype);
  clear(g->gk, n_heads * a->tk * a->dk, a->dtype);
  clear(g->gv, n_heads * a->tk * a->dv, a->dtype);
  clear(g->gbias_seen.data, g->gbias_count, a->dtype);
  for (int64_t i = 0; i < n_heads; i++) {
    const place p = place_of(a, &g->gbias_seen, i / a->heads, i % a->heads);
    for (int64_t first = 0; first < a->tq; first += LDB_ATTENTION_ROWS) {
      const int64_t left = a->tq - first, n = left < LDB_ATTENTION_ROWS ? left : LDB_ATTENTION_ROWS;
      const ldb_status st = backward_block(a, g, &p, first, n, gy, scores, e);
      if (st != LDB_OK) return st;
    }
  }
  return LDB_OK;
}
