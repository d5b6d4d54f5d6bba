/*
** From a Lua call to one evaluation of an op: arguments by the row's own description, promotion,
** memory, forward, and the node that backward will need.
*/
#include <math.h>
#include <string.h>

#include "binding/lb_gate.h"

/* ---- evaluation ---------------------------------------------------------------------------- */

static void apply_unary(lua_State *L, const ldb_op *op, int slot, ldb_dtype to) {
  ldb_call c;
  int idx[1] = {slot};
  memset(&c.attrs, 0, sizeof c.attrs);
  c.attrs.integer[0] = (int64_t)to;
  lb_apply(L, op, &c, 1, idx);
  lua_replace(L, slot);
}

/* i32 < f32 < f64 */
static int promotion_rank(ldb_dtype t) {
  return t == LDB_I32 ? 0 : t == LDB_F32 ? 1 : 2;
}

/* t[i]: the tensor at idx[i], or NULL */
static void promote(lua_State *L, const ldb_op *op, int n, const int *idx, lb_tensor **t) {
  int lowest = 2, highest = 0;
  for (int i = 0; i < n; i++) {
    if (!t[i]) continue;
    const int r = promotion_rank(t[i]->view.dtype);
    if (r > highest) highest = r;
    if (r < lowest) lowest = r;
  }
  if (lowest >= highest && lowest > 0) return;
  if (highest == 0 && (op->flags & LDB_OP_FLOAT)) highest = 1;
  ldb_dtype to = highest == 0 ? LDB_I32 : highest == 1 ? LDB_F32 : LDB_F64;
  for (int i = 0; i < n; i++) {
    if (!t[i]) continue;
    ldb_dtype has = t[i]->view.dtype;
    bool change = (op->flags & LDB_OP_PROMOTE) ? has != to : has == LDB_I32;
    if (!change) continue;
    apply_unary(L, ldb_op_find("cast"), idx[i], to);
    t[i] = lua_touserdata(L, idx[i]);
  }
}

static void make_contiguous(lua_State *L, int n, const int *idx, lb_tensor **t) {
  for (int i = 0; i < n; i++) {
    if (!t[i] || ldb_view_is_contiguous(&t[i]->view)) continue;
    apply_unary(L, ldb_op_find("contiguous"), idx[i], t[i]->view.dtype);
    t[i] = lua_touserdata(L, idx[i]);
  }
}

static void preset(ldb_call *c, const ldb_op *op, int n) {
  c->op = op;
  c->n_in = n;
  c->saved.rank = 0;
  c->saved.data = NULL;
  c->saved.shape[0] = 0;
  c->out.data = NULL;
  c->forward_scratch = c->backward_scratch = 0;
  c->scratch = NULL;
}

/* Pushes the result tensor that infer described. */
static lb_tensor *push_result(lua_State *L, const lb_context *in, const ldb_op *op, ldb_call *c,
                              int first, bool lean) {
  if (op->flags & LDB_OP_VIEW) return lb_pushview(L, first, &c->out);
  lb_tensor *t = lb_newtensor_in(L, in, op->name, c->out.dtype, c->out.rank, c->out.shape, lean);
  c->out = t->view;
  return t;
}

static bool wants_graph(const lb_context *in, const ldb_op *op, int n, lb_tensor *const *t) {
  if (!op->backward || in->no_grad) return false;
  for (int i = 0; i < n; i++)
    if (t[i] && (op->grad_inputs >> i & 1u) && t[i]->requires_grad) return true;
  return false;
}

