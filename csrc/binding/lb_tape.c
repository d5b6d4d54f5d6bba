/*
** Writing the tape. All memory is taken in protected calls; user value 1 of the tape holds it.
*/
#include "binding/lb_tape.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LB_TAPE "lossdbg.tape"

static const char tape_key = 0; /* address only */

void lb_tape_metatable(lua_State *L) {
  luaL_newmetatable(L, LB_TAPE);
  lua_pop(L, 1);
}

lb_tape *lb_testtape(lua_State *L, int idx) {
  lb_tape *t = luaL_testudata(L, idx, LB_TAPE);
  return t && lua_rawlen(L, idx) == sizeof *t ? t : NULL;
}

lb_tape *lb_check_tape(lua_State *L, int idx, const char *where) {
  lb_tape *t = lb_testtape(L, idx);
  if (!t) lb_badargument(L, idx, where, "tape", "a tape of plan.capture");
  return t;
}

lb_tape *lb_tape_start(lua_State *L) {
  lb_tape *t = lua_newuserdatauv(L, sizeof *t, LB_TAPE_VALUES);
  memset(t, 0, sizeof *t);
  t->scope = t->optimizer = -1;
  for (int i = 1; i <= LB_TAPE_VALUES; i++) {
    lua_newtable(L);
    lua_setiuservalue(L, -2, i);
  }
  luaL_setmetatable(L, LB_TAPE);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &tape_key);
  lb_context *c = lb_getcontext(L);
  t->draws = c->draws;
  c->tape = t;
  return t;
}

void lb_tape_stop(lua_State *L) {
  lb_getcontext(L)->tape = NULL;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &tape_key);
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &tape_key);
}

LDB_PRINTF(2, 0) static void refuse_list(lb_tape *t, const char *format, va_list args) {
  if (t->reason[0]) return;
  vsnprintf(t->reason, sizeof t->reason, format, args);
}

void lb_tape_refuse(lua_State *L, const char *format, ...) {
  va_list args;
  va_start(args, format);
  refuse_list(lb_getcontext(L)->tape, format, args);
  va_end(args);
}

void lb_tape_fail(lb_tape *t, const char *format, ...) {
  va_list args;
  va_start(args, format);
  refuse_list(t, format, args);
  va_end(args);
}

void lb_tape_read(lua_State *L, const char *function) {
  lb_tape_refuse(L,
                 "'%s' reads values while the step runs, and what Lua does with them cannot be "
                 "repeated (return the tensor and read it after the step)",
                 function);
}

/* Calls fn(value on top of the stack or nil, param) where memory may be refused. Pops the value. */
static bool protect(lua_State *L, lua_CFunction fn, void *param) {
  if (!lua_checkstack(L, 8)) {
    lua_pop(L, 1);
    lb_tape_refuse(L, "not enough memory to capture the step");
    return false;
  }
  lua_pushcfunction(L, fn);
  lua_insert(L, -2);
  lua_pushlightuserdata(L, param);
  const int status = lua_pcall(L, 2, 0, 0);
  if (status == LUA_OK) return true;
  if (status != LUA_ERRMEM) lua_error(L); /* raised by a hook: somebody wants to stop */
  lua_pop(L, 1);
  lb_tape_refuse(L, "not enough memory to capture the step");
  return false;
}

/* Memory that lives as long as the tape. */
static void *hold(lua_State *L, lb_tape *t, int held, size_t bytes) {
  void *p = lua_newuserdatauv(L, bytes, 0);
  lua_rawseti(L, held, t->n_held + 1);
  t->n_held++;
  return p;
}

static lb_tape *push_values(lua_State *L, int which) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &tape_key);
  lb_tape *t = lua_touserdata(L, -1);
  lua_getiuservalue(L, -1, which);
  lua_replace(L, -2);
  return t;
}

/* ---- storages -------------------------------------------------------------------------------- */

typedef struct seeing {
  lb_storage *storage;
  bool born;
} seeing;

