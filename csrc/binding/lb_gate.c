#include "binding/lb_gate.h"

#include <string.h>

/* What is recorded of an instruction: its argument over zeros, without pointers. */
typedef struct form {
  lb_draft d;
  union {
    ldb_call call;
    ldb_fill_step fill;
    ldb_copy_step copy;
    ldb_sample_step sample;
    ldb_mark_step mark;
    ldb_output_step output;
    ldb_update_call update;
  } arg;
} form;

typedef struct instruction {
  const char *name;
  ldb_compute_fn *compute; /* arg is an ldb_call; or NULL and */
  ldb_step_fn *step;
  void *arg;
  void (*describe)(lua_State *L, form *f, const struct instruction *i);
  const void *more; /* for describe */
} instruction;

/* The only place where an instruction is run and recorded. */
static ldb_status pass(lua_State *L, const instruction *i, ldb_error *e) {
  const ldb_status s = i->compute ? i->compute(i->arg, e) : i->step(i->arg, e);
  if (s != LDB_OK || !lb_taping(L)) return s;
  form f;
  memset(&f, 0, sizeof f);
  f.d.r.kind = LB_STEP;
  f.d.r.name = i->name;
  f.d.r.step = i->step;
  f.d.arg = &f.arg;
  i->describe(L, &f, i);
  if (f.d.r.n_bytes > 0) lb_tape_append(L, &f.d);
  return s;
}

/* The tensor at idx is written. */
static void written(lua_State *L, int idx) {
  lb_tensor *t = lua_touserdata(L, idx);
  lb_touch(t);
  if (lb_taping(L)) lb_tape_see(L, idx);
}

