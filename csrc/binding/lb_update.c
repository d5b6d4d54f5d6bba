#include "binding/lb_update.h"

#include <string.h>

static bool overlap(const lb_tensor *a, const lb_tensor *b, size_t bytes) {
  const unsigned char *x = a->view.data, *y = b->view.data;
  return a->storage == b->storage && x < y + bytes && y < x + bytes;
}

/* A flat float tensor with the shape and dtype of the parameter and bytes of its own. */
static lb_tensor *check_companion(lua_State *L, const lb_update *u, int idx, const char *name) {
  const lb_tensor *w = u->written[0];
  lb_tensor *t = lb_checkcontiguous(L, idx, u->where, name, (int)w->view.dtype);
  if (!ldb_same_shape(&t->view, &w->view)) {
    char got[LDB_SHAPE_TEXT], want[LDB_SHAPE_TEXT];
    luaL_error(L, "lossdbg: %s: argument '%s': expected shape %s as the parameter, got %s",
               u->where, name, ldb_shape_text(&w->view, want), ldb_shape_text(&t->view, got));
  }
  const size_t bytes = u->call.p.n * ldb_dtype_size(w->view.dtype);
  bool shared = u->gradient != NULL && overlap(t, u->gradient, bytes);
  for (int i = 0; i < u->n_written; i++)
    shared = shared || overlap(t, u->written[i], bytes);
  if (shared)
    luaL_error(L, "lossdbg: %s: argument '%s': shares memory with another argument", u->where,
               name);
  return t;
}

void lb_check_parameter(lua_State *L, lb_update *u, const char *where) {
  memset(u, 0, sizeof *u);
  u->where = where;
  lb_tensor *w = lb_checkcontiguous(L, 1, where, "parameter", -1);
  if (w->view.dtype == LDB_I32)
    luaL_error(L, "lossdbg: %s: argument 'parameter': expected dtype f32 or f64, got i32", where);
  u->written[u->n_written++] = w;
  u->call.p.dtype = w->view.dtype;
  u->call.p.n = (size_t)ldb_view_count(&w->view);
  u->call.p.team = lb_getcontext(L)->team;
  u->call.p.w = w->view.data;
  u->gradient = check_companion(L, u, 2, "gradient");
  u->call.p.g = u->gradient->view.data;
}

void *lb_check_slot(lua_State *L, lb_update *u, int idx, const char *name) {
  lb_tensor *t = check_companion(L, u, idx, name);
  u->written[u->n_written++] = t;
  return t->view.data;
}

void *lb_check_part(lua_State *L, lb_update *u, int idx, const char *name, size_t n) {
  lb_tensor *t = lb_checkcontiguous(L, idx, u->where, name, (int)u->call.p.dtype);
  if ((size_t)ldb_view_count(&t->view) != n)
    luaL_error(L, "lossdbg: %s: argument '%s': expected %I elements, got %I", u->where, name,
               (LUAI_UACINT)n, (LUAI_UACINT)ldb_view_count(&t->view));
  const size_t size = ldb_dtype_size(u->call.p.dtype);
  bool shared = t->storage == u->gradient->storage;
  for (int i = 0; i < u->n_written; i++)
    shared =
        shared || (t->storage == u->written[i]->storage && overlap(t, u->written[i], n * size));
  if (shared)
    luaL_error(L, "lossdbg: %s: argument '%s': shares memory with another argument", u->where,
               name);
  u->written[u->n_written++] = t;
  return t->view.data;
}

double lb_check_rate(lua_State *L, const char *where, int idx, const char *name) {
  const double x = lb_checkfinite(L, idx, where, name);
  if (x < 0.0)
    luaL_error(L, "lossdbg: %s: argument '%s': expected a number >= 0, got %f", where, name, x);
  return x;
}

uint64_t lb_check_step(lua_State *L, const char *where, int idx) {
  const int64_t step = lb_checkcount(L, idx, where, "step");
  if (step < 1)
    luaL_error(L, "lossdbg: %s: argument 'step': expected 1 or more (steps count from 1), got 0",
               where);
  return (uint64_t)step;
}

ldb_flavor lb_check_flavor(lua_State *L, const char *where, int idx) {
  if (lua_isnoneornil(L, idx)) return LDB_KERAS;
  const char *s = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : "";
  if (strcmp(s, "keras") == 0) return LDB_KERAS;
  if (strcmp(s, "torch") != 0)
    luaL_error(L, "lossdbg: %s: argument 'flavor': expected 'keras' or 'torch', got %s", where,
               luaL_tolstring(L, idx, NULL));
  return LDB_TORCH;
}
