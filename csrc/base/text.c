#include "base/text.h"

#include <float.h>
#include <math.h>
#include <stdint.h>

#include "base/bignat.h"

/* A halfway point between two doubles has at most 767 significant digits, so that digits after
   these can only say "a little more". */
enum { MAX_DIGITS = 800 };

/* value = digits * 10^exponent, digits being those of text[first..end) without the point */
typedef struct decimal {
  const char *first, *end; /* from the first digit that is not zero */
  uint64_t head;           /* the first up to 19 digits */
  int head_digits;
  int64_t digits;
  int64_t exponent;
} decimal;

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool starts_with(const char *s, size_t n, const char *word) {
  size_t i = 0;
  for (; word[i] != '\0'; i++) {
    if (i >= n || lower(s[i]) != word[i]) return false;
  }
  return true;
}

/* The 53 (or, below the normal range, fewer) bits nearest to (q + sticky * epsilon) * 2^e. */
static double round_to_double(uint64_t q, bool sticky, int e) {
  int bits = 0;
  for (uint64_t rest = q; rest != 0; rest >>= 1)
    bits++;
  int top = e + bits - 1;
  int keep = top >= DBL_MIN_EXP - 1 ? DBL_MANT_DIG : DBL_MANT_DIG - (DBL_MIN_EXP - 1 - top);
  if (keep < 0) return 0;
  int drop = bits - keep;
  if (drop <= 0) return ldexp((double)q, e);
  uint64_t kept = q >> drop, tail = q & (((uint64_t)1 << drop) - 1);
  uint64_t half = (uint64_t)1 << (drop - 1);
  if (tail > half || (tail == half && (sticky || (kept & 1) != 0))) kept++;
  return ldexp((double)kept, e + drop);
}

static void decimal_to_ratio(const decimal *d, ldb_bignat *over, ldb_bignat *under) {
  int64_t exponent = d->exponent, used = 0;
  bool more = false;
  ldb_bignat_set(over, 0);
  ldb_bignat_set(under, 1);
  for (const char *p = d->first; p < d->end; p++) {
    if (!is_digit(*p)) continue;
    if (used < MAX_DIGITS) {
      ldb_bignat_mul_add(over, 10, (uint32_t)(*p - '0'));
      used++;
    } else {
      more = more || *p != '0';
    }
  }
  exponent += d->digits - used;
  if (more) {
    ldb_bignat_mul_add(over, 10, 1);
    exponent--;
  }
  if (exponent >= 0) {
    ldb_bignat_mul_pow10(over, (int)exponent);
  } else {
    ldb_bignat_mul_pow10(under, (int)-exponent);
  }
}

/* Schoolbook division, bit by bit: over/under in (1/2, 2) after the shift gives 55 or 56 bits of
   quotient, and the remainder tells whether anything is left. */
static double decimal_exact(const decimal *d) {
  int64_t magnitude = d->digits + d->exponent; /* value < 10^magnitude */
  if (magnitude > 310) return HUGE_VAL;
  if (magnitude < -330) return 0;
  ldb_bignat over, under;
  decimal_to_ratio(d, &over, &under);
  int shift = ldb_bignat_bits(&over) - ldb_bignat_bits(&under);
  if (shift >= 0) {
    ldb_bignat_shift(&under, shift);
  } else {
    ldb_bignat_shift(&over, -shift);
  }
  uint64_t q = 0;
  enum { STEPS = 56 };
  for (int i = 0; i < STEPS; i++) {
    q <<= 1;
    if (ldb_bignat_compare(&over, &under) >= 0) {
      ldb_bignat_subtract(&over, &under);
      q |= 1;
    }
    ldb_bignat_shift(&over, 1);
  }
  return round_to_double(q, over.n != 0, shift - (STEPS - 1));
}

static double decimal_value(const decimal *d) {
  if (d->digits == 0) return 0;
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD == 0
  /* Clinger: both operands are exact doubles, so that the one rounding is the right one */
  static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                 1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (d->digits <= 19 && d->head <= ((uint64_t)1 << DBL_MANT_DIG)) {
    if (d->exponent >= 0 && d->exponent <= 22) return (double)d->head * power[d->exponent];
    if (d->exponent < 0 && d->exponent >= -22) return (double)d->head / power[-d->exponent];
  }
#endif
  return decimal_exact(d);
}

