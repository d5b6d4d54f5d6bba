#include <math.h>
#include <string.h>

#include "base/sample.h"
#include "binding/lb_gate.h"
#include "binding/lb_record.h"
#include "kernels/gather/copy.h"
#include "train/orthogonal.h"

/* check(parameter, gradient): raises what an update with them would raise */
static int lb_train_check(lua_State *L) {
  lb_update u;
  lb_check_parameter(L, &u, "optimizer");
  return 0;
}

/* ---- updates -----------------------------------------------------------------------------------
 */

/* sgd(parameter, gradient, velocity | nil, lr, momentum, nesterov, weight_decay, flavor,
       dampening = 0, first = false, decoupled = flavor is keras) */
static int lb_train_sgd(lua_State *L) {
  static const char *const where = "train.sgd";
  lb_update u;
  lb_check_parameter(L, &u, where);
  ldb_sgd *rule = &u.call.hyper.sgd;
  rule->lr = lb_check_rate(L, where, 4, "lr");
  rule->momentum = lb_check_within(L, where, 5, "momentum", 0.0, 1.0);
  rule->nesterov = lua_toboolean(L, 6);
  const double weight_decay = lb_check_rate(L, where, 7, "weight_decay");
  rule->flavor = lb_check_flavor(L, where, 8);
  rule->dampening = lua_isnoneornil(L, 9) ? 0.0 : lb_checkfinite(L, 9, where, "dampening");
  rule->first = lua_toboolean(L, 10);
  void *velocity = lb_check_slot(L, &u, 3, "velocity", rule->momentum != 0.0);
  lb_set_decay(&u, weight_decay, rule->lr, lb_check_decoupled(L, 11, rule->flavor));
  u.call.slot[0] = velocity;
  return lb_run_update(L, &u, LDB_RULE_SGD, rule->lr, rule->first ? 1 : 2);
}

/* rmsprop(parameter, gradient, square, average | nil, buffer | nil, lr, rho, momentum, eps,
           weight_decay, flavor, decoupled = flavor is keras); average makes it centered */
static int lb_train_rmsprop(lua_State *L) {
  static const char *const where = "train.rmsprop";
  lb_update u;
  lb_check_parameter(L, &u, where);
  ldb_rmsprop *rule = &u.call.hyper.rmsprop;
  rule->lr = lb_check_rate(L, where, 6, "lr");
  rule->rho = lb_check_within(L, where, 7, "rho", 0.0, 1.0);
  rule->momentum = lb_check_within(L, where, 8, "momentum", 0.0, 1.0);
  rule->eps = lb_check_rate(L, where, 9, "eps");
  const double weight_decay = lb_check_rate(L, where, 10, "weight_decay");
  rule->flavor = lb_check_flavor(L, where, 11);
  void *square = lb_check_slot(L, &u, 3, "square", true);
  void *average = lb_check_slot(L, &u, 4, "average", false);
  void *buffer = lb_check_slot(L, &u, 5, "buffer", rule->momentum != 0.0);
  rule->centered = average != NULL;
  lb_set_decay(&u, weight_decay, rule->lr, lb_check_decoupled(L, 12, rule->flavor));
  u.call.slot[0] = square;
  u.call.slot[1] = average;
  u.call.slot[2] = buffer;
  return lb_run_update(L, &u, LDB_RULE_RMSPROP, rule->lr, 1);
}

/* adam(parameter, gradient, m, v, maximum | nil, step, lr, beta1, beta2, eps, weight_decay,
        decoupled, flavor); maximum makes it AMSGrad */
static int lb_train_adam(lua_State *L) {
  static const char *const where = "train.adam";
  lb_update u;
  lb_check_parameter(L, &u, where);
  ldb_adam *rule = &u.call.hyper.adam;
  rule->step = lb_check_step(L, where, 6);
  rule->lr = lb_check_rate(L, where, 7, "lr");
  rule->beta1 = lb_check_within(L, where, 8, "beta1", 0.0, 1.0);
  rule->beta2 = lb_check_within(L, where, 9, "beta2", 0.0, 1.0);
  rule->eps = lb_check_rate(L, where, 10, "eps");
  const double weight_decay = lb_check_rate(L, where, 11, "weight_decay");
  const bool decoupled = lua_toboolean(L, 12);
  rule->flavor = lb_check_flavor(L, where, 13);
  void *m = lb_check_slot(L, &u, 3, "m", true), *v = lb_check_slot(L, &u, 4, "v", true);
  void *maximum = lb_check_slot(L, &u, 5, "maximum", false);
  lb_set_decay(&u, weight_decay, rule->lr, decoupled);
  u.call.slot[0] = m;
  u.call.slot[1] = v;
  u.call.slot[2] = maximum;
  return lb_run_update(L, &u, LDB_RULE_ADAM, rule->lr, rule->step);
}

