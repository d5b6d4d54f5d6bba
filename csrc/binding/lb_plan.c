/*
** Replaying a plan, and what Lua calls of it.
*/
#include "binding/lb_plan.h"

#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/copy.h"

static const char plan_key = 0; /* address only */

lb_plan *lb_check_plan(lua_State *L, int idx, const char *where) {
  lb_plan *p = lua_touserdata(L, idx);
  if (p && lua_getmetatable(L, idx)) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &plan_key);
    const bool same = lua_rawequal(L, -1, -2) && lua_rawlen(L, idx) == sizeof *p;
    lua_pop(L, 2);
    if (same) return p;
  }
  luaL_error(L, "lossdbg: %s: expected a plan, got %s", where, luaL_typename(L, idx));
  return NULL;
}

/* ---- before a replay ------------------------------------------------------------------------- */

void lb_plan_bind(lb_plan *p, int32_t i, const ldb_view *v) {
  lb_plan_input *x = &p->input[i];
  if (x->bound == v->data) return;
  x->bound = v->data;
  p->buffer[i].data = v->data;
  ldb_plan_bind(p->list, p->site + x->first_site, x->n_sites, v->data);
}

static bool same_layout(const ldb_view *a, const ldb_view *b) {
  if (a->rank != b->rank || a->dtype != b->dtype) return false;
  for (int i = 0; i < a->rank; i++)
    if (a->shape[i] != b->shape[i] || (a->stride[i] != b->stride[i] && a->shape[i] != 1))
      return false;
  return true;
}

static bool input_fits(const lb_plan *p, int32_t i, const lb_tensor *t) {
  const lb_plan_input *x = &p->input[i];
  return same_layout(&x->view, &t->view) && !t->requires_grad && t->storage != p->arena;
}

