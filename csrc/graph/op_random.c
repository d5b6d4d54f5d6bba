/*
** Ops that draw random numbers. A draw depends on (seed, stream, element) alone; forward saves one
** byte an element for backward.
*/
#include "graph/op_map.h"
#include "kernels/elementwise/dropout.h"

static const ldb_attr_spec dropout_attrs[] = {
    {.name = "rate", .kind = LDB_ATTR_NUM, .slot = 0, .required = true},
    {.name = "seed", .kind = LDB_ATTR_INT, .slot = 0, .required = true},
    {.name = "stream", .kind = LDB_ATTR_INT, .slot = 1, .fallback = 0},
    {.name = NULL}};

static ldb_status dropout_infer(ldb_call *c, ldb_error *e) {
  double rate = c->attrs.num[0];
  if (!(rate >= 0 && rate <= 1))
    return ldb_fail(e, LDB_RANGE, "argument 'rate': expected a number in 0..1, got %g", rate);
  const ldb_status s = ldb_infer_float(c, e);
  if (s != LDB_OK) return s;
  const int64_t bytes = ldb_view_count(&c->out), words = (bytes + 3) / 4;
  return words > 0 ? ldb_view_init(&c->saved, LDB_I32, 1, &words, e) : LDB_OK;
}

static ldb_status dropout_forward(ldb_call *c, ldb_error *e) {
  const ldb_rng r = {.seed = (uint64_t)c->attrs.integer[0],
                     .stream = (uint64_t)c->attrs.integer[1]};
  (void)e;
  ldb_dropout_forward(c->team, &r, c->out.dtype, c->attrs.num[0], ldb_view_count(&c->out),
                      c->in[0].data, c->saved.data, c->out.data);
  return LDB_OK;
}

static ldb_status dropout_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  if (c->gin[0].data)
    ldb_dropout_backward(c->team, c->out.dtype, c->attrs.num[0], ldb_view_count(&c->out),
                         c->saved.data, c->gout.data, c->gin[0].data);
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
