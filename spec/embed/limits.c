/*
** Limits that a host sets: a cap on the bytes of tensors, a callback that stops the work, and
** structures of other versions. A state that was stopped goes on as if nothing had been.
*/
#define _DEFAULT_SOURCE 1
#include "host.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { TEXT = 1024 };

static host_tally tally;

static void check(bool ok, const char *what, const char *seen) {
  host_check(&tally, ok, what, seen);
}

static int count_down(void *ud, double progress) {
  (void)progress;
  int *left = ud;
  return (*left)-- <= 0;
}

static void memory(lua_State *L) {
  char text[TEXT];
  lossdbg_limits limits = {.struct_size = sizeof limits, .max_bytes = (size_t)16 << 20};
  check(lossdbg_setlimits(L, &limits) == 0, "limits are taken", NULL);
  host_run(L, "return ld.zeros({1024, 1024}).numel", text, TEXT);
  check(strcmp(text, "1048576") == 0, "4 MiB fit under 16 MiB", text);
  host_run(L, "return ld.zeros({2048, 2048, 2}).numel", text, TEXT);
  check(strstr(text, "memory limit") != NULL, "32 MiB do not", text);
  host_run(
      L, "local n = 0 for i = 1, 100 do n = n + ld.zeros({512, 1024}):at(1, 1).numel end return n",
      text, TEXT);
  check(strncmp(text, "error", 5) != 0, "temporaries are collected before the limit is reached",
        text);
  check(lossdbg_setlimits(L, NULL) == 0, "limits are removed", NULL);
  host_run(L, "return ld.zeros({2048, 2048, 2}).numel", text, TEXT);
  check(strcmp(text, "8388608") == 0, "without a limit 32 MiB fit", text);
}

static void interrupt(lua_State *L) {
  char text[TEXT], clean[TEXT];
  static const char training[] = "return loadfile('spec/embed/scripts/train.lua')()()";
  int left = 1 << 30;
  lossdbg_limits limits = {.struct_size = sizeof limits, .interrupt = count_down, .ud = &left};
  host_run(L, training, clean, TEXT);
  check(strncmp(clean, "error", 5) != 0, "training runs", clean);
  check(lossdbg_setlimits(L, &limits) == 0, "a callback is taken", NULL);
  host_run(L, training, text, TEXT);
  int polls = (1 << 30) - left;
  check(strcmp(text, clean) == 0, "a callback that says go on changes nothing", text);
  check(polls > 10, "it is asked often", NULL);
  for (int at = 0; at < polls; at += polls / 20 + 1) {
    left = at;
    host_run(L, training, text, TEXT);
    check(strstr(text, "interrupted") != NULL, "work stops when the host says so", text);
    left = 0; /* stays set: even a pcall loop in the script ends, each call raises at once */
    host_run(L,
             "local n = 0 repeat local ok = pcall(ld.ones({2}).sum, ld.ones({2})) n = n + 1\n"
             "until not ok or n > 10 return n",
             text, TEXT);
    check(strcmp(text, "11") != 0, "a script cannot go on by catching the error", text);
    left = 1 << 30;
    host_run(L, training, text, TEXT);
    check(strcmp(text, clean) == 0, "and later the state works as before", text);
  }
  lossdbg_setlimits(L, NULL);
}