/* Result on top of the stack; saved_slot is the stack index of the saved storage or 0. */
static void record(lua_State *L, lb_context *in, const ldb_op *op, const ldb_call *c,
                   const int *idx, int saved_slot) {
  int n = c->n_in, out_slot = lua_gettop(L);
  lb_tensor *out = lua_touserdata(L, out_slot);
  lb_node *node = lb_newnode(L, op, n);
  node->attrs = c->attrs;
  node->out = c->out;
  node->saved = c->saved;
  node->backward_scratch = c->backward_scratch;
  for (int i = 0; i < n; i++) {
    node->in[i].view = c->in[i];
    if (!idx[i]) continue;
    const lb_tensor *t = lua_touserdata(L, idx[i]);
    bool edge = (op->grad_inputs >> i & 1u) && t->requires_grad;
    node->in[i].version = t->storage->version;
    if (edge || (op->flags & LDB_OP_KEEP_IN)) {
      lua_pushvalue(L, idx[i]);
      lua_setiuservalue(L, -2, i + 1);
    }
  }
  if (op->flags & LDB_OP_KEEP_OUT) {
    lb_pushowner(L, out_slot);
    lua_setiuservalue(L, -2, n + 1);
  }
  if (saved_slot) {
    lua_pushvalue(L, saved_slot);
    lua_setiuservalue(L, -2, n + 2);
  }
  node->sequence = ++in->sequence;
  out->requires_grad = true;
  lua_setiuservalue(L, out_slot, 2);
}

static lb_tensor *apply(lua_State *L, lb_context *in, const ldb_op *op, ldb_call *c, int n,
                        const int *idx) {
  ldb_error e;
  lb_tensor *t[LDB_MAX_IN];
  luaL_checkstack(L, 12, op->name);
  if (in->interrupt) lb_poll(L, op->name);
  for (int i = 0; i < n; i++)
    t[i] = idx[i] ? lua_touserdata(L, idx[i]) : NULL;
  if (op->flags & (LDB_OP_PROMOTE | LDB_OP_FLOAT)) promote(L, op, n, idx, t);
  if (op->flags & LDB_OP_CONTIGUOUS) make_contiguous(L, n, idx, t);
  preset(c, op, n);
  for (int i = 0; i < n; i++) {
    if (t[i]) {
      c->in[i] = t[i]->view;
    } else {
      c->in[i].data = NULL;
      c->in[i].rank = -1;
    }
  }
  if (op->infer(c, &e) != LDB_OK) lb_raise(L, op->name, &e);
  c->team = in->team;
  const bool graph = wants_graph(in, op, n, t);
  int base = lua_gettop(L), saved_slot = 0;
  if (c->saved.shape[0] > 0 && c->saved.rank == 1) {
    c->saved.data =
        lb_pushscratch(L, op->name, (size_t)c->saved.shape[0] * ldb_dtype_size(c->saved.dtype));
    saved_slot = lua_gettop(L);
  }
  if (c->forward_scratch) c->scratch = lb_pushscratch(L, op->name, c->forward_scratch);
  lb_tensor *out = push_result(L, in, op, c, idx[0], !graph);
  if (lb_gate_forward(L, in, c, n, idx, &e) != LDB_OK) lb_raise(L, op->name, &e);
  if (in->check_finite) lb_notefinite(L, op->name, "forward", c->in, n, &c->out);
  if (graph) record(L, in, op, c, idx, saved_slot);
  if (lua_gettop(L) > base + 1) { /* drop what only this evaluation needed */
    lua_replace(L, base + 1);
    lua_settop(L, base + 1);
  }
  return out;
}

lb_tensor *lb_apply(lua_State *L, const ldb_op *op, ldb_call *c, int n, const int *idx) {
  return apply(L, lb_getcontext(L), op, c, n, idx);
}

/* ---- arguments by the row's description ------------------------------------------------------ */

enum { MAX_NAME = 24 };

typedef struct input_spec {
  char name[MAX_NAME];
  bool optional, variadic;
} input_spec;

/* Reads the i-th word of "x w b?"; false past the last. */
static bool read_input(const char *inputs, int i, input_spec *spec) {
  for (; i > 0; i--) {
    inputs = strchr(inputs, ' ');
    if (!inputs) return false;
    inputs++;
  }
  size_t n = strcspn(inputs, " ");
  if (n == 0) return false;
  spec->optional = inputs[n - 1] == '?';
  spec->variadic = inputs[n - 1] == '*';
  if (spec->optional || spec->variadic) n--;
  if (n >= MAX_NAME) n = MAX_NAME - 1;
  memcpy(spec->name, inputs, n);
  spec->name[n] = '\0';
  return true;
}

