/*
** Optimisers as Lua sees them: one function a row of ldb_optimizers, and the rows themselves.
*/
#include <math.h>
#include <string.h>

#include "binding/lb_gate.h"

/* Arguments of the function of a rule. */
enum { PARAMETER = 1, GRADIENT, SLOTS, RATE, OPTIONS, STEP };

/* Its upvalues: row, memory of what it carries, its name in messages, then as keys the names of
   weight_decay, decoupled_weight_decay and flavor, of the hyperparameters, of the slots. */
enum { ROW = 1, CARRIED, WHERE, WEIGHT_DECAY, DECOUPLED, FLAVOR, HYPERS };

/* Products of Nadam's momenta, so that the next step of every parameter need not begin at 1. */
typedef struct carried {
  double beta1, decay, product;
  uint64_t step;
  ldb_flavor flavor;
} carried;
enum { CARRIED_MANY = 4 };

/* ---- arguments ------------------------------------------------------------------------------- */

/* Pushes the option whose name is an upvalue; where there are none: nil. */
static int push_option(lua_State *L, int key) {
  if (lua_type(L, OPTIONS) != LUA_TTABLE) {
    lua_pushnil(L);
    return LUA_TNIL;
  }
  lua_pushvalue(L, lua_upvalueindex(key));
  return lua_gettable(L, OPTIONS);
}

static void out_of_range(lua_State *L, const char *where, const ldb_hyper *h, double x) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  if (h->least > -HUGE_VAL) {
    lua_pushfstring(L, " %s %f", h->open_least ? ">" : ">=", h->least);
    luaL_addvalue(&b);
  }
  if (h->most < HUGE_VAL) {
    lua_pushfstring(L, "%s %s %f", h->least > -HUGE_VAL ? " and" : "",
                    h->open_most ? "<" : "<=", h->most);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  luaL_error(L, "lossdbg: %s: argument '%s': expected a number%s, got %f", where, h->name,
             lua_tostring(L, -1), x);
}

static void read_hyper(lua_State *L, const char *where, int key, const ldb_hyper *h,
                       ldb_update_call *c) {
  unsigned char *place = (unsigned char *)c + h->place;
  const int type = push_option(L, key);
  double x = h->standard[c->flavor];
  if (h->flag) {
    const bool on = type == LUA_TNIL ? x > 0.0 : lua_toboolean(L, -1);
    if (type != LUA_TNIL && type != LUA_TBOOLEAN)
      lb_badargument(L, lua_gettop(L), where, h->name, "true or false");
    memcpy(place, &on, sizeof on);
  } else {
    if (type != LUA_TNIL) {
      x = lb_checkfinite(L, lua_gettop(L), where, h->name);
      if (x < h->least || x > h->most || (h->open_least && x <= h->least) ||
          (h->open_most && x >= h->most))
        out_of_range(L, where, h, x);
    }
    memcpy(place, &x, sizeof x);
  }
  lua_pop(L, 1);
}

static const ldb_hyper *find_hyper(const ldb_optimizer *r, const char *name) {
  const ldb_hyper *h = r->hypers;
  while (strcmp(h->name, name) != 0)
    h++;
  return h;
}

static double value_of(const ldb_update_call *c, const ldb_hyper *h) {
  const unsigned char *place = (const unsigned char *)c + h->place;
  double x;
  bool on;
  memcpy(h->flag ? (void *)&on : (void *)&x, place, h->flag ? sizeof on : sizeof x);
  return h->flag ? (double)on : x;
}

static bool is_set(const ldb_update_call *c, const char *name) {
  return !name || value_of(c, find_hyper(c->rule, name)) != 0.0;
}

static void check_together(lua_State *L, const char *where, const ldb_update_call *c) {
  for (const ldb_hyper *h = c->rule->hypers; h->name; h++) {
    if (!h->expected || !is_set(c, h->name)) continue;
    if ((h->torch_only && c->flavor != LDB_TORCH) || !is_set(c, h->needs) ||
        (h->without && is_set(c, h->without)))
      luaL_error(L, "lossdbg: %s: argument '%s': expected %s", where, h->name, h->expected);
  }
}

