#include "kernels/reduce/loss.h"

#include <math.h>

#include "base/clones.h"
#include "kernels/elementwise/math_inline.h"
#include "kernels/gather/index.h"

#define EPS 1e-7

enum { SUM, MEAN };             /* how a row's terms become one number */
enum { WIDE = 8, CHUNK = 512 }; /* lanes of f64 and of an element's own type */
enum { TASK = 1 << 13 };        /* elements of a task, roughly */

/* Parts of the formulas in loss_list.h. None of them hides a NaN. */
LDB_INLINE double sign(double x) {
  return x > 0 ? 1 : x < 0 ? -1 : x;
}

LDB_INLINE double square(double x) {
  return x * x;
}

LDB_INLINE double floor_at(double x, double lo) {
  return x < lo ? lo : x;
}

LDB_INLINE double positive(double x) {
  return floor_at(x, 0);
}

/* 1 where x > 0, 0 where not */
LDB_INLINE double step(double x) {
  return x > 0 ? 1 : x <= 0 ? 0 : x;
}

LDB_INLINE double clip(double x, double lo, double hi) {
  return x < lo ? lo : x > hi ? hi : x;
}

LDB_INLINE bool outside(double x, double lo, double hi) {
  return x < lo || x > hi;
}

/* -1 or 1 of a target 0 or 1 */
LDB_INLINE double side(double t, double zero_one) {
  return zero_one > 0 ? 2 * t - 1 : t;
}

LDB_INLINE double smooth(double t, double smoothing) {
  return t * (1 - smoothing) + .5 * smoothing;
}

/* log cosh e = |e| + log(1 + exp(-2|e|)) - log 2 */
LDB_INLINE double log_cosh(double e) {
  return fabs(e) + log1p(exp(-2 * fabs(e))) - 0.69314718055994530942;
}

LDB_INLINE double binary(double p, double t) {
  return -t * log(p) - (1 - t) * log1p(-p);
}

LDB_INLINE double sigmoid(double z) {
  if (z >= 0) return 1 / (1 + exp(-z));
  const double u = exp(z);
  return u / (1 + u);
}

LDB_INLINE double wide_total(const double lane[WIDE]) {
  return ((lane[0] + lane[1]) + (lane[2] + lane[3])) + ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

#define T float
#define NAME(x) x##_f32
#include "kernels/reduce/loss_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/reduce/loss_generic.h"
#undef T
#undef NAME

/* Binary cross-entropy of f32 logits in f32: max(z, 0) - z t + log(1 + exp(-|z|)) of each element
   keeps its digits there, and exp and log are vector code. */
LDB_INLINE float binary_logit(float z, float t, float smoothing) {
  return (z < 0 ? 0 : z) - z * (t * (1 - smoothing) + 0.5F * smoothing) +
         ldb_log1p_unit_f32(ldb_exp_f32(-fabsf(z)));
}

/* its slope: sigmoid(z) - t */
LDB_INLINE float binary_logit_slope(float z, float t, float smoothing) {
  const float e = ldb_exp_f32(-fabsf(z)), p = (z < 0 ? e : 1) / (1 + e);
  return p - (t * (1 - smoothing) + 0.5F * smoothing);
}

LDB_CLONES static void binary_logits(int64_t n, int64_t width, const float *restrict pred,
                                     const float *restrict target, float smoothing,
                                     float *restrict loss) {
  if (width == 1) {
    for (int64_t r = 0; r < n; r++)
      loss[r] = binary_logit(pred[r], target[r], smoothing);
    return;
  }
  for (int64_t r = 0; r < n; r++, pred += width, target += width) {
    double sum;
    ROW_SUM(float, fold_f32, width, sum, binary_logit(pred[i], target[i], smoothing));
    loss[r] = (float)(sum / (double)width);
  }
}

LDB_CLONES static void binary_logits_slopes(int64_t n, int64_t width, const float *restrict pred,
                                            const float *restrict target, float smoothing,
                                            const float *restrict gloss, float *restrict gpred) {
  if (width == 1) {
    for (int64_t r = 0; r < n; r++)
      gpred[r] = gloss[r] * binary_logit_slope(pred[r], target[r], smoothing);
    return;
  }
  for (int64_t r = 0; r < n; r++, pred += width, target += width, gpred += width) {
    const float g = gloss[r] / (float)width;
    for (int64_t j = 0; j < width; j++)
      gpred[j] = g * binary_logit_slope(pred[j], target[j], smoothing);
  }
}

void ldb_loss_rows(ldb_loss kind, ldb_dtype t, int64_t n, int64_t width, const void *pred,
                   const void *target, double a, void *loss) {
  if (t == LDB_F32 && kind == LDB_LOSS_BINARY_LOGITS)
    binary_logits(n, width, pred, target, (float)a, loss);
  else if (t == LDB_F32)
    loss_rows_f32(kind, n, width, pred, target, a, loss);
  else
    loss_rows_f64(kind, n, width, pred, target, a, loss);
}

void ldb_loss_rows_backward(ldb_loss kind, ldb_dtype t, int64_t n, int64_t width, const void *pred,
                            const void *target, double a, const void *gloss, void *gpred) {
  if (t == LDB_F32 && kind == LDB_LOSS_BINARY_LOGITS)
    binary_logits_slopes(n, width, pred, target, (float)a, gloss, gpred);
  else if (t == LDB_F32)
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

/* Cross-entropies of rows, shared among threads. */
typedef struct job {
  ldb_dtype t;
  bool logits;
  int64_t n, width, per; /* rows of a task */
  const void *pred, *gloss;
  const ldb_distribution *w;
  double *lse;
  void *to; /* loss, or with gloss the gradient */
} job;

static void run(void *arg, int64_t task, int worker) {
  const job *j = arg;
  const int64_t first = task * j->per, end = first + j->per < j->n ? first + j->per : j->n;
  (void)worker;
  if (j->t == LDB_F32) {
    if (j->gloss)
      crossentropy_slopes_f32(j->logits, first, end, j->width, j->pred, j->w, j->lse, j->gloss,
                              j->to);
    else
      crossentropy_f32(j->logits, first, end, j->width, j->pred, j->w, j->lse, j->to);
  } else {
    if (j->gloss)
      crossentropy_slopes_f64(j->logits, first, end, j->width, j->pred, j->w, j->lse, j->gloss,
                              j->to);
    else
      crossentropy_f64(j->logits, first, end, j->width, j->pred, j->w, j->lse, j->to);
  }
}

static void share(ldb_team *team, job *j) {
  j->per = j->width < TASK ? TASK / j->width : 1;
  ldb_team_run(team, (j->n + j->per - 1) / j->per, (double)j->n * (double)j->width, run, j);
}

void ldb_crossentropy(ldb_team *team, ldb_dtype t, bool logits, int64_t n, int64_t width,
                      const void *pred, const ldb_distribution *w, double *lse, void *loss) {
  job j = {.t = t, .logits = logits, .n = n, .width = width, .pred = pred, .w = w, .lse = lse};
  j.to = loss;
  share(team, &j);
}

void ldb_crossentropy_backward(ldb_team *team, ldb_dtype t, bool logits, int64_t n, int64_t width,
                               const void *pred, const ldb_distribution *w, const double *lse,
                               const void *gloss, void *gpred) {
  job j = {.t = t, .logits = logits, .n = n, .width = width, .pred = pred, .w = w, .gloss = gloss};
  j.lse = (double *)(uintptr_t)lse; /* only read */
  j.to = gpred;
  share(team, &j);
}