/* (what holds the storage, &seeing) */
static int add_storage(lua_State *L) {
  const seeing *from = lua_touserdata(L, 2);
  lb_tape *t = push_values(L, LB_TAPE_HELD);
  lua_pushvalue(L, 1);
  if (lua_rawget(L, 3) != LUA_TNIL) return 0;
  lb_seen *s = hold(L, t, 3, sizeof *s);
  lua_pushvalue(L, 1);
  lua_pushlightuserdata(L, s);
  lua_rawset(L, 3);
  s->next = NULL;
  s->storage = from->storage;
  s->born = from->born;
  if (t->seen_last)
    t->seen_last->next = s;
  else
    t->seen = s;
  t->seen_last = s;
  t->n_seen++;
  return 0;
}

void lb_tape_born(lua_State *L) {
  seeing s = {lua_touserdata(L, -1), true};
  lua_pushvalue(L, -1);
  protect(L, add_storage, &s);
}

void lb_tape_hold(lua_State *L) {
  seeing s = {lua_touserdata(L, -1), false};
  protect(L, add_storage, &s);
}

void lb_tape_see(lua_State *L, int idx) {
  lb_tensor *t = lua_touserdata(L, idx);
  seeing s = {t->storage, false};
  t->planned = true;
  lb_pushowner(L, idx);
  protect(L, add_storage, &s);
}

bool lb_tape_is_born(lua_State *L, int idx) {
  push_values(L, LB_TAPE_HELD);
  lb_pushowner(L, idx);
  lua_rawget(L, -2);
  const lb_seen *s = lua_touserdata(L, -1);
  lua_pop(L, 2);
  return s && s->born;
}

/* ---- records --------------------------------------------------------------------------------- */

enum { MAX_POINTERS = 2 * LDB_MAX_IN + 6 };

typedef struct draft {
  lb_record r;
  lb_pointer pointer[MAX_POINTERS];
  const void *arg;
} draft;

static void link_record(lb_tape *t, lb_record *r) {
  r->scope = t->scope;
  if (t->last)
    t->last->next = r;
  else
    t->first = r;
  t->last = r;
  t->n_records++;
}

static int add_record(lua_State *L) {
  const draft *d = lua_touserdata(L, 2);
  lb_tape *t = push_values(L, LB_TAPE_HELD);
  const size_t pointers = d->r.n_pointers * sizeof(lb_pointer);
  lb_record *r = hold(L, t, 3, sizeof *r + pointers + d->r.n_bytes);
  *r = d->r;
  r->next = NULL;
  r->pointer = (lb_pointer *)(r + 1);
  r->arg = (unsigned char *)(r + 1) + pointers;
  if (pointers) memcpy(r->pointer, d->pointer, pointers);
  memcpy(r->arg, d->arg, d->r.n_bytes);
  const void *const none = NULL;
  for (uint32_t i = 0; i < r->n_pointers; i++)
    memcpy(r->arg + r->pointer[i].place, &none, sizeof none);
  link_record(t, r);
  return 0;
}

static void append(lua_State *L, const draft *d) {
  if (lb_getcontext(L)->tape->reason[0]) return; /* nothing will come of it */
  lua_pushnil(L);
  protect(L, add_record, (void *)d);
}

static void point(draft *d, void *ptr, size_t place, uint32_t access) {
  if (ptr) d->pointer[d->r.n_pointers++] = (lb_pointer){ptr, (uint32_t)place, access, -1, 0};
}

/* Only what an evaluation reads, over zeros, so that equal calls have equal bytes. */
static void copy_view(ldb_view *to, const ldb_view *from) {
  to->data = from->data;
  to->rank = from->rank;
  if (from->rank >= 0) to->dtype = from->dtype; /* an input that was not given has none */
  for (int i = 0; i < from->rank; i++) {
    to->shape[i] = from->shape[i];
    to->stride[i] = from->stride[i];
  }
}

