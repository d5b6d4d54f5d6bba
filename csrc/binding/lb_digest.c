/*
** Making and comparing digests; what the walk over a step's values needs of Lua's insides.
*/
#include "binding/lb_digest.h"

#include <string.h>

static const char digest_key = 0; /* address only */
static const char where[] = "digest";

/* User values. Names and values that were seen are held, so that no address is given twice. */
enum { CONTAINERS = 1, HELD };

typedef struct known {
  int type;
  bool integer;
  int32_t held; /* place among what is held; 0: nothing to hold */
  size_t length;
  union {
    lua_Integer i;
    lua_Number d;
    const void *p;
  } u;
} known;

typedef struct item {
  known key, value;
} item;

typedef enum kind { LIST, TABLE, OBJECT, FUNCTION } kind;

/* LIST: keys 1..n and no others. TABLE: all its fields. OBJECT: the fields that were named, there
   or not. FUNCTION: its upvalues. */
typedef struct container {
  kind kind;
  int32_t first, n;
} container;

typedef struct digest {
  int32_t n_containers, n_items, n_held;
  container *container;
  item *item;
} digest;

/* ---- single values --------------------------------------------------------------------------- */

/* The value at idx, which is held when it is more than a number. */
static known know(lua_State *L, int idx, digest *d, int held) {
  known k;
  memset(&k, 0, sizeof k);
  idx = lua_absindex(L, idx);
  k.type = lua_type(L, idx);
  if (k.type == LUA_TNIL) return k;
  if (k.type == LUA_TBOOLEAN) {
    k.u.i = lua_toboolean(L, idx);
  } else if (k.type == LUA_TNUMBER) {
    k.integer = lua_isinteger(L, idx);
    if (k.integer)
      k.u.i = lua_tointeger(L, idx);
    else
      k.u.d = lua_tonumber(L, idx);
  } else if (k.type == LUA_TSTRING) {
    k.u.p = lua_tolstring(L, idx, &k.length);
  } else {
    k.u.p = lua_topointer(L, idx);
  }
  lua_pushvalue(L, idx);
  k.held = ++d->n_held;
  lua_rawseti(L, held, k.held);
  return k;
}

static bool is(lua_State *L, int idx, const known *k) {
  size_t length;
  if (lua_type(L, idx) != k->type) return false;
  switch (k->type) {
  case LUA_TNIL:
    return true;
  case LUA_TBOOLEAN:
    return lua_toboolean(L, idx) == (int)k->u.i;
  case LUA_TNUMBER: {
    if ((bool)lua_isinteger(L, idx) != k->integer) return false;
    if (k->integer) return lua_tointeger(L, idx) == k->u.i;
    const lua_Number x = lua_tonumber(L, idx); /* by its bits: NaN is NaN */
    return memcmp(&x, &k->u.d, sizeof x) == 0;
  }
  case LUA_TSTRING: {
    const char *s = lua_tolstring(L, idx, &length);
    return s == k->u.p || (length == k->length && memcmp(s, k->u.p, length) == 0);
  }
  default:
    return lua_topointer(L, idx) == k->u.p;
  }
}

/* ---- making ---------------------------------------------------------------------------------- */

/* Number of items of the container at idx; keys (a list, or false) at idx + 1. */
static size_t count(lua_State *L, int idx) {
  size_t n = 0;
  if (lua_isfunction(L, idx)) {
    while (lua_getupvalue(L, idx, (int)n + 1)) {
      lua_pop(L, 1);
      n++;
    }
  } else if (lua_istable(L, idx + 1)) {
    n = lua_rawlen(L, idx + 1);
  } else {
    for (lua_pushnil(L); lua_next(L, idx); lua_pop(L, 1))
      n++;
  }
  return n;
}

static void fill_table(lua_State *L, int idx, digest *d, container *c, int held) {
  c->kind = LIST;
  for (lua_pushnil(L); lua_next(L, idx) && c->first + c->n < d->n_items; lua_pop(L, 1)) {
    item *x = &d->item[c->first + c->n++];
    x->key = know(L, -2, d, held);
    x->value = know(L, -1, d, held);
    if (x->key.type != LUA_TNUMBER || !x->key.integer || x->key.u.i != c->n) c->kind = TABLE;
  }
}

static void fill(lua_State *L, int idx, digest *d, container *c, int held) {
  if (lua_isfunction(L, idx)) {
    c->kind = FUNCTION;
    for (; c->first + c->n < d->n_items && lua_getupvalue(L, idx, c->n + 1); lua_pop(L, 1))
      d->item[c->first + c->n++].value = know(L, -1, d, held);
  } else if (lua_istable(L, idx + 1)) {
    c->kind = OBJECT;
    const int32_t n = (int32_t)lua_rawlen(L, idx + 1);
    for (; c->n < n && c->first + c->n < d->n_items; c->n++) {
      item *x = &d->item[c->first + c->n];
      lua_rawgeti(L, idx + 1, c->n + 1);
      x->key = know(L, -1, d, held);
      lua_rawget(L, idx);
      x->value = know(L, -1, d, held);
      lua_pop(L, 1);
    }
  } else {
    fill_table(L, idx, d, c, held);
  }
}

