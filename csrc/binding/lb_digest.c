/*
** Making and comparing digests; what the walk over a step's values needs of Lua's insides.
*/
#include "binding/lb_digest.h"

#include <string.h>

static const char digest_key = 0; /* address only */
static const char where[] = "digest";

/* What was seen lies on the stack of a thread of its own: the containers, their keys and values.
   There they are held, so that no address is given twice, and are compared where they lie: a replay
   asks for every one of them, at the cost of a lookup each. */
enum { THREAD = 1, USER_VALUES = 1 };

/* On the thread's stack; a number is kept here too, because Lua takes 1 and 1.0, 0.0 and -0.0 for
   equal and NaN for another one. */
typedef struct item {
  int key, value;
  enum { ANY, INTEGER, FLOAT } number;
  union {
    lua_Integer i;
    lua_Number d;
    const void *p; /* NULL: nil, true or false */
  } u;
} item;

/* LIST: keys 1..n and no others. TABLE: all its fields. OBJECT: the fields that were named, there
   or not. FUNCTION: its upvalues. */
typedef enum kind { LIST, TABLE, OBJECT, FUNCTION } kind;

typedef struct container {
  kind kind;
  int at; /* on the thread's stack */
  int32_t first, n;
} container;

typedef struct digest {
  int32_t n_containers, n_items;
  int top; /* of the thread's stack */
  container *container;
  item *item;
} digest;

/* ---- making ---------------------------------------------------------------------------------- */

/* The value on top of the thread's stack stays there. */
static void keep_value(lua_State *S, item *x) {
  x->value = lua_gettop(S);
  if (lua_type(S, -1) != LUA_TNUMBER) {
    x->u.p = lua_topointer(S, -1);
    return;
  }
  x->number = lua_isinteger(S, -1) ? INTEGER : FLOAT;
  if (x->number == INTEGER)
    x->u.i = lua_tointeger(S, -1);
  else
    x->u.d = lua_tonumber(S, -1);
}

static void check_room(lua_State *L, lua_State *S, int n) {
  if (!lua_checkstack(S, n)) luaL_error(L, "lossdbg: %s: too much to remember", where);
}

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

static void fill_table(lua_State *S, digest *d, container *c) {
  c->kind = LIST;
  lua_pushnil(S);
  while (c->first + c->n < d->n_items && lua_next(S, c->at)) {
    item *x = &d->item[c->first + c->n++];
    x->key = lua_gettop(S) - 1;
    if (!lua_isinteger(S, -2) || lua_tointeger(S, -2) != c->n) c->kind = TABLE;
    keep_value(S, x);
    lua_pushvalue(S, x->key);
  }
}

