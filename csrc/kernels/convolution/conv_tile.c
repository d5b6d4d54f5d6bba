#include "kernels/convolution/conv_tile.h"

#include <stddef.h>

#if defined(__x86_64__) && defined(__GNUC__)
#include "base/intrinsics.h"

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

#define UP_TO_6(X, v) X(1, v) X(2, v) X(3, v) X(4, v) X(5, v) X(6, v)
#define UP_TO_2_OF_4(X) X(1, 1) X(2, 1) X(1, 2) X(2, 2) X(1, 3) X(2, 3) X(1, 4) X(2, 4)
#define UP_TO_8(X, v) UP_TO_6(X, v) X(7, v) X(8, v)
#define UP_TO_12(X, v) UP_TO_8(X, v) X(9, v) X(10, v) X(11, v) X(12, v)

/* The sum of a vector, halves first. (The compiler's own for 512 bits warns of what it leaves
   undefined.) */
static inline __attribute__((always_inline, target("avx2"))) float total_256(__m256 x) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_shuffle_ps(s, s, 1)));
}

static inline __attribute__((always_inline, target("avx512f"))) float total_512(__m512 x) {
  const __m512d pairs = _mm512_castps_pd(x);
  const __m256d low = _mm512_maskz_extractf64x4_pd(0xF, pairs, 0);
  const __m256d high = _mm512_maskz_extractf64x4_pd(0xF, pairs, 1);
  return total_256(_mm256_add_ps(_mm256_castpd_ps(low), _mm256_castpd_ps(high)));
}

/* AVX-512: 32 registers of 16 floats */
#define NAME(x) x##_512
#define TARGET __attribute__((target("avx512f")))
#define LANES 16
#define vec __m512
#define mask __mmask16
#define FIRST(n) ((__mmask16)(0xFFFFU >> (16 - (n))))
#define ZERO() _mm512_setzero_ps()
#define LOAD(p) _mm512_loadu_ps(p)
#define LOAD_FIRST(m, p) _mm512_maskz_loadu_ps(m, p)
#define STORE(p, x) _mm512_storeu_ps(p, x)
#define STORE_FIRST(m, p, x) _mm512_mask_storeu_ps(p, m, x)
#define SPREAD(p) _mm512_set1_ps(*(p))
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define ADD(a, b) _mm512_add_ps(a, b)
#define RELU(x) _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NLT_UQ), x)
#define TOTAL(x) total_512(x)
#define FEW_ROWS 4
#define FEW_SIZES(X) \
  UP_TO_2_OF_4(X)    \
  X(3, 1) X(4, 1) X(3, 2) X(4, 2) X(3, 3) X(4, 3) X(3, 4) X(4, 4)
#define SUM_VECTORS 4
#define SUM_ROWS \
  { 0, 8, 8, 8, 6 }
#define OUTER_ROWS 12
#define SUM_SIZES(X) UP_TO_8(X, 1) UP_TO_8(X, 2) UP_TO_8(X, 3) UP_TO_6(X, 4)
#define OUTER_SIZES(X) UP_TO_12(X, 1) UP_TO_12(X, 2)
#include "kernels/convolution/conv_tile_generic.h"
#undef NAME
#undef TARGET
#undef LANES
#undef vec
#undef mask
#undef FIRST
#undef ZERO
#undef LOAD
#undef LOAD_FIRST
#undef STORE
#undef STORE_FIRST
#undef SPREAD
#undef FMA
#undef ADD
#undef RELU
#undef TOTAL
#undef FEW_ROWS
#undef FEW_SIZES
#undef SUM_VECTORS
#undef SUM_ROWS
#undef OUTER_ROWS
#undef SUM_SIZES
#undef OUTER_SIZES

/* AVX2: 16 registers of 8 floats */
static const int32_t first_256[16] = {-1, -1, -1, -1, -1, -1, -1, -1, 0, 0, 0, 0, 0, 0, 0, 0};

#define NAME(x) x##_256
#define TARGET __attribute__((target("avx2,fma")))
#define LANES 8
#define vec __m256
#define mask __m256i
#define FIRST(n) _mm256_loadu_si256((const __m256i *)(const void *)(first_256 + 8 - (n)))
#define ZERO() _mm256_setzero_ps()
#define LOAD(p) _mm256_loadu_ps(p)
#define LOAD_FIRST(m, p) _mm256_maskload_ps(p, m)
#define STORE(p, x) _mm256_storeu_ps(p, x)
#define STORE_FIRST(m, p, x) _mm256_maskstore_ps(p, m, x)
#define SPREAD(p) _mm256_broadcast_ss(p)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define ADD(a, b) _mm256_add_ps(a, b)
#define RELU(x) _mm256_and_ps(_mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_NLT_UQ), x)
#define TOTAL(x) total_256(x)
#define FEW_ROWS 2
#define FEW_SIZES(X) UP_TO_2_OF_4(X)
#define SUM_VECTORS 2
#define SUM_ROWS \
  { 0, 6, 6, 0, 0 }
#define OUTER_ROWS 6
#define SUM_SIZES(X) UP_TO_6(X, 1) UP_TO_6(X, 2)
#define OUTER_SIZES(X) UP_TO_6(X, 1) UP_TO_6(X, 2)
#include "kernels/convolution/conv_tile_generic.h"

const ldb_tiles *ldb_conv_narrow_tiles(void) {
  const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has ? &tiles_256 : NULL;
}

const ldb_tiles *ldb_conv_tiles(void) {
  if (__builtin_cpu_supports("avx512f")) return &tiles_512;
  return ldb_conv_narrow_tiles();
}
#else
const ldb_tiles *ldb_conv_tiles(void) {
  return NULL;
}

const ldb_tiles *ldb_conv_narrow_tiles(void) {
  return NULL;
}
#endif
