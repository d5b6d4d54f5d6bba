/*
** The optimisers: one row each. A new one is its update (optimizer.h, optimizer_adaptive.h), its
** row here, and its place in the list at the end.
*/
#include <float.h>
#include <math.h>

#include "train/update_call.h"

#define PLACE(field) offsetof(ldb_update_call, field)
#define NONE ((double)NAN)

/* name, aliases, limits with open ends, defaults of Keras and PyTorch, place */
#define SHARE(n, also, keras, torch, field, text)                             \
  {                                                                           \
    .name = n, .aliases = also, .least = 0.0, .most = 1.0, .open_most = true, \
    .standard = {keras, torch}, .place = PLACE(field), .doc = text            \
  }
#define NUMBER(n, also, keras, torch, field, text)                                          \
  {                                                                                         \
    .name = n, .aliases = also, .least = 0.0, .most = HUGE_VAL, .standard = {keras, torch}, \
    .place = PLACE(field), .doc = text                                                      \
  }
#define FLAG(n, field, text) \
  { .name = n, .flag = true, .place = PLACE(field), .doc = text }

/* Where the statistics go. */
static ldb_update_stats *measured(ldb_update_call *c) {
  return c->silent ? NULL : &c->stats;
}

static void apply_sgd(ldb_update_call *c) {
  ldb_sgd_update(&c->p, &c->hyper.sgd, c->slot[0], measured(c));
}
static void set_sgd(ldb_update_call *c, double lr, uint64_t step) {
  c->hyper.sgd.flavor = c->flavor;
  c->hyper.sgd.lr = lr;
  c->hyper.sgd.first = step == 1;
}

static void apply_rmsprop(ldb_update_call *c) {
  ldb_rmsprop_update(&c->p, &c->hyper.rmsprop, c->slot[0], c->slot[1], c->slot[2], measured(c));
}
static void set_rmsprop(ldb_update_call *c, double lr, uint64_t step) {
  (void)step;
  c->hyper.rmsprop.flavor = c->flavor;
  c->hyper.rmsprop.lr = lr;
}

static void set_adam(ldb_update_call *c, double lr, uint64_t step) {
  c->hyper.adam.flavor = c->flavor;
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
  c->hyper.adagrad.flavor = c->flavor;
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
  c->hyper.nadam.adam.flavor = c->flavor;
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
  ldb_adafactor *const h = &c->hyper.adafactor;
  h->flavor = c->flavor;
  h->lr = lr;
  h->step = step;
  h->rows = c->rows;
  h->columns = c->columns;
  h->matrices = c->rows > 0 && c->columns > 0 ? c->p.n / (c->rows * c->columns) : 0;
  if (isnan(h->eps1)) h->eps1 = c->p.dtype == LDB_F64 ? DBL_EPSILON : FLT_EPSILON;
}

/* ---- rows ------------------------------------------------------------------------------------ */

#define END \
  { .name = NULL }
#define EPSILON(keras, torch, field) \
  NUMBER("epsilon", "eps", keras, torch, field, "added to the root that divides the step")
#define BETA1(field) SHARE("beta1", "beta_1", 0.9, 0.9, field, "what is kept of the mean gradient")
#define BETA2(value, field) \
  SHARE("beta2", "beta_2", value, value, field, "what is kept of the mean square")
#define BOTH \
  { true, true }
#define ONLY_KERAS \
  { true, false }
#define ONLY_TORCH \
  { false, true }

static const ldb_hyper sgd_hypers[] = {
    SHARE("momentum", NULL, 0.0, 0.0, hyper.sgd.momentum, "what is kept of the velocity"),
    {.name = "nesterov",
     .flag = true,
     .place = PLACE(hyper.sgd.nesterov),
     .doc = "look ahead along the velocity",
     .needs = "momentum",
     .expected = "a momentum > 0",
     .hint = "momentum is 0"},
    {.name = "dampening",
     .most = 1.0,
     .place = PLACE(hyper.sgd.dampening),
     .doc = "what the velocity does not take of the gradient (torch)",
     .torch_only = true,
     .without = "nesterov",
     .expected = "0 unless flavor is 'torch' without nesterov"},
    END};
static const ldb_optimizer sgd = {
    .name = "sgd",
    .doc =
        "Gradient descent. Keras: velocity <- momentum velocity - lr g; PyTorch keeps lr outside.",
    .has = BOTH,
    .lr = {0.01, 1e-3},
    .hypers = sgd_hypers,
    .slots = {{.name = "velocity", .needs = "momentum"}},
    .apply = apply_sgd,
    .set = set_sgd};

