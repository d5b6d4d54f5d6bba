/*
** Tensors as Lua sees them: making, reading, writing, indexing. Arithmetic is in lb_op.c.
*/
#include <math.h>
#include <string.h>

#include "binding/lb_gate.h"
#include "kernels/gather/copy.h"

/* ---- arguments ------------------------------------------------------------------------------ */

static ldb_dtype check_dtype(lua_State *L, int idx, const char *where) {
  ldb_dtype t = LDB_F32;
  if (lua_isnoneornil(L, idx)) return t;
  if (lua_type(L, idx) != LUA_TSTRING || !ldb_dtype_parse(lua_tostring(L, idx), &t))
    luaL_error(L, "lossdbg: %s: argument 'dtype': expected \"f32\", \"f64\" or \"i32\", got %s",
               where, luaL_tolstring(L, idx, NULL));
  return t;
}

/* A list of sizes, or one integer for rank 1. Returns the rank. */
static int check_shape(lua_State *L, int idx, const char *where, int64_t shape[LDB_MAX_RANK]) {
  if (lua_type(L, idx) == LUA_TNUMBER) {
    shape[0] = lb_checkcount(L, idx, where, "shape");
    return 1;
  }
  if (lua_type(L, idx) != LUA_TTABLE)
    luaL_error(L, "lossdbg: %s: argument 'shape': expected a list of sizes such as {2, 3}, got %s",
               where, luaL_typename(L, idx));
  lua_Unsigned rank = lua_rawlen(L, idx);
  if (rank > LDB_MAX_RANK)
    luaL_error(L, "lossdbg: %s: argument 'shape': %I axes, at most %d", where, (lua_Integer)rank,
               (int)LDB_MAX_RANK);
  for (lua_Unsigned i = 0; i < rank; i++) {
    lua_rawgeti(L, idx, (lua_Integer)i + 1);
    shape[i] = lb_checkcount(L, -1, where, "shape");
    lua_pop(L, 1);
  }
  return (int)rank;
}

static void push_element(lua_State *L, const ldb_view *v, int64_t offset) {
  if (v->dtype == LDB_I32)
    lua_pushinteger(L, ((const int32_t *)v->data)[offset]);
  else
    lua_pushnumber(L, ldb_read(v, offset));
}

static double check_element(lua_State *L, int idx, const char *where, ldb_dtype t) {
  if (lua_type(L, idx) != LUA_TNUMBER)
    luaL_error(L, "lossdbg: %s: expected a number, got %s", where, luaL_typename(L, idx));
  double x = lua_tonumber(L, idx);
  if (t == LDB_I32 && !(x == floor(x) && x >= -2147483648.0 && x <= 2147483647.0))
    luaL_error(L, "lossdbg: %s: %s is not a 32-bit integer (dtype is i32)", where,
               lua_tostring(L, idx));
  return x;
}

/* ---- constructors --------------------------------------------------------------------------- */

/* full(shape, value, dtype) */
static int lb_tensor_full(lua_State *L) {
  int64_t shape[LDB_MAX_RANK];
  int rank = check_shape(L, 1, "full", shape);
  ldb_dtype t = check_dtype(L, 3, "full");
  double value = check_element(L, 2, "full", t);
  const ldb_view *v = &lb_newtensor(L, "full", t, rank, shape)->view;
  lb_gate_fill(L, "full", lua_gettop(L), v, value);
  return 1;
}

typedef struct progression {
  const ldb_view *to;
  double start, step;
} progression;

static ldb_status write_progression(void *arg, ldb_error *e) {
  const progression *p = arg;
  (void)e;
  for (int64_t i = 0; i < p->to->shape[0]; i++)
    ldb_write(p->to, i, p->start + (double)i * p->step);
  return LDB_OK;
}

/* range(start, step, n, dtype) : start + i * step for i = 0 .. n-1, each from one rounding */
static int lb_tensor_range(lua_State *L) {
  ldb_error e;
  progression p = {NULL, lb_checkfinite(L, 1, "arange", "start"),
                   lb_checkfinite(L, 2, "arange", "step")};
  int64_t n = lb_checkcount(L, 3, "arange", "n");
  p.to = &lb_newtensor(L, "arange", check_dtype(L, 4, "arange"), 1, &n)->view;
  (void)lb_gate_host(L, "arange", lua_gettop(L), NULL, write_progression, &p, &e);
  return 1;
}

