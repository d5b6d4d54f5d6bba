/*
** core.io: files that Lua has read into strings, and rows of data sets. Nothing is opened here, so
** that a host without the io library can hand over bytes from anywhere.
** What is wrong with the bytes comes back as nil and a message; wrong arguments raise.
*/
#include "base/text.h"
#include "binding/lb.h"
#include "io/csv.h"
#include "io/idx.h"
#include "io/npy.h"
#include "io/zip.h"
#include "train/batch.h"

static int push_failure(lua_State *L, const ldb_error *e) {
  lua_pushnil(L);
  lua_pushstring(L, e->text);
  return 2;
}

static const char *check_bytes(lua_State *L, int idx, const char *where, size_t *n) {
  if (lua_type(L, idx) != LUA_TSTRING)
    luaL_error(L, "lossdbg: %s: argument 'bytes': expected a string, got %s", where,
               luaL_typename(L, idx));
  return lua_tolstring(L, idx, n);
}

/* dtype name, or fallback for nil */
static ldb_dtype check_dtype(lua_State *L, int idx, const char *where, ldb_dtype fallback) {
  ldb_dtype t = fallback;
  if (lua_isnoneornil(L, idx)) return t;
  if (lua_type(L, idx) != LUA_TSTRING || !ldb_dtype_parse(lua_tostring(L, idx), &t))
    luaL_error(L, "lossdbg: %s: argument 'dtype': expected \"f32\", \"f64\" or \"i32\", got %s",
               where, luaL_tolstring(L, idx, NULL));
  return t;
}

/* ---- CSV ------------------------------------------------------------------------------------- */

/* { separator = ",", header = true } or nil; both may be absent. */
static ldb_csv_options check_csv_options(lua_State *L, int idx, const char *where) {
  ldb_csv_options o = {.separator = '\0', .header = -1};
  if (lua_isnoneornil(L, idx)) return o;
  if (lua_type(L, idx) != LUA_TTABLE)
    luaL_error(L, "lossdbg: %s: argument 'options': expected a table, got %s", where,
               luaL_typename(L, idx));
  int separator = lua_getfield(L, idx, "separator");
  if (separator != LUA_TNIL) {
    if (separator != LUA_TSTRING || lua_rawlen(L, -1) != 1 || lua_tostring(L, -1)[0] == '\0')
      luaL_error(L, "lossdbg: %s: argument 'separator': expected one character, got %s", where,
                 luaL_tolstring(L, -1, NULL));
    o.separator = lua_tostring(L, -1)[0];
  }
  int header = lua_getfield(L, idx, "header");
  if (header != LUA_TNIL) {
    if (header != LUA_TBOOLEAN)
      luaL_error(L, "lossdbg: %s: argument 'header': expected true or false, got %s", where,
                 luaL_tolstring(L, -1, NULL));
    o.header = lua_toboolean(L, -1);
  }
  lua_pop(L, 2);
  return o;
}

static void push_cell(lua_State *L, const ldb_csv_field *f) {
  luaL_Buffer b;
  char *room = luaL_buffinitsize(L, &b, f->n);
  luaL_pushresultsize(&b, ldb_csv_unquote(f, room));
}

static void push_names(lua_State *L, const char *bytes, size_t n, const ldb_csv_layout *layout) {
  ldb_csv_cursor c;
  ldb_csv_field f = {.last = false};
  bool got = true;
  ldb_csv_start(&c, bytes, n, layout->separator);
  lua_newtable(L);
  while (!f.last && ldb_csv_next(&c, &f, &got, NULL) == LDB_OK && got) {
    push_cell(L, &f);
    lua_rawseti(L, -2, (lua_Integer)f.column);
  }
}

