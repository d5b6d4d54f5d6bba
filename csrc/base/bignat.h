/*
** Natural numbers of bounded size, as much arithmetic as exact decimal conversion needs.
** The largest value met is 10^1145 or 2^1074 * 10^k with the shifts of the conversion, under 4000
** bits; every function stays inside the array whatever it is given.
*/
#ifndef LDB_BIGNAT_H
#define LDB_BIGNAT_H

#include <stdbool.h>
#include <stdint.h>

enum { LDB_BIGNAT_LIMBS = 128 };

/* little-endian limbs; limb[n - 1] is not zero; zero has n == 0 */
typedef struct ldb_bignat {
  int n;
  uint32_t limb[LDB_BIGNAT_LIMBS];
} ldb_bignat;

void ldb_bignat_set(ldb_bignat *a, uint64_t value);
int ldb_bignat_bits(const ldb_bignat *a); /* 0 for zero */
void ldb_bignat_mul_add(ldb_bignat *a, uint32_t factor,
                        uint32_t addend); /* a = a*factor + addend */
void ldb_bignat_mul_pow10(ldb_bignat *a, int exponent);
void ldb_bignat_shift(ldb_bignat *a, int bits);                   /* a *= 2^bits, bits >= 0 */
int ldb_bignat_compare(const ldb_bignat *a, const ldb_bignat *b); /* -1, 0, 1 */
/* a + b against c, without making the sum. */
int ldb_bignat_compare_sum(const ldb_bignat *a, const ldb_bignat *b, const ldb_bignat *c);
void ldb_bignat_subtract(ldb_bignat *a, const ldb_bignat *b); /* a -= b, needs a >= b */

#endif
