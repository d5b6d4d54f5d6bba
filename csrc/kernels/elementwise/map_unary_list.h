/*
** Functions of one variable: U(name, what the derivative reads, f, gradient).
**   x input, y = f(x), g gradient of y; p0, p1 parameters; C(v) the constant v, M(fn) libm's fn for
**   the element type, F(fn) a function of map_math_generic.h.
** IN: the gradient reads x; OUT: it reads y, which the next op keeps anyway; NONE: neither.
** Comparisons are written so that NaN goes through f, and its gradient is not silently 0.
*/
/* clang-format off */
#define LDB_UNARY_LIST(U)                                                                          \
  U(neg,          NONE, -x,                                    -g)                                 \
  U(exp,          OUT,  F(ldb_exp)(x),                         g * y)                              \
  U(log,          IN,   F(ldb_log)(x),                         g / x)                              \
  U(log1p,        IN,   F(ldb_log1p)(x),                       g / (1 + x))                        \
  U(expm1,        OUT,  F(ldb_expm1)(x),                       g * (y + 1))                        \
  U(sqrt,         OUT,  M(sqrt)(x),                            g / (2 * y))                        \
  U(square,       IN,   x * x,                                 2 * x * g)                          \
  U(abs,          IN,   M(fabs)(x),                            g * F(sign)(x))                     \
  U(sign,         NONE, F(sign)(x),                            0 * g)                              \
  U(sin,          IN,   M(sin)(x),                             g * M(cos)(x))                      \
  U(cos,          IN,   M(cos)(x),                             -g * M(sin)(x))                     \
  U(tan,          OUT,  M(tan)(x),                             g * (1 + y * y))                    \
  U(reciprocal,   OUT,  1 / x,                                 -g * y * y)                         \
  U(floor,        NONE, M(floor)(x),                           0 * g)                              \
  U(erf,          IN,   F(ldb_erf)(x),                         g * F(erf_slope)(x))                \
  U(clip,         IN,   x < p0 ? p0 : x > p1 ? p1 : x,         x < p0 || x > p1 ? 0 : g)           \
  U(linear,       NONE, x,                                     g)                                  \
  U(relu,         OUT,  x < 0 ? 0 : x,                         y <= 0 ? 0 : g)                     \
  U(leaky_relu,   OUT,  x < 0 ? p0 * x : x,                    y > 0 ? g : p0 * g)                 \
  U(elu,          OUT,  x > 0 ? x : p0 * F(ldb_expm1)(x),      y > 0 ? g : g * (y + p0))           \
  U(celu,         OUT,  x > 0 ? x : p0 * F(ldb_expm1)(x / p0), y > 0 ? g : g * (y / p0 + 1))       \
  U(selu,         OUT,  F(selu)(x),                            g * F(selu_slope)(y))               \
  U(gelu,         IN,   F(gelu)(x),                            g * F(gelu_slope)(x))               \
  U(gelu_tanh,    IN,   F(gelu_tanh)(x),                       g * F(gelu_tanh_slope)(x))          \
  U(silu,         IN,   x * F(sigmoid)(x),                     g * F(silu_slope)(x))               \
  U(mish,         IN,   F(mish)(x),                            g * F(mish_slope)(x))               \
  U(softplus,     OUT,  F(softplus)(x),                        -g * F(ldb_expm1)(-y))              \
  U(softsign,     IN,   F(softsign)(x),                        g * F(softsign_slope)(x))           \
  U(tanh,         OUT,  F(ldb_tanh)(x),                        g * (1 - y * y))                    \
  U(sigmoid,      OUT,  F(sigmoid)(x),                         g * (y * (1 - y)))                  \
  U(hard_sigmoid, OUT,  F(hard_sigmoid)(x),                    y <= 0 || y >= 1 ? 0 : g / 6)       \
  U(hard_silu,    IN,   x * F(hard_sigmoid)(x),                g * F(hard_silu_slope)(x))          \
  U(relu6,        OUT,  x < 0 ? 0 : x > 6 ? 6 : x,             y <= 0 || y >= 6 ? 0 : g)           \
  U(log_sigmoid,  OUT,  -F(softplus)(-x),                      -g * F(ldb_expm1)(y))
