#include "graph/op_window.h"

#include "base/clones.h"
#include "kernels/elementwise/activation.h"
#include "kernels/reduce/reduce.h"

enum { X = 0, W = 1, B = 2, ALIGN = 64 };

/* Elements of the result that the epilogue handles at a time. */
enum { EPILOGUE_BLOCK = 2048 };

const char *const ldb_padding_names[] = {"valid", "same", NULL};
const char *const ldb_padding_names_1d[] = {
#define X(code, name) name,
    LDB_PADDING_MAP(X)
#undef X
        NULL};

#define T float
#define NAME(x) x##_f32
#include "graph/op_dense_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "graph/op_dense_generic.h"
#undef T
#undef NAME

static ldb_act activation(const ldb_call *c) {
  return (ldb_act)c->attrs.integer[LDB_WINDOW_ACTIVATION];
}

static bool has_bias(const ldb_call *c) {
  return c->n_in > B && c->in[B].rank >= 0;
}

ldb_status ldb_window_of(const ldb_call *c, int spatial, ldb_window *w, ldb_error *e) {
  const ldb_view *x = &c->in[X];
  char text[LDB_SHAPE_TEXT];
  if (x->rank != spatial + 2)
    return ldb_fail(
        e, LDB_SHAPE, "x is %s, expected %s%s", ldb_shape_text(x, text),
        spatial == 2 ? "[batch x height x width x channels]" : "[batch x steps x channels]",
        x->rank == spatial + 1 ? "; is the channel axis (1 for grey or plain series) missing?"
                               : "");
  w->batch = x->shape[0];
  w->channels = x->shape[spatial + 1];
  w->h = (ldb_window_axis){.name = "height", .size = 1, .stride = 1, .dilation = 1};
  w->w = w->h;
  w->w.name = spatial == 2 ? "width" : "sequence";
  w->h.in = spatial == 2 ? x->shape[1] : 1;
  w->w.in = x->shape[spatial];
  return LDB_OK;
}

static ldb_status read_pads(const ldb_attrs *a, int spatial, ldb_window *w, ldb_error *e) {
  if (a->n_list == 1) {
    w->w.before = w->w.after = a->list[0];
    if (spatial == 2) w->h.before = w->h.after = a->list[0];
    return LDB_OK;
  }
  if (a->n_list != 2 * spatial)
    return ldb_fail(e, LDB_VALUE, "expected pads = %s or one number, got %d numbers",
                    spatial == 2 ? "{top, bottom, left, right}" : "{before, after}", a->n_list);
  w->w.before = a->list[2 * spatial - 2];
  w->w.after = a->list[2 * spatial - 1];
  if (spatial == 2) {
    w->h.before = a->list[0];
    w->h.after = a->list[1];
  }
  return LDB_OK;
}

ldb_status ldb_window_attrs(const ldb_call *c, int spatial, ldb_window *w, ldb_padding *padding,
                            ldb_error *e) {
  const ldb_attrs *a = &c->attrs;
  w->w.stride = a->integer[LDB_WINDOW_STRIDES + 1];
  w->w.dilation = a->integer[LDB_WINDOW_DILATION + 1];
  if (spatial == 2) {
    w->h.stride = a->integer[LDB_WINDOW_STRIDES];
    w->h.dilation = a->integer[LDB_WINDOW_DILATION];
  }
  *padding = (ldb_padding)a->integer[LDB_WINDOW_PADDING];
  if (a->n_list == 0) return LDB_OK;
  if (*padding != LDB_PADDING_VALID)
    return ldb_fail(e, LDB_VALUE, "expected padding or pads, got both");
  *padding = LDB_PADDING_PADS;
  return read_pads(a, spatial, w, e);
}

ldb_status ldb_window_kernel(const ldb_view *w, int spatial, const char *layout, ldb_window *window,
                             ldb_error *e) {
  char text[LDB_SHAPE_TEXT];
  if (w->rank != spatial + 2)
    return ldb_fail(e, LDB_SHAPE, "w is %s, expected [%s%s]", ldb_shape_text(w, text),
                    spatial == 2 ? "kernel height x kernel width x " : "kernel size x ", layout);
  if (spatial == 2) window->h.size = w->shape[0];
  window->w.size = w->shape[spatial - 1];
  return LDB_OK;
}

ldb_status ldb_window_bias(const ldb_call *c, int64_t filters, ldb_error *e) {
  char text[LDB_SHAPE_TEXT];
  if (!has_bias(c) || (c->in[B].rank == 1 && c->in[B].shape[0] == filters)) return LDB_OK;
  return ldb_fail(e, LDB_SHAPE, "b is %s, expected one element for each of %lld filters",
                  ldb_shape_text(&c->in[B], text), (long long)filters);
}

ldb_status ldb_window_out(ldb_call *c, int spatial, int64_t height, int64_t width, int64_t channels,
                          ldb_error *e) {
  const int64_t image[4] = {c->in[X].shape[0], height, width, channels};
  const int64_t series[3] = {c->in[X].shape[0], width, channels};
  return ldb_view_init(&c->out, c->in[X].dtype, spatial + 2, spatial == 2 ? image : series, e);
}

static bool align(size_t *bytes) {
  if (!ldb_add_size(*bytes, ALIGN - 1, bytes)) return false;
  *bytes -= *bytes % ALIGN;
  return true;
}

