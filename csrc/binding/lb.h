/*
** The binding's own interface. Only files in binding/ include lua.h.
** Order inside every function: check arguments -> create results -> call the core -> raise on
** failure. No lua_State is kept, no C memory is held across a Lua call: all memory is userdata with
** the bytes inline, so a longjmp leaks nothing.
*/
#ifndef LB_H
#define LB_H

#include <lauxlib.h>
#include <lua.h>

#include "base/status.h"
#include "base/team.h"
#include "base/view.h"
#include "graph/op.h"

#define LB_TENSOR "lossdbg.tensor"
#define LB_STORAGE "lossdbg.storage"
#define LB_NODE "lossdbg.node"

enum { LB_ALIGN = 64 };

/* Bytes inline, aligned by over-allocation. */
typedef struct lb_storage {
  size_t bytes;
  uint64_t version; /* counts in-place writes, so that backward can refuse stale inputs */
  unsigned char *data;
} lb_storage;

/* user values: 1 storage or the tensor that it is in (nil: this one), 2 node that made it (or nil),
   3 gradient (or nil) */
typedef struct lb_tensor {
  ldb_view view;
  lb_storage *storage; /* of user value 1; or right behind this struct, in the same memory */
  bool requires_grad;
  bool planned; /* a plan rests on requires_grad */
  bool passing; /* a gradient in a plan's arena, which its next replay writes: Lua gets a copy */
} lb_tensor;

/* Per-state context, a registry userdata. */
typedef struct lb_context {
  uint64_t sequence;          /* number of the last node */
  uint64_t visit;             /* mark of the last backward walk */
  uint64_t seed;              /* of ld.rand and ld.randn */
  uint64_t draws;             /* how many streams they used up */
  bool no_grad;               /* record nothing */
  bool check_finite;          /* anomaly mode: every op's result is scanned */
  struct lb_tape *tape;       /* a step is being captured; NULL: none */
  void (*born)(lua_State *L); /* then told of every new storage, on top of the stack */
  uint64_t stamp;             /* grows when what plans rest on was changed by its setters */
  uint64_t rates;             /* grows when a learning rate was set */
  uint64_t gradients;         /* grows when a tensor's gradient was set or found outside plans */
  uint64_t copies;            /* grows when a leaf got a copy of its passing gradient */
  uint64_t last_plan;         /* number of the plan that set gradients last */
  uint64_t plans;             /* number of the last plan made */
  ldb_team *team;             /* what ops compute with; never NULL once the core is open */
  size_t max_bytes;           /* 0: none; of the state's whole heap */
  int max_threads;            /* 0: no limit */
  int max_workers;            /* processes at a time; 0: no limit, below: none */
  int tensor_ref;             /* in the registry: metatables of tensor and storage */
  int storage_ref;
  const void *tensor_meta; /* what lua_topointer says of the tensor's */
  bool closing;            /* no thread may be started any more */
  int (*interrupt)(void *ud, double progress);
  void *interrupt_ud;
} lb_context;

lb_context *lb_getcontext(lua_State *L);
/* Pushes it: as an upvalue it is found sooner. */
void lb_pushcontext(lua_State *L);

/* Makes the metatables of storage and tensor and pushes the tensor's. */
void lb_newmetatables(lua_State *L);

/* Pushes a new contiguous tensor with uninitialised bytes. `where` names the function for messages.
 */
lb_tensor *lb_newtensor(lua_State *L, const char *where, ldb_dtype t, int rank,
                        const int64_t *shape);
/* The same with the context at hand; `lean`: a small one may hold its bytes itself, so that views
   of it hold all that it holds. Not for what a node is given to. */
lb_tensor *lb_newtensor_in(lua_State *L, const lb_context *c, const char *where, ldb_dtype t,
                           int rank, const int64_t *shape, bool lean);
/* Pushes what holds the bytes of the tensor at idx. */
void lb_pushowner(lua_State *L, int idx);
/* Pushes a tensor that shares the storage of the tensor at idx, seen as *v. */
lb_tensor *lb_pushview(lua_State *L, int idx, const ldb_view *v);
/* Pushes a tensor around the storage on top of the stack, which it consumes. */
lb_tensor *lb_wrapstorage(lua_State *L, const ldb_view *v);
/* Pushes anonymous aligned scratch of n bytes (a storage userdata) and returns its bytes. */
void *lb_pushscratch(lua_State *L, const char *where, size_t n);

/* Argument checks raise "where: argument 'name': expected ..., got ..."; dtype -1 accepts any. */
int lb_badargument(lua_State *L, int idx, const char *where, const char *name,
                   const char *expected);
lb_tensor *lb_checktensor(lua_State *L, int idx, const char *where, const char *name);
lb_tensor *lb_checkcontiguous(lua_State *L, int idx, const char *where, const char *name,
                              int dtype);
lb_tensor *lb_testtensor(lua_State *L, int idx); /* NULL when it is something else */
lb_tensor *lb_testtensor_in(lua_State *L, const lb_context *c, int idx);
double lb_checkfinite(lua_State *L, int idx, const char *where, const char *name);
int64_t lb_checkcount(lua_State *L, int idx, const char *where, const char *name); /* >= 0 */
uint64_t lb_checkseed(lua_State *L, int idx, const char *where, const char *name);

/* Raises "where: text". */
int lb_raise(lua_State *L, const char *where, const ldb_error *e);
/* Raises "interrupted" when the host's callback says so. */
void lb_poll(lua_State *L, const char *where);
/* Marks the storage as written, so that a later backward over old values is refused. */
void lb_touch(lb_tensor *t);

/* lb_team.c: makes the state's team, of one thread. */
void lb_newteam(lua_State *L);
/* Gives the state n threads, 1 <= n <= LDB_MAX_THREADS; returns how many it has now, and why where
   it is another number (else e->text is empty). [raises: memory; then nothing has changed] */
int lb_setthreads(lua_State *L, const char *where, int n, ldb_error *e);
int lb_core_threads(lua_State *L);     /* core.threads */
int lb_core_shared_runs(lua_State *L); /* core.shared_runs */

int lb_op_rows(lua_State *L); /* core.op_rows */

/* Each part pushes one table of functions; lb_core.c puts it under its name. */
int lb_open_tensor(lua_State *L);   /* core.tensor */
int lb_open_op(lua_State *L);       /* core.op      one function per row of the op table */
int lb_open_autograd(lua_State *L); /* core.autograd */
int lb_open_random(lua_State *L);   /* core.random */
int lb_open_train(lua_State *L);    /* core.train */
int lb_open_diagnose(lua_State *L); /* core.diagnose */
int lb_open_io(lua_State *L);       /* core.io */
int lb_open_plan(lua_State *L);     /* core.plan */
int lb_open_digest(lua_State *L);   /* core.digest */
int lb_open_process(lua_State *L);  /* core.process */
void lb_addbytes(lua_State *L);     /* lb_bytes.c adds its functions to the table on top */
void lb_addfile(lua_State *L);      /* lb_file.c does so too */
void lb_addevents(lua_State *L);    /* lb_event.c does so too */
void lb_addproto(lua_State *L);

#endif
