#include "binding/lb_update.h"

/* Every function takes the parameter, its gradient, its slots, the step where the rule needs it, lr
   and hyperparameters, weight_decay, decoupled, flavor where there are two; and updates in place.
   Results as in lb_run_update. */

/* adadelta(parameter, gradient, square, delta, lr, rho, eps, weight_decay, decoupled) */
static int lb_train_adadelta(lua_State *L) {
  static const char *const where = "train.adadelta";
  lb_update u;
  lb_check_parameter(L, &u, where);
  ldb_adadelta *rule = &u.call.hyper.adadelta;
  rule->lr = lb_check_rate(L, where, 5, "lr");
  rule->rho = lb_check_within(L, where, 6, "rho", 0.0, 1.0);
  rule->eps = lb_check_rate(L, where, 7, "eps");
  const double weight_decay = lb_check_rate(L, where, 8, "weight_decay");
  void *square = lb_check_slot(L, &u, 3, "square", true);
  void *delta = lb_check_slot(L, &u, 4, "delta", true);
  lb_set_decay(&u, weight_decay, rule->lr, lua_toboolean(L, 9));
  u.call.slot[0] = square;
  u.call.slot[1] = delta;
  return lb_run_update(L, &u, LDB_RULE_ADADELTA, rule->lr, 1);
}

/* Arguments 5 to 12: step, lr, beta1, beta2, eps, weight_decay, decoupled, flavor. */
static void check_adam(lua_State *L, lb_update *u, ldb_adam *rule) {
  const char *where = u->where;
  rule->step = lb_check_step(L, where, 5);
  rule->lr = lb_check_rate(L, where, 6, "lr");
  rule->beta1 = lb_check_within(L, where, 7, "beta1", 0.0, 1.0);
  rule->beta2 = lb_check_within(L, where, 8, "beta2", 0.0, 1.0);
  rule->eps = lb_check_rate(L, where, 9, "eps");
  const double weight_decay = lb_check_rate(L, where, 10, "weight_decay");
  rule->flavor = lb_check_flavor(L, where, 12);
  lb_set_decay(u, weight_decay, rule->lr, lua_toboolean(L, 11));
}

static int update_adam_like(lua_State *L, const char *where, const char *second, ldb_rule_id id) {
  lb_update u;
  lb_check_parameter(L, &u, where);
  const ldb_adam *rule = &u.call.hyper.adam;
  check_adam(L, &u, &u.call.hyper.adam);
  u.call.slot[0] = lb_check_slot(L, &u, 3, "m", true);
  u.call.slot[1] = lb_check_slot(L, &u, 4, second, true);
  return lb_run_update(L, &u, id, rule->lr, rule->step);
}

/* adamax(parameter, gradient, m, u, step, lr, beta1, beta2, eps, weight_decay, decoupled, flavor)
 */
static int lb_train_adamax(lua_State *L) {
  return update_adam_like(L, "train.adamax", "u", LDB_RULE_ADAMAX);
}

/* radam(parameter, gradient, m, v, step, lr, beta1, beta2, eps, weight_decay, decoupled) */
static int lb_train_radam(lua_State *L) {
  return update_adam_like(L, "train.radam", "v", LDB_RULE_RADAM);
}

/* lamb(parameter, gradient, m, v, step, lr, beta1, beta2, eps, weight_decay); decoupled always */
static int lb_train_lamb(lua_State *L) {
  lua_settop(L, 10);
  lua_pushboolean(L, 1);
  return update_adam_like(L, "train.lamb", "v", LDB_RULE_LAMB);
}

/* nadam(parameter, gradient, m, v, step, lr, beta1, beta2, eps, weight_decay, decoupled, flavor,
         mu, mu_next, product, momentum_decay = 0); momentum_decay: PyTorch's, for plans, which go
   on with mu by themselves */