/* The container at index 5 of L, its keys at 6, which lies at c->at of S. */
static void fill(lua_State *L, lua_State *S, digest *d, container *c) {
  if (lua_isfunction(L, 5)) {
    c->kind = FUNCTION;
    for (; c->first + c->n < d->n_items && lua_getupvalue(S, c->at, c->n + 1); c->n++)
      keep_value(S, &d->item[c->first + c->n]);
  } else if (lua_istable(L, 6)) {
    c->kind = OBJECT;
    const int32_t n = (int32_t)lua_rawlen(L, 6);
    for (; c->n < n && c->first + c->n < d->n_items; c->n++) {
      item *x = &d->item[c->first + c->n];
      lua_rawgeti(L, 6, c->n + 1);
      lua_xmove(L, S, 1);
      x->key = lua_gettop(S);
      lua_pushvalue(S, -1);
      lua_rawget(S, c->at);
      keep_value(S, x);
    }
  } else {
    fill_table(S, d, c);
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

/* Pushes a digest with room for its parts, and its thread's state. */
static digest *push_empty(lua_State *L, int32_t n, size_t items, lua_State **S) {
  size_t bytes = 0, more = 0, whole = 0;
  if (items > INT32_MAX / 4 || !ldb_mul_size(items, sizeof(item), &bytes) ||
      !ldb_mul_size((size_t)n, sizeof(container), &more) || !ldb_add_size(bytes, more, &more) ||
      !ldb_add_size(more, sizeof(digest), &whole))
    luaL_error(L, "lossdbg: %s: too much to remember", where);
  digest *d = lua_newuserdatauv(L, whole, USER_VALUES);
  memset(d, 0, whole);
  d->n_containers = n;
  d->n_items = (int32_t)items;
  d->item = (item *)(d + 1);
  d->container = (container *)(d->item + items);
  *S = lua_newthread(L);
  lua_setiuservalue(L, -2, THREAD);
  return d;
}

/* make(containers, keys) -> digest. containers: list of tables and functions; keys: for each
   false, or a list of the fields that count. */
static int digest_make(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checkstack(L, 12, where);
  lua_settop(L, 2);
  const int32_t n = copy_list(L);
  size_t items = 0;
  for (int32_t i = 0; i < n; i++) {
    push_pair(L, i);
    items += count(L, 3);
    lua_settop(L, 2);
  }
  lua_State *S;
  digest *d = push_empty(L, n, items, &S);
  lua_pushnil(L); /* index 4: pairs begin at 5 */
  int32_t first = 0;
  for (int32_t i = 0; i < n; i++) {
    container *c = &d->container[i];
    c->first = first;
    push_pair(L, i);
    const size_t own = count(L, 5);
    check_room(L, S, own < INT32_MAX / 4 ? 2 * (int)own + 8 : INT32_MAX / 2);
    lua_pushvalue(L, 5);
    lua_xmove(L, S, 1);
    c->at = lua_gettop(S);
    fill(L, S, d, c);
    first += c->n;
    lua_settop(L, 4);
  }
  check_room(L, S, 8);
  d->top = lua_gettop(S);
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

/* Whether the value at idx is the one that was kept. */
static bool is(lua_State *S, int idx, const item *x) {
  if (x->number == ANY)
    return (x->u.p && lua_topointer(S, idx) == x->u.p) || lua_rawequal(S, idx, x->value);
  if (lua_type(S, idx) != LUA_TNUMBER) return false;
  if (lua_isinteger(S, idx) != (x->number == INTEGER)) return false;
  if (x->number == INTEGER) return lua_tointeger(S, idx) == x->u.i;
  const lua_Number now = lua_tonumber(S, idx); /* by its bits */
  return memcmp(&now, &x->u.d, sizeof now) == 0;
}

static int32_t table_differs(lua_State *S, const item *x, const container *c, int top) {
  int32_t i = 0;
  for (lua_pushnil(S); lua_next(S, c->at); lua_settop(S, top + 1), i++)
    if (i == c->n || !lua_rawequal(S, top + 1, x[i].key) || !is(S, top + 2, &x[i])) return i;
  return i == c->n ? -1 : i;
}

static int32_t list_differs(lua_State *S, const item *x, const container *c, int top) {
  for (int32_t i = 0; i < c->n; i++) {
    lua_rawgeti(S, c->at, i + 1);
    if (!is(S, -1, &x[i])) return i;
    if (i % 4 == 3) lua_settop(S, top);
  }
  if (c->n > 0)
    lua_pushinteger(S, c->n);
  else
    lua_pushnil(S);
  return lua_next(S, c->at) ? c->n : -1;
}

static int32_t object_differs(lua_State *S, const item *x, const container *c, int top) {
  for (int32_t i = 0; i < c->n; i++) {
    lua_pushvalue(S, x[i].key);
    lua_rawget(S, c->at);
    if (!is(S, -1, &x[i])) return i;
    if (i % 4 == 3) lua_settop(S, top); /* there is room for a few */
  }
  return -1;
}

static int32_t function_differs(lua_State *S, const item *x, const container *c, int top) {
  for (int32_t i = 0; i < c->n; i++) {
    lua_getupvalue(S, c->at, i + 1);
    if (!is(S, -1, &x[i])) return i;
    if (i % 4 == 3) lua_settop(S, top);
  }
  return -1;
}

/* Number of the first item of the container that is another one now; n for a field too many; -1:
   none. */
static int32_t differs(lua_State *S, const item *x, const container *c, int top) {
  switch (c->kind) {
  case LIST:
    return list_differs(S, x, c, top);
  case TABLE:
    return table_differs(S, x, c, top);
  case OBJECT:
    return object_differs(S, x, c, top);
  case FUNCTION:
    return function_differs(S, x, c, top);
  }
  return -1;
}

static lua_State *thread_of(lua_State *L, int idx) {
  lua_getiuservalue(L, idx, THREAD);
  lua_State *S = lua_tothread(L, -1);
  lua_pop(L, 1);
  return S;
}

/* The first container that is not as it was, or -1; *at: which of its items. */
static int32_t find_change(lua_State *L, int idx, int32_t *at) {
  const digest *d = lua_touserdata(L, idx);
  lua_State *S = thread_of(L, idx);
  int32_t found = -1;
  for (int32_t i = 0; found < 0 && i < d->n_containers; i++) {
    const container *c = &d->container[i];
    *at = differs(S, d->item + c->first, c, d->top);
    if (*at >= 0) found = i;
    lua_settop(S, d->top);
  }
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
  lua_State *S = thread_of(L, 1);
  if (c->kind == FUNCTION) {
    const char *name = lua_getupvalue(S, c->at, at + 1);
    lua_pushstring(L, name ? name : "?");
  } else if (c->kind == LIST) {
    lua_pushinteger(L, at + 1);
  } else {
    lua_pushvalue(S, d->item[c->first + at].key);
    lua_xmove(S, L, 1);
  }
  lua_settop(S, d->top);
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
