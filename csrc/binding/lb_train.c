#include <math.h>
#include <string.h>

#include "base/sample.h"
#include "binding/lb.h"
#include "train/clip.h"
#include "train/optimizer.h"
#include "train/orthogonal.h"

/* ---- arguments of an update --------------------------------------------------------------------
 */

typedef struct update {
  const char *where;
  const lb_tensor *gradient;
  lb_tensor *written[4]; /* the parameter, then the slots that are present */
  int n_written;
  ldb_parameter p;
} update;

static bool overlap(const lb_tensor *a, const lb_tensor *b, size_t bytes) {
  const unsigned char *x = a->view.data, *y = b->view.data;
  return a->storage == b->storage && x < y + bytes && y < x + bytes;
}

/* A flat float tensor with the shape and dtype of the parameter and bytes of its own. */
static lb_tensor *check_companion(lua_State *L, const update *u, int idx, const char *name) {
  const lb_tensor *w = u->written[0];
  lb_tensor *t = lb_checkcontiguous(L, idx, u->where, name, (int)w->view.dtype);
  if (!ldb_same_shape(&t->view, &w->view)) {
    char got[LDB_SHAPE_TEXT], want[LDB_SHAPE_TEXT];
    luaL_error(L, "lossdbg: %s: argument '%s': expected shape %s as the parameter, got %s",
               u->where, name, ldb_shape_text(&w->view, want), ldb_shape_text(&t->view, got));
  }
  const size_t bytes = u->p.n * ldb_dtype_size(w->view.dtype);
  bool shared = u->gradient != NULL && overlap(t, u->gradient, bytes);
  for (int i = 0; i < u->n_written; i++)
    shared = shared || overlap(t, u->written[i], bytes);
  if (shared)
    luaL_error(L, "lossdbg: %s: argument '%s': shares memory with another argument", u->where,
               name);
  return t;
}

/* Arguments 1 and 2: parameter and gradient. */
static void check_parameter(lua_State *L, update *u, const char *where) {
  memset(u, 0, sizeof *u);
  u->where = where;
  lb_tensor *w = lb_checkcontiguous(L, 1, where, "parameter", -1);
  if (w->view.dtype == LDB_I32)
    luaL_error(L, "lossdbg: %s: argument 'parameter': expected dtype f32 or f64, got i32", where);
  u->written[u->n_written++] = w;
  u->p.dtype = w->view.dtype;
  u->p.n = (size_t)ldb_view_count(&w->view);
  u->p.w = w->view.data;
  u->gradient = check_companion(L, u, 2, "gradient");
  u->p.g = u->gradient->view.data;
}

/* A slot of the optimiser, or NULL when it is absent and not needed. */
static void *check_slot(lua_State *L, update *u, int idx, const char *name, bool needed) {
  if (lua_isnoneornil(L, idx) && !needed) return NULL;
  lb_tensor *t = check_companion(L, u, idx, name);
  u->written[u->n_written++] = t;
  return t->view.data;
}

/* low <= x < high */
static double check_within(lua_State *L, const char *where, int idx, const char *name, double low,
                           double high) {
  const double x = lb_checkfinite(L, idx, where, name);
  if (x < low || x >= high)
    luaL_error(L, "lossdbg: %s: argument '%s': expected a number >= %f and < %f, got %f", where,
               name, low, high, x);
  return x;
}

static double check_rate(lua_State *L, const char *where, int idx, const char *name) {
  const double x = lb_checkfinite(L, idx, where, name);
  if (x < 0.0)
    luaL_error(L, "lossdbg: %s: argument '%s': expected a number >= 0, got %f", where, name, x);
  return x;
}

static uint64_t check_step(lua_State *L, const char *where, int idx) {
  const int64_t step = lb_checkcount(L, idx, where, "step");
  if (step < 1)
    luaL_error(L, "lossdbg: %s: argument 'step': expected 1 or more (steps count from 1), got 0",
               where);
  return (uint64_t)step;
}

static ldb_flavor check_flavor(lua_State *L, const char *where, int idx) {
  if (lua_isnoneornil(L, idx)) return LDB_KERAS;
  const char *s = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : "";
  if (strcmp(s, "keras") == 0) return LDB_KERAS;
  if (strcmp(s, "torch") != 0)
    luaL_error(L, "lossdbg: %s: argument 'flavor': expected 'keras' or 'torch', got %s", where,
               luaL_tolstring(L, idx, NULL));
  return LDB_TORCH;
}

/* check(parameter, gradient): raises what an update with them would raise */
static int lb_train_check(lua_State *L) {
  update u;
  check_parameter(L, &u, "optimizer");
  return 0;
}

static void set_decay(update *u, double weight_decay, double lr, bool decoupled) {
  u->p.l2 = decoupled ? 0.0 : weight_decay;
  u->p.decay = decoupled ? lr * weight_decay : 0.0;
}

/* -> grad_sq, update_sq, weight_sq, nonfinite_grad, nonfinite_weight, unchanged, underflow,
      grad_zero */
