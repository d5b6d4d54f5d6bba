#include "base/rng_words.h"

/*
** A round multiplies 32 bits by 32 to 64, which compilers do not turn into the one instruction that
** does it; hence intrinsics. A lane of 64 bits holds one number of one block in its low half. What
** gathers in the high half is never read: the multiplication looks at the low half only, and the
** rest of a round mixes bits with those at the same place.
*/
#if defined(__x86_64__) && defined(__GNUC__)
#include "base/intrinsics.h"

/* CHAINS registers at a time: independent chains hide the latency of the multiplication. The vector
   type V has WIDTH lanes. Lanes 2j and 2j + 1 are blocks j and j + WIDTH / 2, so that
   unpacking pairs of words of two lanes leaves whole blocks in order. */
#define WORDS(name, CHAINS, feature, V, WIDTH, SET, SET1, ADD, MUL, SRL, SLL, XOR3, ODD,           \
              UNPACK_LOW, UNPACK_HIGH, STORE)                                                      \
  static __attribute__((target(feature))) int64_t name(const ldb_rng *r, uint64_t first,           \
                                                       int64_t blocks, uint32_t *word) {           \
    const V order = SET, m0 = SET1((long long)LDB_PHILOX_M0), m1 = SET1((long long)LDB_PHILOX_M1); \
    const V step = SET1(WIDTH), s0 = SET1((long long)(r->stream & 0xFFFFFFFFU)),                   \
            s1 = SET1((long long)(r->stream >> 32));                                               \
    int64_t at = 0;                                                                                \
    for (; at + CHAINS * WIDTH <= blocks; at += CHAINS * WIDTH) {                                  \
      V c0[CHAINS], c1[CHAINS], c2[CHAINS], c3[CHAINS];                                            \
      uint32_t k0 = (uint32_t)r->seed, k1 = (uint32_t)(r->seed >> 32);                             \
      V number = ADD(SET1((long long)(first + (uint64_t)at)), order);                              \
      for (int i = 0; i < CHAINS; i++) {                                                           \
        c0[i] = number;                                                                            \
        c1[i] = SRL(number, 32);                                                                   \
        c2[i] = s0;                                                                                \
        c3[i] = s1;                                                                                \
        number = ADD(number, step);                                                                \
      }                                                                                            \
      for (int round = 0; round < LDB_PHILOX_ROUNDS; round++) {                                    \
        const V key0 = SET1((long long)k0), key1 = SET1((long long)k1);                            \
        for (int i = 0; i < CHAINS; i++) {                                                         \
          const V p0 = MUL(c0[i], m0), p1 = MUL(c2[i], m1);                                        \
          c0[i] = XOR3(SRL(p1, 32), c1[i], key0);                                                  \
          c1[i] = p1;                                                                              \
          c2[i] = XOR3(SRL(p0, 32), c3[i], key1);                                                  \
          c3[i] = p0;                                                                              \
        }                                                                                          \
        k0 += LDB_PHILOX_W0;                                                                       \
        k1 += LDB_PHILOX_W1;                                                                       \
      }                                                                                            \
      for (int i = 0; i < CHAINS; i++) {                                                           \
        const V low = ODD(c0[i], SLL(c1[i], 32)), high = ODD(c2[i], SLL(c3[i], 32));               \
        uint32_t *to = word + 4 * (at + i * WIDTH);                                                \
        STORE((void *)to, UNPACK_LOW(low, high));                                                  \
        STORE((void *)(to + 2 * WIDTH), UNPACK_HIGH(low, high));                                   \
      }                                                                                            \
    }                                                                                              \
    return at;                                                                                     \
  }

#define XOR3_512(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define XOR3_256(a, b, c) _mm256_xor_si256(_mm256_xor_si256(a, b), c)
/* even 32-bit halves of a, odd ones of b */
#define ODD_512(a, b) _mm512_mask_blend_epi32(0xAAAA, a, b)
#define ODD_256(a, b) _mm256_blend_epi32(a, b, 0xAA)

#define WORDS_512(name, CHAINS)                                                             \
  WORDS(name, CHAINS, "avx512f", __m512i, 8, _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7),     \
        _mm512_set1_epi64, _mm512_add_epi64, _mm512_mul_epu32, _mm512_srli_epi64,           \
        _mm512_slli_epi64, XOR3_512, ODD_512, _mm512_unpacklo_epi64, _mm512_unpackhi_epi64, \
        _mm512_storeu_si512)
#define WORDS_256(name, CHAINS)                                                               \
  WORDS(name, CHAINS, "avx2", __m256i, 4, _mm256_setr_epi64x(0, 2, 1, 3), _mm256_set1_epi64x, \
        _mm256_add_epi64, _mm256_mul_epu32, _mm256_srli_epi64, _mm256_slli_epi64, XOR3_256,   \
        ODD_256, _mm256_unpacklo_epi64, _mm256_unpackhi_epi64, _mm256_storeu_si256)
WORDS_512(four_512, 4)
WORDS_512(one_512, 1)
WORDS_256(four_256, 4)
WORDS_256(one_256, 1)

/* Makes as many blocks as fill registers; returns how many. */
static int64_t words_side_by_side(const ldb_rng *r, uint64_t first, int64_t blocks,
                                  uint32_t *word) {
  int64_t done = 0;
  if (__builtin_cpu_supports("avx512f")) {
    done = four_512(r, first, blocks, word);
    done += one_512(r, first + (uint64_t)done, blocks - done, word + 4 * done);
  } else if (__builtin_cpu_supports("avx2")) {
    done = four_256(r, first, blocks, word);
    done += one_256(r, first + (uint64_t)done, blocks - done, word + 4 * done);
  }
  return done;
}
#else
static int64_t words_side_by_side(const ldb_rng *r, uint64_t first, int64_t blocks,
                                  uint32_t *word) {
  (void)r;
  (void)first;
  (void)blocks;
  (void)word;
  return 0;
}
#endif

void ldb_rng_words(const ldb_rng *r, uint64_t first, int64_t blocks, uint32_t *word) {
  for (int64_t b = words_side_by_side(r, first, blocks, word); b < blocks; b++)
    ldb_rng_block(r, first + (uint64_t)b, word + 4 * b);
}