/* Whether leaves that must have no gradient when the step begins have none. */
static bool leaves_are_free(lua_State *L, int idx, const lb_plan *p) {
  bool found = false;
  if (!p->no_gradient) return true;
  lua_getiuservalue(L, idx, LB_PLAN_LEAVES);
  for (int32_t i = 0; !found && i < p->n_leaves; i++) {
    lua_rawgeti(L, -1, 2 * i + 1);
    found = lua_getiuservalue(L, -1, 3) != LUA_TNIL;
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  return !found;
}

bool lb_plan_ready(lua_State *L, int idx) {
  const lb_plan *p = lua_touserdata(L, idx);
  const lb_context *c = p->context;
  return p->stamp == c->stamp && !c->tape && !c->no_grad && !c->check_finite &&
         leaves_are_free(L, idx, p);
}

static lua_Integer read_count(lua_State *L, int list, int32_t i, const char *key) {
  lua_rawgeti(L, list, i + 1);
  lua_pushstring(L, key);
  lua_rawget(L, -2);
  const lua_Integer n = lua_tointeger(L, -1);
  lua_pop(L, 2);
  return n;
}

static void write_count(lua_State *L, int list, int32_t i, const char *key, lua_Integer n) {
  lua_rawgeti(L, list, i + 1);
  lua_pushstring(L, key);
  lua_pushinteger(L, n);
  lua_rawset(L, -3);
  lua_pop(L, 1);
}

static void use_team(lb_plan *p, ldb_team *team) {
  p->team = team;
  for (int32_t i = 0; i < p->n_list; i++)
    if (p->list[i].compute) ((ldb_call *)p->list[i].arg)->team = team;
}

void lb_plan_begin(lua_State *L, int idx) {
  lb_plan *p = lua_touserdata(L, idx);
  const lb_context *c = p->context;
  luaL_checkstack(L, 8, "plan");
  if (p->team != c->team) use_team(p, c->team);
  p->draws = c->draws;
  if (p->n_optimizers) {
    lua_getiuservalue(L, idx, LB_PLAN_OPTIMIZERS);
    for (int32_t i = 0; i < p->n_optimizers; i++)
      p->optimizer[i].iterations = read_count(L, lua_gettop(L), i, "iterations");
    lua_pop(L, 1);
  }
  if (p->n_owners) {
    lua_getiuservalue(L, idx, LB_PLAN_OWNERS);
    for (int32_t i = 0; i < p->n_owners; i++)
      p->owner[i].calls = (uint64_t)read_count(L, lua_gettop(L), i, "calls");
    lua_pop(L, 1);
  }
}

/* ---- one replay ------------------------------------------------------------------------------ */

/* The rate of one parameter, as optim.groups computes it. */
static double rate_of(const lb_plan_rate *r, double lr) {
  if (!r->own) return lr;
  return lr == r->base || r->base <= 0.0 ? r->own_lr : r->own_lr * (lr / r->base);
}

static void set_dials(lb_plan *p, uint64_t seed) {
  for (int32_t i = 0; i < p->n_rates; i++) {
    const lb_plan_rate *r = &p->rate[i];
    const lb_plan_optimizer *o = &p->optimizer[r->optimizer];
    const int64_t done = o->every > 1 ? o->iterations / o->every : o->iterations;
    ldb_update_set(r->call, rate_of(r, o->lr), (uint64_t)done + 1);
  }
  for (int32_t i = 0; i < p->n_streams; i++) {
    const lb_plan_stream *s = &p->stream[i];
    const uint64_t from = s->owner >= 0                 ? p->owner[s->owner].calls
                          : s->owner == LB_STREAM_STATE ? p->draws
                                                        : p->step;
    const uint64_t stream = ldb_rng_substream(s->purpose, from + s->offset, s->b);
    memcpy(s->stream, &stream, sizeof stream);
    if (s->seed) memcpy(s->seed, &seed, sizeof seed);
  }
}

static void count_step(lb_plan *p) {
  p->draws += p->draws_per_step;
  for (int32_t i = 0; i < p->n_owners; i++)
    p->owner[i].calls += p->owner[i].per_step;
}

void lb_plan_start(lb_plan *p) {
  set_dials(p, p->context->seed);
  count_step(p);
}

void lb_plan_close(lb_plan *p) {
  for (int32_t i = 0; i < p->n_written; i++)
    p->written[i]->version++;
  p->arena->version++;
  for (int32_t i = 0; i < p->n_optimizers; i++)
    p->optimizer[i].iterations++;
  p->replays++;
}

/* From instruction `from` to the end; raises where the host interrupts it. */
static ldb_status go(lua_State *L, lb_plan *p, int32_t from, int32_t *at, ldb_error *e) {
  ldb_status s = LDB_OK;
  if (!p->context->interrupt) return ldb_plan_run(p->list, from, p->n_list, at, e);
  for (int32_t i = from; s == LDB_OK && i < p->n_list; i++) {
    if (p->list[i].compute) lb_poll(L, p->list[i].name);
    s = ldb_plan_run(p->list, i, i + 1, at, e);
  }
  return s;
}

bool lb_plan_go(lua_State *L, lb_plan *p, int32_t *at) {
  ldb_error e;
  int32_t failed = 0;
  if (go(L, p, *at, &failed, &e) == LDB_OK) return true;
  if (p->list[failed].step != ldb_do_mark) lb_raise(L, p->list[failed].name, &e);
  *at = failed + 1;
  return false;
}

/* One replay; raises where the host interrupts it. */
static ldb_status replay(lua_State *L, lb_plan *p, int32_t *at, ldb_error *e) {
  lb_plan_start(p);
  const ldb_status s = go(L, p, 0, at, e);
  if (s == LDB_OK) lb_plan_close(p);
  return s;
}

void lb_plan_once(lua_State *L, lb_plan *p) {
  ldb_error e;
  int32_t at = 0;
  if (replay(L, p, &at, &e) != LDB_OK) lb_raise(L, p->list[at].name, &e);
}

/* ---- after replays --------------------------------------------------------------------------- */

static void show_gradients(lua_State *L, int idx, lb_plan *p) {
  lb_context *c = p->context;
  if (c->last_plan == p->number && c->gradients == p->gradients) return;
  lua_getiuservalue(L, idx, LB_PLAN_LEAVES);
  for (int32_t i = 0; i < p->n_leaves; i++) {
    lua_rawgeti(L, -1, 2 * i + 1);
    lua_rawgeti(L, -2, 2 * i + 2);
    if (!lua_toboolean(L, -1)) {
      lua_pop(L, 1);
      lua_pushnil(L);
    }
    lua_setiuservalue(L, -2, 3);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  lua_getiuservalue(L, idx, LB_PLAN_OPTIMIZERS);
  for (int32_t i = 0; i < p->n_optimizers; i++) {
    lua_rawgeti(L, -1, i + 1);
    lua_pushliteral(L, "pending");
    lua_pushvalue(L, idx);
    lua_rawset(L, -3);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  c->last_plan = p->number;
  p->gradients = c->gradients;
}

void lb_plan_end(lua_State *L, int idx) {
  lb_plan *p = lua_touserdata(L, idx);
  p->context->draws = p->draws;
  if (p->n_optimizers) {
    lua_getiuservalue(L, idx, LB_PLAN_OPTIMIZERS);
    for (int32_t i = 0; i < p->n_optimizers; i++)
      write_count(L, lua_gettop(L), i, "iterations", (lua_Integer)p->optimizer[i].iterations);
    lua_pop(L, 1);
  }
  if (p->n_owners) {
    lua_getiuservalue(L, idx, LB_PLAN_OWNERS);
    for (int32_t i = 0; i < p->n_owners; i++)
      write_count(L, lua_gettop(L), i, "calls", (lua_Integer)p->owner[i].calls);
    lua_pop(L, 1);
  }
  show_gradients(L, idx, p);
}

ldb_view lb_plan_view(const lb_plan *p, int32_t i) {
  ldb_view v = p->result[i].view;
  v.data = p->buffer[p->result[i].buffer].data + p->result[i].delta;
  return v;
}

/* Pushes the results: fresh tensors, and what was no tensor as it was. */
static int push_results(lua_State *L, int idx, const lb_plan *p) {
  luaL_checkstack(L, p->n_results + 4, "plan");
  for (int32_t i = 0; i < p->n_results; i++) {
    if (p->result[i].tensor) {
      const ldb_view from = lb_plan_view(p, i);
      const lb_tensor *t =
          lb_newtensor_in(L, p->context, "plan", from.dtype, from.rank, from.shape, true);
      if (ldb_view_is_contiguous(&from) && t->storage->bytes > 0)
        memcpy(t->view.data, from.data, t->storage->bytes);
      else
        ldb_copy_view(&from, &t->view);
    } else {
      lua_getiuservalue(L, idx, LB_PLAN_RESULTS);
      lua_rawgeti(L, -1, i + 1);
      lua_remove(L, -2);
    }
  }
  return p->n_results;
}

static int replay_many(lua_State *L) {
  lb_plan *p = lua_touserdata(L, 1);
  for (lua_Integer n = lua_tointeger(L, 2); n > 0; n--)
    lb_plan_once(L, p);
  return 0;
}

/* Runs n replays; an error leaves counts and gradients as far as the replays came. */
static void run_many(lua_State *L, int idx, lua_Integer n) {
  lb_plan *p = lua_touserdata(L, idx);
  ldb_error e;
  int32_t at = 0;
  lb_plan_begin(L, idx);
  if (!p->context->interrupt) { /* nothing raises in between */
    ldb_status s = LDB_OK;
    for (; s == LDB_OK && n > 0; n--)
      s = replay(L, p, &at, &e);
    lb_plan_end(L, idx);
    if (s != LDB_OK) lb_raise(L, p->list[at].name, &e);
    return;
  }
  lua_pushcfunction(L, replay_many);
  lua_pushvalue(L, idx);
  lua_pushinteger(L, n);
  const int status = lua_pcall(L, 2, 0, 0);
  lb_plan_end(L, idx);
  if (status != LUA_OK) lua_error(L);
}

/* ---- the quick call -------------------------------------------------------------------------- */

static int finish_slow(lua_State *L, int status, lua_KContext context) {
  (void)status;
  (void)context;
  return lua_gettop(L);
}

static bool quick(lua_State *L, const lb_plan *p, int n) {
  if (!p->simple || n != p->n_inputs || p->rates != p->context->rates) return false;
  for (int32_t i = 0; i < n; i++) {
    const lb_tensor *t = lb_testtensor_in(L, p->context, i + 2);
    if (!t || !input_fits(p, i, t)) return false;
    const int32_t alias = p->input[i].alias;
    if (alias >= 0 && ((const lb_tensor *)lua_touserdata(L, alias + 2))->view.data != t->view.data)
      return false;
  }
  return true;
}

/* step(...): item 1 of the table is the plan to try (or false), item 2 what to call else */
static int lb_plan_call(lua_State *L) {
  const int n = lua_gettop(L) - 1;
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkstack(L, 8, "plan");
  if (lua_rawgeti(L, 1, 1) == LUA_TUSERDATA) {
    const int idx = n + 2;
    lb_plan *p = lb_check_plan(L, idx, "plan");
    if (quick(L, p, n) && lb_plan_ready(L, idx)) {
      for (int32_t i = 0; i < n; i++)
        lb_plan_bind(p, i, &((const lb_tensor *)lua_touserdata(L, i + 2))->view);
      run_many(L, idx, 1);
      return push_results(L, idx, p);
    }
  }
  lua_settop(L, n + 1);
  lua_rawgeti(L, 1, 2);
  lua_insert(L, 1);
  lua_callk(L, n + 1, LUA_MULTRET, 0, finish_slow);
  return lua_gettop(L);
}

/* ---- what Lua calls -------------------------------------------------------------------------- */

/* Settles in a protected call: the step is done, its results must reach the caller. Stack: tape,
   anything, list of inputs, results. */
static void settle(lua_State *L, int n_inputs, int n_results) {
  lb_tape *t = lua_touserdata(L, 1);
  if (t->reason[0]) return;
  if (!lua_checkstack(L, n_inputs + n_results + 8)) {
    lb_tape_fail(t, "not enough memory to capture the step");
    return;
  }
  lua_pushcfunction(L, lb_tape_settle);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, n_inputs);
  for (int i = 1; i <= n_inputs; i++)
    lua_rawgeti(L, 3, i);
  for (int i = 0; i < n_results; i++)
    lua_pushvalue(L, 4 + i);
  if (lua_pcall(L, 2 + n_inputs + n_results, 0, 0) == LUA_OK) return;
  lua_pop(L, 1);
  lb_tape_fail(t, "not enough memory to capture the step");
}

/* capture(fn, step | nil, inputs, ...) -> tape, what fn(...) returned. inputs: list of tensors. */
static int lb_plan_capture(lua_State *L) {
  luaL_checktype(L, 3, LUA_TTABLE);
  const bool has_step = !lua_isnil(L, 2);
  const uint64_t step = has_step ? lb_checkseed(L, 2, "plan", "step") : 0;
  const int n_args = lua_gettop(L) - 3, n_inputs = (int)lua_rawlen(L, 3);
  lb_context *c = lb_getcontext(L);
  luaL_checkstack(L, 20, "plan");
  lb_tape *t = lb_tape_start(L);
  t->has_step = has_step;
  t->step = step;
  lua_pushvalue(L, 1);
  lua_insert(L, 4);
  const int status = lua_pcall(L, n_args, LUA_MULTRET, 0);
  c->tape = NULL;
  luaL_checkstack(L, 4, "plan");
  lb_tape_stop(L);
  if (status != LUA_OK) {
    lua_pop(L, 1);
    return lua_error(L);
  }
  lua_replace(L, 1);
  settle(L, n_inputs, lua_gettop(L) - 3);
  lua_remove(L, 2);
  lua_remove(L, 2);
  return lua_gettop(L);
}

static lb_tape *check_tape(lua_State *L, int idx) {
  luaL_argcheck(L, lua_isuserdata(L, idx) && lua_rawlen(L, idx) == sizeof(lb_tape), idx, "a tape");
  return lua_touserdata(L, idx);
}

/* build(tape, tape) -> plan, or nil and the reason */
static int lb_plan_make(lua_State *L) {
  check_tape(L, 1);
  check_tape(L, 2);
  return lb_plan_build(L, 1, 2);
}

/* reason(tape) -> why no plan can be made of it, or nil */
static int lb_plan_reason(lua_State *L) {
  const lb_tape *t = check_tape(L, 1);
  if (!t->reason[0]) return 0;
  lua_pushstring(L, t->reason);
  return 1;
}

/* optimizers(tape | plan) -> list */
static int lb_plan_optimizers(lua_State *L) {
  if (lua_rawlen(L, 1) == sizeof(lb_tape)) {
    check_tape(L, 1);
    lua_getiuservalue(L, 1, LB_TAPE_OPTIMIZERS);
  } else {
    lb_check_plan(L, 1, "plan.optimizers");
    lua_getiuservalue(L, 1, LB_PLAN_OPTIMIZERS);
  }
  return 1;
}

/* taping() -> whether a step is being captured */
static int lb_plan_taping(lua_State *L) {
  lua_pushboolean(L, lb_taping(L));
  return 1;
}

/* mode() -> what forbids plans at the moment ("taping", "no_grad", "check_finite"), or nil */
static int lb_plan_mode(lua_State *L) {
  const lb_context *c = lb_getcontext(L);
  const char *mode = c->tape ? "taping" : c->no_grad ? "no_grad" : NULL;
  if (!mode && c->check_finite) mode = "check_finite";
  lua_pushstring(L, mode);
  return 1;
}

/* stamp() -> integer: another one when plans made before it must not be used any more */
static int lb_plan_stamp(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)lb_getcontext(L)->stamp);
  return 1;
}

