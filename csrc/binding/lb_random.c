#include "base/rng.h"
#include "binding/lb_gate.h"

/* Argument 1: a contiguous tensor of floats; arguments 2 and 3: seed and stream. */
static lb_tensor *check_target(lua_State *L, const char *where, ldb_rng *r) {
  lb_tensor *t = lb_checkcontiguous(L, 1, where, "tensor", -1);
  if (t->view.dtype == LDB_I32)
    luaL_error(L, "lossdbg: %s: argument 'tensor': expected dtype f32 or f64, got i32", where);
  r->seed = lb_checkseed(L, 2, where, "seed");
  r->stream = lb_checkseed(L, 3, where, "stream");
  return t;
}

static double number_or(lua_State *L, int idx, const char *where, const char *name,
                        double fallback) {
  return lua_isnoneornil(L, idx) ? fallback : lb_checkfinite(L, idx, where, name);
}

static double spread(lua_State *L, const char *where) {
  const double std = number_or(L, 5, where, "std", 1.0);
  if (std < 0.0)
    luaL_error(L, "lossdbg: %s: argument 'std': expected a number >= 0, got %f", where, std);
  return std;
}

static void sample(lua_State *L, const char *where, const lb_tensor *t, ldb_sample_kind kind,
                   const ldb_rng *r, double a, double b) {
  ldb_sample_step s = {.kind = kind,
                       .dtype = t->view.dtype,
                       .n = (size_t)ldb_view_count(&t->view),
                       .data = t->view.data,
                       .seed = r->seed,
                       .stream = r->stream,
                       .a = a,
                       .b = b};
  lb_gate_sample(L, where, 1, &s);
}

/* uniform(tensor, seed, stream, low = 0, high = 1) -> tensor */
static int lb_random_uniform(lua_State *L) {
  static const char *const where = "random.uniform";
  ldb_rng r;
  lb_tensor *t = check_target(L, where, &r);
  const double low = number_or(L, 4, where, "low", 0.0);
  const double high = number_or(L, 5, where, "high", 1.0);
  if (low > high)
    return luaL_error(L, "lossdbg: %s: argument 'high': expected a number >= %f, got %f", where,
                      low, high);
  if (high - low > 1.7e308)
    return luaL_error(L, "lossdbg: %s: argument 'high': the interval is too wide", where);
  sample(L, where, t, LDB_SAMPLE_UNIFORM, &r, low, high);
  lua_settop(L, 1);
  return 1;
}

/* normal(tensor, seed, stream, mean = 0, std = 1) -> tensor */
static int lb_random_normal(lua_State *L) {
  static const char *const where = "random.normal";
  ldb_rng r;
  lb_tensor *t = check_target(L, where, &r);
  const double mean = number_or(L, 4, where, "mean", 0.0), std = spread(L, where);
  sample(L, where, t, LDB_SAMPLE_NORMAL, &r, mean, std);
  lua_settop(L, 1);
  return 1;
}

/* truncated_normal(tensor, seed, stream, mean = 0, std = 1) -> tensor; within 2 std of the mean */
static int lb_random_truncated_normal(lua_State *L) {
  static const char *const where = "random.truncated_normal";
  ldb_rng r;
  lb_tensor *t = check_target(L, where, &r);
  const double mean = number_or(L, 4, where, "mean", 0.0), std = spread(L, where);
  sample(L, where, t, LDB_SAMPLE_TRUNCATED_NORMAL, &r, mean, std);
  lua_settop(L, 1);
  return 1;
}

/* permutation(tensor i32, seed, stream) -> tensor with 0 .. n-1 in random order */
static int lb_random_permutation(lua_State *L) {
  static const char *const where = "random.permutation";
  lb_tensor *t = lb_checkcontiguous(L, 1, where, "tensor", LDB_I32);
  const ldb_rng r = {lb_checkseed(L, 2, where, "seed"), lb_checkseed(L, 3, where, "stream")};
  const int64_t n = ldb_view_count(&t->view);
  if (n > INT32_MAX)
    return luaL_error(L, "lossdbg: %s: argument 'tensor': expected at most 2147483647 elements",
                      where);
  sample(L, where, t, LDB_SAMPLE_PERMUTATION, &r, 0.0, 0.0);
  lua_settop(L, 1);
  return 1;
}

/* stream(purpose, a = 0, b = 0, owner = nil) -> integer; owner: the layer whose `calls` a is, so
   that a plan can go on counting */
static int lb_random_stream(lua_State *L) {
  static const char *const where = "random.stream";
  if (lua_type(L, 1) != LUA_TSTRING)
    return luaL_error(L, "lossdbg: %s: argument 'purpose': expected a string, got %s", where,
                      luaL_typename(L, 1));
  const uint64_t a = lua_isnoneornil(L, 2) ? 0 : lb_checkseed(L, 2, where, "a");
  const uint64_t b = lua_isnoneornil(L, 3) ? 0 : lb_checkseed(L, 3, where, "b");
  const uint64_t purpose = ldb_rng_purpose(lua_tostring(L, 1));
  const uint64_t value = ldb_rng_substream(purpose, a, b);
  if (lb_taping(L)) {
    const lb_stream s = {.value = value, .purpose = purpose, .a = a, .b = b};
    lb_tape_stream(L, s, lua_istable(L, 4) ? 4 : 0);
  }
  lua_pushinteger(L, (lua_Integer)value);
  return 1;
}

/* block(seed, stream, index) -> four words of 32 bits: Philox itself, for known-answer tests */
static int lb_random_block(lua_State *L) {
  static const char *const where = "random.block";
  const ldb_rng r = {lb_checkseed(L, 1, where, "seed"), lb_checkseed(L, 2, where, "stream")};
  uint32_t words[4];
  ldb_rng_block(&r, lb_checkseed(L, 3, where, "index"), words);
  for (int i = 0; i < 4; i++)
    lua_pushinteger(L, (lua_Integer)words[i]);
  return 4;
}

/* seed(n): the state's own draws (ld.rand, ld.randn) start anew from n */
static int lb_random_seed(lua_State *L) {
  lb_context *c = lb_getcontext(L);
  c->seed = lb_checkseed(L, 1, "seed", "seed");
  if (c->tape) lb_tape_refuse(L, "'seed' is called in the step");
  c->draws = 0;
  return 0;
}

/* next() -> seed, stream: a stream that the state has not used yet */
static int lb_random_next(lua_State *L) {
  lb_context *c = lb_getcontext(L);
  lua_pushinteger(L, (lua_Integer)c->seed);
  const uint64_t purpose = ldb_rng_purpose("user"), a = c->draws++;
  const uint64_t value = ldb_rng_substream(purpose, a, 0);
  if (c->tape) {
    const lb_stream s = {
        .value = value, .purpose = purpose, .a = a, .b = 0, .owner = LB_STREAM_STATE};
    lb_tape_stream(L, s, 0);
  }
  lua_pushinteger(L, (lua_Integer)value);
  return 2;
}

static const luaL_Reg functions[] = {{"seed", lb_random_seed},
                                     {"next", lb_random_next},
                                     {"uniform", lb_random_uniform},
                                     {"normal", lb_random_normal},
                                     {"truncated_normal", lb_random_truncated_normal},
                                     {"permutation", lb_random_permutation},
                                     {"stream", lb_random_stream},
                                     {"block", lb_random_block},
                                     {NULL, NULL}};

int lb_open_random(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
