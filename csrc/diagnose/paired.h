/* Paired comparisons: t test, sign test, rank correlation, and the tails they need. */
#ifndef LDB_PAIRED_H
#define LDB_PAIRED_H

#include <stddef.h>

/* P(|T| >= |t|) for Student's t with df > 0 degrees of freedom: I_x(df/2, 1/2) at
   x = df / (df + t^2), by Lentz's continued fraction. NaN for NaN. */
double ldb_student_p(double t, double df);

/* P(Z <= z) of the standard normal. */
double ldb_normal_cdf(double z);

/* Differences d_i = a_i - b_i: t = mean(d) / (sd(d) / sqrt n), sd with n - 1. All differences
   equal: t is 0 when they are 0, else infinite with the sign of the mean. n < 2: t and p are NaN.
 */
typedef struct ldb_paired {
  size_t n;
  double mean, sd, t, p; /* p: two-sided */
} ldb_paired;
void ldb_paired_t(size_t n, const double *a, const double *b, ldb_paired *out);

/* Signs of a_i - b_i. p_less: P(so many negative signs or more by chance), ties dropped. */
typedef struct ldb_signs {
  size_t negative, positive, ties;
  double p_less, p_two_sided;
} ldb_signs;
void ldb_sign_test(size_t n, const double *a, const double *b, ldb_signs *out);

/* Spearman's rho with mean ranks for ties; NaN when n < 2 or one side is constant. a and b must
   hold no NaN. scratch: 2 n doubles. Counts all pairs, O(n^2). */
double ldb_spearman(size_t n, const double *a, const double *b, double *scratch);

#endif
