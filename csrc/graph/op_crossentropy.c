/*
** Cross-entropies per sample, of probabilities or of logits.
*/
#include "graph/op.h"
#include "graph/op_loss.h"
#include "kernels/gather/index.h"
#include "kernels/reduce/loss.h"

enum { PRED = 0, TARGET = 1, FROM_LOGITS = 0, SMOOTHING = 0 };

static const ldb_attr_spec crossentropy_attrs[] = {
    {.name = "from_logits", .kind = LDB_ATTR_BOOL, .slot = FROM_LOGITS},
    {.name = "label_smoothing", .kind = LDB_ATTR_NUM, .slot = SMOOTHING, .fallback = 0},
    {.name = NULL}};

static bool of_logits(const ldb_call *c) {
  return c->attrs.integer[FROM_LOGITS] != 0;
}

static ldb_status check_smoothing(const ldb_call *c, ldb_error *e) {
  const double s = c->attrs.num[SMOOTHING];
  if (s >= 0 && s <= 1) return LDB_OK;
  return ldb_fail(e, LDB_RANGE, "label_smoothing must be in 0..1, got %g", s);
}

static ldb_status infer_binary(ldb_call *c, ldb_error *e) {
  const ldb_status s = check_smoothing(c, e);
  return s == LDB_OK ? ldb_infer_dense_loss(c, e) : s;
}

static ldb_loss binary_kind(const ldb_call *c) {
  return of_logits(c) ? LDB_LOSS_BINARY_LOGITS : LDB_LOSS_BINARY;
}

static ldb_status binary_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  ldb_loss_rows(binary_kind(c), c->out.dtype, ldb_view_count(&c->out), ldb_loss_width(c),
                c->in[PRED].data, c->in[TARGET].data, c->attrs.num[SMOOTHING], c->out.data);
  return LDB_OK;
}

static ldb_status binary_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  if (c->gin[PRED].data)
    ldb_loss_rows_backward(binary_kind(c), c->gout.dtype, ldb_view_count(&c->gout),
                           ldb_loss_width(c), c->in[PRED].data, c->in[TARGET].data,
                           c->attrs.num[SMOOTHING], c->gout.data, c->gin[PRED].data);
  return LDB_OK;
}

const ldb_op ldb_op_binary_crossentropy = {
    .name = "binary_crossentropy",
    .doc = "mean of -t log p - (1 - t) log(1 - p) over the last axis, p clipped by 1e-7",
    .inputs = "pred target",
    .flags = LDB_LOSS_FLAGS,
    .grad_inputs = 1,
    .attrs = crossentropy_attrs,
    .infer = infer_binary,
    .forward = binary_forward,
    .backward = binary_backward,
};

/* out, and with logits room for log sum exp of each row */
static ldb_status infer_rows(ldb_call *c, ldb_error *e) {
  char text[LDB_SHAPE_TEXT];
  ldb_status s = ldb_infer_loss(c, e);
  if (s == LDB_OK && ldb_loss_width(c) < 1)
    s = ldb_fail(e, LDB_SHAPE, "the prediction %s has no classes",
                 ldb_shape_text(&c->in[PRED], text));
  if (s != LDB_OK || !of_logits(c)) return s;
  const int64_t n = ldb_view_count(&c->out);
  return ldb_view_init(&c->saved, LDB_F64, 1, &n, e);
}

static ldb_status infer_categorical(ldb_call *c, ldb_error *e) {
  ldb_status s = check_smoothing(c, e);
  if (s == LDB_OK) s = ldb_infer_dense_loss(c, e);
  return s == LDB_OK ? infer_rows(c, e) : s;
}

