/*
** From two settled tapes to a plan: comparing, and laying everything out.
*/
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/rng.h"
#include "binding/lb_plan.h"

/* ---- comparing ------------------------------------------------------------------------------- */

enum { TEXT = LB_TAPE_REASON };

static const char *kind_text(const lb_record *r) {
  return r->kind == LB_BACKWARD ? "the gradient of " : "";
}

static bool same_bytes(const lb_record *a, const lb_record *b, size_t at, size_t n) {
  return memcmp(a->arg + at, b->arg + at, n) == 0;
}

static void attr_differs(char *why, const lb_record *a, const lb_record *b) {
  const ldb_call *x = (const ldb_call *)(const void *)a->arg;
  const ldb_call *y = (const ldb_call *)(const void *)b->arg;
  for (const ldb_attr_spec *s = a->op->attrs; s && s->name; s++) {
    double p = 0.0, q = 0.0;
    if (s->kind == LDB_ATTR_NUM) {
      p = x->attrs.num[s->slot];
      q = y->attrs.num[s->slot];
    } else if (s->kind != LDB_ATTR_LIST && s->kind != LDB_ATTR_AXES) {
      p = (double)x->attrs.integer[s->slot];
      q = (double)y->attrs.integer[s->slot];
    } else {
      continue;
    }
    if (p == q) continue;
    snprintf(why, TEXT, "attribute '%s' of op '%s' differed between two steps: %.14g and %.14g",
             s->name, a->name, p, q);
    return;
  }
  snprintf(why, TEXT, "op '%s' had other attributes or shapes in two steps", a->name);
}

static void argument_differs(char *why, const lb_record *a, const lb_record *b) {
  if (a->kind == LB_FORWARD || a->kind == LB_BACKWARD) {
    attr_differs(why, a, b);
  } else if (a->step == ldb_do_fill) {
    const ldb_fill_step *x = (const ldb_fill_step *)(const void *)a->arg;
    const ldb_fill_step *y = (const ldb_fill_step *)(const void *)b->arg;
    snprintf(why, TEXT,
             "a number given to '%s' differed between two steps: %.14g and %.14g (pass it as a "
             "tensor argument of the step)",
             a->name, x->value, y->value);
  } else if (a->kind == LB_CONSTANT) {
    snprintf(why, TEXT,
             "a tensor that the step makes of Lua numbers differed between two steps (pass it as "
             "an argument)");
  } else {
    snprintf(why, TEXT, "arguments of '%s' differed between two steps", a->name);
  }
}

static bool same_pointer(const lb_tape *ta, const lb_tape *tb, const lb_pointer *a,
                         const lb_pointer *b) {
  if (a->place != b->place || a->access != b->access) return false;
  if (a->access == 0) return true;
  if (a->delta != b->delta) return false;
  const bool in_a = a->buffer < ta->n_inputs, in_b = b->buffer < tb->n_inputs;
  if (in_a || in_b) return a->buffer == b->buffer;
  const lb_tape_buffer *x = &ta->buffers[a->buffer], *y = &tb->buffers[b->buffer];
  if (x->born != y->born || x->bytes != y->bytes) return false;
  return x->born ? a->buffer == b->buffer : x->storage == y->storage;
}

static bool same_stream(const lb_stream *a, const lb_stream *b) {
  return a->owner == b->owner && a->purpose == b->purpose && a->b == b->b &&
         a->a - a->base == b->a - b->base;
}

static bool same_dial(char *why, const lb_record *a, const lb_record *b) {
  const lb_dial *x = &a->dial, *y = &b->dial;
  bool same = x->kind == y->kind && x->place == y->place && x->seed_place == y->seed_place;
  if (same && x->kind == LB_DIAL_STREAM) same = same_stream(x->stream, y->stream);
  if (same && x->kind == LB_DIAL_RATE) {
    same = x->optimizer == y->optimizer && x->own == y->own && x->own_lr == y->own_lr;
    if (same && x->optimizer < 0 && (x->lr != y->lr || x->step != y->step)) {
      snprintf(why, TEXT, "'%s' was called by itself, with another rate or step in two steps",
               a->name);
      return false;
    }
  }
  if (!same)
    snprintf(why, TEXT, "numbers that '%s' draws or is given came from elsewhere in two steps",
             a->name);
  return same;
}

