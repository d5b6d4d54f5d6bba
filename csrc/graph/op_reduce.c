/*
** Reductions over axes, and the reduction of gradients over broadcast axes.
*/
#include <string.h>

#include "graph/op.h"
#include "kernels/reduce/reduce.h"

enum { KEEPDIMS = 0, DDOF = 1, ARG_AXIS = 0, ARG_KEEPDIMS = 1 };

static const ldb_attr_spec reduce_attrs[] = {{.name = "axes", .kind = LDB_ATTR_AXES},
                                             {.name = "keepdims", .kind = LDB_ATTR_BOOL},
                                             {.name = NULL}};
static const ldb_attr_spec var_attrs[] = {{.name = "axes", .kind = LDB_ATTR_AXES},
                                          {.name = "keepdims", .kind = LDB_ATTR_BOOL},
                                          {.name = "ddof", .kind = LDB_ATTR_INT, .slot = DDOF},
                                          {.name = NULL}};
static const ldb_attr_spec arg_attrs[] = {
    {.name = "axis", .kind = LDB_ATTR_AXIS, .slot = ARG_AXIS, .fallback = -1},
    {.name = "keepdims", .kind = LDB_ATTR_BOOL, .slot = ARG_KEEPDIMS},
    {.name = NULL}};

/* Shape of x without the axes of the mask, or with 1 in their place. */
static ldb_status reduced_shape(ldb_call *c, uint32_t axes, bool keepdims, ldb_dtype t,
                                ldb_error *e) {
  const ldb_view *x = &c->in[0];
  int64_t shape[LDB_MAX_RANK];
  int rank = 0;
  for (int i = 0; i < x->rank; i++) {
    if (!(axes >> i & 1))
      shape[rank++] = x->shape[i];
    else if (keepdims)
      shape[rank++] = 1;
  }
  return ldb_view_init(&c->out, t, rank, shape, e);
}

static ldb_status infer_reduce(ldb_call *c, ldb_error *e) {
  return reduced_shape(c, c->attrs.axes, c->attrs.integer[KEEPDIMS] != 0, c->in[0].dtype, e);
}

/* Two doubles per result, for what the gradient has to know of all elements. */
static ldb_status infer_with_aux(ldb_call *c, ldb_error *e) {
  const ldb_status s = infer_reduce(c, e);
  if (s != LDB_OK) return s;
  size_t bytes = 0;
  if (!ldb_mul_size((size_t)ldb_view_count(&c->out), LDB_REDUCE_AUX * sizeof(double), &bytes))
    return ldb_fail(e, LDB_OVERFLOW, "the scratch of the gradient does not fit into memory");
  c->backward_scratch = bytes;
  return LDB_OK;
}

static ldb_status refuse_nothing(const ldb_view *x, uint32_t axes, ldb_error *e) {
  char text[LDB_SHAPE_TEXT];
  if (ldb_reduced_count(x, axes) > 0 || ldb_kept_count(x, axes) == 0) return LDB_OK;
  return ldb_fail(e, LDB_SHAPE, "nothing to choose from: %s has no elements on the reduced axes",
                  ldb_shape_text(x, text));
}

static ldb_status infer_extreme(ldb_call *c, ldb_error *e) {
  const ldb_status s = refuse_nothing(&c->in[0], c->attrs.axes, e);
  return s == LDB_OK ? infer_with_aux(c, e) : s;
}

static ldb_status infer_var(ldb_call *c, ldb_error *e) {
  if (c->attrs.integer[DDOF] < 0)
    return ldb_fail(e, LDB_RANGE, "ddof must not be negative, got %lld",
                    (long long)c->attrs.integer[DDOF]);
  return infer_with_aux(c, e);
}

static ldb_status forward(ldb_call *c, ldb_reduction kind) {
  ldb_reduce_on(c->team, kind, &c->in[0], c->attrs.axes, (double)c->attrs.integer[DDOF], &c->out);
  return LDB_OK;
}

