/*
** dense: act(x w + b) as one matrix product and one pass over its result.
*/
#include "base/clones.h"
#include "graph/op.h"
#include "kernels/elementwise/activation.h"
#include "kernels/product/product.h"
#include "kernels/reduce/reduce.h"

enum { X = 0, W = 1, B = 2, ACTIVATION = 0 };

/* Elements of the result that the epilogue handles at a time, so that they stay in the first-level
   cache between the bias and the activation. */
enum { EPILOGUE_BLOCK = 2048 };

/* Elements of a gradient up to which its columns are summed by plain loops: setting up a reduction
   would take longer. */
enum { SUM_HERE = 1024 };

static const ldb_attr_spec dense_attrs[] = {{.name = "activation",
                                             .kind = LDB_ATTR_ENUM,
                                             .slot = ACTIVATION,
                                             .fallback = LDB_ACT_LINEAR,
                                             .choices = ldb_act_names},
                                            {.name = NULL}};

static bool has_bias(const ldb_call *c) {
  return c->n_in > B && c->in[B].rank >= 0;
}

static ldb_act activation(const ldb_call *c) {
  return (ldb_act)c->attrs.integer[ACTIVATION];
}

static int64_t rows_of(const ldb_call *c) {
  int64_t n = 1;
  for (int i = 0; i < c->in[X].rank - 1; i++)
    n *= c->in[X].shape[i];
  return n;
}

static ldb_status check_shapes(const ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[X], *w = &c->in[W], *b = &c->in[B];
  char tx[LDB_SHAPE_TEXT], tw[LDB_SHAPE_TEXT];
  if (x->rank < 1) return ldb_fail(e, LDB_SHAPE, "x is a scalar, expected [batch x features]");
  if (w->rank != 2)
    return ldb_fail(e, LDB_SHAPE, "w is %s, expected [inputs x units]", ldb_shape_text(w, tw));
  if (x->shape[x->rank - 1] != w->shape[0])
    return ldb_fail(e, LDB_SHAPE, "x is %s with %lld features, but w is %s and takes %lld%s",
                    ldb_shape_text(x, tx), (long long)x->shape[x->rank - 1], ldb_shape_text(w, tw),
                    (long long)w->shape[0],
                    x->shape[x->rank - 1] == w->shape[1] ? " (w is [inputs x units]: transposed?)"
                                                         : "");
  if (has_bias(c) && (b->rank != 1 || b->shape[0] != w->shape[1]))
    return ldb_fail(e, LDB_SHAPE, "b is %s, but w %s has %lld units", ldb_shape_text(b, tx),
                    ldb_shape_text(w, tw), (long long)w->shape[1]);
  return LDB_OK;
}

static ldb_status infer_dense(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[X];
  int64_t shape[LDB_MAX_RANK];
  ldb_status s = check_shapes(c, e);
  if (s != LDB_OK) return s;
  for (int i = 0; i < x->rank - 1; i++)
    shape[i] = x->shape[i];
  shape[x->rank - 1] = c->in[W].shape[1];
  s = ldb_view_init(&c->out, x->dtype, x->rank, shape, e);
  if (s != LDB_OK || activation(c) == LDB_ACT_LINEAR) return s;
  if (ldb_act_needs_z(activation(c))) {
    const int64_t count = ldb_view_count(&c->out);
    s = ldb_view_init(&c->saved, x->dtype, 1, &count, e);
    if (s != LDB_OK) return s;
  }
  return ldb_view_bytes(&c->out, &c->backward_scratch, e);
}

#define T float
#define NAME(x) x##_f32
#include "graph/op_dense_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "graph/op_dense_generic.h"
#undef T
#undef NAME

static ldb_mat matrix(const ldb_view *v, bool trans) {
  const int64_t width = v->shape[v->rank - 1];
  return (ldb_mat){.data = v->data, .ld = width > 0 ? width : 1, .trans = trans};
}

/* out[m x n] = a[m x k] . b[k x n] on the threads of the call; `done` for f32 alone. */
static ldb_status multiply(const ldb_call *c, int64_t m, int64_t n, int64_t k, ldb_mat a, ldb_mat b,
                           void *out, ldb_done_fn *done, void *ctx, ldb_error *e) {
  const int64_t ld = n > 0 ? n : 1;
  if (c->out.dtype != LDB_F32) return ldb_gemm(c->out.dtype, m, n, k, a, b, out, ld, false, e);
  const ldb_product p = {.m = m,
                         .n = n,
                         .k = k,
                         .a = {.mat = a},
                         .b = {.mat = b},
                         .c = out,
                         .ldc = ld,
                         .done = done,
                         .done_ctx = ctx};
  return ldb_multiply(c->team, &p, e);
}

