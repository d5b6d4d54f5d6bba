/*
** The threads of a state: core.threads and lossdbg_setthreads.
**
** The team itself is made with the core and stays at one address for as long as the state lives.
** What comes and goes are its further threads and their memory, a block in the registry.
**
** Threads must have ended before their state's memory goes, so here alone is a __gc: a guard in the
** registry whose finalizer stops them when the state closes. Objects finalized after it still
** compute, on one thread, and can start no other.
*/
#include <string.h>

#include "base/space.h"
#include "binding/lb.h"
#include "lossdbg.h"

static const char team_key = 0, more_key = 0, guard_key = 0; /* addresses only */

/* Ops hold no reference to the team of their own, so the registry does. */
void lb_newteam(lua_State *L) {
  lb_context *c = lb_getcontext(L);
  if (c->team) return;
  void *memory = lb_pushscratch(L, "require", ldb_team_bytes());
  lua_rawsetp(L, LUA_REGISTRYINDEX, &team_key);
  c->team = ldb_team_init(memory);
}

typedef struct guard {
  ldb_team *team;
} guard;

static int finalize_guard(lua_State *L) {
  guard *g = luaL_testudata(L, 1, "lossdbg.threads");
  if (!g || lua_rawlen(L, 1) != sizeof *g) return 0;
  ldb_team_stop(g->team);
  lb_getcontext(L)->closing = true;
  return 0;
}

static void new_guard(lua_State *L, ldb_team *team) {
  bool have = lua_rawgetp(L, LUA_REGISTRYINDEX, &guard_key) == LUA_TUSERDATA;
  lua_pop(L, 1);
  if (have) return;
  guard *g = lua_newuserdatauv(L, sizeof *g, 0);
  g->team = team;
  luaL_newmetatable(L, "lossdbg.threads");
  lua_pushcfunction(L, finalize_guard);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &guard_key);
}

/* Products of several threads at a time need a buffer each. */
static int with_space(int wanted, ldb_error *e) {
  int n = wanted;
  while (n > 1 && !ldb_space_left((size_t)(n - 1) * LDB_BLAS_SPACE))
    n--;
  if (n < wanted)
    ldb_fail(e, LDB_STATE, "%d threads wanted, the address space is enough for %d", wanted, n);
  return n;
}

/* All memory is taken before the old threads stop: when there is none, they go on. */
int lb_setthreads(lua_State *L, const char *where, int n, ldb_error *e) {
  lb_context *c = lb_getcontext(L);
  e->text[0] = '\0';
  if (ldb_team_inherited(c->team)) ldb_team_stop(c->team);
  if (c->max_threads > 0 && n > c->max_threads) {
    ldb_fail(e, LDB_STATE, "%d threads wanted, this program allows %d", n, c->max_threads);
    n = c->max_threads;
  }
  if (n == ldb_team_size(c->team)) return n;
  n = with_space(n, e);
  if (n > 1 && c->closing) {
    ldb_fail(e, LDB_STATE, "no threads are started while the state closes");
    return 1;
  }
  if (n == 1) {
    ldb_team_stop(c->team);
    lua_pushboolean(L, 0); /* not nil: the key keeps its place in the table */
    lua_rawsetp(L, LUA_REGISTRYINDEX, &more_key);
    return 1;
  }
  luaL_checkstack(L, 6, where);
  new_guard(L, c->team);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &more_key) == LUA_TNIL) {
    lua_pushboolean(L, 0); /* its place in the table, which could be refused later */
    lua_rawsetp(L, LUA_REGISTRYINDEX, &more_key);
  }
  lua_pop(L, 1);
  void *more = lb_pushscratch(L, where, ldb_team_more_bytes(n));
  ldb_team_stop(c->team);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &more_key);
  ldb_team_start(c->team, n, more, e);
  return ldb_team_size(c->team);
}

static int check_threads(lua_State *L, int idx) {
  static const char where[] = "threads";
  int ok = 0;
  lua_Integer n = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &ok) : 0;
  if (ok && n >= 1 && n <= LDB_MAX_THREADS) return (int)n;
  if (lua_type(L, idx) == LUA_TSTRING && strcmp(lua_tostring(L, idx), "auto") == 0)
    return ldb_processors();
  const bool text = lua_type(L, idx) == LUA_TSTRING;
  const char *got = lua_isstring(L, idx) ? lua_tostring(L, idx) : luaL_typename(L, idx);
  return luaL_error(L,
                    "lossdbg: %s: argument 'n': expected a number of threads from 1 to %d, or "
                    "\"auto\" for one a processor, got %s%s%s",
                    where, (int)LDB_MAX_THREADS, text ? "'" : "", got, text ? "'" : "");
}

/* shared_runs() -> how many pieces of work the threads shared since they started */
int lb_core_shared_runs(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)ldb_team_shared(lb_getcontext(L)->team));
  return 1;
}

/* threads(n?, share_from?) -> number in force, reason where it is not n. Work of more nanoseconds
   than share_from is shared; without it, what was measured. Specs say 0. */
int lb_core_threads(lua_State *L) {
  if (lua_isnoneornil(L, 1)) {
    ldb_team *team = lb_getcontext(L)->team;
    lua_pushinteger(L, ldb_team_inherited(team) ? 1 : ldb_team_size(team));
    return 1;
  }
  ldb_error e;
  const int n = check_threads(L, 1);
  double share_from = lua_isnoneornil(L, 2) ? -1 : lb_checkfinite(L, 2, "threads", "share_from");
  lua_pushinteger(L, lb_setthreads(L, "threads", n, &e));
  ldb_team_share_from(lb_getcontext(L)->team, share_from);
  if (!e.text[0]) return 1;
  lua_pushstring(L, e.text);
  return 2;
}

int lossdbg_setthreads(lua_State *L, int n) {
  ldb_error e;
  luaL_checkstack(L, 8, "lossdbg_setthreads");
  if (n < 1 || n > LDB_MAX_THREADS || !lb_getcontext(L)->team) return 0;
  return lb_setthreads(L, "lossdbg_setthreads", n, &e);
}
