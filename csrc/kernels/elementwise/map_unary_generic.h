/*
** Inner loops of the functions in map_unary_list.h for element type T (see map_math_generic.h).
**   forward  operands y, x
**   backward operands gx, g and, as the list says, x or y
** ctx points to the parameters p0, p1 (doubles).
*/
#include "kernels/elementwise/map_math_generic.h"
#include "kernels/elementwise/map_strided_generic.h"

#define LOAD_NONE(i)
#define LOAD_IN(i) const T x = in[i];
#define LOAD_OUT(i) const T y = in[i];
#define LAST_NONE 1
#define LAST_IN 2
#define LAST_OUT 2

#define PARAMETERS                                                            \
  const T p0 = C(((const double *)ctx)[0]), p1 = C(((const double *)ctx)[1]); \
  (void)p0, (void)p1

#define U(name, keep, value, gradient)                                                            \
  CLONES static void F(name##_forward)(int64_t n, char *const *p, const int64_t *s, void *ctx) {  \
    T *out = (void *)p[0];                                                                        \
    const T *in = (const void *)p[1];                                                             \
    PARAMETERS;                                                                                   \
    if (s[0] != 1 || s[1] != 1) {                                                                 \
      F(strided)(F(name##_forward), 2, n, p, s, ctx);                                             \
      return;                                                                                     \
    }                                                                                             \
    for (int64_t i = 0; i < n; i++) {                                                             \
      const T x = in[i];                                                                          \
      out[i] = value;                                                                             \
    }                                                                                             \
  }                                                                                               \
  CLONES static void F(name##_backward)(int64_t n, char *const *p, const int64_t *s, void *ctx) { \
    T *out = (void *)p[0];                                                                        \
    const T *grad = (const void *)p[1], *in = (const void *)p[LAST_##keep];                       \
    PARAMETERS;                                                                                   \
    (void)in;                                                                                     \
    if (s[0] != 1 || s[1] != 1 || s[LAST_##keep] != 1) {                                          \
      F(strided)(F(name##_backward), 1 + LAST_##keep, n, p, s, ctx);                              \
      return;                                                                                     \
    }                                                                                             \
    for (int64_t i = 0; i < n; i++) {                                                             \
      const T g = grad[i];                                                                        \
      LOAD_##keep(i) out[i] = gradient;                                                           \
    }                                                                                             \
  }
LDB_UNARY_LIST(U)
#undef U

static ldb_inner_fn *const F(forward)[] = {
#define U(name, keep, value, gradient) F(name##_forward),
    LDB_UNARY_LIST(U)
#undef U
};

static ldb_inner_fn *const F(backward)[] = {
#define U(name, keep, value, gradient) F(name##_backward),
    LDB_UNARY_LIST(U)
#undef U
};

#undef LOAD_NONE
#undef LOAD_IN
#undef LOAD_OUT
#undef LAST_NONE
#undef LAST_IN
#undef LAST_OUT
#undef PARAMETERS
#undef C
