/*
** Writing the tape. All memory is taken in protected calls; user value 1 of the tape holds it.
*/
#include "binding/lb_tape.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LB_TAPE "lossdbg.tape"

static const char tape_key = 0; /* address only */

void lb_tape_metatable(lua_State *L) {
  luaL_newmetatable(L, LB_TAPE);
  lua_pop(L, 1);
}

lb_tape *lb_testtape(lua_State *L, int idx) {
  lb_tape *t = luaL_testudata(L, idx, LB_TAPE);
  return t && lua_rawlen(L, idx) == sizeof *t ? t : NULL;
}

lb_tape *lb_check_tape(lua_State *L, int idx, const char *where) {
  lb_tape *t = lb_testtape(L, idx);
  if (!t) lb_badargument(L, idx, where, "tape", "a tape of plan.capture");
  return t;
}

lb_tape *lb_tape_start(lua_State *L) {
  lb_tape *t = lua_newuserdatauv(L, sizeof *t, LB_TAPE_VALUES);
  memset(t, 0, sizeof *t);
  t->scope = t->optimizer = -1;
  for (int i = 1; i <= LB_TAPE_VALUES; i++) {
    lua_newtable(L);
    lua_setiuservalue(L, -2, i);
  }
  luaL_setmetatable(L, LB_TAPE);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &tape_key);
  lb_context *c = lb_getcontext(L);
  t->draws = c->draws;
  c->tape = t;
  c->born = lb_tape_born;
  return t;
}

void lb_tape_leave(lua_State *L) {
  lb_context *c = lb_getcontext(L);
  c->tape = NULL;
  c->born = NULL;
}

void lb_tape_stop(lua_State *L) {
  lb_tape_leave(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &tape_key);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &tape_key);
}

LDB_PRINTF(2, 0) static void refuse_list(lb_tape *t, const char *format, va_list args) {
  if (t->reason[0]) return;
  vsnprintf(t->reason, sizeof t->reason, format, args);
}

void lb_tape_refuse(lua_State *L, const char *format, ...) {
  va_list args;
  va_start(args, format);
  refuse_list(lb_getcontext(L)->tape, format, args);
  va_end(args);
}

void lb_tape_fail(lb_tape *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  refuse_list(t, format, args);
  va_end(args);
}

void lb_tape_read(lua_State *L, const char *function) {
  lb_tape_refuse(L,
                 "'%s' reads values while the step runs, and what Lua does with them cannot be "
                 "repeated (return the tensor and read it after the step)",
                 function);
}

/* Calls fn(value on top of the stack or nil, param) where memory may be refused. Pops the value. */
static bool protect(lua_State *L, lua_CFunction fn, void *param) {
  if (!lua_checkstack(L, 8)) {
    lua_pop(L, 1);
    lb_tape_refuse(L, "not enough memory to capture the step");
    return false;
  }
  lua_pushcfunction(L, fn);
  lua_insert(L, -2);
  lua_pushlightuserdata(L, param);
  const int status = lua_pcall(L, 2, 0, 0);
  if (status == LUA_OK) return true;
  if (status != LUA_ERRMEM) lua_error(L); /* raised by a hook: somebody wants to stop */
  lua_pop(L, 1);
  lb_tape_refuse(L, "not enough memory to capture the step");
  return false;
}

/* Memory that lives as long as the tape. */
static void *hold(lua_State *L, lb_tape *t, int held, size_t bytes) {
  void *p = lua_newuserdatauv(L, bytes, 0);
  lua_rawseti(L, held, t->n_held + 1);
  t->n_held++;
  return p;
}

static lb_tape *push_values(lua_State *L, int which) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &tape_key);
  lb_tape *t = lua_touserdata(L, -1);
  lua_getiuservalue(L, -1, which);
  lua_replace(L, -2);
  return t;
}

/* ---- storages -------------------------------------------------------------------------------- */

typedef struct seeing {
  lb_storage *storage;
  bool born;
} seeing;

/* (what holds the storage, &seeing) */
static int add_storage(lua_State *L) {
  const seeing *from = lua_touserdata(L, 2);
  lb_tape *t = push_values(L, LB_TAPE_HELD);
  lua_pushvalue(L, 1);
  if (lua_rawget(L, 3) != LUA_TNIL) return 0;
  lb_seen *s = hold(L, t, 3, sizeof *s);
  lua_pushvalue(L, 1);
  lua_pushlightuserdata(L, s);
  lua_rawset(L, 3);
  s->next = NULL;
  s->storage = from->storage;
  s->born = from->born;
  if (t->seen_last)
    t->seen_last->next = s;
  else
    t->seen = s;
  t->seen_last = s;
  t->n_seen++;
  return 0;
}

void lb_tape_born(lua_State *L) {
  seeing s = {lua_touserdata(L, -1), true};
  lua_pushvalue(L, -1);
  protect(L, add_storage, &s);
}

void lb_tape_hold(lua_State *L) {
  seeing s = {lua_touserdata(L, -1), false};
  protect(L, add_storage, &s);
}

void lb_tape_see(lua_State *L, int idx) {
  lb_tensor *t = lua_touserdata(L, idx);
  seeing s = {t->storage, false};
  t->planned = true;
  lb_pushowner(L, idx);
  protect(L, add_storage, &s);
}

bool lb_tape_is_born(lua_State *L, int idx) {
  push_values(L, LB_TAPE_HELD);
  lb_pushowner(L, idx);
  lua_rawget(L, -2);
  const lb_seen *s = lua_touserdata(L, -1);
  lua_pop(L, 2);
  return s && s->born;
}

/* ---- records --------------------------------------------------------------------------------- */

