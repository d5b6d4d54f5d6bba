/* What C hosts call: the implementation of lossdbg.h, except luaopen_lossdbg_core (lb_core.c). */
#include <string.h>

#include "binding/lb.h"
#include "lossdbg.h"

_Static_assert((int)LOSSDBG_F32 == (int)LDB_F32 && (int)LOSSDBG_F64 == (int)LDB_F64 &&
                   (int)LOSSDBG_I32 == (int)LDB_I32,
               "public and internal element types have the same numbers");
_Static_assert((int)LOSSDBG_MAX_RANK == (int)LDB_MAX_RANK, "public and internal rank limit");

const char *lossdbg_version(void) {
  return LOSSDBG_VERSION;
}

void lossdbg_preload(lua_State *L) {
  /* The registry's table, not package.preload: the package library, opened before or after, uses
     this very table, and it needs no library to exist. */
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_pushcfunction(L, luaopen_lossdbg_core);
  lua_setfield(L, -2, "lossdbg.core");
  lua_pop(L, 1);
}

/* Bytes beyond what this version knows must be zero: fields that are not used. */
static bool understood(const lossdbg_limits *limits) {
  if (limits->struct_size < sizeof *limits) return false;
  const unsigned char *bytes = (const unsigned char *)limits;
  for (size_t i = sizeof *limits; i < limits->struct_size; i++)
    if (bytes[i] != 0) return false;
  return true;
}

int lossdbg_setlimits(lua_State *L, const lossdbg_limits *limits) {
  if (limits && !understood(limits)) return -1;
  luaL_checkstack(L, 4, "lossdbg_setlimits");
  lb_context *c = lb_getcontext(L);
  c->max_bytes = limits ? limits->max_bytes : 0;
  c->interrupt = limits ? limits->interrupt : NULL;
  c->max_threads = limits ? limits->max_threads : 0;
  c->max_workers = limits ? limits->max_workers : 0;
  c->interrupt_ud = limits ? limits->ud : NULL;
  return 0;
}

void lossdbg_pushtensor(lua_State *L, int dtype, int rank, const int64_t *shape, const void *src) {
  static const char where[] = "lossdbg_pushtensor";
  luaL_checkstack(L, 4, where);
  if (dtype < 0 || dtype >= (int)LDB_DTYPE_COUNT)
    luaL_error(L, "lossdbg: %s: argument 'dtype': expected LOSSDBG_F32, _F64 or _I32, got %d",
               where, dtype);
  lb_tensor *t = lb_newtensor(L, where, (ldb_dtype)dtype, rank, shape);
  size_t bytes = (size_t)ldb_view_count(&t->view) * ldb_dtype_size(t->view.dtype);
  if (bytes == 0) return;
  if (src)
    memcpy(t->view.data, src, bytes);
  else
    memset(t->view.data, 0, bytes);
}

int lossdbg_totensor(lua_State *L, int idx, lossdbg_view *out) {
  if (out->struct_size != sizeof *out || !lua_checkstack(L, 2)) return 0;
  const lb_tensor *t = lb_testtensor(L, idx);
  if (!t) return 0;
  out->data = t->view.data;
  out->dtype = (int)t->view.dtype;
  out->rank = t->view.rank;
  for (int i = 0; i < LOSSDBG_MAX_RANK; i++) {
    out->shape[i] = i < t->view.rank ? t->view.shape[i] : 1;
    out->stride[i] = i < t->view.rank ? t->view.stride[i] : 0;
  }
  return 1;
}