/* Pushes container i and its keys. */
static void push_pair(lua_State *L, int32_t i) {
  lua_rawgeti(L, 1, i + 1);
  lua_rawgeti(L, 2, i + 1);
  if (!lua_istable(L, -2) && !lua_isfunction(L, -2))
    luaL_error(L, "lossdbg: %s: expected tables and functions", where);
}

/* The list at index 1 is replaced by a copy: what a script does with its own is nothing to us. */
static int32_t copy_list(lua_State *L) {
  const int32_t n = (int32_t)lua_rawlen(L, 1);
  lua_createtable(L, n, 0);
  for (int32_t i = 1; i <= n; i++) {
    lua_rawgeti(L, 1, i);
    lua_rawseti(L, -2, i);
  }
  lua_replace(L, 1);
  return n;
}

/* make(containers, keys) -> digest. containers: list of tables and functions; keys: for each
   false, or a list of the fields that count. */
static int digest_make(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checkstack(L, 12, where);
  lua_settop(L, 2);
  const int32_t n = copy_list(L);
  size_t items = 0, bytes = 0, more = 0;
  for (int32_t i = 0; i < n; i++) {
    push_pair(L, i);
    items += count(L, 3);
    lua_settop(L, 2);
  }
  if (items > INT32_MAX || !ldb_mul_size(items + 1, sizeof(item), &bytes) ||
      !ldb_mul_size((size_t)n + 1, sizeof(container), &more))
    return luaL_error(L, "lossdbg: %s: too much to remember", where);
  digest *d = lua_newuserdatauv(L, sizeof *d, 2);
  memset(d, 0, sizeof *d);
  d->n_containers = n;
  d->n_items = (int32_t)items;
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 3, CONTAINERS);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 3, HELD);
  d->item = lua_newuserdatauv(L, bytes, 0);
  memset(d->item, 0, bytes);
  lua_rawseti(L, 4, ++d->n_held);
  d->container = lua_newuserdatauv(L, more, 0);
  memset(d->container, 0, more);
  lua_rawseti(L, 4, ++d->n_held);
  int32_t first = 0;
  for (int32_t i = 0; i < n; i++) {
    d->container[i].first = first;
    push_pair(L, i);
    fill(L, 5, d, &d->container[i], 4);
    first += d->container[i].n;
    lua_settop(L, 4);
  }
  lua_settop(L, 3);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &digest_key);
  lua_setmetatable(L, 3);
  return 1;
}

void lb_check_digest(lua_State *L, int idx, const char *function) {
  if (lua_isuserdata(L, idx) && lua_getmetatable(L, idx)) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &digest_key);
    const bool same = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    if (same) return;
  }
  luaL_error(L, "lossdbg: %s: expected a digest, got %s", function, luaL_typename(L, idx));
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* Number of the first item of the container on top of the stack that is another one now; n for a
   field too many; -1: none. */
static int32_t differs(lua_State *L, const item *x, const container *c, int held) {
  const int top = lua_gettop(L);
  bool same = true;
  int32_t i = 0;
  if (c->kind == TABLE) {
    for (lua_pushnil(L); lua_next(L, top); lua_pop(L, 1), i++)
      if (i == c->n || !is(L, -2, &x[i].key) || !is(L, -1, &x[i].value)) break;
    same = lua_gettop(L) == top && i == c->n;
    lua_settop(L, top);
    return same ? -1 : i;
  }
  for (; same && i < c->n; i++) {
    if (c->kind == LIST) {
      lua_rawgeti(L, top, i + 1);
    } else if (c->kind == FUNCTION) {
      lua_getupvalue(L, top, i + 1);
    } else {
      lua_rawgeti(L, held, x[i].key.held);
      lua_rawget(L, top);
    }
    same = is(L, -1, &x[i].value);
    lua_settop(L, top);
  }
  if (!same) return i - 1;
  if (c->kind != LIST) return -1;
  if (c->n > 0)
    lua_pushinteger(L, c->n);
  else
    lua_pushnil(L);
  same = lua_next(L, top) == 0;
  lua_settop(L, top);
  return same ? -1 : c->n;
}

