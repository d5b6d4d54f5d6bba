#include "base/team.h"

struct ldb_team {
  int size;
  unsigned char *workspace;
};

enum { LINE = 64 };

size_t ldb_team_bytes(int n) {
  return sizeof(ldb_team) + LINE + (size_t)n * LDB_WORKSPACE;
}

ldb_team *ldb_team_init(void *memory, int n) {
  ldb_team *t = memory;
  t->size = n;
  t->workspace = (unsigned char *)(((uintptr_t)(t + 1) + LINE - 1) & ~(uintptr_t)(LINE - 1));
  return t;
}

int ldb_team_size(const ldb_team *t) {
  return t ? t->size : 1;
}

void *ldb_team_workspace(ldb_team *t, int worker) {
  return t ? t->workspace + (size_t)worker * LDB_WORKSPACE : NULL;
}

void ldb_team_run(ldb_team *t, int64_t n, double cost, ldb_task_fn *fn, void *arg) {
  (void)t;
  (void)cost;
  for (int64_t i = 0; i < n; i++)
    fn(arg, i, 0);
}
