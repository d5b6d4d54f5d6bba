#include "kernels/product/product_kernel.h"

#include <stddef.h>

#if defined(__x86_64__) && defined(__GNUC__)

#include "base/intrinsics.h"

/* Rows that packing looks ahead. */
enum { AHEAD = 4 };

#define PREFETCH(p) __builtin_prefetch((p), 1)

/* ---- AVX-512: 14 x 32, 28 of 32 registers ---- */
#define TARGET __attribute__((target("avx512f")))
#define NAME(x) x##_avx512
#define V __m512
#define LANES 16
#define MASK __mmask16
#define MASK_OF(n) ((MASK)((1U << ((n) < LANES ? (n) : LANES)) - 1))
#define ZERO() _mm512_setzero_ps()
#define LOAD(p) _mm512_loadu_ps(p)
#define LOAD_MASKED(p, m) _mm512_maskz_loadu_ps(m, p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define STORE_MASKED(p, m, v) _mm512_mask_storeu_ps(p, m, v)
#define BROADCAST(p) _mm512_set1_ps(*(p))
#define ADD(a, b) _mm512_add_ps(a, b)
#define MULTIPLY_ADD(a, b, c) _mm512_fmadd_ps(a, b, c)
#define ROW_COUNTS(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)

/* Pairs, then quadruples within each quarter of the register, then the quarters. */
TARGET static inline __attribute__((always_inline)) void
square_avx512(const float *from, int64_t from_ld, float *to, int64_t to_ld) {
  __m512 r[16], t[16];
#define EACH(X) \
  X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15)
#define GET(i) r[i] = _mm512_loadu_ps(from + i * from_ld);
  EACH(GET)
#define EVEN(X) X(0, 1) X(2, 3) X(4, 5) X(6, 7) X(8, 9) X(10, 11) X(12, 13) X(14, 15)
#define PAIR(i, j)                       \
  t[i] = _mm512_unpacklo_ps(r[i], r[j]); \
  t[j] = _mm512_unpackhi_ps(r[i], r[j]);
  EVEN(PAIR)
#define D(x) _mm512_castps_pd(x)
#define F(x) _mm512_castpd_ps(x)
#define FOUR(i, j, k, l)                          \
  r[i] = F(_mm512_unpacklo_pd(D(t[i]), D(t[k]))); \
  r[j] = F(_mm512_unpackhi_pd(D(t[i]), D(t[k]))); \
  r[k] = F(_mm512_unpacklo_pd(D(t[j]), D(t[l]))); \
  r[l] = F(_mm512_unpackhi_pd(D(t[j]), D(t[l])));
  FOUR(0, 1, 2, 3)
  FOUR(4, 5, 6, 7)
  FOUR(8, 9, 10, 11)
  FOUR(12, 13, 14, 15)
  /* r[4 q + s], quarter h: elements 4 h + s of rows 4 q .. 4 q + 3 */
#define QUARTERS(s)                                                            \
  {                                                                            \
    const __m512 u = _mm512_shuffle_f32x4(r[s], r[4 + s], 0x88);               \
    const __m512 v = _mm512_shuffle_f32x4(r[s], r[4 + s], 0xdd);               \
    const __m512 w = _mm512_shuffle_f32x4(r[8 + s], r[12 + s], 0x88);          \
    const __m512 z = _mm512_shuffle_f32x4(r[8 + s], r[12 + s], 0xdd);          \
    _mm512_storeu_ps(to + (s)*to_ld, _mm512_shuffle_f32x4(u, w, 0x88));        \
    _mm512_storeu_ps(to + (8 + s) * to_ld, _mm512_shuffle_f32x4(u, w, 0xdd));  \
    _mm512_storeu_ps(to + (4 + s) * to_ld, _mm512_shuffle_f32x4(v, z, 0x88));  \
    _mm512_storeu_ps(to + (12 + s) * to_ld, _mm512_shuffle_f32x4(v, z, 0xdd)); \
  }
  QUARTERS(0)
  QUARTERS(1)
  QUARTERS(2)
  QUARTERS(3)
