#include "kernels/convolution/conv.h"

#include <string.h>

#include "kernels/product/gemm.h"

/* One window position of the batch. */
typedef struct position {
  int64_t n, i, j;
} position;

static position position_of(const ldb_window *w, int64_t row) {
  const int64_t each = w->h.out * w->w.out;
  return (position){row / each, row % each / w->w.out, row % w->w.out};
}

static void advance(const ldb_window *w, position *p) {
  if (++p->j < w->w.out) return;
  p->j = 0;
  if (++p->i < w->h.out) return;
  p->i = 0;
  p->n++;
}

#define T float
#define NAME(x) x##_f32
#include "kernels/convolution/conv_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/convolution/conv_generic.h"
#undef T
#undef NAME

/* Cells of a line under the window from which on copying line by line is the faster way. */
enum { THIN = 12 };

static int64_t group_channels(const ldb_conv *c) {
  return c->window.channels / c->groups;
}

/* Cells under one window: the inner size of the matrix product. */
static int64_t depth(const ldb_conv *c) {
  return c->window.h.size * c->window.w.size * group_channels(c);
}

static bool axis_is_pointwise(const ldb_window_axis *a) {
  return a->size == 1 && a->stride == 1 && a->before == 0 && a->in == a->out;
}

/* The columns are x itself. */
static bool is_pointwise(const ldb_conv *c) {
  return axis_is_pointwise(&c->window.h) && axis_is_pointwise(&c->window.w);
}

int64_t ldb_conv_positions(const ldb_conv *c) {
  return c->window.batch * c->window.h.out * c->window.w.out;
}

int64_t ldb_conv_block_rows(const ldb_conv *c) {
  const int64_t all = ldb_conv_positions(c), width = depth(c) * (int64_t)ldb_dtype_size(c->type);
  if (is_pointwise(c) || width == 0) return all > 0 ? all : 1;
  const int64_t rows = width < LDB_CONV_BLOCK ? LDB_CONV_BLOCK / width : 1;
  return rows < all ? rows : all > 0 ? all : 1;
}

bool ldb_conv_scratch(const ldb_conv *c, size_t *bytes) {
  *bytes = 0;
  if (is_pointwise(c)) return true;
  return ldb_mul_size((size_t)ldb_conv_block_rows(c), (size_t)depth(c), bytes) &&
         ldb_mul_size(*bytes, ldb_dtype_size(c->type), bytes);
}

static const void *offset(const ldb_conv *c, const void *p, int64_t elements) {
  return (const char *)p + (size_t)elements * ldb_dtype_size(c->type);
}

static void *offset_to(const ldb_conv *c, void *p, int64_t elements) {
  return (char *)p + (size_t)elements * ldb_dtype_size(c->type);
}

static int64_t leading(int64_t n) {
  return n > 0 ? n : 1;
}

/* Rows of columns of one group, as they stand in x or gathered in scratch. */
static ldb_mat columns(const ldb_conv *c, int64_t group, const void *x, int64_t first, int64_t rows,
                       void *scratch) {
  const int64_t channels = c->window.channels, own = group_channels(c);
  if (is_pointwise(c))
    return (ldb_mat){.data = offset(c, x, first * channels + group * own), .ld = leading(channels)};
  const bool thin = c->window.w.size * own < THIN;
  if (c->type == LDB_F32)
    (thin ? im2col_thin_f32 : im2col_f32)(c, group, x, first, rows, scratch);
  else
    (thin ? im2col_thin_f64 : im2col_f64)(c, group, x, first, rows, scratch);
  return (ldb_mat){.data = scratch, .ld = leading(depth(c))};
}

/* The part of w (or, with rows from `first` on, of y) that belongs to a group. */
static ldb_mat part(const ldb_conv *c, const void *data, int64_t first, int64_t group) {
  const int64_t own = c->filters / c->groups;
  return (ldb_mat){.data = offset(c, data, first * c->filters + group * own),
                   .ld = leading(c->filters)};
}

static ldb_mat transposed(ldb_mat m) {
  m.trans = !m.trans;
  return m;
}

ldb_status ldb_conv_forward(const ldb_conv *c, const void *x, const void *w, int64_t first,
                            int64_t rows, void *y, void *scratch, ldb_error *e) {
  const int64_t own = c->filters / c->groups;
  ldb_status s = LDB_OK;
  for (int64_t g = 0; s == LDB_OK && g < c->groups && rows > 0; g++) {
    const ldb_mat col = columns(c, g, x, first, rows, scratch);
    s = ldb_gemm(c->type, rows, own, depth(c), col, part(c, w, 0, g),
                 offset_to(c, y, first * c->filters + g * own), leading(c->filters), false, e);
  }
  return s;
}

ldb_status ldb_conv_gradient_w(const ldb_conv *c, const void *x, const void *gy, void *gw,
                               void *scratch, ldb_error *e) {
  const int64_t own = c->filters / c->groups, width = depth(c);
  const int64_t all = ldb_conv_positions(c), step = ldb_conv_block_rows(c);
  if (all == 0) memset(gw, 0, (size_t)(width * c->filters) * ldb_dtype_size(c->type));
  ldb_status s = LDB_OK;
  for (int64_t first = 0; s == LDB_OK && first < all; first += step) {
    const int64_t rows = all - first < step ? all - first : step;
    for (int64_t g = 0; s == LDB_OK && g < c->groups; g++) {
      const ldb_mat col = columns(c, g, x, first, rows, scratch);
      s = ldb_gemm(c->type, width, own, rows, transposed(col), part(c, gy, first, g),
                   offset_to(c, gw, g * own), leading(c->filters), first > 0, e);
    }
  }
  return s;
}

static ldb_status pointwise_gradient_x(const ldb_conv *c, const void *w, const void *gy, void *gx,
                                       ldb_error *e) {
  const int64_t own = group_channels(c);
  ldb_status s = LDB_OK;
  for (int64_t g = 0; s == LDB_OK && g < c->groups; g++)
    s = ldb_gemm(c->type, ldb_conv_positions(c), own, c->filters / c->groups, part(c, gy, 0, g),
                 transposed(part(c, w, 0, g)), offset_to(c, gx, g * own),
                 leading(c->window.channels), false, e);
  return s;
}

ldb_status ldb_conv_gradient_x(const ldb_conv *c, const void *w, const void *gy, void *gx,
                               void *scratch, ldb_error *e) {
  if (is_pointwise(c)) return pointwise_gradient_x(c, w, gy, gx, e);
  const ldb_window *v = &c->window;
  const int64_t all = ldb_conv_positions(c), step = ldb_conv_block_rows(c), width = depth(c);
  const size_t cells = (size_t)(v->batch * v->h.in * v->w.in * v->channels);
  if (cells == 0) return LDB_OK;
  memset(gx, 0, cells * ldb_dtype_size(c->type));
  ldb_status s = LDB_OK;
  for (int64_t first = 0; s == LDB_OK && first < all; first += step) {
    const int64_t rows = all - first < step ? all - first : step;
    for (int64_t g = 0; s == LDB_OK && g < c->groups; g++) {
      s = ldb_gemm(c->type, rows, width, c->filters / c->groups, part(c, gy, first, g),
                   transposed(part(c, w, 0, g)), scratch, leading(width), false, e);
      if (s != LDB_OK) return s;
      if (c->type == LDB_F32)
        col2im_f32(c, g, scratch, first, rows, gx);
      else
        col2im_f64(c, g, scratch, first, rows, gx);
    }
  }
  return s;
}
