#include "diagnose/fingerprint.h"

#include <math.h>

static const double clipped_log = 16.118095650958320; /* -ln 1e-7, the clip of Keras */
static const double torch_log = 100.0;                /* the clip of PyTorch's BCELoss */

static const struct row {
  const char *name, *text;
  ldb_loss_family family;
} rows[] = {
#define X(id, family, text) {#id, text, LDB_LOSS_##family},
    LDB_FINGERPRINT_MAP(X)
#undef X
};

const char *ldb_fingerprint_name(ldb_fingerprint f) {
  return rows[f].name;
}
const char *ldb_fingerprint_text(ldb_fingerprint f) {
  return rows[f].text;
}
ldb_loss_family ldb_fingerprint_family(ldb_fingerprint f) {
  return rows[f].family;
}

double ldb_entropy(size_t n, const double *p) {
  double h = 0.0;
  for (size_t i = 0; i < n; i++)
    if (p[i] > 0.0) h -= p[i] * log(p[i]);
  return h;
}

static double two_entropy(double p) {
  const double both[2] = {p, 1.0 - p};
  return ldb_entropy(2, both);
}

/* Entropy of (1 - s + s/K, s/K, ..., s/K). */
static double smoothed_entropy(double k, double s) {
  const double other = s / k, own = 1.0 - s + other;
  return -own * log(own) - (k - 1.0) * other * log(other);
}

double ldb_fingerprint_value(ldb_fingerprint f, const ldb_fingerprint_facts *k) {
  const double classes = (double)k->classes, unknown = (double)NAN;
  const bool several = k->classes >= 2;
  switch (f) {
  case LDB_FP_uniform_guess:
    return several ? log(classes) : unknown;
  case LDB_FP_class_entropy:
    return k->prior != NULL && k->n_prior >= 2 ? ldb_entropy(k->n_prior, k->prior) : unknown;
  case LDB_FP_double_softmax:
    return several ? log1p((classes - 1.0) * exp(-1.0)) : unknown;
  case LDB_FP_smoothing_floor:
    return several && k->smoothing > 0.0 ? smoothed_entropy(classes, k->smoothing) : unknown;
  case LDB_FP_saturated:
  case LDB_FP_binary_saturated:
    return k->wrong > 0.0 ? clipped_log * k->wrong : unknown;
  case LDB_FP_binary_saturated_torch:
    return k->wrong > 0.0 ? torch_log * k->wrong : unknown;
  case LDB_FP_conflict_floor:
  case LDB_FP_binary_conflict_floor:
  case LDB_FP_squared_conflict_floor:
    return k->conflict > 0.0 ? k->conflict : unknown;
  case LDB_FP_binary_chance:
    return log(2.0);
  case LDB_FP_binary_entropy:
    return k->positive > 0.0 && k->positive < 1.0 ? two_entropy(k->positive) : unknown;
  case LDB_FP_double_sigmoid: /* sigmoid(sigmoid(z)) lies in (1/2, sigmoid(1)) */
    return k->positive * log1p(exp(-1.0)) + (1.0 - k->positive) * log(2.0);
  case LDB_FP_binary_smoothing_floor:
    return k->smoothing > 0.0 ? two_entropy(k->smoothing / 2.0) : unknown;
  case LDB_FP_variance:
    return k->variance;
  case LDB_FP_mean_square:
    return k->mean_square;
  case LDB_FP_mean_deviation:
    return k->mean_deviation;
  case LDB_FP_mean_absolute:
    return k->mean_absolute;
  case LDB_FP_COUNT:
    break;
  }
  return unknown;
}

bool ldb_fingerprint_matches(double constant, double mean, double se, double lowest,
                             double block_sd) {
  const double margin = 0.003 * fabs(constant);
  return fabs(mean - constant) < fmax(3.0 * se, margin) &&
         !(lowest < constant - fmax(3.0 * block_sd, margin));
}