static void take_digit(decimal *d, const char *p) {
  if (d->digits == 0) {
    if (*p == '0') return;
    d->first = p;
  }
  d->digits++;
  if (d->head_digits < 19) {
    d->head = d->head * 10 + (uint64_t)(*p - '0');
    d->head_digits++;
  }
}

/* [eE][+-]digits at s[at..n): adds to the exponent and returns the new place, or at when there is
   none. */
static size_t take_exponent(const char *s, size_t n, size_t at, decimal *d) {
  size_t i = at;
  if (i >= n || lower(s[i]) != 'e') return at;
  i++;
  bool negative = i < n && s[i] == '-';
  if (i < n && (s[i] == '-' || s[i] == '+')) i++;
  if (i >= n || !is_digit(s[i])) return at;
  int64_t value = 0;
  for (; i < n && is_digit(s[i]); i++) {
    if (value < (int64_t)1 << 56) value = value * 10 + (s[i] - '0');
  }
  d->exponent += negative ? -value : value;
  return i;
}

static size_t scan_word(const char *s, size_t n, size_t at, double *out) {
  if (starts_with(s + at, n - at, "infinity")) {
    *out = HUGE_VAL;
    return at + 8;
  }
  if (starts_with(s + at, n - at, "inf")) {
    *out = HUGE_VAL;
    return at + 3;
  }
  if (starts_with(s + at, n - at, "nan")) {
    *out = (double)NAN;
    return at + 3;
  }
  return 0;
}

size_t ldb_text_scan(const char *s, size_t n, double *out) {
  decimal d = {.first = s, .end = s};
  size_t i = n > 0 && (s[0] == '-' || s[0] == '+') ? 1 : 0;
  bool negative = n > 0 && s[0] == '-', any = false;
  for (; i < n && is_digit(s[i]); i++) {
    take_digit(&d, s + i);
    any = true;
  }
  size_t point = i;
  if (i < n && s[i] == '.') {
    for (i++; i < n && is_digit(s[i]); i++) {
      take_digit(&d, s + i);
      d.exponent--;
      any = true;
    }
    if (!any) i = point;
  }
  double value = 0;
  if (any) {
    d.end = s + i;
    i = take_exponent(s, n, i, &d);
    value = decimal_value(&d);
  } else {
    i = scan_word(s, n, i, &value);
    if (i == 0) return 0;
  }
  *out = negative ? -value : value;
  return i;
}

bool ldb_text_number(const char *s, size_t n, double *out) {
  double value = 0;
  size_t taken = ldb_text_scan(s, n, &value);
  if (taken == 0 || taken != n) return false;
  *out = value;
  return true;
}

/* Steele and White, Dragon4: value = r/s, neighbours at distance low/s and high/s (half gaps).
   Digits come out until what is left lies within half a gap. */
typedef struct dragon {
  ldb_bignat r, s, low, high;
  bool even; /* the halfway points themselves read back as x */
} dragon;

static void dragon_scale(dragon *g, uint64_t mantissa, int e, bool lowest_mantissa) {
  int wide = lowest_mantissa ? 1 : 0; /* the gap below a power of two is half the gap above */
  ldb_bignat_set(&g->r, mantissa);
  ldb_bignat_set(&g->s, 1);
  ldb_bignat_set(&g->low, 1);
  ldb_bignat_shift(&g->r, (e > 0 ? e : 0) + 1 + wide);
  ldb_bignat_shift(&g->s, (e < 0 ? -e : 0) + 1 + wide);
  ldb_bignat_shift(&g->low, e > 0 ? e : 0);
  g->high = g->low;
  ldb_bignat_shift(&g->high, wide);
  g->even = (mantissa & 1) == 0;
}

static bool dragon_reaches(const dragon *g) { /* (r + high) / s at or above 1 */
  int c = ldb_bignat_compare_sum(&g->r, &g->high, &g->s);
  return g->even ? c >= 0 : c > 0;
}

static void dragon_times_ten(dragon *g) {
  ldb_bignat_mul_add(&g->r, 10, 0);
  ldb_bignat_mul_add(&g->low, 10, 0);
  ldb_bignat_mul_add(&g->high, 10, 0);
}

