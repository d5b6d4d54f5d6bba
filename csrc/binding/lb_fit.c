/*
** The loop of fit over a planned step: rows gathered into the step's own inputs, replays, and the
** record of what each did, in one call for many steps.
*/
#include <string.h>

#include "binding/lb_fit.h"
#include "binding/lb_gate.h"
#include "binding/lb_plan.h"
#include "binding/lb_record.h"
#include "binding/lb_score.h"
#include "kernels/gather/copy.h"
#include "train/batch.h"

static const char where[] = "fit";

enum { MAX_SOURCES = 32, MAX_SCORES = 16, OUTPUT = 2 /* the result that is scored */ };

/* One input of the step: rows of `from`, copied into `to`, or read where they stand. */
typedef struct source {
  const lb_tensor *from, *to; /* to NULL: rows in a row are read in place */
} source;

typedef struct fit_loop {
  lb_plan *plan;
  ldb_record *record;
  const lb_tensor *order;
  source source[MAX_SOURCES];
  int32_t n_sources, n_places, n_scores;
  int32_t target; /* number of the source that predictions are compared with */
  lb_score score[MAX_SCORES];
  int32_t *place;                     /* number in the record of each parameter that is updated */
  int64_t first, end, batch, n, done; /* rows first..end-1 */
  uint64_t step;
  double lr, total, data_total, loss;
  bool has_lr_list, due, clipped, measured, resume, stopped;
  const double *lr_list;
} fit_loop;

/* Raw, so that what is found stays in the table. */
static int push_field(lua_State *L, int idx, const char *name) {
  lua_pushstring(L, name);
  return lua_rawget(L, idx);
}

static void push_list(lua_State *L, int idx, const char *name) {
  if (push_field(L, idx, name) != LUA_TTABLE)
    luaL_error(L, "lossdbg: %s: argument '%s': expected a list, got %s", where, name,
               luaL_typename(L, -1));
}

static lua_Integer integer_field(lua_State *L, int idx, const char *name) {
  push_field(L, idx, name);
  const lua_Integer n = lua_tointeger(L, -1);
  lua_pop(L, 1);
  return n;
}

static bool true_field(lua_State *L, int idx, const char *name) {
  push_field(L, idx, name);
  const bool is = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return is;
}

/* Entry i of a list, which is put into the table on top of the stack, too. */
static const lb_tensor *item(lua_State *L, int idx, const char *list, int32_t i) {
  push_list(L, idx, list);
  lua_rawgeti(L, -1, i + 1);
  const lb_tensor *t = lua_toboolean(L, -1) ? lb_checktensor(L, -1, where, list) : NULL;
  lua_rawseti(L, -3, (lua_Integer)lua_rawlen(L, -3) + 1);
  lua_pop(L, 1);
  return t;
}

/* Row behind the last that the steps look at. */
static int64_t last_row(lua_State *L, const fit_loop *f) {
  size_t rows = 0;
  if (f->first < 0 || f->batch < 1 || f->n < 0)
    luaL_error(L, "lossdbg: %s: first, batch and n must count rows and steps", where);
  if (!ldb_mul_size((size_t)f->n, (size_t)f->batch, &rows) ||
      !ldb_add_size(rows, (size_t)f->first, &rows) || rows > INT64_MAX)
    luaL_error(L, "lossdbg: %s: %I steps of %I rows are too many", where, (LUAI_UACINT)f->n,
               (LUAI_UACINT)f->batch);
  return (int64_t)rows;
}

static void check_source(lua_State *L, const fit_loop *f, const source *s) {
  const lb_tensor *from = s->from, *to = s->to;
  bool fits = from && from->view.rank >= 1 && ldb_view_is_contiguous(&from->view) &&
              f->end <= from->view.shape[0];
  if (fits && to) {
    fits = to->view.rank == from->view.rank && to->view.dtype == from->view.dtype &&
           ldb_view_is_contiguous(&to->view) && to->view.shape[0] == f->batch;
    for (int k = 1; fits && k < to->view.rank; k++)
      fits = to->view.shape[k] == from->view.shape[k];
  }
  if (!fits) luaL_error(L, "lossdbg: %s: rows and batches do not fit together", where);
}

/* A batch of t is what the step had as input i. */
static bool fits_input(const lb_plan *p, int32_t i, const lb_tensor *t, int64_t batch) {
  lb_tensor like = *t;
  like.view.shape[0] = batch;
  like.requires_grad = false;
  return lb_plan_fits(p, i, &like);
}

