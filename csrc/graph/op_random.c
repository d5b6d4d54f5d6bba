/*
** Ops that draw random numbers. A draw depends on (seed, stream, element) alone, so that backward
** draws the same and nothing is saved.
*/
#include "graph/op_map.h"
#include "kernels/dropout.h"

static const ldb_attr_spec dropout_attrs[] = {
    {.name = "rate", .kind = LDB_ATTR_NUM, .slot = 0, .required = true},
    {.name = "seed", .kind = LDB_ATTR_INT, .slot = 0, .required = true},
    {.name = "stream", .kind = LDB_ATTR_INT, .slot = 1, .fallback = 0},
    {.name = NULL}};

static ldb_status dropout_infer(ldb_call *c, ldb_error *e) {
  double rate = c->attrs.num[0];
  if (!(rate >= 0 && rate <= 1))
    return ldb_fail(e, LDB_RANGE, "argument 'rate': expected a number in 0..1, got %g", rate);
  return ldb_infer_float(c, e);
}

/* Forward maps x to y, backward the gradient of y to that of x, by the same function. */
static void drop(const ldb_attrs *attrs, const ldb_view *from, const ldb_view *to) {
  ldb_rng r = {.seed = (uint64_t)attrs->integer[0], .stream = (uint64_t)attrs->integer[1]};
  int64_t n = ldb_view_count(from);
  if (from->dtype == LDB_F32)
    ldb_dropout_f32(&r, attrs->num[0], n, from->data, to->data);
  else
    ldb_dropout_f64(&r, attrs->num[0], n, from->data, to->data);
}

static ldb_status dropout_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  drop(&c->attrs, &c->in[0], &c->out);
  return LDB_OK;
}

static ldb_status dropout_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  if (c->gin[0].data) drop(&c->attrs, &c->gout, &c->gin[0]);
  return LDB_OK;
}

const ldb_op ldb_op_dropout = {
    .name = "dropout",
    .doc = "0 with probability rate, else x / (1 - rate); drawn per element from seed and stream",
    .inputs = "x",
    .flags = LDB_OP_FLOAT | LDB_OP_CONTIGUOUS | LDB_OP_RANDOM,
    .grad_inputs = 1,
    .attrs = dropout_attrs,
    .infer = dropout_infer,
    .forward = dropout_forward,
    .backward = dropout_backward};