/* adagrad(parameter, gradient, square, step, lr, eps, lr_decay, weight_decay, flavor,
           decoupled = flavor is keras) */
static int lb_train_adagrad(lua_State *L) {
  static const char *const where = "train.adagrad";
  lb_update u;
  lb_check_parameter(L, &u, where);
  ldb_adagrad *rule = &u.call.hyper.adagrad;
  rule->step = lb_check_step(L, where, 4);
  rule->lr = lb_check_rate(L, where, 5, "lr");
  rule->eps = lb_check_rate(L, where, 6, "eps");
  rule->lr_decay = lb_check_rate(L, where, 7, "lr_decay");
  const double weight_decay = lb_check_rate(L, where, 8, "weight_decay");
  rule->flavor = lb_check_flavor(L, where, 9);
  void *square = lb_check_slot(L, &u, 3, "square", true);
  lb_set_decay(&u, weight_decay, rule->lr, lb_check_decoupled(L, 10, rule->flavor));
  u.call.slot[0] = square;
  return lb_run_update(L, &u, LDB_RULE_ADAGRAD, rule->lr, rule->step);
}

/* ---- clipping: functions over a list of tensors ------------------------------------------------
 */

/* Element i of the list, which keeps it alive. */
static lb_tensor *list_item(lua_State *L, const char *where, lua_Integer i) {
  lua_rawgeti(L, 1, i);
  lb_tensor *t = lb_checkcontiguous(L, -1, where, "gradients", -1);
  if (t->view.dtype == LDB_I32)
    luaL_error(L, "lossdbg: %s: argument 'gradients': expected dtype f32 or f64, got i32", where);
  lua_pop(L, 1);
  return t;
}

/* Argument 1 is a list of contiguous float tensors; nothing is written before all are checked. */
static lua_Integer check_list(lua_State *L, const char *where) {
  if (lua_type(L, 1) != LUA_TTABLE)
    luaL_error(L, "lossdbg: %s: argument 'gradients': expected a list of tensors, got %s", where,
               luaL_typename(L, 1));
  const lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
  for (lua_Integer i = 1; i <= n; i++)
    list_item(L, where, i);
  return n;
}

static double check_limit(lua_State *L, const char *where) {
  const double limit = lb_checkfinite(L, 2, where, "limit");
  if (limit <= 0.0)
    luaL_error(L, "lossdbg: %s: argument 'limit': expected a number > 0, got %f", where, limit);
  return limit;
}

static size_t count_of(const lb_tensor *t) {
  return (size_t)ldb_view_count(&t->view);
}

/* Does it to the n tensors of the list. Pushes the memory of the call, which is returned. */
static ldb_clip_call *run_clip(lua_State *L, const char *where, ldb_clip_kind kind, lua_Integer n,
                               double limit, ldb_flavor flavor) {
  size_t bytes = 0;
  if (!ldb_mul_size((size_t)n, sizeof(ldb_flat), &bytes) ||
      !ldb_add_size(bytes, sizeof(ldb_clip_call), &bytes))
    luaL_error(L, "lossdbg: %s: too many tensors", where);
  ldb_clip_call *c = lua_newuserdatauv(L, bytes, 0);
  memset(c, 0, bytes);
  c->kind = kind;
  c->flavor = flavor;
  c->limit = limit;
  c->n = (size_t)n;
  for (lua_Integer i = 1; i <= n; i++) {
    const lb_tensor *t = list_item(L, where, i); /* a finalizer may have changed the list */
    c->item[i - 1].dtype = t->view.dtype;
    c->item[i - 1].n = count_of(t);
    c->item[i - 1].data = t->view.data;
  }
  lb_gate_clip(L, where, c);
  return c;
}

/* clip_value(gradients, limit) -> number of elements that changed */
static int lb_train_clip_value(lua_State *L) {
  static const char *const where = "train.clip_value";
  const lua_Integer n = check_list(L, where);
  const double limit = check_limit(L, where);
  const ldb_clip_call *c = run_clip(L, where, LDB_CLIP_VALUE, n, limit, LDB_KERAS);
  lua_pushinteger(L, (lua_Integer)c->changed);
  return 1;
}

/* clip_norm(gradients, limit, flavor): each tensor by its own norm -> number of clipped tensors */
static int lb_train_clip_norm(lua_State *L) {
  static const char *const where = "train.clip_norm";
  const lua_Integer n = check_list(L, where);
  const double limit = check_limit(L, where);
  const ldb_clip_call *c =
      run_clip(L, where, LDB_CLIP_NORM, n, limit, lb_check_flavor(L, where, 3));
  lua_pushinteger(L, (lua_Integer)c->changed);
  return 1;
}

