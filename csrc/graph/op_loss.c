/*
** Losses per sample over the last axis, for targets of the prediction's shape.
*/
#include <math.h>

#include "graph/op.h"
#include "graph/op_loss.h"
#include "kernels/reduce/loss.h"

enum { PRED = 0, TARGET = 1, DELTA = 0 };

static const ldb_attr_spec huber_attrs[] = {
    {.name = "delta", .kind = LDB_ATTR_NUM, .slot = DELTA, .fallback = 1}, {.name = NULL}};
static const ldb_attr_spec no_attrs[] = {{.name = NULL}};

ldb_status ldb_infer_loss(ldb_call *c, ldb_error *e) {
  const ldb_view *p = &c->in[PRED];
  if (p->rank < 1)
    return ldb_fail(e, LDB_SHAPE, "the prediction is a scalar, expected [batch x outputs]");
  return ldb_view_init(&c->out, p->dtype, p->rank - 1, p->shape, e);
}

ldb_status ldb_infer_dense_loss(ldb_call *c, ldb_error *e) {
  const ldb_view *p = &c->in[PRED], *t = &c->in[TARGET];
  char tp[LDB_SHAPE_TEXT], tt[LDB_SHAPE_TEXT];
  if (!ldb_same_shape(p, t))
    return ldb_fail(e, LDB_SHAPE, "the prediction is %s, but the target is %s%s",
                    ldb_shape_text(p, tp), ldb_shape_text(t, tt),
                    ldb_view_count(p) == ldb_view_count(t)
                        ? "; reshape the target to the prediction's shape"
                    : p->rank == t->rank + 1 ? "; class ids need sparse_crossentropy or one_hot"
                                             : "");
  return ldb_infer_loss(c, e);
}

int64_t ldb_loss_width(const ldb_call *c) {
  return c->in[PRED].shape[c->in[PRED].rank - 1];
}

static ldb_status infer_huber(ldb_call *c, ldb_error *e) {
  const double delta = c->attrs.num[DELTA];
  if (!(delta > 0) || isinf(delta))
    return ldb_fail(e, LDB_RANGE, "delta must be positive and finite, got %g", delta);
  return ldb_infer_dense_loss(c, e);
}

/* The parameter of the formula; for the hinges whether the labels are 0 and 1. */
static double parameter(const ldb_call *c, ldb_loss kind) {
  const ldb_view *t = &c->in[TARGET];
  if (kind == LDB_LOSS_HUBER) return c->attrs.num[DELTA];
  if (kind != LDB_LOSS_HINGE && kind != LDB_LOSS_SQUARED_HINGE) return 0;
  return ldb_all_zero_one(t->dtype, ldb_view_count(t), t->data) ? 1 : 0;
}

static ldb_status forward(ldb_call *c, ldb_loss kind) {
  ldb_loss_rows(kind, c->out.dtype, ldb_view_count(&c->out), ldb_loss_width(c), c->in[PRED].data,
                c->in[TARGET].data, parameter(c, kind), c->out.data);
  return LDB_OK;
}

static ldb_status backward(ldb_call *c, ldb_loss kind) {
  if (!c->gin[PRED].data) return LDB_OK;
  ldb_loss_rows_backward(kind, c->gout.dtype, ldb_view_count(&c->gout), ldb_loss_width(c),
                         c->in[PRED].data, c->in[TARGET].data, parameter(c, kind), c->gout.data,
                         c->gin[PRED].data);
  return LDB_OK;
}

/* Functions and row of one loss. */
#define LOSS(NAME, KIND, INFER, ATTRS, DOC)                      \
  static ldb_status NAME##_forward(ldb_call *c, ldb_error *e) {  \
    (void)e;                                                     \
    return forward(c, KIND);                                     \
  }                                                              \
  static ldb_status NAME##_backward(ldb_call *c, ldb_error *e) { \
    (void)e;                                                     \
    return backward(c, KIND);                                    \
  }                                                              \
  const ldb_op ldb_op_##NAME = {.name = #NAME,                   \
                                .doc = DOC,                      \
                                .inputs = "pred target",         \
                                .flags = LDB_LOSS_FLAGS,         \
                                .grad_inputs = 1,                \
                                .attrs = ATTRS,                  \
                                .infer = INFER,                  \
                                .forward = NAME##_forward,       \
                                .backward = NAME##_backward};

LOSS(mse, LDB_LOSS_MSE, ldb_infer_dense_loss, no_attrs, "mean of (p - t)^2 over the last axis")
LOSS(mae, LDB_LOSS_MAE, ldb_infer_dense_loss, no_attrs, "mean of |p - t| over the last axis")
LOSS(huber, LDB_LOSS_HUBER, infer_huber, huber_attrs,
     "mean of e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2, e = p - t")
LOSS(log_cosh, LDB_LOSS_LOG_COSH, ldb_infer_dense_loss, no_attrs,
     "mean of log cosh(p - t) over the last axis")
LOSS(hinge, LDB_LOSS_HINGE, ldb_infer_dense_loss, no_attrs,
     "mean of max(1 - t p, 0); targets that are all 0 or 1 stand for -1 and 1")
LOSS(squared_hinge, LDB_LOSS_SQUARED_HINGE, ldb_infer_dense_loss, no_attrs,
     "mean of max(1 - t p, 0)^2; targets that are all 0 or 1 stand for -1 and 1")
LOSS(poisson, LDB_LOSS_POISSON, ldb_infer_dense_loss, no_attrs,
     "mean of p - t log(p + 1e-7) over the last axis")
LOSS(kl, LDB_LOSS_KL, ldb_infer_dense_loss, no_attrs,
     "sum of t log(t / p) over the last axis, both clipped to [1e-7, 1]")
LOSS(msle, LDB_LOSS_MSLE, ldb_infer_dense_loss, no_attrs,
     "mean of (log(1 + p) - log(1 + t))^2, both at least 1e-7")
LOSS(mape, LDB_LOSS_MAPE, ldb_infer_dense_loss, no_attrs,
     "100 mean of |p - t| / max(|t|, 1e-7) over the last axis")

static ldb_status cosine_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  ldb_cosine_rows(c->out.dtype, ldb_view_count(&c->out), ldb_loss_width(c), c->in[PRED].data,
                  c->in[TARGET].data, c->out.data);
  return LDB_OK;
}

static ldb_status cosine_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  if (c->gin[PRED].data)
    ldb_cosine_rows_backward(c->gout.dtype, ldb_view_count(&c->gout), ldb_loss_width(c),
                             c->in[PRED].data, c->in[TARGET].data, c->gout.data, c->gin[PRED].data);
  return LDB_OK;
}

const ldb_op ldb_op_cosine_similarity = {
    .name = "cosine_similarity",
    .doc = "- p . t / (|p| |t|) over the last axis, norms at least 1e-7",
    .inputs = "pred target",
    .flags = LDB_LOSS_FLAGS,
    .grad_inputs = 1,
    .attrs = no_attrs,
    .infer = ldb_infer_dense_loss,
    .forward = cosine_forward,
    .backward = cosine_backward,
};
