/*
** The record of a training as userdata. Its buffers are storages in user values, so that the host's
** allocator sees them; series grow by doubling up to what train/record.h allows.
*/
#include "binding/lb_record.h"

#include <math.h>
#include <string.h>

#include "binding/lb_gate.h"

#define LB_RECORD "lossdbg.record"

/* Whole numbers that a double holds. */
#define MOST (INT64_C(1) << 53)

enum { LAYER_OF = 1, UPDATES, SEEN, TOTAL, OUTPUT_TOTAL, HISTORY, SERIES, OUTPUT_SERIES, SLOTS };

ldb_record *lb_checkrecord(lua_State *L, int idx, const char *where) {
  ldb_record *r = luaL_testudata(L, idx, LB_RECORD);
  if (!r) lb_badargument(L, idx, where, "record", "the record of a training");
  return r;
}

/* ---- arguments ---- */

static void check_table(lua_State *L, int idx, const char *where, const char *name,
                        const char *expected) {
  if (lua_type(L, idx) != LUA_TTABLE) lb_badargument(L, idx, where, name, expected);
}

static double check_number(lua_State *L, int idx, const char *where, const char *name) {
  if (lua_type(L, idx) != LUA_TNUMBER) lb_badargument(L, idx, where, name, "a number");
  return lua_tonumber(L, idx);
}

static double opt_number(lua_State *L, int idx, const char *where, const char *name,
                         double fallback) {
  return lua_isnoneornil(L, idx) ? fallback : check_number(L, idx, where, name);
}

/* A number from 1 to n, from 0. */
static int64_t check_index(lua_State *L, int idx, int64_t n, const char *where, const char *name) {
  const int64_t i = lb_checkcount(L, idx, where, name);
  if (i < 1 || i > n)
    luaL_error(L, "lossdbg: %s: argument '%s': expected 1 to %I, got %I", where, name,
               (LUAI_UACINT)n, (LUAI_UACINT)i);
  return i - 1;
}

static int check_name(lua_State *L, int idx, const char *where, const char *const *names) {
  luaL_Buffer b;
  if (lua_type(L, idx) == LUA_TSTRING)
    for (int i = 0; names[i]; i++)
      if (strcmp(lua_tostring(L, idx), names[i]) == 0) return i;
  luaL_buffinit(L, &b);
  for (int i = 0; names[i]; i++) {
    luaL_addstring(&b, i == 0 ? "one of " : ", ");
    luaL_addstring(&b, names[i]);
  }
  luaL_pushresult(&b);
  return lb_badargument(L, idx, where, "name", lua_tostring(L, -1));
}

/* Entry i of the list at idx: a whole number within low to high. */
static int64_t check_entry(lua_State *L, int idx, int64_t i, int64_t low, int64_t high,
                           const char *where, const char *name) {
  int ok = 0;
  const int type = lua_rawgeti(L, idx, (lua_Integer)i);
  const lua_Integer n = type == LUA_TNUMBER ? lua_tointegerx(L, -1, &ok) : 0;
  if (!ok || n < low || n > high)
    luaL_error(L,
               "lossdbg: %s: argument '%s': expected a whole number from %I to %I at place %I, "
               "got %s",
               where, name, (LUAI_UACINT)low, (LUAI_UACINT)high, (LUAI_UACINT)i,
               type == LUA_TNUMBER ? lua_tostring(L, -1) : luaL_typename(L, -1));
  lua_pop(L, 1);
  return (int64_t)n;
}

/* ---- memory ---- */

/* Pushes n x m zeroed elements of `size` bytes. */
static void *push_zeros(lua_State *L, int64_t n, int64_t m, size_t size) {
  size_t count = 0, bytes = 0;
  if (!ldb_mul_size((size_t)n, (size_t)m, &count) || !ldb_mul_size(count, size, &bytes))
    luaL_error(L, "lossdbg: record: too many steps or layers for one record");
  void *data = lb_pushscratch(L, "record", bytes > 0 ? bytes : 1);
  memset(data, 0, bytes);
  return data;
}

/* Pushes rows of `to` doubles that begin with the old rows of `from`. */
static double *push_wider(lua_State *L, const double *old, int64_t rows, int64_t from, int64_t to) {
  double *fresh = push_zeros(L, rows, to, sizeof *fresh);
  for (int64_t i = 0; i < rows && from > 0; i++)
    memcpy(fresh + i * to, old + i * from, (size_t)from * sizeof *fresh);
  return fresh;
}

