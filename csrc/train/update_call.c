#include "train/update_call.h"

#include <math.h>
#include <string.h>

#include "train/clip.h"

/* Where the statistics go. */
static ldb_update_stats *measured(ldb_update_call *c) {
  return c->silent ? NULL : &c->stats;
}

/* ---- rules ----------------------------------------------------------------------------------- */

static void apply_sgd(ldb_update_call *c) {
  ldb_sgd_update(&c->p, &c->hyper.sgd, c->slot[0], measured(c));
}
static void set_sgd(ldb_update_call *c, double lr, uint64_t step) {
  c->hyper.sgd.lr = lr;
  c->hyper.sgd.first = step == 1;
}

static void apply_rmsprop(ldb_update_call *c) {
  ldb_rmsprop_update(&c->p, &c->hyper.rmsprop, c->slot[0], c->slot[1], c->slot[2], measured(c));
}
static void set_rmsprop(ldb_update_call *c, double lr, uint64_t step) {
  (void)step;
  c->hyper.rmsprop.lr = lr;
}

static void set_adam(ldb_update_call *c, double lr, uint64_t step) {
  c->hyper.adam.lr = lr;
  c->hyper.adam.step = step;
}
static void apply_adam(ldb_update_call *c) {
  ldb_adam_update(&c->p, &c->hyper.adam, c->slot[0], c->slot[1], c->slot[2], measured(c));
}
static void apply_adamax(ldb_update_call *c) {
  ldb_adamax_update(&c->p, &c->hyper.adam, c->slot[0], c->slot[1], measured(c));
}
static void apply_radam(ldb_update_call *c) {
  ldb_radam_update(&c->p, &c->hyper.adam, c->slot[0], c->slot[1], measured(c));
}
static void apply_lamb(ldb_update_call *c) {
  ldb_lamb_update(&c->p, &c->hyper.adam, c->slot[0], c->slot[1], measured(c));
}

static void apply_adagrad(ldb_update_call *c) {
  ldb_adagrad_update(&c->p, &c->hyper.adagrad, c->slot[0], measured(c));
}
static void set_adagrad(ldb_update_call *c, double lr, uint64_t step) {
  c->hyper.adagrad.lr = lr;
  c->hyper.adagrad.step = step;
}

static void apply_adadelta(ldb_update_call *c) {
  ldb_adadelta_update(&c->p, &c->hyper.adadelta, c->slot[0], c->slot[1], measured(c));
}
static void set_adadelta(ldb_update_call *c, double lr, uint64_t step) {
  (void)step;
  c->hyper.adadelta.lr = lr;
}

/* Lua's x ^ y, which squares by multiplying. */
static double power(double x, double y) {
  return y == 2.0 ? x * x : pow(x, y);
}

/* mu_t = beta1 (1 - 0.96^t / 2); in PyTorch t momentum_decay takes the place of t. */
static double nadam_momentum(const ldb_update_call *c, uint64_t step) {
  const ldb_adam *h = &c->hyper.nadam.adam;
  const double t = (double)step;
  return h->beta1 * (1.0 - 0.5 * power(0.96, h->flavor == LDB_TORCH ? t * c->momentum_decay : t));
}

static void apply_nadam(ldb_update_call *c) {
  ldb_nadam_update(&c->p, &c->hyper.nadam, c->slot[0], c->slot[1], measured(c));
}
static void set_nadam(ldb_update_call *c, double lr, uint64_t step) {
  if (c->product_step == 0 || c->product_step > step) {
    c->product_step = 0;
    c->product = 1.0;
  }
  while (c->product_step < step)
    c->product *= nadam_momentum(c, ++c->product_step);
  c->hyper.nadam.adam.lr = lr;
  c->hyper.nadam.adam.step = step;
  c->hyper.nadam.mu = nadam_momentum(c, step);
  c->hyper.nadam.mu_next = nadam_momentum(c, step + 1);
  c->hyper.nadam.product = c->product;
}