/* The dtype that a Lua number takes beside the tensors of the call. */
static ldb_dtype scalar_dtype(lua_State *L, int n, const int *idx, double value) {
  bool any = false;
  ldb_dtype best = LDB_I32;
  for (int i = 0; i < n; i++) {
    const lb_tensor *t = idx[i] ? lb_testtensor(L, idx[i]) : NULL;
    if (!t) continue;
    any = true;
    if (promotion_rank(t->view.dtype) > promotion_rank(best)) best = t->view.dtype;
  }
  if (any && best == LDB_I32 && value == floor(value) && fabs(value) < 2147483648.0) return LDB_I32;
  return best == LDB_F64 ? LDB_F64 : LDB_F32;
}

static void number_to_tensor(lua_State *L, const char *where, int slot, int n, const int *idx) {
  double value = lua_tonumber(L, slot);
  const lb_tensor *t = lb_newtensor(L, where, scalar_dtype(L, n, idx, value), 0, NULL);
  lb_gate_fill(L, where, lua_gettop(L), &t->view, value);
  lua_replace(L, slot);
}

/* A row, and what is read of its list of inputs once. */
typedef struct op_row {
  const ldb_op *op;
  int n_inputs;
  unsigned optional; /* bit i: input i */
  bool variadic;
} op_row;

/* "x*": either the arguments from 1 on, or one array of tensors, unpacked onto the stack. Returns
   the count; *next is the index of the first attribute. */
static int variadic_inputs(lua_State *L, const ldb_op *op, const input_spec *spec, int *idx,
                           int *next) {
  int n = 0;
  if (lua_type(L, 1) == LUA_TTABLE) {
    lua_Unsigned len = lua_rawlen(L, 1);
    if (len < 1 || len > LDB_MAX_IN)
      luaL_error(L, "lossdbg: %s: argument '%s': expected 1 to %d tensors, got %I", op->name,
                 spec->name, (int)LDB_MAX_IN, (lua_Integer)len);
    *next = 2;
    int top = lua_gettop(L);
    for (; n < (int)len; n++) {
      lua_rawgeti(L, 1, n + 1);
      idx[n] = top + n + 1;
      lb_checktensor(L, idx[n], op->name, spec->name);
    }
    return n;
  }
  while (n < LDB_MAX_IN && lb_testtensor(L, n + 1)) {
    idx[n] = n + 1;
    n++;
  }
  if (n == 0) lb_checktensor(L, 1, op->name, spec->name);
  *next = n + 1;
  return n;
}

/* A table whose first key is a string holds named attributes; any other table is a value. */
static bool is_named(lua_State *L, int slot) {
  if (lua_type(L, slot) != LUA_TTABLE) return false;
  lua_pushnil(L);
  if (!lua_next(L, slot)) return false;
  bool named = lua_type(L, -2) == LUA_TSTRING;
  lua_pop(L, 2);
  return named;
}

/* *last: index of the last argument; grows by the optional inputs that a table of attributes behind
   fewer inputs stands for. */
static int read_inputs(lua_State *L, const lb_context *in, const op_row *r, int *idx, int *next,
                       int *last) {
  const ldb_op *op = r->op;
  input_spec spec;
  int numbers = 0;
  if (r->variadic) {
    read_input(op->inputs, 0, &spec);
    return variadic_inputs(L, op, &spec, idx, next);
  }
  const int n = r->n_inputs;
  for (int i = 0; i < n; i++) {
    const int slot = i + 1;
    const bool optional = r->optional >> i & 1u;
    idx[i] = slot;
    if (slot <= *last && lb_testtensor_in(L, in, slot)) continue;
    if (optional && slot == *last && is_named(L, slot)) {
      lua_pushnil(L);
      lua_insert(L, slot);
      (*last)++;
    }
    if (optional && lua_isnoneornil(L, slot)) {
      if (lua_isnone(L, slot)) lua_pushnil(L);
      idx[i] = 0;
    } else if (lua_type(L, slot) == LUA_TNUMBER) {
      numbers++;
    } else {
      read_input(op->inputs, i, &spec);
      lb_checktensor(L, slot, op->name, spec.name);
    }
  }
  for (int i = 0; numbers > 0 && i < n; i++)
    if (idx[i] && lua_type(L, idx[i]) == LUA_TNUMBER) number_to_tensor(L, op->name, idx[i], n, idx);
  *next = n + 1;
  return n;
}

