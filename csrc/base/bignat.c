#include "base/bignat.h"

static void trim(ldb_bignat *a) {
  while (a->n > 0 && a->limb[a->n - 1] == 0)
    a->n--;
}

static void push(ldb_bignat *a, uint32_t limb) {
  if (a->n < LDB_BIGNAT_LIMBS) a->limb[a->n++] = limb;
}

void ldb_bignat_set(ldb_bignat *a, uint64_t value) {
  a->n = 0;
  while (value != 0) {
    push(a, (uint32_t)value);
    value >>= 32;
  }
}

int ldb_bignat_bits(const ldb_bignat *a) {
  if (a->n == 0) return 0;
  int bits = 32 * (a->n - 1);
  for (uint32_t top = a->limb[a->n - 1]; top != 0; top >>= 1)
    bits++;
  return bits;
}

void ldb_bignat_mul_add(ldb_bignat *a, uint32_t factor, uint32_t addend) {
  uint64_t carry = addend;
  for (int i = 0; i < a->n; i++) {
    carry += (uint64_t)a->limb[i] * factor;
    a->limb[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry != 0) push(a, (uint32_t)carry);
  trim(a);
}

void ldb_bignat_mul_pow10(ldb_bignat *a, int exponent) {
  for (; exponent >= 9; exponent -= 9)
    ldb_bignat_mul_add(a, 1000000000u, 0);
  for (; exponent > 0; exponent--)
    ldb_bignat_mul_add(a, 10u, 0);
}

void ldb_bignat_shift(ldb_bignat *a, int bits) {
  int limbs = bits / 32, rest = bits % 32;
  if (a->n == 0) return;
  if (rest != 0) {
    uint32_t carry = 0;
    for (int i = 0; i < a->n; i++) {
      uint32_t limb = a->limb[i];
      a->limb[i] = (limb << rest) | carry;
      carry = limb >> (32 - rest);
    }
    if (carry != 0) push(a, carry);
  }
  if (limbs == 0) return;
  if (a->n + limbs > LDB_BIGNAT_LIMBS) limbs = LDB_BIGNAT_LIMBS - a->n;
  for (int i = a->n - 1; i >= 0; i--)
    a->limb[i + limbs] = a->limb[i];
  for (int i = 0; i < limbs; i++)
    a->limb[i] = 0;
  a->n += limbs;
}

int ldb_bignat_compare(const ldb_bignat *a, const ldb_bignat *b) {
  if (a->n != b->n) return a->n < b->n ? -1 : 1;
  for (int i = a->n - 1; i >= 0; i--) {
    if (a->limb[i] != b->limb[i]) return a->limb[i] < b->limb[i] ? -1 : 1;
  }
  return 0;
}

int ldb_bignat_compare_sum(const ldb_bignat *a, const ldb_bignat *b, const ldb_bignat *c) {
  int longest = a->n > b->n ? a->n : b->n;
  if (c->n > longest) longest = c->n;
  /* c - a - b from the top: a deficit of more than 1 in a higher limb cannot be made good below */
  int64_t ahead = 0;
  for (int i = longest - 1; i >= 0; i--) {
    ahead = ahead * ((int64_t)1 << 32) + (i < c->n ? (int64_t)c->limb[i] : 0);
    ahead -= (i < a->n ? (int64_t)a->limb[i] : 0);
    ahead -= (i < b->n ? (int64_t)b->limb[i] : 0);
    if (ahead < 0) return 1;
    if (ahead > 2) return -1;
  }
  return ahead == 0 ? 0 : -1;
}

void ldb_bignat_subtract(ldb_bignat *a, const ldb_bignat *b) {
  uint64_t borrow = 0;
  for (int i = 0; i < a->n; i++) {
    uint64_t take = borrow + (i < b->n ? b->limb[i] : 0);
    borrow = a->limb[i] < take ? 1 : 0;
    a->limb[i] = (uint32_t)(a->limb[i] - take);
  }
  trim(a);
}
