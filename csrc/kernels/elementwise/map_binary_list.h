/*
** Functions of two variables: B(name, f, gradient of a, gradient of b), and relations: R(name,
** test).
**   a, b inputs, g gradient of f(a, b); F and C as in map_math_generic.h.
** maximum and minimum hand NaN on, and halve the gradient at ties.
*/
/* clang-format off */
#define LDB_BINARY_LIST(B)                                                                         \
  B(add,     a + b,                    g,                        g)                                \
  B(sub,     a - b,                    g,                        -g)                               \
  B(mul,     a * b,                    g * b,                    g * a)                            \
  B(div,     a / b,                    g / b,                    -(g / b) * (a / b))               \
  B(pow,     F(power)(a, b),           g * F(power_slope)(a, b), g * F(power_slope_b)(a, b))       \
  B(maximum, a >= b || a != a ? a : b, g * F(share)(a, b),       g * F(share)(b, a))               \
  B(minimum, a <= b || a != a ? a : b, g * F(share)(-a, -b),     g * F(share)(-b, -a))             \
  B(prelu,   a < 0 ? b * a : a,        a > 0 ? g : g * b,        a > 0 ? 0 : g * a)

#define LDB_RELATION_LIST(R)                                                                       \
  R(eq, a == b)                                                                                    \
  R(ne, a != b)                                                                                    \
  R(lt, a < b)                                                                                     \
  R(le, a <= b)                                                                                    \
  R(gt, a > b)                                                                                     \
  R(ge, a >= b)
