/*
** The core linked into a program: opened with and without the package library, tensors handed in
** and out, and what each function of lossdbg.h does with input that cannot be.
*/
#include "host.h"

static host_tally tally;

static void check(bool ok, const char *what, const char *seen) {
  host_check(&tally, ok, what, seen);
}

/* Only base: no require, no string library, nothing but the core. */
static void without_package(void) {
  host_heap heap = {0};
  char text[256];
  lua_State *L = lua_newstate(host_alloc, &heap);
  luaL_requiref(L, LUA_GNAME, luaopen_base, 1);
  check(lossdbg_setthreads(L, 2) == 0, "no threads before the core is open", NULL);
  luaL_requiref(L, "lossdbg.core", luaopen_lossdbg_core, 0);
  lua_setglobal(L, "core");
  host_run(L, "return core.op.matmul ~= nil", text, sizeof text);
  check(strcmp(text, "true") == 0, "core opens without the package library", text);
  check(lossdbg_setthreads(L, 2) == 2, "a state with threads", NULL);
  lua_close(L);
  check(heap.live == 0, "all memory returned", NULL);
}

/* Preloaded before the package library exists, and after. */
static void preload_order(bool before) {
  host_heap heap = {0};
  char text[256];
  lua_State *L = lua_newstate(host_alloc, &heap);
  if (before) lossdbg_preload(L);
  host_openlibs(L);
  if (!before) lossdbg_preload(L);
  check(lua_gettop(L) == 0, "the stack is as it was", NULL);
  host_run(L,
           "package.path, package.cpath = '', ''\n"
           "local core, from = require 'lossdbg.core'\n"
           "return from",
           text, sizeof text);
  check(strcmp(text, ":preload:") == 0, "require takes the linked core", text);
  lua_close(L);
  check(heap.live == 0, "all memory returned", NULL);
}

static int push_bad_dtype(lua_State *L) {
  const int64_t shape[] = {2};
  lossdbg_pushtensor(L, 7, 1, shape, NULL);
  return 1;
}
static int push_bad_rank(lua_State *L) {
  const int64_t shape[LOSSDBG_MAX_RANK + 1] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
  lossdbg_pushtensor(L, LOSSDBG_F32, LOSSDBG_MAX_RANK + 1, shape, NULL);
  return 1;
}
static int push_negative(lua_State *L) {
  const int64_t shape[] = {2, -1};
  lossdbg_pushtensor(L, LOSSDBG_F32, 2, shape, NULL);
  return 1;
}
static int push_overflow(lua_State *L) {
  const int64_t shape[] = {INT64_MAX, 2, 2};
  lossdbg_pushtensor(L, LOSSDBG_F64, 3, shape, NULL);
  return 1;
}
static int push_too_large(lua_State *L) {
  const int64_t shape[] = {(int64_t)1 << 45};
  lossdbg_pushtensor(L, LOSSDBG_F64, 1, shape, NULL);
  return 1;
}

static void raises(lua_State *L, lua_CFunction f, const char *part) {
  lua_pushcfunction(L, f);
  int status = lua_pcall(L, 0, 0, 0);
  const char *text = status == LUA_OK ? "no error" : lua_tostring(L, -1);
  check(status != LUA_OK && strstr(text, part), part, text);
  lua_settop(L, 0);
}

