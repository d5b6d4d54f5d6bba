/*
** Measured on two processors of a virtual machine (Zen 4, Linux 6.18), medians, team of two:
**   an empty run, worker watching / asleep             0.35 us / 5 us for the caller
**   the worker begins after it was woken               35 to 45 us later
**   4 tasks of 7.5 us                                  30.2 -> 15.8 us
**   16 tasks of 7.5 us, worker watching / asleep       120.5 -> 61.2 us / 121 -> 87 us
**   16 tasks of 155 us                                 2488 -> 1242 us
**   y = y / 2 + x, 256k floats, tasks of 4096          90.6 -> 48.2 us
**   to start it / to stop it                           150 us / 130 us
**   with another program busy on one of the two processors, means:
**     16 tasks of 11 us / 200 of them / 16 of 230 us   184 -> 126 / 2300 -> 1600 / 3720 -> 2710 us
** An idle worker watches for 60 us, then it sleeps; see make_room and lend_processor for what the
** system's scheduler would do to that.
*/
#if defined(__linux__)
#define _GNU_SOURCE /* sched_getaffinity */
#else
#define _POSIX_C_SOURCE 200809L
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE /* _SC_NPROCESSORS_ONLN */
#endif
#endif
#include "base/team.h"

#include <string.h>

#if defined(_WIN32) || defined(__wasi__) || defined(__STDC_NO_ATOMICS__) || \
    (defined(__EMSCRIPTEN__) && !defined(__EMSCRIPTEN_PTHREADS__))
#define ALONE 1 /* a system without POSIX threads: a team is its caller */
#endif

enum { LINE = 64 };

#ifndef ALONE
#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>
#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__linux__) && defined(CPU_COUNT)
#define PLACES 1 /* threads can be told where to run */
#endif

/* One run is announced by one store to `state`: its number, and which workers may join. A worker
   joins by adding itself while the run is open; the caller closes it when no task is left to take,
   and then waits only for those who joined. So a worker that wakes late, or never, costs nothing.
 */
enum { ACTIVE = 0xff, WANTED_SHIFT = 8, WANTED = 0xff, OPEN = 1 << 16, NUMBER_SHIFT = 32 };

static unsigned active_of(uint64_t state) {
  return (unsigned)(state & ACTIVE);
}
static unsigned wanted_of(uint64_t state) {
  return (unsigned)(state >> WANTED_SHIFT & WANTED);
}
static uint32_t number_of(uint64_t state) {
  return (uint32_t)(state >> NUMBER_SHIFT);
}

/* Tasks that a worker begins with; others take what it leaves. On a cache line of its own. */
typedef struct share {
  _Alignas(LINE) atomic_llong next;
  int64_t end;
} share;

typedef struct member {
  _Alignas(LINE) ldb_team *team;
  int id;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t wake;
  atomic_bool asleep, joined;
} member;

struct ldb_team {
  _Alignas(LINE) _Atomic uint64_t state;
  _Alignas(LINE) int size;
  bool running;
  double share_from, wake_from; /* nanoseconds of work */
  long long spin;               /* nanoseconds that a thread watches before it sleeps */
  pid_t process;
#ifdef PLACES
  cpu_set_t processors; /* that the caller might use when the team was started */
#endif
  unsigned char *workspace, *more;
  member *workers; /* [0] is worker 1 */
  /* the run: written before it is announced, read by those who joined */
  ldb_task_fn *fn;
  void *arg;
  int shares;
  int64_t step;
  int processor; /* the caller's, when it announced the run */
  fenv_t environment;
  /* the caller waits for those who joined */
  pthread_mutex_t lock;
  pthread_cond_t done;
  atomic_bool waiting, quit;
  share share[LDB_MAX_THREADS];
};
#else
struct ldb_team {
  unsigned char *workspace;
};
#endif

static void *align(void *p) {
  return (void *)(((uintptr_t)p + LINE - 1) & ~(uintptr_t)(LINE - 1));
}

