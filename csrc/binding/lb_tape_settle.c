/*
** Settling a tape: addresses become buffers and distances, so that two tapes can be compared and
** the storages that were born in the step can be let go.
*/
#include <string.h>

#include "binding/lb_tape.h"

typedef struct range {
  unsigned char *data;
  size_t bytes;
  lb_storage *storage;
  bool born;
  int32_t buffer; /* -1: not named yet */
} range;

typedef struct settling {
  lb_tape *t;
  range *sorted;
  int32_t n_sorted;
  size_t *extent; /* bytes that the inputs span */
} settling;

static void *scratch(lua_State *L, size_t n, size_t size) {
  void *p = lua_newuserdatauv(L, n > 0 ? n * size : 1, 0);
  memset(p, 0, n > 0 ? n * size : 1);
  return p;
}

/* Memory that stays with the tape. */
static void *keep(lua_State *L, lb_tape *t, size_t n, size_t size) {
  lua_getiuservalue(L, 1, LB_TAPE_HELD);
  void *p = scratch(L, n, size);
  lua_rawseti(L, -2, ++t->n_held);
  lua_pop(L, 1);
  return p;
}

static void sift(range *a, int32_t i, int32_t n) {
  for (int32_t child = 2 * i + 1; child < n; i = child, child = 2 * i + 1) {
    if (child + 1 < n && (uintptr_t)a[child].data < (uintptr_t)a[child + 1].data) child++;
    if ((uintptr_t)a[child].data <= (uintptr_t)a[i].data) return;
    const range t = a[i];
    a[i] = a[child];
    a[child] = t;
  }
}

static void sort(range *a, int32_t n) {
  for (int32_t i = n / 2 - 1; i >= 0; i--)
    sift(a, i, n);
  for (int32_t m = n - 1; m > 0; m--) {
    const range t = a[0];
    a[0] = a[m];
    a[m] = t;
    sift(a, 0, m);
  }
}

static range *find(const settling *s, const void *ptr) {
  int32_t low = 0, high = s->n_sorted;
  while (low < high) { /* the last that begins at or before ptr */
    const int32_t mid = low + (high - low) / 2;
    if ((uintptr_t)s->sorted[mid].data <= (uintptr_t)ptr)
      low = mid + 1;
    else
      high = mid;
  }
  if (low == 0) return NULL;
  range *r = &s->sorted[low - 1];
  const size_t delta = (size_t)((uintptr_t)ptr - (uintptr_t)r->data);
  return delta < r->bytes || delta == 0 ? r : NULL;
}

/* Buffer and distance of an address; false when nothing that was seen holds it. */
static bool resolve(const settling *s, const void *ptr, int32_t *buffer, size_t *delta) {
  lb_tape *t = s->t;
  range *r = find(s, ptr);
  if (!r || !r->born)
    for (int32_t i = 0; i < t->n_inputs; i++) {
      const uintptr_t from = (uintptr_t)t->inputs[i].view.data;
      if ((uintptr_t)ptr >= from && (uintptr_t)ptr - from < s->extent[i]) {
        *buffer = i;
        *delta = (size_t)((uintptr_t)ptr - from);
        return true;
      }
    }
  if (!r) return false;
  if (r->buffer < 0) {
    r->buffer = t->n_buffers++;
    t->buffers[r->buffer] = (lb_tape_buffer){r->storage, r->bytes, r->born};
  }
  *buffer = r->buffer;
  *delta = (size_t)((uintptr_t)ptr - (uintptr_t)r->data);
  return true;
}

static void settle_records(const settling *s) {
  lb_tape *t = s->t;
  for (lb_record *r = t->first; r; r = r->next) {
    for (uint32_t i = 0; i < r->n_pointers; i++) {
      lb_pointer *p = &r->pointer[i];
      if (resolve(s, p->ptr, &p->buffer, &p->delta)) {
        if (p->buffer < t->n_inputs && (p->access & LDB_WRITES))
          lb_tape_fail(t, "'%s' writes into argument %d of the step", r->name, p->buffer + 1);
      } else if (p->access) {
        lb_tape_fail(t,
                     "'%s' works on a tensor that was made before the step by a graph of its own "
                     "(build the whole graph inside the step)",
                     r->name);
      }
    }
    if (r->kind != LB_CONSTANT) continue;
    size_t delta;
    int32_t buffer;
    if (!resolve(s, r->target, &buffer, &delta))
      lb_tape_fail(t, "a constant lies in unknown memory");
    else
      r->scope = buffer; /* constants belong to no layer */
  }
}

static bool settle_value(lua_State *L, const settling *s, int idx, lb_tape_value *v) {
  const lb_tensor *x = lb_testtensor(L, idx);
  v->tensor = x != NULL;
  if (!x) return true;
  v->view = x->view;
  return resolve(s, x->view.data, &v->buffer, &v->delta);
}