static void copy_call(ldb_call *to, const ldb_call *from) {
  memset(to, 0, sizeof *to);
  to->op = from->op;
  to->n_in = from->n_in;
  for (int i = 0; i < from->n_in; i++)
    copy_view(&to->in[i], &from->in[i]);
  to->attrs = from->attrs;
  for (int i = to->attrs.n_list; i < LDB_MAX_LIST; i++)
    to->attrs.list[i] = 0;
  copy_view(&to->out, &from->out);
  if (from->saved.data) copy_view(&to->saved, &from->saved);
  to->scratch = from->scratch;
}

/* Makes the stream at `stream` of the argument a dial if it was made in this step. */
static void find_stream(lua_State *L, draft *d, size_t seed, size_t stream) {
  unsigned char *arg = (unsigned char *)(uintptr_t)d->arg;
  uint64_t value;
  memcpy(&value, arg + stream, sizeof value);
  const lb_stream *s = lb_getcontext(L)->tape->streams;
  while (s && s->value != value)
    s = s->next;
  if (!s || s->owner == LB_STREAM_FIXED) return;
  d->r.dial.kind = LB_DIAL_STREAM;
  d->r.dial.stream = s;
  d->r.dial.place = (uint32_t)stream;
  memset(arg + stream, 0, sizeof value);
  if (s->owner != LB_STREAM_STATE) return;
  d->r.dial.seed_place = (uint32_t)seed;
  memset(arg + seed, 0, sizeof value);
}

static void find_op_stream(lua_State *L, draft *d, const ldb_op *op) {
  const ldb_attr_spec *seed = NULL, *stream = NULL;
  for (const ldb_attr_spec *a = op->attrs; a && a->name; a++) {
    if (strcmp(a->name, "seed") == 0) seed = a;
    if (strcmp(a->name, "stream") == 0) stream = a;
  }
  if (!seed || !stream) return;
  const size_t base = offsetof(ldb_call, attrs.integer), size = sizeof(int64_t);
  find_stream(L, d, base + (size_t)seed->slot * size, base + (size_t)stream->slot * size);
}

static void start_call(draft *d, const ldb_op *op, lb_record_kind kind, const ldb_call *c) {
  memset(d, 0, sizeof *d);
  d->r.kind = kind;
  d->r.op = op;
  d->r.name = op->name;
  d->r.n_bytes = sizeof *c;
  d->arg = c;
}

void lb_tape_forward(lua_State *L, const ldb_call *given) {
  draft d;
  ldb_call c;
  if (!given->op->forward) return;
  copy_call(&c, given);
  start_call(&d, c.op, LB_FORWARD, &c);
  for (int i = 0; i < c.n_in; i++)
    point(&d, c.in[i].data, offsetof(ldb_call, in) + (size_t)i * sizeof c.in[0], LDB_READS);
  point(&d, c.out.data, offsetof(ldb_call, out), LDB_WRITES);
  point(&d, c.saved.data, offsetof(ldb_call, saved), LDB_WRITES);
  point(&d, c.scratch, offsetof(ldb_call, scratch), LDB_WRITES);
  find_op_stream(L, &d, c.op);
  append(L, &d);
}

void lb_tape_backward(lua_State *L, const ldb_call *given) {
  draft d;
  ldb_call c;
  copy_call(&c, given);
  start_call(&d, c.op, LB_BACKWARD, &c);
  copy_view(&c.gout, &given->gout);
  const uint32_t in = c.op->flags & LDB_OP_KEEP_IN ? LDB_READS : 0;
  const uint32_t out = c.op->flags & LDB_OP_KEEP_OUT ? LDB_READS : 0;
  for (int i = 0; i < c.n_in; i++) {
    const size_t place = (size_t)i * sizeof c.in[0];
    point(&d, c.in[i].data, offsetof(ldb_call, in) + place, in);
    if (!given->gin[i].data) continue;
    copy_view(&c.gin[i], &given->gin[i]);
    point(&d, c.gin[i].data, offsetof(ldb_call, gin) + place, LDB_WRITES);
  }
  point(&d, c.out.data, offsetof(ldb_call, out), out);
  point(&d, c.saved.data, offsetof(ldb_call, saved), LDB_READS);
  point(&d, c.gout.data, offsetof(ldb_call, gout), LDB_READS);
  point(&d, c.scratch, offsetof(ldb_call, scratch), LDB_WRITES);
  find_op_stream(L, &d, c.op);
  append(L, &d);
}