static bool same_record(char *why, const lb_tape *ta, const lb_tape *tb, const lb_record *a,
                        const lb_record *b, int32_t at) {
  if (a->kind != b->kind || a->op != b->op || a->step != b->step || strcmp(a->name, b->name) != 0) {
    snprintf(why, TEXT, "two steps did different things: at instruction %d %s'%s' and then %s'%s'",
             (int)at, kind_text(a), a->name, kind_text(b), b->name);
    return false;
  }
  if (a->n_bytes != b->n_bytes || a->n_pointers != b->n_pointers) {
    snprintf(why, TEXT, "'%s' had other arguments in two steps", a->name);
    return false;
  }
  if (!same_bytes(a, b, 0, a->n_bytes)) {
    argument_differs(why, a, b);
    return false;
  }
  if (!same_dial(why, a, b)) return false;
  for (uint32_t i = 0; i < a->n_pointers; i++)
    if (!same_pointer(ta, tb, &a->pointer[i], &b->pointer[i])) {
      snprintf(why, TEXT,
               "%s'%s' worked on another tensor in two steps (pass tensors that change as "
               "arguments of the step)",
               kind_text(a), a->name);
      return false;
    }
  if (a->scope != b->scope) {
    snprintf(why, TEXT, "layers were called in another order in two steps");
    return false;
  }
  return true;
}

static bool same_list(lua_State *L, int first, int second, int which, int32_t n) {
  bool same = true;
  lua_getiuservalue(L, first, which);
  lua_getiuservalue(L, second, which);
  for (int32_t i = 1; same && i <= n; i++) {
    lua_rawgeti(L, -2, i);
    lua_rawgeti(L, -2, i);
    same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
  }
  lua_pop(L, 2);
  return same;
}

static bool same_values(const lb_tape_value *a, const lb_tape_value *b, int32_t n) {
  for (int32_t i = 0; i < n; i++)
    if (a[i].tensor != b[i].tensor ||
        (a[i].tensor && (a[i].delta != b[i].delta || !ldb_same_shape(&a[i].view, &b[i].view))))
      return false;
  return true;
}

/* false and why, when two steps were not the same but for dials. */
static bool compare(lua_State *L, int first, int second, char *why) {
  const lb_tape *a = lua_touserdata(L, first), *b = lua_touserdata(L, second);
  const char *broken = a->reason[0] ? a->reason : b->reason;
  if (broken[0]) {
    snprintf(why, TEXT, "%s", broken);
    return false;
  }
  const lb_record *x = a->first, *y = b->first;
  for (int32_t at = 1; x && y; x = x->next, y = y->next, at++)
    if (!same_record(why, a, b, x, y, at)) return false;
  if (x || y || a->n_results != b->n_results || a->n_leaves != b->n_leaves ||
      a->n_owners != b->n_owners || a->n_optimizers != b->n_optimizers ||
      a->n_scopes != b->n_scopes || a->no_gradient != b->no_gradient) {
    snprintf(why, TEXT, "two steps did different things: %d and %d instructions", (int)a->n_records,
             (int)b->n_records);
    return false;
  }
  if (!same_list(L, first, second, LB_TAPE_LEAVES, a->n_leaves) ||
      !same_list(L, first, second, LB_TAPE_OWNERS, a->n_owners) ||
      !same_list(L, first, second, LB_TAPE_OPTIMIZERS, a->n_optimizers) ||
      !same_values(a->gradients, b->gradients, a->n_leaves)) {
    snprintf(why, TEXT, "other parameters or optimisers took part in two steps");
    return false;
  }
  if (!same_list(L, first, second, LB_TAPE_RESULTS, a->n_results) ||
      !same_values(a->results, b->results, a->n_results)) {
    snprintf(why, TEXT,
             "the step returned other values in two steps (return tensors; read numbers from them "
             "afterwards)");
    return false;
  }
  return true;
}