static void read_options(lua_State *L, const char *where, ldb_update_call *c) {
  const ldb_optimizer *r = c->rule;
  const ldb_flavor usual = r->has[LDB_KERAS] ? LDB_KERAS : LDB_TORCH;
  int key = HYPERS;
  if (push_option(L, FLAVOR) == LUA_TNIL)
    c->flavor = usual;
  else
    c->flavor = lb_check_flavor(L, where, lua_gettop(L));
  if (!r->has[c->flavor])
    luaL_error(L, "lossdbg: %s: argument 'flavor': only %s has it", where,
               c->flavor == LDB_TORCH ? "Keras" : "PyTorch");
  const bool none = push_option(L, WEIGHT_DECAY) == LUA_TNIL;
  c->weight_decay =
      none ? r->weight_decay[c->flavor] : lb_check_rate(L, where, lua_gettop(L), "weight_decay");
  const bool said = push_option(L, DECOUPLED) != LUA_TNIL;
  c->decoupled = said ? lua_toboolean(L, -1) : r->always_decoupled || c->flavor == LDB_KERAS;
  if (r->always_decoupled && !c->decoupled)
    luaL_error(L, "lossdbg: %s: argument 'decoupled_weight_decay': expected true, got false",
               where);
  lua_pop(L, 3);
  for (const ldb_hyper *h = r->hypers; h->name; h++)
    read_hyper(L, where, key++, h, c);
  check_together(L, where, c);
}

static int count_hypers(const ldb_optimizer *r) {
  int n = 0;
  while (r->hypers[n].name)
    n++;
  return n;
}

/* Slots stay on the stack, where the gate finds them. */
static void read_slots(lua_State *L, lb_update *u) {
  ldb_update_call *const c = &u->call;
  const ldb_view *w = &u->written[0]->view;
  const int key = HYPERS + count_hypers(c->rule);
  if (w->rank >= 2 && c->p.n > 0) {
    c->rows = (size_t)w->shape[w->rank - 2];
    c->columns = (size_t)w->shape[w->rank - 1];
  }
  for (int i = 0; i < LDB_MAX_SLOTS && c->rule->slots[i].name; i++) {
    const ldb_slot *s = &c->rule->slots[i];
    if (!is_set(c, s->needs) || (s->shape != LDB_SLOT_LIKE && c->columns == 0)) continue;
    lua_pushvalue(L, lua_upvalueindex(key + i));
    lua_rawget(L, SLOTS);
    const int idx = lua_gettop(L);
    if (s->shape == LDB_SLOT_LIKE)
      c->slot[i] = lb_check_slot(L, u, idx, s->name);
    else
      c->slot[i] = lb_check_part(L, u, idx, s->name,
                                 c->p.n / (s->shape == LDB_SLOT_ROWS ? c->columns : c->rows));
  }
}

/* ---- the call -------------------------------------------------------------------------------- */

/* Sets rate and step, from what an earlier call with the same momenta left. */
static void set_carried(lua_State *L, ldb_update_call *c, double lr, uint64_t step) {
  carried *all = lua_touserdata(L, lua_upvalueindex(CARRIED));
  const double beta1 = c->hyper.nadam.adam.beta1;
  carried *found = NULL, *oldest = &all[0];
  for (int i = 0; i < CARRIED_MANY; i++) {
    carried *k = &all[i];
    const bool same = memcmp(&k->beta1, &beta1, sizeof beta1) == 0 &&
                      memcmp(&k->decay, &c->momentum_decay, sizeof k->decay) == 0 &&
                      k->flavor == c->flavor;
    if (same && k->step <= step && (!found || k->step > found->step)) found = k;
    if (k->step < oldest->step) oldest = k;
  }
  c->product_step = found ? found->step : 0;
  c->product = found ? found->product : 1.0;
  ldb_update_set(c, lr, step);
  if (!found) found = oldest;
  *found = (carried){beta1, c->momentum_decay, c->product, c->product_step, c->flavor};
}