static void apply_lion(ldb_update_call *c) {
  ldb_lion_update(&c->p, &c->hyper.lion, c->slot[0], measured(c));
}
static void set_lion(ldb_update_call *c, double lr, uint64_t step) {
  (void)step;
  c->hyper.lion.lr = lr;
}

static void apply_adafactor(ldb_update_call *c) {
  ldb_adafactor_update(&c->p, &c->hyper.adafactor, c->slot[0], c->slot[1], c->slot[2], measured(c));
}
static void set_adafactor(ldb_update_call *c, double lr, uint64_t step) {
  c->hyper.adafactor.lr = lr;
  c->hyper.adafactor.step = step;
}

const ldb_rule ldb_update_rules[LDB_RULE_COUNT] = {
    [LDB_RULE_SGD] = {"sgd", apply_sgd, set_sgd, true},
    [LDB_RULE_RMSPROP] = {"rmsprop", apply_rmsprop, set_rmsprop, false},
    [LDB_RULE_ADAM] = {"adam", apply_adam, set_adam, true},
    [LDB_RULE_ADAGRAD] = {"adagrad", apply_adagrad, set_adagrad, true},
    [LDB_RULE_ADADELTA] = {"adadelta", apply_adadelta, set_adadelta, false},
    [LDB_RULE_ADAMAX] = {"adamax", apply_adamax, set_adam, true},
    [LDB_RULE_RADAM] = {"radam", apply_radam, set_adam, true},
    [LDB_RULE_LAMB] = {"lamb", apply_lamb, set_adam, true},
    [LDB_RULE_NADAM] = {"nadam", apply_nadam, set_nadam, true},
    [LDB_RULE_LION] = {"lion", apply_lion, set_lion, false},
    [LDB_RULE_ADAFACTOR] = {"adafactor", apply_adafactor, set_adafactor, true},
};

ldb_status ldb_do_update(void *update_call, ldb_error *e) {
  ldb_update_call *c = update_call;
  (void)e;
  memset(&c->stats, 0, sizeof c->stats);
  c->rule->apply(c);
  return LDB_OK;
}

void ldb_update_set(ldb_update_call *c, double lr, uint64_t step) {
  c->rule->set(c, lr, step);
  c->p.l2 = c->decoupled ? 0.0 : c->weight_decay;
  c->p.decay = c->decoupled ? lr * c->weight_decay : 0.0;
}

/* ---- clipping -------------------------------------------------------------------------------- */

static void clip_values(ldb_clip_call *c) {
  c->changed = 0;
  for (size_t i = 0; i < c->n; i++)
    c->changed +=
        ldb_clip_value(c->item[i].dtype, c->item[i].n, c->item[i].data, -c->limit, c->limit);
}

static void clip_norms(ldb_clip_call *c) {
  c->changed = 0;
  for (size_t i = 0; i < c->n; i++) {
    const ldb_flat *t = &c->item[i];
    const double norm = sqrt(ldb_sum_squares(t->dtype, t->n, t->data));
    const double factor = ldb_clip_factor(norm, c->limit, c->flavor, false);
    ldb_scale(t->dtype, t->n, t->data, factor);
    c->changed += factor < 1.0;
  }
}

static void measure(ldb_clip_call *c) {
  double total = 0.0;
  for (size_t i = 0; i < c->n; i++)
    total += ldb_sum_squares(c->item[i].dtype, c->item[i].n, c->item[i].data);
  c->norm = sqrt(total);
}

ldb_status ldb_do_clip(void *clip_call, ldb_error *e) {
  ldb_clip_call *c = clip_call;
  (void)e;
  switch (c->kind) {
  case LDB_CLIP_VALUE:
    clip_values(c);
    break;
  case LDB_CLIP_NORM:
    clip_norms(c);
    break;
  case LDB_CLIP_GLOBAL:
    measure(c);
    c->factor = ldb_clip_factor(c->norm, c->limit, c->flavor, true);
    for (size_t i = 0; i < c->n; i++)
      ldb_scale(c->item[i].dtype, c->item[i].n, c->item[i].data, c->factor);
    break;
  case LDB_CLIP_MEASURE:
    measure(c);
    break;
  }
  return LDB_OK;
}
