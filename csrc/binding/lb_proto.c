/*
** core.io, continued: messages of protocol buffers, one level at a time. A message within is opened
** by its range, so that nesting costs a caller in Lua no stack of C.
*/
#include "binding/lb.h"
#include "io/protobuf.h"

/* The range of a message: bytes, first (from 1), size; all of the string without the last two. */
static ldb_proto check_range(lua_State *L, const char *where) {
  if (lua_type(L, 1) != LUA_TSTRING)
    luaL_error(L, "lossdbg: %s: argument 'bytes': expected a string, got %s", where,
               luaL_typename(L, 1));
  size_t n = 0;
  const char *bytes = lua_tolstring(L, 1, &n);
  lua_Integer first = luaL_optinteger(L, 2, 1), size = luaL_optinteger(L, 3, (lua_Integer)n);
  if (first < 1 || size < 0 || (lua_Unsigned)first - 1 > n ||
      (lua_Unsigned)size > n - ((size_t)first - 1))
    luaL_error(L, "lossdbg: %s: argument 'first': the range lies outside the bytes", where);
  return ldb_proto_open((const unsigned char *)bytes, (size_t)first - 1, (size_t)size);
}

static void push_field(lua_State *L, const ldb_proto_field *f) {
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, (lua_Integer)f->number);
  lua_setfield(L, -2, "number");
  if (f->wire == LDB_PROTO_BYTES) {
    lua_pushinteger(L, (lua_Integer)f->at + 1);
    lua_setfield(L, -2, "first");
    lua_pushinteger(L, (lua_Integer)f->size);
    lua_setfield(L, -2, "size");
    return;
  }
  lua_pushinteger(L, (lua_Integer)f->value);
  lua_setfield(L, -2, "value");
  if (f->wire == LDB_PROTO_VARINT) return;
  lua_pushnumber(L, f->wire == LDB_PROTO_FIXED32 ? ldb_proto_float(f->value)
                                                 : ldb_proto_double(f->value));
  lua_setfield(L, -2, "real");
}

/* proto_fields(bytes [, first, size]) -> { { number, first, size | value [, real] }, ... } in their
   order, or nil and a message */
static int lb_io_proto_fields(lua_State *L) {
  ldb_proto p = check_range(L, "proto_fields");
  ldb_proto_field f;
  ldb_error e;
  bool got = true;
  lua_newtable(L);
  for (lua_Integer i = 1;; i++) {
    if (ldb_proto_next(&p, &f, &got, &e) != LDB_OK) {
      lua_pushnil(L);
      lua_pushstring(L, e.text);
      return 2;
    }
    if (!got) return 1;
    push_field(L, &f);
    lua_rawseti(L, -2, i);
  }
}

/* proto_varints(bytes, first, size) -> list of packed numbers, signed; nil where they are cut */
static int lb_io_proto_varints(lua_State *L) {
  ldb_proto p = check_range(L, "proto_varints");
  uint64_t value = 0;
  lua_newtable(L);
  for (lua_Integer i = 1; ldb_proto_varint(&p, &value); i++) {
    lua_pushinteger(L, (lua_Integer)value);
    lua_rawseti(L, -2, i);
  }
  if (p.at < p.end) lua_pushnil(L);
  return 1;
}

void lb_addproto(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"proto_fields", lb_io_proto_fields}, {"proto_varints", lb_io_proto_varints}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
