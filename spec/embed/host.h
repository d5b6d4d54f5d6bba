/*
** What the hosts share: a counting allocator that can refuse, states with the libraries that a
** sandbox would open, and checks that say what they saw.
*/
#ifndef HOST_H
#define HOST_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lossdbg.h"

typedef struct host_heap {
  size_t live, peak;
  size_t limit;      /* live bytes may not grow above it; 0: no limit */
  long growths;      /* requests so far for more bytes than before */
  long fail_at;      /* number of the growth that is refused; 0: none */
  bool from_then_on; /* and every later one */
  long refused;
} host_heap;

static inline bool host_refuses(host_heap *h, size_t more) {
  h->growths++;
  bool chosen =
      h->fail_at != 0 && (h->from_then_on ? h->growths >= h->fail_at : h->growths == h->fail_at);
  if (!chosen && (h->limit == 0 || h->live + more <= h->limit)) return false;
  h->refused++;
  return true;
}

/* Always moves and overwrites what it leaves, so that a pointer kept too long is noticed; never
   refuses to shrink, as Lua's manual demands. */
static inline void *host_alloc(void *ud, void *block, size_t old_size, size_t size) {
  host_heap *h = ud;
  size_t old = block ? old_size : 0; /* without a block Lua passes the kind of object */
  if (size > old && host_refuses(h, size - old)) return NULL;
  void *moved = NULL;
  if (size > 0) {
    moved = malloc(size);
    if (!moved) abort();
    if (old > 0) memcpy(moved, block, old < size ? old : size);
  }
  if (block) {
    memset(block, 0x5a, old);
    free(block);
  }
  h->live = h->live - old + size;
  if (h->live > h->peak) h->peak = h->live;
  return moved;
}

/* No io, no os, no debug: what is left must be enough. */
static inline void host_openlibs(lua_State *L) {
  static const luaL_Reg libraries[] = {
      {LUA_GNAME, luaopen_base},          {LUA_LOADLIBNAME, luaopen_package},
      {LUA_COLIBNAME, luaopen_coroutine}, {LUA_TABLIBNAME, luaopen_table},
      {LUA_STRLIBNAME, luaopen_string},   {LUA_MATHLIBNAME, luaopen_math},
      {LUA_UTF8LIBNAME, luaopen_utf8},    {NULL, NULL}};
  for (const luaL_Reg *l = libraries; l->name; l++) {
    luaL_requiref(L, l->name, l->func, 1);
    lua_pop(L, 1);
  }
}

/* Libraries, the linked core, and the Lua files of the checkout only. */
static inline int host_setup(lua_State *L) {
  host_openlibs(L);
  lossdbg_preload(L);
  lua_getglobal(L, "package");
  lua_pushliteral(L, "./lua/?.lua;./lua/?/init.lua");
  lua_setfield(L, -2, "path");
  lua_pushliteral(L, "");
  lua_setfield(L, -2, "cpath");
  lua_pop(L, 1);
  return 0;
}

static inline lua_State *host_newstate(host_heap *h) {
  memset(h, 0, sizeof *h);
  lua_State *L = lua_newstate(host_alloc, h);
  if (!L) abort();
  host_setup(L);
  return L;
}

/* Runs Lua source and returns its first result as text (in buf), or "error: message". */
static inline const char *host_run(lua_State *L, const char *source, char *buf, size_t size) {
  int top = lua_gettop(L);
  bool ok = luaL_loadstring(L, source) == LUA_OK && lua_pcall(L, 0, 1, 0) == LUA_OK;
  const char *text = luaL_tolstring(L, -1, NULL);
  snprintf(buf, size, "%s%s", ok ? "" : "error: ", text);
  lua_settop(L, top);
  return buf;
}

/* Checks are counted, so that a host which checked nothing cannot pass. */
typedef struct host_tally {
  int checks, failures;
} host_tally;

static inline bool host_check(host_tally *t, bool ok, const char *what, const char *seen) {
  t->checks++;
  if (!ok) {
    t->failures++;
    printf("      not so: %s%s%s\n", what, seen ? "; saw: " : "", seen ? seen : "");
  }
  return ok;
}

static inline int host_verdict(const host_tally *t, const char *name) {
  printf("      %s: %d checks, %d failures\n", name, t->checks, t->failures);
  return t->checks > 0 && t->failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