static void read_sources(lua_State *L, int idx, fit_loop *f) {
  push_list(L, idx, "rows");
  const lua_Unsigned given = lua_rawlen(L, -1);
  lua_pop(L, 1);
  f->n_sources = given > MAX_SOURCES ? MAX_SOURCES + 1 : (int32_t)given;
  if (f->n_sources != f->plan->n_inputs || f->n_sources > MAX_SOURCES)
    luaL_error(L, "lossdbg: %s: the step has %d inputs, %d sources were given", where,
               (int)f->plan->n_inputs, (int)f->n_sources);
  lua_createtable(L, 2 * f->n_sources, 0);
  for (int32_t i = 0; i < f->n_sources; i++) {
    f->source[i] = (source){item(L, idx, "rows", i), item(L, idx, "batches", i)};
    check_source(L, f, &f->source[i]);
    if (!fits_input(f->plan, i, f->source[i].to ? f->source[i].to : f->source[i].from, f->batch))
      luaL_error(L, "lossdbg: %s: input %d has another layout than the captured one", where,
                 (int)i + 1);
  }
  lua_setiuservalue(L, 1, LB_PLAN_BOUND);
  f->plan->held = true;
}

static void read_places(lua_State *L, int idx, fit_loop *f) {
  push_list(L, idx, "places");
  const int list = lua_gettop(L);
  f->n_places = (int32_t)lua_rawlen(L, list);
  f->place = lb_pushscratch(L, where, sizeof *f->place * ((size_t)f->n_places + 1));
  for (int32_t i = 0; i < f->n_places; i++) {
    lua_rawgeti(L, list, i + 1);
    const lua_Integer n = lua_tointeger(L, -1);
    lua_pop(L, 1);
    if (n < 1 || n > f->record->parameters)
      luaL_error(L, "lossdbg: %s: no such parameter in the record", where);
    f->place[i] = (int32_t)n - 1;
  }
}

static void read_scores(lua_State *L, int idx, fit_loop *f) {
  push_field(L, idx, "scores");
  const int list = lua_gettop(L);
  if (lua_isnil(L, list)) return;
  luaL_checktype(L, list, LUA_TTABLE);
  const lua_Unsigned n = lua_rawlen(L, list);
  f->target = (int32_t)integer_field(L, idx, "target") - 1;
  if (n > MAX_SCORES || f->target < 0 || f->target >= f->n_sources ||
      f->plan->n_results <= OUTPUT || !f->plan->result[OUTPUT].tensor)
    luaL_error(L, "lossdbg: %s: nothing can be scored", where);
  ldb_view target = f->source[f->target].from->view;
  target.shape[0] = f->batch;
  for (int32_t i = 0; i < (int32_t)n; i++) {
    lua_rawgeti(L, list, i + 1);
    f->score[i] = lb_check_score(L, -1, where, &f->plan->result[OUTPUT].view, &target);
    lua_pop(L, 1);
  }
  f->n_scores = (int32_t)n;
}

/* Predictions were made and stand in the plan. */
static void add_scores(const fit_loop *f) {
  if (f->n_scores == 0) return;
  const ldb_view output = lb_plan_view(f->plan, OUTPUT);
  ldb_view target = f->source[f->target].from->view;
  target.shape[0] = f->batch;
  target.data = f->plan->input[f->target].bound;
  for (int32_t i = 0; i < f->n_scores; i++)
    ldb_score_add(&f->score[i].score, &output, &target, f->score[i].state);
}

/* What the updates found, as rows of the record; gradients as they were before clipping. */
static void fill_record(const fit_loop *f) {
  const lb_plan *p = f->plan;
  for (int32_t i = 0; i < f->n_places; i++) {
    ldb_update_row *row = &f->record->updates[f->place[i]];
    if (f->due) {
      *row = (ldb_update_row){p->rate[i].call->stats, LDB_UPDATE_DONE};
      const double norm = f->clipped ? p->clip[i].call->norm : 0.0;
      if (f->clipped) row->stats.grad_sq = norm * norm;
    } else {
      const double g = p->clip[2 * i].call->norm, w = p->clip[2 * i + 1].call->norm;
      *row = (ldb_update_row){{.grad_sq = g * g, .weight_sq = w * w}, LDB_UPDATE_WAITING};
    }
  }
}

