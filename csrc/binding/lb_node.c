/*
** Nodes, and in check mode the note of the first op that made a value that is not finite.
*/
#include "binding/lb_node.h"

#include <string.h>

#include "kernels/gather/copy.h"

static const char anomaly_key = 0; /* address only */

lb_node *lb_newnode(lua_State *L, const ldb_op *op, int n_in) {
  size_t bytes = sizeof(lb_node) + (size_t)n_in * sizeof(((lb_node *)NULL)->in[0]);
  lb_node *node = lua_newuserdatauv(L, bytes, n_in + 3);
  memset(node, 0, bytes);
  node->op = op;
  node->n_in = n_in;
  luaL_setmetatable(L, LB_NODE);
  return node;
}

/* Metatable of nodes, and the table { library, first, scope } of the check mode. */
void lb_newnodes(lua_State *L) {
  luaL_newmetatable(L, LB_NODE);
  lua_pop(L, 1);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &anomaly_key);
}

void lb_pushanomaly(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &anomaly_key);
}

static void push_user_line(lua_State *L) {
  lua_Debug ar;
  lb_pushanomaly(L);
  lua_getfield(L, -1, "library");
  const char *library = lua_tostring(L, -1);
  for (int level = 1; lua_getstack(L, level, &ar); level++) {
    lua_getinfo(L, "Sl", &ar);
    bool inside = library && strncmp(ar.source, library, strlen(library)) == 0;
    if (ar.currentline > 0 && !inside) {
      lua_pushfstring(L, "%s:%d", ar.short_src, ar.currentline);
      lua_replace(L, -3);
      lua_pop(L, 1);
      return;
    }
  }
  lua_pop(L, 2);
  lua_pushnil(L);
}

void lb_notefinite(lua_State *L, const char *op, const char *phase, const ldb_view *in, int n_in,
                   const ldb_view *result) {
  if (!ldb_has_nonfinite(result)) return;
  for (int i = 0; i < n_in; i++)
    if (in[i].data && in[i].rank >= 0 && ldb_has_nonfinite(&in[i])) return;
  char shape[LDB_SHAPE_TEXT];
  luaL_checkstack(L, 8, op);
  lb_pushanomaly(L);
  lua_getfield(L, -1, "first");
  if (lua_isnil(L, -1)) {
    lua_createtable(L, 0, 5);
    lua_pushstring(L, op);
    lua_setfield(L, -2, "op");
    lua_pushstring(L, phase);
    lua_setfield(L, -2, "phase");
    lua_pushstring(L, ldb_shape_text(result, shape));
    lua_setfield(L, -2, "shape");
    push_user_line(L);
    lua_setfield(L, -2, "line");
    lua_getfield(L, -3, "scope");
    lua_setfield(L, -2, "layer");
    lua_setfield(L, -3, "first");
  }
  lua_pop(L, 2);
}
