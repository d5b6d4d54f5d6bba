/*
** core.io, continued: whole files replaced so that a reader, a crash or a second writer never sees
** half of one.
*/
#define _DEFAULT_SOURCE 1 /* getentropy, fsync, mkstemp's siblings */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include "binding/lb.h"
#include "io/crc32.h"

enum { SUFFIX = 16, PLACES = 8, MODE_NEW = 0666 };

static int push_errno(lua_State *L, const char *what, const char *path, int code) {
  lua_pushnil(L);
  lua_pushfstring(L, "cannot %s %s: %s", what, path, strerror(code));
  return 2;
}

/* Nobody who watches the folder can guess the name and put a link in its place. */
static bool random_suffix(char *to) {
  static const char letters[] = "abcdefghijklmnopqrstuvwxyz012345";
  unsigned char bytes[SUFFIX];
  if (getentropy(bytes, sizeof bytes) != 0) return false;
  for (int i = 0; i < SUFFIX; i++)
    to[i] = letters[bytes[i] & 31];
  to[SUFFIX] = '\0';
  return true;
}

/* Leaves the temporary name on the stack and returns its descriptor, or -1. */
static int open_beside(lua_State *L, const char *path, mode_t mode) {
  char suffix[SUFFIX + 1];
  int fd = -1;
  for (int i = 0; i < PLACES && fd < 0; i++) {
    if (!random_suffix(suffix)) return -1;
    const char *name = lua_pushfstring(L, "%s.%s.tmp", path, suffix);
    fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd >= 0) return fd;
    lua_pop(L, 1);
    if (errno != EEXIST) return -1;
  }
  return fd;
}

static bool write_all(int fd, const char *text, size_t n) {
  while (n > 0) {
    ssize_t done = write(fd, text, n);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    text += done;
    n -= (size_t)done;
  }
  return fsync(fd) == 0;
}

/* The rename itself reaches the disk with the directory; where a directory cannot be opened like a
   file, the rename is as safe as the system makes it. */
static void sync_directory(lua_State *L, const char *path) {
  const char *slash = strrchr(path, '/');
  const char *folder = ".";
  if (slash) folder = lua_pushlstring(L, path, slash == path ? 1 : (size_t)(slash - path));
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

/* replace(path, text) -> true, or nil and a message. Written beside the target under a name that
   cannot be foreseen, synced, renamed. The new file has the mode of the old one; what is no regular
   file (a device, a pipe, a folder) is left alone, and a link is replaced by a file. */
static int lb_io_replace(lua_State *L) {
  size_t n = 0, path_size = 0;
  struct stat old;
  luaL_checktype(L, 1, LUA_TSTRING);
  luaL_checktype(L, 2, LUA_TSTRING);
  const char *path = lua_tolstring(L, 1, &path_size);
  const char *text = lua_tolstring(L, 2, &n);
  lua_settop(L, 2);
  luaL_checkstack(L, PLACES + 4, "replace");
  if (strlen(path) != path_size) {
    lua_pushnil(L);
    lua_pushliteral(L, "cannot write: the path holds a zero byte");
    return 2;
  }
  bool exists = lstat(path, &old) == 0;
  if (exists && !S_ISREG(old.st_mode) && !S_ISLNK(old.st_mode)) {
    lua_pushnil(L);
    lua_pushfstring(L, "cannot write %s: it is no regular file", path);
    return 2;
  }
  bool keep_mode = exists && S_ISREG(old.st_mode);
  int fd = open_beside(L, path, MODE_NEW);
  if (fd < 0) return push_errno(L, "write", path, errno);
  const char *name = lua_tostring(L, -1);
  int failed = 0;
  if (keep_mode && fchmod(fd, old.st_mode & 07777) != 0) failed = errno;
  if (!failed && !write_all(fd, text, n)) failed = errno ? errno : EIO;
  if (close(fd) != 0 && !failed) failed = errno;
  if (!failed && rename(name, path) != 0) failed = errno;
  if (failed) {
    unlink(name);
    return push_errno(L, "write", path, failed);
  }
  sync_directory(L, path);
  lua_pushboolean(L, 1);
  return 1;
}

/* crc32(bytes [, before]) -> integer */
static int lb_io_crc32(lua_State *L) {
  size_t n = 0;
  luaL_checktype(L, 1, LUA_TSTRING);
  const unsigned char *bytes = (const unsigned char *)lua_tolstring(L, 1, &n);
  lua_pushinteger(L, (lua_Integer)ldb_crc32((uint32_t)luaL_optinteger(L, 2, 0), bytes, n));
  return 1;
}

void lb_addfile(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"replace", lb_io_replace}, {"crc32", lb_io_crc32}, {NULL, NULL}};
  luaL_setfuncs(L, functions, 0);
}
