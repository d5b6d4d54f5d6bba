/*
** Inner loops of the functions in map_binary_list.h for element type T (see map_math_generic.h).
**   forward    operands y, a, b
**   gradients  operands gx, g, a, b
**   relations  operands y (i32), a, b
** MAP runs `assign`, which reads a and b and writes out[i], over contiguous operands and over one
** repeated operand.
*/
#include "kernels/elementwise/map_math_generic.h"
#include "kernels/elementwise/map_strided_generic.h"

#define MAP(dense, assign, otherwise)         \
  if ((dense) && sa == 1 && sb == 1) {        \
    for (int64_t i = 0; i < n; i++) {         \
      const T a = pa[i], b = pb[i];           \
      assign;                                 \
    }                                         \
  } else if ((dense) && sa == 1 && sb == 0) { \
    const T b = pb[0];                        \
    for (int64_t i = 0; i < n; i++) {         \
      const T a = pa[i];                      \
      assign;                                 \
    }                                         \
  } else if ((dense) && sa == 0 && sb == 1) { \
    const T a = pa[0];                        \
    for (int64_t i = 0; i < n; i++) {         \
      const T b = pb[i];                      \
      assign;                                 \
    }                                         \
  } else {                                    \
    otherwise;                                \
  }

#define FORWARD(name, value)                                                                     \
  CLONES static void F(name##_forward)(int64_t n, char *const *p, const int64_t *s, void *ctx) { \
    T *out = (void *)p[0];                                                                       \
    const T *pa = (const void *)p[1], *pb = (const void *)p[2];                                  \
    const int64_t so = s[0], sa = s[1], sb = s[2];                                               \
    MAP(so == 1, out[i] = value, F(strided)(F(name##_forward), 3, n, p, s, ctx))                 \
  }

/* Relations are written as i32, and so not through buffers of T. */
#define RELATION(name, value)                                                                    \
  CLONES static void F(name##_forward)(int64_t n, char *const *p, const int64_t *s, void *ctx) { \
    int32_t *out = (void *)p[0];                                                                 \
    const T *pa = (const void *)p[1], *pb = (const void *)p[2];                                  \
    const int64_t so = s[0], sa = s[1], sb = s[2];                                               \
    (void)ctx;                                                                                   \
    MAP(                                                                                         \
        so == 1, out[i] = value, for (int64_t i = 0; i < n; i++) {                               \
          const T a = pa[i * sa];                                                                \
          const T b = pb[i * sb];                                                                \
          out[i * so] = value;                                                                   \
        })                                                                                       \
  }

#define GRADIENT(name, value)                                                             \
  CLONES static void F(name)(int64_t n, char *const *p, const int64_t *s, void *ctx) {    \
    T *out = (void *)p[0];                                                                \
    const T *pg = (const void *)p[1], *pa = (const void *)p[2], *pb = (const void *)p[3]; \
    const int64_t sa = s[2], sb = s[3];                                                   \
    MAP(s[0] == 1 && s[1] == 1, GRADIENT_AT(value), F(strided)(F(name), 4, n, p, s, ctx)) \
  }
#define GRADIENT_AT(value) \
  const T g = pg[i];       \
  (void)a, (void)b;        \
  out[i] = value

#define B(name, value, gradient_a, gradient_b) \
  FORWARD(name, value)                         \
  GRADIENT(name##_a, gradient_a)               \
  GRADIENT(name##_b, gradient_b)
LDB_BINARY_LIST(B)
#undef B

#define R(name, test) RELATION(name, test)
LDB_RELATION_LIST(R)
#undef R

static ldb_inner_fn *const F(forward)[] = {
#define B(name, value, gradient_a, gradient_b) F(name##_forward),
#define R(name, test) F(name##_forward),
    LDB_BINARY_LIST(B) LDB_RELATION_LIST(R)
#undef B
#undef R
};

static ldb_inner_fn *const F(backward)[][2] = {
#define B(name, value, gradient_a, gradient_b) {F(name##_a), F(name##_b)},
    LDB_BINARY_LIST(B)
#undef B
};

#undef MAP
#undef FORWARD
#undef RELATION
#undef GRADIENT
#undef GRADIENT_AT
#undef C
