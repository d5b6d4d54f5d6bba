#include "kernels/recurrent.h"

#include <string.h>

#include "kernels/gemm.h"
#include "kernels/reduce.h"

int64_t ldb_cell_gates(ldb_cell cell) {
  return cell == LDB_CELL_RNN ? 1 : cell == LDB_CELL_LSTM ? 4 : 3;
}

int64_t ldb_cell_states(ldb_cell cell) {
  return cell == LDB_CELL_LSTM ? 2 : 1;
}

/* Blocks of units in the gradient of z: GRU has one for the inner n beside that for the outer. */
static int64_t gradient_blocks(ldb_cell cell) {
  return cell == LDB_CELL_GRU ? 4 : ldb_cell_gates(cell);
}

static bool keeps_z(const ldb_recurrent *r) {
  return ldb_act_needs_z(r->activation) ||
         (r->cell != LDB_CELL_RNN && ldb_act_needs_z(r->recurrent_activation));
}

/* Offsets, in elements, into saved, with n = time batch. */
typedef struct layout {
  size_t h;     /* [time + 1 x batch x units], before every step and after the last */
  size_t c;     /* the same for LSTM's cells */
  size_t a;     /* [n x gates units]: the gates after their activation */
  size_t extra; /* [n x units]: f(c) for LSTM, h U3 + d3 for GRU, r h for GRU_BEFORE */
  size_t z;     /* [n x gates units]: before the activation, where backward reads it */
  size_t end;
} layout;

static layout layout_of(const ldb_recurrent *r) {
  const size_t step = (size_t)(r->batch * r->units), n = step * (size_t)r->time;
  const size_t gates = (size_t)ldb_cell_gates(r->cell);
  layout l = {.h = 0};
  l.c = l.h + n + step;
  l.a = l.c + (r->cell == LDB_CELL_LSTM ? n + step : 0);
  l.extra = l.a + gates * n;
  l.z = l.extra + (r->cell == LDB_CELL_RNN ? 0 : n);
  l.end = l.z + (keeps_z(r) ? gates * n : 0);
  return l;
}

bool ldb_recurrent_measure(const ldb_recurrent *r, ldb_recurrent_sizes *sizes) {
  size_t rows = 0, width = 0, all = 0;
  /* an upper bound of every sum below: 24 blocks of units and the inputs, for time + 4 steps */
  if (!ldb_add_size((size_t)r->time, 4, &rows) || !ldb_mul_size(rows, (size_t)r->batch, &rows) ||
      !ldb_mul_size((size_t)r->units, 24, &width) || !ldb_add_size(width, (size_t)r->in, &width) ||
      !ldb_mul_size(rows, width, &all) || !ldb_mul_size(all, sizeof(double), &all) ||
      all > (size_t)INT64_MAX)
    return false;
  const size_t step = (size_t)(r->batch * r->units);
  const size_t inputs = (size_t)(r->time * r->batch * r->in);
  sizes->saved = layout_of(r).end;
  sizes->forward_scratch = inputs + (r->cell == LDB_CELL_GRU ? 3 * step : 0);
  sizes->backward_scratch = inputs + 4 * step + (size_t)(r->time * gradient_blocks(r->cell)) * step;
  return true;
}

/* The place of the step that is taken as number s. */
static int64_t place(const ldb_recurrent *r, int64_t s) {
  return r->reverse ? r->time - 1 - s : s;
}

static bool is_masked(const ldb_recurrent *r, int64_t s, int64_t b) {
  return r->mask && r->mask[b * r->time + place(r, s)] == 0;
}

/* y[s, b] = x[b, place(s)], or back. */
static void by_step(const ldb_recurrent *r, const void *x, void *y) {
  const size_t row = (size_t)r->in * ldb_dtype_size(r->dtype);
  for (int64_t s = 0; row && s < r->time; s++)
    for (int64_t b = 0; b < r->batch; b++)
      memcpy((char *)y + (size_t)(s * r->batch + b) * row,
             (const char *)x + (size_t)(b * r->time + place(r, s)) * row, row);
}

static void by_sample(const ldb_recurrent *r, const void *y, void *x) {
  const size_t row = (size_t)r->in * ldb_dtype_size(r->dtype);
  for (int64_t s = 0; row && s < r->time; s++)
    for (int64_t b = 0; b < r->batch; b++)
      memcpy((char *)x + (size_t)(b * r->time + place(r, s)) * row,
             (const char *)y + (size_t)(s * r->batch + b) * row, row);
}

static ldb_mat mat(const void *data, int64_t ld, bool trans) {
  return (ldb_mat){.data = data, .ld = ld > 0 ? ld : 1, .trans = trans};
}

/* out = column sums of the n rows of g, which are ld elements apart */
static void sum_rows(ldb_dtype t, int64_t n, int64_t cols, int64_t ld, void *g, void *out) {
  ldb_view from = {.data = g, .dtype = t, .rank = 2};
  ldb_view to = {.data = out, .dtype = t, .rank = 1};
  from.shape[0] = n;
  from.shape[1] = cols;
  from.stride[0] = ld;
  from.stride[1] = 1;
  to.shape[0] = cols;
  to.stride[0] = 1;
  if (cols > 0) ldb_reduce(LDB_REDUCE_SUM, &from, 1, 0, &to);
}

#define T float
#define TYPE LDB_F32
#define NAME(x) x##_f32
#include "kernels/recurrent_generic.h"
#include "kernels/recurrent_grad_generic.h"
#undef T
#undef TYPE
#undef NAME
#define T double
#define TYPE LDB_F64
#define NAME(x) x##_f64
#include "kernels/recurrent_generic.h"
#include "kernels/recurrent_grad_generic.h"
#undef T
#undef TYPE
#undef NAME

ldb_status ldb_recurrent_forward(const ldb_recurrent *r, ldb_error *e) {
  return r->dtype == LDB_F32 ? forward_f32(r, e) : forward_f64(r, e);
}

ldb_status ldb_recurrent_backward(const ldb_recurrent *r, const ldb_recurrent_gradients *g,
                                  ldb_error *e) {
  return r->dtype == LDB_F32 ? backward_f32(r, g, e) : backward_f64(r, g, e);
}