static ldb_status backward(ldb_call *c, ldb_reduction kind) {
  const bool linear = kind == LDB_REDUCE_SUM || kind == LDB_REDUCE_MEAN;
  if (!c->gin[0].data) return LDB_OK;
  ldb_reduce_backward(kind, linear ? NULL : &c->in[0], c->attrs.axes,
                      (double)c->attrs.integer[DDOF], linear ? NULL : &c->out, &c->gout, &c->gin[0],
                      c->scratch);
  return LDB_OK;
}

/* The forward and backward functions of one kind. */
#define REDUCTION(name, kind)                                    \
  static ldb_status name##_forward(ldb_call *c, ldb_error *e) {  \
    (void)e;                                                     \
    return forward(c, kind);                                     \
  }                                                              \
  static ldb_status name##_backward(ldb_call *c, ldb_error *e) { \
    (void)e;                                                     \
    return backward(c, kind);                                    \
  }

REDUCTION(sum, LDB_REDUCE_SUM)
REDUCTION(mean, LDB_REDUCE_MEAN)
REDUCTION(prod, LDB_REDUCE_PROD)
REDUCTION(max, LDB_REDUCE_MAX)
REDUCTION(min, LDB_REDUCE_MIN)
REDUCTION(var, LDB_REDUCE_VAR)
REDUCTION(norm, LDB_REDUCE_NORM)
REDUCTION(logsumexp, LDB_REDUCE_LOGSUMEXP)

const ldb_op ldb_op_sum = {
    .name = "sum",
    .doc = "sum of x over axes; of nothing 0",
    .inputs = "x",
    .flags = LDB_OP_FLOAT,
    .grad_inputs = 1,
    .attrs = reduce_attrs,
    .infer = infer_reduce,
    .forward = sum_forward,
    .backward = sum_backward,
};

const ldb_op ldb_op_mean = {
    .name = "mean",
    .doc = "mean of x over axes; of nothing NaN",
    .inputs = "x",
    .flags = LDB_OP_FLOAT,
    .grad_inputs = 1,
    .attrs = reduce_attrs,
    .infer = infer_reduce,
    .forward = mean_forward,
    .backward = mean_backward,
};

const ldb_op ldb_op_prod = {
    .name = "prod",
    .doc = "product of x over axes; of nothing 1",
    .inputs = "x",
    .flags = LDB_OP_FLOAT | LDB_OP_KEEP_IN,
    .grad_inputs = 1,
    .attrs = reduce_attrs,
    .infer = infer_with_aux,
    .forward = prod_forward,
    .backward = prod_backward,
};

const ldb_op ldb_op_max = {
    .name = "max",
    .doc = "largest x over axes; NaN if there is one; equals share the gradient",
    .inputs = "x",
    .flags = LDB_OP_KEEP_IN | LDB_OP_KEEP_OUT,
    .grad_inputs = 1,
    .attrs = reduce_attrs,
    .infer = infer_extreme,
    .forward = max_forward,
    .backward = max_backward,
};

const ldb_op ldb_op_min = {
    .name = "min",
    .doc = "smallest x over axes; NaN if there is one; equals share the gradient",
    .inputs = "x",
    .flags = LDB_OP_KEEP_IN | LDB_OP_KEEP_OUT,
    .grad_inputs = 1,
    .attrs = reduce_attrs,
    .infer = infer_extreme,
    .forward = min_forward,
    .backward = min_backward,
};

const ldb_op ldb_op_var = {
    .name = "var",
    .doc = "sum (x - mean)^2 / (n - ddof) over axes",
    .inputs = "x",
    .flags = LDB_OP_FLOAT | LDB_OP_KEEP_IN,
    .grad_inputs = 1,
    .attrs = var_attrs,
    .infer = infer_var,
    .forward = var_forward,
    .backward = var_backward,
};

