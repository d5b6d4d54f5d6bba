/*
** core.io, continued: TensorBoard event files, a piece at a time, and the entries of a folder.
*/
#define _POSIX_C_SOURCE 200809L /* fdopendir, fstatat */

#include <dirent.h>
#include <errno.h>
#include <lualib.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "binding/lb.h"
#include "io/event.h"

/* Tables are read and written raw: what a sink holds is what it says. */
static int get_raw(lua_State *L, int table, const char *name) {
  lua_pushstring(L, name);
  return lua_rawget(L, table);
}

/* table[name] = the value on top, which it takes. */
static void set_raw(lua_State *L, int table, const char *name) {
  lua_pushstring(L, name);
  lua_insert(L, -2);
  lua_rawset(L, table);
}

/* Pushes sink[name], a table, made when it is missing. */
static void push_part(lua_State *L, int sink, const char *name) {
  if (get_raw(L, sink, name) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  set_raw(L, sink, name);
}

/* Replaces the text on top by part[text], a table, made when it is missing. */
static void push_tagged(lua_State *L, int part) {
  lua_pushvalue(L, -1);
  if (lua_rawget(L, part) == LUA_TTABLE) {
    lua_remove(L, -2);
    return;
  }
  lua_pop(L, 1);
  lua_createtable(L, 0, 2);
  lua_pushvalue(L, -2);
  lua_pushvalue(L, -2);
  lua_rawset(L, part);
  lua_remove(L, -2);
}

static void count(lua_State *L, int sink, const char *name) {
  get_raw(L, sink, name);
  lua_pushinteger(L, lua_tointeger(L, -1) + 1);
  set_raw(L, sink, name);
  lua_pop(L, 1);
}

enum { MEMO = 8 }; /* series whose tables stay on the stack during a scan; by their tags' bytes */

typedef struct series_memo {
  const char *tag;
  size_t size;
  lua_Integer n;
} series_memo;

typedef struct scan {
  lua_State *L;
  const char *bytes;
  int sink;
  int tables; /* where the memo's tables stand: step, value, step, value, ... */
  series_memo memo[MEMO];
  lua_Integer records;
  double first_wall, last_wall;
} scan;

static size_t memo_slot(const char *tag, size_t size) {
  size_t hash = size;
  for (size_t i = 0; i < size; i++)
    hash = hash * 31 + (unsigned char)tag[i];
  return hash % MEMO;
}

/* Puts the series sink.scalars[tag] where the next of its events will find it. */
static series_memo *remember(scan *c, const char *tag, size_t size) {
  lua_State *L = c->L;
  size_t k = memo_slot(tag, size);
  series_memo *m = &c->memo[k];
  if (m->tag && m->size == size && memcmp(m->tag, tag, size) == 0) return m;
  int top = lua_gettop(L);
  push_part(L, c->sink, "scalars");
  lua_pushlstring(L, tag, size);
  push_tagged(L, top + 1);
  push_part(L, top + 2, "step");
  lua_replace(L, c->tables + 2 * (int)k);
  push_part(L, top + 2, "value");
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  lua_replace(L, c->tables + 2 * (int)k + 1);
  lua_settop(L, top);
  *m = (series_memo){tag, size, n};
  return m;
}

static void append_scalar(scan *c, const ldb_item *item, int64_t step, double x) {
  series_memo *m = remember(c, c->bytes + item->tag_at, item->tag_size);
  int at = c->tables + 2 * (int)(m - c->memo);
  m->n++;
  lua_pushinteger(c->L, (lua_Integer)step);
  lua_rawseti(c->L, at, m->n);
  lua_pushnumber(c->L, x);
  lua_rawseti(c->L, at + 1, m->n);
}

/* Appends (step, value on top) to the series sink[part][tag]; takes the value. */
static void append(lua_State *L, int sink, const char *part, const char *tag, size_t size,
                   int64_t step) {
  int value = lua_gettop(L);
  push_part(L, sink, part);
  lua_pushlstring(L, tag, size);
  push_tagged(L, value + 1);
  int series = lua_gettop(L);
  push_part(L, series, "step");
  push_part(L, series, "value");
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1) + 1;
  lua_pushvalue(L, value);
  lua_rawseti(L, -2, n);
  lua_pushinteger(L, (lua_Integer)step);
  lua_rawseti(L, -3, n);
  lua_settop(L, value - 1);
}

/* What sink.plugins knows of the tag; older writers name the plugin on the first event only. */
static bool plugin_is(lua_State *L, int sink, const char *bytes, const ldb_item *item,
                      const char *name) {
  push_part(L, sink, "plugins");
  if (item->plugin_size > 0) {
    lua_pushlstring(L, bytes + item->tag_at, item->tag_size);
    lua_pushlstring(L, bytes + item->plugin_at, item->plugin_size);
    lua_rawset(L, -3);
  }
  lua_pushlstring(L, bytes + item->tag_at, item->tag_size);
  bool is = lua_rawget(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -1), name) == 0;
  lua_pop(L, 2);
  return is;
}