static void settle_results(lua_State *L, const settling *s, int first, int32_t n) {
  lb_tape *t = s->t;
  t->results = keep(L, t, (size_t)n, sizeof *t->results);
  t->n_results = n;
  lua_getiuservalue(L, 1, LB_TAPE_RESULTS);
  for (int32_t i = 0; i < n; i++) {
    if (!settle_value(L, s, first + i, &t->results[i])) {
      /* made before the step: it is returned as it is */
      t->results[i].tensor = false;
    }
    if (t->results[i].tensor) continue;
    const int type = lua_type(L, first + i);
    if (type == LUA_TTABLE || type == LUA_TFUNCTION || type == LUA_TTHREAD)
      lb_tape_fail(t, "the step returns a %s (return tensors, numbers or strings one by one)",
                   lua_typename(L, type));
    lua_pushvalue(L, first + i);
    lua_rawseti(L, -2, i + 1);
  }
  lua_pop(L, 1);
}

static void settle_leaves(lua_State *L, const settling *s) {
  lb_tape *t = s->t;
  t->gradients = keep(L, t, (size_t)t->n_leaves, sizeof *t->gradients);
  lua_getiuservalue(L, 1, LB_TAPE_LEAVES);
  for (int32_t i = 0; i < t->n_leaves; i++) {
    lua_rawgeti(L, -1, i + 1);
    lua_getiuservalue(L, -1, 3);
    lb_tape_value *v = &t->gradients[i];
    if (!settle_value(L, s, lua_gettop(L), v) || (v->tensor && !t->buffers[v->buffer].born))
      lb_tape_fail(t, "a gradient that was made outside the step is left in a parameter (call "
                      "zero_grad() before backward())");
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
}

static size_t span_of(const ldb_view *v) {
  int64_t last = 0;
  for (int i = 0; i < v->rank; i++) {
    if (v->shape[i] == 0) return 0;
    last += (v->shape[i] - 1) * v->stride[i];
  }
  return (size_t)(last + 1) * ldb_dtype_size(v->dtype);
}

static void collect_inputs(lua_State *L, settling *s, int first, int n) {
  lb_tape *t = s->t;
  t->inputs = keep(L, t, (size_t)n, sizeof *t->inputs);
  s->extent = scratch(L, (size_t)n, sizeof *s->extent);
  t->n_inputs = n;
  for (int32_t i = 0; i < n; i++) {
    lb_tensor *x = lb_checktensor(L, first + i, "plan", "input");
    const uintptr_t from = (uintptr_t)x->view.data;
    t->inputs[i].view = x->view;
    t->inputs[i].alias = -1;
    s->extent[i] = span_of(&x->view);
    for (int32_t k = 0; k < i; k++) {
      const uintptr_t other = (uintptr_t)t->inputs[k].view.data;
      if (s->extent[k] == 0 || s->extent[i] == 0) continue;
      if (other == from)
        t->inputs[i].alias = k;
      else if (from < other + s->extent[k] && other < from + s->extent[i])
        lb_tape_fail(t, "arguments %d and %d of the step share some of their bytes", k + 1, i + 1);
    }
  }
}

/* The list of what is held loses the storages that were born in the step. */
static void let_go(lua_State *L, lb_tape *t) {
  lua_getiuservalue(L, 1, LB_TAPE_HELD);
  lua_newtable(L);
  for (int32_t i = 1; i <= t->n_held; i++) {
    lua_rawgeti(L, -2, i);
    lua_rawseti(L, -2, i);
  }
  lua_pushnil(L);
  while (lua_next(L, -3)) {
    if (lua_type(L, -2) == LUA_TUSERDATA && !((lb_seen *)lua_touserdata(L, -1))->born) {
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, -4);
    } else {
      lua_pop(L, 1);
    }
  }
  lua_setiuservalue(L, 1, LB_TAPE_HELD);
  lua_pop(L, 1);
}

int lb_tape_settle(lua_State *L) {
  settling s = {.t = lua_touserdata(L, 1)};
  lb_tape *t = s.t;
  const int n_args = (int)lua_tointeger(L, 2), top = lua_gettop(L);
  luaL_checkstack(L, 20, "plan");
  collect_inputs(L, &s, 3, n_args);
  s.sorted = scratch(L, (size_t)t->n_seen, sizeof *s.sorted);
  for (const lb_seen *x = t->seen; x; x = x->next)
    s.sorted[s.n_sorted++] = (range){x->storage->data, x->storage->bytes, x->storage, x->born, -1};
  sort(s.sorted, s.n_sorted);
  t->buffers = keep(L, t, (size_t)(t->n_inputs + t->n_seen), sizeof *t->buffers);
  t->n_buffers = t->n_inputs;
  for (int32_t i = 0; i < t->n_inputs; i++)
    t->buffers[i] = (lb_tape_buffer){NULL, s.extent[i], false};
  settle_records(&s);
  settle_results(L, &s, 3 + n_args, top - 2 - n_args);
  settle_leaves(L, &s);
  let_go(L, t);
  return 0;
}
