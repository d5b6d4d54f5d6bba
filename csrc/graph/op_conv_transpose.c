/*
** Transposed convolution: the gradient of a convolution by its input, as a layer of its own. The
** kernel is [kernel height x kernel width x filters x channels], as in Keras: that of the
** convolution which leads from the result back to x.
*/
#include "graph/op_window.h"
#include "kernels/convolution/conv_direct.h"
#include "kernels/elementwise/activation.h"

enum { X = 0, W = 1, OUTPUT_PADDING = LDB_WINDOW_GROUPS };

static const ldb_attr_spec conv1d_transpose_attrs[] = {
    LDB_WINDOW_STRIDES_1D,
    LDB_WINDOW_PADDING_OF(ldb_padding_names),
    LDB_WINDOW_DILATION_1D,
    {.name = "output_padding", .kind = LDB_ATTR_INT, .slot = OUTPUT_PADDING + 1, .fallback = -1},
    LDB_WINDOW_ACTIVATION_OF,
    LDB_WINDOW_PADS,
    {.name = NULL}};
static const ldb_attr_spec conv2d_transpose_attrs[] = {
    LDB_WINDOW_STRIDES_2D,
    LDB_WINDOW_PADDING_OF(ldb_padding_names),
    LDB_WINDOW_DILATION_2D,
    {.name = "output_padding", .kind = LDB_ATTR_PAIR, .slot = OUTPUT_PADDING, .fallback = -1},
    LDB_WINDOW_ACTIVATION_OF,
    LDB_WINDOW_PADS,
    {.name = NULL}};

static int64_t filters_of(const ldb_call *c, int spatial) {
  return c->in[W].shape[spatial];
}

/* The convolution from the result to x. */
static ldb_status geometry(const ldb_call *c, int spatial, ldb_conv *v, ldb_error *e) {
  const ldb_view *x = &c->in[X], *w = &c->in[W];
  char tx[LDB_SHAPE_TEXT], tw[LDB_SHAPE_TEXT];
  ldb_padding padding;
  ldb_status s = ldb_window_of(c, spatial, &v->window, e);
  if (s == LDB_OK) s = ldb_window_kernel(w, spatial, "filters x channels", &v->window, e);
  if (s == LDB_OK) s = ldb_window_attrs(c, spatial, &v->window, &padding, e);
  if (s != LDB_OK) return s;
  if (w->shape[spatial + 1] != v->window.channels)
    return ldb_fail(e, LDB_SHAPE, "x is %s with %lld channels, but w is %s and takes %lld%s",
                    ldb_shape_text(x, tx), (long long)v->window.channels, ldb_shape_text(w, tw),
                    (long long)w->shape[spatial + 1],
                    w->shape[spatial] == v->window.channels
                        ? " (w is [.. x filters x channels]: are the last two axes swapped?)"
                        : "");
  v->type = x->dtype;
  v->groups = 1;
  v->filters = v->window.channels;
  v->window.channels = filters_of(c, spatial);
  v->window.h.out = v->window.h.in;
  v->window.w.out = v->window.w.in;
  if (spatial == 2)
    s = ldb_window_unslide(&v->window.h, padding, c->attrs.integer[OUTPUT_PADDING], e);
  if (s == LDB_OK)
    s = ldb_window_unslide(&v->window.w, padding, c->attrs.integer[OUTPUT_PADDING + 1], e);
  return s;
}

static int spatial_of(const ldb_call *c) {
  return c->in[X].rank - 2;
}

static ldb_status infer_transpose(ldb_call *c, int spatial, ldb_error *e) {
  ldb_conv v;
  ldb_status s = geometry(c, spatial, &v, e);
  if (s == LDB_OK) s = ldb_window_bias(c, filters_of(c, spatial), e);
  if (s == LDB_OK)
    s = ldb_window_out(c, spatial, v.window.h.in, v.window.w.in, filters_of(c, spatial), e);
  return s == LDB_OK ? ldb_window_conv_memory(c, &v, e) : s;
}