/* changed(): something that plans rest on was changed */
static int lb_plan_changed(lua_State *L) {
  lb_getcontext(L)->stamp++;
  return 0;
}

/* rate_changed(): some learning rate was set */
static int lb_plan_rate_changed(lua_State *L) {
  lb_getcontext(L)->rates++;
  return 0;
}

/* optimizer(optimizer, base lr | nil, steps per update): its step begins; optimizer(): it is done
 */
static int lb_plan_optimizer_step(lua_State *L) {
  if (!lb_taping(L)) return 0;
  lb_tape_optimizer(L, lua_isnoneornil(L, 1) ? 0 : 1, luaL_optnumber(L, 2, 0.0),
                    luaL_optinteger(L, 3, 1));
  return 0;
}

/* own_rate(lr | nil): the next update's parameter has a rate of its own */
static int lb_plan_own_rate(lua_State *L) {
  lb_tape *t = lb_getcontext(L)->tape;
  if (!t) return 0;
  t->own = !lua_isnoneornil(L, 1);
  t->own_lr = t->own ? luaL_checknumber(L, 1) : 0.0;
  return 0;
}

static void add_numbers(luaL_Buffer *b, const ldb_view *v) {
  for (int i = 0; i < v->rank; i++) {
    char text[64];
    snprintf(text, sizeof text, "%lld,", (long long)v->shape[i]);
    luaL_addstring(b, text);
    if (ldb_view_is_contiguous(v)) continue;
    snprintf(text, sizeof text, "/%lld,", (long long)v->stride[i]);
    luaL_addstring(b, text);
  }
}

