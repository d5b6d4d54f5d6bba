/*
** Inner loops of the functions in map_unary_list.h for element type T (see map_math_generic.h).
**   forward  operands y, x
**   backward operands gx, g and, as the list says, x or y
** ctx points to the parameters p0, p1 (doubles).
*/
#include "kernels/map_math_generic.h"

#define LOAD_NONE(i)
#define LOAD_IN(i) const T x = in[i];
#define LOAD_OUT(i) const T y = in[i];
#define LAST_NONE 1
#define LAST_IN 2
#define LAST_OUT 2

#define PARAMETERS                                                            \
  const T p0 = C(((const double *)ctx)[0]), p1 = C(((const double *)ctx)[1]); \
  (void)p0, (void)p1

#define U(name, keep, value, gradient)                                                     \
  static void F(name##_forward)(int64_t n, char *const *p, const int64_t *s, void *ctx) {  \
    T *out = (void *)p[0];                                                                 \
    const T *in = (const void *)p[1];                                                      \
    const int64_t so = s[0], si = s[1];                                                    \
    PARAMETERS;                                                                            \
    if (so == 1 && si == 1) {                                                              \
      for (int64_t i = 0; i < n; i++) {                                                    \
        const T x = in[i];                                                                 \
        out[i] = value;                                                                    \
      }                                                                                    \
    } else {                                                                               \
      for (int64_t i = 0; i < n; i++) {                                                    \
        const T x = in[i * si];                                                            \
        out[i * so] = value;                                                               \
      }                                                                                    \
    }                                                                                      \
  }                                                                                        \
  static void F(name##_backward)(int64_t n, char *const *p, const int64_t *s, void *ctx) { \
    T *out = (void *)p[0];                                                                 \
    const T *grad = (const void *)p[1], *in = (const void *)p[LAST_##keep];                \
    const int64_t so = s[0], sg = s[1], si = s[LAST_##keep];                               \
    PARAMETERS;                                                                            \
    (void)in;                                                                              \
    if (so == 1 && sg == 1 && si == 1) {                                                   \
      for (int64_t i = 0; i < n; i++) {                                                    \
        const T g = grad[i];                                                               \
        LOAD_##keep(i) out[i] = gradient;                                                  \
      }                                                                                    \
    } else {                                                                               \
      for (int64_t i = 0; i < n; i++) {                                                    \
        const T g = grad[i * sg];                                                          \
        LOAD_##keep(i *si) out[i * so] = gradient;                                         \
      }                                                                                    \
    }                                                                                      \
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
