/*
** Rules of optimizer_adaptive.h for one element type; see optimizer_pass_generic.h.
*/

/* outside: eps of both roots */
LDB_INLINE T NAME(adadelta)(const NAME(rates) * c, T g, T s[3]) {
  s[0] = c->keep * s[0] + c->take * (g * g);
  const T u = SQRT(s[1] + c->outside) / SQRT(s[0] + c->outside) * g;
  s[1] = c->keep * s[1] + c->take * (u * u);
  return c->lr * u;
}
#define STEP NAME(adadelta)
#define LOOP(x) NAME(adadelta_##x)
#define SLOTS 2
#include "train/optimizer_loop_generic.h"

static void NAME(update_adadelta)(const ldb_parameter *p, const ldb_adadelta *h, void *square,
                                  void *delta, ldb_update_stats *stats) {
  const NAME(rates)
      c = {.lr = (T)h->lr, .keep = (T)h->rho, .take = (T)(1.0 - h->rho), .outside = (T)h->eps};
  void *const slots[3] = {square, delta, NULL};
  NAME(update)(p, &NAME(adadelta_rule), &c, slots, stats);
}

LDB_INLINE T NAME(adamax)(const NAME(rates) * c, T g, T s[3]) {
  s[0] += (g - s[0]) * c->take;
  const T old = c->keep2 * s[1], now = FABS(g) + c->inside;
  s[1] = old >= now || old != old ? old : now; /* a NaN of either stays */
  return c->lr * s[0] / (s[1] + c->outside);
}
#define STEP NAME(adamax)
#define LOOP(x) NAME(adamax_##x)
#define SLOTS 2
#include "train/optimizer_loop_generic.h"

static void NAME(update_adamax)(const ldb_parameter *p, const ldb_adam *h, void *m, void *u,
                                ldb_update_stats *stats) {
  const bool keras = h->flavor == LDB_KERAS;
  const NAME(rates) c = {.lr = (T)(h->lr / (1.0 - pow(h->beta1, (double)h->step))),
                         .take = (T)(1.0 - h->beta1),
                         .keep2 = (T)h->beta2,
                         .inside = keras ? 0 : (T)h->eps,
                         .outside = keras ? (T)h->eps : 0};
  void *const slots[3] = {m, u, NULL};
  NAME(update)(p, &NAME(adamax_rule), &c, slots, stats);
}

/* lr of m, inside of g */
LDB_INLINE T NAME(nadam)(const NAME(rates) * c, T g, T s[3]) {
  s[0] += (g - s[0]) * c->take;
  s[1] += (g * g - s[1]) * c->take2;
  return (c->lr * s[0] + c->inside * g) / (SQRT(s[1]) + c->outside);
}
#define STEP NAME(nadam)
#define LOOP(x) NAME(nadam_##x)
#define SLOTS 2
#include "train/optimizer_loop_generic.h"

static void NAME(update_nadam)(const ldb_parameter *p, const ldb_nadam *h, void *m, void *v,
                               ldb_update_stats *stats) {
  const double root = sqrt(1.0 - pow(h->adam.beta2, (double)h->adam.step)), lr = h->adam.lr * root;
  const NAME(rates) c = {.lr = (T)(lr * h->mu_next / (1.0 - h->product * h->mu_next)),
                         .inside = (T)(lr * (1.0 - h->mu) / (1.0 - h->product)),
                         .take = (T)(1.0 - h->adam.beta1),
                         .take2 = (T)(1.0 - h->adam.beta2),
                         .outside = (T)(h->adam.eps * root)};
  void *const slots[3] = {m, v, NULL};
  NAME(update)(p, &NAME(nadam_rule), &c, slots, stats);
}

LDB_INLINE T NAME(radam)(const NAME(rates) * c, T g, T s[3]) {
  s[0] += (g - s[0]) * c->take;
  s[1] += (g * g - s[1]) * c->take2;
  return c->lr * s[0] / (SQRT(s[1]) + c->outside);
}
#define STEP NAME(radam)
#define LOOP(x) NAME(radam_##x)
#define SLOTS 2
#include "train/optimizer_loop_generic.h"

/* The first steps, whose v is too uncertain to divide by. */
LDB_INLINE T NAME(radam_early)(const NAME(rates) * c, T g, T s[3]) {
  s[0] += (g - s[0]) * c->take;
  s[1] += (g * g - s[1]) * c->take2;
  return c->lr * s[0];
}
#define STEP NAME(radam_early)
#define LOOP(x) NAME(radam_early_##x)
#define SLOTS 2
#include "train/optimizer_loop_generic.h"