/* Writes up to 17 digits of 0.ddd * 10^result. */
static int dragon_digits(double x, char digits[20], int *count) {
  int e = 0;
  double fraction = frexp(x, &e); /* [0.5, 1) */
  int bits = DBL_MANT_DIG;
  if (e < DBL_MIN_EXP) bits -= DBL_MIN_EXP - e;
  uint64_t mantissa = (uint64_t)ldexp(fraction, bits);
  dragon g;
  dragon_scale(&g, mantissa, e - bits,
               bits == DBL_MANT_DIG && mantissa == (uint64_t)1 << (DBL_MANT_DIG - 1) &&
                   e > DBL_MIN_EXP);
  int point = (int)floor((e - 1) * 0.30102999566398120); /* log10(2); at most 1 too small */
  if (point >= 0) {
    ldb_bignat_mul_pow10(&g.s, point);
  } else {
    ldb_bignat_mul_pow10(&g.r, -point);
    ldb_bignat_mul_pow10(&g.low, -point);
    ldb_bignat_mul_pow10(&g.high, -point);
  }
  while (dragon_reaches(&g)) {
    ldb_bignat_mul_add(&g.s, 10, 0);
    point++;
  }
  *count = 0;
  for (;;) {
    dragon_times_ten(&g);
    int digit = 0;
    for (; ldb_bignat_compare(&g.r, &g.s) >= 0; digit++)
      ldb_bignat_subtract(&g.r, &g.s);
    int below = ldb_bignat_compare(&g.r, &g.low);
    bool low_end = g.even ? below <= 0 : below < 0, high_end = dragon_reaches(&g);
    if (low_end || high_end || *count >= 17) {
      if (!low_end || (high_end && ldb_bignat_compare_sum(&g.r, &g.r, &g.s) >= 0)) digit++;
      digits[(*count)++] = (char)('0' + digit);
      return point;
    }
    digits[(*count)++] = (char)('0' + digit);
  }
}

static size_t put(char *buf, size_t at, const char *text, size_t n) {
  for (size_t i = 0; i < n; i++)
    buf[at + i] = text[i];
  return at + n;
}

static size_t put_exponent(char *buf, size_t at, int e) {
  char reversed[4] = {0};
  size_t n = 0;
  buf[at++] = 'e';
  buf[at++] = e < 0 ? '-' : '+';
  if (e < 0) e = -e;
  for (; e > 0 || n < 2; e /= 10)
    reversed[n++] = (char)('0' + e % 10);
  while (n > 0)
    buf[at++] = reversed[--n];
  return at;
}

static size_t put_decimal(char *buf, size_t at, const char *digits, int count, int point) {
  size_t n = (size_t)count;
  if (point < -4 || point > 17) {
    at = put(buf, at, digits, 1);
    if (n > 1) {
      buf[at++] = '.';
      at = put(buf, at, digits + 1, n - 1);
    }
    return put_exponent(buf, at, point - 1);
  }
  if (point <= 0) {
    at = put(buf, at, "0.0000", (size_t)(2 - point));
    return put(buf, at, digits, n);
  }
  if (count <= point) {
    at = put(buf, at, digits, n);
    return put(buf, at, "0000000000000000", (size_t)(point - count));
  }
  at = put(buf, at, digits, (size_t)point);
  buf[at++] = '.';
  return put(buf, at, digits + point, n - (size_t)point);
}

size_t ldb_text_format(double x, char buf[LDB_NUMBER_TEXT]) {
  size_t at = 0;
  if (isnan(x)) {
    at = put(buf, 0, "nan", 3);
  } else {
    if (signbit(x)) buf[at++] = '-';
    double size = fabs(x);
    if (isinf(x)) {
      at = put(buf, at, "inf", 3);
    } else if (size == 0) {
      buf[at++] = '0';
    } else {
      char digits[20];
      int count = 0;
      int point = dragon_digits(size, digits, &count);
      at = put_decimal(buf, at, digits, count, point);
    }
  }
  buf[at] = '\0';
  return at;
}

const char *ldb_text_excerpt(const char *s, size_t n, char buf[LDB_EXCERPT_TEXT]) {
  enum { SHOWN = 40 };
  size_t at = 0;
  for (; at < n && at < SHOWN; at++)
    buf[at] = s[at] >= ' ' && s[at] <= '~' ? s[at] : '?';
  if (n > SHOWN) at = put(buf, at, "...", 3);
  buf[at] = '\0';
  return buf;
}
