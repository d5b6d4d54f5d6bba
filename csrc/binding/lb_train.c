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
  lb_gate_host(L, where, 1, "writes into a tensor", write_matrix, &m, &e);
  lua_settop(L, 1);
  return 1;
}

static const luaL_Reg functions[] = {{"check", lb_train_check},
                                     {"clip_value", lb_train_clip_value},
                                     {"clip_norm", lb_train_clip_norm},
                                     {"global_clip_norm", lb_train_global_clip_norm},
                                     {"global_norm", lb_train_global_norm},
                                     {"version", lb_train_version},
                                     {"orthogonal", lb_train_orthogonal},
                                     {NULL, NULL}};

int lb_open_train(lua_State *L) {
  luaL_newlib(L, functions);
  lb_addrules(L);
  lb_open_record(L);
  return 1;
}