static void bind_rows(lua_State *L, fit_loop *f, int64_t first) {
  ldb_error e;
  for (int32_t i = 0; i < f->n_sources; i++) {
    const source *s = &f->source[i];
    ldb_view v = s->from->view;
    v.shape[0] = f->batch;
    if (s->to) {
      ldb_view ids = f->order->view, out = s->to->view;
      ids.data = (int32_t *)ids.data + first;
      ids.shape[0] = f->batch;
      if (ldb_take_rows(&s->from->view, &ids, &out, &e) != LDB_OK) lb_raise(L, where, &e);
      v = out;
    } else {
      const int64_t row = f->batch > 0 ? ldb_view_count(&v) / f->batch : 0;
      v.data = (unsigned char *)v.data + (size_t)(first * row) * ldb_dtype_size(v.dtype);
    }
    lb_plan_bind(f->plan, i, &v);
  }
}

static bool is_loss(const lb_plan_result *r) {
  return r->tensor && r->view.dtype != LDB_I32 && ldb_view_count(&r->view) == 1;
}

static double scalar(const lb_plan *p, int32_t i) {
  const ldb_view v = lb_plan_view(p, i);
  return v.dtype == LDB_F64 ? *(const double *)v.data : (double)*(const float *)v.data;
}

/* One step; false: its loss is not finite, and nothing was updated yet. */
static bool one_step(lua_State *L, fit_loop *f) {
  lb_plan *p = f->plan;
  int32_t at = 0;
  bind_rows(L, f, f->first + f->done * f->batch);
  if (f->resume) {
    at = p->resume_at;
    p->resume_at = 0;
    f->resume = false;
  } else {
    p->step = f->step + (uint64_t)f->done;
    if (p->n_optimizers > 0) p->optimizer[0].lr = f->has_lr_list ? f->lr_list[f->done] : f->lr;
    lb_plan_start(p);
    const bool went = lb_plan_go(L, p, &at);
    f->loss = scalar(p, 0);
    f->total += f->loss * (double)f->batch;
    f->data_total += scalar(p, 1) * (double)f->batch;
    add_scores(f);
    if (!went) {
      p->resume_at = at;
      return false;
    }
    at = p->n_list;
  }
  while (at < p->n_list && !lb_plan_go(L, p, &at)) {
  }
  lb_plan_close(p);
  return true;
}

static int run_loop(lua_State *L) {
  fit_loop *f = lua_touserdata(L, 1);
  while (f->done < f->n && !f->stopped) {
    const double lr = f->has_lr_list ? f->lr_list[f->done] : f->lr;
    if (!one_step(L, f)) {
      f->stopped = true;
      break;
    }
    f->done++;
    if (f->measured) fill_record(f);
    const int64_t bad = ldb_record_step(f->record, f->loss, lr, f->measured);
    if (bad >= 0) {
      lua_pushinteger(L, (lua_Integer)bad + 1);
      return 1;
    }
  }
  return 0;
}

/* steps(plan, record, t) -> steps done, loss of the last, sums of loss and of data loss, number of
   the layer that is not finite for the first time | nil, whether the loss of the next step is not
   finite. That step waits before its update: steps() with t.resume goes on, t.first at its rows.
   t: rows (list of tensors), batches (list of tensors or false), order (i32), first (from 0),
   batch, n, step (of the first), lr (number) or lrs (f64 [n]), places (of the updated parameters in
   the record), due, clipped, measured, total, data_total, scores (list of what metrics count; of
   result 3 against the rows of source t.target). Two results of the plan, at least: the
   loss with penalties and without. */
