/*
** Optimiser rules for one element type. Included twice by optimizer.c, after the pass that calls
** them: a rule turns one gradient into one step and updates its slots.
*/

LDB_INLINE T NAME(sgd)(const NAME(rates) * c, T g, T s[3]) {
  (void)s;
  return c->lr * g;
}
#define STEP NAME(sgd)
#define LOOP(x) NAME(sgd_##x)
#define SLOTS 0
#include "train/optimizer_loop_generic.h"

/* Keras */
LDB_INLINE T NAME(momentum)(const NAME(rates) * c, T g, T s[3]) {
  s[0] = c->keep * s[0] - c->lr * g;
  return -s[0];
}
#define STEP NAME(momentum)
#define LOOP(x) NAME(momentum_##x)
#define SLOTS 1
#include "train/optimizer_loop_generic.h"

LDB_INLINE T NAME(nesterov)(const NAME(rates) * c, T g, T s[3]) {
  s[0] = c->keep * s[0] - c->lr * g;
  return c->lr * g - c->keep * s[0];
}
#define STEP NAME(nesterov)
#define LOOP(x) NAME(nesterov_##x)
#define SLOTS 1
#include "train/optimizer_loop_generic.h"

/* PyTorch; keep2 is the momentum also at the first step */
LDB_INLINE T NAME(torch_momentum)(const NAME(rates) * c, T g, T s[3]) {
  s[0] = c->keep * s[0] + c->take * g;
  return c->lr * s[0];
}
#define STEP NAME(torch_momentum)
#define LOOP(x) NAME(torch_momentum_##x)
#define SLOTS 1
#include "train/optimizer_loop_generic.h"

LDB_INLINE T NAME(torch_nesterov)(const NAME(rates) * c, T g, T s[3]) {
  s[0] = c->keep * s[0] + c->take * g;
  return c->lr * (g + c->keep2 * s[0]);
}
#define STEP NAME(torch_nesterov)
#define LOOP(x) NAME(torch_nesterov_##x)
#define SLOTS 1
#include "train/optimizer_loop_generic.h"

static void NAME(update_sgd)(const ldb_parameter *p, const ldb_sgd *h, void *velocity,
                             ldb_update_stats *stats) {
  const NAME(rule) *const keras = h->nesterov ? &NAME(nesterov_rule) : &NAME(momentum_rule);
  const NAME(rule) *const torch =
      h->nesterov ? &NAME(torch_nesterov_rule) : &NAME(torch_momentum_rule);
  const bool first = h->flavor == LDB_TORCH && h->first;
  const NAME(rates) c = {.lr = (T)h->lr,
                         .keep = first ? 0 : (T)h->momentum,
                         .take = first ? 1 : (T)(1.0 - h->dampening),
                         .keep2 = (T)h->momentum};
  void *const slots[3] = {velocity, NULL, NULL};
  const NAME(rule) *rule = h->flavor == LDB_KERAS ? keras : torch;
  NAME(update)(p, velocity == NULL ? &NAME(sgd_rule) : rule, &c, slots, stats);
}

/* g / (sqrt(V + inside) + outside): inside for Keras, outside for PyTorch, the other is 0 */
LDB_INLINE T NAME(rmsprop)(const NAME(rates) * c, T g, T s[3]) {
  s[0] = c->keep * s[0] + c->take * (g * g);
  return c->lr * g / (SQRT(s[0] + c->inside) + c->outside);
}
#define STEP NAME(rmsprop)
#define LOOP(x) NAME(rmsprop_##x)
#define SLOTS 1
#include "train/optimizer_loop_generic.h"

LDB_INLINE T NAME(centered)(const NAME(rates) * c, T g, T s[3]) {
  s[0] = c->keep * s[0] + c->take * (g * g);
  s[1] = c->keep * s[1] + c->take * g;
  return c->lr * g / (SQRT(s[0] - s[1] * s[1] + c->inside) + c->outside);
}
#define STEP NAME(centered)
#define LOOP(x) NAME(centered_##x)
#define SLOTS 2
#include "train/optimizer_loop_generic.h"

/* With momentum keep2; lr is applied before it by Keras (take2 is 1) and after it by PyTorch (lr is
   1). */
LDB_INLINE T NAME(heavy)(const NAME(rates) * c, T g, T s[3]) {
  T r[3] = {s[0], 0, 0};
  s[1] = c->keep2 * s[1] + NAME(rmsprop)(c, g, r);
  s[0] = r[0];
  return c->take2 * s[1];
}
#define STEP NAME(heavy)
#define LOOP(x) NAME(heavy_##x)
#define SLOTS 2
#include "train/optimizer_loop_generic.h"