static void NAME(update_radam)(const ldb_parameter *p, const ldb_adam *h, void *m, void *v,
                               ldb_update_stats *stats) {
  const double t = (double)h->step, power = pow(h->beta2, t), c2 = 1.0 - power;
  const double rate = h->lr / (1.0 - pow(h->beta1, t));
  const double limit = 2.0 / (1.0 - h->beta2) - 1.0, length = limit - 2.0 * t * power / c2;
  const double share =
      (length - 4.0) * (length - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * length);
  const bool late = length > 5.0;
  const NAME(rates) c = {.lr = (T)(late ? rate * sqrt(share) * sqrt(c2) : rate),
                         .take = (T)(1.0 - h->beta1),
                         .take2 = (T)(1.0 - h->beta2),
                         .outside = (T)h->eps};
  void *const slots[3] = {m, v, NULL};
  NAME(update)(p, late ? &NAME(radam_rule) : &NAME(radam_early_rule), &c, slots, stats);
}

LDB_INLINE T NAME(lion)(const NAME(rates) * c, T g, T s[3]) {
  const T mixed = c->keep * s[0] + c->take * g;
  s[0] = c->keep2 * s[0] + c->take2 * g;
  return mixed > 0 ? c->lr : mixed < 0 ? -c->lr : mixed; /* NaN stays NaN */
}
#define STEP NAME(lion)
#define LOOP(x) NAME(lion_##x)
#define SLOTS 1
#include "train/optimizer_loop_generic.h"

static void NAME(update_lion)(const ldb_parameter *p, const ldb_lion *h, void *m,
                              ldb_update_stats *stats) {
  const NAME(rates) c = {.lr = (T)h->lr,
                         .keep = (T)h->beta1,
                         .take = (T)(1.0 - h->beta1),
                         .keep2 = (T)h->beta2,
                         .take2 = (T)(1.0 - h->beta2)};
  void *const slots[3] = {m, NULL, NULL};
  NAME(update)(p, &NAME(lion_rule), &c, slots, stats);
}

/* ---- LAMB ------------------------------------------------------------------------------------ */

/* lr: trust ratio times rate; the moments are those of this step already */
LDB_INLINE T NAME(lamb)(const NAME(rates) * c, T g, T s[3]) {
  (void)g;
  return c->lr * s[0] / (SQRT(s[1]) + c->outside);
}
#define STEP NAME(lamb)
#define LOOP(x) NAME(lamb_##x)
#define SLOTS 2
#include "train/optimizer_loop_generic.h"

/* The moments of this step, and u. */
LDB_CLONES static void NAME(moments)(const NAME(rates) * rates, int64_t n, const T *restrict g,
                                     T *restrict m, T *restrict v, T *restrict u) {
  const NAME(rates) c = *rates;
  for (int64_t i = 0; i < n; i++) {
    m[i] += (g[i] - m[i]) * c.take;
    v[i] += (g[i] * g[i] - v[i]) * c.take2;
    u[i] = c.lr * m[i] / (SQRT(v[i]) + c.outside);
  }
}

static void NAME(update_lamb)(const ldb_parameter *p, const ldb_adam *h, void *m, void *v,
                              ldb_update_stats *stats) {
  const double c1 = 1.0 - pow(h->beta1, (double)h->step);
  const double c2 = sqrt(1.0 - pow(h->beta2, (double)h->step)), rate = c2 / c1;
  NAME(rates)
  c = {.lr = (T)rate,
       .take = (T)(1.0 - h->beta1),
       .take2 = (T)(1.0 - h->beta2),
       .outside = (T)(h->eps * c2)};
  T u[BLOCK];
  double u_sq = 0.0, w_sq = 0.0;
  const int64_t count = (int64_t)p->n;
  for (int64_t at = 0; at < count; at += BLOCK) {
    const int64_t n = count - at < BLOCK ? count - at : BLOCK;
    NAME(moments)(&c, n, (const T *)p->g + at, (T *)m + at, (T *)v + at, u);
    u_sq += NAME(squares)(n, u, NULL);
    w_sq += NAME(squares)(n, (const T *)p->w + at, NULL);
  }
  const double w_norm = sqrt(w_sq) * fabs(1.0 - p->decay), u_norm = sqrt(u_sq);
  c.lr = (T)(rate * h->lr * (w_norm > 0.0 && u_norm > 0.0 ? w_norm / u_norm : 1.0));
  void *const slots[3] = {m, v, NULL};
  NAME(update)(p, &NAME(lamb_rule), &c, slots, stats);
}

/* ---- Adafactor ------------------------------------------------------------------------------- */