/* ---- laying out ------------------------------------------------------------------------------ */

typedef struct layout {
  const lb_tape *t;
  lb_plan *p;
  unsigned char *block; /* NULL while sizes are counted */
  size_t used;
  int32_t *writers; /* of each buffer: 0, 1, 2 = several */
  int32_t *map;     /* buffers of the tape */
  char *why;
} layout;

static void *carve(layout *l, size_t n, size_t size) {
  const size_t at = (l->used + 15) / 16 * 16;
  l->used = at + n * size;
  return l->block ? l->block + at : NULL;
}

static bool is_constant(const layout *l, const lb_record *r) {
  if (r->kind == LB_CONSTANT) return true;
  if (r->step != ldb_do_fill) return false;
  const int32_t b = r->pointer[0].buffer;
  return b >= 0 && l->t->buffers[b].born && l->writers[b] == 1;
}

static void count_writers(layout *l) {
  for (const lb_record *r = l->t->first; r; r = r->next) {
    if (r->kind == LB_CONSTANT && l->writers[r->scope] < 2) l->writers[r->scope]++;
    for (uint32_t i = 0; i < r->n_pointers; i++) {
      const lb_pointer *q = &r->pointer[i];
      if (q->buffer >= 0 && (q->access & LDB_WRITES) && l->writers[q->buffer] < 2)
        l->writers[q->buffer]++;
    }
  }
}

/* Every byte that is read must have been written by the step itself. */
static bool check_flow(layout *l) {
  const lb_tape *t = l->t;
  unsigned char *state = (unsigned char *)l->map; /* 1: written */
  memset(state, 0, (size_t)t->n_buffers);
  for (const lb_record *r = t->first; r; r = r->next) {
    if (r->kind == LB_CONSTANT) {
      if (l->writers[r->scope] != 1) {
        snprintf(l->why, TEXT, "a tensor that the step makes of Lua numbers is changed in place");
        return false;
      }
      state[r->scope] = 1;
    }
    for (uint32_t i = 0; i < r->n_pointers; i++) {
      const lb_pointer *q = &r->pointer[i];
      if (q->buffer < t->n_inputs || !t->buffers[q->buffer].born) continue;
      if ((q->access & LDB_READS) && !state[q->buffer]) {
        snprintf(l->why, TEXT,
                 "'%s' reads a tensor that was made in the step by a function that cannot be "
                 "repeated",
                 r->name);
        return false;
      }
    }
    for (uint32_t i = 0; i < r->n_pointers; i++)
      if (r->pointer[i].buffer >= 0 && (r->pointer[i].access & LDB_WRITES))
        state[r->pointer[i].buffer] = 1;
  }
  return true;
}

/* Carves all lists out of the block: once to count, once for good. */
static void carve_all(layout *l) {
  const lb_tape *t = l->t;
  lb_plan *p = l->p;
  size_t n_list = 0, n_sites = 0, n_rates = 0, n_streams = 0, n_clips = 0, n_born = 0;
  l->used = 0;
  for (const lb_record *r = t->first; r; r = r->next) {
    if (is_constant(l, r)) continue;
    n_list++;
    n_sites += r->n_pointers;
    n_rates += r->dial.kind == LB_DIAL_RATE && r->dial.optimizer >= 0;
    n_streams += r->dial.kind == LB_DIAL_STREAM;
    n_clips += r->step == ldb_do_clip;
  }
  for (int32_t i = 0; i < t->n_buffers; i++)
    n_born += !t->buffers[i].born;
  p->list = carve(l, n_list, sizeof *p->list);
  p->site = carve(l, n_sites, sizeof *p->site);
  p->buffer = carve(l, (size_t)t->n_buffers + 1, sizeof *p->buffer);
  p->input = carve(l, (size_t)t->n_inputs, sizeof *p->input);
  p->rate = carve(l, n_rates, sizeof *p->rate);
  p->stream = carve(l, n_streams, sizeof *p->stream);
  p->result = carve(l, (size_t)t->n_results, sizeof *p->result);
  p->clip = carve(l, n_clips, sizeof *p->clip);
  p->written = carve(l, n_born, sizeof *p->written);
  p->owner = carve(l, (size_t)t->n_owners, sizeof *p->owner);
  int32_t at = 0;
  for (const lb_record *r = t->first; r; r = r->next) {
    if (is_constant(l, r)) continue;
    unsigned char *arg = carve(l, r->n_bytes, 1);
    if (l->block) {
      p->list[at] =
          (ldb_instruction){.step = r->step, .arg = arg, .name = r->name, .scope = r->scope};
      if (r->kind == LB_FORWARD) p->list[at].compute = r->op->forward;
      if (r->kind == LB_BACKWARD) p->list[at].compute = r->op->backward;
      memcpy(arg, r->arg, r->n_bytes);
    }
    at++;
  }
  p->n_list = (int32_t)n_list;
}

