#include "base/sample.h"

#include <math.h>

#include "base/rng_words.h"

static const double two_pi = 6.283185307179586476925;

/* Two uniforms of 53 bits in [0, 1) from block i. */
static void uniform_pair(const ldb_rng *r, uint64_t i, double u[2]) {
  uint32_t w[4];
  ldb_rng_block(r, i, w);
  u[0] = (double)((((uint64_t)w[0] << 32) | w[1]) >> 11) * 0x1p-53;
  u[1] = (double)((((uint64_t)w[2] << 32) | w[3]) >> 11) * 0x1p-53;
}

/* Two independent standard normals from two uniforms. */
static void normals_of(const double u[2], double z[2]) {
  const double radius = sqrt(-2.0 * log(1.0 - u[0]));
  z[0] = radius * cos(two_pi * u[1]);
  z[1] = radius * sin(two_pi * u[1]);
}

/* The same from block i. */
static void normal_pair(const ldb_rng *r, uint64_t i, double z[2]) {
  double u[2];
  uniform_pair(r, i, u);
  normals_of(u, z);
}

double ldb_rng_normal(const ldb_rng *r, uint64_t i) {
  double z[2];
  normal_pair(r, i / 2, z);
  return z[i % 2];
}

static void store(ldb_dtype dtype, void *x, size_t i, double value) {
  if (dtype == LDB_F64)
    ((double *)x)[i] = value;
  else
    ((float *)x)[i] = (float)value;
}

static double between(ldb_dtype dtype, double low, double high, double u) {
  const double value = low + (high - low) * u;
  if (dtype == LDB_F64) return value < high || !(low < high) ? value : nextafter(high, low);
  const float narrow = (float)value;
  return (double)narrow < high || !(low < high) ? (double)narrow
                                                : (double)nextafterf((float)high, (float)low);
}

/* Blocks of two numbers that are drawn at a time. */
enum { PAIRS = 128 };

static size_t fewer(size_t a, size_t b) {
  return a < b ? a : b;
}

/* u[2 b], u[2 b + 1] = the uniforms of block first + b, b < blocks <= PAIRS */
static void uniform_pairs(const ldb_rng *r, uint64_t first, size_t blocks, double *u) {
  uint32_t w[4 * PAIRS];
  ldb_rng_words(r, first, (int64_t)blocks, w);
  for (size_t i = 0; i < 2 * blocks; i++)
    u[i] = (double)((((uint64_t)w[2 * i] << 32) | w[2 * i + 1]) >> 11) * 0x1p-53;
}

void ldb_sample_uniform(const ldb_rng *r, ldb_dtype dtype, size_t n, void *x, double low,
                        double high) {
  double u[2 * PAIRS];
  for (size_t i = 0; i < n; i += 2 * PAIRS) {
    const size_t some = fewer(n - i, 2 * PAIRS);
    uniform_pairs(r, i / 2, (some + 1) / 2, u);
    for (size_t k = 0; k < some; k++)
      store(dtype, x, i + k, between(dtype, low, high, u[k]));
  }
}

void ldb_sample_normal(const ldb_rng *r, ldb_dtype dtype, size_t n, void *x, double mean,
                       double std) {
  double u[2 * PAIRS];
  for (size_t i = 0; i < n; i += 2 * PAIRS) {
    const size_t some = fewer(n - i, 2 * PAIRS);
    uniform_pairs(r, i / 2, (some + 1) / 2, u);
    for (size_t k = 0; k < some; k += 2) {
      double z[2];
      normals_of(u + k, z);
      store(dtype, x, i + k, mean + std * z[0]);
      if (k + 1 < some) store(dtype, x, i + k + 1, mean + std * z[1]);
    }
  }
}

/* Attempt k of element i uses block i + k 2^48. Both numbers of a block fail with probability
   0.0021, so that 64 attempts fail with probability 1e-171. */
static double truncated(const ldb_rng *r, uint64_t i) {
  for (uint64_t attempt = 0; attempt < 64; attempt++) {
    double z[2];
    normal_pair(r, i + (attempt << 48), z);
    if (fabs(z[0]) <= 2.0) return z[0];
    if (fabs(z[1]) <= 2.0) return z[1];
  }
  return 0.0;
}

void ldb_sample_truncated_normal(const ldb_rng *r, ldb_dtype dtype, size_t n, void *x, double mean,
                                 double std) {
  for (size_t i = 0; i < n; i++)
    store(dtype, x, i, mean + std * truncated(r, (uint64_t)i));
}

void ldb_sample_permutation(const ldb_rng *r, size_t n, int32_t *x) {
  for (size_t i = 0; i < n; i++)
    x[i] = (int32_t)i;
  for (size_t i = n; i > 1; i--) {
    const size_t j = (size_t)ldb_rng_below(r, (uint64_t)i, (uint64_t)i);
    const int32_t kept = x[i - 1];
    x[i - 1] = x[j];
    x[j] = kept;
  }
}