/* keep of the old mean, 1 - keep of the new: in row[rows] and column[columns] of one matrix */
LDB_CLONES static void NAME(factor)(const ldb_adafactor *h, double keep, double added,
                                    const T *restrict g, T *restrict row, T *restrict column) {
  enum { WIDTH = 64 };
  for (size_t i = 0; i < h->rows; i++) {
    const double sum = NAME(squares)((int64_t)h->columns, g + i * h->columns, NULL);
    row[i] = (T)(keep * (double)row[i] + (1.0 - keep) * (sum / (double)h->columns + added));
  }
  for (size_t from = 0; from < h->columns; from += WIDTH) {
    const size_t n = h->columns - from < WIDTH ? h->columns - from : WIDTH;
    double sum[WIDTH] = {0};
    for (size_t i = 0; i < h->rows; i++)
      for (size_t j = 0; j < n; j++) {
        const double x = (double)g[i * h->columns + from + j];
        sum[j] += x * x;
      }
    for (size_t j = 0; j < n; j++) {
      const double mean = sum[j] / (double)h->rows + added;
      column[from + j] = (T)(keep * (double)column[from + j] + (1.0 - keep) * mean);
    }
  }
}

/* v = row column / mean(row) of one matrix */
LDB_CLONES static void NAME(outer)(const ldb_adafactor *h, const T *restrict row,
                                   const T *restrict column, T *restrict v) {
  double sum = 0.0;
  for (size_t i = 0; i < h->rows; i++)
    sum += (double)row[i];
  double mean = sum / (double)h->rows;
  if (h->flavor == LDB_TORCH && mean < h->eps1) mean = h->eps1;
  for (size_t i = 0; i < h->rows; i++) {
    const T share = (T)((double)row[i] / mean);
    for (size_t j = 0; j < h->columns; j++)
      v[i * h->columns + j] = share * column[j];
  }
}

static void NAME(adafactor_squares)(const ldb_parameter *p, const ldb_adafactor *h, T *row,
                                    T *column, T *v) {
  const double keep = 1.0 - pow((double)h->step, h->beta2_decay);
  const double added = h->flavor == LDB_KERAS ? h->eps1 : 0.0;
  const T *g = p->g;
  if (row != NULL) {
    for (size_t k = 0; k < h->matrices; k++) {
      const size_t at = k * h->rows * h->columns;
      T *r = row + k * h->rows, *c = column + k * h->columns;
      NAME(factor)(h, keep, added, g + at, r, c);
      NAME(outer)(h, r, c, v + at);
    }
  } else {
    const T old = (T)keep, now = (T)(1.0 - keep), eps = (T)added;
    for (size_t i = 0; i < p->n; i++)
      v[i] = old * v[i] + now * (g[i] * g[i] + eps);
  }
}

/* u = g / sqrt(v), v at least `inside`; lr: everything that multiplies u */
LDB_INLINE T NAME(adafactor)(const NAME(rates) * c, T g, T s[3]) {
  return c->lr * (g / SQRT(s[0] < c->inside ? c->inside : s[0]));
}
#define STEP NAME(adafactor)
#define LOOP(x) NAME(adafactor_##x)
#define SLOTS 1
#include "train/optimizer_loop_generic.h"

LDB_CLONES static void NAME(scaled)(int64_t n, T least, const T *restrict g, const T *restrict v,
                                    T *restrict u) {
  for (int64_t i = 0; i < n; i++)
    u[i] = g[i] / SQRT(v[i] < least ? least : v[i]);
}

static void NAME(update_adafactor)(const ldb_parameter *p, const ldb_adafactor *h, void *row,
                                   void *column, void *v, ldb_update_stats *stats) {
  const T least = (T)(h->flavor == LDB_TORCH ? h->eps1 * h->eps1 : 0.0);
  T u[BLOCK];
  double u_sq = 0.0, w_sq = 0.0;
  const int64_t count = (int64_t)p->n;
  const double size = (double)(p->n > 0 ? p->n : 1);
  NAME(adafactor_squares)(p, h, row, column, v);
  for (int64_t at = 0; at < count; at += BLOCK) {
    const int64_t n = count - at < BLOCK ? count - at : BLOCK;
    NAME(scaled)(n, least, (const T *)p->g + at, (const T *)v + at, u);
    u_sq += NAME(squares)(n, u, NULL);
    w_sq += NAME(squares)(n, (const T *)p->w + at, NULL);
  }
  const double left = h->flavor == LDB_KERAS ? fabs(1.0 - p->decay) : 1.0;
  const double w_rms = sqrt(w_sq / size) * left, excess = sqrt(u_sq / size) / h->clip;
  const double slow = 1.0 / sqrt((double)h->step);
  const double rho = h->lr < slow ? h->lr : slow;
  /* written so that a NaN passes */
  const double rate = rho * (w_rms <= h->eps2 ? h->eps2 : w_rms) / (excess <= 1.0 ? 1.0 : excess);
  const NAME(rates) c = {.lr = (T)rate, .inside = least};
  void *const slots[3] = {v, NULL, NULL};
  NAME(update)(p, &NAME(adafactor_rule), &c, slots, stats);
}