static void add_dial(lb_plan *p, const lb_record *r, unsigned char *arg) {
  const lb_dial *d = &r->dial;
  if (r->step == ldb_do_clip)
    p->clip[p->n_clips++] = (lb_plan_clip){(ldb_clip_call *)(void *)arg, d->optimizer};
  if (d->kind == LB_DIAL_RATE) {
    ldb_update_call *c = (ldb_update_call *)(void *)arg;
    ldb_update_set(c, d->lr, d->step);
    if (d->optimizer < 0) return;
    p->rate[p->n_rates++] = (lb_plan_rate){c, d->optimizer, d->own, d->own_lr, d->base};
    p->optimizer[d->optimizer].lr = d->lr;
  } else if (d->kind == LB_DIAL_STREAM) {
    const lb_stream *s = d->stream;
    p->stream[p->n_streams++] =
        (lb_plan_stream){arg + d->place, d->seed_place ? arg + d->seed_place : NULL,
                         s->purpose,     s->a - s->base,
                         s->b,           s->owner};
    if (s->owner == LB_STREAM_STEP) p->by_step = true;
  }
}

static void add_sites(layout *l) {
  const lb_tape *t = l->t;
  lb_plan *p = l->p;
  const int32_t unknown = t->n_buffers; /* bytes that nobody looks at */
  size_t n = 0;
  /* inputs first, grouped, so that binding touches what it must */
  for (int32_t pass = -1; pass < t->n_inputs; pass++) {
    const int32_t wanted = pass + 1 < t->n_inputs ? pass + 1 : -1;
    int32_t at = 0;
    if (wanted >= 0) p->input[wanted].first_site = n;
    for (const lb_record *r = t->first; r; r = r->next) {
      if (is_constant(l, r)) continue;
      for (uint32_t i = 0; i < r->n_pointers; i++) {
        const lb_pointer *q = &r->pointer[i];
        const bool input = q->buffer >= 0 && q->buffer < t->n_inputs;
        if (wanted >= 0 ? q->buffer != wanted : input) continue;
        p->site[n++] =
            (ldb_site){at, q->buffer < 0 ? unknown : q->buffer, q->place, q->access, q->delta};
      }
      at++;
    }
    if (wanted >= 0) p->input[wanted].n_sites = n - p->input[wanted].first_site;
  }
  p->n_sites = n;
}