static int push_statistics(lua_State *L, const ldb_update_stats *s) {
  lua_pushnumber(L, s->grad_sq);
  lua_pushnumber(L, s->update_sq);
  lua_pushnumber(L, s->weight_sq);
  lua_pushinteger(L, (lua_Integer)s->nonfinite_grad);
  lua_pushinteger(L, (lua_Integer)s->nonfinite_weight);
  lua_pushinteger(L, (lua_Integer)s->unchanged);
  lua_pushinteger(L, (lua_Integer)s->underflow);
  lua_pushinteger(L, (lua_Integer)s->grad_zero);
  return 8;
}

/* NAME(parameter, gradient, slots, lr, options = {}, step = 1) -> grad_sq, update_sq, weight_sq,
   nonfinite_grad, nonfinite_weight, unchanged, underflow, grad_zero. Updates in place. slots: by
   name; options: hyperparameters of the row, weight_decay, decoupled_weight_decay, flavor; what is
   absent is as the row has it. */
static int lb_rule_call(lua_State *L) {
  const char *where = lua_tostring(L, lua_upvalueindex(WHERE));
  lb_update u;
  ldb_error e;
  lua_settop(L, STEP);
  luaL_checkstack(L, 20, where);
  lb_check_parameter(L, &u, where);
  u.call.rule = lua_touserdata(L, lua_upvalueindex(ROW));
  if (lua_type(L, SLOTS) != LUA_TTABLE)
    lb_badargument(L, SLOTS, where, "slots", "a table of tensors by name");
  if (!lua_isnil(L, OPTIONS) && lua_type(L, OPTIONS) != LUA_TTABLE)
    lb_badargument(L, OPTIONS, where, "options", "a table");
  const double lr = lb_check_rate(L, where, RATE, "lr");
  const uint64_t step = lua_isnil(L, STEP) ? 1 : lb_check_step(L, where, STEP);
  read_options(L, where, &u.call);
  read_slots(L, &u);
  if (u.call.rule->carries)
    set_carried(L, &u.call, lr, step);
  else
    ldb_update_set(&u.call, lr, step);
  if (lb_gate_update(L, &u, lr, step, &e) != LDB_OK) return lb_raise(L, where, &e);
  return push_statistics(L, &u.call.stats);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void set_text(lua_State *L, const char *key, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, key);
}

static void set_flag(lua_State *L, const char *key, bool on) {
  lua_pushboolean(L, on);
  lua_setfield(L, -2, key);
}

/* Whole numbers as integers: so people write them. */
static void push_plain(lua_State *L, double x) {
  if (floor(x) >= x && fabs(x) < 1e15)
    lua_pushinteger(L, (lua_Integer)x);
  else
    lua_pushnumber(L, x);
}

/* Sets keras and torch of the table on top; what is NaN is left out. */
static void set_standards(lua_State *L, const ldb_optimizer *r, const double x[LDB_FLAVORS],
                          bool flag) {
  static const char *const names[] = {"keras", "torch"};
  for (int f = 0; f < LDB_FLAVORS; f++) {
    if (!r->has[f] || isnan(x[f])) continue;
    if (flag)
      lua_pushboolean(L, x[f] > 0.0);
    else
      push_plain(L, x[f]);
    lua_setfield(L, -2, names[f]);
  }
}

static void set_limit(lua_State *L, const char *key, double x) {
  if (isinf(x)) return;
  push_plain(L, x);
  lua_setfield(L, -2, key);
}