static void start_step(draft *d, ldb_step_fn *fn, const char *name, const void *arg, size_t n) {
  memset(d, 0, sizeof *d);
  d->r.kind = LB_STEP;
  d->r.step = fn;
  d->r.name = name;
  d->r.n_bytes = n;
  d->arg = arg;
}

void lb_tape_fill(lua_State *L, const char *name, const ldb_view *to, double value) {
  draft d;
  ldb_fill_step s;
  memset(&s, 0, sizeof s);
  copy_view(&s.to, to);
  s.value = value;
  start_step(&d, ldb_do_fill, name, &s, sizeof s);
  point(&d, s.to.data, offsetof(ldb_fill_step, to), LDB_WRITES);
  append(L, &d);
}

void lb_tape_mark(lua_State *L, const ldb_view *value) {
  draft d;
  ldb_mark_step s;
  memset(&s, 0, sizeof s);
  copy_view(&s.value, value);
  start_step(&d, ldb_do_mark, "mark", &s, sizeof s);
  point(&d, s.value.data, offsetof(ldb_mark_step, value), LDB_READS);
  append(L, &d);
}

void lb_tape_output(lua_State *L, const ldb_output_step *o) {
  draft d;
  ldb_output_step s;
  memset(&s, 0, sizeof s);
  copy_view(&s.x, &o->x);
  s.row = o->row;
  s.team = o->team;
  start_step(&d, ldb_do_output, "output", &s, sizeof s);
  point(&d, s.x.data, offsetof(ldb_output_step, x), LDB_READS);
  append(L, &d);
}

void lb_tape_copy(lua_State *L, const ldb_view *from, const ldb_view *to) {
  draft d;
  ldb_copy_step s;
  memset(&s, 0, sizeof s);
  copy_view(&s.from, from);
  copy_view(&s.to, to);
  start_step(&d, ldb_do_copy, "copy", &s, sizeof s);
  point(&d, s.from.data, offsetof(ldb_copy_step, from), LDB_READS);
  point(&d, s.to.data, offsetof(ldb_copy_step, to), LDB_WRITES);
  append(L, &d);
}

void lb_tape_constant(lua_State *L, const ldb_view *v) {
  draft d;
  const size_t bytes = (size_t)ldb_view_count(v) * ldb_dtype_size(v->dtype);
  if (bytes == 0) return;
  start_step(&d, NULL, "constant", v->data, bytes);
  d.r.kind = LB_CONSTANT;
  d.r.target = v->data;
  append(L, &d);
}

void lb_tape_sample(lua_State *L, const char *name, const ldb_sample_step *given) {
  draft d;
  ldb_sample_step s;
  memset(&s, 0, sizeof s);
  s.kind = given->kind;
  s.dtype = given->dtype;
  s.n = given->n;
  s.data = given->data;
  s.seed = given->seed;
  s.stream = given->stream;
  s.a = given->a;
  s.b = given->b;
  start_step(&d, ldb_do_sample, name, &s, sizeof s);
  point(&d, s.data, offsetof(ldb_sample_step, data), LDB_WRITES);
  find_stream(L, &d, offsetof(ldb_sample_step, seed), offsetof(ldb_sample_step, stream));
  append(L, &d);
}

