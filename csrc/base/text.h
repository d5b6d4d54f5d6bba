/*
** Numbers as text, free of the locale: the decimal point is always '.'. Both directions are exact.
** Reading rounds to nearest, ties to even, whatever the number of digits; writing gives the
** shortest digits that read back as the same double.
*/
#ifndef LDB_TEXT_H
#define LDB_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Reads the longest number at the start of s[0..n):
     [+-] (digits [. digits] | . digits) [(e|E) [+-] digits]  |  [+-] (inf | infinity | nan)
   in any case of letters. Returns how many bytes it took, 0 when there is no number (then *out is
   untouched). Too large becomes infinite, too small becomes zero, as strtod does. No hexadecimal,
   no leading blanks. */
size_t ldb_text_scan(const char *s, size_t n, double *out);

/* True when all of s[0..n) is one number. */
bool ldb_text_number(const char *s, size_t n, double *out);

enum { LDB_NUMBER_TEXT = 32 };
/* "0.1" "1e+300" "-0" "inf" "nan": shortest digits that read back as x, exponent form below 1e-5
   and from 1e17 on. Terminates; returns the length. */
size_t ldb_text_format(double x, char buf[LDB_NUMBER_TEXT]);

/* A piece of foreign text for a message: at most 40 bytes, control bytes and bytes that are not
   ASCII as '?', cut text ends in "...". Terminates; returns buf. */
enum { LDB_EXCERPT_TEXT = 48 };
const char *ldb_text_excerpt(const char *s, size_t n, char buf[LDB_EXCERPT_TEXT]);

#endif