static void push_hyper(lua_State *L, const ldb_optimizer *r, const ldb_hyper *h) {
  lua_createtable(L, 0, 12);
  set_text(L, "name", h->name);
  set_text(L, "aliases", h->aliases);
  set_text(L, "type", h->flag ? "boolean" : "number");
  if (!h->flag) {
    set_limit(L, h->open_least ? "open_min" : "min", h->least);
    set_limit(L, h->open_most ? "open_max" : "max", h->most);
  }
  set_standards(L, r, h->standard, h->flag);
  set_text(L, "doc", h->doc);
  set_flag(L, "torch_only", h->torch_only);
  set_text(L, "needs", h->needs);
  set_text(L, "without", h->without);
  set_text(L, "expected", h->expected);
  set_text(L, "hint", h->hint);
}

static void push_slots(lua_State *L, const ldb_optimizer *r) {
  static const char *const shapes[] = {"like", "rows", "columns"};
  lua_createtable(L, LDB_MAX_SLOTS, 0);
  for (int i = 0; i < LDB_MAX_SLOTS && r->slots[i].name; i++) {
    const ldb_slot *s = &r->slots[i];
    lua_createtable(L, 0, 4);
    set_text(L, "name", s->name);
    set_text(L, "shape", shapes[s->shape]);
    set_text(L, "needs", s->needs);
    set_text(L, "start", s->start);
    lua_rawseti(L, -2, i + 1);
  }
}

/* rules() -> list of { name, doc, keras, torch, always_decoupled, lr = { keras, torch },
   weight_decay = alike, hypers = { { name, aliases, type, limits, keras, torch, doc, torch_only,
   needs, without, expected, hint } }, slots = { { name, shape, needs, start } } } */
static int lb_train_rules(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; ldb_optimizers[i]; i++) {
    const ldb_optimizer *r = ldb_optimizers[i];
    lua_createtable(L, 0, 9);
    set_text(L, "name", r->name);
    set_text(L, "doc", r->doc);
    set_flag(L, "keras", r->has[LDB_KERAS]);
    set_flag(L, "torch", r->has[LDB_TORCH]);
    set_flag(L, "always_decoupled", r->always_decoupled);
    lua_newtable(L);
    set_standards(L, r, r->lr, false);
    lua_setfield(L, -2, "lr");
    lua_newtable(L);
    set_standards(L, r, r->weight_decay, false);
    lua_setfield(L, -2, "weight_decay");
    lua_newtable(L);
    for (int k = 0; r->hypers[k].name; k++) {
      push_hyper(L, r, &r->hypers[k]);
      lua_rawseti(L, -2, k + 1);
    }
    lua_setfield(L, -2, "hypers");
    push_slots(L, r);
    lua_setfield(L, -2, "slots");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static void push_rule(lua_State *L, const ldb_optimizer *r) {
  int n = HYPERS - 1;
  luaL_checkstack(L, 40, r->name);
  lua_pushlightuserdata(L, (void *)(uintptr_t)r);
  carried *all = lua_newuserdatauv(L, CARRIED_MANY * sizeof *all, 0);
  memset(all, 0, CARRIED_MANY * sizeof *all);
  lua_pushfstring(L, "train.%s", r->name);
  lua_pushliteral(L, "weight_decay");
  lua_pushliteral(L, "decoupled_weight_decay");
  lua_pushliteral(L, "flavor");
  for (int i = 0; r->hypers[i].name; i++, n++)
    lua_pushstring(L, r->hypers[i].name);
  for (int i = 0; i < LDB_MAX_SLOTS && r->slots[i].name; i++, n++)
    lua_pushstring(L, r->slots[i].name);
  lua_pushcclosure(L, lb_rule_call, n);
}

void lb_addrules(lua_State *L) {
  for (int i = 0; ldb_optimizers[i]; i++) {
    push_rule(L, ldb_optimizers[i]);
    lua_setfield(L, -2, ldb_optimizers[i]->name);
  }
  lua_pushcfunction(L, lb_train_rules);
  lua_setfield(L, -2, "rules");
}