/* The shape of the nested table at the top of the stack, from its first elements. */
static int measure_table(lua_State *L, int64_t shape[LDB_MAX_RANK]) {
  int rank = 0, top = lua_gettop(L);
  luaL_checkstack(L, LDB_MAX_RANK + 4, "tensor");
  while (lua_type(L, -1) == LUA_TTABLE) {
    if (rank == LDB_MAX_RANK)
      luaL_error(L, "lossdbg: tensor: the table is nested more than %d deep", (int)LDB_MAX_RANK);
    shape[rank++] = (int64_t)lua_rawlen(L, -1);
    if (shape[rank - 1] == 0) break;
    lua_rawgeti(L, -1, 1);
  }
  lua_settop(L, top);
  return rank;
}

static void fill_from_table(lua_State *L, const ldb_view *v, int axis, int64_t *offset) {
  if (axis == v->rank) {
    ldb_write(v, (*offset)++, check_element(L, -1, "tensor", v->dtype));
    return;
  }
  if (lua_type(L, -1) != LUA_TTABLE || (int64_t)lua_rawlen(L, -1) != v->shape[axis])
    luaL_error(L,
               "lossdbg: tensor: the table is ragged: axis %d has %I elements at its start, %s "
               "further on",
               axis + 1, (lua_Integer)v->shape[axis],
               lua_type(L, -1) == LUA_TTABLE ? "another number" : luaL_typename(L, -1));
  for (int64_t i = 1; i <= v->shape[axis]; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i);
    if (axis + 1 == v->rank && lua_type(L, -1) == LUA_TTABLE)
      luaL_error(L, "lossdbg: tensor: the table is ragged: a list stands where a number was "
                    "expected");
    fill_from_table(L, v, axis + 1, offset);
    lua_pop(L, 1);
  }
}

typedef struct table_copy {
  lua_State *L; /* the table is on top of its stack */
  const ldb_view *to;
} table_copy;

static ldb_status write_table(void *arg, ldb_error *e) {
  const table_copy *c = arg;
  int64_t offset = 0;
  (void)e;
  fill_from_table(c->L, c->to, 0, &offset);
  return LDB_OK;
}

/* from_table(nested, dtype) */
static int lb_tensor_from_table(lua_State *L) {
  int64_t shape[LDB_MAX_RANK];
  ldb_error e;
  ldb_dtype t = check_dtype(L, 2, "tensor");
  if (lua_type(L, 1) != LUA_TTABLE && lua_type(L, 1) != LUA_TNUMBER)
    return luaL_error(L, "lossdbg: tensor: expected a number or a (nested) list of numbers, got %s",
                      luaL_typename(L, 1));
  lua_settop(L, 1);
  int rank = measure_table(L, shape);
  table_copy c = {L, &lb_newtensor(L, "tensor", t, rank, shape)->view};
  lua_pushvalue(L, 1);
  (void)lb_gate_host(L, "tensor", 2, NULL, write_table, &c, &e);
  lua_settop(L, 2);
  return 1;
}

/* ---- reading -------------------------------------------------------------------------------- */

