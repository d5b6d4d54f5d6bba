#include "kernels/elementwise/map_unary.h"

#include "kernels/elementwise/map_const.h"
#include "kernels/elementwise/math_inline.h"

#define T float
#define F(fn) fn##_f32
#define M(fn) fn##f
#define CLONES LDB_CLONES
#include "kernels/elementwise/map_unary_generic.h"
#undef T
#undef F
#undef M
#undef CLONES

#define T double
#define F(fn) fn##_f64
#define M(fn) fn
#define CLONES
#include "kernels/elementwise/map_unary_generic.h"
#undef T
#undef F
#undef M
#undef CLONES

/* Integers: unsigned arithmetic wraps around where signed overflow would be undefined. */
#define I(name, value)                                                             \
  static void name##_i32(int64_t n, char *const *p, const int64_t *s, void *ctx) { \
    int32_t *out = (void *)p[0];                                                   \
    const int32_t *in = (const void *)p[1];                                        \
    (void)ctx;                                                                     \
    for (int64_t i = 0; i < n; i++) {                                              \
      const int32_t x = in[i * s[1]];                                              \
      out[i * s[0]] = (int32_t)(value);                                            \
    }                                                                              \
  }
I(neg, 0U - (uint32_t)x)
I(abs, x < 0 ? 0U - (uint32_t)x : (uint32_t)x)
I(square, (uint32_t)x *(uint32_t)x)
I(sign, (x > 0) - (x < 0))
I(linear, x)
#undef I

static ldb_inner_fn *const forward_i32[LDB_UNARY_COUNT] = {
    [LDB_UNARY_neg] = neg_i32,   [LDB_UNARY_abs] = abs_i32,       [LDB_UNARY_square] = square_i32,
    [LDB_UNARY_sign] = sign_i32, [LDB_UNARY_linear] = linear_i32,
};

static const ldb_keep keeps[] = {
#define U(name, keep, value, gradient) LDB_KEEP_##keep,
    LDB_UNARY_LIST(U)
#undef U
};

ldb_keep ldb_unary_keep(ldb_unary k) {
  return keeps[k];
}

ldb_inner_fn *ldb_unary_forward(ldb_unary k, ldb_dtype t) {
  return t == LDB_F32 ? forward_f32[k] : t == LDB_F64 ? forward_f64[k] : forward_i32[k];
}

ldb_inner_fn *ldb_unary_backward(ldb_unary k, ldb_dtype t) {
  return t == LDB_F32 ? backward_f32[k] : t == LDB_F64 ? backward_f64[k] : NULL;
}