static ldb_status infer_conv1d_transpose(ldb_call *c, ldb_error *e) {
  return infer_transpose(c, 1, e);
}

static ldb_status infer_conv2d_transpose(ldb_call *c, ldb_error *e) {
  return infer_transpose(c, 2, e);
}

static ldb_status transpose_forward(ldb_call *c, ldb_error *e) {
  ldb_conv v;
  ldb_status s = geometry(c, spatial_of(c), &v, e);
  if (s == LDB_OK && ldb_conv_is_direct(&v)) {
    const ldb_conv_end end = ldb_window_end(c);
    ldb_conv_direct_transposed(c->team, &v, c->in[X].data, c->in[W].data, &end, c->scratch);
    return s;
  }
  if (s == LDB_OK)
    s = ldb_conv_gradient_x(&v, c->in[W].data, c->in[X].data, ldb_window_z(c), c->scratch, e);
  if (s == LDB_OK)
    ldb_window_finish(c, 0, v.window.batch * v.window.h.in * v.window.w.in, v.window.channels);
  return s;
}

static void direct_backward(const ldb_call *c, const ldb_conv *v, const float *gz, void *scratch) {
  const ldb_conv_gradient g = {
      .x = gz, .gy = c->in[X].data, .act = LDB_ACT_LINEAR, .gw = c->gin[W].data};
  const ldb_conv_end end = {.act = LDB_ACT_LINEAR, .z = c->gin[X].data, .y = c->gin[X].data};
  if (c->gin[X].data) ldb_conv_direct_forward(c->team, v, gz, c->in[W].data, &end, scratch);
  if (c->gin[W].data) ldb_conv_direct_gradient(c->team, v, &g, scratch);
}

/* gx is the convolution of gz with w; gw that of gz and x with their parts exchanged. */
static ldb_status transpose_backward(ldb_call *c, ldb_error *e) {
  ldb_conv v;
  void *scratch;
  ldb_status s = geometry(c, spatial_of(c), &v, e);
  if (s != LDB_OK) return s;
  const ldb_view g = ldb_window_gradient(c, &scratch);
  if (ldb_conv_is_direct(&v)) {
    direct_backward(c, &v, g.data, scratch);
    return s;
  }
  const int64_t all = ldb_conv_positions(&v), step = ldb_conv_block_rows(&v);
  for (int64_t first = 0; c->gin[X].data && s == LDB_OK && first < all; first += step)
    s = ldb_conv_forward(&v, g.data, c->in[W].data, first, all - first < step ? all - first : step,
                         c->gin[X].data, scratch, e);
  if (s == LDB_OK && c->gin[W].data)
    s = ldb_conv_gradient_w(&v, g.data, c->in[X].data, c->gin[W].data, scratch, e);
  return s;
}

const ldb_op ldb_op_conv1d_transpose = {
    .name = "conv1d_transpose",
    .doc = "activation of the transposed convolution: x [batch x steps x channels], w [size x "
           "filters x channels]; pads = {before, after} are cut off",
    .inputs = "x w b?",
    .flags = LDB_OP_FLOAT | LDB_OP_PROMOTE | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN | LDB_OP_KEEP_OUT,
    .grad_inputs = 7,
    .attrs = conv1d_transpose_attrs,
    .infer = infer_conv1d_transpose,
    .forward = transpose_forward,
    .backward = transpose_backward,
};

const ldb_op ldb_op_conv2d_transpose = {
    .name = "conv2d_transpose",
    .doc = "activation of the transposed convolution: x [batch x height x width x channels], w "
           "[height x width x filters x channels]; pads = {top, bottom, left, right} are cut off",
    .inputs = "x w b?",
    .flags = LDB_OP_FLOAT | LDB_OP_PROMOTE | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN | LDB_OP_KEEP_OUT,
    .grad_inputs = 7,
    .attrs = conv2d_transpose_attrs,
    .infer = infer_conv2d_transpose,
    .forward = transpose_forward,
    .backward = transpose_backward,
};
