#include "kernels/softmax.h"

#include <math.h>

#include "kernels/math_inline.h"

enum { LANES = 8, BLOCK = 64 };

static int block_width(int64_t left) {
  return left < BLOCK ? (int)left : BLOCK;
}

#define T float
#define NAME(x) x##_f32
#include "kernels/softmax_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/softmax_generic.h"
#undef T
#undef NAME

ldb_axis_split ldb_split_axis(const ldb_view *v, int at) {
  ldb_axis_split s = {1, v->shape[at], 1};
  for (int i = 0; i < at; i++)
    s.outer *= v->shape[i];
  for (int i = at + 1; i < v->rank; i++)
    s.inner *= v->shape[i];
  return s;
}

void ldb_softmax(ldb_dtype t, ldb_axis_split s, bool as_log, const void *x, void *y) {
  if (t == LDB_F32)
    softmax_f32(s, as_log, x, y);
  else
    softmax_f64(s, as_log, x, y);
}

void ldb_softmax_backward(ldb_dtype t, ldb_axis_split s, bool as_log, const void *y, const void *gy,
                          void *gx) {
  if (t == LDB_F32)
    softmax_grad_f32(s, as_log, y, gy, gx);
  else
    softmax_grad_f64(s, as_log, y, gy, gx);
}