void lb_tape_update(lua_State *L, const lb_update *u, double lr, uint64_t step) {
  draft d;
  const lb_tape *t = lb_getcontext(L)->tape;
  ldb_update_call c = u->call;
  const int n = lua_gettop(L);
  for (int i = 1; i <= n; i++)
    if (lb_testtensor(L, i)) lb_tape_see(L, i);
  memset(&c.stats, 0, sizeof c.stats);
  c.product_step = 0;
  ldb_update_set(&c, 0.0, 1);
  start_step(&d, ldb_do_update, c.rule->name, &c, sizeof c);
  d.r.dial.kind = LB_DIAL_RATE;
  d.r.dial.optimizer = t->optimizer;
  d.r.dial.lr = lr;
  d.r.dial.step = step;
  if (t->optimizer >= 0) {
    d.r.dial.own = t->own;
    d.r.dial.own_lr = t->own_lr;
    d.r.dial.base = t->base[t->optimizer];
  }
  point(&d, c.p.w, offsetof(ldb_update_call, p.w), LDB_READS | LDB_WRITES);
  point(&d, (void *)c.p.g, offsetof(ldb_update_call, p.g), LDB_READS);
  for (size_t i = 0; i < 3; i++)
    point(&d, c.slot[i], offsetof(ldb_update_call, slot) + i * sizeof c.slot[0],
          LDB_READS | LDB_WRITES);
  append(L, &d);
}

static int add_clip(lua_State *L) {
  const draft *d = lua_touserdata(L, 2);
  const ldb_clip_call *c = d->arg;
  lb_tape *t = push_values(L, LB_TAPE_HELD);
  const size_t pointers = c->n * sizeof(lb_pointer);
  lb_record *r = hold(L, t, 3, sizeof *r + pointers + d->r.n_bytes);
  *r = d->r;
  r->n_pointers = (uint32_t)c->n;
  r->pointer = (lb_pointer *)(r + 1);
  r->arg = (unsigned char *)(r + 1) + pointers;
  ldb_clip_call *copy = (ldb_clip_call *)r->arg;
  memcpy(copy, c, d->r.n_bytes);
  copy->norm = copy->factor = 0.0;
  copy->changed = 0;
  for (size_t i = 0; i < c->n; i++) {
    const size_t place = offsetof(ldb_clip_call, item) + i * sizeof c->item[0];
    const uint32_t access = c->kind == LDB_CLIP_MEASURE ? LDB_READS : LDB_READS | LDB_WRITES;
    r->pointer[i] = (lb_pointer){c->item[i].data, (uint32_t)place, access, -1, 0};
    copy->item[i].data = NULL;
  }
  link_record(t, r);
  return 0;
}

/* The list of tensors is at index 1. */
void lb_tape_clip(lua_State *L, const char *name, const ldb_clip_call *c) {
  draft d;
  if (lb_getcontext(L)->tape->optimizer < 0) {
    lb_tape_read(L, name);
    return;
  }
  for (size_t i = 0; i < c->n; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    lb_tape_see(L, lua_gettop(L));
    lua_pop(L, 1);
  }
  start_step(&d, ldb_do_clip, name, c, sizeof *c + c->n * sizeof c->item[0]);
  d.r.dial.optimizer = lb_getcontext(L)->tape->optimizer;
  if (lb_getcontext(L)->tape->reason[0]) return;
  lua_pushnil(L);
  protect(L, add_clip, &d);
}

/* ---- leaves, layers that count, optimisers --------------------------------------------------- */

static int add_leaf(lua_State *L) {
  const bool *fresh = lua_touserdata(L, 2);
  lb_tape *t = push_values(L, LB_TAPE_LEAVES);
  lua_pushvalue(L, 1);
  if (lua_rawget(L, 3) != LUA_TNIL) return 0;
  lua_pushvalue(L, 1);
  lua_rawseti(L, 3, t->n_leaves + 1);
  t->n_leaves++;
  lua_pushvalue(L, 1);
  lua_pushinteger(L, t->n_leaves);
  lua_rawset(L, 3);
  if (*fresh) t->no_gradient = true;
  return 0;
}