ldb_status ldb_window_memory(ldb_call *c, size_t forward, size_t backward, ldb_error *e) {
  c->forward_scratch = forward;
  c->backward_scratch = backward;
  if (activation(c) == LDB_ACT_LINEAR) return LDB_OK;
  if (ldb_act_needs_z(activation(c))) {
    const int64_t count = ldb_view_count(&c->out);
    const ldb_status s = ldb_view_init(&c->saved, c->out.dtype, 1, &count, e);
    if (s != LDB_OK) return s;
  }
  size_t bytes = 0;
  const ldb_status s = ldb_view_bytes(&c->out, &bytes, e);
  if (s != LDB_OK) return s;
  if (!align(&bytes) || !ldb_add_size(bytes, backward, &c->backward_scratch))
    return ldb_fail(e, LDB_OVERFLOW, "the gradient does not fit into memory");
  return LDB_OK;
}

void *ldb_window_z(const ldb_call *c) {
  const bool keep_z = activation(c) != LDB_ACT_LINEAR && ldb_act_needs_z(activation(c));
  return keep_z ? c->saved.data : c->out.data;
}

void ldb_window_finish(const ldb_call *c, int64_t first, int64_t rows, int64_t filters) {
  const size_t skip = (size_t)(first * filters) * ldb_dtype_size(c->out.dtype);
  const void *bias = has_bias(c) ? c->in[B].data : NULL;
  void *z = (char *)ldb_window_z(c) + skip, *y = (char *)c->out.data + skip;
  if (c->out.dtype == LDB_F32)
    epilogue_f32(activation(c), rows, filters, filters, bias, z, y);
  else
    epilogue_f64(activation(c), rows, filters, filters, bias, z, y);
}

ldb_status ldb_window_conv_memory(ldb_call *c, const ldb_conv *v, ldb_error *e) {
  size_t forward = 0, backward = 0;
  bool fits;
  if (ldb_conv_is_direct(v)) {
    fits = ldb_conv_direct_scratch(v, &forward) && ldb_conv_direct_gradient_scratch(v, &backward);
    if (forward > backward) backward = forward;
  } else {
    fits = ldb_conv_scratch(v, &forward);
    backward = forward;
  }
  if (!fits) return ldb_fail(e, LDB_OVERFLOW, "the cells under one kernel do not fit into memory");
  return ldb_window_memory(c, forward, backward, e);
}

ldb_conv_end ldb_window_end(const ldb_call *c) {
  return (ldb_conv_end){.bias = has_bias(c) ? c->in[B].data : NULL,
                        .act = activation(c),
                        .z = ldb_window_z(c),
                        .y = c->out.data};
}

static void *gz_of(const ldb_call *c, void **rest) {
  *rest = c->scratch;
  if (activation(c) == LDB_ACT_LINEAR) return c->gout.data;
  size_t bytes = (size_t)ldb_view_count(&c->out) * ldb_dtype_size(c->out.dtype);
  (void)align(&bytes); /* infer has asked before */
  *rest = (char *)c->scratch + bytes;
  return c->scratch;
}

void ldb_window_conv_forward(ldb_call *c, const ldb_conv *v) {
  const ldb_conv_end end = ldb_window_end(c);
  ldb_conv_direct_forward(c->team, v, c->in[X].data, c->in[W].data, &end, c->scratch);
}

void ldb_window_conv_backward(ldb_call *c, const ldb_conv *v) {
  void *scratch;
  const ldb_act act = activation(c);
  float *gz = gz_of(c, &scratch);
  const ldb_conv_gradient g = {.x = c->in[X].data,
                               .gy = c->gout.data,
                               .kept = ldb_act_needs_z(act) ? c->saved.data : c->out.data,
                               .act = act,
                               .gz = gz,
                               .keep = c->gin[X].data != NULL,
                               .gw = c->gin[W].data,
                               .gb = has_bias(c) ? c->gin[B].data : NULL};
  if (g.gw || g.gb || act != LDB_ACT_LINEAR) ldb_conv_direct_gradient(c->team, v, &g, scratch);
  if (!c->gin[X].data) return;
  const ldb_conv_end end = {.act = LDB_ACT_LINEAR, .z = c->gin[X].data, .y = c->gin[X].data};
  ldb_conv_direct_transposed(c->team, v, gz, c->in[W].data, &end, scratch);
}

ldb_view ldb_window_gradient(ldb_call *c, void **rest) {
  const int64_t filters = c->out.shape[c->out.rank - 1], count = ldb_view_count(&c->out);
  ldb_view g = {.data = c->gout.data, .dtype = c->gout.dtype, .rank = 2};
  g.shape[0] = filters > 0 ? count / filters : 0;
  g.shape[1] = filters;
  g.stride[0] = filters > 0 ? filters : 1;
  g.stride[1] = 1;
  g.data = gz_of(c, rest);
  if (activation(c) != LDB_ACT_LINEAR) {
    const void *z = ldb_act_needs_z(activation(c)) ? c->saved.data : NULL;
    ldb_act_backward(c->team, activation(c), g.dtype, count, z, c->out.data, c->gout.data, g.data);
  }
  if (has_bias(c) && c->gin[B].data) ldb_reduce_on(c->team, LDB_REDUCE_SUM, &g, 1, 0, &c->gin[B]);
  return g;
}