LDB_INLINE T NAME(heavy_centered)(const NAME(rates) * c, T g, T s[3]) {
  s[2] = c->keep2 * s[2] + NAME(centered)(c, g, s);
  return c->take2 * s[2];
}
#define STEP NAME(heavy_centered)
#define LOOP(x) NAME(heavy_centered_##x)
#define SLOTS 3
#include "train/optimizer_loop_generic.h"

static void NAME(update_rmsprop)(const ldb_parameter *p, const ldb_rmsprop *h, void *square,
                                 void *average, void *buffer, ldb_update_stats *stats) {
  const bool keras = h->flavor == LDB_KERAS, late = !keras && buffer != NULL;
  const NAME(rates) c = {.lr = late ? 1 : (T)h->lr,
                         .keep = (T)h->rho,
                         .take = (T)(1.0 - h->rho),
                         .keep2 = (T)h->momentum,
                         .take2 = late ? (T)h->lr : 1,
                         .inside = keras ? (T)h->eps : 0,
                         .outside = keras ? 0 : (T)h->eps};
  void *const slots[3] = {square, h->centered ? average : buffer, buffer};
  const NAME(rule) *const light = h->centered ? &NAME(centered_rule) : &NAME(rmsprop_rule);
  const NAME(rule) *const heavy = h->centered ? &NAME(heavy_centered_rule) : &NAME(heavy_rule);
  NAME(update)(p, buffer == NULL ? light : heavy, &c, slots, stats);
}

/* take, take2: 1 - beta1, 1 - beta2; lr and outside hold the corrections of both moments */
LDB_INLINE T NAME(adam)(const NAME(rates) * c, T g, T s[3]) {
  s[0] += (g - s[0]) * c->take;
  s[1] += (g * g - s[1]) * c->take2;
  return c->lr * s[0] / (SQRT(s[1]) + c->outside);
}
#define STEP NAME(adam)
#define LOOP(x) NAME(adam_##x)
#define SLOTS 2
#include "train/optimizer_loop_generic.h"

LDB_INLINE T NAME(amsgrad)(const NAME(rates) * c, T g, T s[3]) {
  s[0] += (g - s[0]) * c->take;
  s[1] += (g * g - s[1]) * c->take2;
  s[2] = s[1] <= s[2] ? s[2] : s[1]; /* a NaN in v stays a NaN */
  return c->lr * s[0] / (SQRT(s[2]) + c->outside);
}
#define STEP NAME(amsgrad)
#define LOOP(x) NAME(amsgrad_##x)
#define SLOTS 3
#include "train/optimizer_loop_generic.h"

/* PyTorch's lr / c1 m / (sqrt(V) / c2 + eps) is lr c2 / c1 m / (sqrt(V) + c2 eps) */
static void NAME(update_adam)(const ldb_parameter *p, const ldb_adam *h, void *m, void *v,
                              void *maximum, ldb_update_stats *stats) {
  const double c1 = 1.0 - pow(h->beta1, (double)h->step);
  const double c2 = sqrt(1.0 - pow(h->beta2, (double)h->step));
  const NAME(rates) c = {.lr = (T)(h->lr * c2 / c1),
                         .take = (T)(1.0 - h->beta1),
                         .take2 = (T)(1.0 - h->beta2),
                         .outside = (T)(h->flavor == LDB_KERAS ? h->eps : h->eps * c2)};
  void *const slots[3] = {m, v, maximum};
  NAME(update)(p, maximum == NULL ? &NAME(adam_rule) : &NAME(amsgrad_rule), &c, slots, stats);
}

LDB_INLINE T NAME(adagrad)(const NAME(rates) * c, T g, T s[3]) {
  s[0] += g * g;
  return c->lr * g / (SQRT(s[0] + c->inside) + c->outside);
}
#define STEP NAME(adagrad)
#define LOOP(x) NAME(adagrad_##x)
#define SLOTS 1
#include "train/optimizer_loop_generic.h"

static void NAME(update_adagrad)(const ldb_parameter *p, const ldb_adagrad *h, void *square,
                                 ldb_update_stats *stats) {
  const bool keras = h->flavor == LDB_KERAS;
  const double slower = keras ? 1.0 : 1.0 + ((double)h->step - 1.0) * h->lr_decay;
  const NAME(rates) c = {
      .lr = (T)(h->lr / slower), .inside = keras ? (T)h->eps : 0, .outside = keras ? 0 : (T)h->eps};
  void *const slots[3] = {square, NULL, NULL};
  NAME(update)(p, &NAME(adagrad_rule), &c, slots, stats);
}