static int64_t grown(int64_t room, int64_t wanted) {
  int64_t n = room < 64 ? 64 : room;
  while (n < wanted)
    n *= 2;
  return n;
}

void lb_reserve(lua_State *L, int idx, ldb_record *r, int64_t n) {
  luaL_checkstack(L, 4, "record");
  idx = lua_absindex(L, idx);
  if (n > MOST - r->step) luaL_error(L, "lossdbg: record: %I steps are too many", (LUAI_UACINT)n);
  if (r->step + n > r->room) {
    const int64_t room = grown(r->room, r->step + n);
    double *history = push_wider(L, r->history, LDB_STEP_SERIES, r->room, room);
    lua_setiuservalue(L, idx, HISTORY);
    r->history = history;
    r->room = room;
  }
  const int64_t wanted = ldb_record_capacity(r, n);
  if (wanted <= r->capacity) return;
  int64_t capacity = grown(r->capacity, wanted);
  if (capacity > LDB_RECORD_CAPACITY) capacity = LDB_RECORD_CAPACITY;
  double *series = push_wider(L, r->series, r->layers * LDB_LAYER_SERIES, r->capacity, capacity);
  double *outputs =
      push_wider(L, r->output_series, r->outputs * LDB_OUT_SERIES, r->capacity, capacity);
  lua_setiuservalue(L, idx, OUTPUT_SERIES);
  lua_setiuservalue(L, idx, SERIES);
  r->series = series;
  r->output_series = outputs;
  r->capacity = capacity;
}

/* recorder(layer_of, sizes, outputs): layer_of lists for each parameter the number of its layer
   from 1, sizes the elements of each layer, outputs how many layers' outputs are seen */
static int lb_record_new(lua_State *L) {
  static const char where[] = "recorder";
  check_table(L, 1, where, "layer_of", "a list with the number of each parameter's layer");
  check_table(L, 2, where, "sizes", "a list with the elements of each layer");
  const int64_t outputs = lb_checkcount(L, 3, where, "outputs");
  ldb_record *r = lua_newuserdatauv(L, sizeof *r, SLOTS - 1);
  const int at = lua_gettop(L);
  memset(r, 0, sizeof *r);
  r->parameters = (int64_t)lua_rawlen(L, 1);
  r->layers = (int64_t)lua_rawlen(L, 2);
  r->outputs = outputs;
  r->stride = 1;
  int32_t *layer_of = push_zeros(L, r->parameters, 1, sizeof *layer_of);
  lua_setiuservalue(L, at, LAYER_OF);
  r->layer_of = layer_of;
  r->updates = push_zeros(L, r->parameters, 1, sizeof *r->updates);
  lua_setiuservalue(L, at, UPDATES);
  r->seen = push_zeros(L, outputs, LDB_OUTPUT_ROW, sizeof *r->seen);
  lua_setiuservalue(L, at, SEEN);
  r->total = push_zeros(L, r->layers, 1, sizeof *r->total);
  lua_setiuservalue(L, at, TOTAL);
  r->output_total = push_zeros(L, outputs, 1, sizeof *r->output_total);
  lua_setiuservalue(L, at, OUTPUT_TOTAL);
  for (int64_t p = 0; p < r->parameters; p++)
    layer_of[p] = (int32_t)(check_entry(L, 1, p + 1, 1, r->layers, where, "layer_of") - 1);
  for (int64_t l = 0; l < r->layers; l++)
    r->total[l].size = (double)check_entry(L, 2, l + 1, 0, MOST, where, "sizes");
  lb_reserve(L, at, r, 1);
  luaL_setmetatable(L, LB_RECORD);
  return 1;
}

static uint64_t count_field(lua_State *L, int idx, const char *where, const char *name) {
  lua_getfield(L, idx, name);
  const uint64_t n = lua_isnil(L, -1) ? 0 : (uint64_t)lb_checkcount(L, lua_gettop(L), where, name);
  lua_pop(L, 1);
  return n;
}

static double number_field(lua_State *L, int idx, const char *where, const char *name) {
  lua_getfield(L, idx, name);
  const double x = opt_number(L, lua_gettop(L), where, name, 0.0);
  lua_pop(L, 1);
  return x;
}

/* set(parameter, row): a parameter's statistics in the step to be added, by the names of
   ldb_update_stats; grad_sq_before instead of grad_sq where it was clipped; waiting */