static int attr_error(lua_State *L, const ldb_op *op, const ldb_attr_spec *a,
                      const char *expected) {
  const char *got = lua_type(L, -1) == LUA_TNUMBER || lua_type(L, -1) == LUA_TSTRING
                        ? lua_tostring(L, -1)
                        : luaL_typename(L, -1);
  return luaL_error(L, "lossdbg: %s: argument '%s': expected %s, got %s", op->name, a->name,
                    expected, got);
}

static int64_t attr_integer(lua_State *L, const ldb_op *op, const ldb_attr_spec *a) {
  int ok = 0;
  lua_Integer v = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &ok) : 0;
  if (!ok) attr_error(L, op, a, "an integer");
  return (int64_t)v;
}

static int64_t resolve_axis(lua_State *L, const ldb_op *op, const ldb_attr_spec *a, int64_t axis,
                            int rank) {
  int64_t resolved = axis > 0 ? axis - 1 : axis < 0 ? axis + rank : -1;
  if (resolved < 0 || resolved >= rank)
    luaL_error(L, "lossdbg: %s: argument '%s': expected an axis from 1 to %d or -1 to -%d, got %I",
               op->name, a->name, rank, rank, (lua_Integer)axis);
  return resolved;
}

static int64_t attr_enum(lua_State *L, const ldb_op *op, const ldb_attr_spec *a) {
  if (lua_type(L, -1) == LUA_TSTRING) {
    const char *s = lua_tostring(L, -1);
    for (int i = 0; a->choices[i]; i++)
      if (strcmp(a->choices[i], s) == 0) return i;
  }
  const char *got = luaL_tolstring(L, -1, NULL);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (int i = 0; a->choices[i]; i++) {
    if (i) luaL_addstring(&b, ", ");
    luaL_addstring(&b, a->choices[i]);
  }
  luaL_pushresult(&b);
  return luaL_error(L, "lossdbg: %s: argument '%s': expected one of %s; got '%s'", op->name,
                    a->name, lua_tostring(L, -1), got);
}

static void attr_axes(lua_State *L, const ldb_op *op, const ldb_attr_spec *a, ldb_attrs *out,
                      int rank) {
  out->axes = 0;
  if (lua_type(L, -1) != LUA_TTABLE) {
    out->axes = 1u << resolve_axis(L, op, a, attr_integer(L, op, a), rank);
    return;
  }
  lua_Unsigned n = lua_rawlen(L, -1);
  for (lua_Unsigned i = 1; i <= n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i);
    uint32_t bit = 1u << resolve_axis(L, op, a, attr_integer(L, op, a), rank);
    if (out->axes & bit)
      luaL_error(L, "lossdbg: %s: argument '%s': an axis is named twice", op->name, a->name);
    out->axes |= bit;
    lua_pop(L, 1);
  }
}

static void attr_list(lua_State *L, const ldb_op *op, const ldb_attr_spec *a, ldb_attrs *out) {
  if (lua_type(L, -1) == LUA_TNUMBER) {
    out->n_list = 1;
    out->list[0] = attr_integer(L, op, a);
    return;
  }
  if (lua_type(L, -1) != LUA_TTABLE) attr_error(L, op, a, "a list of integers");
  lua_Unsigned n = lua_rawlen(L, -1);
  if (n > LDB_MAX_LIST) attr_error(L, op, a, "a shorter list of integers");
  for (lua_Unsigned i = 0; i < n; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i + 1);
    out->list[i] = attr_integer(L, op, a);
    lua_pop(L, 1);
  }
  out->n_list = (int)n;
}