/* signature(inputs) -> a string that is the same for tensors that one plan can serve; or nil and
   why no plan can */
static int lb_plan_signature(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  const int n = (int)lua_rawlen(L, 1);
  luaL_Buffer b;
  luaL_checkstack(L, n + 20, "plan");
  for (int i = 1; i <= n; i++)
    lua_rawgeti(L, 1, i);
  luaL_buffinit(L, &b);
  for (int i = 1; i <= n; i++) {
    const lb_tensor *t = lb_checktensor(L, 1 + i, "plan", "input");
    int alias = 0;
    if (t->requires_grad) {
      luaL_pushresult(&b);
      lua_pushnil(L);
      lua_pushfstring(L, "argument %d of the step requires a gradient itself", i);
      return 2;
    }
    for (int k = 1; k < i && !alias; k++)
      if (((const lb_tensor *)lua_touserdata(L, 1 + k))->view.data == t->view.data) alias = k;
    luaL_addstring(&b, ldb_dtype_name(t->view.dtype));
    luaL_addchar(&b, (char)('a' + (alias < 26 ? alias : 25)));
    add_numbers(&b, &t->view);
    luaL_addchar(&b, ';');
  }
  luaL_pushresult(&b);
  return 1;
}

/* ---- methods of a plan ----------------------------------------------------------------------- */

