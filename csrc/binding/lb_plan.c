/*
** Replaying a plan.
*/
#include "binding/lb_plan.h"

#include <string.h>

#include "base/rng.h"
#include "binding/lb_digest.h"
#include "kernels/gather/copy.h"

static const char plan_key = 0; /* address only */

void lb_plan_metatable(lua_State *L) {
  luaL_newmetatable(L, LB_PLAN);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &plan_key);
}

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

bool lb_plan_fits(const lb_plan *p, int32_t i, const lb_tensor *t) {
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

bool lb_plan_current(lua_State *L, int idx) {
  const bool none = lua_getiuservalue(L, idx, LB_PLAN_READS) == LUA_TNIL;
  const bool current = none || lb_digest_same(L, lua_gettop(L));
  lua_pop(L, 1);
  return current;
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
  if (c->last_plan == p->number && c->gradients == p->gradients && c->copies == p->copies) return;
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
  p->copies = c->copies;
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
int lb_plan_push_results(lua_State *L, int idx, const lb_plan *p) {
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
void lb_plan_replay(lua_State *L, int idx, lua_Integer n) {
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
