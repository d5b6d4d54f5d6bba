#include <math.h>
#include <string.h>

#include "binding/lb.h"

/* Registry keys by address: quicker than strings, and no two libraries can share one. */
static const char context_key = 0;

/* Small numbers find the metatables in the registry sooner than addresses. */
void lb_newmetatables(lua_State *L) {
  lb_context *c = lb_getcontext(L);
  luaL_newmetatable(L, LB_STORAGE);
  if (c->storage_ref == 0) {
    lua_pushvalue(L, -1);
    c->storage_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  lua_pop(L, 1);
  luaL_newmetatable(L, LB_TENSOR);
  if (c->tensor_ref == 0) {
    lua_pushvalue(L, -1);
    c->tensor_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  c->tensor_meta = lua_topointer(L, -1);
}

static void set_metatable(lua_State *L, int ref) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, ref);
  lua_setmetatable(L, -2);
}

lb_context *lb_getcontext(lua_State *L) {
  lb_context *c;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &context_key) == LUA_TUSERDATA) {
    c = lua_touserdata(L, -1);
    lua_pop(L, 1);
    return c;
  }
  lua_pop(L, 1);
  c = lua_newuserdatauv(L, sizeof *c, 0);
  memset(c, 0, sizeof *c);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &context_key);
  return c;
}

void lb_pushcontext(lua_State *L) {
  (void)lb_getcontext(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &context_key);
}

int lb_raise(lua_State *L, const char *where, const ldb_error *e) {
  return luaL_error(L, "lossdbg: %s: %s", where, e->text);
}

void lb_poll(lua_State *L, const char *where) {
  const lb_context *c = lb_getcontext(L);
  if (c->interrupt && c->interrupt(c->interrupt_ud, 0.0) != 0)
    luaL_error(L, "lossdbg: %s: interrupted", where);
}

void lb_touch(lb_tensor *t) {
  t->storage->version++;
}

/* One tensor above this is taken for a slip of the pen, with a message that says so; whatever is
   smaller and still too much is the allocator's to refuse. */
static const size_t largest_block = (size_t)1 << 40;

static void check_limit(lua_State *L, const lb_context *c, const char *where, size_t bytes) {
  if (bytes > largest_block)
    luaL_error(L, "lossdbg: %s: %I bytes wanted for one tensor, more than 1 TiB (is a size wrong?)",
               where, (lua_Integer)bytes);
  if (c->max_bytes == 0) return;
  for (int attempt = 0;; attempt++) {
    size_t used = (size_t)lua_gc(L, LUA_GCCOUNT) * 1024 + (size_t)lua_gc(L, LUA_GCCOUNTB);
    if (used <= c->max_bytes && bytes <= c->max_bytes - used) return;
    if (attempt == 1)
      luaL_error(L, "lossdbg: %s: memory limit: %I bytes wanted, %I in use, limit %I", where,
                 (lua_Integer)bytes, (lua_Integer)used, (lua_Integer)c->max_bytes);
    lua_gc(L, LUA_GCCOLLECT);
  }
}

/* Bytes that a tensor may hold itself. More would be kept too long by views. */
enum { LEAN_BYTES = 2048 };

/* s: room for the struct, bytes and LB_ALIGN more. */
static void set_storage(lb_storage *s, size_t bytes) {
  s->bytes = bytes;
  s->version = 0;
  uintptr_t p = (uintptr_t)(s + 1);
  s->data = (unsigned char *)((p + LB_ALIGN - 1) & ~(uintptr_t)(LB_ALIGN - 1));
}

static lb_storage *new_storage(lua_State *L, const lb_context *c, const char *where, size_t bytes) {
  check_limit(L, c, where, bytes);
  lb_storage *s = lua_newuserdatauv(L, sizeof *s + bytes + LB_ALIGN, 0);
  set_storage(s, bytes);
  set_metatable(L, c->storage_ref);
  if (c->born) c->born(L);
  return s;
}

void *lb_pushscratch(lua_State *L, const char *where, size_t n) {
  return new_storage(L, lb_getcontext(L), where, n)->data;
}

/* Pushes a tensor around storage s, which is the value on top of the stack or in it, and consumes
   that. */
static lb_tensor *wrap(lua_State *L, const lb_context *c, lb_storage *s, const ldb_view *v) {
  lb_tensor *t = lua_newuserdatauv(L, sizeof *t, 3);
  t->view = *v;
  t->storage = s;
  t->requires_grad = t->planned = t->passing = false;
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, 1);
  set_metatable(L, c->tensor_ref);
  return t;
}

/* A tensor that holds its bytes: one piece of memory instead of two. */
static lb_tensor *new_lean(lua_State *L, const lb_context *c, const char *where, const ldb_view *v,
                           size_t bytes) {
  check_limit(L, c, where, bytes);
  lb_tensor *t = lua_newuserdatauv(L, sizeof *t + sizeof *t->storage + bytes + LB_ALIGN, 3);
  t->view = *v;
  t->storage = (lb_storage *)(t + 1);
  t->requires_grad = t->planned = t->passing = false;
  set_storage(t->storage, bytes);
  t->view.data = t->storage->data;
  set_metatable(L, c->tensor_ref);
  return t;
}

