/*
** Pooling over windows of sequences and images, channels last.
*/
#include "graph/op_window.h"
#include "kernels/convolution/pool.h"

enum { X = 0, POOL = LDB_WINDOW_DILATION, COUNT_PADS = LDB_WINDOW_ACTIVATION };

/* strides of 0 stand for the size of the pool */
#define POOL_1D \
  { .name = "pool", .kind = LDB_ATTR_INT, .slot = POOL + 1, .fallback = 2 }
#define POOL_2D \
  { .name = "pool", .kind = LDB_ATTR_PAIR, .slot = POOL, .fallback = 2 }
#define STRIDES_1D \
  { .name = "strides", .kind = LDB_ATTR_INT, .slot = LDB_WINDOW_STRIDES + 1 }
#define STRIDES_2D \
  { .name = "strides", .kind = LDB_ATTR_PAIR, .slot = LDB_WINDOW_STRIDES }
#define COUNT \
  { .name = "count_pads", .kind = LDB_ATTR_BOOL, .slot = COUNT_PADS }

static const ldb_attr_spec max1d_attrs[] = {
    POOL_1D, STRIDES_1D, LDB_WINDOW_PADDING_OF(ldb_padding_names), LDB_WINDOW_PADS, {.name = NULL}};
static const ldb_attr_spec max2d_attrs[] = {
    POOL_2D, STRIDES_2D, LDB_WINDOW_PADDING_OF(ldb_padding_names), LDB_WINDOW_PADS, {.name = NULL}};
static const ldb_attr_spec avg1d_attrs[] = {
    POOL_1D,         STRIDES_1D, LDB_WINDOW_PADDING_OF(ldb_padding_names),
    LDB_WINDOW_PADS, COUNT,      {.name = NULL}};
static const ldb_attr_spec avg2d_attrs[] = {
    POOL_2D,         STRIDES_2D, LDB_WINDOW_PADDING_OF(ldb_padding_names),
    LDB_WINDOW_PADS, COUNT,      {.name = NULL}};

static ldb_status slide(ldb_window_axis *a, ldb_padding padding, ldb_error *e) {
  a->size = a->dilation;
  a->dilation = 1;
  if (a->stride == 0) a->stride = a->size;
  const ldb_status s = ldb_window_slide(a, padding, "pool", e);
  if (s != LDB_OK || padding != LDB_PADDING_PADS) return s;
  if (a->before < a->size && a->after < a->size) return LDB_OK;
  return ldb_fail(e, LDB_RANGE,
                  "pads of %lld and %lld on the %s would leave a pool of %lld without a cell: they "
                  "must be smaller than it",
                  (long long)a->before, (long long)a->after, a->name, (long long)a->size);
}

static ldb_status geometry(const ldb_call *c, int spatial, ldb_pool *p, ldb_error *e) {
  ldb_padding padding;
  ldb_status s = ldb_window_of(c, spatial, &p->window, e);
  if (s == LDB_OK) s = ldb_window_attrs(c, spatial, &p->window, &padding, e);
  if (s != LDB_OK) return s;
  p->type = c->in[X].dtype;
  p->count_pads = c->attrs.integer[COUNT_PADS] != 0;
  s = slide(&p->window.h, padding, e);
  if (s == LDB_OK) s = slide(&p->window.w, padding, e);
  if (s != LDB_OK || p->window.h.size <= INT32_MAX / p->window.w.size) return s;
  return ldb_fail(e, LDB_OVERFLOW, "a pool of %lld x %lld cells does not fit into 32 bits",
                  (long long)p->window.h.size, (long long)p->window.w.size);
}

static int spatial_of(const ldb_call *c) {
  return c->in[X].rank - 2;
}

static ldb_status infer_pool(ldb_call *c, int spatial, bool maximum, ldb_error *e) {
  ldb_pool p;
  ldb_status s = geometry(c, spatial, &p, e);
  if (s == LDB_OK)
    s = ldb_window_out(c, spatial, p.window.h.out, p.window.w.out, p.window.channels, e);
  if (s != LDB_OK || !maximum) return s;
  const int64_t each = ldb_pool_tap_bytes(&p), count = ldb_view_count(&c->out);
  const int64_t words = each == 4 ? count : count / 4 + (count % 4 != 0); /* bytes four a word */
  return ldb_view_init(&c->saved, LDB_I32, 1, &words, e);
}

