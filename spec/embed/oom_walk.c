/*
** Every allocation of real scripts is refused in turn: once, from then on, and by a limit on live
** bytes. Whatever is refused, the script must end with the result of a clean run or with "not
** enough memory"; the same state must then run it cleanly; and closing must return every byte.
**
** The state is made once for each script; each point is a child process that inherits it, so that
** all children see the same heap and the same numbering. Where a script has more allocations than
** the time allows, every k-th is taken, and k is printed; OOM_SECONDS=0 takes all of them.
*/
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

enum { TEXT = 8192, LANES = 2, MOST_REPORTS = 5 };
enum { SAME = 10, REFUSED = 11, OTHER_RESULT = 12, NOT_REPEATABLE = 13, LEAK = 14, NO_STATE = 15 };

/* Written by one child at a time, read by the parent: shared memory. */
typedef struct outcome {
  long growths, refused;
  size_t base, peak;
  double seconds;
  char text[TEXT];
} outcome;

typedef enum mode { ONCE, FROM_THEN_ON, BY_LIMIT, MODES } mode;
static const char *const mode_names[] = {"once", "from then on", "by limit"};

typedef struct walk {
  const char *name;
  lua_State *L; /* NULL: each child makes its own, and the script is the making */
  host_heap heap;
  outcome *clean;
  long points, same, refused, bad;
} walk;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The script is a function in the registry, so that only its own work is walked through. */
static int run_script(lua_State *L) {
  lua_getfield(L, LUA_REGISTRYINDEX, "host.script");
  lua_call(L, 0, 1);
  luaL_tolstring(L, -1, NULL);
  return 1;
}

static int load_all(lua_State *L) {
  host_setup(L);
  int bad = luaL_dostring(L, "local ld = require 'lossdbg'\n"
                             "return tostring(ld.tensor{1, 2}:sum():item())");
  if (bad) lua_error(L);
  return 1;
}

/* Runs f and leaves its text, or the error's, in text; true without an error. */
static bool attempt(lua_State *L, lua_CFunction f, char *text) {
  lua_settop(L, 0);
  lua_pushcfunction(L, f); /* a C function without upvalues: takes no memory */
  bool ok = lua_pcall(L, 0, 1, 0) == LUA_OK;
  const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1);
  snprintf(text, TEXT, "%s", s);
  return ok;
}

static bool is_memory_error(const char *text) {
  return strstr(text, "not enough memory") != NULL || strstr(text, "memory limit") != NULL;
}

static int judge(walk *w, lua_State *L, lua_CFunction f, outcome *o) {
  host_heap *h = &w->heap;
  h->growths = h->refused = 0;
  bool ok = attempt(L, f, o->text);
  o->growths = h->growths;
  o->refused = h->refused;
  o->peak = h->peak;
  h->fail_at = 0;
  h->limit = 0;
  int verdict = ok && strcmp(o->text, w->clean->text) == 0 ? SAME
                : !ok && is_memory_error(o->text)          ? REFUSED
                                                           : OTHER_RESULT;
  static char again[TEXT];
  if (verdict != OTHER_RESULT && (!attempt(L, f, again) || strcmp(again, w->clean->text) != 0)) {
    memcpy(o->text, again, TEXT);
    verdict = NOT_REPEATABLE;
  }
  lua_close(L);
  if (verdict != OTHER_RESULT && h->live != 0) {
    snprintf(o->text, TEXT, "%zu bytes live after lua_close", h->live);
    verdict = LEAK;
  }
  return verdict;
}

static int child(walk *w, outcome *o) {
  if (w->L) return judge(w, w->L, run_script, o);
  lua_State *L = lua_newstate(host_alloc, &w->heap);
  if (!L) return w->heap.live == 0 ? NO_STATE : LEAK;
  return judge(w, L, load_all, o);
}

