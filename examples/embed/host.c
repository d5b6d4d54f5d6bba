/*
** A C program with lossdbg inside. It opens only harmless libraries (no io, no os), caps the memory
** of tensors, can be stopped with Ctrl-C, hands an array to Lua, trains on it, and reads the answer
** back.
**
**   make lib                                   # build/liblossdbg.a, once
**   cc -Icsrc $(pkg-config --cflags lua5.4) examples/embed/host.c build/liblossdbg.a \
**      -Wl,-E $(pkg-config --libs lua5.4 openblas) -lm -o build/embed-example
**   build/embed-example                        # last line: XOR is learnt
*/
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "lossdbg.h"

static volatile sig_atomic_t stopped;

static void on_signal(int number) {
  (void)number;
  stopped = 1;
}

static int ask(void *ud, double progress) {
  (void)ud;
  (void)progress;
  return stopped;
}

static const char script[] =
    "local ld = require 'lossdbg'\n"
    "local nn = ld.nn\n"
    "local y = ld.tensor({ { 0 }, { 1 }, { 1 }, { 0 } })\n"
    "local model = nn.sequential { nn.dense { 8, 'tanh' }, nn.dense { 1, 'sigmoid' } }\n"
    "  :build({ 2 }, { seed = 1 })\n"
    "local loss, adam = ld.loss.binary_crossentropy {}, ld.optim.adam { model, lr = 0.05 }\n"
    "for _ = 1, 300 do\n"
    "  local l = loss(model(x), y)\n"
    "  adam:zero_grad(); l:backward(); adam:step()\n"
    "end\n"
    "return model(x)\n";

/* Everything that may raise an error runs in here, under lua_pcall. */
static int work(lua_State *L) {
  static const float x[] = {0, 0, 0, 1, 1, 0, 1, 1};
  static const int64_t shape[] = {4, 2};
  const lossdbg_limits limits = {
      .struct_size = sizeof limits, .max_bytes = (size_t)64 << 20, .interrupt = ask};
  const luaL_Reg libraries[] = {
      {LUA_GNAME, luaopen_base},          {LUA_LOADLIBNAME, luaopen_package},
      {LUA_COLIBNAME, luaopen_coroutine}, {LUA_TABLIBNAME, luaopen_table},
      {LUA_STRLIBNAME, luaopen_string},   {LUA_MATHLIBNAME, luaopen_math}};
  for (size_t i = 0; i < sizeof libraries / sizeof libraries[0]; i++)
    luaL_requiref(L, libraries[i].name, libraries[i].func, 1);
  lua_settop(L, 0);
  lossdbg_preload(L);
  lossdbg_setlimits(L, &limits);
  if (luaL_dostring(L, "package.path = './lua/?.lua;./lua/?/init.lua'\n"
                       "require 'lossdbg'"))
    return lua_error(L);
  lossdbg_pushtensor(L, LOSSDBG_F32, 2, shape, x);
  lua_setglobal(L, "x");
  if (luaL_dostring(L, script)) return lua_error(L);
  return 1; /* the model's answers */
}

int main(void) {
  static const int expected[] = {0, 1, 1, 0};
  lua_State *L = luaL_newstate();
  lossdbg_view answers = {.struct_size = sizeof answers};
  int right = 0;
  if (!L) return EXIT_FAILURE;
  signal(SIGINT, on_signal);
  lua_pushcfunction(L, work);
  if (lua_pcall(L, 0, 1, 0) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(L, -1));
  } else if (lossdbg_totensor(L, -1, &answers)) {
    for (int i = 0; i < 4; i++) {
      float answer = ((const float *)answers.data)[i * answers.stride[0]];
      printf("%d xor %d: %.3f\n", i / 2, i % 2, (double)answer);
      right += (answer > 0.5f) == expected[i];
    }
    puts(right == 4 ? "XOR is learnt" : "XOR is not learnt");
  }
  lua_close(L);
  return right == 4 ? EXIT_SUCCESS : EXIT_FAILURE;
}