static ldb_status infer_max1d(ldb_call *c, ldb_error *e) {
  return infer_pool(c, 1, true, e);
}

static ldb_status infer_max2d(ldb_call *c, ldb_error *e) {
  return infer_pool(c, 2, true, e);
}

static ldb_status infer_avg1d(ldb_call *c, ldb_error *e) {
  return infer_pool(c, 1, false, e);
}

static ldb_status infer_avg2d(ldb_call *c, ldb_error *e) {
  return infer_pool(c, 2, false, e);
}

static ldb_status max_forward(ldb_call *c, ldb_error *e) {
  ldb_pool p;
  const ldb_status s = geometry(c, spatial_of(c), &p, e);
  if (s == LDB_OK && ldb_view_count(&c->out) > 0)
    ldb_pool_max(c->team, &p, c->in[X].data, c->out.data, c->saved.data);
  return s;
}

static ldb_status max_backward(ldb_call *c, ldb_error *e) {
  ldb_pool p;
  const ldb_status s = geometry(c, spatial_of(c), &p, e);
  if (s == LDB_OK && c->gin[X].data && ldb_view_count(&c->gin[X]) > 0)
    ldb_pool_max_gradient(c->team, &p, c->gout.data, c->saved.data, c->gin[X].data);
  return s;
}

static ldb_status avg_forward(ldb_call *c, ldb_error *e) {
  ldb_pool p;
  const ldb_status s = geometry(c, spatial_of(c), &p, e);
  if (s == LDB_OK && ldb_view_count(&c->out) > 0)
    ldb_pool_mean(c->team, &p, c->in[X].data, c->out.data);
  return s;
}

static ldb_status avg_backward(ldb_call *c, ldb_error *e) {
  ldb_pool p;
  const ldb_status s = geometry(c, spatial_of(c), &p, e);
  if (s == LDB_OK && c->gin[X].data && ldb_view_count(&c->gin[X]) > 0)
    ldb_pool_mean_gradient(c->team, &p, c->gout.data, c->gin[X].data);
  return s;
}

const ldb_op ldb_op_max_pool1d = {
    .name = "max_pool1d",
    .doc = "largest cell of each window of x [batch x steps x channels]; strides default to pool",
    .inputs = "x",
    .flags = LDB_OP_FLOAT | LDB_OP_CONTIGUOUS,
    .grad_inputs = 1,
    .attrs = max1d_attrs,
    .infer = infer_max1d,
    .forward = max_forward,
    .backward = max_backward,
};

const ldb_op ldb_op_max_pool2d = {
    .name = "max_pool2d",
    .doc = "largest cell of each window of x [batch x height x width x channels]; strides default "
           "to pool",
    .inputs = "x",
    .flags = LDB_OP_FLOAT | LDB_OP_CONTIGUOUS,
    .grad_inputs = 1,
    .attrs = max2d_attrs,
    .infer = infer_max2d,
    .forward = max_forward,
    .backward = max_backward,
};

const ldb_op ldb_op_avg_pool1d = {
    .name = "avg_pool1d",
    .doc = "mean of the cells under each window of x [batch x steps x channels]; padding counts "
           "with count_pads",
    .inputs = "x",
    .flags = LDB_OP_FLOAT | LDB_OP_CONTIGUOUS,
    .grad_inputs = 1,
    .attrs = avg1d_attrs,
    .infer = infer_avg1d,
    .forward = avg_forward,
    .backward = avg_backward,
};

const ldb_op ldb_op_avg_pool2d = {
    .name = "avg_pool2d",
    .doc = "mean of the cells under each window of x [batch x height x width x channels]; padding "
           "counts with count_pads",
    .inputs = "x",
    .flags = LDB_OP_FLOAT | LDB_OP_CONTIGUOUS,
    .grad_inputs = 1,
    .attrs = avg2d_attrs,
    .infer = infer_avg2d,
    .forward = avg_forward,
    .backward = avg_backward,
};