size_t ldb_team_bytes(void) {
  return sizeof(ldb_team) + LINE + LDB_WORKSPACE;
}

ldb_team *ldb_team_init(void *memory) {
  ldb_team *t = memory;
  memset(t, 0, sizeof *t);
  t->workspace = align(t + 1);
#ifndef ALONE
  t->size = 1;
  ldb_team_share_from(t, -1);
#endif
  return t;
}

static void run_here(int64_t n, ldb_task_fn *fn, void *arg, int worker) {
  for (int64_t i = 0; i < n; i++)
    fn(arg, i, worker);
}

#ifdef ALONE

size_t ldb_team_more_bytes(int n) {
  (void)n;
  return 0;
}

ldb_status ldb_team_start(ldb_team *t, int n, void *memory, ldb_error *e) {
  (void)t;
  (void)memory;
  return n == 1 ? LDB_OK : ldb_fail(e, LDB_STATE, "this system has no POSIX threads");
}

void ldb_team_stop(ldb_team *t) {
  (void)t;
}

int ldb_team_size(const ldb_team *t) {
  (void)t;
  return 1;
}

bool ldb_team_inherited(const ldb_team *t) {
  (void)t;
  return false;
}

void *ldb_team_workspace(ldb_team *t, int worker) {
  (void)worker;
  return t ? t->workspace : NULL;
}

void ldb_team_share_from(ldb_team *t, double cost) {
  (void)t;
  (void)cost;
}

uint32_t ldb_team_shared(const ldb_team *t) {
  (void)t;
  return 0;
}

void ldb_team_run(ldb_team *t, int64_t n, double cost, ldb_task_fn *fn, void *arg) {
  (void)t;
  (void)cost;
  run_here(n, fn, arg, 0);
}

int ldb_processors(void) {
  return 1;
}

#else

/* What is cheaper than this on one thread stays there: with a worker that still watches, and with
   one that sleeps and has to be woken. */
static const double worth_sharing = 15e3, worth_waking = 60e3;

/* How long a worker watches for the next run of the step before it sleeps, and how long the caller
   watches for the last task before it does. */
static const long long watch_ns = 60000;

/* Tasks are taken in blocks of about this much work, so that taking them costs nothing. */
static const double block_ns = 1e3;

/* Stack of a worker: what tasks need beyond it is in the workspace. */
enum { STACK = 1 << 20 };

static long long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
  for (int i = 0; i < 8; i++)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
  for (int i = 0; i < 8; i++)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* ---- tasks ------------------------------------------------------------------------------- */

/* Takes tasks from its own share, then from those of the others; returns how many blocks. */
static int64_t take_tasks(ldb_team *t, int id) {
  ldb_task_fn *const fn = t->fn;
  void *const arg = t->arg;
  const int64_t step = t->step;
  int64_t blocks = 0;
  for (int k = 0; k < t->shares; k++) {
    share *s = &t->share[(id + k) % t->shares];
    for (;;) {
      if (atomic_load_explicit(&s->next, memory_order_relaxed) >= s->end) break;
      int64_t i = atomic_fetch_add_explicit(&s->next, step, memory_order_relaxed);
      int64_t end = s->end - i < step ? s->end : i + step;
      if (i >= s->end) break;
      for (; i < end; i++)
        fn(arg, i, id);
      blocks++;
    }
  }
  return blocks;
}

/* ---- workers ----------------------------------------------------------------------------- */

/* Waits for a run that is not number `seen` and in which this worker is wanted. */
static uint64_t await_run(member *w, uint32_t seen) {
  ldb_team *t = w->team;
  long long until = t->spin > 0 ? now_ns() + t->spin : 0;
  for (int i = 1; t->spin > 0; i++) {
    uint64_t s = atomic_load_explicit(&t->state, memory_order_acquire);
    if (number_of(s) != seen) return s;
    pause_briefly();
    if (i % 16 == 0 && now_ns() >= until) break;
  }
  pthread_mutex_lock(&w->lock);
  atomic_store(&w->asleep, true);
  uint64_t s;
  while (number_of(s = atomic_load(&t->state)) == seen && !atomic_load(&t->quit))
    pthread_cond_wait(&w->wake, &w->lock);
  atomic_store(&w->asleep, false);
  pthread_mutex_unlock(&w->lock);
  return s;
}

