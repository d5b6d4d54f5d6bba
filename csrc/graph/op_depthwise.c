/*
** Depthwise convolution: filters of its own for every channel, kernel [.. x channels x multiplier].
*/
#include "graph/op_window.h"
#include "kernels/convolution/conv_depthwise.h"
#include "kernels/elementwise/activation.h"

enum { X = 0, W = 1 };

static const ldb_attr_spec depthwise1d_attrs[] = {
    LDB_WINDOW_STRIDES_1D,  LDB_WINDOW_PADDING_OF(ldb_padding_names_1d),
    LDB_WINDOW_DILATION_1D, LDB_WINDOW_ACTIVATION_OF,
    LDB_WINDOW_PADS,        {.name = NULL}};
static const ldb_attr_spec depthwise2d_attrs[] = {
    LDB_WINDOW_STRIDES_2D,  LDB_WINDOW_PADDING_OF(ldb_padding_names),
    LDB_WINDOW_DILATION_2D, LDB_WINDOW_ACTIVATION_OF,
    LDB_WINDOW_PADS,        {.name = NULL}};

static ldb_status geometry(const ldb_call *c, int spatial, ldb_depthwise *d, ldb_error *e) {
  const ldb_view *x = &c->in[X], *w = &c->in[W];
  char tx[LDB_SHAPE_TEXT], tw[LDB_SHAPE_TEXT];
  ldb_padding padding;
  ldb_status s = ldb_window_of(c, spatial, &d->window, e);
  if (s == LDB_OK) s = ldb_window_kernel(w, spatial, "channels x multiplier", &d->window, e);
  if (s == LDB_OK) s = ldb_window_attrs(c, spatial, &d->window, &padding, e);
  if (s != LDB_OK) return s;
  d->type = x->dtype;
  d->multiplier = w->shape[spatial + 1];
  if (w->shape[spatial] != d->window.channels)
    return ldb_fail(e, LDB_SHAPE, "x is %s with %lld channels, but w is %s and takes %lld%s",
                    ldb_shape_text(x, tx), (long long)d->window.channels, ldb_shape_text(w, tw),
                    (long long)w->shape[spatial],
                    x->shape[1] == w->shape[spatial] ? "; are the channels first? They belong last"
                                                     : "");
  const bool causal = padding == LDB_PADDING_CAUSAL;
  s = ldb_window_slide(&d->window.h, causal ? LDB_PADDING_VALID : padding, "kernel", e);
  if (s == LDB_OK) s = ldb_window_slide(&d->window.w, padding, "kernel", e);
  return s;
}

/* The same as a convolution with a group for every channel. */
static ldb_conv as_conv(const ldb_depthwise *d) {
  return (ldb_conv){.window = d->window,
                    .groups = d->window.channels,
                    .filters = d->window.channels * d->multiplier,
                    .type = d->type};
}

static bool is_direct(const ldb_conv *v) {
  return v->filters == v->window.channels && v->groups > 0 && ldb_conv_is_direct(v);
}

static int spatial_of(const ldb_call *c) {
  return c->in[X].rank - 2;
}

static ldb_status infer_depthwise(ldb_call *c, int spatial, ldb_error *e) {
  ldb_depthwise d;
  size_t wide = 0, scratch = 0;
  ldb_status s = geometry(c, spatial, &d, e);
  if (s != LDB_OK) return s;
  if (!ldb_mul_size((size_t)d.window.channels, (size_t)d.multiplier, &wide) ||
      wide > (size_t)INT64_MAX || !ldb_depthwise_scratch(&d, &scratch))
    return ldb_fail(e, LDB_OVERFLOW, "channels times multiplier do not fit into memory");
  s = ldb_window_bias(c, (int64_t)wide, e);
  if (s == LDB_OK) s = ldb_window_out(c, spatial, d.window.h.out, d.window.w.out, (int64_t)wide, e);
  if (s != LDB_OK) return s;
  const ldb_conv v = as_conv(&d);
  return is_direct(&v) ? ldb_window_conv_memory(c, &v, e) : ldb_window_memory(c, 0, scratch, e);
}

static ldb_status infer_depthwise1d(ldb_call *c, ldb_error *e) {
  return infer_depthwise(c, 1, e);
}

static ldb_status infer_depthwise2d(ldb_call *c, ldb_error *e) {
  return infer_depthwise(c, 2, e);
}

static ldb_status depthwise_forward(ldb_call *c, ldb_error *e) {
  ldb_depthwise d;
  const ldb_status s = geometry(c, spatial_of(c), &d, e);
  if (s != LDB_OK || ldb_view_count(&c->out) == 0) return s;
  const ldb_conv v = as_conv(&d);
  if (is_direct(&v)) {
    ldb_window_conv_forward(c, &v);
    return LDB_OK;
  }
  ldb_depthwise_forward(&d, c->in[X].data, c->in[W].data, ldb_window_z(c));
  ldb_window_finish(c, 0, d.window.batch * d.window.h.out * d.window.w.out,
                    d.window.channels * d.multiplier);
  return LDB_OK;
}

static ldb_status depthwise_backward(ldb_call *c, ldb_error *e) {
  ldb_depthwise d;
  void *scratch;
  const ldb_status s = geometry(c, spatial_of(c), &d, e);
  if (s != LDB_OK) return s;
  const ldb_conv v = as_conv(&d);
  if (is_direct(&v)) {
    ldb_window_conv_backward(c, &v);
    return LDB_OK;
  }
  const ldb_view g = ldb_window_gradient(c, &scratch);
  if (c->gin[X].data && ldb_view_count(&c->gin[X]) > 0)
    ldb_depthwise_gradient_x(&d, c->in[W].data, g.data, c->gin[X].data, scratch);
  if (c->gin[W].data && ldb_view_count(&c->gin[W]) > 0)
    ldb_depthwise_gradient_w(&d, c->in[X].data, g.data, c->gin[W].data, scratch);
  return LDB_OK;
}

const ldb_op ldb_op_depthwise_conv1d = {
    .name = "depthwise_conv1d",
    .doc = "activation(x * w + b) for each channel: x [batch x steps x channels], w [size x "
           "channels x multiplier]",
    .inputs = "x w b?",
    .flags = LDB_OP_FLOAT | LDB_OP_PROMOTE | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN | LDB_OP_KEEP_OUT,
    .grad_inputs = 7,
    .attrs = depthwise1d_attrs,
    .infer = infer_depthwise1d,
    .forward = depthwise_forward,
    .backward = depthwise_backward,
};

const ldb_op ldb_op_depthwise_conv2d = {
    .name = "depthwise_conv2d",
    .doc = "activation(x * w + b) for each channel: x [batch x height x width x channels], w "
           "[height x width x channels x multiplier]",
    .inputs = "x w b?",
    .flags = LDB_OP_FLOAT | LDB_OP_PROMOTE | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN | LDB_OP_KEEP_OUT,
    .grad_inputs = 7,
    .attrs = depthwise2d_attrs,
    .infer = infer_depthwise2d,
    .forward = depthwise_forward,
    .backward = depthwise_backward,
};
