#include "kernels/conv_depthwise.h"

#include <string.h>

/* Positions whose products are added in the element type before they join the f64 sums. */
enum { RUN = 64 };

#define T float
#define NAME(x) x##_f32
#include "kernels/conv_depthwise_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/conv_depthwise_generic.h"
#undef T
#undef NAME

void ldb_depthwise_forward(const ldb_depthwise *d, const void *x, const void *w, void *y) {
  if (d->type == LDB_F32)
    forward_f32(d, x, w, y);
  else
    forward_f64(d, x, w, y);
}

void ldb_depthwise_gradient_x(const ldb_depthwise *d, const void *w, const void *gy, void *gx) {
  if (d->type == LDB_F32)
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
         ldb_mul_size(*bytes, taps + 1, bytes) && ldb_mul_size(*bytes, sizeof(double), bytes);
}