static void threads(lua_State *L) {
  char text[TEXT];
  lossdbg_limits limits = {.struct_size = sizeof limits, .max_threads = 2};
  host_run(L, "return ld.threads()", text, TEXT);
  check(strcmp(text, "1") == 0, "one thread unless asked", text);
  check(lossdbg_setthreads(L, 3) == 3, "a host asks for three", NULL);
  host_run(L, "return ld.threads()", text, TEXT);
  check(strcmp(text, "3") == 0, "and has three", text);
  check(lossdbg_setlimits(L, &limits) == 0, "a limit of threads", NULL);
  host_run(L, "local n, why = ld.threads(4) return n .. ' ' .. why", text, TEXT);
  check(strcmp(text, "2 4 threads wanted, this program allows 2") == 0, "scripts get two", text);
  host_run(L, "return select('#', ld.threads(1)) .. ld.threads(2)", text, TEXT);
  check(strcmp(text, "12") == 0, "which they may ask for", text);
  check(lossdbg_setthreads(L, 0) == 0 && lossdbg_setthreads(L, -1) == 0 &&
            lossdbg_setthreads(L, 65) == 0,
        "what is no number of threads is refused", NULL);
  check(lossdbg_setthreads(L, 2) == 2 && lua_gettop(L) == 0, "and changes nothing", NULL);
  limits.max_threads = 0;
  limits.max_bytes = (size_t)4 << 20;
  lossdbg_setlimits(L, &limits);
  host_run(L, "return ld.threads(64)", text, TEXT);
  check(strstr(text, "memory limit") != NULL, "their workspaces count as memory", text);
  host_run(L, "return ld.threads()", text, TEXT);
  check(strcmp(text, "2") == 0, "refused, it leaves those that there were", text);
  lossdbg_setlimits(L, NULL);
}

static int *exits; /* of this process and of its forks */

static void at_exit(void) {
  (*exits)++;
}

static void worker_processes(lua_State *L) {
  static const char two[] = "local workers = require 'lossdbg.support.workers'\n"
                            "local ok, results = pcall(function()\n"
                            "  workers.check('here', 2)\n"
                            "  return workers.map(4, function(i) return i * i end, { jobs = 2 })\n"
                            "end)\n"
                            "return ok and results[1].value + results[4].value or results";
  char text[TEXT];
  lossdbg_limits limits = {.struct_size = sizeof limits, .max_workers = -1};
  exits = mmap(NULL, sizeof *exits, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (exits == MAP_FAILED) abort();
  atexit(at_exit);
  host_run(L, two, text, TEXT);
  check(strncmp(text, "17", 2) == 0, "worker processes of a host that says nothing", text);
  check(waitpid(-1, NULL, WNOHANG) == -1, "which leave no child", NULL);
  lossdbg_setlimits(L, &limits);
  host_run(L, two, text, TEXT);
  check(strstr(text, "this program allows no worker processes") != NULL, "forbidden", text);
  limits.max_workers = 1;
  lossdbg_setlimits(L, &limits);
  host_run(L, two, text, TEXT);
  check(strstr(text, "argument 'jobs': expected at most 1, got 2") != NULL, "limited", text);
  lossdbg_setlimits(L, NULL);
  signal(SIGCHLD, SIG_IGN); /* a host that lets the system wait for its children */
  host_run(L, two, text, TEXT);
  signal(SIGCHLD, SIG_DFL);
  check(strncmp(text, "17", 2) == 0, "in a host that ignores SIGCHLD", text);
  check(*exits == 0, "no handler of the host ran in a worker", NULL);
}

static void versions(lua_State *L) {
  struct {
    lossdbg_limits known;
    size_t later;
  } newer;
  memset(&newer, 0, sizeof newer);
  newer.known.struct_size = sizeof newer;
  check(lossdbg_setlimits(L, &newer.known) == 0, "a newer structure with unused fields", NULL);
  newer.later = 1;
  check(lossdbg_setlimits(L, &newer.known) == -1, "a newer structure with used fields", NULL);
  newer.known.struct_size = 4;
  check(lossdbg_setlimits(L, &newer.known) == -1, "a structure cut short", NULL);
  check(lua_gettop(L) == 0, "the stack is as it was", NULL);
}

int main(void) {
  host_heap heap;
  char text[TEXT];
  lua_State *L = host_newstate(&heap);
  host_run(L, "ld = require 'lossdbg' return 'on'", text, TEXT);
  check(strcmp(text, "on") == 0, "require 'lossdbg'", text);
  versions(L);
  memory(L);
  interrupt(L);
  threads(L);
  worker_processes(L);
  lua_close(L);
  check(heap.live == 0, "all memory returned", NULL);
  return host_verdict(&tally, "limits");
}
