/*
** dense: act(x w + b) as one matrix product and one pass over its result.
*/
#include "graph/op.h"
#include "kernels/activation.h"
#include "kernels/product.h"
#include "kernels/reduce.h"

enum { X = 0, W = 1, B = 2, ACTIVATION = 0 };

/* Elements of the result that the epilogue handles at a time, so that they stay in the first-level
   cache between the bias and the activation. */
enum { EPILOGUE_BLOCK = 2048 };

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

/* out[m x n] = a[m x k] . b[k x n] on the threads of the call. */
static ldb_status multiply(const ldb_call *c, int64_t m, int64_t n, int64_t k, ldb_mat a, ldb_mat b,
                           void *out, ldb_error *e) {
  const int64_t ld = n > 0 ? n : 1;
  if (c->out.dtype != LDB_F32) return ldb_gemm(c->out.dtype, m, n, k, a, b, out, ld, false, e);
  const ldb_product p = {
      .m = m, .n = n, .k = k, .a = {.mat = a}, .b = {.mat = b}, .c = out, .ldc = ld};
  return ldb_multiply(c->team, &p, e);
}

static ldb_status dense_forward(ldb_call *c, ldb_error *e) {
  const int64_t n = rows_of(c), k = c->in[W].shape[0], units = c->in[W].shape[1];
  const bool keep_z = activation(c) != LDB_ACT_LINEAR && ldb_act_needs_z(activation(c));
  void *z = keep_z ? c->saved.data : c->out.data;
  const void *bias = has_bias(c) ? c->in[B].data : NULL;
  const ldb_status s =
      multiply(c, n, units, k, matrix(&c->in[X], false), matrix(&c->in[W], false), z, e);
  if (s != LDB_OK) return s;
  if (c->out.dtype == LDB_F32)
    epilogue_f32(activation(c), n, units, bias, z, c->out.data);
  else
    epilogue_f64(activation(c), n, units, bias, z, c->out.data);
  return LDB_OK;
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
  if (g.dtype == LDB_F32)
    ldb_act_backward_f32(activation(c), n * units, z, c->out.data, c->gout.data, g.data);
  else
    ldb_act_backward_f64(activation(c), n * units, z, c->out.data, c->gout.data, g.data);
  return g;
}

/* gx = gz w', gw = x' gz, gb = column sums of gz */
static ldb_status dense_backward(ldb_call *c, ldb_error *e) {
  const int64_t n = rows_of(c), k = c->in[W].shape[0], units = c->in[W].shape[1];
  const ldb_view g = gradient_of_z(c);
  ldb_status s = LDB_OK;
  if (c->gin[X].data)
    s = multiply(c, n, k, units, matrix(&g, false), matrix(&c->in[W], true), c->gin[X].data, e);
  if (s == LDB_OK && c->gin[W].data)
    s = multiply(c, k, units, n, matrix(&c->in[X], true), matrix(&g, false), c->gin[W].data, e);
  if (s == LDB_OK && has_bias(c) && c->gin[B].data)
    ldb_reduce(LDB_REDUCE_SUM, &g, 1, 0, &c->gin[B]);
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
