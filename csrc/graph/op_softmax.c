/*
** softmax and log-softmax along one axis.
*/
#include "graph/op.h"
#include "kernels/reduce/softmax.h"

enum { AXIS = 0 };

static const ldb_attr_spec softmax_attrs[] = {
    {.name = "axis", .kind = LDB_ATTR_AXIS, .slot = AXIS, .fallback = -1}, {.name = NULL}};

static ldb_status infer_softmax(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[0];
  if (x->rank < 1)
    return ldb_fail(e, LDB_SHAPE, "expected a tensor of rank 1 or more, got a scalar");
  return ldb_view_init(&c->out, x->dtype, x->rank, x->shape, e);
}

static ldb_axis_split split(const ldb_call *c) {
  return ldb_split_axis(&c->out, (int)c->attrs.integer[AXIS]);
}

static ldb_status softmax_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  ldb_softmax(c->team, c->out.dtype, split(c), false, c->in[0].data, c->out.data);
  return LDB_OK;
}

static ldb_status softmax_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  if (c->gin[0].data)
    ldb_softmax_backward(c->team, c->out.dtype, split(c), false, c->out.data, c->gout.data,
                         c->gin[0].data);
  return LDB_OK;
}

static ldb_status log_softmax_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  ldb_softmax(c->team, c->out.dtype, split(c), true, c->in[0].data, c->out.data);
  return LDB_OK;
}

static ldb_status log_softmax_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  if (c->gin[0].data)
    ldb_softmax_backward(c->team, c->out.dtype, split(c), true, c->out.data, c->gout.data,
                         c->gin[0].data);
  return LDB_OK;
}

const ldb_op ldb_op_softmax = {
    .name = "softmax",
    .doc = "exp(x - m) / sum exp(x - m) on axis, m = max; same shape",
    .inputs = "x",
    .flags = LDB_OP_FLOAT | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_OUT,
    .grad_inputs = 1,
    .attrs = softmax_attrs,
    .infer = infer_softmax,
    .forward = softmax_forward,
    .backward = softmax_backward,
};

const ldb_op ldb_op_log_softmax = {
    .name = "log_softmax",
    .doc = "x - log(sum exp(x)) on axis, stable; same shape",
    .inputs = "x",
    .flags = LDB_OP_FLOAT | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_OUT,
    .grad_inputs = 1,
    .attrs = softmax_attrs,
    .infer = infer_softmax,
    .forward = log_softmax_forward,
    .backward = log_softmax_backward,
};