static int lb_fit_steps(lua_State *L) {
  fit_loop f;
  memset(&f, 0, sizeof f);
  lua_settop(L, 3);
  luaL_checktype(L, 3, LUA_TTABLE);
  luaL_checkstack(L, 20, where);
  f.plan = lb_check_plan(L, 1, where);
  f.record = lb_checkrecord(L, 2, where);
  f.first = integer_field(L, 3, "first");
  f.batch = integer_field(L, 3, "batch");
  f.n = integer_field(L, 3, "n");
  f.end = last_row(L, &f);
  f.step = (uint64_t)integer_field(L, 3, "step");
  f.due = true_field(L, 3, "due");
  f.clipped = true_field(L, 3, "clipped");
  f.measured = true_field(L, 3, "measured");
  f.resume = true_field(L, 3, "resume");
  push_field(L, 3, "order");
  f.order = lb_testtensor(L, -1);
  push_field(L, 3, "lrs");
  const lb_tensor *lrs = lb_testtensor(L, -1);
  f.has_lr_list = lrs && lrs->view.dtype == LDB_F64 && ldb_view_count(&lrs->view) >= f.n;
  if (f.has_lr_list) f.lr_list = lrs->view.data;
  push_field(L, 3, "lr");
  f.lr = lua_tonumber(L, -1);
  push_field(L, 3, "total");
  f.total = lua_tonumber(L, -1);
  push_field(L, 3, "data_total");
  f.data_total = lua_tonumber(L, -1);
  push_field(L, 3, "loss");
  f.loss = lua_tonumber(L, -1);
  read_sources(L, 3, &f);
  read_places(L, 3, &f);
  read_scores(L, 3, &f);
  if (f.plan->n_results < 2 || !is_loss(&f.plan->result[0]) || !is_loss(&f.plan->result[1]) ||
      (f.due && f.n_places > f.plan->n_rates) ||
      (f.due && f.clipped && f.n_places > f.plan->n_clips) ||
      (!f.due && 2 * f.n_places > f.plan->n_clips))
    return luaL_error(L, "lossdbg: %s: the plan is of another step", where);
  for (int32_t i = 0; i < f.n_sources; i++)
    if (f.source[i].to &&
        (!f.order || f.order->view.dtype != LDB_I32 || !ldb_view_is_contiguous(&f.order->view) ||
         ldb_view_count(&f.order->view) < f.end))
      return luaL_error(L, "lossdbg: %s: the order of the rows is missing", where);
  for (int32_t i = 0; i < f.plan->n_rates; i++)
    f.plan->rate[i].call->silent = !f.measured;
  lb_reserve(L, 2, f.record, f.n);
  if (f.resume && (f.plan->resume_at == 0 || f.n < 1))
    return luaL_error(L, "lossdbg: %s: no step waits to be resumed", where);
  if (!f.resume && !lb_plan_ready(L, 1))
    return luaL_error(L, "lossdbg: %s: the plan is out of date", where);
  if (!f.resume) lb_plan_begin(L, 1);
  lua_pushcfunction(L, run_loop);
  lua_pushlightuserdata(L, &f);
  const int status = lua_pcall(L, 1, 1, 0);
  if (!f.stopped) {
    lb_plan_end(L, 1);
    ldb_record_clear(f.record);
  }
  if (status != LUA_OK) return lua_error(L);
  const int bad = lua_gettop(L);
  lua_pushinteger(L, (lua_Integer)f.done);
  lua_pushnumber(L, f.loss);
  lua_pushnumber(L, f.total);
  lua_pushnumber(L, f.data_total);
  lua_pushvalue(L, bad);
  lua_pushboolean(L, f.stopped);
  return 6;
}

/* abandon(plan): the step that stopped is not finished; what was counted stays counted */
static int lb_fit_abandon(lua_State *L) {
  lb_check_plan(L, 1, where);
  lb_plan_end(L, 1);
  return 0;
}

/* result(plan, i) -> a copy of the i-th result of the last replay */
static int lb_fit_result(lua_State *L) {
  const lb_plan *p = lb_check_plan(L, 1, where);
  const lua_Integer i = luaL_checkinteger(L, 2);
  if (i < 1 || i > p->n_results || !p->result[i - 1].tensor) return 0;
  if (p->result[i - 1].buffer < p->n_inputs && !p->held)
    return luaL_error(L, "lossdbg: %s: the result is an argument of a step that is over", where);
  const ldb_view from = lb_plan_view(p, (int32_t)i - 1);
  const lb_tensor *t = lb_newtensor(L, where, from.dtype, from.rank, from.shape);
  ldb_copy_view(&from, &t->view);
  return 1;
}

/* mark(tensor) -> its value. While a step is captured, replays look at the value here and may stop.
 */
static int lb_fit_mark(lua_State *L) {
  const lb_tensor *t = lb_checktensor(L, 1, where, "loss");
  if (ldb_view_count(&t->view) != 1 || t->view.dtype == LDB_I32)
    return luaL_error(L, "lossdbg: %s: expected one f32 or f64 number", where);
  lb_gate_mark(L, &t->view);
  lua_pushnumber(L, t->view.dtype == LDB_F64 ? *(const double *)t->view.data
                                             : (double)*(const float *)t->view.data);
  return 1;
}

static const luaL_Reg functions[] = {{"steps", lb_fit_steps},
                                     {"abandon", lb_fit_abandon},
                                     {"result", lb_fit_result},
                                     {"mark", lb_fit_mark},
                                     {NULL, NULL}};

int lb_open_fit(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
