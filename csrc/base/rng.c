#include "base/rng.h"

void ldb_rng_block(const ldb_rng *r, uint64_t i, uint32_t out[4]) {
  uint32_t c0 = (uint32_t)i, c1 = (uint32_t)(i >> 32);
  uint32_t c2 = (uint32_t)r->stream, c3 = (uint32_t)(r->stream >> 32);
  uint32_t k0 = (uint32_t)r->seed, k1 = (uint32_t)(r->seed >> 32);
  for (int round = 0; round < LDB_PHILOX_ROUNDS; round++) {
    const uint64_t p0 = (uint64_t)LDB_PHILOX_M0 * c0, p1 = (uint64_t)LDB_PHILOX_M1 * c2;
    c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
    c1 = (uint32_t)p1;
    c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
    c3 = (uint32_t)p0;
    k0 += LDB_PHILOX_W0;
    k1 += LDB_PHILOX_W1;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

uint32_t ldb_rng_u32(const ldb_rng *r, uint64_t i) {
  uint32_t words[4];
  ldb_rng_block(r, i / 4, words);
  return words[i % 4];
}

/* Words 2i (high) and 2i+1 (low) of the stream; both lie in one block. */
static uint64_t word_pair(const ldb_rng *r, uint64_t i) {
  uint32_t words[4];
  ldb_rng_block(r, i / 2, words);
  const unsigned at = (unsigned)(i % 2) * 2;
  return ((uint64_t)words[at] << 32) | words[at + 1];
}

double ldb_rng_uniform(const ldb_rng *r, uint64_t i) {
  return (double)(word_pair(r, i) >> 11) * 0x1p-53;
}

uint64_t ldb_rng_below(const ldb_rng *r, uint64_t i, uint64_t n) {
  /* high 64 bits of the 128-bit product, by 32-bit halves */
  const uint64_t x = word_pair(r, i);
  const uint64_t xl = x & 0xFFFFFFFFu, xh = x >> 32, nl = n & 0xFFFFFFFFu, nh = n >> 32;
  const uint64_t mid = xh * nl + ((xl * nl) >> 32);
  const uint64_t low = xl * nh + (mid & 0xFFFFFFFFu);
  return xh * nh + (mid >> 32) + (low >> 32);
}

/* Finaliser of splitmix64 (Steele, Lea, Flood 2014): a bijection that mixes all bits. */
static uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

uint64_t ldb_rng_purpose(const char *purpose) {
  uint64_t h = 0xCBF29CE484222325u; /* FNV-1a, 64 bits */
  for (const char *p = purpose; *p != '\0'; p++)
    h = (h ^ (uint64_t)(unsigned char)*p) * 0x100000001B3u;
  return mix(h + 0x9E3779B97F4A7C15u);
}

uint64_t ldb_rng_substream(uint64_t purpose, uint64_t a, uint64_t b) {
  return mix(mix(purpose + a + 0x9E3779B97F4A7C15u) + b + 0x9E3779B97F4A7C15u);
}

uint64_t ldb_rng_stream(const char *purpose, uint64_t a, uint64_t b) {
  return ldb_rng_substream(ldb_rng_purpose(purpose), a, b);
}
