/*
** What `make counts` runs under callgrind: one function a case, each called once after a first call
** that is not counted. A case says how many elements, or calls, its work has. See counts.lua.
*/
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>

#include "kernels/elementwise/activation.h"
#include "kernels/elementwise/map_binary.h"
#include "kernels/product/product.h"
#include "kernels/reduce/lean_stats.h"
#include "kernels/reduce/reduce.h"
#include "lossdbg.h"
#include "train/optimizer.h"

enum { N = 16384, SIDE = 96, CALLS = 500 };
static float a[N], b[N], c[N], d[N];
static lua_State *state;

static ldb_view line(float *x) {
  return (ldb_view){.data = x, .dtype = LDB_F32, .rank = 1, .shape = {N}, .stride = {1}};
}

#define CASE __attribute__((noinline)) void

CASE count_add(void);
CASE count_add(void) {
  static const int64_t stride[3] = {1, 1, 1};
  char *p[3] = {(char *)c, (char *)a, (char *)b};
  ldb_binary_forward(LDB_BINARY_add, LDB_F32)(N, p, stride, NULL);
}

CASE count_tanh(void);
CASE count_tanh(void) {
  ldb_act_forward_f32(LDB_ACT_TANH, N, a, c);
}

CASE count_gelu(void);
CASE count_gelu(void) {
  ldb_act_forward_f32(LDB_ACT_GELU, N, a, c);
}

CASE count_relu_backward(void);
CASE count_relu_backward(void) {
  ldb_act_backward_f32(LDB_ACT_RELU, N, NULL, a, b, c);
}

CASE count_sum(void);
CASE count_sum(void) {
  const ldb_view x = line(a);
  const ldb_view out = {.data = c, .dtype = LDB_F32};
  ldb_reduce(LDB_REDUCE_SUM, &x, 1, 0, &out);
}

CASE count_lean_stats(void);
CASE count_lean_stats(void) {
  ldb_lean out;
  ldb_lean_stats(NULL, N, a, &out);
}

static void adam(ldb_update_stats *stats) {
  const ldb_adam rule = {
      .flavor = LDB_KERAS, .lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-7, .step = 1};
  const ldb_parameter p = {.dtype = LDB_F32, .n = N, .w = a, .g = b};
  ldb_adam_update(&p, &rule, c, d, NULL, stats);
}

CASE count_adam(void);
CASE count_adam(void) {
  adam(NULL);
}

CASE count_adam_measured(void);
CASE count_adam_measured(void) {
  ldb_update_stats stats = {0};
  adam(&stats);
}

CASE count_product(void);
CASE count_product(void) {
  const ldb_product p = {.m = SIDE,
                         .n = SIDE,
                         .k = SIDE,
                         .a = {.mat = {a, SIDE, 1}},
                         .b = {.mat = {b, SIDE, 1}},
                         .c = c,
                         .ldc = SIDE};
  ldb_error e;
  if (ldb_multiply(NULL, &p, &e) != LDB_OK) exit(1);
}

static void call(const char *name) {
  lua_getglobal(state, name);
  lua_pushinteger(state, CALLS);
  if (lua_pcall(state, 1, 0, 0) != LUA_OK) {
    fprintf(stderr, "%s: %s\n", name, lua_tostring(state, -1));
    exit(1);
  }
}

CASE count_lua_call(void);
CASE count_lua_call(void) {
  call("plain");
}

CASE count_eager_dense(void);
CASE count_eager_dense(void) {
  call("dense");
}

CASE count_eager_step(void);
CASE count_eager_step(void) {
  call("step");
}

CASE count_planned_step(void);
CASE count_planned_step(void) {
  call("planned");
}

/* plain: a call of a C function; dense: one fused op; step: forward, loss, backward and update of
   the XOR net; planned: the same replayed, where there are plans. */
static const char script[] =
    "local ld = require 'lossdbg'\n"
    "local kind = math.type\n"
    "function plain(n) for _ = 1, n do kind(1) end end\n"
    "local x, w, b = ld.rand { 4, 8 }, ld.rand { 8, 8 }, ld.rand { 8 }\n"
    "local op = require('lossdbg.core').op.dense\n"
    "function dense(n) for _ = 1, n do op(x, w, b) end end\n"
    "local model = ld.nn.sequential { ld.nn.dense { 8, 'tanh' }, ld.nn.dense { 1 } }:build { 2 }\n"
    "local loss = ld.loss.mse {}\n"
    "local opt = ld.optim.sgd { model, lr = 0.1 }\n"
    "local ix = ld.tensor { { 0, 0 }, { 0, 1 }, { 1, 0 }, { 1, 1 } }\n"
    "local iy = ld.tensor { { 0 }, { 1 }, { 1 }, { 0 } }\n"
    "local function once()\n"
    "  local l = loss(model(ix), iy)\n"
    "  opt:zero_grad()\n"
    "  l:backward()\n"
    "  opt:step()\n"
    "end\n"
    "function step(n) for _ = 1, n do once() end end\n"
    "local replay = ld.plan and ld.plan(once) or once\n"
    "function planned(n) for _ = 1, n do replay() end end\n";

typedef struct counted {
  const char *name, *per;
  int units;
  void (*run)(void);
} counted;

int main(void) {
  static const counted all[] = {
      {"count_add", "count_add", N, count_add},
      {"count_tanh", "count_add", N, count_tanh},
      {"count_gelu", "count_add", N, count_gelu},
      {"count_relu_backward", "count_add", N, count_relu_backward},
      {"count_sum", "count_add", N, count_sum},
      {"count_lean_stats", "count_add", N, count_lean_stats},
      {"count_product", "count_add", SIDE * SIDE * SIDE, count_product},
      {"count_adam", "count_add", N, count_adam},
      {"count_adam_measured", "count_add", N, count_adam_measured},
      {"count_lua_call", "count_lua_call", CALLS, count_lua_call},
      {"count_eager_dense", "count_lua_call", CALLS, count_eager_dense},
      {"count_eager_step", "count_lua_call", CALLS, count_eager_step},
      {"count_planned_step", "count_lua_call", CALLS, count_planned_step},
  };
  const size_t cases = sizeof all / sizeof all[0];
  for (int i = 0; i < N; i++) {
    a[i] = (float)(i % 97) / 16 - 3;
    b[i] = (float)(i % 89 + 1) / 64;
  }
  state = luaL_newstate();
  luaL_openlibs(state);
  luaL_requiref(state, "lossdbg.core", luaopen_lossdbg_core, 0);
  lua_pop(state, 1);
  if (luaL_dostring(state, script) != LUA_OK) {
    fprintf(stderr, "%s\n", lua_tostring(state, -1));
    return 1;
  }
  /* Twice: callgrind begins to count with the second call of each, see counts.lua. */
  for (size_t i = 0; i < cases; i++) {
    all[i].run();
    all[i].run();
    printf("%s %s %d\n", all[i].name, all[i].per, all[i].units);
  }
  lua_close(state);
  return 0;
}
