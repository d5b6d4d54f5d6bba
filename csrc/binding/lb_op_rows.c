/*
** The op table as Lua sees it.
*/
#include "binding/lb.h"

static void push_attr_rows(lua_State *L, const ldb_op *op) {
  static const char *const kinds[] = {"number", "integer", "boolean", "enum", "dtype",
                                      "axis",   "pair",    "axes",    "list"};
  lua_newtable(L);
  int i = 1;
  for (const ldb_attr_spec *a = op->attrs; a && a->name; a++) {
    lua_createtable(L, 0, 3);
    lua_pushstring(L, a->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, kinds[a->kind]);
    lua_setfield(L, -2, "kind");
    lua_pushboolean(L, a->required);
    lua_setfield(L, -2, "required");
    lua_pushnumber(L, a->fallback);
    lua_setfield(L, -2, "fallback");
    lua_rawseti(L, -2, i++);
  }
}

/* op_rows() -> array of { name, inputs, doc, differentiable, grad_inputs, view, random, attrs } */
int lb_op_rows(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; ldb_op_table[i]; i++) {
    const ldb_op *op = ldb_op_table[i];
    lua_createtable(L, 0, 8);
    lua_pushstring(L, op->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, op->inputs);
    lua_setfield(L, -2, "inputs");
    lua_pushstring(L, op->doc);
    lua_setfield(L, -2, "doc");
    lua_pushboolean(L, op->backward != NULL);
    lua_setfield(L, -2, "differentiable");
    lua_pushinteger(L, (lua_Integer)op->grad_inputs);
    lua_setfield(L, -2, "grad_inputs");
    lua_pushboolean(L, (op->flags & LDB_OP_VIEW) != 0);
    lua_setfield(L, -2, "view");
    lua_pushboolean(L, (op->flags & LDB_OP_RANDOM) != 0);
    lua_setfield(L, -2, "random");
    push_attr_rows(L, op);
    lua_setfield(L, -2, "attrs");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}
