/*
** A team: the threads that one Lua state may use, and the memory that each of them works in.
**
** Work is cut into tasks by sizes alone, never by the number of threads, and a task writes only
*what
** is its own: so results have the same bits whatever the number of threads. Sums over tasks are
*made
** by the caller in the order of the tasks.
**
** A team lives in memory of its caller and allocates nothing; its threads exist between
** ldb_team_start and ldb_team_stop.
*/
#ifndef LDB_TEAM_H
#define LDB_TEAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LDB_MAX_THREADS = 64 };

/* Bytes of workspace that every thread of a team has for the task at hand; what is in it does not
   outlive the task. */
enum { LDB_WORKSPACE = 1 << 20 };

typedef struct ldb_team ldb_team;

/* fn(arg, i, worker): task i, on the thread `worker`, 0 <= worker < ldb_team_size(t). */
typedef void ldb_task_fn(void *arg, int64_t i, int worker);

/* Memory for a team of n threads, 1 <= n <= LDB_MAX_THREADS, 64-byte aligned. */
size_t ldb_team_bytes(int n);

/* Makes a team in that memory; its first thread is the caller's own. */
ldb_team *ldb_team_init(void *memory, int n);

/* 1 for NULL: no team is a team of one without workspace. */
int ldb_team_size(const ldb_team *t);

/* LDB_WORKSPACE bytes, 64-byte aligned, of this worker; NULL without a team. */
void *ldb_team_workspace(ldb_team *t, int worker);

/* Runs fn(arg, i, worker) once for each i in 0..n-1 and returns when all are done. `cost` is the
   work of all tasks together in nanoseconds on one thread, roughly: what is not worth waking a
   thread for runs here, in order. A task may not call this function. */
void ldb_team_run(ldb_team *t, int64_t n, double cost, ldb_task_fn *fn, void *arg);

#endif