static void link_record(lb_tape *t, lb_record *r) {
  r->scope = t->scope;
  if (t->last)
    t->last->next = r;
  else
    t->first = r;
  t->last = r;
  t->n_records++;
}

static int add_record(lua_State *L) {
  const lb_draft *d = lua_touserdata(L, 2);
  lb_tape *t = push_values(L, LB_TAPE_HELD);
  const size_t pointers = d->r.n_pointers * sizeof(lb_pointer);
  lb_record *r = hold(L, t, 3, sizeof *r + pointers + d->r.n_bytes);
  *r = d->r;
  r->next = NULL;
  r->pointer = (lb_pointer *)(r + 1);
  r->arg = (unsigned char *)(r + 1) + pointers;
  memcpy(r->arg, d->arg, d->r.n_bytes);
  if (d->points)
    d->points(r);
  else if (pointers)
    memcpy(r->pointer, d->pointer, pointers);
  const void *const none = NULL;
  for (uint32_t i = 0; i < r->n_pointers; i++)
    memcpy(r->arg + r->pointer[i].place, &none, sizeof none);
  link_record(t, r);
  return 0;
}

void lb_tape_append(lua_State *L, const lb_draft *d) {
  if (lb_getcontext(L)->tape->reason[0]) return; /* nothing will come of it */
  lua_pushnil(L);
  protect(L, add_record, (void *)d);
}

/* ---- leaves, layers that count, optimisers --------------------------------------------------- */

static int add_leaf(lua_State *L) {
  const bool *fresh = lua_touserdata(L, 2);
  lb_tape *t = push_values(L, LB_TAPE_LEAVES);
  lua_pushvalue(L, 1);
  if (lua_rawget(L, 3) != LUA_TNIL) return 0;
  lua_pushvalue(L, 1);
  lua_rawseti(L, 3, t->n_leaves + 1);
  t->n_leaves++;
  lua_pushvalue(L, 1);
  lua_pushinteger(L, t->n_leaves);
  lua_rawset(L, 3);
  if (*fresh) t->no_gradient = true;
  return 0;
}

void lb_tape_leaf(lua_State *L, int idx) {
  bool fresh = false;
  lua_pushvalue(L, idx);
  protect(L, add_leaf, &fresh);
}

void lb_tape_fresh_leaf(lua_State *L, int idx) {
  bool fresh = true;
  lua_pushvalue(L, idx);
  protect(L, add_leaf, &fresh);
}

bool lb_tape_knows_leaf(lua_State *L, int idx) {
  push_values(L, LB_TAPE_LEAVES);
  lua_pushvalue(L, idx);
  const bool known = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 2);
  return known;
}

/* Appends the value at index 1 to the list at index `list` unless it is there; its place. */
static int32_t place_in(lua_State *L, int list, int32_t *n) {
  lua_pushvalue(L, 1);
  if (lua_rawget(L, list) == LUA_TNUMBER) return (int32_t)lua_tointeger(L, -1) - 1;
  lua_pushvalue(L, 1);
  lua_rawseti(L, list, *n + 1);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, *n + 1);
  lua_rawset(L, list);
  return (*n)++;
}

static int add_stream(lua_State *L) {
  const lb_stream *given = lua_touserdata(L, 2);
  lb_tape *t = push_values(L, LB_TAPE_OWNERS);
  lb_stream s = *given;
  if (lua_istable(L, 1)) {
    s.owner = place_in(L, 3, &t->n_owners);
    s.base = s.a - 1;
    for (const lb_stream *other = t->streams; other; other = other->next)
      if (other->owner == s.owner) s.base = other->base;
  } else if (s.owner == LB_STREAM_STATE) {
    s.base = t->draws;
  } else {
    s.base = s.a;
    s.owner = t->has_step && s.a == t->step ? LB_STREAM_STEP : LB_STREAM_FIXED;
  }
  push_values(L, LB_TAPE_HELD);
  lb_stream *kept = hold(L, t, lua_gettop(L), sizeof *kept);
  *kept = s;
  kept->next = t->streams;
  t->streams = kept;
  return 0;
}

void lb_tape_stream(lua_State *L, lb_stream s, int owner_idx) {
  if (owner_idx)
    lua_pushvalue(L, owner_idx);
  else
    lua_pushnil(L);
  protect(L, add_stream, &s);
}

typedef struct entering {
  double base;
  int64_t every;
} entering;

static int add_optimizer(lua_State *L) {
  const entering *e = lua_touserdata(L, 2);
  lb_tape *t = push_values(L, LB_TAPE_OPTIMIZERS);
  const int32_t place = place_in(L, 3, &t->n_optimizers);
  if (place >= LB_MAX_OPTIMIZERS) {
    lb_tape_refuse(L, "more than %d optimisers take part", (int)LB_MAX_OPTIMIZERS);
    t->n_optimizers = LB_MAX_OPTIMIZERS;
    return 0;
  }
  if (t->stepped >> place & 1u) lb_tape_refuse(L, "the same optimiser makes more than one step");
  t->stepped |= 1u << place;
  t->optimizer = place;
  t->base[place] = e->base;
  t->every[place] = e->every;
  t->own = false;
  return 0;
}

void lb_tape_optimizer(lua_State *L, int idx, double base, int64_t every) {
  entering e = {base, every};
  if (!idx) {
    lb_getcontext(L)->tape->optimizer = -1;
    return;
  }
  lua_pushvalue(L, idx);
  protect(L, add_optimizer, &e);
}

static int add_scope(lua_State *L) {
  lb_tape *t = push_values(L, LB_TAPE_SCOPES);
  t->scope = place_in(L, 3, &t->n_scopes);
  return 0;
}

void lb_tape_scope(lua_State *L, int idx) {
  lua_pushvalue(L, idx);
  protect(L, add_scope, NULL);
}