/* The clean run, in a child too: its result and its numbers of allocations and bytes. */
static bool measure(walk *w) {
  w->clean->text[0] = '\0';
  pid_t pid = fork();
  if (pid == 0) {
    lua_State *L = w->L ? w->L : lua_newstate(host_alloc, &w->heap);
    w->heap.growths = 0;
    w->clean->base = w->heap.peak = w->heap.live;
    double start = now();
    bool ok = attempt(L, w->L ? run_script : load_all, w->clean->text);
    w->clean->seconds = now() - start;
    w->clean->growths = w->heap.growths;
    w->clean->peak = w->heap.peak;
    _exit(ok ? 0 : 1);
  }
  int status = 0;
  return waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void settle(walk *w, mode m, long at, int status, const outcome *o) {
  int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  w->points++;
  if (code == SAME) w->same++;
  if (code == REFUSED || code == NO_STATE) w->refused++;
  if (code == SAME || code == REFUSED || code == NO_STATE) return;
  if (++w->bad > MOST_REPORTS) return;
  const char *what = code == OTHER_RESULT     ? "another result"
                     : code == NOT_REPEATABLE ? "the state is damaged, a clean run then gives"
                     : code == LEAK           ? "leak"
                                              : "crashed or reported by a sanitizer";
  printf("      %s, refused %s at %ld: %s: %.300s\n", w->name, mode_names[m], at, what, o->text);
}

/* Walks one mode with LANES children at a time: at[i] = first + i * stride. */
static void walk_mode(walk *w, mode m, long first, long last, long stride, outcome *shared) {
  pid_t pids[LANES] = {0};
  long ats[LANES] = {0}, next = first;
  for (int running = 0; next <= last || running > 0;) {
    for (int i = 0; i < LANES && next <= last; i++) {
      if (pids[i] != 0) continue;
      ats[i] = next;
      next += stride;
      shared[i].text[0] = '\0';
      fflush(stdout);
      pids[i] = fork();
      if (pids[i] == 0) {
        w->heap.fail_at = m == BY_LIMIT ? 0 : ats[i];
        w->heap.from_then_on = m == FROM_THEN_ON;
        w->heap.limit = m == BY_LIMIT ? (size_t)ats[i] : 0;
        _exit(child(w, &shared[i]));
      }
      running++;
    }
    int status = 0;
    pid_t done = waitpid(-1, &status, 0);
    for (int i = 0; i < LANES; i++) {
      if (pids[i] != done) continue;
      settle(w, m, ats[i], status, &shared[i]);
      pids[i] = 0;
      running--;
    }
  }
}

/* seconds: what this script may take; 0 for every point. */
static bool walk_script(walk *w, double seconds, outcome *shared) {
  if (!measure(w)) {
    printf("      %s: does not run: %s\n", w->name, w->clean->text);
    return false;
  }
  long all = w->clean->growths;
  double each = 2 * w->clean->seconds + 0.004; /* the run, the clean run after it, fork and close */
  double affordable = seconds > 0 ? seconds * LANES / each / MODES : 1e9;
  long stride = affordable >= (double)all ? 1 : (long)((double)all / affordable) + 1;
  walk_mode(w, ONCE, 1, all, stride, shared);
  walk_mode(w, FROM_THEN_ON, 1 + stride / 2, all, stride, shared);
  long base = (long)w->clean->base + 1, peak = (long)w->clean->peak;
  long bytes = (peak - base) / (all / stride + 1) + 1;
  walk_mode(w, BY_LIMIT, base, peak, bytes, shared);
  printf("      %-12s %6ld points of %ld allocations (every %ld): %ld recovered, %ld refused, "
         "%ld wrong\n",
         w->name, w->points, all, stride, w->same, w->refused, w->bad);
  return w->bad == 0 && w->points > 0 && w->refused > 0;
}

static bool prepare(walk *w, const char *name) {
  char path[256];
  w->name = name;
  w->L = host_newstate(&w->heap);
  snprintf(path, sizeof path, "spec/embed/scripts/%s.lua", name);
  if (luaL_loadfile(w->L, path) || lua_pcall(w->L, 0, 1, 0)) {
    printf("      %s: %s\n", path, lua_tostring(w->L, -1));
    return false;
  }
  lua_setfield(w->L, LUA_REGISTRYINDEX, "host.script");
  /* Modules that load at first use are loaded now: loading has a walk of its own. */
  char text[TEXT];
  if (!attempt(w->L, run_script, text)) {
    printf("      %s: %s\n", path, text);
    return false;
  }
  lua_gc(w->L, LUA_GCCOLLECT);
  return true;
}

int main(void) {
  static const char *const scripts[] = {NULL,      "tensors",  "train", "files",  "errors",
                                        "threads", "diagnose", "plan",  "workers"};
  enum { SCRIPTS = sizeof scripts / sizeof scripts[0] };
  const char *given = getenv("OOM_SECONDS");
  double seconds = given ? strtod(given, NULL) : 90;
  long points = 0;
  bool good = true;
  setvbuf(stdout, NULL, _IOLBF, 0);
  outcome *shared = mmap(NULL, (LANES + 1) * sizeof *shared, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return EXIT_FAILURE;
  for (int i = 0; i < SCRIPTS; i++) {
    walk w = {.name = "load", .clean = &shared[LANES]};
    good = (!scripts[i] || prepare(&w, scripts[i])) && walk_script(&w, seconds / SCRIPTS, shared) &&
           good;
    points += w.points;
    if (w.L) lua_close(w.L);
    if (w.L && w.heap.live != 0) {
      printf("      %s: %zu bytes live at the end\n", w.name, w.heap.live);
      good = false;
    }
  }
  printf("      oom_walk: %ld points\n", points);
  return good && points > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