static void add_buffers(layout *l) {
  const lb_tape *t = l->t;
  lb_plan *p = l->p;
  p->n_buffers = t->n_buffers + 1;
  for (int32_t i = 0; i < t->n_buffers; i++) {
    const lb_tape_buffer *b = &t->buffers[i];
    p->buffer[i] =
        (ldb_buffer){.kind = b->born ? LDB_BUFFER_PASSING : LDB_BUFFER_OUTSIDE, .bytes = b->bytes};
    if (i < t->n_inputs)
      p->buffer[i].kind = LDB_BUFFER_INPUT;
    else if (!b->born)
      p->buffer[i].data = b->storage->data;
  }
  p->buffer[t->n_buffers] = (ldb_buffer){.kind = LDB_BUFFER_KEPT, .bytes = LDB_ARENA_ALIGN};
  ldb_plan_lifetimes(p->buffer, p->n_buffers, p->site, p->n_sites);
  for (const lb_record *r = t->first; r; r = r->next)
    if (is_constant(l, r))
      p->buffer[r->kind == LB_CONSTANT ? r->scope : r->pointer[0].buffer].kind = LDB_BUFFER_KEPT;
  for (int32_t i = 0; i < t->n_leaves; i++)
    if (t->gradients[i].tensor) p->buffer[t->gradients[i].buffer].kind = LDB_BUFFER_KEPT;
  for (int32_t i = 0; i < t->n_results; i++) {
    const lb_tape_value *v = &t->results[i];
    p->result[i] = (lb_plan_result){v->tensor, v->buffer, v->delta, v->view};
    if (v->tensor && p->buffer[v->buffer].last >= 0) p->buffer[v->buffer].last = p->n_list;
  }
}

static void fill_constants(layout *l) {
  ldb_error e;
  for (const lb_record *r = l->t->first; r; r = r->next) {
    if (!is_constant(l, r)) continue;
    if (r->kind == LB_CONSTANT) {
      memcpy(l->p->buffer[r->scope].data, r->arg, r->n_bytes);
    } else {
      ldb_fill_step s = *(const ldb_fill_step *)(const void *)r->arg;
      s.to.data = l->p->buffer[r->pointer[0].buffer].data + r->pointer[0].delta;
      ldb_do_fill(&s, &e);
    }
  }
}

/* Storages of others that instructions write into. */
static void find_written(layout *l) {
  lb_plan *p = l->p;
  unsigned char *seen = (unsigned char *)l->map;
  memset(seen, 0, (size_t)p->n_buffers);
  for (size_t k = 0; k < p->n_sites; k++) {
    const int32_t b = p->site[k].buffer;
    if (!(p->site[k].access & LDB_WRITES) || seen[b] || p->buffer[b].kind != LDB_BUFFER_OUTSIDE)
      continue;
    seen[b] = 1;
    p->written[p->n_written++] = l->t->buffers[b].storage;
  }
}

/* The plan holds the storages of others, but not the records. */
static void keep_outside(lua_State *L, int plan, int tape) {
  lua_newtable(L);
  lua_getiuservalue(L, tape, LB_TAPE_HELD);
  lua_pushnil(L);
  while (lua_next(L, -2)) {
    lua_pop(L, 1);
    if (lua_type(L, -1) != LUA_TUSERDATA) continue;
    lua_pushvalue(L, -1);
    lua_pushboolean(L, 1);
    lua_rawset(L, -5);
  }
  lua_pop(L, 1);
  lua_setiuservalue(L, plan, LB_PLAN_OUTSIDE);
}

