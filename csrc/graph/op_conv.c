/*
** Convolution over sequences and images, channels last, kernels as in Keras.
*/
#include "graph/op_window.h"
#include "kernels/convolution/conv.h"
#include "kernels/elementwise/activation.h"

enum { X = 0, W = 1 };

static const ldb_attr_spec conv1d_attrs[] = {
    LDB_WINDOW_STRIDES_1D,
    LDB_WINDOW_PADDING_OF(ldb_padding_names_1d),
    LDB_WINDOW_DILATION_1D,
    {.name = "groups", .kind = LDB_ATTR_INT, .slot = LDB_WINDOW_GROUPS, .fallback = 1},
    LDB_WINDOW_ACTIVATION_OF,
    LDB_WINDOW_PADS,
    {.name = NULL}};
static const ldb_attr_spec conv2d_attrs[] = {
    LDB_WINDOW_STRIDES_2D,
    LDB_WINDOW_PADDING_OF(ldb_padding_names),
    LDB_WINDOW_DILATION_2D,
    {.name = "groups", .kind = LDB_ATTR_INT, .slot = LDB_WINDOW_GROUPS, .fallback = 1},
    LDB_WINDOW_ACTIVATION_OF,
    LDB_WINDOW_PADS,
    {.name = NULL}};

static ldb_status check_channels(const ldb_call *c, int spatial, const ldb_conv *v, ldb_error *e) {
  const ldb_view *x = &c->in[X], *w = &c->in[W];
  const int64_t channels = v->window.channels, own = w->shape[spatial], groups = v->groups;
  char tx[LDB_SHAPE_TEXT], tw[LDB_SHAPE_TEXT];
  if (groups < 1)
    return ldb_fail(e, LDB_RANGE, "groups must be positive, got %lld", (long long)groups);
  if (channels % groups != 0 || v->filters % groups != 0)
    return ldb_fail(e, LDB_SHAPE, "%lld groups do not divide %lld channels and %lld filters",
                    (long long)groups, (long long)channels, (long long)v->filters);
  if (own == channels / groups) return LDB_OK;
  return ldb_fail(e, LDB_SHAPE,
                  "x is %s with %lld channels in %lld group%s, but w is %s and takes %lld%s",
                  ldb_shape_text(x, tx), (long long)channels, (long long)groups,
                  groups == 1 ? "" : "s", ldb_shape_text(w, tw), (long long)own,
                  x->shape[1] == own * groups ? "; are the channels first? They belong last" : "");
}

/* Everything that follows from the shapes and attributes. */
static ldb_status geometry(const ldb_call *c, int spatial, ldb_conv *v, ldb_error *e) {
  const ldb_view *w = &c->in[W];
  ldb_padding padding;
  ldb_status s = ldb_window_of(c, spatial, &v->window, e);
  if (s == LDB_OK) s = ldb_window_kernel(w, spatial, "channels per group x filters", &v->window, e);
  if (s == LDB_OK) s = ldb_window_attrs(c, spatial, &v->window, &padding, e);
  if (s != LDB_OK) return s;
  v->type = c->in[X].dtype;
  v->groups = c->attrs.integer[LDB_WINDOW_GROUPS];
  v->filters = w->shape[spatial + 1];
  s = check_channels(c, spatial, v, e);
  const bool causal = padding == LDB_PADDING_CAUSAL;
  if (s == LDB_OK)
    s = ldb_window_slide(&v->window.h, causal ? LDB_PADDING_VALID : padding, "kernel", e);
  if (s == LDB_OK) s = ldb_window_slide(&v->window.w, padding, "kernel", e);
  return s;
}

static int spatial_of(const ldb_call *c) {
  return c->in[X].rank - 2;
}

static ldb_status infer_conv(ldb_call *c, int spatial, ldb_error *e) {
  ldb_conv v;
  ldb_status s = geometry(c, spatial, &v, e);
  if (s == LDB_OK) s = ldb_window_bias(c, v.filters, e);
  if (s == LDB_OK) s = ldb_window_out(c, spatial, v.window.h.out, v.window.w.out, v.filters, e);
  return s == LDB_OK ? ldb_window_conv_memory(c, &v, e) : s;
}

static ldb_status infer_conv1d(ldb_call *c, ldb_error *e) {
  return infer_conv(c, 1, e);
}

static ldb_status infer_conv2d(ldb_call *c, ldb_error *e) {
  return infer_conv(c, 2, e);
}

static ldb_status conv_forward(ldb_call *c, ldb_error *e) {
  ldb_conv v;
  ldb_status s = geometry(c, spatial_of(c), &v, e);
  if (s != LDB_OK) return s;
  if (ldb_conv_is_direct(&v)) {
    ldb_window_conv_forward(c, &v);
    return s;
  }
  const int64_t all = ldb_conv_positions(&v), step = ldb_conv_block_rows(&v);
  for (int64_t first = 0; s == LDB_OK && first < all; first += step) {
    const int64_t rows = all - first < step ? all - first : step;
    s = ldb_conv_forward(&v, c->in[X].data, c->in[W].data, first, rows, ldb_window_z(c), c->scratch,
                         e);
    if (s == LDB_OK) ldb_window_finish(c, first, rows, v.filters);
  }
  return s;
}

static ldb_status conv_backward(ldb_call *c, ldb_error *e) {
  ldb_conv v;
  void *scratch;
  ldb_status s = geometry(c, spatial_of(c), &v, e);
  if (s != LDB_OK) return s;
  if (ldb_conv_is_direct(&v)) {
    ldb_window_conv_backward(c, &v);
    return s;
  }
  const ldb_view g = ldb_window_gradient(c, &scratch);
  if (c->gin[X].data)
    s = ldb_conv_gradient_x(&v, c->in[W].data, g.data, c->gin[X].data, scratch, e);
  if (s == LDB_OK && c->gin[W].data)
    s = ldb_conv_gradient_w(&v, c->in[X].data, g.data, c->gin[W].data, scratch, e);
  return s;
}

const ldb_op ldb_op_conv1d = {
    .name = "conv1d",
    .doc = "activation(x * w + b): x [batch x steps x channels], w [size x channels / groups x "
           "filters]; pads = {before, after}",
    .inputs = "x w b?",
    .flags = LDB_OP_FLOAT | LDB_OP_PROMOTE | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN | LDB_OP_KEEP_OUT,
    .grad_inputs = 7,
    .attrs = conv1d_attrs,
    .infer = infer_conv1d,
    .forward = conv_forward,
    .backward = conv_backward,
};

const ldb_op ldb_op_conv2d = {
    .name = "conv2d",
    .doc = "activation(x * w + b): x [batch x height x width x channels], w [height x width x "
           "channels / groups x filters]; pads = {top, bottom, left, right}",
    .inputs = "x w b?",
    .flags = LDB_OP_FLOAT | LDB_OP_PROMOTE | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN | LDB_OP_KEEP_OUT,
    .grad_inputs = 7,
    .attrs = conv2d_attrs,
    .infer = infer_conv2d,
    .forward = conv_forward,
    .backward = conv_backward,
};