lb_tensor *lb_newtensor_in(lua_State *L, const lb_context *c, const char *where, ldb_dtype dtype,
                           int rank, const int64_t *shape, bool lean) {
  ldb_error e;
  ldb_view v;
  size_t bytes = 0;
  if (ldb_view_init(&v, dtype, rank, shape, &e) != LDB_OK ||
      ldb_view_bytes(&v, &bytes, &e) != LDB_OK)
    lb_raise(L, where, &e);
  if (lean && bytes <= LEAN_BYTES && !c->born) return new_lean(L, c, where, &v, bytes);
  lb_storage *s = new_storage(L, c, where, bytes);
  v.data = s->data;
  return wrap(L, c, s, &v);
}

lb_tensor *lb_newtensor(lua_State *L, const char *where, ldb_dtype dtype, int rank,
                        const int64_t *shape) {
  return lb_newtensor_in(L, lb_getcontext(L), where, dtype, rank, shape, true);
}

lb_tensor *lb_wrapstorage(lua_State *L, const ldb_view *v) {
  return wrap(L, lb_getcontext(L), lua_touserdata(L, -1), v);
}

void lb_pushowner(lua_State *L, int idx) {
  idx = lua_absindex(L, idx);
  if (lua_getiuservalue(L, idx, 1) != LUA_TNIL) return;
  lua_pop(L, 1);
  lua_pushvalue(L, idx);
}

lb_tensor *lb_pushview(lua_State *L, int idx, const ldb_view *v) {
  lb_storage *s = ((lb_tensor *)lua_touserdata(L, idx))->storage;
  lb_pushowner(L, idx);
  return wrap(L, lb_getcontext(L), s, v);
}

/* debug.setmetatable can graft our metatable onto foreign userdata */
static bool has_form(lua_State *L, int idx, const lb_tensor *t) {
  const size_t n = (size_t)lua_rawlen(L, idx);
  return n == sizeof *t || (n > sizeof *t && t->storage == (const lb_storage *)(t + 1));
}

lb_tensor *lb_testtensor_in(lua_State *L, const lb_context *c, int idx) {
  lb_tensor *t = lua_touserdata(L, idx);
  if (!t || !lua_getmetatable(L, idx)) return NULL;
  const bool same = lua_topointer(L, -1) == c->tensor_meta;
  lua_pop(L, 1);
  return same && has_form(L, idx, t) ? t : NULL;
}

lb_tensor *lb_testtensor(lua_State *L, int idx) {
  return lb_testtensor_in(L, lb_getcontext(L), idx);
}

int lb_badargument(lua_State *L, int idx, const char *where, const char *name,
                   const char *expected) {
  const lb_tensor *t = lb_testtensor(L, idx);
  char shape[LDB_SHAPE_TEXT];
  if (t)
    return luaL_error(L, "lossdbg: %s: argument '%s': expected %s, got a tensor %s %s", where, name,
                      expected, ldb_dtype_name(t->view.dtype), ldb_shape_text(&t->view, shape));
  if (lua_type(L, idx) == LUA_TNUMBER)
    return luaL_error(L, "lossdbg: %s: argument '%s': expected %s, got the number %s", where, name,
                      expected, lua_tostring(L, idx));
  if (lua_type(L, idx) == LUA_TSTRING) {
    char text[41] = {0};
    strncpy(text, lua_tostring(L, idx), sizeof text - 1);
    return luaL_error(L, "lossdbg: %s: argument '%s': expected %s, got the string '%s'", where,
                      name, expected, text);
  }
  return luaL_error(L, "lossdbg: %s: argument '%s': expected %s, got %s", where, name, expected,
                    lua_isnone(L, idx) ? "nothing" : luaL_typename(L, idx));
}

lb_tensor *lb_checktensor(lua_State *L, int idx, const char *where, const char *name) {
  lb_tensor *t = lb_testtensor(L, idx);
  if (!t) lb_badargument(L, idx, where, name, "a tensor");
  return t;
}

lb_tensor *lb_checkcontiguous(lua_State *L, int idx, const char *where, const char *name,
                              int dtype) {
  lb_tensor *t = lb_checktensor(L, idx, where, name);
  if (dtype >= 0 && (int)t->view.dtype != dtype)
    luaL_error(L, "lossdbg: %s: argument '%s': expected a tensor of dtype %s, got %s", where, name,
               ldb_dtype_name((ldb_dtype)dtype), ldb_dtype_name(t->view.dtype));
  if (!ldb_view_is_contiguous(&t->view))
    luaL_error(L,
               "lossdbg: %s: argument '%s': expected a contiguous tensor, got a strided view "
               "(call :contiguous() first)",
               where, name);
  return t;
}

double lb_checkfinite(lua_State *L, int idx, const char *where, const char *name) {
  if (lua_type(L, idx) != LUA_TNUMBER || !isfinite(lua_tonumber(L, idx)))
    lb_badargument(L, idx, where, name, "a finite number");
  return lua_tonumber(L, idx);
}

int64_t lb_checkcount(lua_State *L, int idx, const char *where, const char *name) {
  int ok = 0;
  lua_Integer n = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &ok) : 0;
  if (!ok || n < 0) lb_badargument(L, idx, where, name, "an integer of 0 or more");
  return (int64_t)n;
}

uint64_t lb_checkseed(lua_State *L, int idx, const char *where, const char *name) {
  int ok = 0;
  lua_Integer n = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &ok) : 0;
  if (!ok) lb_badargument(L, idx, where, name, "an integer");
  return (uint64_t)n;
}