static void point(lb_draft *d, void *ptr, size_t place, uint32_t access) {
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

/* ---- ops ------------------------------------------------------------------------------------- */

/* Makes the stream at `stream` of the argument a dial if it was made in this step. */
static void find_stream(lua_State *L, lb_draft *d, size_t seed, size_t stream) {
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

static void find_op_stream(lua_State *L, lb_draft *d, const ldb_op *op) {
  const ldb_attr_spec *seed = NULL, *stream = NULL;
  for (const ldb_attr_spec *a = op->attrs; a && a->name; a++) {
    if (strcmp(a->name, "seed") == 0) seed = a;
    if (strcmp(a->name, "stream") == 0) stream = a;
  }
  if (!seed || !stream) return;
  const size_t base = offsetof(ldb_call, attrs.integer), size = sizeof(int64_t);
  find_stream(L, d, base + (size_t)seed->slot * size, base + (size_t)stream->slot * size);
}

static void describe_call(form *f, const instruction *i, lb_record_kind kind) {
  const ldb_call *given = i->arg;
  copy_call(&f->arg.call, given);
  f->d.r.kind = kind;
  f->d.r.op = given->op;
  f->d.r.n_bytes = sizeof *given;
}

static void describe_forward(lua_State *L, form *f, const instruction *i) {
  ldb_call *const c = &f->arg.call;
  describe_call(f, i, LB_FORWARD);
  for (int k = 0; k < c->n_in; k++)
    point(&f->d, c->in[k].data, offsetof(ldb_call, in) + (size_t)k * sizeof c->in[0], LDB_READS);
  point(&f->d, c->out.data, offsetof(ldb_call, out), LDB_WRITES);
  point(&f->d, c->saved.data, offsetof(ldb_call, saved), LDB_WRITES);
  point(&f->d, c->scratch, offsetof(ldb_call, scratch), LDB_WRITES);
  find_op_stream(L, &f->d, c->op);
}

ldb_status lb_gate_forward(lua_State *L, const lb_context *in, ldb_call *c, int n, const int *idx,
                           ldb_error *e) {
  if (!in->tape) return c->op->forward ? c->op->forward(c, e) : LDB_OK;
  for (int k = 0; k < n; k++)
    if (idx[k]) lb_tape_see(L, idx[k]);
  const instruction i = {
      .name = c->op->name, .compute = c->op->forward, .arg = c, .describe = describe_forward};
  return c->op->forward ? pass(L, &i, e) : LDB_OK;
}

static void describe_backward(lua_State *L, form *f, const instruction *i) {
  const ldb_call *given = i->arg;
  ldb_call *const c = &f->arg.call;
  describe_call(f, i, LB_BACKWARD);
  copy_view(&c->gout, &given->gout);
  const uint32_t in = c->op->flags & LDB_OP_KEEP_IN ? LDB_READS : 0;
  const uint32_t out = c->op->flags & LDB_OP_KEEP_OUT ? LDB_READS : 0;
  for (int k = 0; k < c->n_in; k++) {
    const size_t place = (size_t)k * sizeof c->in[0];
    point(&f->d, c->in[k].data, offsetof(ldb_call, in) + place, in);
    if (!given->gin[k].data) continue;
    copy_view(&c->gin[k], &given->gin[k]);
    point(&f->d, c->gin[k].data, offsetof(ldb_call, gin) + place, LDB_WRITES);
  }
  point(&f->d, c->out.data, offsetof(ldb_call, out), out);
  point(&f->d, c->saved.data, offsetof(ldb_call, saved), LDB_READS);
  point(&f->d, c->gout.data, offsetof(ldb_call, gout), LDB_READS);
  point(&f->d, c->scratch, offsetof(ldb_call, scratch), LDB_WRITES);
  find_op_stream(L, &f->d, c->op);
}

ldb_status lb_gate_backward(lua_State *L, ldb_call *c, ldb_error *e) {
  const instruction i = {
      .name = c->op->name, .compute = c->op->backward, .arg = c, .describe = describe_backward};
  return pass(L, &i, e);
}

/* ---- writes ---------------------------------------------------------------------------------- */

static void describe_fill(lua_State *L, form *f, const instruction *i) {
  const ldb_fill_step *s = i->arg;
  (void)L;
  copy_view(&f->arg.fill.to, &s->to);
  f->arg.fill.value = s->value;
  f->d.r.n_bytes = sizeof *s;
  point(&f->d, s->to.data, offsetof(ldb_fill_step, to), LDB_WRITES);
}

void lb_gate_fill(lua_State *L, const char *name, int idx, const ldb_view *to, double value) {
  ldb_error e;
  ldb_fill_step s = {*to, value};
  const instruction i = {.name = name, .step = ldb_do_fill, .arg = &s, .describe = describe_fill};
  written(L, idx);
  (void)pass(L, &i, &e);
}

static void describe_copy(lua_State *L, form *f, const instruction *i) {
  const ldb_copy_step *s = i->arg;
  (void)L;
  copy_view(&f->arg.copy.from, &s->from);
  copy_view(&f->arg.copy.to, &s->to);
  f->d.r.n_bytes = sizeof *s;
  point(&f->d, s->from.data, offsetof(ldb_copy_step, from), LDB_READS);
  point(&f->d, s->to.data, offsetof(ldb_copy_step, to), LDB_WRITES);
}

void lb_gate_copy(lua_State *L, int source, const ldb_view *from, int idx, const ldb_view *to) {
  ldb_error e;
  ldb_copy_step s = {*from, *to};
  const instruction i = {.name = "copy", .step = ldb_do_copy, .arg = &s, .describe = describe_copy};
  if (lb_taping(L)) lb_tape_see(L, source);
  written(L, idx);
  (void)pass(L, &i, &e);
}

static void describe_sample(lua_State *L, form *f, const instruction *i) {
  const ldb_sample_step *given = i->arg;
  ldb_sample_step *const s = &f->arg.sample;
  s->kind = given->kind;
  s->dtype = given->dtype;
  s->n = given->n;
  s->data = given->data;
  s->seed = given->seed;
  s->stream = given->stream;
  s->a = given->a;
  s->b = given->b;
  f->d.r.n_bytes = sizeof *s;
  point(&f->d, s->data, offsetof(ldb_sample_step, data), LDB_WRITES);
  find_stream(L, &f->d, offsetof(ldb_sample_step, seed), offsetof(ldb_sample_step, stream));
}

void lb_gate_sample(lua_State *L, const char *name, int idx, ldb_sample_step *s) {
  ldb_error e;
  const instruction i = {
      .name = name, .step = ldb_do_sample, .arg = s, .describe = describe_sample};
  written(L, idx);
  (void)pass(L, &i, &e);
}

/* more: the view that was written, or NULL where nothing can be recorded */
static void describe_host(lua_State *L, form *f, const instruction *i) {
  const ldb_view *v = i->more;
  (void)L;
  if (!v) return;
  f->d.r.kind = LB_CONSTANT;
  f->d.r.step = NULL;
  f->d.r.name = "constant";
  f->d.r.target = v->data;
  f->d.r.n_bytes = (size_t)ldb_view_count(v) * ldb_dtype_size(v->dtype);
  f->d.arg = v->data;
}

ldb_status lb_gate_host(lua_State *L, const char *name, int idx, const char *refusal,
                        lb_write_fn *write, void *arg, ldb_error *e) {
  const lb_tensor *t = lua_touserdata(L, idx);
  const instruction i = {.name = name,
                         .step = write,
                         .arg = arg,
                         .describe = describe_host,
                         .more = refusal ? NULL : &t->view};
  written(L, idx);
  if (refusal && lb_taping(L)) lb_tape_refuse(L, "'%s' %s", name, refusal);
  return pass(L, &i, e);
}

/* ---- training -------------------------------------------------------------------------------- */

typedef struct rate {
  double lr;
  uint64_t step;
} rate;

static void describe_update(lua_State *L, form *f, const instruction *i) {
  const lb_tape *t = lb_getcontext(L)->tape;
  const rate *given = i->more;
  ldb_update_call *const c = &f->arg.update;
  *c = *(const ldb_update_call *)i->arg;
  memset(&c->stats, 0, sizeof c->stats);
  c->product_step = 0;
  ldb_update_set(c, 0.0, 1);
  f->d.r.n_bytes = sizeof *c;
  f->d.r.dial.kind = LB_DIAL_RATE;
  f->d.r.dial.optimizer = t->optimizer;
  f->d.r.dial.lr = given->lr;
  f->d.r.dial.step = given->step;
  if (t->optimizer >= 0) {
    f->d.r.dial.own = t->own;
    f->d.r.dial.own_lr = t->own_lr;
    f->d.r.dial.base = t->base[t->optimizer];
  }
  point(&f->d, c->p.w, offsetof(ldb_update_call, p.w), LDB_READS | LDB_WRITES);
  point(&f->d, (void *)c->p.g, offsetof(ldb_update_call, p.g), LDB_READS);
  for (size_t k = 0; k < sizeof c->slot / sizeof c->slot[0]; k++)
    point(&f->d, c->slot[k], offsetof(ldb_update_call, slot) + k * sizeof c->slot[0],
          LDB_READS | LDB_WRITES);
}

ldb_status lb_gate_update(lua_State *L, lb_update *u, double lr, uint64_t step, ldb_error *e) {
  const rate given = {lr, step};
  const instruction i = {.name = u->call.rule->name,
                         .step = ldb_do_update,
                         .arg = &u->call,
                         .describe = describe_update,
                         .more = &given};
  const int n = lua_gettop(L);
  for (int k = 1; k <= n && lb_taping(L); k++)
    if (lb_testtensor(L, k)) lb_tape_see(L, k);
  for (int k = 0; k < u->n_written; k++)
    lb_touch(u->written[k]);
  return pass(L, &i, e);
}

/* The argument is in place; results of the call are no part of it. */
static void clip_points(lb_record *r) {
  ldb_clip_call *c = (ldb_clip_call *)r->arg;
  const uint32_t access = c->kind == LDB_CLIP_MEASURE ? LDB_READS : LDB_READS | LDB_WRITES;
  c->norm = c->factor = 0.0;
  c->changed = 0;
  for (size_t i = 0; i < c->n; i++) {
    const size_t place = offsetof(ldb_clip_call, item) + i * sizeof c->item[0];
    r->pointer[i] = (lb_pointer){c->item[i].data, (uint32_t)place, access, -1, 0};
  }
}

static void describe_clip(lua_State *L, form *f, const instruction *i) {
  const ldb_clip_call *c = i->arg;
  if (lb_getcontext(L)->tape->optimizer < 0) {
    lb_tape_read(L, i->name);
    return;
  }
  f->d.arg = c;
  f->d.points = clip_points;
  f->d.r.n_pointers = (uint32_t)c->n;
  f->d.r.n_bytes = sizeof *c + c->n * sizeof c->item[0];
  f->d.r.dial.optimizer = lb_getcontext(L)->tape->optimizer;
}

void lb_gate_clip(lua_State *L, const char *name, ldb_clip_call *c) {
  ldb_error e;
  const instruction i = {.name = name, .step = ldb_do_clip, .arg = c, .describe = describe_clip};
  for (size_t k = 0; k < c->n; k++) {
    lua_rawgeti(L, 1, (lua_Integer)k + 1);
    if (c->kind != LDB_CLIP_MEASURE)
      written(L, lua_gettop(L));
    else if (lb_taping(L))
      lb_tape_see(L, lua_gettop(L));
    lua_pop(L, 1);
  }
  (void)pass(L, &i, &e);
}

static void describe_output(lua_State *L, form *f, const instruction *i) {
  const ldb_output_step *o = i->arg;
  (void)L;
  copy_view(&f->arg.output.x, &o->x);
  f->arg.output.row = o->row;
  f->arg.output.team = o->team;
  f->d.r.n_bytes = sizeof *o;
  point(&f->d, o->x.data, offsetof(ldb_output_step, x), LDB_READS);
}

void lb_gate_output(lua_State *L, int idx, ldb_output_step *o) {
  ldb_error e;
  const instruction i = {
      .name = "output", .step = ldb_do_output, .arg = o, .describe = describe_output};
  if (lb_taping(L)) {
    lb_tape_hold(L); /* replays write there, whatever becomes of the record */
    lb_tape_see(L, idx);
  } else {
    lua_pop(L, 1);
  }
  (void)pass(L, &i, &e);
}

static ldb_status look(void *arg, ldb_error *e) {
  (void)arg;
  (void)e;
  return LDB_OK;
}

static void describe_mark(lua_State *L, form *f, const instruction *i) {
  const ldb_mark_step *s = i->arg;
  (void)L;
  copy_view(&f->arg.mark.value, &s->value);
  f->d.r.step = ldb_do_mark;
  f->d.r.n_bytes = sizeof *s;
  point(&f->d, s->value.data, offsetof(ldb_mark_step, value), LDB_READS);
}

void lb_gate_mark(lua_State *L, const ldb_view *value) {
  ldb_error e;
  ldb_mark_step s = {*value};
  const instruction i = {.name = "mark", .step = look, .arg = &s, .describe = describe_mark};
  (void)pass(L, &i, &e);
}
