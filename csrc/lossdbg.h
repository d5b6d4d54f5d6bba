/*
** lossdbg for C programs that embed Lua 5.4: the one public header.
**
**   lua_State *L = luaL_newstate();
**   luaL_openlibs(L);
**   lossdbg_preload(L);            // require "lossdbg.core" now finds this program's copy
**   luaL_dostring(L, "package.path = '/where/it/is/lua/?.lua;/where/it/is/lua/?/init.lua'");
**   luaL_dostring(L, "local ld = require 'lossdbg' ...");
**
** Memory     every byte comes from the state's own lua_Alloc, as userdata with the bytes inline. A
**            refused allocation is Lua's "not enough memory" error; nothing leaks, the state lives
**            on.
** Errors     functions marked [raises] may raise a Lua error: call them where lua_error may be
**            called (inside a protected call, or where your lua_atpanic handler is good enough).
** Threads    no mutable globals: any number of states on any number of threads, one thread per
**            state at a time. lossdbg starts no thread unless asked (lossdbg_setthreads,
**            ld.threads, or the environment variable LOSSDBG_THREADS where the script has
**            os.getenv); those block signals and end with lua_close. It installs no signal handler
**            and no atexit hook. A child made by fork computes on one thread until it asks anew.
** Processes  none are started unless a script asks for jobs = n. A worker is a fork that computes,
**            writes its result to a pipe and ends by _exit: no atexit handler, destructor or __gc
**            of the host's runs in it. It is killed and waited for when the call that started it
**            ends, by an error too; SIGCHLD and SIGPIPE are left as they are.
** OpenBLAS   its threads and its memory belong to the process. Its results depend on their number,
**            so opening the core sets it to one thread (an OpenBLAS built with OpenMP is left as it
**            is and takes one thread inside our products only); a host that then sets more with
**            openblas_set_num_threads gets other last bits. fork before the first use, or exec
**            after. It keeps a buffer of 128 MiB of address space (not memory) for each of its
**            threads and of ours, and without it would wait for ever: under a limit (ulimit -v,
**            RLIMIT_AS) opening the core raises where that much is not left, and fewer threads
**            start. 256 MiB are enough with OPENBLAS_NUM_THREADS=1, 512 MiB on two processors
**            without; what less does to OpenBLAS while it is loaded is beyond us.
** Libraries  the core needs no standard library at all; `require "lossdbg"` needs base, package,
**            table, string, math and coroutine. io, os and debug are optional: without io nothing
**            can read or write a file. Withhold debug from scripts that you do not trust.
** Linking    the module never links liblua: a program that loads it as a shared object must export
**            Lua's symbols (-Wl,-E); a program that links it in (build/liblossdbg.a) uses this
**            header.
*/
#ifndef LOSSDBG_H
#define LOSSDBG_H

#include <stddef.h>
#include <stdint.h>

#include <lua.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LOSSDBG_VERSION_MAJOR 0
#define LOSSDBG_VERSION_MINOR 1
#define LOSSDBG_VERSION_PATCH 0
#define LOSSDBG_VERSION "0.1.0"

#if defined(_WIN32)
#define LOSSDBG_API __declspec(dllexport)
#elif defined(__GNUC__)
#define LOSSDBG_API __attribute__((visibility("default")))
#else
#define LOSSDBG_API
#endif

/* Opens the core and leaves its table on the stack: the lua_CFunction behind
   `require "lossdbg.core"`. Without the package library:
   luaL_requiref(L, "lossdbg.core", luaopen_lossdbg_core, 0). [raises] */
LOSSDBG_API int luaopen_lossdbg_core(lua_State *L);

/* Makes `require "lossdbg.core"` find the copy that is linked into this program, before any file.
   To be called before or after the package library is opened; opens nothing by itself. Leaves the
   stack as it was. [raises: memory] */
LOSSDBG_API void lossdbg_preload(lua_State *L);

/* Asked now and then during long work, on the thread that runs the state: return 0 to go on,
   anything else to stop; the running call then raises "interrupted". It must not touch the state.
   progress is the share of the running call that is done, 0..1, or 0 when unknown. */
typedef int (*lossdbg_interrupt)(void *ud, double progress);

typedef struct lossdbg_limits {
  size_t struct_size; /* sizeof(lossdbg_limits), so that later versions can add fields */
  size_t max_bytes;   /* a tensor that would take the state's whole heap above this is refused with
                         an error; 0: no limit. Exact caps are the business of your lua_Alloc. */
  lossdbg_interrupt interrupt; /* may be NULL */
  void *ud;                    /* handed to interrupt; must outlive the state or the next setting */
  int max_threads;             /* scripts get no more of ld.threads(n); 0: no limit. Threads that
                                  run already stay. */
  int max_workers;             /* scripts get no more worker processes at a time (jobs = n); 0: no
                                    limit, -1: none. They are forks: a host with threads of its own
                                    says -1, unless all that they lock is safe to find locked. */
} lossdbg_limits;

/* Sets the limits of this state (all its coroutines); to be called before or after the core is
   opened, and again at any time. NULL removes them. Returns 0, or -1 when the structure comes from
   a newer version and uses fields that this one does not know; then nothing changes. [raises:
   memory] */
LOSSDBG_API int lossdbg_setlimits(lua_State *L, const lossdbg_limits *limits);

/* Gives this state n threads to compute with, its caller's own among them: 1 at the start, so that
   lossdbg starts no thread unless it is asked; results have the same bits for every n. The others
   sleep when there is nothing to do, block signals, and end with lua_close, or with n = 1. They are
   of use to one state only. Scripts can do the same by ld.threads(n). Returns how many there are
   now: fewer than n where the system or max_threads refuses them, 0 when n is not within 1..64 or
   the core is not open. [raises: memory; then nothing has changed] */
LOSSDBG_API int lossdbg_setthreads(lua_State *L, int n);

enum { LOSSDBG_F32, LOSSDBG_F64, LOSSDBG_I32 };
enum { LOSSDBG_MAX_RANK = 8 };

/* Pushes a new tensor of the given shape (rank 0: a scalar) with a copy of src, row-major; src ==
   NULL: zeros. The core must be open in this state. [raises: rank, shape or dtype that cannot be,
   memory] */
LOSSDBG_API void lossdbg_pushtensor(lua_State *L, int dtype, int rank, const int64_t *shape,
                                    const void *src);

/* A look at a tensor without a copy: element (i, j, ...) is data[i*stride[0] + j*stride[1] + ...],
   strides counted in elements (a transposed or sliced view is not contiguous). The bytes belong to
   Lua and stay valid and in place for as long as the tensor is reachable from the state. */
typedef struct lossdbg_view {
  size_t struct_size; /* set by the caller: sizeof(lossdbg_view) */
  const void *data;
  int dtype; /* LOSSDBG_F32, LOSSDBG_F64 or LOSSDBG_I32 */
  int rank;
  int64_t shape[LOSSDBG_MAX_RANK];
  int64_t stride[LOSSDBG_MAX_RANK];
} lossdbg_view;

/* Fills *out from the tensor at index idx and returns 1; returns 0, with *out untouched, when there
   is something else at idx, or when struct_size is not that of this version. Never raises. */
LOSSDBG_API int lossdbg_totensor(lua_State *L, int idx, lossdbg_view *out);

/* The version that was linked, "0.1.0"; LOSSDBG_VERSION is the one that was compiled against. */
LOSSDBG_API const char *lossdbg_version(void);

#ifdef __cplusplus
}
#endif

#endif
