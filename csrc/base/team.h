/*
** A team: the threads that one Lua state may use, and the memory that each of them works in.
**
** Work is cut into tasks by sizes alone, never by the number of threads, and a task writes only
** what is its own: so results have the same bits whatever the number of threads. Sums over tasks
** are made by the caller in the order of the tasks.
**
** A team lives in memory of its caller and allocates nothing (the stacks of threads are libc's).
** It begins with the caller's own thread; more threads exist between ldb_team_start and
** ldb_team_stop, sleep while there is nothing to do, and never make the caller wait unless they
** hold a task. The address of a team never changes, so it may be kept.
**
** A team serves one thread at a time, and need not be the same thread each time. After fork() the
** child has a team of one.
*/
#ifndef LDB_TEAM_H
#define LDB_TEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { LDB_MAX_THREADS = 64 };

/* Bytes of workspace that every thread of a team has for the task at hand; what is in it does not
   outlive the task. */
enum { LDB_WORKSPACE = 1 << 20 };

typedef struct ldb_team ldb_team;

/* fn(arg, i, worker): task i, on the thread `worker`, 0 <= worker < ldb_team_size(t). It must not
   raise or longjmp. */
typedef void ldb_task_fn(void *arg, int64_t i, int worker);

/* Memory for a team of one thread, 64-byte aligned; it must stay until the team is stopped. */
size_t ldb_team_bytes(void);

/* Makes a team in that memory; its only thread is the caller's own. */
ldb_team *ldb_team_init(void *memory);

/* Memory for n - 1 more threads, 1 <= n <= LDB_MAX_THREADS, 64-byte aligned. */
size_t ldb_team_more_bytes(int n);

/* Stops the threads that the team had and starts n - 1 others with that memory, which must stay
   until the team is stopped or started anew. LDB_STATE where the system makes fewer threads: the
   team then has those, ldb_team_size tells how many, and *e why. Not to be called by a task. */
ldb_status ldb_team_start(ldb_team *t, int n, void *memory, ldb_error *e);

/* Back to the caller's own thread; the others have ended when it returns. For NULL it does
   nothing. */
void ldb_team_stop(ldb_team *t);

/* The threads of this team are those of another process, from which this one was forked: they do
   not exist here, and all runs stay on the caller's thread. ldb_team_stop forgets them. */
bool ldb_team_inherited(const ldb_team *t);

/* 1 for NULL: no team is a team of one without workspace. */
int ldb_team_size(const ldb_team *t);

/* LDB_WORKSPACE bytes, 64-byte aligned, of this worker; NULL without a team. */
void *ldb_team_workspace(ldb_team *t, int worker);

/* Runs fn(arg, i, worker) once for each i in 0..n-1 and returns when all are done. `cost` is the
   work of all tasks together in nanoseconds on one thread, roughly: what is not worth waking a
   thread for runs here, in order. Called by a task, it runs all in that task's thread, which then
   shares its workspace with the task. */
void ldb_team_run(ldb_team *t, int64_t n, double cost, ldb_task_fn *fn, void *arg);

/* Work from which runs are shared, in nanoseconds, instead of what was measured: specs set 0. A
   negative number brings back what was measured. */
void ldb_team_share_from(ldb_team *t, double cost);

/* How many runs were shared since the threads started. */
uint32_t ldb_team_shared(const ldb_team *t);

/* Processors that this process may use, as far as the system tells; at least 1, at most
   LDB_MAX_THREADS. */
int ldb_processors(void);

#endif