static int push_stats(lua_State *L, const update *u, const ldb_update_stats *s) {
  for (int i = 0; i < u->n_written; i++)
    lb_touch(u->written[i]);
  lua_pushnumber(L, s->grad_sq);
  lua_pushnumber(L, s->update_sq);
  lua_pushnumber(L, s->weight_sq);
  lua_pushinteger(L, (lua_Integer)s->nonfinite_grad);
  lua_pushinteger(L, (lua_Integer)s->nonfinite_weight);
  lua_pushinteger(L, (lua_Integer)s->unchanged);
  lua_pushinteger(L, (lua_Integer)s->underflow);
  lua_pushinteger(L, (lua_Integer)s->grad_zero);
  return 8;
}

/* ---- updates -----------------------------------------------------------------------------------
 */

/* sgd(parameter, gradient, velocity | nil, lr, momentum, nesterov, weight_decay, flavor,
       dampening = 0, first = false) */
static int lb_train_sgd(lua_State *L) {
  static const char *const where = "train.sgd";
  update u;
  check_parameter(L, &u, where);
  ldb_sgd rule = {0};
  rule.lr = check_rate(L, where, 4, "lr");
  rule.momentum = check_within(L, where, 5, "momentum", 0.0, 1.0);
  rule.nesterov = lua_toboolean(L, 6);
  const double weight_decay = check_rate(L, where, 7, "weight_decay");
  rule.flavor = check_flavor(L, where, 8);
  rule.dampening = lua_isnoneornil(L, 9) ? 0.0 : lb_checkfinite(L, 9, where, "dampening");
  rule.first = lua_toboolean(L, 10);
  void *velocity = check_slot(L, &u, 3, "velocity", rule.momentum != 0.0);
  set_decay(&u, weight_decay, rule.lr, rule.flavor == LDB_KERAS);
  ldb_update_stats s = {0};
  ldb_sgd_update(&u.p, &rule, velocity, &s);
  return push_stats(L, &u, &s);
}

/* rmsprop(parameter, gradient, square, average | nil, buffer | nil, lr, rho, momentum, eps,
           weight_decay, flavor); average makes it centered */
static int lb_train_rmsprop(lua_State *L) {
  static const char *const where = "train.rmsprop";
  update u;
  check_parameter(L, &u, where);
  ldb_rmsprop rule = {0};
  rule.lr = check_rate(L, where, 6, "lr");
  rule.rho = check_within(L, where, 7, "rho", 0.0, 1.0);
  rule.momentum = check_within(L, where, 8, "momentum", 0.0, 1.0);
  rule.eps = check_rate(L, where, 9, "eps");
  const double weight_decay = check_rate(L, where, 10, "weight_decay");
  rule.flavor = check_flavor(L, where, 11);
  void *square = check_slot(L, &u, 3, "square", true);
  void *average = check_slot(L, &u, 4, "average", false);
  void *buffer = check_slot(L, &u, 5, "buffer", rule.momentum != 0.0);
  rule.centered = average != NULL;
  set_decay(&u, weight_decay, rule.lr, rule.flavor == LDB_KERAS);
  ldb_update_stats s = {0};
  ldb_rmsprop_update(&u.p, &rule, square, average, buffer, &s);
  return push_stats(L, &u, &s);
}

/* adam(parameter, gradient, m, v, maximum | nil, step, lr, beta1, beta2, eps, weight_decay,
        decoupled, flavor); maximum makes it AMSGrad */
static int lb_train_adam(lua_State *L) {
  static const char *const where = "train.adam";
  update u;
  check_parameter(L, &u, where);
  ldb_adam rule = {0};
  rule.step = check_step(L, where, 6);
  rule.lr = check_rate(L, where, 7, "lr");
  rule.beta1 = check_within(L, where, 8, "beta1", 0.0, 1.0);
  rule.beta2 = check_within(L, where, 9, "beta2", 0.0, 1.0);
  rule.eps = check_rate(L, where, 10, "eps");
  const double weight_decay = check_rate(L, where, 11, "weight_decay");
  const bool decoupled = lua_toboolean(L, 12);
  rule.flavor = check_flavor(L, where, 13);
  void *m = check_slot(L, &u, 3, "m", true), *v = check_slot(L, &u, 4, "v", true);
  void *maximum = check_slot(L, &u, 5, "maximum", false);
  set_decay(&u, weight_decay, rule.lr, decoupled);
  ldb_update_stats s = {0};
  ldb_adam_update(&u.p, &rule, m, v, maximum, &s);
  return push_stats(L, &u, &s);
}

/* adagrad(parameter, gradient, square, step, lr, eps, lr_decay, weight_decay, flavor) */
static int lb_train_adagrad(lua_State *L) {
  static const char *const where = "train.adagrad";
  update u;
  check_parameter(L, &u, where);
  ldb_adagrad rule = {0};
  rule.step = check_step(L, where, 4);
  rule.lr = check_rate(L, where, 5, "lr");
  rule.eps = check_rate(L, where, 6, "eps");
  rule.lr_decay = check_rate(L, where, 7, "lr_decay");
  const double weight_decay = check_rate(L, where, 8, "weight_decay");
  rule.flavor = check_flavor(L, where, 9);
  void *square = check_slot(L, &u, 3, "square", true);
  set_decay(&u, weight_decay, rule.lr, rule.flavor == LDB_KERAS);
  ldb_update_stats s = {0};
  ldb_adagrad_update(&u.p, &rule, square, &s);
  return push_stats(L, &u, &s);
}