static const ldb_hyper rmsprop_hypers[] = {
    SHARE("rho", "alpha", 0.9, 0.99, hyper.rmsprop.rho, "what is kept of the mean square"),
    SHARE("momentum", NULL, 0.0, 0.0, hyper.rmsprop.momentum, "what is kept of the velocity"),
    EPSILON(1e-7, 1e-8, hyper.rmsprop.eps),
    FLAG("centered", hyper.rmsprop.centered,
         "divide by the deviation, not by the root mean square"),
    END};
static const ldb_optimizer rmsprop = {
    .name = "rmsprop",
    .doc = "RMSprop: steps divided by the root of a running mean of g^2.",
    .has = BOTH,
    .lr = {1e-3, 1e-2},
    .hypers = rmsprop_hypers,
    .slots = {{.name = "square"},
              {.name = "average", .needs = "centered"},
              {.name = "buffer", .needs = "momentum"}},
    .apply = apply_rmsprop,
    .set = set_rmsprop};

static const ldb_hyper adam_hypers[] = {
    BETA1(hyper.adam.beta1), BETA2(0.999, hyper.adam.beta2), EPSILON(1e-7, 1e-8, hyper.adam.eps),
    FLAG("amsgrad", amsgrad, "divide by the largest mean square so far"), END};
static const ldb_optimizer adam = {
    .name = "adam",
    .doc = "Adam: the mean gradient over the root of the mean square.",
    .has = BOTH,
    .lr = {1e-3, 1e-3},
    .hypers = adam_hypers,
    .slots = {{.name = "m"}, {.name = "v"}, {.name = "maximum", .needs = "amsgrad"}},
    .apply = apply_adam,
    .set = set_adam};
static const ldb_optimizer adamw = {
    .name = "adamw",
    .doc = "Adam with weight decay taken off the weights, not added to the gradient.",
    .has = BOTH,
    .always_decoupled = true,
    .lr = {1e-3, 1e-3},
    .weight_decay = {4e-3, 1e-2},
    .hypers = adam_hypers,
    .slots = {{.name = "m"}, {.name = "v"}, {.name = "maximum", .needs = "amsgrad"}},
    .apply = apply_adam,
    .set = set_adam};

static const ldb_hyper adagrad_hypers[] = {EPSILON(1e-7, 1e-10, hyper.adagrad.eps),
                                           NUMBER("initial_accumulator",
                                                  "initial_accumulator_value", 0.1, 0.0, initial,
                                                  "what the sum of squares starts from"),
                                           {.name = "lr_decay",
                                            .most = HUGE_VAL,
                                            .place = PLACE(hyper.adagrad.lr_decay),
                                            .doc = "lr / (1 + (step - 1) lr_decay) (torch)",
                                            .torch_only = true,
                                            .expected = "0 unless flavor is 'torch'",
                                            .hint = "use schedule.inverse_time"},
                                           END};
static const ldb_optimizer adagrad = {
    .name = "adagrad",
    .doc = "Adagrad: the rate of each weight falls with the sum of its squared gradients.",
    .has = BOTH,
    .lr = {1e-3, 1e-2},
    .hypers = adagrad_hypers,
    .slots = {{.name = "square", .start = "initial_accumulator"}},
    .apply = apply_adagrad,
    .set = set_adagrad};

static const ldb_hyper adadelta_hypers[] = {
    SHARE("rho", NULL, 0.95, 0.9, hyper.adadelta.rho, "what is kept of the mean squares"),
    EPSILON(1e-7, 1e-6, hyper.adadelta.eps), END};
static const ldb_optimizer adadelta = {
    .name = "adadelta",
    .doc =
        "Adadelta: steps in the units of the weights, from running means of squares. With Keras' "
        "rate of 0.001 it hardly moves; PyTorch's rate is 1.",
    .has = BOTH,
    .lr = {1e-3, 1.0},
    .hypers = adadelta_hypers,
    .slots = {{.name = "square"}, {.name = "delta"}},
    .apply = apply_adadelta,
    .set = set_adadelta};

static const ldb_hyper adamax_hypers[] = {BETA1(hyper.adam.beta1), BETA2(0.999, hyper.adam.beta2),
                                          EPSILON(1e-7, 1e-8, hyper.adam.eps), END};