const ldb_op ldb_op_norm = {
    .name = "norm",
    .doc = "sqrt(sum x^2) over axes; the gradient at 0 is 0",
    .inputs = "x",
    .flags = LDB_OP_FLOAT | LDB_OP_KEEP_IN | LDB_OP_KEEP_OUT,
    .grad_inputs = 1,
    .attrs = reduce_attrs,
    .infer = infer_reduce,
    .forward = norm_forward,
    .backward = norm_backward,
};

const ldb_op ldb_op_logsumexp = {
    .name = "logsumexp",
    .doc = "log(sum exp(x)) over axes, stable; of nothing -inf",
    .inputs = "x",
    .flags = LDB_OP_FLOAT | LDB_OP_KEEP_IN | LDB_OP_KEEP_OUT,
    .grad_inputs = 1,
    .attrs = reduce_attrs,
    .infer = infer_reduce,
    .forward = logsumexp_forward,
    .backward = logsumexp_backward,
};

static ldb_status infer_arg(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[0];
  char text[LDB_SHAPE_TEXT];
  if (x->rank < 1)
    return ldb_fail(e, LDB_SHAPE, "expected a tensor of rank 1 or more, got a scalar");
  const int at = (int)c->attrs.integer[ARG_AXIS];
  const uint32_t axes = UINT32_C(1) << at;
  const ldb_status s = refuse_nothing(x, axes, e);
  if (s != LDB_OK) return s;
  if (x->shape[at] > INT32_MAX)
    return ldb_fail(e, LDB_OVERFLOW, "positions on axis %d of %s do not fit into i32", at + 1,
                    ldb_shape_text(x, text));
  return reduced_shape(c, axes, c->attrs.integer[ARG_KEEPDIMS] != 0, LDB_I32, e);
}

static ldb_status argmax_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  ldb_arg_reduce(true, &c->in[0], (int)c->attrs.integer[ARG_AXIS], &c->out);
  return LDB_OK;
}

static ldb_status argmin_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  ldb_arg_reduce(false, &c->in[0], (int)c->attrs.integer[ARG_AXIS], &c->out);
  return LDB_OK;
}

const ldb_op ldb_op_argmax = {
    .name = "argmax",
    .doc = "1-based position of the largest x on axis (i32); first of equals, first NaN",
    .inputs = "x",
    .attrs = arg_attrs,
    .infer = infer_arg,
    .forward = argmax_forward,
};

const ldb_op ldb_op_argmin = {
    .name = "argmin",
    .doc = "1-based position of the smallest x on axis (i32); first of equals, first NaN",
    .inputs = "x",
    .attrs = arg_attrs,
    .infer = infer_arg,
    .forward = argmin_forward,
};

ldb_status ldb_reduce_to(const ldb_view *full, ldb_view *gin, ldb_error *e) {
  char from[LDB_SHAPE_TEXT], to[LDB_SHAPE_TEXT];
  const int shift = full->rank - gin->rank;
  uint32_t axes = 0;
  bool fits = shift >= 0;
  for (int i = 0; fits && i < full->rank; i++) {
    const int64_t n = i < shift ? 1 : gin->shape[i - shift];
    if (n == full->shape[i] && i >= shift) continue;
    fits = n == 1;
    axes |= UINT32_C(1) << i;
  }
  if (!fits)
    return ldb_fail(e, LDB_SHAPE, "a gradient of shape %s cannot be summed down to %s",
                    ldb_shape_text(full, from), ldb_shape_text(gin, to));
  if (axes == 0 && full->dtype == gin->dtype && ldb_view_is_contiguous(full)) {
    const size_t bytes = (size_t)ldb_view_count(gin) * ldb_dtype_size(gin->dtype);
    if (bytes) memcpy(gin->data, full->data, bytes);
    return LDB_OK;
  }
  ldb_reduce(LDB_REDUCE_SUM, full, axes, 0, gin);
  return LDB_OK;
}