static void push_nested(lua_State *L, const ldb_view *v, int axis, int64_t offset) {
  if (axis == v->rank) {
    push_element(L, v, offset);
    return;
  }
  int64_t n = v->shape[axis];
  lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
  for (int64_t i = 0; i < n; i++) {
    push_nested(L, v, axis + 1, offset + i * v->stride[axis]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
}

static int lb_tensor_totable(lua_State *L) {
  const lb_tensor *t = lb_checktensor(L, 1, "totable", "self");
  luaL_checkstack(L, LDB_MAX_RANK + 4, "totable");
  if (lb_taping(L)) lb_tape_read(L, "totable");
  push_nested(L, &t->view, 0, 0);
  return 1;
}

static int lb_tensor_item(lua_State *L) {
  const lb_tensor *t = lb_checktensor(L, 1, "item", "self");
  char shape[LDB_SHAPE_TEXT];
  if (ldb_view_count(&t->view) != 1)
    return luaL_error(L, "lossdbg: item: expected a tensor with one element, got %s",
                      ldb_shape_text(&t->view, shape));
  if (lb_taping(L)) lb_tape_read(L, "item");
  push_element(L, &t->view, 0);
  return 1;
}

/* 1-based, negative from the end; raises with the axis named. */
static int64_t check_index(lua_State *L, int idx, const char *where, const ldb_view *v, int axis) {
  int ok = 0;
  lua_Integer i = lua_type(L, idx) == LUA_TNUMBER ? lua_tointegerx(L, idx, &ok) : 0;
  int64_t n = v->shape[axis], k = i > 0 ? i - 1 : i + n;
  if (!ok || i == 0 || k < 0 || k >= n)
    luaL_error(L, "lossdbg: %s: index %s is outside 1..%I of axis %d", where,
               ok ? lua_tostring(L, idx) : luaL_typename(L, idx), (lua_Integer)n, axis + 1);
  return k;
}

static int64_t check_place(lua_State *L, int first, const char *where, const ldb_view *v) {
  int given = lua_gettop(L) - first + 1;
  int64_t offset = 0;
  if (given != v->rank)
    luaL_error(L, "lossdbg: %s: %d indices for a tensor of rank %d", where, given, v->rank);
  for (int i = 0; i < given; i++)
    offset += check_index(L, first + i, where, v, i) * v->stride[i];
  return offset;
}

static int lb_tensor_get(lua_State *L) {
  const lb_tensor *t = lb_checktensor(L, 1, "get", "self");
  if (lb_taping(L)) lb_tape_read(L, "get");
  push_element(L, &t->view, check_place(L, 2, "get", &t->view));
  return 1;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* In-place writes would falsify recorded values of an inner tensor. */
static void check_writable(lua_State *L, int idx, const char *where) {
  if (lua_getiuservalue(L, idx, 2) != LUA_TNIL)
    luaL_error(L,
               "lossdbg: %s: the tensor is the result of a recorded op and cannot be changed in "
               "place (clone() it first)",
               where);
  lua_pop(L, 1);
}

typedef struct element {
  const ldb_view *to;
  int64_t offset;
  double value;
} element;

static ldb_status write_element(void *arg, ldb_error *e) {
  const element *x = arg;
  (void)e;
  ldb_write(x->to, x->offset, x->value);
  return LDB_OK;
}

/* set(value, i, j, ...) */
static int lb_tensor_set(lua_State *L) {
  ldb_error e;
  const lb_tensor *t = lb_checktensor(L, 1, "set", "self");
  element x = {&t->view, 0, check_element(L, 2, "set", t->view.dtype)};
  x.offset = check_place(L, 3, "set", &t->view);
  check_writable(L, 1, "set");
  (void)lb_gate_host(L, "set", 1, "writes single values from Lua", write_element, &x, &e);
  lua_settop(L, 1);
  return 1;
}

static int lb_tensor_fill_(lua_State *L) {
  const lb_tensor *t = lb_checktensor(L, 1, "fill_", "self");
  double x = check_element(L, 2, "fill_", t->view.dtype);
  check_writable(L, 1, "fill_");
  lb_gate_fill(L, "fill_", 1, &t->view, x);
  lua_settop(L, 1);
  return 1;
}

/* Writes the tensor or number at idx into v, a part of the tensor at index 1, broadcasting;
   overlapping bytes go through a copy. */
static void assign(lua_State *L, const char *where, const lb_tensor *to, const ldb_view *v,
                   int idx) {
  if (lua_type(L, idx) == LUA_TNUMBER) {
    lb_gate_fill(L, where, 1, v, check_element(L, idx, where, v->dtype));
    return;
  }
  const lb_tensor *u = lb_checktensor(L, idx, where, "value");
  ldb_view from = u->view, common = *v;
  ldb_error e;
  char a[LDB_SHAPE_TEXT], b[LDB_SHAPE_TEXT];
  if (ldb_broadcast_shape(NULL, v, &from, &common, &e) != LDB_OK || !ldb_same_shape(&common, v))
    luaL_error(L, "lossdbg: %s: a tensor %s does not fit into %s", where, ldb_shape_text(&from, b),
               ldb_shape_text(v, a));
  if (u->storage == to->storage) {
    const ldb_view *copy = &lb_newtensor(L, where, from.dtype, from.rank, from.shape)->view;
    lb_gate_copy(L, idx, &from, lua_gettop(L), copy);
    idx = lua_gettop(L);
    from = *copy;
  }
  from = ldb_broadcast_to(&from, v);
  lb_gate_copy(L, idx, &from, 1, v);
}

static int lb_tensor_copy_(lua_State *L) {
  const lb_tensor *t = lb_checktensor(L, 1, "copy_", "self");
  check_writable(L, 1, "copy_");
  assign(L, "copy_", t, &t->view, 2);
  lua_settop(L, 1);
  return 1;
}

/* ---- whole-tensor methods ------------------------------------------------------------------- */

/* A deep copy without history. */
static int lb_tensor_clone(lua_State *L) {
  const lb_tensor *t = lb_checktensor(L, 1, "clone", "self");
  const ldb_view *v = &lb_newtensor(L, "clone", t->view.dtype, t->view.rank, t->view.shape)->view;
  lb_gate_copy(L, 1, &t->view, lua_gettop(L), v);
  return 1;
}

/* The same bytes without history. */
static int lb_tensor_detach(lua_State *L) {
  const lb_tensor *t = lb_checktensor(L, 1, "detach", "self");
  lb_pushview(L, 1, &t->view);
  return 1;
}

static int lb_tensor_is_contiguous(lua_State *L) {
  lua_pushboolean(L, ldb_view_is_contiguous(&lb_checktensor(L, 1, "is_contiguous", "self")->view));
  return 1;
}

static int lb_tensor_has_nonfinite(lua_State *L) {
  if (lb_taping(L)) lb_tape_read(L, "has_nonfinite");
  lua_pushboolean(L, ldb_has_nonfinite(&lb_checktensor(L, 1, "has_nonfinite", "self")->view));
  return 1;
}

static int lb_tensor_is(lua_State *L) {
  lua_pushboolean(L, lb_testtensor(L, 1) != NULL);
  return 1;
}

/* ---- metamethods ---------------------------------------------------------------------------- */

static int lb_tensor__len(lua_State *L) {
  const lb_tensor *t = lb_checktensor(L, 1, "#", "self");
  if (t->view.rank == 0) return luaL_error(L, "lossdbg: #: a scalar tensor has no length");
  lua_pushinteger(L, (lua_Integer)t->view.shape[0]);
  return 1;
}

/* The gradient of the tensor at index 1. What a replay left is copied for who asks, so that the
   next replay does not write into what is kept; the copy is the gradient until then. */
static void push_gradient(lua_State *L) {
  if (lua_getiuservalue(L, 1, 3) != LUA_TUSERDATA) return;
  const lb_tensor *g = lua_touserdata(L, -1);
  if (!g->passing) return;
  const lb_tensor *copy = lb_newtensor(L, "grad", g->view.dtype, g->view.rank, g->view.shape);
  ldb_copy_view(&g->view, &copy->view);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, 3);
  lb_getcontext(L)->copies++;
}

static int push_shape(lua_State *L, const ldb_view *v) {
  lua_createtable(L, v->rank, 0);
  for (int i = 0; i < v->rank; i++) {
    lua_pushinteger(L, (lua_Integer)v->shape[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int push_field(lua_State *L, const lb_tensor *t, const char *key) {
  if (strcmp(key, "shape") == 0) return push_shape(L, &t->view);
  if (strcmp(key, "dtype") == 0) {
    lua_pushstring(L, ldb_dtype_name(t->view.dtype));
  } else if (strcmp(key, "rank") == 0) {
    lua_pushinteger(L, t->view.rank);
  } else if (strcmp(key, "numel") == 0) {
    lua_pushinteger(L, (lua_Integer)ldb_view_count(&t->view));
  } else if (strcmp(key, "grad") == 0) {
    push_gradient(L);
  } else if (strcmp(key, "requires_grad") == 0) {
    lua_pushboolean(L, t->requires_grad);
  } else {
    return luaL_error(L, "lossdbg: a tensor has no field or method '%s'", key);
  }
  return 1;
}

/* t[i] : number for rank 1, else a view that records its history through the op `slice` */
static int push_row(lua_State *L, const lb_tensor *t) {
  if (t->view.rank == 0) return luaL_error(L, "lossdbg: a scalar tensor has no element to index");
  int64_t i = check_index(L, 2, "[]", &t->view, 0);
  if (t->view.rank == 1) {
    if (lb_taping(L)) lb_tape_read(L, "[]");
    push_element(L, &t->view, i * t->view.stride[0]);
    return 1;
  }
  lua_getfield(L, lua_upvalueindex(1), "select");
  lua_pushvalue(L, 1);
  lua_pushinteger(L, 1);
  lua_pushinteger(L, (lua_Integer)i + 1);
  lua_call(L, 3, 1);
  return 1;
}

/* upvalue 1: the methods */
static int lb_tensor__index(lua_State *L) {
  const lb_tensor *t = lb_checktensor(L, 1, "[]", "self");
  if (lua_type(L, 2) == LUA_TSTRING) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    lua_pop(L, 1);
    return push_field(L, t, lua_tostring(L, 2));
  }
  return push_row(L, t);
}

static int set_gradient(lua_State *L, const lb_tensor *t) {
  if (!lua_isnil(L, 3)) {
    const lb_tensor *g = lb_checktensor(L, 3, "grad", "value");
    if (!ldb_same_shape(&g->view, &t->view) || g->view.dtype != t->view.dtype)
      return luaL_error(L, "lossdbg: grad: a gradient has the shape and dtype of its tensor");
    if (lb_taping(L)) lb_tape_see(L, 3);
  }
  if (lb_taping(L)) lb_tape_leaf(L, 1);
  lb_getcontext(L)->gradients++;
  lua_setiuservalue(L, 1, 3);
  return 0;
}

static int set_requires_grad(lua_State *L, lb_tensor *t) {
  luaL_checktype(L, 3, LUA_TBOOLEAN);
  if (t->view.dtype == LDB_I32)
    return luaL_error(L, "lossdbg: requires_grad: an i32 tensor has no gradient");
  if (lua_getiuservalue(L, 1, 2) != LUA_TNIL)
    return luaL_error(L, "lossdbg: requires_grad: the tensor is the result of a recorded op (use "
                         "detach())");
  if (lb_taping(L)) lb_tape_refuse(L, "'requires_grad' is set in the step");
  if (t->planned && t->requires_grad != lua_toboolean(L, 3)) lb_getcontext(L)->stamp++;
  t->requires_grad = lua_toboolean(L, 3);
  return 0;
}

static int lb_tensor__newindex(lua_State *L) {
  lb_tensor *t = lb_checktensor(L, 1, "[]=", "self");
  if (lua_type(L, 2) == LUA_TSTRING) {
    if (strcmp(lua_tostring(L, 2), "grad") == 0) return set_gradient(L, t);
    if (strcmp(lua_tostring(L, 2), "requires_grad") == 0) return set_requires_grad(L, t);
    return luaL_error(L, "lossdbg: a tensor has no settable field '%s'", lua_tostring(L, 2));
  }
  if (t->view.rank == 0) return luaL_error(L, "lossdbg: a scalar tensor has no element to index");
  ldb_view row = t->view;
  int64_t i = check_index(L, 2, "[]=", &t->view, 0);
  check_writable(L, 1, "[]=");
  row.data = (unsigned char *)row.data +
             (ptrdiff_t)(i * row.stride[0]) * (ptrdiff_t)ldb_dtype_size(row.dtype);
  row.rank--;
  memmove(row.shape, row.shape + 1, (size_t)row.rank * sizeof *row.shape);
  memmove(row.stride, row.stride + 1, (size_t)row.rank * sizeof *row.stride);
  assign(L, "[]=", t, &row, 3);
  return 0;
}

static const luaL_Reg constructors[] = {{"full", lb_tensor_full},
                                        {"range", lb_tensor_range},
                                        {"from_table", lb_tensor_from_table},
                                        {"is_tensor", lb_tensor_is},
                                        {NULL, NULL}};

static const luaL_Reg methods[] = {{"totable", lb_tensor_totable},
                                   {"item", lb_tensor_item},
                                   {"get", lb_tensor_get},
                                   {"set", lb_tensor_set},
                                   {"fill_", lb_tensor_fill_},
                                   {"copy_", lb_tensor_copy_},
                                   {"clone", lb_tensor_clone},
                                   {"detach", lb_tensor_detach},
                                   {"is_contiguous", lb_tensor_is_contiguous},
                                   {"has_nonfinite", lb_tensor_has_nonfinite},
                                   {NULL, NULL}};

int lb_open_tensor(lua_State *L) {
  luaL_newlib(L, constructors);
  lb_newmetatables(L);
  lua_pushcfunction(L, lb_tensor__len);
  lua_setfield(L, -2, "__len");
  lua_pushcfunction(L, lb_tensor__newindex);
  lua_setfield(L, -2, "__newindex");
  luaL_newlib(L, methods);
  lua_pushvalue(L, -1);
  lua_pushcclosure(L, lb_tensor__index, 1);
  lua_setfield(L, -3, "__index");
  lua_setfield(L, -3, "methods");
  lua_setfield(L, -2, "metatable");
  return 1;
}
