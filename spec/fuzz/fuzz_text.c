/*
** Numbers as text against the C library's strtod (in the C locale), and the round trip of every
** double: reading what was written gives the same bits, in at most 17 digits, and no shorter text
** of "%.*g" does.
*/
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define REQUIRE(c) ((c) ? (void)0 : (fprintf(stderr, "line %d: %s\n", __LINE__, #c), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int same(double a, double b) {
  return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0;
}

static void read_bytes(const char *s, size_t n) {
  double value = 42, whole = 42;
  size_t taken = ldb_text_scan(s, n, &value);
  REQUIRE(taken <= n);
  REQUIRE(taken > 0 || value == 42);
  REQUIRE(ldb_text_number(s, n, &whole) == (taken == n && n > 0));
  char excerpt[LDB_EXCERPT_TEXT];
  REQUIRE(strlen(ldb_text_excerpt(s, n, excerpt)) < LDB_EXCERPT_TEXT);
  char *copy = malloc(n + 1), *end = NULL;
  REQUIRE(copy != NULL);
  memcpy(copy, s, n);
  copy[n] = '\0';
  size_t digits_at = n > 0 && (s[0] == '-' || s[0] == '+') ? 1 : 0;
  int blank = n > 0 && strchr(" \t\n\v\f\r", s[0]) != NULL && s[0] != '\0';
  int hex = n >= digits_at + 2 && s[digits_at] == '0' && (s[digits_at + 1] | 32) == 'x';
  if (!blank && !hex) {
    double expected = strtod(copy, &end);
    int named_nan = taken > 0 && isnan(value); /* strtod also takes nan(...) */
    REQUIRE(named_nan || (size_t)(end - copy) == taken);
    REQUIRE(taken == 0 || named_nan || same(value, expected));
  }
  free(copy);
}

static void round_trip(double x) {
  char text[LDB_NUMBER_TEXT], shorter[64];
  size_t n = ldb_text_format(x, text);
  REQUIRE(n < LDB_NUMBER_TEXT && text[n] == '\0');
  double back = 0;
  REQUIRE(ldb_text_number(text, n, &back));
  REQUIRE(same(x, back));
  if (isnan(x) || isinf(x)) return;
  int digits = 0, zeros = 0, leading = 1;
  for (const char *p = text; *p != '\0' && *p != 'e'; p++) {
    if (*p < '0' || *p > '9') continue;
    if (*p == '0' && leading) continue;
    leading = 0;
    digits++;
    zeros = *p == '0' ? zeros + 1 : 0;
  }
  digits -= zeros;
  REQUIRE(digits <= 17);
  if (digits > 1) {
    snprintf(shorter, sizeof shorter, "%.*g", digits - 1, x);
    REQUIRE(strtod(shorter, NULL) != x);
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  char *exact = malloc(n > 0 ? n : 1); /* so that one byte too far is seen */
  REQUIRE(exact != NULL);
  memcpy(exact, data, n);
  read_bytes(exact, n);
  if (n >= sizeof(double)) {
    double x = 0;
    memcpy(&x, data, sizeof x);
    round_trip(x);
  }
  free(exact);
  return 0;
}