/* ready(plan, inputs | nil) : whether it may be replayed now (with these) */
static int lb_plan_is_ready(lua_State *L) {
  const lb_plan *p = lb_check_plan(L, 1, "plan.ready");
  const bool given = !lua_isnoneornil(L, 2);
  if (given) luaL_checktype(L, 2, LUA_TTABLE);
  bool ready = lb_plan_ready(L, 1) && (!given || (int32_t)lua_rawlen(L, 2) == p->n_inputs);
  for (int32_t i = 0; given && ready && i < p->n_inputs; i++) {
    lua_rawgeti(L, 2, i + 1);
    const lb_tensor *t = lb_testtensor(L, -1);
    ready = t && input_fits(p, i, t);
    lua_pop(L, 1);
  }
  lua_pushboolean(L, ready);
  return 1;
}

/* run(plan, n, inputs, step | nil) -> results of the last of n replays */
static int lb_plan_run(lua_State *L) {
  static const char *const where = "plan.run";
  lb_plan *p = lb_check_plan(L, 1, where);
  const int64_t n = lb_checkcount(L, 2, where, "n");
  luaL_checktype(L, 3, LUA_TTABLE);
  if (!lua_isnoneornil(L, 4)) p->step = lb_checkseed(L, 4, where, "step");
  if (!lb_plan_ready(L, 1)) return luaL_error(L, "lossdbg: %s: the plan is out of date", where);
  for (int32_t i = 0; i < p->n_inputs; i++) {
    lua_rawgeti(L, 3, i + 1);
    const lb_tensor *t = lb_checktensor(L, -1, where, "input");
    if (!input_fits(p, i, t))
      return luaL_error(L, "lossdbg: %s: input %d has another layout than the captured one", where,
                        (int)i + 1);
    lb_plan_bind(p, i, &t->view);
    lua_pop(L, 1);
  }
  run_many(L, 1, n);
  return push_results(L, 1, p);
}