/* Linux likes to wake a thread on the processor of the one that wakes it, above all in a virtual
   machine, where an idle processor looks absent. There it would only push the caller aside. So a
   worker that finds itself there leaves that processor to the caller, for good or until the caller
   has moved to where the worker is. */
static void make_room(const ldb_team *t) {
#ifdef PLACES
  cpu_set_t set = t->processors;
  CPU_CLR((size_t)t->processor, &set);
  if (CPU_COUNT(&set) > 0) sched_setaffinity(0, sizeof set, &set);
#else
  (void)t;
#endif
}

static int processor_here(void) {
#ifdef PLACES
  return sched_getcpu();
#else
  return -1;
#endif
}

/* Adds this worker to the run that it saw, if that is still open. */
static bool join_run(member *w, uint64_t s) {
  const uint32_t number = number_of(s);
  while (number_of(s) == number && (s & OPEN) && wanted_of(s) >= (unsigned)w->id)
    if (atomic_compare_exchange_weak_explicit(&w->team->state, &s, s + 1, memory_order_acquire,
                                              memory_order_acquire))
      return true;
  return false;
}

static void leave_run(ldb_team *t) {
  uint64_t before = atomic_fetch_sub(&t->state, 1);
  if (active_of(before) > 1 || (before & OPEN) || !atomic_load(&t->waiting)) return;
  pthread_mutex_lock(&t->lock);
  pthread_cond_signal(&t->done);
  pthread_mutex_unlock(&t->lock);
}

static void *work(void *p) {
  member *w = p;
  ldb_team *t = w->team;
  uint32_t seen = 0;
  while (!atomic_load(&t->quit)) {
    uint64_t s = await_run(w, seen);
    seen = number_of(s);
    if (!join_run(w, s)) continue;
    if (t->spin > 0 && t->processor >= 0 && t->processor == processor_here()) make_room(t);
    fesetenv(&t->environment); /* rounding and denormals as the caller has them */
    atomic_store_explicit(&w->joined, true, memory_order_relaxed);
    take_tasks(t, w->id);
    atomic_store_explicit(&w->joined, false, memory_order_relaxed);
    leave_run(t);
  }
  return NULL;
}

/* ---- runs -------------------------------------------------------------------------------- */

int ldb_team_size(const ldb_team *t) {
  return t ? t->size : 1;
}

void *ldb_team_workspace(ldb_team *t, int worker) {
  if (!t) return NULL;
  return worker == 0 ? t->workspace : t->more + (size_t)(worker - 1) * LDB_WORKSPACE;
}

/* The worker that the calling thread is; 0 for the caller's own thread. */
static int worker_here(const ldb_team *t) {
  for (int i = 1; i < t->size; i++)
    if (pthread_equal(t->workers[i - 1].thread, pthread_self())) return i;
  return 0;
}

static void announce(ldb_team *t, int64_t n, double cost, int helpers) {
  t->shares = helpers + 1;
  const double blocks = (double)n * block_ns / cost, most = (double)n / (8.0 * t->shares);
  t->step = blocks < 1 || most < 1 ? 1 : (int64_t)(blocks < most ? blocks : most);
  for (int i = 0; i < t->shares; i++) {
    int64_t q = n / t->shares, r = n % t->shares;
    atomic_store_explicit(&t->share[i].next, i * q + (i < r ? i : r), memory_order_relaxed);
    t->share[i].end = (i + 1) * q + (i + 1 < r ? i + 1 : r);
  }
  t->processor = processor_here();
  fegetenv(&t->environment);
  uint64_t number = number_of(atomic_load_explicit(&t->state, memory_order_relaxed)) + 1;
  atomic_store(&t->state,
               number << NUMBER_SHIFT | OPEN | (uint64_t)(unsigned)helpers << WANTED_SHIFT);
  for (int i = 0; i < helpers; i++) {
    member *w = &t->workers[i];
    if (!atomic_load(&w->asleep)) continue;
    pthread_mutex_lock(&w->lock);
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
  }
}

