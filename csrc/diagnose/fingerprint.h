/*
** Constants at which a loss gets stuck, each with the mistake that it betrays. A plateau of mean m
** with standard error se matches a constant c when |m - c| < max(3 se, 0.003 |c|) and no block of
** steps got clearly below c.
*/
#ifndef LDB_FINGERPRINT_H
#define LDB_FINGERPRINT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum ldb_loss_family {
  LDB_LOSS_CROSS_ENTROPY, /* categorical and sparse, nats */
  LDB_LOSS_BINARY,        /* binary cross-entropy, nats */
  LDB_LOSS_SQUARED,       /* mean squared error */
  LDB_LOSS_ABSOLUTE,      /* mean absolute error */
  LDB_LOSS_OTHER
} ldb_loss_family;

/* id, family, what it means */
#define LDB_FINGERPRINT_MAP(X)                                                                  \
  X(uniform_guess, CROSS_ENTROPY, "ln K: all K classes get the same probability")               \
  X(class_entropy, CROSS_ENTROPY, "entropy of the class frequencies: the inputs are ignored")   \
  X(double_softmax, CROSS_ENTROPY, "ln(1 + (K-1)/e): best possible with softmax applied twice") \
  X(smoothing_floor, CROSS_ENTROPY, "entropy of the smoothed labels: the best possible")        \
  X(saturated, CROSS_ENTROPY, "16.118 x share of wrong answers: all outputs saturated")         \
  X(conflict_floor, CROSS_ENTROPY, "equal rows with different labels: the best possible")       \
  X(binary_chance, BINARY, "ln 2: every output is one half")                                    \
  X(binary_entropy, BINARY, "entropy of the class frequencies: the inputs are ignored")         \
  X(double_sigmoid, BINARY, "best possible with sigmoid applied twice")                         \
  X(binary_smoothing_floor, BINARY, "entropy of the smoothed labels: the best possible")        \
  X(binary_saturated, BINARY, "16.118 x share of wrong answers: all outputs saturated")         \
  X(binary_saturated_torch, BINARY, "100 x share of wrong answers: all outputs saturated")      \
  X(binary_conflict_floor, BINARY, "equal rows with different labels: the best possible")       \
  X(variance, SQUARED, "variance of the targets: the mean is predicted for every input")        \
  X(mean_square, SQUARED, "mean square of the targets: zero is predicted for every input")      \
  X(squared_conflict_floor, SQUARED, "equal rows with different targets: the best possible")    \
  X(mean_deviation, ABSOLUTE, "mean distance to the median: the median is predicted always")    \
  X(mean_absolute, ABSOLUTE, "mean absolute target: zero is predicted for every input")

typedef enum ldb_fingerprint {
#define X(id, family, text) LDB_FP_##id,
  LDB_FINGERPRINT_MAP(X)
#undef X
      LDB_FP_COUNT
} ldb_fingerprint;

/* What is known; NaN (or no prior) where it is not. */
typedef struct ldb_fingerprint_facts {
  size_t classes;      /* K, 0: unknown */
  const double *prior; /* shares of the classes that occur, or NULL */
  size_t n_prior;
  double positive;  /* share of ones among binary targets */
  double smoothing; /* label smoothing, 0 .. 1 */
  double wrong;     /* share of wrong answers: 1 - accuracy */
  double variance, mean_square, mean_deviation, mean_absolute; /* of the targets */
  double conflict; /* loss that equal inputs with different targets leave */
} ldb_fingerprint_facts;

const char *ldb_fingerprint_name(ldb_fingerprint f);
const char *ldb_fingerprint_text(ldb_fingerprint f);
ldb_loss_family ldb_fingerprint_family(ldb_fingerprint f);

/* The constant, or NaN when the facts do not give it. */
double ldb_fingerprint_value(ldb_fingerprint f, const ldb_fingerprint_facts *k);

/* lowest: smallest block mean, block_sd: their standard deviation (0: unknown). */
bool ldb_fingerprint_matches(double constant, double mean, double se, double lowest,
                             double block_sd);

/* -sum p ln p over shares p > 0. */
double ldb_entropy(size_t n, const double *p);

#endif