/* rate(plan, i, lr): the learning rate of optimiser i in the next replays */
static int lb_plan_set_lr(lua_State *L) {
  lb_plan *p = lb_check_plan(L, 1, "plan.rate");
  const lua_Integer i = luaL_checkinteger(L, 2);
  luaL_argcheck(L, i >= 1 && i <= p->n_optimizers, 2, "no such optimiser");
  p->optimizer[i - 1].lr = luaL_checknumber(L, 3);
  return 0;
}

/* settled(plan, simple): rates are as the optimisers have them now; simple: a step may be replayed
   by the quick call */
static int lb_plan_settled(lua_State *L) {
  lb_plan *p = lb_check_plan(L, 1, "plan.settled");
  p->rates = lb_getcontext(L)->rates;
  p->simple = lua_toboolean(L, 2);
  return 0;
}

/* updates(plan, i) -> list of { grad_sq, update_sq, weight_sq, nonfinite_grad, nonfinite_weight,
   unchanged, underflow, grad_zero } of optimiser i in the last replay */
static int lb_plan_updates(lua_State *L) {
  const lb_plan *p = lb_check_plan(L, 1, "plan.updates");
  const lua_Integer i = luaL_checkinteger(L, 2) - 1;
  int n = 0;
  lua_newtable(L);
  for (int32_t k = 0; k < p->n_rates; k++) {
    if (p->rate[k].optimizer != i) continue;
    const ldb_update_stats *s = &p->rate[k].call->stats;
    const double real[] = {s->grad_sq, s->update_sq, s->weight_sq};
    const uint64_t counts[] = {s->nonfinite_grad, s->nonfinite_weight, s->unchanged, s->underflow,
                               s->grad_zero};
    lua_createtable(L, 8, 0);
    for (int m = 0; m < 8; m++) {
      if (m < 3)
        lua_pushnumber(L, real[m]);
      else
        lua_pushinteger(L, (lua_Integer)counts[m - 3]);
      lua_rawseti(L, -2, m + 1);
    }
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* norms(plan, i) -> list of { norm, factor } of the clips and measurements of optimiser i */
static int lb_plan_norms(lua_State *L) {
  const lb_plan *p = lb_check_plan(L, 1, "plan.norms");
  const lua_Integer which = luaL_checkinteger(L, 2) - 1;
  int n = 0;
  lua_createtable(L, p->n_clips, 0);
  for (int32_t i = 0; i < p->n_clips; i++) {
    if (p->clip[i].optimizer != which) continue;
    const ldb_clip_call *c = p->clip[i].call;
    lua_createtable(L, 2, 0);
    lua_pushnumber(L, c->norm);
    lua_rawseti(L, -2, 1);
    if (c->kind == LDB_CLIP_GLOBAL) {
      lua_pushnumber(L, c->factor);
      lua_rawseti(L, -2, 2);
    }
    lua_rawseti(L, -2, ++n);
  }
  return 1;
}

/* replays(plan) -> how often it was replayed */
static int lb_plan_replays(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)lb_check_plan(L, 1, "plan.replays")->replays);
  return 1;
}

