/*
** exp, expm1, log, log1p, tanh, erf, ln(1 + e) and the normal distribution for both float types,
** named fn_f32 and fn_f64.
**
** For float they are straight-line code, so that a loop over them becomes vector code (libm's are
** calls): no table, no branch, no FMA, the same bits from every compiler and CPU. Measured over
** samples of all floats they stay within exp 1.0, expm1 1.6, log 1.0, log1p 1.0, tanh 1.4, erf 2.6,
** ln(1 + e) 2.5, Phi 8 units in the last place. NaN gives NaN, overflow infinity, a denormal e^x is
** rounded once. For double they are libm's.
*/
#ifndef LDB_MATH_INLINE_H
#define LDB_MATH_INLINE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/clones.h"

#define LDB_LOG2E_F32 1.44269504f
/* ln 2 = HI + LO; n * HI is exact for |n| < 2^9 */
#define LDB_LN2_HI_F32 0.693359375f
#define LDB_LN2_LO_F32 -2.12194440e-4f
/* x + ROUND has the whole number nearest to x in its low bits, |x| < 2^22 */
#define LDB_ROUND_F32 12582912.0f

LDB_INLINE uint32_t ldb_bits_f32(float x) {
  uint32_t u;
  memcpy(&u, &x, sizeof u);
  return u;
}

LDB_INLINE float ldb_from_bits_f32(uint32_t u) {
  float x;
  memcpy(&x, &u, sizeof x);
  return x;
}

/* 2^n, -126 <= n <= 127 */
LDB_INLINE float ldb_pow2_f32(int32_t n) {
  return ldb_from_bits_f32((uint32_t)(n + 127) << 23);
}

/* x = n ln 2 + r, |r| <= ln 2 / 2; returns r. */
LDB_INLINE float ldb_reduce_f32(float x, int32_t *n) {
  float t = x * LDB_LOG2E_F32 + LDB_ROUND_F32, k = t - LDB_ROUND_F32;
  *n = (int32_t)(ldb_bits_f32(t) - ldb_bits_f32(LDB_ROUND_F32));
  return x - k * LDB_LN2_HI_F32 - k * LDB_LN2_LO_F32;
}

/* (e^r - 1 - r) / r^2, |r| <= ln 2 / 2 (Moshier, Cephes, expf) */
LDB_INLINE float ldb_exp_tail_f32(float r) {
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  return p * r + 5.0000001201e-1f;
}

/* e^(x + more), |more| small beside 1: digits of the exponent that x could not hold. */
LDB_INLINE float ldb_exp_sum_f32(float x, float more) {
  int32_t n;
  float r = ldb_reduce_f32(x < -104 ? -104 : x > 89 ? 89 : x, &n) + more;
  float e = ldb_exp_tail_f32(r) * (r * r) + r + 1;
  int32_t half = n >> 1; /* two factors, since 2^n alone may be out of range */
  return e * ldb_pow2_f32(half) * ldb_pow2_f32(n - half);
}

LDB_INLINE float ldb_exp_f32(float x) {
  return ldb_exp_sum_f32(x, 0);
}

/* e^x - 1 = 2 (2^(n-1) (e^r - 1) + 2^(n-1) - 1/2) */
LDB_INLINE float ldb_expm1_f32(float x) {
  int32_t n;
  float r = ldb_reduce_f32(x < -20 ? -20 : x > 89 ? 89 : x, &n);
  float m = ldb_exp_tail_f32(r) * (r * r) + r, s = ldb_pow2_f32(n - 1);
  float y = 2 * (s * m + (s - 0.5f));
  return n == 0 ? m : y;
}

/* Below 0.625 an odd polynomial (Cephes, tanhf), above 1 - 2 / (e^2|x| + 1). */
LDB_INLINE float ldb_tanh_f32(float x) {
  float a = fabsf(x), z = x * x;
  float p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  float small = p * z * a + a, large = 1 - 2 / (ldb_exp_f32(2 * a) + 1);
  return copysignf(a < 0.625f ? small : large, x);
}

/* ln(1 + e) = 2 artanh(s), s = e / (2 + e), 0 <= e <= 1, as 2 s + s^3 Q(s^2); Q is a minimax fit,
   off by 5e-9 of the whole. */
LDB_INLINE float ldb_log1p_unit_f32(float e) {
  float s = e / (2 + e), z = s * s;
  float q = 2.80244726e-1f;
  q = q * z + 2.79991377e-1f;
  q = q * z + 4.00216993e-1f;
  q = q * z + 6.66664131e-1f;
  return s * z * q + 2 * s;
}

/* ln x + more, `more` small beside 1. x = 2^k m, m in 0.7..1.42, ln m by a polynomial (Cephes,
   logf); a denormal x is taken 2^23 times. */
