/*
** Activations.
*/
#include <math.h>
#include <string.h>

#include "graph/op_map.h"

static const ldb_attr_spec no_attrs[] = {{.name = NULL}};

#define ROW(fn, keep, row_attrs, row_infer, text)             \
  LDB_UNARY_FUNCTIONS(fn)                                     \
  const ldb_op ldb_op_##fn = {.name = #fn,                    \
                              .doc = text,                    \
                              .inputs = "x",                  \
                              .flags = LDB_OP_FLOAT | (keep), \
                              .grad_inputs = 1,               \
                              .attrs = row_attrs,             \
                              .infer = row_infer,             \
                              .forward = fn##_forward,        \
                              .backward = fn##_backward};

#define PLAIN_ROW(fn, keep, text) ROW(fn, keep, no_attrs, ldb_infer_float, text)

PLAIN_ROW(relu, LDB_OP_KEEP_OUT, "max(x, 0); slope 0 at 0")
PLAIN_ROW(selu, LDB_OP_KEEP_OUT, "1.0507 elu(x, 1.67326)")
PLAIN_ROW(silu, LDB_OP_KEEP_IN, "x sigmoid(x)")
PLAIN_ROW(mish, LDB_OP_KEEP_IN, "x tanh(softplus(x))")
PLAIN_ROW(softplus, LDB_OP_KEEP_OUT, "ln(1 + e^x)")
PLAIN_ROW(softsign, LDB_OP_KEEP_IN, "x / (1 + |x|)")
PLAIN_ROW(tanh, LDB_OP_KEEP_OUT, "hyperbolic tangent of x")
PLAIN_ROW(sigmoid, LDB_OP_KEEP_OUT, "1 / (1 + e^-x)")
PLAIN_ROW(hard_sigmoid, LDB_OP_KEEP_OUT, "min(max(x + 3, 0), 6) / 6")
PLAIN_ROW(hard_silu, LDB_OP_KEEP_IN, "x hard_sigmoid(x)")
PLAIN_ROW(relu6, LDB_OP_KEEP_OUT, "min(max(x, 0), 6)")
PLAIN_ROW(log_sigmoid, LDB_OP_KEEP_OUT, "ln sigmoid(x) = -softplus(-x)")

/* ---- with a parameter ------------------------------------------------------------------------ */

static const ldb_attr_spec leaky_relu_attrs[] = {
    {.name = "negative_slope", .kind = LDB_ATTR_NUM, .slot = 0, .fallback = 0.2}, {.name = NULL}};

static const ldb_attr_spec alpha_attrs[] = {
    {.name = "alpha", .kind = LDB_ATTR_NUM, .slot = 0, .fallback = 1}, {.name = NULL}};

/* The gradients read the sign of x off y, which a negative parameter would turn around. */
static ldb_status leaky_relu_infer(ldb_call *c, ldb_error *e) {
  double slope = c->attrs.num[0];
  if (!(slope >= 0 && slope < INFINITY))
    return ldb_fail(e, LDB_RANGE, "argument 'negative_slope': expected a number >= 0, got %g",
                    slope);
  return ldb_infer_float(c, e);
}

static ldb_status elu_infer(ldb_call *c, ldb_error *e) {
  double alpha = c->attrs.num[0];
  if (!(alpha >= 0 && alpha < INFINITY))
    return ldb_fail(e, LDB_RANGE, "argument 'alpha': expected a number >= 0, got %g", alpha);
  return ldb_infer_float(c, e);
}

static ldb_status celu_infer(ldb_call *c, ldb_error *e) {
  double alpha = c->attrs.num[0];
  if (!(alpha > 0 && alpha < INFINITY))
    return ldb_fail(e, LDB_RANGE, "argument 'alpha': expected a number > 0, got %g", alpha);
  return ldb_infer_float(c, e);
}