static void attr_pair(lua_State *L, const ldb_op *op, const ldb_attr_spec *a, ldb_attrs *out) {
  if (lua_type(L, -1) != LUA_TTABLE) {
    out->integer[a->slot] = out->integer[a->slot + 1] = attr_integer(L, op, a);
    return;
  }
  if (lua_rawlen(L, -1) != 2) attr_error(L, op, a, "an integer or two");
  for (int i = 0; i < 2; i++) {
    lua_rawgeti(L, -1, i + 1);
    out->integer[a->slot + i] = attr_integer(L, op, a);
    lua_pop(L, 1);
  }
}

/* The value on top of the stack goes into its slot. */
static void read_attr(lua_State *L, const ldb_op *op, const ldb_attr_spec *a, ldb_attrs *out,
                      int rank) {
  ldb_dtype t;
  switch (a->kind) {
  case LDB_ATTR_NUM:
    if (lua_type(L, -1) != LUA_TNUMBER) attr_error(L, op, a, "a number");
    out->num[a->slot] = lua_tonumber(L, -1);
    break;
  case LDB_ATTR_INT:
    out->integer[a->slot] = attr_integer(L, op, a);
    break;
  case LDB_ATTR_BOOL:
    if (lua_type(L, -1) != LUA_TBOOLEAN) attr_error(L, op, a, "a boolean");
    out->integer[a->slot] = lua_toboolean(L, -1);
    break;
  case LDB_ATTR_ENUM:
    out->integer[a->slot] = attr_enum(L, op, a);
    break;
  case LDB_ATTR_DTYPE:
    if (lua_type(L, -1) != LUA_TSTRING || !ldb_dtype_parse(lua_tostring(L, -1), &t)) {
      attr_error(L, op, a, "\"f32\", \"f64\" or \"i32\"");
      return;
    }
    out->integer[a->slot] = (int64_t)t;
    break;
  case LDB_ATTR_AXIS:
    out->integer[a->slot] = resolve_axis(L, op, a, attr_integer(L, op, a), rank);
    break;
  case LDB_ATTR_AXES:
    attr_axes(L, op, a, out, rank);
    break;
  case LDB_ATTR_PAIR:
    attr_pair(L, op, a, out);
    break;
  case LDB_ATTR_LIST:
    attr_list(L, op, a, out);
    break;
  }
}

static void default_attr(lua_State *L, const ldb_op *op, const ldb_attr_spec *a, ldb_attrs *out,
                         int rank) {
  if (a->required) {
    luaL_error(L, "lossdbg: %s: argument '%s' is missing", op->name, a->name);
  } else if (a->kind == LDB_ATTR_NUM) {
    out->num[a->slot] = a->fallback;
  } else if (a->kind == LDB_ATTR_AXES) {
    out->axes = rank > 0 ? (1u << rank) - 1u : 0u;
  } else if (a->kind == LDB_ATTR_LIST) {
    out->n_list = 0;
  } else if (a->kind == LDB_ATTR_AXIS) {
    out->integer[a->slot] = resolve_axis(L, op, a, (int64_t)a->fallback, rank);
  } else {
    out->integer[a->slot] = (int64_t)a->fallback;
    if (a->kind == LDB_ATTR_PAIR) out->integer[a->slot + 1] = (int64_t)a->fallback;
  }
}

/* Edits between two short names: insertions, deletions, substitutions. */
static size_t edit_distance(const char *a, const char *b) {
  size_t row[MAX_NAME + 1], n = strlen(b);
  if (n > MAX_NAME || strlen(a) > MAX_NAME) return MAX_NAME;
  for (size_t j = 0; j <= n; j++)
    row[j] = j;
  for (; *a; a++) {
    size_t corner = row[0]++;
    for (size_t j = 0; j < n; j++) {
      size_t change = corner + (*a != b[j]);
      corner = row[j + 1];
      size_t other = (row[j] < corner ? row[j] : corner) + 1;
      row[j + 1] = change < other ? change : other;
    }
  }
  return row[n];
}

