/*
** Worker processes: a copy of this process (fork) that computes one thing and sends it back through
** a pipe. It sees all that its parent had, changes nothing there, and ends without the handlers and
** destructors of the host. Where there is no fork, nothing can be started.
*/
#ifndef LDB_BASE_PROCESS_H
#define LDB_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum { LDB_MAX_WORKERS = 64 };

typedef enum ldb_end { LDB_RUNS, LDB_EXITED, LDB_SIGNALLED, LDB_UNKNOWN } ldb_end;

typedef struct ldb_process {
  long long pid;   /* 0: never started */
  long long owner; /* who started it: a copy of this struct in another worker is not its parent */
  int fd;          /* where its bytes arrive; -1: closed */
  ldb_end end;     /* once it was waited for */
  int code;        /* exit status or signal */
} ldb_process;

/* Whether this system can start any. */
bool ldb_process_possible(void);

/* Starts a worker. In the parent *out becomes -1; in the worker it is where its result goes, and
   ldb_process_end must be called. Ctrl-C is the parent's business: the worker ignores it; on Linux
   it is killed when its parent dies. */
ldb_status ldb_process_start(ldb_process *p, int *out, ldb_error *e);

/* Ends the worker that this is, with its result. What it printed is written out. */
_Noreturn void ldb_process_end(int out, const void *bytes, size_t n, int code);

/* Reads what has arrived: how many bytes, 0 when there is nothing yet, -1 at the end. */
long long ldb_process_read(ldb_process *p, void *to, size_t n);

/* Waits until bytes arrive from one of them, or a signal here, at most for milliseconds. */
void ldb_process_await(const ldb_process *const *list, int n, int milliseconds);

/* Waits for the end of a worker and leaves nothing of it behind. */
void ldb_process_reap(ldb_process *p);

/* The same, at once. */
void ldb_process_kill(ldb_process *p);

/* Closes what a worker has inherited of another one. */
void ldb_process_forget(ldb_process *p);

#endif
