#include "kernels/elementwise/dropout.h"

#include <string.h>

#include "base/clones.h"
#include "base/rng_words.h"

/* Elements whose words are made at a time, and elements of a task; multiples of 4. */
enum { CHUNK = 1024, TASK = 1 << 14 };

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

LDB_CLONES static void judge(uint32_t limit, int64_t n, const uint32_t *word, unsigned char *keep) {
  for (int64_t i = 0; i < n; i++)
    keep[i] = word[i] >= limit;
}

#define APPLY(name, T)                                                                           \
  LDB_CLONES static void name(T scale, int64_t n, const unsigned char *keep, const T *x, T *y) { \
    for (int64_t i = 0; i < n; i++) {                                                            \
      const T scaled = x[i] * scale;                                                             \
      y[i] = keep[i] ? scaled : 0;                                                               \
    }                                                                                            \
  }
APPLY(apply_f32, float)
APPLY(apply_f64, double)

void ldb_dropout_draw(const ldb_rng *r, double rate, int64_t first, int64_t n,
                      unsigned char *keep) {
  const uint64_t limit = (uint64_t)(rate * 4294967296.0); /* 2^32 drops all */
  uint32_t word[CHUNK];
  if (limit > UINT32_MAX) {
    memset(keep, 0, (size_t)n);
    return;
  }
  for (int64_t i = 0; i < n; i += CHUNK) {
    const int64_t m = least(n - i, CHUNK);
    ldb_rng_words(r, (uint64_t)(first + i) / 4, (m + 3) / 4, word);
    judge((uint32_t)limit, m, word, keep + i);
  }
}

void ldb_dropout_apply(ldb_dtype t, double rate, int64_t n, const unsigned char *keep,
                       const void *x, void *y) {
  const double scale = rate < 1 ? 1 / (1 - rate) : 0;
  if (t == LDB_F32)
    apply_f32((float)scale, n, keep, x, y);
  else
    apply_f64(scale, n, keep, x, y);
}

typedef struct job {
  const ldb_rng *r; /* NULL: keep is there already */
  double rate;
  int64_t n;
  ldb_dtype t;
  unsigned char *keep;
  const char *x;
  char *y;
} job;

static void run(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const int64_t end = least((i + 1) * TASK, j->n);
  const int64_t size = (int64_t)ldb_dtype_size(j->t);
  (void)worker;
  for (int64_t at = i * TASK; at < end; at += CHUNK) {
    const int64_t n = least(end - at, CHUNK);
    if (j->r) ldb_dropout_draw(j->r, j->rate, at, n, j->keep + at);
    ldb_dropout_apply(j->t, j->rate, n, j->keep + at, j->x + at * size, j->y + at * size);
  }
}

void ldb_dropout_forward(ldb_team *team, const ldb_rng *r, ldb_dtype t, double rate, int64_t n,
                         const void *x, unsigned char *keep, void *y) {
  job j = {r, rate, n, t, keep, x, y};
  ldb_team_run(team, (n + TASK - 1) / TASK, 0.6 * (double)n, run, &j);
}

void ldb_dropout_backward(ldb_team *team, ldb_dtype t, double rate, int64_t n,
                          const unsigned char *keep, const void *gy, void *gx) {
  /* only drawing writes to keep */
  job j = {NULL, rate, n, t, (unsigned char *)(uintptr_t)keep, gy, gx};
  ldb_team_run(team, (n + TASK - 1) / TASK, 0.1 * (double)n, run, &j);
}