static void fill_plan(lua_State *L, layout *l, int plan, int tape) {
  const lb_tape *t = l->t;
  lb_plan *p = l->p;
  int32_t at = 0;
  for (const lb_record *r = t->first; r; r = r->next)
    if (!is_constant(l, r)) add_dial(p, r, p->list[at++].arg);
  p->n_inputs = t->n_inputs;
  p->n_results = t->n_results;
  p->n_optimizers = t->n_optimizers;
  p->n_owners = t->n_owners;
  p->n_leaves = t->n_leaves;
  p->n_scopes = t->n_scopes;
  p->no_gradient = t->no_gradient;
  for (int32_t i = 0; i < t->n_inputs; i++) {
    p->input[i].view = t->inputs[i].view;
    p->input[i].alias = t->inputs[i].alias;
  }
  for (int32_t i = 0; i < t->n_optimizers; i++)
    p->optimizer[i].every = t->every[i];
  for (const lb_stream *s = t->streams; s; s = s->next) {
    if (s->owner == LB_STREAM_STATE) p->draws_per_step++;
    if (s->owner < 0) continue;
    const uint64_t used = s->a - s->base;
    if (used > p->owner[s->owner].per_step) p->owner[s->owner].per_step = used;
  }
  add_sites(l);
  add_buffers(l);
  p->arena_bytes = ldb_plan_place(p->buffer, p->n_buffers, l->map);
  p->sum_bytes = ldb_plan_sum(p->buffer, p->n_buffers);
  lb_pushscratch(L, "plan", p->arena_bytes);
  p->arena = lua_touserdata(L, -1);
  lua_setiuservalue(L, plan, LB_PLAN_ARENA);
  memset(p->arena->data, 0, p->arena_bytes);
  keep_outside(L, plan, tape);
  static const int pairs[][2] = {{LB_TAPE_OWNERS, LB_PLAN_OWNERS},
                                 {LB_TAPE_OPTIMIZERS, LB_PLAN_OPTIMIZERS},
                                 {LB_TAPE_SCOPES, LB_PLAN_SCOPES},
                                 {LB_TAPE_RESULTS, LB_PLAN_RESULTS}};
  for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
    lua_getiuservalue(L, tape, pairs[i][0]);
    lua_setiuservalue(L, plan, pairs[i][1]);
  }
  for (int32_t i = 0; i < p->n_inputs; i++)
    p->buffer[i].data = p->arena->data; /* until it is bound */
  ldb_plan_locate(p->buffer, p->n_buffers, p->arena->data, p->list, p->site, p->n_sites);
  fill_constants(l);
  find_written(l);
}

/* Gradients that leaves have after a replay: tensors on the arena. */
static void make_leaves(lua_State *L, const layout *l, int plan, int tape) {
  const lb_tape *t = l->t;
  lb_plan *p = l->p;
  lua_createtable(L, 2 * t->n_leaves, 0);
  lua_getiuservalue(L, tape, LB_TAPE_LEAVES);
  for (int32_t i = 0; i < t->n_leaves; i++) {
    const lb_tape_value *v = &t->gradients[i];
    lua_rawgeti(L, -1, i + 1);
    ((lb_tensor *)lua_touserdata(L, -1))->planned = true;
    lua_rawseti(L, -3, 2 * i + 1);
    if (v->tensor) {
      ldb_view view = v->view;
      view.data = p->buffer[v->buffer].data + v->delta;
      lua_getiuservalue(L, plan, LB_PLAN_ARENA);
      lb_wrapstorage(L, &view)->passing = true;
      p->leaves_some = true;
    } else {
      lua_pushboolean(L, 0);
    }
    lua_rawseti(L, -3, 2 * i + 2);
  }
  lua_pop(L, 1);
  lua_setiuservalue(L, plan, LB_PLAN_LEAVES);
}

int lb_plan_build(lua_State *L, int first, int second) {
  char why[TEXT] = "";
  layout l = {.t = lua_touserdata(L, second), .why = why};
  luaL_checkstack(L, 20, "plan");
  if (!compare(L, first, second, why)) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  const size_t n = 2 * ((size_t)l.t->n_buffers + 1) * sizeof(int32_t);
  l.writers = lua_newuserdatauv(L, n, 0);
  memset(l.writers, 0, n);
  l.map = lua_newuserdatauv(L, n, 0);
  count_writers(&l);
  if (!check_flow(&l)) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  lb_plan *p = l.p = lua_newuserdatauv(L, sizeof *p, LB_PLAN_VALUES);
  const int plan = lua_gettop(L);
  memset(p, 0, sizeof *p);
  p->context = lb_getcontext(L);
  carve_all(&l);
  const size_t bytes = l.used > 0 ? l.used : 1;
  l.block = lua_newuserdatauv(L, bytes, 0);
  memset(l.block, 0, bytes);
  lua_setiuservalue(L, plan, LB_PLAN_BLOCK);
  carve_all(&l);
  fill_plan(L, &l, plan, second);
  make_leaves(L, &l, plan, second);
  lb_context *c = lb_getcontext(L);
  p->number = ++c->plans;
  p->stamp = c->stamp;
  luaL_setmetatable(L, LB_PLAN);
  lua_settop(L, plan);
  return 1;
}