ROW(leaky_relu, LDB_OP_KEEP_OUT, leaky_relu_attrs, leaky_relu_infer, "x > 0 ? x : negative_slope x")
ROW(elu, LDB_OP_KEEP_OUT, alpha_attrs, elu_infer, "x > 0 ? x : alpha (e^x - 1)")
ROW(celu, LDB_OP_KEEP_OUT, alpha_attrs, celu_infer, "x > 0 ? x : alpha (e^(x/alpha) - 1)")

/* ---- gelu ------------------------------------------------------------------------------------ */

static const ldb_attr_spec gelu_attrs[] = {
    {.name = "approximate", .kind = LDB_ATTR_BOOL, .slot = 0, .fallback = 0}, {.name = NULL}};

static ldb_unary gelu_kind(const ldb_call *c) {
  return c->attrs.integer[0] ? LDB_UNARY_gelu_tanh : LDB_UNARY_gelu;
}

static ldb_status gelu_forward(ldb_call *c, ldb_error *e) {
  return ldb_map_unary(c, gelu_kind(c), e);
}

static ldb_status gelu_backward(ldb_call *c, ldb_error *e) {
  return ldb_map_unary_gradient(c, gelu_kind(c), e);
}

const ldb_op ldb_op_gelu = {.name = "gelu",
                            .doc = "x Phi(x), Phi the normal distribution; approximate: "
                                   "x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) / 2",
                            .inputs = "x",
                            .flags = LDB_OP_FLOAT | LDB_OP_KEEP_IN,
                            .grad_inputs = 1,
                            .attrs = gelu_attrs,
                            .infer = ldb_infer_float,
                            .forward = gelu_forward,
                            .backward = gelu_backward};

/* ---- linear ---------------------------------------------------------------------------------- */

static ldb_status linear_infer(ldb_call *c, ldb_error *e) {
  (void)e;
  c->out = c->in[0];
  return LDB_OK;
}

static ldb_status linear_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  size_t bytes = (size_t)ldb_view_count(&c->gout) * ldb_dtype_size(c->gout.dtype);
  if (c->gin[0].data && bytes > 0) memcpy(c->gin[0].data, c->gout.data, bytes);
  return LDB_OK;
}

const ldb_op ldb_op_linear = {.name = "linear",
                              .doc = "x itself, for places that name an activation",
                              .inputs = "x",
                              .flags = LDB_OP_VIEW,
                              .grad_inputs = 1,
                              .attrs = no_attrs,
                              .infer = linear_infer,
                              .backward = linear_backward};

/* ---- prelu ----------------------------------------------------------------------------------- */

static ldb_status prelu_infer(ldb_call *c, ldb_error *e) {
  ldb_status s = ldb_infer_broadcast(c, e);
  if (s != LDB_OK) return s;
  if (!ldb_same_shape(&c->out, &c->in[0])) {
    char x[LDB_SHAPE_TEXT], a[LDB_SHAPE_TEXT];
    return ldb_fail(e, LDB_SHAPE,
                    "argument 'a': expected a shape that broadcasts to x's %s, got %s",
                    ldb_shape_text(&c->in[0], x), ldb_shape_text(&c->in[1], a));
  }
  return ldb_room_for_broadcast(c, 0, e);
}

static ldb_status prelu_forward(ldb_call *c, ldb_error *e) {
  return ldb_map_binary(c, LDB_BINARY_prelu, e);
}

static ldb_status prelu_backward(ldb_call *c, ldb_error *e) {
  return ldb_map_binary_gradient(c, LDB_BINARY_prelu, e);
}

const ldb_op ldb_op_prelu = {.name = "prelu",
                             .doc = "x > 0 ? x : a x; a broadcasts to x",
                             .inputs = "x a",
                             .flags = LDB_OP_PROMOTE | LDB_OP_FLOAT | LDB_OP_KEEP_IN,
                             .grad_inputs = 3,
                             .attrs = no_attrs,
                             .infer = prelu_infer,
                             .forward = prelu_forward,
                             .backward = prelu_backward};