/* shows(plan) -> whether the gradients of its leaves are those of its last replay */
static int lb_plan_shows(lua_State *L) {
  const lb_plan *p = lb_check_plan(L, 1, "plan.shows");
  const lb_context *c = lb_getcontext(L);
  lua_pushboolean(L, c->last_plan == p->number && c->gradients == p->gradients);
  return 1;
}

/* info(plan) -> { instructions, arena, sum, inputs, replays, names } */
static int lb_plan_info(lua_State *L) {
  const lb_plan *p = lb_check_plan(L, 1, "plan.info");
  lua_createtable(L, 0, 6);
  lua_pushinteger(L, p->n_list);
  lua_setfield(L, -2, "instructions");
  lua_pushinteger(L, (lua_Integer)p->arena_bytes);
  lua_setfield(L, -2, "arena");
  lua_pushinteger(L, (lua_Integer)p->sum_bytes);
  lua_setfield(L, -2, "sum");
  lua_pushinteger(L, p->n_inputs);
  lua_setfield(L, -2, "inputs");
  lua_pushinteger(L, (lua_Integer)p->replays);
  lua_setfield(L, -2, "replays");
  lua_createtable(L, p->n_list, 0);
  for (int32_t i = 0; i < p->n_list; i++) {
    lua_pushstring(L, p->list[i].name);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "names");
  return 1;
}

static const luaL_Reg functions[] = {{"call", lb_plan_call},
                                     {"capture", lb_plan_capture},
                                     {"build", lb_plan_make},
                                     {"reason", lb_plan_reason},
                                     {"optimizers", lb_plan_optimizers},
                                     {"taping", lb_plan_taping},
                                     {"mode", lb_plan_mode},
                                     {"stamp", lb_plan_stamp},
                                     {"changed", lb_plan_changed},
                                     {"rate_changed", lb_plan_rate_changed},
                                     {"optimizer", lb_plan_optimizer_step},
                                     {"own_rate", lb_plan_own_rate},
                                     {"signature", lb_plan_signature},
                                     {"ready", lb_plan_is_ready},
                                     {"run", lb_plan_run},
                                     {"rate", lb_plan_set_lr},
                                     {"settled", lb_plan_settled},
                                     {"updates", lb_plan_updates},
                                     {"norms", lb_plan_norms},
                                     {"replays", lb_plan_replays},
                                     {"shows", lb_plan_shows},
                                     {"info", lb_plan_info},
                                     {NULL, NULL}};

int lb_open_plan(lua_State *L) {
  luaL_newmetatable(L, LB_PLAN);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &plan_key);
  luaL_newlib(L, functions);
  return 1;
}
