/*
** What Lua calls of plans: capturing, replaying, looking.
*/
#include <stdio.h>
#include <string.h>

#include "binding/lb_digest.h"
#include "binding/lb_plan.h"

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
    if (!t || !lb_plan_fits(p, i, t)) return false;
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
    if (quick(L, p, n) && lb_plan_ready(L, idx) && lb_plan_current(L, idx)) {
      p->held = false;
      for (int32_t i = 0; i < n; i++)
        lb_plan_bind(p, i, &((const lb_tensor *)lua_touserdata(L, i + 2))->view);
      lb_plan_replay(L, idx, 1);
      return lb_plan_push_results(L, idx, p);
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
  const int status = lua_pcall(L, 2 + n_inputs + n_results, 0, 0);
  if (status == LUA_OK) return;
  if (status != LUA_ERRMEM) lua_error(L); /* raised by a hook: somebody wants to stop */
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
  if (c->tape) return luaL_error(L, "lossdbg: plan.capture: a step is being captured already");
  luaL_checkstack(L, 20, "plan");
  lb_tape *t = lb_tape_start(L);
  t->has_step = has_step;
  t->step = step;
  lua_pushvalue(L, 1);
  lua_insert(L, 4);
  const int status = lua_pcall(L, n_args, LUA_MULTRET, 0);
  lb_tape_leave(L);
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

/* build(tape, tape) -> plan, or nil and the reason */
static int lb_plan_make(lua_State *L) {
  lb_check_tape(L, 1, "plan.build");
  lb_check_tape(L, 2, "plan.build");
  return lb_plan_build(L, 1, 2);
}

/* reason(tape) -> why no plan can be made of it, or nil */
static int lb_plan_reason(lua_State *L) {
  const lb_tape *t = lb_check_tape(L, 1, "plan.reason");
  if (!t->reason[0]) return 0;
  lua_pushstring(L, t->reason);
  return 1;
}

/* optimizers(tape | plan) -> list */
static int lb_plan_optimizers(lua_State *L) {
  if (lb_testtape(L, 1)) {
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
  if (!lua_isnoneornil(L, 1)) luaL_checktype(L, 1, LUA_TTABLE);
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
    ready = t && lb_plan_fits(p, i, t);
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
  p->held = false;
  for (int32_t i = 0; i < p->n_inputs; i++) {
    lua_rawgeti(L, 3, i + 1);
    const lb_tensor *t = lb_checktensor(L, -1, where, "input");
    if (!lb_plan_fits(p, i, t))
      return luaL_error(L, "lossdbg: %s: input %d has another layout than the captured one", where,
                        (int)i + 1);
    lb_plan_bind(p, i, &t->view);
    lua_pop(L, 1);
  }
  lb_plan_replay(L, 1, n);
  return lb_plan_push_results(L, 1, p);
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

/* reads(plan, digest): of what the step reads besides its arguments */
static int lb_plan_set_reads(lua_State *L) {
  lb_check_plan(L, 1, "plan.reads");
  lb_check_digest(L, 2, "plan.reads");
  lua_settop(L, 2);
  lua_setiuservalue(L, 1, LB_PLAN_READS);
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

/* repeatable(plan) -> whether it may run again at once: what must hold before a step still holds */
static int lb_plan_repeatable(lua_State *L) {
  const lb_plan *p = lb_check_plan(L, 1, "plan.repeatable");
  lua_pushboolean(L, !(p->no_gradient && p->leaves_some));
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
                                     {"reads", lb_plan_set_reads},
                                     {"updates", lb_plan_updates},
                                     {"norms", lb_plan_norms},
                                     {"replays", lb_plan_replays},
                                     {"repeatable", lb_plan_repeatable},
                                     {"shows", lb_plan_shows},
                                     {"info", lb_plan_info},
                                     {NULL, NULL}};

int lb_open_plan(lua_State *L) {
  lb_tape_metatable(L);
  lb_plan_metatable(L);
  luaL_newlib(L, functions);
  return 1;
}
