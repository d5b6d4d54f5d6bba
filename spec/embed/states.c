/*
** Many states: one after the other, two at a time in one thread, one in each of several threads.
** Every one must give the result of the first, and return all its memory.
*/
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

enum { THREADS = 4, ROUNDS = 3, TEXT = 1024 };

#ifndef HOST_CYCLES
#define HOST_CYCLES 30
#endif

static const char training[] = "local run = ... or loadfile('spec/embed/scripts/train.lua')()\n"
                               "return run()";
/* An error whose value is raised while tensors are on the stack, and a tensor made while closing.
 */
static const char failing[] =
    "local ld = require 'lossdbg'\n"
    "local t = ld.ones({3, 4})\n"
    "setmetatable({}, {__gc = function() return ld.ones({8}):sum():item() end})\n"
    "return t:matmul(ld.ones({3, 4}))";

/* Two threads that go on until the state closes, used by finalizers that run before and after they
   have ended. */
static const char threaded[] = "local function late()\n"
                               "  return setmetatable({}, {__gc = function()\n"
                               "    local ld = require 'lossdbg'\n"
                               "    ld.threads(2)\n"
                               "    ld.ops.conv2d(ld.ones({9, 20, 20, 8}), ld.ones({3, 3, 8, 8}))\n"
                               "  end})\n"
                               "end\n"
                               "Early = late()\n"
                               "local text = loadfile('spec/embed/scripts/threads.lua')()(2)\n"
                               "Late = late()\n"
                               "return text";

static char expected[TEXT], expected_threaded[TEXT];

/* Opens a state, trains, provokes an error, trains again, closes; true when all went as it should.
 */
static bool cycle(char seen[TEXT]) {
  host_heap heap;
  char text[TEXT];
  lua_State *L = host_newstate(&heap);
  host_run(L, training, seen, TEXT);
  host_run(L, failing, text, TEXT);
  bool failed = strncmp(text, "error: ", 7) == 0 && strstr(text, "matmul") != NULL;
  host_run(L, training, text, TEXT);
  bool repeated = strcmp(text, seen) == 0;
  host_run(L, threaded, text, TEXT);
  bool shared = strcmp(text, expected_threaded) == 0;
  lua_close(L);
  if (!failed) snprintf(seen, TEXT, "no error where there should be one");
  if (!repeated) snprintf(seen, TEXT, "training again in the same state gave %.900s", text);
  if (!shared) snprintf(seen, TEXT, "on two threads: %.900s", text);
  if (heap.live != 0) snprintf(seen, TEXT, "%zu bytes live after lua_close", heap.live);
  return failed && repeated && shared && heap.live == 0 && strcmp(seen, expected) == 0;
}

typedef struct job {
  pthread_t thread;
  char seen[TEXT];
  bool ok;
} job;

static void *run_job(void *p) {
  job *j = p;
  j->ok = true;
  for (int i = 0; i < ROUNDS && j->ok; i++)
    j->ok = cycle(j->seen);
  return NULL;
}

static void in_threads(host_tally *t) {
  job jobs[THREADS];
  for (int i = 0; i < THREADS; i++)
    if (pthread_create(&jobs[i].thread, NULL, run_job, &jobs[i]) != 0) abort();
  for (int i = 0; i < THREADS; i++) {
    pthread_join(jobs[i].thread, NULL);
    host_check(t, jobs[i].ok, "a state in a thread of its own gives the same result", jobs[i].seen);
  }
}

/* Two states, each in a coroutine that is resumed in turn with the other. */
static void interleaved(host_tally *t) {
  static const char source[] = "local co = coroutine.wrap(function()\n"
                               "  local run = loadfile('spec/embed/scripts/train.lua')()\n"
                               "  return run(function() coroutine.yield() end)\n"
                               "end)\n"
                               "return function() return co() end";
  host_heap heaps[2];
  lua_State *L[2];
  char seen[2][TEXT] = {"", ""};
  for (int i = 0; i < 2; i++) {
    L[i] = host_newstate(&heaps[i]);
    if (luaL_dostring(L[i], source)) host_check(t, false, "a coroutine", lua_tostring(L[i], -1));
    lua_setglobal(L[i], "step");
  }
  for (bool done = false; !done;) {
    for (int i = 0; i < 2; i++) {
      host_run(L[i], "return step() or 'on'", seen[i], TEXT);
      if (strcmp(seen[i], "on") != 0) done = true;
    }
  }
  for (int i = 0; i < 2; i++) {
    host_check(t, strcmp(seen[i], expected) == 0, "interleaved states do not disturb each other",
               seen[i]);
    lua_close(L[i]);
    host_check(t, heaps[i].live == 0, "all memory returned", NULL);
  }
}