static ldb_status infer_sparse(ldb_call *c, ldb_error *e) {
  const ldb_view *p = &c->in[PRED], *ids = &c->in[TARGET];
  char tp[LDB_SHAPE_TEXT], ti[LDB_SHAPE_TEXT];
  ldb_status s = check_smoothing(c, e);
  if (s == LDB_OK) s = infer_rows(c, e);
  if (s != LDB_OK) return s;
  if (p->dtype == LDB_I32)
    return ldb_fail(e, LDB_DTYPE, "the prediction is i32, expected f32 or f64");
  bool fits = ids->rank == p->rank - 1 || (ids->rank == p->rank && ids->shape[p->rank - 1] == 1);
  for (int i = 0; fits && i < p->rank - 1; i++)
    fits = ids->shape[i] == p->shape[i];
  if (!fits)
    return ldb_fail(
        e, LDB_SHAPE, "the prediction is %s and needs class ids %s, got %s%s",
        ldb_shape_text(p, tp), "of its shape without the last axis", ldb_shape_text(ids, ti),
        ldb_same_shape(p, ids) ? "; one-hot targets need categorical_crossentropy" : "");
  return LDB_OK;
}

static ldb_distribution dense_target(const ldb_call *c) {
  return (ldb_distribution){.y = c->in[TARGET].data, .smoothing = c->attrs.num[SMOOTHING]};
}

static ldb_distribution sparse_target(const ldb_call *c) {
  return (ldb_distribution){.ids = &c->in[TARGET], .smoothing = c->attrs.num[SMOOTHING]};
}

static void forward(ldb_call *c, const ldb_distribution *w) {
  ldb_crossentropy(c->team, c->out.dtype, of_logits(c), ldb_view_count(&c->out), ldb_loss_width(c),
                   c->in[PRED].data, w, c->saved.data, c->out.data);
}

static void backward(ldb_call *c, const ldb_distribution *w) {
  if (c->gin[PRED].data)
    ldb_crossentropy_backward(c->team, c->gout.dtype, of_logits(c), ldb_view_count(&c->gout),
                              ldb_loss_width(c), c->in[PRED].data, w, c->saved.data, c->gout.data,
                              c->gin[PRED].data);
}

static ldb_status categorical_forward(ldb_call *c, ldb_error *e) {
  const ldb_distribution w = dense_target(c);
  (void)e;
  forward(c, &w);
  return LDB_OK;
}

static ldb_status categorical_backward(ldb_call *c, ldb_error *e) {
  const ldb_distribution w = dense_target(c);
  (void)e;
  backward(c, &w);
  return LDB_OK;
}

const ldb_op ldb_op_categorical_crossentropy = {
    .name = "categorical_crossentropy",
    .doc = "- sum t log(p / sum p) over the last axis, clipped by 1e-7; or of logits",
    .inputs = "pred target",
    .flags = LDB_LOSS_FLAGS,
    .grad_inputs = 1,
    .attrs = crossentropy_attrs,
    .infer = infer_categorical,
    .forward = categorical_forward,
    .backward = categorical_backward,
};

static ldb_status sparse_forward(ldb_call *c, ldb_error *e) {
  const ldb_distribution w = sparse_target(c);
  const ldb_status s = ldb_check_labels(&c->in[TARGET], ldb_loss_width(c), e);
  if (s == LDB_OK) forward(c, &w);
  return s;
}

static ldb_status sparse_backward(ldb_call *c, ldb_error *e) {
  const ldb_distribution w = sparse_target(c);
  /* the ids may have been written to since */
  const ldb_status s = ldb_check_labels(&c->in[TARGET], ldb_loss_width(c), e);
  if (s == LDB_OK) backward(c, &w);
  return s;
}

const ldb_op ldb_op_sparse_crossentropy = {
    .name = "sparse_crossentropy",
    .doc = "- log(p[id] / sum p) for class ids 0..K-1, clipped by 1e-7; or of logits",
    .inputs = "pred ids",
    .flags = LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN,
    .grad_inputs = 1,
    .attrs = crossentropy_attrs,
    .infer = infer_sparse,
    .forward = sparse_forward,
    .backward = sparse_backward,
};
