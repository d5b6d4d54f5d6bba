#include "kernels/convolution/conv_depthwise.h"

#include <string.h>

/* Positions whose products are added in the element type before they join the f64 sums. */
enum { RUN = 64 };

/* Channels whose sums are kept in registers. */
enum { LANES = 8 };

/* The window by which a cell collects from the positions of a window with stride 1. */
static ldb_window_axis mirrored(const ldb_window_axis *a) {
  ldb_window_axis r = *a;
  r.in = a->out;
  r.out = a->in;
  r.before = ldb_window_span(a) - 1 - a->before;
  r.after = ldb_window_span(a) - 1 - a->after;
  return r;
}

#define T float
#define NAME(x) x##_f32
#include "kernels/convolution/conv_depthwise_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/convolution/conv_depthwise_generic.h"
#undef T
#undef NAME

void ldb_depthwise_forward(const ldb_depthwise *d, const void *x, const void *w, void *y) {
  if (d->type == LDB_F32)
    forward_f32(d, x, w, y);
  else
    forward_f64(d, x, w, y);
}

void ldb_depthwise_gradient_x(const ldb_depthwise *d, const void *w, const void *gy, void *gx,
                              void *scratch) {
  const bool plain = d->multiplier == 1 && d->window.h.stride == 1 && d->window.w.stride == 1;
  if (plain && d->type == LDB_F32)
    gradient_x_mirrored_f32(d, w, gy, gx, scratch);
  else if (plain)
    gradient_x_mirrored_f64(d, w, gy, gx, scratch);
  else if (d->type == LDB_F32)
    gradient_x_f32(d, w, gy, gx);
  else
    gradient_x_f64(d, w, gy, gx);
}

void ldb_depthwise_gradient_w(const ldb_depthwise *d, const void *x, const void *gy, void *gw,
                              void *scratch) {
  if (d->type == LDB_F32)
    gradient_w_f32(d, x, gy, gw, scratch);
  else
    gradient_w_f64(d, x, gy, gw, scratch);
}

bool ldb_depthwise_scratch(const ldb_depthwise *d, size_t *bytes) {
  const size_t taps = (size_t)(d->window.h.size * d->window.w.size);
  return ldb_mul_size((size_t)d->window.channels, (size_t)d->multiplier, bytes) &&
         ldb_mul_size(*bytes, taps, bytes) && ldb_mul_size(*bytes, sizeof(double), bytes);
}
