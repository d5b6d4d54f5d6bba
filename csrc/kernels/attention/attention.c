#include "kernels/attention/attention.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/attention/attention_f32.h"
#include "kernels/elementwise/dropout.h"
#include "kernels/product/gemm.h"

enum { LANES = 8 };

/* Where one head of one sample stands: its number, and the offsets of its first score in mask,
   bias and the gradient of bias. */
typedef struct place {
  int64_t o, h, index, mask, bias, gbias;
} place;

int64_t ldb_attention_offset(const ldb_view *scores, const ldb_view *seen, int64_t index) {
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
  p.mask = ldb_attention_offset(&a->scores, &a->mask, p.index);
  p.bias = ldb_attention_offset(&a->scores, &a->bias, p.index);
  p.gbias = gbias ? ldb_attention_offset(&a->scores, gbias, p.index) : 0;
  return p;
}

/* Adds bias and scale and sets what is forbidden to -inf. */
static void admit(const ldb_attention *a, const place *p, int64_t i, int64_t cols, double *s) {
  const int last = a->scores.rank - 1;
  const double scale = a->scale;
  for (int64_t j = 0; j < cols; j++)
    s[j] *= scale;
  if (a->bias.data) {
    const double *b = (const double *)a->bias.data + p->bias + i * a->bias.stride[last - 1];
    for (int64_t j = 0; j < cols; j++)
      s[j] += b[j * a->bias.stride[last]];
  }
  if (a->mask.data) {
    const int32_t *m = (const int32_t *)a->mask.data + p->mask + i * a->mask.stride[last - 1];
    for (int64_t j = 0; j < cols; j++)
      if (m[j * a->mask.stride[last]] == 0) s[j] = -HUGE_VAL;
  }
  if (a->causal)
    for (int64_t j = i + 1; j < cols; j++)
      s[j] = -HUGE_VAL;
}

/* softmax of one row; false where no key is allowed (the row is filled, and passes no gradient). */
static bool weigh(const ldb_attention *a, int64_t cols, double *s) {
  double m = -HUGE_VAL;
  bool empty = true;
  double lane[LANES] = {0}, sum = 0;
  for (int64_t j = 0; j < cols; j++) {
    m = s[j] > m ? s[j] : m;
    empty = empty && s[j] == -HUGE_VAL; /* NaN is not empty */
  }
  if (empty) {
    for (int64_t j = 0; j < cols; j++)
      s[j] = a->uniform ? 1 / (double)cols : 0;
    return false;
  }
  for (int64_t j = 0; j < cols; j++)
    s[j] = exp(s[j] - m);
  int64_t j = 0;
  for (; j + LANES <= cols; j += LANES)
    for (int l = 0; l < LANES; l++)
      lane[l] += s[j + l];
  for (; j < cols; j++)
    sum += s[j];
  for (int l = 0; l < LANES; l++)
    sum += lane[l];
  for (j = 0; j < cols; j++)
    s[j] = (s[j] / sum);
  return true;
}

static void drop(const ldb_attention *a, const place *p, int64_t i, int64_t cols, double *s) {
  const ldb_rng r = {.seed = a->seed,
                     .stream =
                         ldb_rng_stream("attention", a->stream, (uint64_t)(p->index * a->tq + i))};
  enum { AT_ONCE = 1024 };
  unsigned char keep[AT_ONCE];
  for (int64_t j = 0; j < cols; j += AT_ONCE) {
    const int64_t n = cols - j < AT_ONCE ? cols - j : AT_ONCE;
    ldb_dropout_draw(&r, a->rate, j, n, keep);
    ldb_dropout_apply(a->dtype, a->rate, n, keep, s + j, s + j);
  }
}

/* w: weights, g: gradient of the result by the weights; g becomes the gradient of the scores before
   bias (written to gbias) and after scaling. */
static void score_gradient(const ldb_attention *a, const place *p, int64_t i, int64_t cols,
                           bool open, const ldb_view *gbias, const double *w, double *g) {
  const int last = a->scores.rank - 1;
  double sum = 0;
  for (int64_t j = 0; j < cols; j++)
    sum += w[j] * g[j];
  for (int64_t j = 0; j < cols; j++)
    g[j] = open ? (w[j] * (g[j] - sum)) : 0;
  if (gbias->data) {
    double *b = (double *)gbias->data + p->gbias + i * gbias->stride[last - 1];
    for (int64_t j = 0; j < cols; j++)
      b[j * gbias->stride[last]] += g[j];
  }
  for (int64_t j = 0; j < cols; j++)
    g[j] *= a->scale;
}

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
    double *row = (double *)s + i * cols;
    admit(a, p, first + i, cols, row);
    open[i] = weigh(a, cols, row);
  }
  return LDB_OK;
}

static void drop_rows(const ldb_attention *a, const place *p, int64_t first, int64_t n,
                      int64_t cols, void *s) {
  for (int64_t i = 0; a->rate > 0 && i < n; i++)
    drop(a, p, first + i, cols, (double *)s + i * cols);
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

size_t ldb_attention_scratch(const ldb_attention *a) {
  if (a->dtype == LDB_F32) return ldb_attention_room_f32(a);
  return 2 * LDB_ATTENTION_ROWS * (size_t)a->tk * sizeof(double);
}

ldb_status ldb_attention_forward(ldb_team *team, const ldb_attention *a, void *y, float *rows,
                                 void *scores, ldb_error *e) {
  if (a->dtype == LDB_F32) {
    ldb_attention_forward_f32(team, a, y, rows, scores);
    return LDB_OK;
  }
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
    score_gradient(a, p, first + i, cols, open[i], &g->gbias_seen, (const double *)s + at,
                   (double *)gs + at);
  }
  drop_rows(a, p, first, n, cols, s);
  return block_products(a, g, p, first, n, cols, gy, s, gs, e);
}

static void clear(void *data, int64_t n, ldb_dtype t) {
  if (data && n > 0) memset(data, 0, (size_t)n * ldb_dtype_size(t));
}

ldb_status ldb_attention_backward(ldb_team *team, const ldb_attention *a, const void *y,
                                  const float *rows, const void *gy,
                                  const ldb_attention_gradients *g, void *scores, ldb_error *e) {
  const int64_t n_heads = a->outer * a->heads;
  clear(g->gbias_seen.data, g->gbias_count, a->dtype);
  if (a->dtype == LDB_F32) {
    ldb_attention_backward_f32(team, a, y, rows, gy, g, scores);
    return LDB_OK;
  }
  clear(g->gq, n_heads * a->tq * a->dk, a->dtype);
  clear(g->gk, n_heads * a->tk * a->dk, a->dtype);
  clear(g->gv, n_heads * a->tk * a->dv, a->dtype);
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