static int lb_record_set(lua_State *L) {
  static const char where[] = "record.set";
  const ldb_record *r = lb_checkrecord(L, 1, where);
  ldb_update_row *row = &r->updates[check_index(L, 2, r->parameters, where, "parameter")], fresh;
  check_table(L, 3, where, "row", "a table of statistics");
  memset(&fresh, 0, sizeof fresh);
  lua_getfield(L, 3, "grad_sq_before");
  fresh.stats.grad_sq = number_field(L, 3, where, lua_isnil(L, -1) ? "grad_sq" : "grad_sq_before");
  fresh.stats.update_sq = number_field(L, 3, where, "update_sq");
  fresh.stats.weight_sq = number_field(L, 3, where, "weight_sq");
  fresh.stats.grad_zero = count_field(L, 3, where, "grad_zero");
  fresh.stats.nonfinite_grad = count_field(L, 3, where, "nonfinite_grad");
  fresh.stats.nonfinite_weight = count_field(L, 3, where, "nonfinite_weight");
  fresh.stats.unchanged = count_field(L, 3, where, "unchanged");
  fresh.stats.underflow = count_field(L, 3, where, "underflow");
  lua_getfield(L, 3, "waiting");
  fresh.state = lua_toboolean(L, -1) ? LDB_UPDATE_WAITING : LDB_UPDATE_DONE;
  *row = fresh;
  return 0;
}

/* see(output, tensor): what a layer gave in the step to be added; f32 without gaps, else nothing */
static int lb_record_see(lua_State *L) {
  static const char *const where = "record.see";
  const ldb_record *r = lb_checkrecord(L, 1, where);
  const int64_t o = check_index(L, 2, r->outputs, where, "output");
  const lb_tensor *t = lb_checktensor(L, 3, where, "tensor");
  if (t->view.dtype != LDB_F32 || !ldb_view_is_contiguous(&t->view)) return 0;
  ldb_output_step step = {t->view, r->seen + o * LDB_OUTPUT_ROW, lb_getcontext(L)->team};
  if (ldb_view_count(&t->view) == 0) return 0;
  lua_getiuservalue(L, 1, SEEN);
  lb_gate_output(L, 3, &step);
  return 0;
}

/* clear(): no parameter took part in the step to be added, no output was seen */
static int lb_record_clear(lua_State *L) {
  ldb_record_clear(lb_checkrecord(L, 1, "record.clear"));
  return 0;
}

static int push_layer(lua_State *L, int64_t bad) {
  if (bad < 0) return 0;
  lua_pushinteger(L, (lua_Integer)bad + 1);
  return 1;
}

/* add(loss, lr, updated) -> number of the first layer that is not finite for the first time */
static int lb_record_add(lua_State *L) {
  static const char where[] = "record.add";
  ldb_record *r = lb_checkrecord(L, 1, where);
  const double loss = check_number(L, 2, where, "loss"), lr = opt_number(L, 3, where, "lr", NAN);
  lb_reserve(L, 1, r, 1);
  return push_layer(L, ldb_record_step(r, loss, lr, lua_toboolean(L, 4)));
}

