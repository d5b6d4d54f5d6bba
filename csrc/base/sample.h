/*
** Arrays of random numbers. Element i depends on (seed, stream, i) alone, so that any part of an
** array can be drawn again, in any order and on any number of threads.
*/
#ifndef LDB_SAMPLE_H
#define LDB_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/view.h"

/* x[i] = low + (high - low) u_i, u_i uniform in [0, 1) with 53 bits; never reaches high, not even
   after rounding to f32. dtype is LDB_F32 or LDB_F64; x is flat, n elements. */
void ldb_sample_uniform(const ldb_rng *r, ldb_dtype dtype, size_t n, void *x, double low,
                        double high);

/* x[i] = mean + std z_i, z_i standard normal by Box and Muller:
   z_2k = sqrt(-2 ln(1 - u_2k)) cos(2 pi u_2k+1), z_2k+1 the same with sin. */
void ldb_sample_normal(const ldb_rng *r, ldb_dtype dtype, size_t n, void *x, double mean,
                       double std);

/* x[i] = mean + std z_i with z_i drawn again until |z_i| <= 2. The result has the standard
   deviation 0.87962566103423978 std. */
void ldb_sample_truncated_normal(const ldb_rng *r, ldb_dtype dtype, size_t n, void *x, double mean,
                                 double std);

/* One standard normal number, element i of ldb_sample_normal with mean 0 and std 1. */
double ldb_rng_normal(const ldb_rng *r, uint64_t i);

/* x becomes a random order of 0 .. n-1 (Fisher and Yates, from the end); n <= INT32_MAX. */
void ldb_sample_permutation(const ldb_rng *r, size_t n, int32_t *x);

#endif