/* The other processor may have been given to another program in the middle of a task, and may not
   come back for milliseconds. The one that waits has nothing to do: its own processor runs that
   task. One is enough: with more to wait for, it is no better here than there. */
static void lend_processor(ldb_team *t) {
#ifdef PLACES
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET((size_t)processor_here(), &here);
  for (int i = 0; i < t->size - 1; i++) {
    if (!atomic_load_explicit(&t->workers[i].joined, memory_order_relaxed)) continue;
    pthread_setaffinity_np(t->workers[i].thread, sizeof here, &here);
    return;
  }
#else
  (void)t;
#endif
}

static void sleep_until_done(ldb_team *t, long long until) {
  bool lent = t->spin == 0;
  struct timespec limit = {(time_t)(until / 1000000000), (long)(until % 1000000000)};
  pthread_mutex_lock(&t->lock);
  atomic_store(&t->waiting, true);
  while (active_of(atomic_load(&t->state)) != 0) {
#ifdef PLACES
    if (!lent) {
      if (pthread_cond_timedwait(&t->done, &t->lock, &limit) == 0) continue;
      lend_processor(t);
      lent = true;
      continue;
    }
#endif
    pthread_cond_wait(&t->done, &t->lock);
  }
  atomic_store(&t->waiting, false);
  pthread_mutex_unlock(&t->lock);
  (void)limit;
  (void)lent;
}

/* block: nanoseconds that a block of tasks took here, so that one there has had time enough. */
static void await_others(ldb_team *t, long long block) {
  uint64_t s = atomic_fetch_and(&t->state, ~(uint64_t)OPEN);
  if (active_of(s) == 0) return;
  const long long start = now_ns();
  for (int i = 1; t->spin > 0; i++) {
    if (active_of(atomic_load_explicit(&t->state, memory_order_acquire)) == 0) return;
    pause_briefly();
    if (i % 16 == 0 && now_ns() - start >= t->spin) break;
  }
  sleep_until_done(t, start + t->spin + 2 * block);
}

void ldb_team_share_from(ldb_team *t, double cost) {
  t->share_from = cost < 0 ? worth_sharing : cost;
  t->wake_from = cost < 0 ? worth_waking : cost;
}

uint32_t ldb_team_shared(const ldb_team *t) {
  return t && t->size > 1 ? number_of(atomic_load_explicit(&t->state, memory_order_relaxed)) : 0;
}

/* How many workers this run is worth. */
static int helpers_for(const ldb_team *t, int64_t n, double cost) {
  if (n < 2 || !(cost >= t->share_from)) return 0;
  int64_t most = t->size - 1 < n - 1 ? t->size - 1 : n - 1;
  if (2 * cost < t->share_from * (double)(most + 1)) most = (int64_t)(2 * cost / t->share_from) - 1;
  if (cost < t->wake_from)
    while (most > 0 && atomic_load_explicit(&t->workers[most - 1].asleep, memory_order_relaxed))
      most--;
  return (int)most;
}

void ldb_team_run(ldb_team *t, int64_t n, double cost, ldb_task_fn *fn, void *arg) {
  if (!t || t->size == 1) {
    run_here(n, fn, arg, 0);
    return;
  }
  if (t->running) {
    run_here(n, fn, arg, worker_here(t));
    return;
  }
  int helpers = helpers_for(t, n, cost);
  if (helpers == 0 || getpid() != t->process) {
    run_here(n, fn, arg, 0);
    return;
  }
  t->running = true;
  t->fn = fn;
  t->arg = arg;
  const long long start = now_ns();
  announce(t, n, cost, helpers);
  const int64_t blocks = take_tasks(t, 0);
  await_others(t, (now_ns() - start) / (blocks + 1));
  t->running = false;
}