static void push_list(lua_State *L, const double *x, int64_t n, double hole) {
  lua_createtable(L, (int)n, 0);
  for (int64_t i = 0; i < n; i++) {
    if (x[i] == hole) continue;
    lua_pushnumber(L, x[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

/* history(name) -> list with one entry a step, absent where the step updated nothing */
static int lb_record_history(lua_State *L) {
  static const char where[] = "record.history";
  static const char *const names[] = {"loss", "lr", "grad_norm", "update_ratio", NULL};
  const ldb_record *r = lb_checkrecord(L, 1, where);
  const int kind = check_name(L, 2, where, names);
  const double hole = kind >= LDB_STEP_GRAD_NORM ? LDB_NO_STEP : (double)NAN;
  push_list(L, r->history + kind * r->room, r->step, hole);
  return 1;
}

/* last(name) -> the entry of the last step */
static int lb_record_last(lua_State *L) {
  static const char where[] = "record.last";
  static const char *const names[] = {"loss", "lr", "grad_norm", "update_ratio", NULL};
  const ldb_record *r = lb_checkrecord(L, 1, where);
  const int kind = check_name(L, 2, where, names);
  if (r->step == 0) return 0;
  const double x = r->history[kind * r->room + r->step - 1];
  if (kind >= LDB_STEP_GRAD_NORM && x == LDB_NO_STEP) return 0;
  lua_pushnumber(L, x);
  return 1;
}

/* series(layer, name) -> list */
static int lb_record_series(lua_State *L) {
  static const char where[] = "record.series";
  static const char *const names[] = {"grad_norm", "weight_norm", "update_norm", "ratio", NULL};
  const ldb_record *r = lb_checkrecord(L, 1, where);
  const int64_t l = check_index(L, 2, r->layers, where, "layer");
  const int kind = check_name(L, 3, where, names);
  push_list(L, r->series + (l * LDB_LAYER_SERIES + kind) * r->capacity, (int64_t)r->total[l].kept,
            NAN);
  return 1;
}

/* output_series(output, name) -> list */
static int lb_record_output_series(lua_State *L) {
  static const char where[] = "record.output_series";
  static const char *const names[] = {"mean", "std", "zero_share", NULL};
  const ldb_record *r = lb_checkrecord(L, 1, where);
  const int64_t o = check_index(L, 2, r->outputs, where, "output");
  const int kind = check_name(L, 3, where, names);
  push_list(L, r->output_series + (o * LDB_OUT_SERIES + kind) * r->capacity,
            (int64_t)r->output_total[o].kept, NAN);
  return 1;
}

/* layer(layer) -> steps, zero, same, underflow, first_nonfinite_step (0: none) */
static int lb_record_layer(lua_State *L) {
  static const char where[] = "record.layer";
  const ldb_record *r = lb_checkrecord(L, 1, where);
  const ldb_layer_total *t = &r->total[check_index(L, 2, r->layers, where, "layer")];
  lua_pushnumber(L, t->steps);
  lua_pushnumber(L, t->zero);
  lua_pushnumber(L, t->same);
  lua_pushnumber(L, t->underflow);
  lua_pushinteger(L, (lua_Integer)t->first_nonfinite_step);
  return 5;
}

/* output(output) -> steps, first_nonfinite_step (0: none) */
static int lb_record_output(lua_State *L) {
  static const char where[] = "record.output";
  const ldb_record *r = lb_checkrecord(L, 1, where);
  const ldb_output_total *t = &r->output_total[check_index(L, 2, r->outputs, where, "output")];
  lua_pushnumber(L, t->steps);
  lua_pushinteger(L, (lua_Integer)t->first_nonfinite_step);
  return 2;
}

/* steps() -> number of steps, stride of the thinned series */
static int lb_record_steps(lua_State *L) {
  const ldb_record *r = lb_checkrecord(L, 1, "record.steps");
  lua_pushinteger(L, (lua_Integer)r->step);
  lua_pushinteger(L, (lua_Integer)r->stride);
  return 2;
}

/* ---- state: everything as f64 tensors, for checkpoints ---- */

typedef struct part {
  const char *name;
  double *data;
  int64_t n;
} part;

enum { PARTS = 5 };

/* The buffers that hold the past, as they lie in memory. */
static void list_parts(const ldb_record *r, part parts[PARTS]) {
  const int64_t totals = (int64_t)(sizeof *r->total / sizeof(double));
  const int64_t outputs = (int64_t)(sizeof *r->output_total / sizeof(double));
  parts[0] = (part){"total", (double *)r->total, r->layers * totals};
  parts[1] = (part){"output_total", (double *)r->output_total, r->outputs * outputs};
  parts[2] = (part){"history", r->history, LDB_STEP_SERIES * r->room};
  parts[3] = (part){"series", r->series, r->layers * LDB_LAYER_SERIES * r->capacity};
  parts[4] = (part){"output_series", r->output_series, r->outputs * LDB_OUT_SERIES * r->capacity};
}

/* state() -> { steps = { step, stride, kept, room, capacity }, name = f64 tensor, ... } */
static int lb_record_state(lua_State *L) {
  const ldb_record *r = lb_checkrecord(L, 1, "record.state");
  part parts[PARTS];
  const double counts[] = {(double)r->step, (double)r->stride, (double)r->kept, (double)r->room,
                           (double)r->capacity};
  lua_createtable(L, 0, PARTS + 1);
  push_list(L, counts, 5, NAN);
  lua_setfield(L, -2, "steps");
  list_parts(r, parts);
  for (int i = 0; i < PARTS; i++) {
    if (parts[i].n == 0) continue;
    const lb_tensor *t = lb_newtensor(L, "record", LDB_F64, 1, &parts[i].n);
    memcpy(t->view.data, parts[i].data, (size_t)parts[i].n * sizeof(double));
    lua_setfield(L, -2, parts[i].name);
  }
  return 1;
}

/* Pushes the part of the state at 2. */
static const lb_tensor *push_part(lua_State *L, const part *p, const char *where) {
  lua_pushstring(L, p->name);
  lua_rawget(L, 2);
  const lb_tensor *t = lb_checkcontiguous(L, -1, where, p->name, (int)LDB_F64);
  if (ldb_view_count(&t->view) != p->n)
    luaL_error(L, "lossdbg: %s: argument 'state': '%s' is of another model", where, p->name);
  return t;
}

/* Pushes buffers of the sizes that *fresh names, filled from the state at 2, in the order of slots.
 */
static void push_parts(lua_State *L, ldb_record *fresh, const char *where) {
  part parts[PARTS];
  list_parts(fresh, parts);
  for (int i = 0; i < PARTS; i++) { /* before any memory is taken */
    if (parts[i].n == 0) continue;
    push_part(L, &parts[i], where);
    lua_pop(L, 1);
  }
  for (int i = 0; i < PARTS; i++) {
    parts[i].data = push_zeros(L, parts[i].n, 1, sizeof(double));
    if (parts[i].n == 0) continue;
    memcpy(parts[i].data, push_part(L, &parts[i], where)->view.data,
           (size_t)parts[i].n * sizeof(double));
    lua_pop(L, 1);
  }
  fresh->total = (ldb_layer_total *)parts[0].data;
  fresh->output_total = (ldb_output_total *)parts[1].data;
  fresh->history = parts[2].data;
  fresh->series = parts[3].data;
  fresh->output_series = parts[4].data;
}

/* What series() and layer() make of the numbers must be within bounds; NaN is not. */
static bool sound(double kept, double first, const ldb_record *r) {
  return kept >= 0 && kept <= (double)r->capacity && first >= 0 && first <= (double)MOST;
}

/* load(state): as state() returned it, of a record with the same layers; all or nothing */
static int lb_record_load(lua_State *L) {
  static const char where[] = "record.load";
  ldb_record *r = lb_checkrecord(L, 1, where), fresh = *r;
  check_table(L, 2, where, "state", "the state of a record");
  lua_settop(L, 2);
  lua_getfield(L, 2, "steps");
  check_table(L, 3, where, "state.steps", "a list of counts");
  fresh.step = check_entry(L, 3, 1, 0, MOST, where, "state.steps");
  fresh.stride = check_entry(L, 3, 2, 1, MOST, where, "state.steps");
  fresh.kept = check_entry(L, 3, 3, 0, MOST, where, "state.steps");
  fresh.room = check_entry(L, 3, 4, fresh.step, INT64_C(1) << 40, where, "state.steps");
  fresh.capacity = check_entry(L, 3, 5, 1, LDB_RECORD_CAPACITY, where, "state.steps");
  const int first = lua_gettop(L) + 1;
  push_parts(L, &fresh, where);
  bool good = true;
  for (int64_t l = 0; l < r->layers; l++)
    good = good && sound(fresh.total[l].kept, fresh.total[l].first_nonfinite_step, &fresh);
  for (int64_t o = 0; o < r->outputs; o++) {
    const ldb_output_total *t = &fresh.output_total[o];
    good = good && sound(t->kept, t->first_nonfinite_step, &fresh);
  }
  if (!good) return luaL_error(L, "lossdbg: %s: argument 'state': it is damaged", where);
  *r = fresh;
  for (int slot = TOTAL; slot <= OUTPUT_SERIES; slot++) {
    lua_pushvalue(L, first + slot - TOTAL);
    lua_setiuservalue(L, 1, slot);
  }
  return 0;
}

static const luaL_Reg methods[] = {
    {"set", lb_record_set},         {"see", lb_record_see},
    {"clear", lb_record_clear},     {"add", lb_record_add},
    {"history", lb_record_history}, {"last", lb_record_last},
    {"series", lb_record_series},   {"output_series", lb_record_output_series},
    {"layer", lb_record_layer},     {"output", lb_record_output},
    {"steps", lb_record_steps},     {"state", lb_record_state},
    {"load", lb_record_load},       {NULL, NULL}};

void lb_open_record(lua_State *L) {
  luaL_newmetatable(L, LB_RECORD);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, lb_record_new);
  lua_setfield(L, -2, "recorder");
}
