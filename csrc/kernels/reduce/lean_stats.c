#include "kernels/reduce/lean_stats.h"

#include <math.h>

#include "base/clones.h"

/* A block's sums fit f32 and its elements the first-level cache; a task is worth a thread; a wave
   is the number of tasks whose results wait on the stack. */
enum { LANES = 32, WIDE = 8, BLOCK = 1024, TASK = 16384, WAVE = 64 };

/* Below it squares of f32 lose digits; a block of zeros is seen at once. */
#define LEAST_SQUARES 1e-24

typedef struct lanes {
  float sum[LANES], squares[LANES], low[LANES], high[LANES];
  int32_t zeros[LANES];
} lanes;

LDB_INLINE void start(lanes *a) {
  for (int l = 0; l < LANES; l++) {
    a->sum[l] = a->squares[l] = 0;
    a->low[l] = INFINITY;
    a->high[l] = -INFINITY;
    a->zeros[l] = 0;
  }
}

LDB_INLINE void add(lanes *a, int64_t l, float x) {
  a->sum[l] += x;
  a->squares[l] += x * x;
  a->low[l] = x < a->low[l] ? x : a->low[l];
  a->high[l] = x > a->high[l] ? x : a->high[l];
  a->zeros[l] += x == 0;
}

LDB_INLINE double fold(const float x[LANES]) {
  double w[WIDE] = {0};
  for (int r = 0; r < LANES; r += WIDE)
    for (int l = 0; l < WIDE; l++)
      w[l] += (double)x[r + l];
  return ((w[0] + w[4]) + (w[1] + w[5])) + ((w[2] + w[6]) + (w[3] + w[7]));
}

/* The same block, one element at a time. */
static void add_slowly(int64_t n, const float *x, ldb_lean *out) {
  for (int64_t i = 0; i < n; i++) {
    const double v = (double)x[i];
    if (!isfinite(v)) {
      out->nonfinite++;
      continue;
    }
    out->sum += v;
    out->sum_sq += v * v;
    if (!(v >= out->min)) out->min = v;
    if (!(v <= out->max)) out->max = v;
    out->zeros += v == 0;
  }
}

/* n <= TASK elements */
LDB_CLONES static void scan(int64_t n, const float *x, ldb_lean *out) {
  lanes all, a;
  out->count = n;
  if (n <= LANES) {
    add_slowly(n, x, out);
    return;
  }
  start(&all);
  for (int64_t at = 0; at < n; at += BLOCK) {
    const float *restrict p = x + at;
    const int64_t m = n - at < BLOCK ? n - at : BLOCK;
    start(&a);
    int64_t i = 0;
    for (; i + LANES <= m; i += LANES)
      for (int l = 0; l < LANES; l++)
        add(&a, l, p[i + l]);
    for (int64_t l = 0; i < m; i++, l++)
      add(&a, l, p[i]);
    const double squares = fold(a.squares);
    if (!(squares >= LEAST_SQUARES) || !isfinite(squares)) {
      add_slowly(m, p, out);
      continue;
    }
    out->sum += fold(a.sum);
    out->sum_sq += squares;
    for (int l = 0; l < LANES; l++) {
      all.low[l] = a.low[l] < all.low[l] ? a.low[l] : all.low[l];
      all.high[l] = a.high[l] > all.high[l] ? a.high[l] : all.high[l];
      all.zeros[l] += a.zeros[l];
    }
  }
  float low = INFINITY, high = -INFINITY;
  for (int l = 0; l < LANES; l++) {
    low = all.low[l] < low ? all.low[l] : low;
    high = all.high[l] > high ? all.high[l] : high;
    out->zeros += all.zeros[l];
  }
  if (low <= high) {
    if (!((double)low >= out->min)) out->min = (double)low;
    if (!((double)high <= out->max)) out->max = (double)high;
  }
}

static ldb_lean nothing(void) {
  return (ldb_lean){.min = (double)NAN, .max = (double)NAN};
}

void ldb_lean_merge(ldb_lean *to, const ldb_lean *from) {
  to->count += from->count;
  to->zeros += from->zeros;
  to->nonfinite += from->nonfinite;
  to->sum += from->sum;
  to->sum_sq += from->sum_sq;
  if (!(to->min <= from->min) && !isnan(from->min)) to->min = from->min;
  if (!(to->max >= from->max) && !isnan(from->max)) to->max = from->max;
}

typedef struct wave {
  const float *x;
  int64_t n;
  ldb_lean part[WAVE];
} wave;

static void one_task(void *arg, int64_t i, int worker) {
  wave *w = arg;
  const int64_t at = i * TASK, left = w->n - at;
  (void)worker;
  w->part[i] = nothing();
  scan(left < TASK ? left : TASK, w->x + at, &w->part[i]);
}

void ldb_lean_stats(ldb_team *team, int64_t n, const float *x, ldb_lean *out) {
  *out = nothing();
  if (n <= TASK) {
    scan(n, x, out);
    return;
  }
  for (int64_t at = 0; at < n; at += (int64_t)TASK * WAVE) {
    wave w = {.x = x + at, .n = n - at};
    if (w.n > (int64_t)TASK * WAVE) w.n = (int64_t)TASK * WAVE;
    const int64_t tasks = (w.n + TASK - 1) / TASK;
    ldb_team_run(team, tasks, 0.1 * (double)w.n, one_task, &w);
    for (int64_t i = 0; i < tasks; i++)
      ldb_lean_merge(out, &w.part[i]);
  }
}