static void set_integer(lua_State *L, const char *name, int64_t value) {
  lua_pushinteger(L, (lua_Integer)value);
  lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

static void push_column(lua_State *L, const ldb_csv_column *column) {
  lua_createtable(L, 0, 8);
  set_integer(L, "numbers", column->numbers);
  set_integer(L, "missing", column->missing);
  set_integer(L, "text", column->text);
  set_integer(L, "text_line", column->text_line);
  set_integer(L, "missing_line", column->missing_line);
  set_number(L, "min", column->min);
  set_number(L, "max", column->max);
  lua_pushboolean(L, column->integral);
  lua_setfield(L, -2, "integral");
}

/* csv(bytes, options) -> { separator, header, rows, names | nil, columns = { {numbers, missing,
   text, text_line, missing_line, integral, min, max}, ... } } */
static int lb_io_csv(lua_State *L) {
  size_t n = 0;
  ldb_error e;
  ldb_csv_layout layout;
  const char *bytes = check_bytes(L, 1, "csv", &n);
  ldb_csv_options options = check_csv_options(L, 2, "csv");
  if (ldb_csv_measure(bytes, n, &options, &layout, &e) != LDB_OK) return push_failure(L, &e);
  size_t size = sizeof(ldb_csv_column) * (size_t)layout.columns;
  ldb_csv_column *columns = lb_pushscratch(L, "csv", size);
  if (ldb_csv_survey(bytes, n, &layout, columns, &e) != LDB_OK) return push_failure(L, &e);
  lua_createtable(L, 0, 5);
  lua_pushlstring(L, &layout.separator, 1);
  lua_setfield(L, -2, "separator");
  lua_pushboolean(L, layout.header);
  lua_setfield(L, -2, "header");
  set_integer(L, "rows", layout.rows);
  if (layout.header) {
    push_names(L, bytes, n, &layout);
    lua_setfield(L, -2, "names");
  }
  lua_newtable(L);
  for (int64_t j = 0; j < layout.columns; j++) {
    push_column(L, &columns[j]);
    lua_rawseti(L, -2, (lua_Integer)j + 1);
  }
  lua_setfield(L, -2, "columns");
  return 1;
}

/* csv_numbers(bytes, layout, columns, dtype) -> tensor [rows x #columns]; columns from 1 */
static int lb_io_csv_numbers(lua_State *L) {
  static const char where[] = "csv_numbers";
  size_t n = 0;
  ldb_error e;
  ldb_csv_layout layout;
  const char *bytes = check_bytes(L, 1, where, &n);
  ldb_csv_options options = check_csv_options(L, 2, where);
  luaL_checktype(L, 3, LUA_TTABLE);
  ldb_dtype dtype = check_dtype(L, 4, where, LDB_F32);
  if (ldb_csv_measure(bytes, n, &options, &layout, &e) != LDB_OK) return push_failure(L, &e);
  int64_t wanted = (int64_t)lua_rawlen(L, 3);
  if (wanted > layout.columns)
    return luaL_error(L, "lossdbg: %s: %I columns wanted of %I", where, (lua_Integer)wanted,
                      (lua_Integer)layout.columns);
  size_t one = sizeof(int64_t);
  int64_t *chosen = lb_pushscratch(L, where, one * (size_t)wanted);
  int64_t *slot = lb_pushscratch(L, where, one * (size_t)layout.columns);
  for (int64_t k = 0; k < wanted; k++) {
    lua_rawgeti(L, 3, (lua_Integer)k + 1);
    chosen[k] = lb_checkcount(L, -1, where, "columns") - 1;
    lua_pop(L, 1);
  }
  lb_tensor *t = lb_newtensor(L, where, dtype, 2, (int64_t[]){layout.rows, wanted});
  if (ldb_csv_numbers(bytes, n, &layout, chosen, wanted, slot, &t->view, &e) != LDB_OK)
    return push_failure(L, &e);
  return 1;
}

/* csv_text(bytes, layout, column) -> list of the column's cells, false where one is missing */
static int lb_io_csv_text(lua_State *L) {
  static const char where[] = "csv_text";
  size_t n = 0;
  ldb_error e;
  ldb_csv_layout layout;
  ldb_csv_cursor c;
  ldb_csv_field f;
  bool got = true;
  const char *bytes = check_bytes(L, 1, where, &n);
  ldb_csv_options options = check_csv_options(L, 2, where);
  int64_t column = lb_checkcount(L, 3, where, "column");
  if (ldb_csv_measure(bytes, n, &options, &layout, &e) != LDB_OK) return push_failure(L, &e);
  ldb_csv_start(&c, bytes, n, layout.separator);
  lua_newtable(L);
  for (lua_Integer row = layout.header ? 0 : 1; row <= layout.rows; row += f.last ? 1 : 0) {
    double value = 0;
    if (ldb_csv_next(&c, &f, &got, &e) != LDB_OK) return push_failure(L, &e);
    if (!got) break;
    if (f.column != column || row == 0) continue;
    if (ldb_csv_classify(&f, &value) == LDB_CSV_MISSING) {
      lua_pushboolean(L, 0);
    } else {
      push_cell(L, &f);
    }
    lua_rawseti(L, -2, row);
  }
  return 1;
}

/* ---- IDX and NPY ----------------------------------------------------------------------------- */

/* Pushes a tensor of the layout's shape, or fails where [0 x huge] does not fit the wider dtype. */
static lb_tensor *push_like(lua_State *L, const char *where, const ldb_view *shape, ldb_dtype dtype,
                            ldb_error *e) {
  ldb_view v;
  if (ldb_view_init(&v, dtype, shape->rank, shape->shape, e) != LDB_OK) return NULL;
  return lb_newtensor(L, where, dtype, shape->rank, shape->shape);
}

/* idx(bytes, dtype | nil) -> tensor */
static int lb_io_idx(lua_State *L) {
  size_t n = 0;
  ldb_error e;
  ldb_idx_layout layout;
  const unsigned char *bytes = (const unsigned char *)check_bytes(L, 1, "idx", &n);
  (void)check_dtype(L, 2, "idx", LDB_F32);
  if (ldb_idx_measure(bytes, n, &layout, &e) != LDB_OK) return push_failure(L, &e);
  ldb_dtype dtype = check_dtype(L, 2, "idx", layout.shape.dtype);
  lb_tensor *t = push_like(L, "idx", &layout.shape, dtype, &e);
  if (t == NULL || ldb_idx_read(bytes, n, &layout, &t->view, &e) != LDB_OK)
    return push_failure(L, &e);
  return 1;
}

/* npy(bytes, dtype | nil) -> tensor */
static int lb_io_npy(lua_State *L) {
  size_t n = 0;
  ldb_error e;
  ldb_npy_layout layout;
  const unsigned char *bytes = (const unsigned char *)check_bytes(L, 1, "npy", &n);
  (void)check_dtype(L, 2, "npy", LDB_F32);
  if (ldb_npy_measure(bytes, n, &layout, &e) != LDB_OK) return push_failure(L, &e);
  ldb_dtype dtype = check_dtype(L, 2, "npy", layout.shape.dtype);
  lb_tensor *t = push_like(L, "npy", &layout.shape, dtype, &e);
  if (t == NULL || ldb_npy_read(bytes, n, &layout, &t->view, &e) != LDB_OK)
    return push_failure(L, &e);
  return 1;
}

/* npy_encode(tensor) -> the bytes of a version 1 file */
static int lb_io_npy_encode(lua_State *L) {
  size_t n = 0;
  ldb_error e;
  luaL_Buffer b;
  const lb_tensor *t = lb_checkcontiguous(L, 1, "npy_encode", "tensor", -1);
  if (ldb_npy_bytes(&t->view, &n, &e) != LDB_OK) return lb_raise(L, "npy_encode", &e);
  char *room = luaL_buffinitsize(L, &b, n);
  if (ldb_npy_write(&t->view, (unsigned char *)room, n, &e) != LDB_OK)
    return lb_raise(L, "npy_encode", &e);
  luaL_pushresultsize(&b, n);
  return 1;
}

/* zip(bytes) -> { { name, size, offset, method }, ... }; offset: of the first byte, from 1;
   method 0: the bytes lie there as they are */
static int lb_io_zip(lua_State *L) {
  size_t n = 0;
  ldb_error e;
  ldb_zip zip;
  const unsigned char *bytes = (const unsigned char *)check_bytes(L, 1, "zip", &n);
  if (ldb_zip_open(bytes, n, &zip, &e) != LDB_OK) return push_failure(L, &e);
  lua_newtable(L);
  for (int64_t i = 0; i < zip.count; i++) {
    ldb_zip_member m;
    if (ldb_zip_next(bytes, n, &zip, &m, &e) != LDB_OK) return push_failure(L, &e);
    lua_createtable(L, 0, 4);
    lua_pushlstring(L, m.name, m.name_size);
    lua_setfield(L, -2, "name");
    set_integer(L, "size", (int64_t)m.size);
    set_integer(L, "offset", (int64_t)m.offset + 1);
    set_integer(L, "method", m.method);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static lb_tensor *check_rows(lua_State *L, const char *where) {
  lb_tensor *x = lb_checkcontiguous(L, 1, where, "x", -1);
  if (x->view.rank == 0)
    luaL_error(L, "lossdbg: %s: argument 'x': expected rows, got a scalar tensor", where);
  return x;
}

/* take_rows(x, ids) -> tensor; ids i32 [m], from 0 */
static int lb_io_take_rows(lua_State *L) {
  static const char where[] = "take_rows";
  ldb_error e;
  const lb_tensor *x = check_rows(L, where);
  const lb_tensor *ids = lb_checkcontiguous(L, 2, where, "ids", LDB_I32);
  if (ids->view.rank != 1)
    return luaL_error(L, "lossdbg: %s: argument 'ids': expected rank 1, got rank %d", where,
                      ids->view.rank);
  int64_t shape[LDB_MAX_RANK];
  for (int k = 0; k < x->view.rank; k++)
    shape[k] = x->view.shape[k];
  shape[0] = ids->view.shape[0];
  lb_tensor *out = lb_newtensor(L, where, x->view.dtype, x->view.rank, shape);
  if (ldb_take_rows(&x->view, &ids->view, &out->view, &e) != LDB_OK) return lb_raise(L, where, &e);
  return 1;
}

/* complete_rows(x) -> i32 [m], the rows (from 0) that hold no NaN */
static int lb_io_complete_rows(lua_State *L) {
  const lb_tensor *x = check_rows(L, "complete_rows");
  if (x->view.shape[0] > INT32_MAX)
    return luaL_error(L, "lossdbg: complete_rows: more than 2^31 - 1 rows");
  int64_t m = ldb_complete_rows(&x->view, NULL);
  const lb_tensor *ids = lb_newtensor(L, "complete_rows", LDB_I32, 1, &m);
  (void)ldb_complete_rows(&x->view, ids->view.data);
  return 1;
}

/* column_stats(x) -> f64 [d x 6]: missing, infinite, mean, std, min, max of each column */
static int lb_io_column_stats(lua_State *L) {
  const lb_tensor *x = check_rows(L, "column_stats");
  int64_t shape[2] = {1, LDB_COLUMN_STATS};
  for (int k = 1; k < x->view.rank; k++)
    shape[0] *= x->view.shape[k];
  const lb_tensor *out = lb_newtensor(L, "column_stats", LDB_F64, 2, shape);
  ldb_column_moments(&x->view, out->view.data);
  return 1;
}

/* ---- numbers --------------------------------------------------------------------------------- */

/* parse_number(text) -> number, or nil when the text is not one decimal number */
static int lb_io_parse_number(lua_State *L) {
  size_t n = 0;
  double value = 0;
  const char *s = check_bytes(L, 1, "parse_number", &n);
  if (!ldb_text_number(s, n, &value)) return 0;
  lua_pushnumber(L, value);
  return 1;
}

/* format_number(x) -> shortest text that reads back as x, in any locale */
static int lb_io_format_number(lua_State *L) {
  char text[LDB_NUMBER_TEXT];
  if (lua_type(L, 1) != LUA_TNUMBER)
    return luaL_error(L, "lossdbg: format_number: expected a number, got %s", luaL_typename(L, 1));
  lua_pushlstring(L, text, ldb_text_format(lua_tonumber(L, 1), text));
  return 1;
}

int lb_open_io(lua_State *L) {
  static const luaL_Reg functions[] = {{"csv", lb_io_csv},
                                       {"csv_numbers", lb_io_csv_numbers},
                                       {"csv_text", lb_io_csv_text},
                                       {"idx", lb_io_idx},
                                       {"npy", lb_io_npy},
                                       {"npy_encode", lb_io_npy_encode},
                                       {"zip", lb_io_zip},
                                       {"take_rows", lb_io_take_rows},
                                       {"complete_rows", lb_io_complete_rows},
                                       {"column_stats", lb_io_column_stats},
                                       {"parse_number", lb_io_parse_number},
                                       {"format_number", lb_io_format_number},
                                       {NULL, NULL}};
  luaL_newlib(L, functions);
  lb_addbytes(L);
  lb_addfile(L);
  lb_addevents(L);
  lb_addproto(L);
  return 1;
}