/* ---- start and stop ---------------------------------------------------------------------- */

size_t ldb_team_more_bytes(int n) {
  return (size_t)(n - 1) * (sizeof(member) + LDB_WORKSPACE);
}

/* Signals are for the host's threads, faults excepted: those belong to who makes them. */
static void block_signals(sigset_t *before) {
  static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  sigset_t all;
  sigfillset(&all);
  for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
    sigdelset(&all, faults[i]);
  pthread_sigmask(SIG_SETMASK, &all, before);
}

static int start_worker(ldb_team *t, member *w, int id) {
  memset(w, 0, sizeof *w);
  w->team = t;
  w->id = id;
  pthread_mutex_init(&w->lock, NULL);
  pthread_cond_init(&w->wake, NULL);
  pthread_attr_t attributes;
  int rc = pthread_attr_init(&attributes);
  if (rc == 0) {
    pthread_attr_setstacksize(&attributes, STACK);
    rc = pthread_create(&w->thread, &attributes, work, w);
    pthread_attr_destroy(&attributes);
  }
  if (rc == 0) return 0;
  pthread_cond_destroy(&w->wake);
  pthread_mutex_destroy(&w->lock);
  return rc;
}

ldb_status ldb_team_start(ldb_team *t, int n, void *memory, ldb_error *e) {
  int rc = 0, processors = ldb_processors();
  ldb_team_stop(t);
  if (n < 2) return LDB_OK;
  t->more = memory;
  t->workers = (member *)(void *)(t->more + (size_t)(n - 1) * LDB_WORKSPACE);
  t->process = getpid();
  /* With more threads than processors to run them, watching only keeps others from working. */
  t->spin = n <= processors ? watch_ns : 0;
#ifdef PLACES
  if (sched_getaffinity(0, sizeof t->processors, &t->processors) != 0) CPU_ZERO(&t->processors);
#endif
  atomic_store(&t->state, 0);
  atomic_store(&t->quit, false);
  pthread_mutex_init(&t->lock, NULL);
  pthread_condattr_t attributes;
  pthread_condattr_init(&attributes);
#ifdef PLACES
  pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
#endif
  pthread_cond_init(&t->done, &attributes);
  pthread_condattr_destroy(&attributes);
  sigset_t before;
  block_signals(&before);
  int size = 1;
  while (size < n && (rc = start_worker(t, &t->workers[size - 1], size)) == 0)
    size++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  t->size = size;
  if (rc == 0) return LDB_OK;
  if (size == 1) ldb_team_stop(t);
  return ldb_fail(e, LDB_STATE, "%d threads wanted, the system makes no more than %d (error %d)", n,
                  size, rc);
}

bool ldb_team_inherited(const ldb_team *t) {
  return t->process != 0 && t->process != getpid();
}

void ldb_team_stop(ldb_team *t) {
  if (!t || t->process == 0) return;
  if (getpid() == t->process) {
    atomic_store(&t->quit, true);
    for (int i = 0; i < t->size - 1; i++) {
      member *w = &t->workers[i];
      pthread_mutex_lock(&w->lock);
      pthread_cond_signal(&w->wake);
      pthread_mutex_unlock(&w->lock);
      pthread_join(w->thread, NULL);
      pthread_cond_destroy(&w->wake);
      pthread_mutex_destroy(&w->lock);
    }
    pthread_cond_destroy(&t->done);
    pthread_mutex_destroy(&t->lock);
  }
  t->size = 1;
  t->process = 0;
}

int ldb_processors(void) {
  long n = 0;
#ifdef PLACES
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) n = CPU_COUNT(&set);
#endif
#if defined(_SC_NPROCESSORS_ONLN)
  if (n < 1) n = sysconf(_SC_NPROCESSORS_ONLN);
#endif
  return n < 1 ? 1 : n > LDB_MAX_THREADS ? LDB_MAX_THREADS : (int)n;
}

#endif
