/*
** Many states: one after the other, two at a time in one thread, one in each of several threads.
** Every one must give the result of the first, and return all its memory.
*/
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
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

static char expected[TEXT];

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
  lua_close(L);
  if (!failed) snprintf(seen, TEXT, "no error where there should be one");
  if (!repeated) snprintf(seen, TEXT, "training again in the same state gave %.900s", text);
  if (heap.live != 0) snprintf(seen, TEXT, "%zu bytes live after lua_close", heap.live);
  return failed && repeated && heap.live == 0 && strcmp(seen, expected) == 0;
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
  interleaved(&t);
  in_threads(&t);
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