/* ---- clipping: functions over a list of tensors ------------------------------------------------
 */

/* Argument 1 is a list of contiguous float tensors; nothing is written before all are checked. */
static lua_Integer check_list(lua_State *L, const char *where) {
  if (lua_type(L, 1) != LUA_TTABLE)
    luaL_error(L, "lossdbg: %s: argument 'gradients': expected a list of tensors, got %s", where,
               luaL_typename(L, 1));
  const lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 1, i);
    const lb_tensor *t = lb_checkcontiguous(L, -1, where, "gradients", -1);
    if (t->view.dtype == LDB_I32)
      luaL_error(L, "lossdbg: %s: argument 'gradients': expected dtype f32 or f64, got i32", where);
    lua_pop(L, 1);
  }
  return n;
}

/* Element i of the checked list; the list keeps it alive. */
static lb_tensor *list_item(lua_State *L, lua_Integer i) {
  lua_rawgeti(L, 1, i);
  lb_tensor *t = lb_testtensor(L, -1);
  lua_pop(L, 1);
  return t;
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

static double sum_squares(const lb_tensor *t) {
  return ldb_sum_squares(t->view.dtype, count_of(t), t->view.data);
}

static double global_norm(lua_State *L, lua_Integer n) {
  double total = 0.0;
  for (lua_Integer i = 1; i <= n; i++)
    total += sum_squares(list_item(L, i));
  return sqrt(total);
}

/* clip_value(gradients, limit) -> number of elements that changed */
static int lb_train_clip_value(lua_State *L) {
  static const char *const where = "train.clip_value";
  const lua_Integer n = check_list(L, where);
  const double limit = check_limit(L, where);
  size_t changed = 0;
  for (lua_Integer i = 1; i <= n; i++) {
    lb_tensor *t = list_item(L, i);
    changed += ldb_clip_value(t->view.dtype, count_of(t), t->view.data, -limit, limit);
    lb_touch(t);
  }
  lua_pushinteger(L, (lua_Integer)changed);
  return 1;
}

/* clip_norm(gradients, limit, flavor): each tensor by its own norm -> number of clipped tensors */
static int lb_train_clip_norm(lua_State *L) {
  static const char *const where = "train.clip_norm";
  const lua_Integer n = check_list(L, where);
  const double limit = check_limit(L, where);
  const ldb_flavor flavor = check_flavor(L, where, 3);
  lua_Integer clipped = 0;
  for (lua_Integer i = 1; i <= n; i++) {
    lb_tensor *t = list_item(L, i);
    const double factor = ldb_clip_factor(sqrt(sum_squares(t)), limit, flavor, false);
    ldb_scale(t->view.dtype, count_of(t), t->view.data, factor);
    lb_touch(t);
    clipped += factor < 1.0;
  }
  lua_pushinteger(L, clipped);
  return 1;
}

/* global_clip_norm(gradients, limit, flavor) -> norm before, factor */
static int lb_train_global_clip_norm(lua_State *L) {
  static const char *const where = "train.global_clip_norm";
  const lua_Integer n = check_list(L, where);
  const double limit = check_limit(L, where);
  const ldb_flavor flavor = check_flavor(L, where, 3);
  const double norm = global_norm(L, n), factor = ldb_clip_factor(norm, limit, flavor, true);
  for (lua_Integer i = 1; i <= n; i++) {
    lb_tensor *t = list_item(L, i);
    ldb_scale(t->view.dtype, count_of(t), t->view.data, factor);
    lb_touch(t);
  }
  lua_pushnumber(L, norm);
  lua_pushnumber(L, factor);
  return 2;
}

/* global_norm(tensors) -> sqrt of the sum of all squares */
static int lb_train_global_norm(lua_State *L) {
  const lua_Integer n = check_list(L, "train.global_norm");
  lua_pushnumber(L, global_norm(L, n));
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

static void write_matrix(const lb_tensor *t, const double *q, size_t rows, size_t cols,
                         double gain) {
  const bool turn = rows >= cols; /* q holds the columns as rows */
  for (size_t i = 0; i < rows; i++)
    for (size_t j = 0; j < cols; j++) {
      const double value = gain * (turn ? q[j * rows + i] : q[i * cols + j]);
      if (t->view.dtype == LDB_F64)
        ((double *)t->view.data)[i * cols + j] = value;
      else
        ((float *)t->view.data)[i * cols + j] = (float)value;
    }
}

/* orthogonal(tensor, seed, stream, gain = 1) -> tensor. Seen as a matrix with the last axis as
   columns; the shorter of rows and columns become orthonormal, times gain. */
static int lb_train_orthogonal(lua_State *L) {
  static const char *const where = "train.orthogonal";
  lb_tensor *t = lb_checkcontiguous(L, 1, where, "tensor", -1);
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
  write_matrix(t, q, rows, cols, gain);
  lb_touch(t);
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
  return 1;
}