/* global_clip_norm(gradients, limit, flavor) -> norm before, factor */
static int lb_train_global_clip_norm(lua_State *L) {
  static const char *const where = "train.global_clip_norm";
  const lua_Integer n = check_list(L, where);
  const double limit = check_limit(L, where);
  const ldb_clip_call *c =
      run_clip(L, where, LDB_CLIP_GLOBAL, n, limit, lb_check_flavor(L, where, 3));
  lua_pushnumber(L, c->norm);
  lua_pushnumber(L, c->factor);
  return 2;
}

/* global_norm(tensors) -> sqrt of the sum of all squares */
static int lb_train_global_norm(lua_State *L) {
  static const char *const where = "train.global_norm";
  const lua_Integer n = check_list(L, where);
  const ldb_clip_call *c = run_clip(L, where, LDB_CLIP_MEASURE, n, 1.0, LDB_KERAS);
  lua_pushnumber(L, c->norm);
  return 1;
}

/* ---- the rest ----------------------------------------------------------------------------------
 */

/* version(tensor) -> how often its bytes were written in place */
static int lb_train_version(lua_State *L) {
  const lb_tensor *t = lb_checktensor(L, 1, "train.version", "tensor");
  lua_pushinteger(L, (lua_Integer)t->storage->version);
  return 1;
}

typedef struct matrix {
  const ldb_view *to;
  const double *q;
  size_t rows, cols;
  double gain;
} matrix;

static ldb_status write_matrix(void *arg, ldb_error *e) {
  const matrix *m = arg;
  const bool turn = m->rows >= m->cols; /* q holds the columns as rows */
  (void)e;
  for (size_t i = 0; i < m->rows; i++)
    for (size_t j = 0; j < m->cols; j++) {
      const double value = m->gain * (turn ? m->q[j * m->rows + i] : m->q[i * m->cols + j]);
      ldb_write(m->to, (int64_t)(i * m->cols + j), value);
    }
  return LDB_OK;
}

/* orthogonal(tensor, seed, stream, gain = 1) -> tensor. Seen as a matrix with the last axis as
   columns; the shorter of rows and columns become orthonormal, times gain. */
static int lb_train_orthogonal(lua_State *L) {
  static const char *const where = "train.orthogonal";
  const lb_tensor *t = lb_checkcontiguous(L, 1, where, "tensor", -1);
  if (t->view.dtype == LDB_I32 || t->view.rank < 2)
    return luaL_error(L,
                      "lossdbg: %s: argument 'tensor': expected rank 2 or more and dtype f32 or "
                      "f64, got rank %d %s",
                      where, t->view.rank, ldb_dtype_name(t->view.dtype));
  const ldb_rng r = {lb_checkseed(L, 2, where, "seed"), lb_checkseed(L, 3, where, "stream")};
  const double gain = lua_isnoneornil(L, 4) ? 1.0 : lb_checkfinite(L, 4, where, "gain");
  const size_t n = count_of(t), cols = (size_t)t->view.shape[t->view.rank - 1];
  const size_t rows = cols == 0 ? 0 : n / cols, shorter = rows < cols ? rows : cols;
  size_t bytes = 0;
  if (!ldb_mul_size(n, sizeof(double), &bytes))
    return luaL_error(L, "lossdbg: %s: argument 'tensor': too large", where);
  double *q = lb_pushscratch(L, where, bytes);
  ldb_error e;
  ldb_sample_normal(&r, LDB_F64, n, q, 0.0, 1.0);
  if (n > 0 && ldb_orthonormal_rows(shorter, n / shorter, q, &e) != LDB_OK)
    return lb_raise(L, where, &e);
  matrix m = {&t->view, q, rows, cols, gain};
  lb_gate_host(L, where, 1, "'%s' writes into a tensor", write_matrix, &m, &e);
  lua_settop(L, 1);
  return 1;
}

static const luaL_Reg functions[] = {{"check", lb_train_check},
                                     {"sgd", lb_train_sgd},
                                     {"rmsprop", lb_train_rmsprop},
                                     {"adam", lb_train_adam},
                                     {"adagrad", lb_train_adagrad},
                                     {"clip_value", lb_train_clip_value},
                                     {"clip_norm", lb_train_clip_norm},
                                     {"global_clip_norm", lb_train_global_clip_norm},
                                     {"global_norm", lb_train_global_norm},
                                     {"version", lb_train_version},
                                     {"orthogonal", lb_train_orthogonal},
                                     {NULL, NULL}};

int lb_open_train(lua_State *L) {
  luaL_newlib(L, functions);
  luaL_setfuncs(L, lb_adaptive_functions, 0);
  lb_open_record(L);
  return 1;
}
