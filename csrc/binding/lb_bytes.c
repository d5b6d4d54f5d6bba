/*
** core.io, continued: tensors from and to raw bytes.
*/
#include <string.h>

#include "binding/lb.h"
#include "io/element.h"

/* The element types that safetensors names and a view can hold. */
static const struct {
  const char *name;
  ldb_element type;
} kinds[] = {
    {"F32", {LDB_REAL, 4, false}},     {"F64", {LDB_REAL, 8, false}},
    {"I8", {LDB_SIGNED, 1, false}},    {"I16", {LDB_SIGNED, 2, false}},
    {"I32", {LDB_SIGNED, 4, false}},   {"I64", {LDB_SIGNED, 8, false}},
    {"U8", {LDB_UNSIGNED, 1, false}},  {"U16", {LDB_UNSIGNED, 2, false}},
    {"U32", {LDB_UNSIGNED, 4, false}}, {"BOOL", {LDB_BOOLEAN, 1, false}},
};

static const ldb_element *find_kind(lua_State *L, int idx) {
  const char *name = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : "";
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
    if (strcmp(kinds[i].name, name) == 0) return &kinds[i].type;
  return NULL;
}

static int push_failure(lua_State *L, const char *text) {
  lua_pushnil(L);
  lua_pushstring(L, text);
  return 2;
}

static int read_shape(lua_State *L, int idx, int64_t shape[LDB_MAX_RANK]) {
  if (lua_type(L, idx) != LUA_TTABLE || lua_rawlen(L, idx) > LDB_MAX_RANK) return -1;
  int rank = (int)lua_rawlen(L, idx);
  for (int i = 0; i < rank; i++) {
    int ok = 0;
    lua_rawgeti(L, idx, i + 1);
    shape[i] = (int64_t)lua_tointegerx(L, -1, &ok);
    lua_pop(L, 1);
    if (!ok || shape[i] < 0) return -1;
  }
  return rank;
}

/* elements(bytes, offset, length, type, shape) -> tensor, or nil and a message: `length` bytes from
   `offset` (0-based) as little-endian elements. Integers become i32, F64 stays f64. */
static int lb_io_elements(lua_State *L) {
  static const char where[] = "elements";
  size_t n = 0;
  ldb_error e;
  int64_t shape[LDB_MAX_RANK];
  luaL_checktype(L, 1, LUA_TSTRING);
  const unsigned char *bytes = (const unsigned char *)lua_tolstring(L, 1, &n);
  uint64_t offset = (uint64_t)lb_checkcount(L, 2, where, "offset");
  uint64_t length = (uint64_t)lb_checkcount(L, 3, where, "length");
  const ldb_element *type = find_kind(L, 4);
  if (!type)
    return push_failure(L, "its element type is none of F32, F64, I8 to I64, U8 to U32 and BOOL");
  int rank = read_shape(L, 5, shape);
  ldb_view v;
  size_t wanted = 0;
  if (rank < 0) return push_failure(L, "its shape is not a list of at most 8 sizes");
  if (ldb_view_init(&v, ldb_element_dtype(type), rank, shape, &e) != LDB_OK)
    return push_failure(L, e.text);
  int64_t count = ldb_view_count(&v);
  if (!ldb_mul_size((size_t)count, (size_t)type->size, &wanted) || wanted != length || offset > n ||
      length > n - offset)
    return push_failure(L, "its shape and its bytes do not agree");
  ldb_view *out = &lb_newtensor(L, where, v.dtype, rank, shape)->view;
  for (int64_t i = 0; i < count; i++)
    if (ldb_element_store(type, bytes + offset + (size_t)i * (size_t)type->size, out, i, &e) !=
        LDB_OK)
      return push_failure(L, e.text);
  return 1;
}

static void store_little(unsigned char *to, const unsigned char *from, size_t size) {
  const uint16_t one = 1;
  bool little = *(const unsigned char *)&one == 1;
  for (size_t k = 0; k < size; k++)
    to[k] = from[little ? k : size - 1 - k];
}

/* raw(tensor) -> its elements in row-major order, little-endian */
static int lb_io_raw(lua_State *L) {
  luaL_Buffer b;
  const lb_tensor *t = lb_checkcontiguous(L, 1, "raw", "tensor", -1);
  size_t size = ldb_dtype_size(t->view.dtype), count = (size_t)ldb_view_count(&t->view);
  unsigned char *room = (unsigned char *)luaL_buffinitsize(L, &b, size * count);
  for (size_t i = 0; i < count; i++)
    store_little(room + i * size, (const unsigned char *)t->view.data + i * size, size);
  luaL_pushresultsize(&b, size * count);
  return 1;
}

void lb_addbytes(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"elements", lb_io_elements}, {"raw", lb_io_raw}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