/* The first container that is not as it was, or -1; *at: which of its items. */
static int32_t find_change(lua_State *L, int idx, int32_t *at) {
  const digest *d = lua_touserdata(L, idx);
  idx = lua_absindex(L, idx);
  lua_getiuservalue(L, idx, CONTAINERS);
  lua_getiuservalue(L, idx, HELD);
  const int held = lua_gettop(L);
  int32_t found = -1;
  for (int32_t i = 0; found < 0 && i < d->n_containers; i++) {
    const container *c = &d->container[i];
    lua_rawgeti(L, held - 1, i + 1);
    *at = differs(L, d->item + c->first, c, held);
    if (*at >= 0) found = i;
    lua_pop(L, 1);
  }
  lua_pop(L, 2);
  return found;
}

bool lb_digest_same(lua_State *L, int idx) {
  int32_t at;
  luaL_checkstack(L, 8, where);
  return find_change(L, idx, &at) < 0;
}

/* changed(digest) -> nil, or number of the container and the key (name of the upvalue) that is not
   as it was; key nil: a new one */
static int digest_changed(lua_State *L) {
  int32_t at = 0;
  lb_check_digest(L, 1, "digest.changed");
  luaL_checkstack(L, 10, where);
  lua_settop(L, 1);
  const digest *d = lua_touserdata(L, 1);
  const int32_t i = find_change(L, 1, &at);
  if (i < 0) return 0;
  const container *c = &d->container[i];
  lua_pushinteger(L, i + 1);
  if (at >= c->n) return 1;
  if (c->kind == FUNCTION) {
    lua_getiuservalue(L, 1, CONTAINERS);
    lua_rawgeti(L, -1, i + 1);
    const char *name = lua_getupvalue(L, -1, at + 1);
    lua_pushstring(L, name ? name : "?");
  } else {
    lua_getiuservalue(L, 1, HELD);
    lua_rawgeti(L, -1, d->item[c->first + at].key.held);
  }
  lua_replace(L, 3);
  lua_settop(L, 3);
  return 2;
}

/* ---- what the walk asks ---------------------------------------------------------------------- */

/* upvalue(function, i) -> its name and value, or nil */
static int digest_upvalue(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  const char *name = lua_getupvalue(L, 1, (int)luaL_checkinteger(L, 2));
  if (!name) return 0;
  lua_pushstring(L, name);
  lua_insert(L, -2);
  return 2;
}

/* source(function) -> where it was written, as debug.getinfo has it; nil for C functions */
static int digest_source(lua_State *L) {
  lua_Debug info;
  luaL_checktype(L, 1, LUA_TFUNCTION);
  if (lua_iscfunction(L, 1)) return 0;
  lua_settop(L, 1);
  lua_getinfo(L, ">S", &info);
  lua_pushstring(L, info.source);
  return 1;
}

/* metatable(value) -> the one it has, whatever __metatable says */
static int digest_metatable(lua_State *L) {
  luaL_checkany(L, 1);
  return lua_getmetatable(L, 1);
}

typedef struct dumping {
  luaL_Buffer buffer;
  bool begun;
} dumping;

static int write_piece(lua_State *L, const void *piece, size_t size, void *ud) {
  dumping *d = ud;
  if (!d->begun) {
    d->begun = true;
    luaL_buffinit(L, &d->buffer);
  }
  luaL_addlstring(&d->buffer, piece, size);
  return 0;
}

static bool letter(unsigned char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool identifier(const unsigned char *s, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (!letter(s[i]) && (i == 0 || s[i] < '0' || s[i] > '9')) return false;
  return n > 0;
}

/* names(function) -> identifiers among its constants and those of the functions in it: every name
   of a global that it can read is one of them. A constant string in a dump: the tag 4, its length
   + 1 with the top bit set, its bytes. */
static int digest_names(lua_State *L) {
  dumping d = {.begun = false};
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  if (lua_iscfunction(L, 1) || lua_dump(L, write_piece, &d, 1) != 0 || !d.begun) {
    lua_newtable(L);
    return 1;
  }
  luaL_pushresult(&d.buffer);
  size_t n;
  lua_Integer found = 0;
  const unsigned char *s = (const unsigned char *)lua_tolstring(L, -1, &n);
  lua_newtable(L);
  for (size_t i = 0; i + 2 < n; i++) {
    if (s[i] != 4 || s[i + 1] < 0x82) continue;
    const size_t length = (size_t)(s[i + 1] & 0x7f) - 1;
    if (length > n - i - 2 || !identifier(s + i + 2, length)) continue;
    lua_pushlstring(L, (const char *)s + i + 2, length);
    lua_rawseti(L, -2, ++found);
  }
  return 1;
}

static const luaL_Reg functions[] = {{"make", digest_make},
                                     {"changed", digest_changed},
                                     {"upvalue", digest_upvalue},
                                     {"source", digest_source},
                                     {"metatable", digest_metatable},
                                     {"names", digest_names},
                                     {NULL, NULL}};

int lb_open_digest(lua_State *L) {
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &digest_key);
  luaL_newlib(L, functions);
  return 1;
}
