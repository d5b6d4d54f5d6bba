/*
** luaopen_lossdbg_core: one table of parts. What the linked BLAS is and how it is driven is settled
** here, once per load.
*/
#include "base/clock.h"
#include "base/space.h"
#include "binding/lb.h"
#include "binding/lb_fit.h"
#include "binding/lb_score.h"
#include "binding/lb_tape.h"
#include "kernels/product/gemm.h"
#include "lossdbg.h"

static const struct {
  const char *name;
  lua_CFunction open;
  bool reads; /* its functions hand values to Lua */
} parts[] = {{"tensor", lb_open_tensor, false},
             {"op", lb_open_op, false},
             {"autograd", lb_open_autograd, false},
             {"random", lb_open_random, false},
             {"train", lb_open_train, false},
             {"diagnose", lb_open_diagnose, true},
             {"io", lb_open_io, true},
             {"plan", lb_open_plan, false},
             {"fit", lb_open_fit, false},
             {"digest", lb_open_digest, false},
             {"score", lb_open_score, true},
             {"process", lb_open_process, true}};

/* config() -> { version, blas, blas_parallel, blas_threads, threads, processors } */
static int lb_core_config(lua_State *L) {
  lua_createtable(L, 0, 6);
  lua_pushstring(L, LOSSDBG_VERSION);
  lua_setfield(L, -2, "version");
  lua_pushstring(L, ldb_blas_config());
  lua_setfield(L, -2, "blas");
  lua_pushinteger(L, ldb_blas_threads());
  lua_setfield(L, -2, "blas_threads");
  lua_pushstring(L, ldb_blas_parallel());
  lua_setfield(L, -2, "blas_parallel");
  lua_pushinteger(L, ldb_team_size(lb_getcontext(L)->team));
  lua_setfield(L, -2, "threads");
  lua_pushinteger(L, ldb_processors());
  lua_setfield(L, -2, "processors");
  return 1;
}

/* clock() -> seconds of wall time since some fixed moment; os.clock counts every thread's */
static int lb_core_clock(lua_State *L) {
  lua_pushnumber(L, ldb_clock());
  return 1;
}

/* OpenBLAS's results depend on its thread count, and its first large product may hang when memory
   is short, so it runs on one thread and is warmed up before anything else. */
static void prepare_blas(lua_State *L) {
  /* its own threads, which it starts when it is loaded, take theirs meanwhile */
  if (!(ldb_blas_threads() > 1 ? ldb_space_stays : ldb_space_left)(LDB_BLAS_SPACE))
    luaL_error(L, "lossdbg: require: OpenBLAS keeps a buffer of 128 MiB, and this process may not "
                  "have that much more address space (ulimit -v: allow 512 MiB; 256 MiB are enough "
                  "with OPENBLAS_NUM_THREADS=1)");
  ldb_blas_set_threads(1);
  ldb_blas_warm_up(lb_pushscratch(L, "require", LDB_WARM_UP_FLOATS * sizeof(float)));
  lua_pop(L, 1);
}

/* A function that hands values to Lua: upvalue 1 is the function, 2 its name. */
static int read_values(lua_State *L) {
  if (lb_taping(L)) lb_tape_read(L, lua_tostring(L, lua_upvalueindex(2)));
  return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* Every function of the table on top of the stack reads values: a step that calls one is not
   planned. */
static void refuse_in_plans(lua_State *L) {
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    if (lua_iscfunction(L, -1)) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_pushvalue(L, -2);
      lua_pushcclosure(L, read_values, 2);
      lua_rawset(L, -4);
    } else {
      lua_pop(L, 1);
    }
  }
}

LOSSDBG_API int luaopen_lossdbg_core(lua_State *L) {
  luaL_checkversion(L);
  lua_createtable(L, 0, 10);
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
    lua_pushcfunction(L, parts[i].open);
    lua_call(L, 0, 1);
    if (parts[i].reads) refuse_in_plans(L);
    lua_setfield(L, -2, parts[i].name);
  }
  lua_getfield(L, -1, "op");
  lua_getfield(L, -1, "rows");
  lua_pushnil(L);
  lua_setfield(L, -3, "rows");
  lua_setfield(L, -3, "op_rows");
  lua_pop(L, 1);
  lua_pushcfunction(L, lb_core_config);
  lua_setfield(L, -2, "config");
  lua_pushcfunction(L, lb_core_threads);
  lua_setfield(L, -2, "threads");
  lua_pushcfunction(L, lb_core_shared_runs);
  lua_setfield(L, -2, "shared_runs");
  lua_pushcfunction(L, lb_core_clock);
  lua_setfield(L, -2, "clock");
  prepare_blas(L);
  lb_newteam(L);
  return 1;
}
