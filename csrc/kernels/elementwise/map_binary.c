#include "kernels/elementwise/map_binary.h"

#include "kernels/elementwise/map_const.h"
#include "kernels/elementwise/math_inline.h"

#define T float
#define F(fn) fn##_f32
#define M(fn) fn##f
#define CLONES LDB_CLONES
#include "kernels/elementwise/map_binary_generic.h"
#undef T
#undef F
#undef M
#undef CLONES

#define T double
#define F(fn) fn##_f64
#define M(fn) fn
#define CLONES
#include "kernels/elementwise/map_binary_generic.h"
#undef T
#undef F
#undef M
#undef CLONES

/* Integers: unsigned arithmetic wraps around where signed overflow would be undefined. */
#define I(name, value)                                                             \
  static void name##_i32(int64_t n, char *const *p, const int64_t *s, void *ctx) { \
    int32_t *out = (void *)p[0];                                                   \
    const int32_t *pa = (const void *)p[1], *pb = (const void *)p[2];              \
    (void)ctx;                                                                     \
    for (int64_t i = 0; i < n; i++) {                                              \
      const int32_t a = pa[i * s[1]], b = pb[i * s[2]];                            \
      out[i * s[0]] = (int32_t)(value);                                            \
    }                                                                              \
  }
I(add, (uint32_t)a + (uint32_t)b)
I(sub, (uint32_t)a - (uint32_t)b)
I(mul, (uint32_t)a *(uint32_t)b)
I(maximum, a > b ? a : b)
I(minimum, a < b ? a : b)
#define R(name, test) I(name, test)
LDB_RELATION_LIST(R)
#undef R
#undef I

static ldb_inner_fn *const forward_i32[LDB_BINARY_COUNT] = {[LDB_BINARY_add] = add_i32,
                                                            [LDB_BINARY_sub] = sub_i32,
                                                            [LDB_BINARY_mul] = mul_i32,
                                                            [LDB_BINARY_maximum] = maximum_i32,
                                                            [LDB_BINARY_minimum] = minimum_i32,
#define R(name, test) [LDB_BINARY_##name] = name##_i32,
                                                            LDB_RELATION_LIST(R)
#undef R
};

ldb_inner_fn *ldb_binary_forward(ldb_binary k, ldb_dtype t) {
  return t == LDB_F32 ? forward_f32[k] : t == LDB_F64 ? forward_f64[k] : forward_i32[k];
}

ldb_inner_fn *ldb_binary_backward(ldb_binary k, ldb_dtype t, int which) {
  if (k >= LDB_BINARY_eq || t == LDB_I32) return NULL;
  return t == LDB_F32 ? backward_f32[k][which] : backward_f64[k][which];
}