typedef struct moved {
  lua_State *L;
  char seen[TEXT];
} moved;

static void *run_there(void *p) {
  moved *m = p;
  host_run(m->L, "return loadfile('spec/embed/scripts/threads.lua')()(2)", m->seen, TEXT);
  return NULL;
}

/* A state with threads of its own, used by one thread after another and closed by a third; and one
   in a process that was forked from it. */
static void handed_over(host_tally *t) {
  host_heap heap;
  moved m = {.L = host_newstate(&heap)};
  run_there(&m);
  for (int i = 0; i < 3; i++) {
    pthread_t thread;
    host_check(t, strcmp(m.seen, expected_threaded) == 0, "a state on another thread", m.seen);
    if (pthread_create(&thread, NULL, run_there, &m) != 0) abort();
    pthread_join(thread, NULL);
  }
#if !defined(__SANITIZE_THREAD__) /* which allows a forked child no thread */
  pid_t child = fork();
  if (child == 0) {
    char text[TEXT];
    host_run(m.L, "return require('lossdbg').threads()", text, TEXT);
    bool alone = strcmp(text, "1") == 0;
    run_there(&m);
    bool same = strcmp(m.seen, expected_threaded) == 0;
    lua_close(m.L);
    _exit(alone && same && heap.live == 0 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  host_check(t, status == 0, "a forked child begins alone and can have threads of its own", NULL);
#endif
  lua_close(m.L);
  host_check(t, heap.live == 0, "all memory returned", NULL);
}

/* Threads of this process; 0 where the system does not tell. */
static int threads_here(void) {
  int n = 0;
  char line[256];
  FILE *f = fopen("/proc/self/status", "r");
  while (f && n == 0 && fgets(line, sizeof line, f))
    if (strncmp(line, "Threads:", 8) == 0) n = (int)strtol(line + 8, NULL, 10);
  if (f) fclose(f);
  return n;
}

/* Kilobytes in memory; 0 where the system does not tell. */
static long resident(void) {
  long total = 0, pages = 0;
  FILE *f = fopen("/proc/self/statm", "r");
  if (!f) return 0;
  if (fscanf(f, "%ld %ld", &total, &pages) != 2) pages = 0;
  fclose(f);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

int main(void) {
  host_tally t = {0, 0};
  host_heap heap;
  char seen[TEXT];
  lua_State *L = host_newstate(&heap);
  host_run(L, training, expected, TEXT);
  lua_close(L);
  host_check(&t, strncmp(expected, "error", 5) != 0, "training runs", expected);
  host_check(&t, heap.live == 0, "all memory returned", NULL);
  L = host_newstate(&heap);
  host_run(L, threaded, expected_threaded, TEXT);
  lua_close(L);
  host_check(&t, strstr(expected_threaded, "same same false true") != NULL,
             "two threads share work, and the result is that of one", expected_threaded);
  host_check(&t, heap.live == 0, "all memory returned", NULL);
  const int threads = threads_here();
  interleaved(&t);
  handed_over(&t);
  in_threads(&t);
  snprintf(seen, TEXT, "%d, then %d", threads, threads_here());
  host_check(&t, threads_here() == threads, "no thread outlives its state", seen);
  for (int i = 0; i < 3; i++) /* libc's heap finds its size */
    host_check(&t, cycle(seen), "a state after others", seen);
  long before = resident();
  for (int i = 0; i < HOST_CYCLES; i++)
    if (!host_check(&t, cycle(seen), "a state after many others", seen)) break;
  long grown = resident() - before;
  snprintf(seen, TEXT, "%ld kB more", grown);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) /* these keep freed blocks */
  host_check(&t, grown < 1024, "memory does not grow from state to state", seen);
#endif
  return host_verdict(&t, "states");
}
