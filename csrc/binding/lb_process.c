/*
** core.process: worker processes.
**
** Besides the threads' guard, a worker alone has a __gc here: one that nobody waits for any more is
** killed and leaves no zombie.
*/
#include "base/process.h"

#include "binding/lb.h"

#define LB_WORKER "lossdbg.worker"

enum { CHUNK = 1 << 16, LONGEST_WAIT = 1000, NO_RESULT = 2, NO_MEMORY = 3 };

static ldb_process *check_worker(lua_State *L, int idx, const char *where) {
  ldb_process *p = luaL_testudata(L, idx, LB_WORKER);
  if (!p || lua_rawlen(L, idx) != sizeof *p)
    lb_badargument(L, idx, where, "worker", "what process.start returned");
  return p;
}

/* What is on top of the stack is called; what it returns, a string, is the result. */
static _Noreturn void work(lua_State *L, int out) {
  size_t n = 0;
  const char *bytes = NULL;
  int rc = lua_pcall(L, 0, 1, 0);
  if (rc == LUA_OK && lua_type(L, -1) == LUA_TSTRING) bytes = lua_tolstring(L, -1, &n);
  ldb_process_end(out, bytes, bytes ? n : 0, bytes ? 0 : rc == LUA_ERRMEM ? NO_MEMORY : NO_RESULT);
}

static void push_worker(lua_State *L) {
  ldb_process *p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (ldb_process){.fd = -1};
  luaL_setmetatable(L, LB_WORKER);
}

static bool allowed(lua_State *L, ldb_error *e) {
  if (lb_getcontext(L)->max_workers < 0)
    return ldb_fail(e, LDB_STATE, "this program allows no worker processes") == LDB_OK;
  if (!ldb_process_possible())
    return ldb_fail(e, LDB_STATE, "this system has no fork: there are no worker processes") ==
           LDB_OK;
  return true;
}

static int push_failure(lua_State *L, const ldb_error *e) {
  lua_pushnil(L);
  lua_pushstring(L, e->text);
  return 2;
}

/* most() -> how many workers this program may have at a time, or nil and why it may have none */
static int lb_process_most(lua_State *L) {
  ldb_error e;
  if (!allowed(L, &e)) return push_failure(L, &e);
  const int most = lb_getcontext(L)->max_workers;
  lua_pushinteger(L, most > 0 && most < LDB_MAX_WORKERS ? most : LDB_MAX_WORKERS);
  return 1;
}

/* start(fn, others?) -> worker, or nil and a message: fn() in a copy of this process; its result is
   a string. `others` is a list of workers, which are none of its business. */
static int lb_process_start(lua_State *L) {
  static const char where[] = "process.start";
  ldb_error e;
  int out = -1;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  luaL_checkstack(L, 4, where);
  const lua_Integer n = lua_istable(L, 2) ? (lua_Integer)lua_rawlen(L, 2) : 0;
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 2, i);
    check_worker(L, -1, where);
    lua_pop(L, 1);
  }
  if (!allowed(L, &e)) return push_failure(L, &e);
  push_worker(L);
  if (ldb_process_start(lua_touserdata(L, 3), &out, &e) != LDB_OK) return push_failure(L, &e);
  if (out < 0) return 1;
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 2, i);
    ldb_process_forget(lua_touserdata(L, -1));
    lua_pop(L, 1);
  }
  lua_pushvalue(L, 1);
  work(L, out);
}

/* read(worker) -> what has arrived, "" when nothing has, nil at the end */
static int lb_process_read(lua_State *L) {
  ldb_process *p = check_worker(L, 1, "process.read");
  luaL_Buffer b;
  char *room = luaL_buffinitsize(L, &b, CHUNK);
  long long n = ldb_process_read(p, room, CHUNK);
  luaL_pushresultsize(&b, n > 0 ? (size_t)n : 0);
  if (n < 0) lua_pushnil(L);
  return 1;
}

/* await(workers, seconds): until one of them says something, or a signal came */
static int lb_process_await(lua_State *L) {
  static const char where[] = "process.await";
  const ldb_process *list[LDB_MAX_WORKERS];
  luaL_checktype(L, 1, LUA_TTABLE);
  double seconds = lb_checkfinite(L, 2, where, "seconds");
  const lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
  if (n > LDB_MAX_WORKERS) return luaL_error(L, "lossdbg: %s: at most 64 workers", where);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 1, i);
    list[i - 1] = check_worker(L, -1, where);
    lua_pop(L, 1);
  }
  lb_poll(L, where);
  seconds = seconds < 0 ? 0 : seconds * 1000 > LONGEST_WAIT ? LONGEST_WAIT : seconds * 1000;
  ldb_process_await(list, (int)n, (int)seconds);
  return 0;
}

static int push_end(lua_State *L, const ldb_process *p) {
  static const char *const names[] = {"none", "exit", "signal", "unknown"};
  lua_pushstring(L, names[p->end]);
  lua_pushinteger(L, p->code);
  return 2;
}

/* reap(worker) -> "exit" and its status, "signal" and its number, "unknown" or "none" and 0: waits
   for its end */
static int lb_process_reap(lua_State *L) {
  ldb_process *p = check_worker(L, 1, "process.reap");
  ldb_process_reap(p);
  return push_end(L, p);
}

/* kill(worker) -> as reap, at once */
static int lb_process_kill(lua_State *L) {
  ldb_process *p = check_worker(L, 1, "process.kill");
  ldb_process_kill(p);
  return push_end(L, p);
}

static int finalize_worker(lua_State *L) {
  ldb_process *p = luaL_testudata(L, 1, LB_WORKER);
  if (p && lua_rawlen(L, 1) == sizeof *p) ldb_process_kill(p);
  return 0;
}

int lb_open_process(lua_State *L) {
  static const luaL_Reg functions[] = {{"most", lb_process_most},
                                       {"start", lb_process_start},
                                       {"read", lb_process_read},
                                       {"await", lb_process_await},
                                       {"reap", lb_process_reap},
                                       {"kill", lb_process_kill},
                                       {NULL, NULL}};
  luaL_newmetatable(L, LB_WORKER);
  lua_pushcfunction(L, finalize_worker);
  lua_setfield(L, -2, "__gc");
  lua_pushliteral(L, LB_WORKER);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