static void keep_histogram(lua_State *L, int sink, const char *bytes, const ldb_item *item,
                           int64_t step) {
  size_t k = 0, one = sizeof(double);
  double *rows = lb_pushscratch(L, "event_scan", one * ldb_event_histogram_room(item));
  if (ldb_event_histogram((const unsigned char *)bytes, item, rows, &k, NULL) != LDB_OK) {
    count(L, sink, "unread");
    lua_pop(L, 1);
    return;
  }
  lua_createtable(L, k < 100000 ? (int)(3 * k) : 0, 0);
  for (size_t i = 0; i < 3 * k; i++) {
    lua_pushnumber(L, rows[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_remove(L, -2);
  append(L, sink, "histograms", bytes + item->tag_at, item->tag_size, step);
}

static void keep_other(scan *c, const ldb_item *item) {
  push_part(c->L, c->sink, "others");
  lua_pushlstring(c->L, c->bytes + item->tag_at, item->tag_size);
  lua_pushboolean(c->L, 1);
  lua_rawset(c->L, -3);
  lua_pop(c->L, 1);
}

static void keep_tensor(scan *c, const ldb_item *item, int64_t step) {
  lua_State *L = c->L;
  const char *bytes = c->bytes;
  const unsigned char *from = (const unsigned char *)bytes;
  double x = 0;
  size_t n = 0, at = 0;
  if (item->rank > 0 && plugin_is(L, c->sink, bytes, item, "histograms")) {
    keep_histogram(L, c->sink, bytes, item, step);
  } else if ((item->rank == 0 || plugin_is(L, c->sink, bytes, item, "scalars")) &&
             ldb_event_numbers(from, item, &x, 1, &n, NULL) == LDB_OK && n == 1) {
    append_scalar(c, item, step, x);
  } else if (plugin_is(L, c->sink, bytes, item, "text") &&
             ldb_event_text(from, item, &at, &n, NULL) == LDB_OK) {
    lua_pushlstring(L, bytes + at, n);
    append(L, c->sink, "texts", bytes + item->tag_at, item->tag_size, step);
  } else {
    keep_other(c, item);
  }
}

static void keep_item(scan *c, const ldb_item *item, int64_t step) {
  switch (item->kind) {
  case LDB_ITEM_SIMPLE:
    append_scalar(c, item, step, item->simple);
    break;
  case LDB_ITEM_HISTO:
    keep_histogram(c->L, c->sink, c->bytes, item, step);
    break;
  case LDB_ITEM_TENSOR:
    keep_tensor(c, item, step);
    break;
  default: /* images, sound, and tags that only carry metadata */
    (void)plugin_is(c->L, c->sink, c->bytes, item, "");
    keep_other(c, item);
  }
}

/* One event into the sink; false when its message is damaged. */
static bool keep_event(scan *c, const ldb_record *record) {
  lua_State *L = c->L;
  ldb_event event;
  ldb_item item;
  bool got = true;
  if (ldb_event_read((const unsigned char *)c->bytes, record, &event, NULL) != LDB_OK) return false;
  if (event.version_size > 0) {
    lua_pushlstring(L, c->bytes + event.version_at, event.version_size);
    set_raw(L, c->sink, "version");
  }
  if (event.session == 1) {
    push_part(L, c->sink, "starts");
    lua_pushinteger(L, (lua_Integer)event.step);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
  }
  if (c->records == 0) c->first_wall = event.wall;
  c->last_wall = event.wall;
  c->records++;
  while (ldb_event_item(&event.summary, &item, &got, NULL) == LDB_OK) {
    if (!got) return true;
    keep_item(c, &item, event.step);
  }
  c->records--; /* counted as unread */
  return false;
}

/* What was counted during a scan, added to what the sink knows of earlier ones. */
static void keep_counts(scan *c) {
  lua_State *L = c->L;
  if (c->records == 0) return;
  get_raw(L, c->sink, "records");
  lua_pushinteger(L, lua_tointeger(L, -1) + c->records);
  set_raw(L, c->sink, "records");
  if (get_raw(L, c->sink, "first_wall") == LUA_TNIL) {
    lua_pushnumber(L, c->first_wall);
    set_raw(L, c->sink, "first_wall");
  }
  lua_pushnumber(L, c->last_wall);
  set_raw(L, c->sink, "last_wall");
  lua_pop(L, 2);
}

/* event_scan(bytes, from, sink) -> next, state: the records from byte `from` (1: the first) into
   the table sink { scalars, histograms, texts = { tag = { step = {}, value = {} } }, others = {
   tag = true }, plugins, starts, version, first_wall, last_wall, records, damaged, unread }.
   next: the byte after the last whole record; state: "end", "cut" or "unreadable" from there on. */
static int lb_io_event_scan(lua_State *L) {
  static const char where[] = "event_scan";
  size_t n = 0;
  if (lua_type(L, 1) != LUA_TSTRING)
    return luaL_error(L, "lossdbg: %s: argument 'bytes': expected a string, got %s", where,
                      luaL_typename(L, 1));
  const char *bytes = lua_tolstring(L, 1, &n);
  size_t at = (size_t)lb_checkcount(L, 2, where, "from");
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  if (at < 1 || at > n + 1)
    return luaL_error(L, "lossdbg: %s: argument 'from': expected 1 to %I, got %I", where,
                      (lua_Integer)n + 1, (lua_Integer)at);
  ldb_frame frame = LDB_FRAME_WHOLE;
  scan c = {.L = L, .bytes = bytes, .sink = 3, .tables = 4};
  luaL_checkstack(L, 2 * MEMO + 16, where);
  lua_settop(L, 3 + 2 * MEMO);
  for (at -= 1; at < n;) {
    ldb_record record;
    frame = ldb_event_frame((const unsigned char *)bytes, n, at, &record);
    if (frame == LDB_FRAME_CUT || frame == LDB_FRAME_UNREADABLE) break;
    if (frame == LDB_FRAME_DAMAGED) {
      count(L, 3, "damaged");
    } else if (!keep_event(&c, &record)) {
      count(L, 3, "unread");
    }
    at = record.next;
  }
  keep_counts(&c);
  lua_pushinteger(L, (lua_Integer)at + 1);
  lua_pushstring(L, at == n ? "end" : frame == LDB_FRAME_CUT ? "cut" : "unreadable");
  return 2;
}

/* masked_crc(bytes) -> the checksum of event files */
static int lb_io_masked_crc(lua_State *L) {
  size_t n = 0;
  if (lua_type(L, 1) != LUA_TSTRING)
    return luaL_error(L, "lossdbg: masked_crc: argument 'bytes': expected a string, got %s",
                      luaL_typename(L, 1));
  const char *bytes = lua_tolstring(L, 1, &n);
  lua_pushinteger(L, (lua_Integer)ldb_masked_crc32c((const unsigned char *)bytes, n));
  return 1;
}

/* The next entry of a folder as { name, directory, size }; false at the end. */
static bool push_entry(lua_State *L, DIR *folder) {
  for (;;) {
    struct stat s;
    const struct dirent *entry = readdir(folder);
    if (!entry) return false;
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (fstatat(dirfd(folder), entry->d_name, &s, 0) != 0) continue; /* gone, or a dead link */
    lua_createtable(L, 0, 4);
    lua_pushstring(L, entry->d_name);
    lua_setfield(L, -2, "name");
    lua_pushboolean(L, S_ISDIR(s.st_mode));
    lua_setfield(L, -2, "directory");
    lua_pushboolean(L, S_ISREG(s.st_mode));
    lua_setfield(L, -2, "regular");
    lua_pushinteger(L, (lua_Integer)s.st_size);
    lua_setfield(L, -2, "size");
    return true;
  }
}

static int close_folder(lua_State *L) {
  DIR **folder = lua_touserdata(L, 1);
  if (*folder) closedir(*folder);
  *folder = NULL;
  return 0;
}

/* entries(file) -> { { name, directory, regular, size }, ... } in the system's order, or nil where
   the file is no folder. It takes an opened file, so that only who was given io can look. */
static int lb_io_entries(lua_State *L) {
  const luaL_Stream *s = luaL_testudata(L, 1, LUA_FILEHANDLE);
  if (!s || !s->closef) return luaL_error(L, "lossdbg: entries: expected an open file");
  DIR **folder = lua_newuserdatauv(L, sizeof *folder, 0);
  *folder = NULL;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, close_folder);
  lua_setfield(L, -2, "__close");
  lua_setmetatable(L, -2);
  lua_toclose(L, 2);
  int fd = dup(fileno(s->f));
  if (fd >= 0) *folder = fdopendir(fd);
  if (!*folder) {
    if (fd >= 0) close(fd);
    lua_pushnil(L);
    return 1;
  }
  rewinddir(*folder);
  lua_newtable(L);
  for (lua_Integer i = 1; push_entry(L, *folder); i++)
    lua_rawseti(L, -2, i);
  return 1;
}

/* is_terminal(file) -> whether someone looks at it */
static int lb_io_is_terminal(lua_State *L) {
  const luaL_Stream *s = luaL_testudata(L, 1, LUA_FILEHANDLE);
  if (!s || !s->closef) return luaL_error(L, "lossdbg: is_terminal: expected an open file");
  lua_pushboolean(L, isatty(fileno(s->f)));
  return 1;
}

/* terminal_width(file) -> columns of the terminal behind it; nil where there is none */
static int lb_io_terminal_width(lua_State *L) {
  const luaL_Stream *s = luaL_testudata(L, 1, LUA_FILEHANDLE);
  struct winsize size = {0};
  if (!s || !s->closef) return luaL_error(L, "lossdbg: terminal_width: expected an open file");
  if (ioctl(fileno(s->f), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 0;
  lua_pushinteger(L, size.ws_col);
  return 1;
}

void lb_addevents(lua_State *L) {
  static const luaL_Reg functions[] = {{"event_scan", lb_io_event_scan},
                                       {"masked_crc", lb_io_masked_crc},
                                       {"entries", lb_io_entries},
                                       {"is_terminal", lb_io_is_terminal},
                                       {"terminal_width", lb_io_terminal_width},
                                       {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
