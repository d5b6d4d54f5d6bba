#include "kernels/dropout.h"

/* Words below it drop their element; 2^32 drops all. */
static uint64_t threshold(double rate) {
  return (uint64_t)(rate * 4294967296.0);
}

#define DROPOUT(name, T)                                                  \
  void name(const ldb_rng *r, double rate, int64_t n, const T *x, T *y) { \
    const uint64_t limit = threshold(rate);                               \
    const T scale = (T)(rate < 1 ? 1 / (1 - rate) : 0);                   \
    uint32_t word[4];                                                     \
    for (int64_t i = 0; i < n; i++) {                                     \
      if (i % 4 == 0) ldb_rng_block(r, (uint64_t)i / 4, word);            \
      y[i] = word[i % 4] >= limit ? x[i] * scale : 0;                     \
    }                                                                     \
  }
DROPOUT(ldb_dropout_f32, float)
DROPOUT(ldb_dropout_f64, double)