static void refuse_unknown(lua_State *L, const ldb_op *op, int slot) {
  lua_pushnil(L);
  while (lua_next(L, slot)) {
    lua_pop(L, 1);
    const ldb_attr_spec *a = op->attrs;
    const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "[index]";
    for (; a && a->name; a++)
      if (strcmp(a->name, key) == 0) break;
    if (a && a->name) continue;
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (a = op->attrs; a && a->name; a++)
      if (edit_distance(key, a->name) <= 2) {
        luaL_addstring(&b, "did you mean '");
        luaL_addstring(&b, a->name);
        luaL_addstring(&b, "'? ");
        break;
      }
    luaL_addstring(&b, "known: ");
    for (a = op->attrs; a && a->name; a++) {
      if (a != op->attrs) luaL_addstring(&b, ", ");
      luaL_addstring(&b, a->name);
    }
    luaL_pushresult(&b);
    luaL_error(L, "lossdbg: %s: unknown option '%s' (%s)", op->name, key, lua_tostring(L, -1));
  }
}

static void read_attrs(lua_State *L, const ldb_op *op, ldb_attrs *out, int first, int last,
                       int rank) {
  bool named = first == last && is_named(L, first);
  if (named) refuse_unknown(L, op, first);
  int slot = first;
  for (const ldb_attr_spec *a = op->attrs; a && a->name; a++, slot++) {
    if (named)
      lua_getfield(L, first, a->name);
    else if (slot <= last)
      lua_pushvalue(L, slot);
    else
      lua_pushnil(L);
    if (lua_isnil(L, -1))
      default_attr(L, op, a, out, rank);
    else
      read_attr(L, op, a, out, rank);
    lua_pop(L, 1);
  }
  if (!named && last >= slot)
    luaL_error(L, "lossdbg: %s: %d arguments too many", op->name, last - slot + 1);
}

/* upvalues: the row, the context, the memory of the rows */
static int lb_op_call(lua_State *L) {
  const op_row *r = lua_touserdata(L, lua_upvalueindex(1));
  lb_context *in = lua_touserdata(L, lua_upvalueindex(2));
  const ldb_op *op = r->op;
  ldb_call c;
  int idx[LDB_MAX_IN], next, last = lua_gettop(L);
  while (last > 0 && lua_isnil(L, last)) /* wrappers pass optional arguments through */
    last--;
  int n = read_inputs(L, in, r, idx, &next, &last);
  memset(&c.attrs, 0, sizeof c.attrs);
  int rank = idx[0] ? ((lb_tensor *)lua_touserdata(L, idx[0]))->view.rank : 0;
  read_attrs(L, op, &c.attrs, next, last, rank);
  apply(L, in, op, &c, n, idx);
  return 1;
}

/* ---- opening -----------------------------------------------------------------------------------
 */

static op_row describe(const ldb_op *op) {
  op_row r = {.op = op};
  input_spec spec;
  while (r.n_inputs < LDB_MAX_IN && read_input(op->inputs, r.n_inputs, &spec)) {
    if (spec.optional) r.optional |= 1u << r.n_inputs;
    r.variadic = r.variadic || spec.variadic;
    r.n_inputs++;
  }
  return r;
}

int lb_open_op(lua_State *L) {
  size_t n = 0;
  while (ldb_op_table[n])
    n++;
  lua_newtable(L);
  op_row *rows = lua_newuserdatauv(L, n * sizeof *rows, 0);
  for (size_t i = 0; i < n; i++) {
    rows[i] = describe(ldb_op_table[i]);
    lua_pushlightuserdata(L, &rows[i]);
    lb_pushcontext(L);
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, lb_op_call, 3);
    lua_setfield(L, -3, ldb_op_table[i]->name);
  }
  lua_pop(L, 1);
  lua_pushcfunction(L, lb_op_rows);
  lua_setfield(L, -2, "rows");
  return 1;
}
