/*
** Scalar functions of an element type, made by including this file with
**   T      the type,
**   F(fn)  the name fn with the type's suffix,
**   M(fn)  libm's fn for the type.
*/
#define C(v) ((T)(v))

/* -1, 0, 1 or NaN. */
LDB_INLINE T F(sign)(T x) {
  return x > 0 ? 1 : x < 0 ? -1 : x;
}

/* 1 / (1 + e^-x); e^-|x| cannot overflow, and e^x / (1 + e^x) keeps the smallest values. */
LDB_INLINE T F(sigmoid)(T x) {
  T e = F(ldb_exp)(-M(fabs)(x));
  return (x < 0 ? e : 1) / (1 + e);
}

/* ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|) */
LDB_INLINE T F(softplus)(T x) {
  return (x < 0 ? 0 : x) + F(ldb_log1p_unit)(F(ldb_exp)(-M(fabs)(x)));
}

/* scale * (x > 0 ? x : alpha (e^x - 1)) */
LDB_INLINE T F(selu)(T x) {
  return x > 0 ? C(LDB_SELU_SCALE) * x : C(LDB_SELU_SCALE * LDB_SELU_ALPHA) * F(ldb_expm1)(x);
}

/* Of y = selu(x): scale, or y + scale alpha where y <= 0. */
LDB_INLINE T F(selu_slope)(T y) {
  return y > 0 ? C(LDB_SELU_SCALE) : y + C(LDB_SELU_SCALE * LDB_SELU_ALPHA);
}

/* 2 / sqrt(pi) e^(-x^2) */
LDB_INLINE T F(erf_slope)(T x) {
  return C(LDB_2_SQRTPI) * F(ldb_exp)(-x * x);
}

LDB_INLINE T F(gelu)(T x) {
  T bell;
  return x * F(ldb_normal)(x, &bell);
}

/* Phi(x) + x phi(x) */
LDB_INLINE T F(gelu_slope)(T x) {
  T bell, cdf = F(ldb_normal)(x, &bell);
  return cdf + x * (C(LDB_1_SQRT2PI) * bell);
}

/* x (1 + tanh u) / 2 = x sigmoid(2u), u = sqrt(2/pi) (x + 0.044715 x^3) */
LDB_INLINE T F(gelu_tanh)(T x) {
  return x * F(sigmoid)(C(2 * LDB_SQRT_2_PI) * (x + C(0.044715) * x * x * x));
}

/* Beyond 30 the slope is 0 or 1, and x^2 must not overflow into 0 * infinity. */
LDB_INLINE T F(gelu_tanh_slope)(T x) {
  T c = x < -30 ? -30 : x > 30 ? 30 : x;
  T s = F(sigmoid)(C(2 * LDB_SQRT_2_PI) * (c + C(0.044715) * c * c * c));
  return s + c * s * (1 - s) * C(2 * LDB_SQRT_2_PI) * (1 + C(3 * 0.044715) * c * c);
}

/* s + x s (1 - s), s = sigmoid(x) */
LDB_INLINE T F(silu_slope)(T x) {
  T s = F(sigmoid)(x);
  return s + x * s * (1 - s);
}

/* tanh(ln(1 + e^x)) = n / (n + 2) with n = e (e + 2), e = e^x; 1 to the last digit beyond 20. */
LDB_INLINE T F(tanh_softplus)(T x, T e) {
  T n = e * (e + 2);
  return x > 20 ? 1 : n / (n + 2);
}

LDB_INLINE T F(mish)(T x) {
  return x * F(tanh_softplus)(x, F(ldb_exp)(x > 20 ? 20 : x));
}

/* t + x sigmoid(x) (1 - t^2), t = tanh(softplus(x)) */
LDB_INLINE T F(mish_slope)(T x) {
  T e = F(ldb_exp)(x > 20 ? 20 : x), t = F(tanh_softplus)(x, e);
  return t + x * (e / (1 + e)) * (1 - t * t);
}

LDB_INLINE T F(softsign)(T x) {
  return x / (1 + M(fabs)(x));
}

/* 1 / (1 + |x|)^2 */
LDB_INLINE T F(softsign_slope)(T x) {
  T d = 1 / (1 + M(fabs)(x));
  return d * d;
}

/* min(max(x + 3, 0), 6) / 6 */
LDB_INLINE T F(hard_sigmoid)(T x) {
  T t = x + 3;
  return (t < 0 ? 0 : t > 6 ? 6 : t) / 6;
}

/* 0 below -3, 1 above 3, (2x + 3) / 6 between */
LDB_INLINE T F(hard_silu_slope)(T x) {
  return x <= -3 ? 0 : x >= 3 ? 1 : (2 * x + 3) / 6;
}

/* a^b; squares, the common case, need no libm. */
LDB_INLINE T F(power)(T a, T b) {
  return b == 2 ? a * a : b == 1 ? a : M(pow)(a, b);
}

/* d a^b / da; a constant has slope 0 even at a = 0. */
LDB_INLINE T F(power_slope)(T a, T b) {
  return b == 0 ? 0 : b * F(power)(a, b - 1);
}

/* d a^b / db = a^b ln a, and 0 at a = 0 where the curve is flat. */
LDB_INLINE T F(power_slope_b)(T a, T b) {
  return a == 0 && b >= 0 ? 0 : F(power)(a, b) * M(log)(a);
}

/* Share of the gradient of max(a, b) that a gets: ties are halved, NaN wins as in the forward
   pass. */
LDB_INLINE T F(share)(T a, T b) {
  return a > b || a != a ? 1 : a == b ? C(0.5) : 0;
}