static const ldb_optimizer adamax = {
    .name = "adamax",
    .doc = "Adamax: Adam with the largest gradient seen in place of the root of the mean square.",
    .has = BOTH,
    .lr = {1e-3, 2e-3},
    .hypers = adamax_hypers,
    .slots = {{.name = "m"}, {.name = "u"}},
    .apply = apply_adamax,
    .set = set_adam};
/* the same hyperparameters */
static const ldb_optimizer radam = {
    .name = "radam",
    .doc = "RAdam: Adam that starts as plain momentum, until its mean of squares can be trusted.",
    .has = ONLY_TORCH,
    .lr = {NONE, 1e-3},
    .hypers = adamax_hypers,
    .slots = {{.name = "m"}, {.name = "v"}},
    .apply = apply_radam,
    .set = set_adam};
static const ldb_optimizer lamb = {
    .name = "lamb",
    .doc = "LAMB: Adam whose step on each parameter is as long as the parameter, times lr.",
    .has = ONLY_KERAS,
    .always_decoupled = true,
    .lr = {1e-3, NONE},
    .hypers = adamax_hypers,
    .slots = {{.name = "m"}, {.name = "v"}},
    .apply = apply_lamb,
    .set = set_adam};

static const ldb_hyper nadam_hypers[] = {BETA1(hyper.nadam.adam.beta1),
                                         BETA2(0.999, hyper.nadam.adam.beta2),
                                         EPSILON(1e-7, 1e-8, hyper.nadam.adam.eps),
                                         NUMBER("momentum_decay", NULL, 4e-3, 4e-3, momentum_decay,
                                                "how fast the momentum grows (torch)"),
                                         END};
static const ldb_optimizer nadam = {
    .name = "nadam",
    .doc = "Nadam: Adam with Nesterov's momentum, whose strength grows over the steps.",
    .has = BOTH,
    .lr = {1e-3, 2e-3},
    .hypers = nadam_hypers,
    .slots = {{.name = "m"}, {.name = "v"}},
    .apply = apply_nadam,
    .set = set_nadam,
    .carries = true};

static const ldb_hyper lion_hypers[] = {BETA1(hyper.lion.beta1), BETA2(0.99, hyper.lion.beta2),
                                        END};
static const ldb_optimizer lion = {
    .name = "lion",
    .doc = "Lion: steps of one size, in the direction of the sign of a momentum.",
    .has = ONLY_KERAS,
    .lr = {1e-3, NONE},
    .hypers = lion_hypers,
    .slots = {{.name = "m"}},
    .apply = apply_lion,
    .set = set_lion};

static const ldb_hyper adafactor_hypers[] = {
    {.name = "beta2_decay",
     .aliases = "beta_2_decay",
     .least = -HUGE_VAL,
     .standard = {-0.8, -0.8},
     .place = PLACE(hyper.adafactor.beta2_decay),
     .doc = "1 - step^beta2_decay is kept of the mean squares"},
    NUMBER("epsilon_1", "eps1", 1e-30, NONE, hyper.adafactor.eps1, "least mean square"),
    NUMBER("epsilon_2", "eps2", 1e-3, 1e-3, hyper.adafactor.eps2,
           "least size of the weights that steps are relative to"),
    {.name = "clip_threshold",
     .aliases = "d",
     .open_least = true,
     .most = HUGE_VAL,
     .standard = {1.0, 1.0},
     .place = PLACE(hyper.adafactor.clip),
     .doc = "largest root mean square of a step before the rate"},
    END};
static const ldb_optimizer adafactor = {
    .name = "adafactor",
    .doc = "Adafactor: squared gradients kept as row and column means, steps relative to the "
           "weights' size.",
    .has = BOTH,
    .always_decoupled = true,
    .lr = {1e-3, 1e-2},
    .hypers = adafactor_hypers,
    .slots = {{.name = "row", .shape = LDB_SLOT_ROWS},
              {.name = "column", .shape = LDB_SLOT_COLUMNS},
              {.name = "v"}},
    .apply = apply_adafactor,
    .set = set_adafactor};

const ldb_optimizer *const ldb_optimizers[] = {&sgd,      &rmsprop,   &adam,  &adamw, &adagrad,
                                               &adadelta, &adamax,    &radam, &lamb,  &nadam,
                                               &lion,     &adafactor, NULL};