static void tensors_in(lua_State *L) {
  static const float xor_x[] = {0, 0, 0, 1, 1, 0, 1, 1};
  static const double half[] = {0.5};
  static const int32_t ids[] = {3, -1, 2};
  const int64_t shape[] = {4, 2}, three[] = {3}, empty[] = {0, 5};
  char text[256];
  lossdbg_pushtensor(L, LOSSDBG_F32, 2, shape, xor_x);
  lua_setglobal(L, "x");
  lossdbg_pushtensor(L, LOSSDBG_F64, 0, NULL, half);
  lua_setglobal(L, "h");
  lossdbg_pushtensor(L, LOSSDBG_I32, 1, three, ids);
  lua_setglobal(L, "i");
  lossdbg_pushtensor(L, LOSSDBG_F32, 2, empty, NULL);
  lua_setglobal(L, "e");
  lossdbg_pushtensor(L, LOSSDBG_F32, 1, three, NULL);
  lua_setglobal(L, "z");
  host_run(L, "return x.dtype .. x:get(2, 2) .. x:get(3, 2) .. #x .. x.rank", text, sizeof text);
  check(strcmp(text, "f321.00.042") == 0, "f32 values arrive row by row", text);
  host_run(L, "return h.dtype .. h:item() .. h.rank", text, sizeof text);
  check(strcmp(text, "f640.50") == 0, "a scalar of f64 arrives", text);
  host_run(L, "return i.dtype .. ' ' .. i:get(1) .. i:get(2) .. i:get(3)", text, sizeof text);
  check(strcmp(text, "i32 3-12") == 0, "integers arrive", text);
  host_run(L, "return e.numel", text, sizeof text);
  check(strcmp(text, "0") == 0, "an empty tensor has no elements", text);
  host_run(L, "return z:get(1) == 0 and z:get(3) == 0", text, sizeof text);
  check(strcmp(text, "true") == 0, "no source means zeros", text);
  raises(L, push_bad_dtype, "dtype");
  raises(L, push_bad_rank, "rank");
  raises(L, push_negative, "-1");
  raises(L, push_overflow, "lossdbg_pushtensor");
  raises(L, push_too_large, "lossdbg_pushtensor");
}

static void tensors_out(lua_State *L) {
  lossdbg_view v;
  memset(&v, 0, sizeof v);
  v.struct_size = sizeof v;
  if (luaL_dostring(L, "local ld = require 'lossdbg'\n"
                       "return ld.tensor({{1, 2, 3}, {4, 5, 6}}, 'f64'):transpose(), 'text'"))
    check(false, "a tensor is made", lua_tostring(L, -1));
  check(lossdbg_totensor(L, 1, &v) == 1, "a tensor is seen", NULL);
  check(v.dtype == LOSSDBG_F64 && v.rank == 2 && v.shape[0] == 3 && v.shape[1] == 2,
        "dtype and shape of a transposed view", NULL);
  double sum = 0;
  for (int64_t i = 0; i < v.shape[0]; i++) /* element (i, j) of the view is 3j + i + 1 */
    for (int64_t j = 0; j < v.shape[1]; j++)
      if (((const double *)v.data)[i * v.stride[0] + j * v.stride[1]] == (double)(3 * j + i + 1))
        sum += 1;
  check(sum == 6, "strides lead to every element", NULL);
  check(lossdbg_totensor(L, -1, &v) == 0, "a string is not a tensor", NULL);
  check(lossdbg_totensor(L, 9, &v) == 0, "nothing is not a tensor", NULL);
  lua_newuserdatauv(L, sizeof v, 0);
  check(lossdbg_totensor(L, -1, &v) == 0, "a foreign userdata is not a tensor", NULL);
  v.struct_size = sizeof v - 8;
  check(lossdbg_totensor(L, 1, &v) == 0, "another version's structure is refused", NULL);
  lua_settop(L, 0);
}

int main(void) {
  host_heap heap;
  without_package();
  preload_order(true);
  preload_order(false);
  lua_State *L = host_newstate(&heap);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "lossdbg");
  if (lua_pcall(L, 1, 0, 0) != LUA_OK) check(false, "require 'lossdbg'", lua_tostring(L, -1));
  lua_settop(L, 0);
  tensors_in(L);
  tensors_out(L);
  check(strcmp(lossdbg_version(), LOSSDBG_VERSION) == 0, "linked and compiled versions agree",
        NULL);
  lua_close(L);
  check(heap.live == 0, "all memory returned", NULL);
  return host_verdict(&tally, "preload");
}