static int lb_train_nadam(lua_State *L) {
  static const char *const where = "train.nadam";
  lb_update u;
  lb_check_parameter(L, &u, where);
  ldb_nadam *rule = &u.call.hyper.nadam;
  check_adam(L, &u, &rule->adam);
  rule->mu = lb_check_within(L, where, 13, "mu", 0.0, 1.0);
  rule->mu_next = lb_check_within(L, where, 14, "mu_next", 0.0, 1.0);
  rule->product = lb_check_within(L, where, 15, "product", 0.0, 1.0);
  u.call.momentum_decay =
      lua_isnoneornil(L, 16) ? 0.0 : lb_check_rate(L, where, 16, "momentum_decay");
  u.call.slot[0] = lb_check_slot(L, &u, 3, "m", true);
  u.call.slot[1] = lb_check_slot(L, &u, 4, "v", true);
  return lb_run_update(L, &u, LDB_RULE_NADAM, rule->adam.lr, rule->adam.step);
}

/* lion(parameter, gradient, m, lr, beta1, beta2, weight_decay, decoupled) */
static int lb_train_lion(lua_State *L) {
  static const char *const where = "train.lion";
  lb_update u;
  lb_check_parameter(L, &u, where);
  ldb_lion *rule = &u.call.hyper.lion;
  rule->lr = lb_check_rate(L, where, 4, "lr");
  rule->beta1 = lb_check_within(L, where, 5, "beta1", 0.0, 1.0);
  rule->beta2 = lb_check_within(L, where, 6, "beta2", 0.0, 1.0);
  const double weight_decay = lb_check_rate(L, where, 7, "weight_decay");
  void *m = lb_check_slot(L, &u, 3, "m", true);
  lb_set_decay(&u, weight_decay, rule->lr, lua_toboolean(L, 8));
  u.call.slot[0] = m;
  return lb_run_update(L, &u, LDB_RULE_LION, rule->lr, 1);
}

/* adafactor(parameter, gradient, row | nil, column | nil, v, step, lr, beta2_decay, eps1, eps2,
             clip, weight_decay, flavor); row and column for parameters of rank 2 and more: means
   over the last axis and over the one before it. Weight decay is decoupled always. */
static int lb_train_adafactor(lua_State *L) {
  static const char *const where = "train.adafactor";
  lb_update u;
  lb_check_parameter(L, &u, where);
  ldb_adafactor *rule = &u.call.hyper.adafactor;
  rule->step = lb_check_step(L, where, 6);
  rule->lr = lb_check_rate(L, where, 7, "lr");
  rule->beta2_decay = lb_checkfinite(L, 8, where, "beta2_decay");
  rule->eps1 = lb_check_rate(L, where, 9, "eps1");
  rule->eps2 = lb_check_rate(L, where, 10, "eps2");
  rule->clip = lb_check_rate(L, where, 11, "clip");
  const double weight_decay = lb_check_rate(L, where, 12, "weight_decay");
  rule->flavor = lb_check_flavor(L, where, 13);
  const ldb_view *w = &u.written[0]->view;
  void *row = NULL, *column = NULL;
  if (w->rank >= 2 && u.call.p.n > 0) {
    rule->rows = (size_t)w->shape[w->rank - 2];
    rule->columns = (size_t)w->shape[w->rank - 1];
    rule->matrices = u.call.p.n / (rule->rows * rule->columns);
    row = lb_check_part(L, &u, 3, "row", rule->matrices * rule->rows);
    column = lb_check_part(L, &u, 4, "column", rule->matrices * rule->columns);
  }
  void *v = lb_check_slot(L, &u, 5, "v", true);
  lb_set_decay(&u, weight_decay, rule->lr, true);
  u.call.slot[0] = row;
  u.call.slot[1] = column;
  u.call.slot[2] = v;
  return lb_run_update(L, &u, LDB_RULE_ADAFACTOR, rule->lr, rule->step);
}

const luaL_Reg lb_adaptive_functions[] = {
    {"adadelta", lb_train_adadelta},   {"adamax", lb_train_adamax},
    {"radam", lb_train_radam},         {"lamb", lb_train_lamb},
    {"nadam", lb_train_nadam},         {"lion", lb_train_lion},
    {"adafactor", lb_train_adafactor}, {NULL, NULL}};
