/*
** Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011).
** key = seed, counter = (element index, stream). No state to save but integers, so that results do
** not depend on order or threads. A stream is a 64-bit number made from a purpose ("init",
** "shuffle", "dropout", ...) and the places it serves, so that one use never disturbs another.
*/
#ifndef LDB_RNG_H
#define LDB_RNG_H

#include <stdint.h>

/* Multipliers and Weyl constants. */
#define LDB_PHILOX_M0 0xD2511F53u
#define LDB_PHILOX_M1 0xCD9E8D57u
#define LDB_PHILOX_W0 0x9E3779B9u
#define LDB_PHILOX_W1 0xBB67AE85u
enum { LDB_PHILOX_ROUNDS = 10 };

typedef struct ldb_rng {
  uint64_t seed;   /* key */
  uint64_t stream; /* high half of the counter */
} ldb_rng;

/* Four 32-bit words for block number i. */
void ldb_rng_block(const ldb_rng *r, uint64_t i, uint32_t out[4]);

/* Element i of the stream of 32-bit words: word i % 4 of block i / 4. */
uint32_t ldb_rng_u32(const ldb_rng *r, uint64_t i);

/* Uniform in [0, 1) with 53 bits from elements 2i and 2i+1. */
double ldb_rng_uniform(const ldb_rng *r, uint64_t i);

/* Unbiased enough for shuffling: floor(u64 * n / 2^64) on 64 bits, n > 0. */
uint64_t ldb_rng_below(const ldb_rng *r, uint64_t i, uint64_t n);

/* Mixes a purpose (bytes) and two numbers into a stream id (FNV-1a and splitmix64). */
uint64_t ldb_rng_stream(const char *purpose, uint64_t a, uint64_t b);
/* The same in two parts: the purpose once, the numbers as often as they change. */
uint64_t ldb_rng_purpose(const char *purpose);
uint64_t ldb_rng_substream(uint64_t purpose, uint64_t a, uint64_t b);

#endif