void lb_tape_leaf(lua_State *L, int idx) {
  bool fresh = false;
  lua_pushvalue(L, idx);
  protect(L, add_leaf, &fresh);
}

void lb_tape_fresh_leaf(lua_State *L, int idx) {
  bool fresh = true;
  lua_pushvalue(L, idx);
  protect(L, add_leaf, &fresh);
}

bool lb_tape_knows_leaf(lua_State *L, int idx) {
  push_values(L, LB_TAPE_LEAVES);
  lua_pushvalue(L, idx);
  const bool known = lua_rawget(L, -2) != LUA_TNIL;
  lua_pop(L, 2);
  return known;
}

/* Appends the value at index 1 to the list at index `list` unless it is there; its place. */
static int32_t place_in(lua_State *L, int list, int32_t *n) {
  lua_pushvalue(L, 1);
  if (lua_rawget(L, list) == LUA_TNUMBER) return (int32_t)lua_tointeger(L, -1) - 1;
  lua_pushvalue(L, 1);
  lua_rawseti(L, list, *n + 1);
  lua_pushvalue(L, 1);
  lua_pushinteger(L, *n + 1);
  lua_rawset(L, list);
  return (*n)++;
}

static int add_stream(lua_State *L) {
  const lb_stream *given = lua_touserdata(L, 2);
  lb_tape *t = push_values(L, LB_TAPE_OWNERS);
  lb_stream s = *given;
  if (lua_istable(L, 1)) {
    s.owner = place_in(L, 3, &t->n_owners);
    s.base = s.a - 1;
    for (const lb_stream *other = t->streams; other; other = other->next)
      if (other->owner == s.owner) s.base = other->base;
  } else if (s.owner == LB_STREAM_STATE) {
    s.base = t->draws;
  } else {
    s.base = s.a;
    s.owner = t->has_step && s.a == t->step ? LB_STREAM_STEP : LB_STREAM_FIXED;
  }
  push_values(L, LB_TAPE_HELD);
  lb_stream *kept = hold(L, t, lua_gettop(L), sizeof *kept);
  *kept = s;
  kept->next = t->streams;
  t->streams = kept;
  return 0;
}

void lb_tape_stream(lua_State *L, lb_stream s, int owner_idx) {
  if (owner_idx)
    lua_pushvalue(L, owner_idx);
  else
    lua_pushnil(L);
  protect(L, add_stream, &s);
}

typedef struct entering {
  double base;
  int64_t every;
} entering;

static int add_optimizer(lua_State *L) {
  const entering *e = lua_touserdata(L, 2);
  lb_tape *t = push_values(L, LB_TAPE_OPTIMIZERS);
  const int32_t place = place_in(L, 3, &t->n_optimizers);
  if (place >= LB_MAX_OPTIMIZERS) {
    lb_tape_refuse(L, "more than %d optimisers take part", (int)LB_MAX_OPTIMIZERS);
    t->n_optimizers = LB_MAX_OPTIMIZERS;
    return 0;
  }
  if (t->stepped >> place & 1u) lb_tape_refuse(L, "the same optimiser makes more than one step");
  t->stepped |= 1u << place;
  t->optimizer = place;
  t->base[place] = e->base;
  t->every[place] = e->every;
  t->own = false;
  return 0;
}

void lb_tape_optimizer(lua_State *L, int idx, double base, int64_t every) {
  entering e = {base, every};
  if (!idx) {
    lb_getcontext(L)->tape->optimizer = -1;
    return;
  }
  lua_pushvalue(L, idx);
  protect(L, add_optimizer, &e);
}

static int add_scope(lua_State *L) {
  lb_tape *t = push_values(L, LB_TAPE_SCOPES);
  t->scope = place_in(L, 3, &t->n_scopes);
  return 0;
}

void lb_tape_scope(lua_State *L, int idx) {
  lua_pushvalue(L, idx);
  protect(L, add_scope, NULL);
}