LDB_INLINE float ldb_log_sum_f32(float x, float more) {
  const int tiny = x < 1.17549435e-38f;
  const uint32_t u = ldb_bits_f32(tiny ? x * 8388608.0f : x) + (0x3F800000U - 0x3F3504F3U);
  const float k = (float)((int32_t)(u >> 23) - (tiny ? 150 : 127));
  const float f = ldb_from_bits_f32((u & 0x007FFFFFU) + 0x3F3504F3U) - 1, z = f * f;
  float p = 7.0376836292e-2f;
  p = p * f - 1.1514610310e-1f;
  p = p * f + 1.1676998740e-1f;
  p = p * f - 1.2420140846e-1f;
  p = p * f + 1.4249322787e-1f;
  p = p * f - 1.6668057665e-1f;
  p = p * f + 2.0000714765e-1f;
  p = p * f - 2.4999993993e-1f;
  p = p * f + 3.3333331174e-1f;
  const float tail = p * f * z + k * LDB_LN2_LO_F32 - 0.5f * z;
  const float y = f + (tail + more) + k * LDB_LN2_HI_F32;
  const float least = x < 0 ? NAN : -INFINITY, most = x < INFINITY ? y : x; /* NaN is x */
  return x <= 0 ? least : most;
}

LDB_INLINE float ldb_log_f32(float x) {
  return ldb_log_sum_f32(x, 0);
}

/* With u = 1 + x rounded: what rounding took from x is put back to first order. */
LDB_INLINE float ldb_log1p_f32(float x) {
  const float u = 1 + x, lost = (x - (u - 1)) / u;
  const float y = ldb_log_sum_f32(u, u > 0 && u < INFINITY ? lost : 0);
  return x == 0 ? x : y;
}

/* Below 0.9 x R(x^2), above 1 - e^(-x^2) t P(t) with t = 1 / (1 + |x|/2); both are minimax fits. */
LDB_INLINE float ldb_erf_f32(float x) {
  const float a = fabsf(x) > 10 ? 10 : fabsf(x), t = 1 / (1 + 0.5f * a), z = x * x;
  float p = 9.30690876e-2f;
  p = p * t - 2.26112681e-1f;
  p = p * t + 8.36276860e-2f;
  p = p * t + 5.93431596e-2f;
  p = p * t + 1.79750224e-1f;
  p = p * t + 2.46678060e-1f;
  p = p * t + 2.82081204e-1f;
  p = p * t + 2.82096043e-1f;
  float r = -6.09035548e-4f;
  r = r * z + 5.01196190e-3f;
  r = r * z - 2.67789083e-2f;
  r = r * z + 1.12821408e-1f;
  r = r * z - 3.76125233e-1f;
  r = r * z + 1.12837915f;
  const float far = 1 - ldb_exp_f32(-a * a) * (t * p);
  return a < 0.9f ? x * r : copysignf(far, x);
}

/* Phi(x), the normal distribution function, and *bell = e^(-x^2/2). With z = |x| / sqrt(2) and
   t = 1 / (1 + z/2), erfc(z) = e^(-z^2) t P(t); P is a minimax fit, off by 2e-8. x^2 is
   taken in two parts, h^2 exact, since e^(-x^2/2) magnifies its rounding x^2/2 times. */
LDB_INLINE float ldb_normal_f32(float x, float *bell) {
  float a = fabsf(x) > 20 ? 20 : fabsf(x), t = 1 / (1 + 0.353553391f * a);
  float h = ldb_from_bits_f32(ldb_bits_f32(a) & 0xFFFFF000U);
  float p = -4.91091289e-2f;
  p = p * t + 2.51156486e-1f;
  p = p * t - 4.40854269e-1f;
  p = p * t + 2.43787311e-1f;
  p = p * t - 1.21027472e-2f;
  p = p * t + 1.99191261e-1f;
  p = p * t + 2.43538808e-1f;
  p = p * t + 2.82355395e-1f;
  p = p * t + 2.82086142e-1f;
  *bell = ldb_exp_sum_f32(-0.5f * h * h, -0.5f * (a - h) * (a + h));
  float c = 1.01404445e-4f, z = x * x; /* the middle: 1/2 + x R(x^2) */
  c = c * z - 1.17967567e-3f;
  c = c * z + 9.97183289e-3f;
  c = c * z - 6.64902435e-2f;
  c = c * z + 3.98942279e-1f;
  float tail = 0.5f * *bell * (t * p), far = x > 0 ? 1 - tail : tail;
  return a < 0.8f ? 0.5f + x * c : far;
}

LDB_INLINE double ldb_exp_f64(double x) {
  return exp(x);
}

LDB_INLINE double ldb_expm1_f64(double x) {
  return expm1(x);
}

LDB_INLINE double ldb_tanh_f64(double x) {
  return tanh(x);
}

LDB_INLINE double ldb_log_f64(double x) {
  return log(x);
}

LDB_INLINE double ldb_log1p_f64(double x) {
  return log1p(x);
}

LDB_INLINE double ldb_erf_f64(double x) {
  return erf(x);
}

LDB_INLINE double ldb_log1p_unit_f64(double e) {
  return log1p(e);
}

/* erfc keeps its digits for negative x, where 1 + erf cancels. */
LDB_INLINE double ldb_normal_f64(double x, double *bell) {
  *bell = exp(-0.5 * x * x);
  return 0.5 * erfc(-x * 0.70710678118654752440);
}

#endif