typedef struct epilogue {
  ldb_act f;
  int64_t units;
  const float *bias; /* or NULL */
  float *z, *y;
} epilogue;

static void finish(void *ctx, int64_t row, int64_t rows, int64_t col, int64_t cols) {
  const epilogue *p = ctx;
  const int64_t at = row * p->units + col;
  epilogue_f32(p->f, rows, cols, p->units, p->bias ? p->bias + col : NULL, p->z + at, p->y + at);
}

static ldb_status dense_forward(ldb_call *c, ldb_error *e) {
  const int64_t n = rows_of(c), k = c->in[W].shape[0], units = c->in[W].shape[1];
  const ldb_act f = activation(c);
  const bool keep_z = f != LDB_ACT_LINEAR && ldb_act_needs_z(f);
  void *z = keep_z ? c->saved.data : c->out.data, *y = c->out.data;
  const void *bias = has_bias(c) ? c->in[B].data : NULL;
  epilogue after = {.f = f, .units = units};
  if (c->out.dtype == LDB_F32) {
    after.bias = bias;
    after.z = z;
    after.y = y;
  }
  const bool plain = !bias && f == LDB_ACT_LINEAR;
  const ldb_status s = multiply(c, n, units, k, matrix(&c->in[X], false), matrix(&c->in[W], false),
                                z, plain ? NULL : finish, &after, e);
  if (s == LDB_OK && c->out.dtype == LDB_F64) epilogue_f64(f, n, units, units, bias, z, y);
  return s;
}

/* gz = gout f'(z), in scratch unless f is the identity. */
static ldb_view gradient_of_z(const ldb_call *c) {
  const int64_t n = rows_of(c), units = c->in[W].shape[1];
  ldb_view g = {.data = c->gout.data, .dtype = c->gout.dtype, .rank = 2};
  g.shape[0] = n;
  g.shape[1] = units;
  g.stride[0] = units > 0 ? units : 1;
  g.stride[1] = 1;
  if (activation(c) == LDB_ACT_LINEAR) return g;
  g.data = c->scratch;
  const bool keep_z = ldb_act_needs_z(activation(c));
  const void *z = keep_z ? c->saved.data : NULL;
  ldb_act_backward(c->team, activation(c), g.dtype, n * units, z, c->out.data, c->gout.data,
                   g.data);
  return g;
}

/* to[j] = sum over i of g[i][j] */
static void sum_columns(const ldb_call *c, const ldb_view *g, const ldb_view *to) {
  const int64_t rows = g->shape[0], cols = g->shape[1];
  if (g->dtype != LDB_F32 || rows * cols > SUM_HERE || cols > SUM_HERE) {
    ldb_reduce_on(c->team, LDB_REDUCE_SUM, g, 1, 0, to);
    return;
  }
  const float *from = g->data;
  float *out = to->data;
  double sum[SUM_HERE];
  for (int64_t j = 0; j < cols; j++)
    sum[j] = 0;
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++)
      sum[j] += (double)from[i * cols + j];
  for (int64_t j = 0; j < cols; j++)
    out[j] = (float)sum[j];
}

/* gx = gz w', gw = x' gz, gb = column sums of gz */
static ldb_status dense_backward(ldb_call *c, ldb_error *e) {
  const int64_t n = rows_of(c), k = c->in[W].shape[0], units = c->in[W].shape[1];
  const ldb_view g = gradient_of_z(c);
  ldb_status s = LDB_OK;
  if (c->gin[X].data)
    s = multiply(c, n, k, units, matrix(&g, false), matrix(&c->in[W], true), c->gin[X].data, NULL,
                 NULL, e);
  if (s == LDB_OK && c->gin[W].data)
    s = multiply(c, k, units, n, matrix(&c->in[X], true), matrix(&g, false), c->gin[W].data, NULL,
                 NULL, e);
  if (s == LDB_OK && has_bias(c) && c->gin[B].data) sum_columns(c, &g, &c->gin[B]);
  return s;
}

const ldb_op ldb_op_dense = {
    .name = "dense",
    .doc = "activation(x w + b): x [.. x inputs], w [inputs x units], b [units]",
    .inputs = "x w b?",
    .flags = LDB_OP_FLOAT | LDB_OP_PROMOTE | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN | LDB_OP_KEEP_OUT,
    .grad_inputs = 7,
    .attrs = dense_attrs,
    .infer = infer_dense,
    .forward = dense_forward,
    .backward = dense_backward,
};
