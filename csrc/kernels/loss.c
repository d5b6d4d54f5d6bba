#include "kernels/loss.h"

#include <math.h>

#include "kernels/index.h"
#include "kernels/math_inline.h"

#define EPS 1e-7

/* Parts of the formulas in loss_list.h. None of them hides a NaN. */
static double sign(double x) {
  return x > 0 ? 1 : x < 0 ? -1 : x;
}

static double square(double x) {
  return x * x;
}

static double floor_at(double x, double lo) {
  return x < lo ? lo : x;
}

static double positive(double x) {
  return floor_at(x, 0);
}

/* 1 where x > 0, 0 where not */
static double step(double x) {
  return x > 0 ? 1 : x <= 0 ? 0 : x;
}

static double clip(double x, double lo, double hi) {
  return x < lo ? lo : x > hi ? hi : x;
}

static bool outside(double x, double lo, double hi) {
  return x < lo || x > hi;
}

/* -1 or 1 of a target 0 or 1 */
static double side(double t, double zero_one) {
  return zero_one > 0 ? 2 * t - 1 : t;
}

static double smooth(double t, double smoothing) {
  return t * (1 - smoothing) + .5 * smoothing;
}

/* log cosh e = |e| + log(1 + exp(-2|e|)) - log 2 */
static double log_cosh(double e) {
  return fabs(e) + log1p(exp(-2 * fabs(e))) - 0.69314718055994530942;
}

static double binary(double p, double t) {
  return -t * log(p) - (1 - t) * log1p(-p);
}

static double sigmoid(double z) {
  if (z >= 0) return 1 / (1 + exp(-z));
  const double u = exp(z);
  return u / (1 + u);
}

static double divisor_of(ldb_loss kind, int64_t width) {
  enum { SUM, MEAN };
  switch (kind) {
#define X(code, divide, value, slope) \
  case LDB_LOSS_##code:               \
    return divide == MEAN ? (double)width : 1;
    LDB_LOSS_MAP(X)
#undef X
  case LDB_LOSS_COUNT:
    break;
  }
  return 1;
}

#define T float
#define NAME(x) x##_f32
#include "kernels/loss_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/loss_generic.h"
#undef T
#undef NAME

void ldb_loss_rows(ldb_loss kind, ldb_dtype t, int64_t n, int64_t width, const void *pred,
                   const void *target, double a, void *loss) {
  if (t == LDB_F32)
    loss_rows_f32(kind, n, width, pred, target, a, loss);
  else
    loss_rows_f64(kind, n, width, pred, target, a, loss);
}

void ldb_loss_rows_backward(ldb_loss kind, ldb_dtype t, int64_t n, int64_t width, const void *pred,
                            const void *target, double a, const void *gloss, void *gpred) {
  if (t == LDB_F32)
    slope_rows_f32(kind, n, width, pred, target, a, gloss, gpred);
  else
    slope_rows_f64(kind, n, width, pred, target, a, gloss, gpred);
}

bool ldb_all_zero_one(ldb_dtype t, int64_t n, const void *target) {
  return t == LDB_F32 ? zero_one_f32(n, target) : zero_one_f64(n, target);
}

void ldb_cosine_rows(ldb_dtype t, int64_t n, int64_t width, const void *pred, const void *target,
                     void *loss) {
  if (t == LDB_F32)
    cosine_rows_f32(n, width, pred, target, loss);
  else
    cosine_rows_f64(n, width, pred, target, loss);
}

void ldb_cosine_rows_backward(ldb_dtype t, int64_t n, int64_t width, const void *pred,
                              const void *target, const void *gloss, void *gpred) {
  if (t == LDB_F32)
    cosine_slopes_f32(n, width, pred, target, gloss, gpred);
  else
    cosine_slopes_f64(n, width, pred, target, gloss, gpred);
}

void ldb_crossentropy(ldb_dtype t, bool logits, int64_t n, int64_t width, const void *pred,
                      const ldb_distribution *w, double *lse, void *loss) {
  if (t == LDB_F32)
    crossentropy_f32(logits, n, width, pred, w, lse, loss);
  else
    crossentropy_f64(logits, n, width, pred, w, lse, loss);
}

void ldb_crossentropy_backward(ldb_dtype t, bool logits, int64_t n, int64_t width, const void *pred,
                               const ldb_distribution *w, const double *lse, const void *gloss,
                               void *gpred) {
  if (t == LDB_F32)
    crossentropy_slopes_f32(logits, n, width, pred, w, lse, gloss, gpred);
  else
    crossentropy_slopes_f64(logits, n, width, pred, w, lse, gloss, gpred);
}
