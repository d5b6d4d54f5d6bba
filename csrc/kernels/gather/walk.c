#include "kernels/gather/walk.h"

#include <string.h>

/* An inner axis below SHORT elements is not worth its call when another is LONGER times as long. */
enum { SHORT = 16, LONGER = 4 };
/* A transposed operand is walked in bands of BAND elements, which keep its cache lines in use until
   all of their elements were met; strides below APART share lines anyway. */
enum { BAND = 64, APART = 8 };
/* Elements that are worth a thread, and the time that they take, roughly. */
enum { TASK = 16384 };
#define NS_PER_BYTE 0.05

typedef struct axis {
  int64_t n;
  int64_t s[LDB_MAX_OPERANDS]; /* in elements */
} axis;

typedef struct walk {
  int count; /* operands */
  int rank;  /* >= 1; the last axis is the inner one */
  axis ax[LDB_MAX_RANK + 1];
  char *base[LDB_MAX_OPERANDS];
  int64_t size[LDB_MAX_OPERANDS]; /* bytes of an element */
  ldb_inner_fn *f;
  void *ctx;
} walk;

/* True when outer and inner can be walked as one axis of outer.n * inner.n elements. */
static bool follows(const axis *outer, const axis *inner, int count) {
  for (int k = 0; k < count; k++)
    if (outer->s[k] != inner->s[k] * inner->n) return false;
  return true;
}

/* Stride of v along the axis of the result that is `from_end` places from its last one. */
static int64_t stride_of(const ldb_view *v, int from_end) {
  int i = v->rank - 1 - from_end;
  return i < 0 || v->shape[i] == 1 ? 0 : v->stride[i];
}

static void add_axes(walk *w, const ldb_view *const operands[]) {
  const ldb_view *first = operands[0];
  for (int i = 0; i < first->rank; i++) {
    if (first->shape[i] == 1) continue;
    axis a = {.n = first->shape[i]};
    for (int k = 0; k < w->count; k++)
      a.s[k] = stride_of(operands[k], first->rank - 1 - i);
    if (w->rank > 0 && follows(&w->ax[w->rank - 1], &a, w->count)) a.n *= w->ax[--w->rank].n;
    w->ax[w->rank++] = a;
  }
  if (w->rank == 0) {
    axis one = {.n = 1};
    for (int k = 0; k < w->count; k++)
      one.s[k] = 1;
    w->ax[w->rank++] = one;
  }
}

/* The common case in few steps: dense operands of one size, and single elements. */
static bool flat_axis(walk *w, const ldb_view *const operands[], int64_t n) {
  for (int k = 0; k < w->count; k++) {
    const int64_t own = k == 0 ? n : ldb_view_count(operands[k]);
    if ((own != n && own != 1) || !ldb_view_is_contiguous(operands[k])) return false;
    w->ax[0].s[k] = own == n;
  }
  w->ax[0].n = n;
  w->rank = 1;
  return true;
}

static void move_to(walk *w, int from, int to) {
  axis a = w->ax[from];
  memmove(&w->ax[from], &w->ax[from + 1], (size_t)(to - from) * sizeof a);
  w->ax[to] = a;
}

static void choose_inner(walk *w) {
  int last = w->rank - 1, longest = last;
  for (int i = 0; i < last; i++)
    if (w->ax[i].n > w->ax[longest].n) longest = i;
  if (w->ax[last].n < SHORT && w->ax[longest].n >= LONGER * w->ax[last].n)
    move_to(w, longest, last);
}

/* The axis along which a transposed operand is contiguous, or -1. */
static int transposed_axis(const walk *w) {
  const axis *in = &w->ax[w->rank - 1];
  if (in->n <= BAND) return -1;
  for (int k = 0; k < w->count; k++) {
    if (in->s[k] < APART && in->s[k] > -APART) continue;
    for (int i = w->rank - 2; i >= 0; i--)
      if (w->ax[i].s[k] == 1) return i;
  }
  return -1;
}

static void run(const walk *w) {
  const axis *in = &w->ax[w->rank - 1];
  int64_t index[LDB_MAX_RANK + 1] = {0}, offset[LDB_MAX_OPERANDS] = {0};
  char *p[LDB_MAX_OPERANDS];
  int d = 0;
  while (d >= 0) {
    for (int k = 0; k < w->count; k++)
      p[k] = w->base[k] + offset[k] * w->size[k];
    w->f(in->n, p, in->s, w->ctx);
    for (d = w->rank - 2; d >= 0; d--) {
      const axis *a = &w->ax[d];
      bool wraps = ++index[d] == a->n;
      for (int k = 0; k < w->count; k++)
        offset[k] += wraps ? -a->s[k] * (a->n - 1) : a->s[k];
      if (!wraps) break;
      index[d] = 0;
    }
  }
}

/* Splits the inner axis into whole bands and a rest; the axis `across` becomes the one just outside
   the inner one, the number of the band the one outside that. */
static void run_banded(walk *w, int across) {
  move_to(w, across, w->rank - 2);
  axis in = w->ax[w->rank - 1], bands = {.n = in.n / BAND};
  int64_t rest = in.n % BAND;
  if (rest > 0) {
    walk tail = *w;
    tail.ax[w->rank - 1].n = rest;
    for (int k = 0; k < w->count; k++)
      tail.base[k] += (in.n - rest) * in.s[k] * w->size[k];
    run(&tail);
  }
  for (int k = 0; k < w->count; k++)
    bands.s[k] = in.s[k] * BAND;
  w->ax[w->rank] = in;
  w->ax[w->rank].n = BAND;
  w->ax[w->rank - 1] = w->ax[w->rank - 2];
  w->ax[w->rank - 2] = bands;
  w->rank++;
  run(w);
}

/* Tasks are cut from the outermost axis, TASK elements or one step of it each. */
typedef struct share {
  const walk *w;
  int64_t per; /* steps of the axis in a task */
  int across;
} share;

static void walk_on(walk *w, int across) {
  if (across >= 0)
    run_banded(w, across);
  else
    run(w);
}

static void one_share(void *arg, int64_t task, int worker) {
  const share *all = arg;
  walk w = *all->w;
  axis *outer = &w.ax[0];
  const int64_t from = task * all->per, left = outer->n - from;
  (void)worker;
  outer->n = left < all->per ? left : all->per;
  for (int k = 0; k < w.count; k++)
    w.base[k] += from * outer->s[k] * w.size[k];
  walk_on(&w, all->across);
}

void ldb_walk(ldb_team *team, int count, const ldb_view *const operands[], ldb_inner_fn *f,
              void *ctx) {
  const int64_t n = ldb_view_count(operands[0]);
  int64_t bytes = 0;
  if (n == 0) return;
  walk w = {.count = count, .f = f, .ctx = ctx};
  for (int k = 0; k < count; k++) {
    w.base[k] = operands[k]->data;
    w.size[k] = (int64_t)ldb_dtype_size(operands[k]->dtype);
    bytes += w.size[k];
  }
  if (!flat_axis(&w, operands, n)) {
    add_axes(&w, operands);
    choose_inner(&w);
  }
  const int across = transposed_axis(&w);
  if (team == NULL || n < 2 * TASK || w.ax[0].n < 2) {
    walk_on(&w, across);
    return;
  }
  const int64_t step = n / w.ax[0].n;
  share all = {.w = &w, .per = step < TASK ? TASK / step : 1, .across = across};
  ldb_team_run(team, (w.ax[0].n + all.per - 1) / all.per, NS_PER_BYTE * (double)(n * bytes),
               one_share, &all);
}