#undef EACH
#undef GET
#undef EVEN
#undef PAIR
#undef D
#undef F
#undef FOUR
#undef QUARTERS
}

#include "kernels/product/product_kernel_generic.h"

#undef TARGET
#undef NAME
#undef V
#undef LANES
#undef MASK
#undef MASK_OF
#undef ZERO
#undef LOAD
#undef LOAD_MASKED
#undef STORE
#undef STORE_MASKED
#undef BROADCAST
#undef ADD
#undef MULTIPLY_ADD
#undef ROW_COUNTS

/* ---- AVX2 with FMA: 6 x 16, 12 of 16 registers ---- */
#define TARGET __attribute__((target("avx2,fma")))
#define NAME(x) x##_avx2
#define V __m256
#define LANES 8
#define MASK __m256i
#define MASK_OF(n) mask_avx2(n)
#define ZERO() _mm256_setzero_ps()
#define LOAD(p) _mm256_loadu_ps(p)
#define LOAD_MASKED(p, m) _mm256_maskload_ps(p, m)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define STORE_MASKED(p, m, v) _mm256_maskstore_ps(p, m, v)
#define BROADCAST(p) _mm256_broadcast_ss(p)
#define ADD(a, b) _mm256_add_ps(a, b)
#define MULTIPLY_ADD(a, b, c) _mm256_fmadd_ps(a, b, c)
#define ROW_COUNTS(X) X(1) X(2) X(3) X(4) X(5) X(6)

TARGET static inline __attribute__((always_inline)) __m256i mask_avx2(int64_t n) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(n < 8 ? n : 8)),
                            _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

TARGET static inline __attribute__((always_inline)) void
square_avx2(const float *from, int64_t from_ld, float *to, int64_t to_ld) {
  __m256 r[8], t[8];
#define GET(i) r[i] = _mm256_loadu_ps(from + i * from_ld);
  GET(0)
  GET(1)
  GET(2)
  GET(3)
  GET(4)
  GET(5)
  GET(6)
  GET(7)
#define PAIR(i, j)                       \
  t[i] = _mm256_unpacklo_ps(r[i], r[j]); \
  t[j] = _mm256_unpackhi_ps(r[i], r[j]);
  PAIR(0, 1)
  PAIR(2, 3)
  PAIR(4, 5)
  PAIR(6, 7)
#define FOUR(i, j, k, l)                      \
  r[i] = _mm256_shuffle_ps(t[i], t[k], 0x44); \
  r[j] = _mm256_shuffle_ps(t[i], t[k], 0xee); \
  r[k] = _mm256_shuffle_ps(t[j], t[l], 0x44); \
  r[l] = _mm256_shuffle_ps(t[j], t[l], 0xee);
  FOUR(0, 1, 2, 3)
  FOUR(4, 5, 6, 7)
#define HALVES(s)                                                                 \
  _mm256_storeu_ps(to + (s)*to_ld, _mm256_permute2f128_ps(r[s], r[4 + s], 0x20)); \
  _mm256_storeu_ps(to + (4 + s) * to_ld, _mm256_permute2f128_ps(r[s], r[4 + s], 0x31));
  HALVES(0)
  HALVES(1)
  HALVES(2)
  HALVES(3)
#undef GET
#undef PAIR
#undef FOUR
#undef HALVES
}

#include "kernels/product/product_kernel_generic.h"

static const ldb_micro avx512 = {14,         16, whole_avx512, masked_avx512, transpose_avx512,
                                 deal_avx512};
static const ldb_micro avx2 = {6, 8, whole_avx2, masked_avx2, transpose_avx2, deal_avx2};

const ldb_micro *ldb_micro_best(void) {
  if (__builtin_cpu_supports("avx512f")) return &avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return &avx2;
  return NULL;
}

#else

const ldb_micro *ldb_micro_best(void) {
  return NULL;
}

#endif
