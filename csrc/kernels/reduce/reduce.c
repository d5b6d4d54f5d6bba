#include "kernels/reduce/reduce.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "kernels/elementwise/math_inline.h"

enum { LANES = 8, REDUCE_BLOCK = 64 };
#define NS_PER_ELEMENT 0.2

typedef struct axis {
  int64_t size, stride;
} axis;

/* A view split into axes that are reduced and axes that stay, neighbours merged where they can be
   walked as one, in row-major order. */
typedef struct layout {
  int n_reduced, n_kept;
  axis reduced[LDB_MAX_RANK], kept[LDB_MAX_RANK];
  int64_t count; /* reduced elements per result */
} layout;

static void push_axis(axis *list, int *n, int64_t size, int64_t stride) {
  if (size == 1) return;
  if (*n > 0 && list[*n - 1].stride == size * stride) {
    list[*n - 1].size *= size;
    list[*n - 1].stride = stride;
    return;
  }
  list[*n].size = size;
  list[*n].stride = stride;
  (*n)++;
}

static layout split(const ldb_view *x, uint32_t axes) {
  layout g = {0};
  g.count = ldb_reduced_count(x, axes);
  for (int i = 0; i < x->rank; i++) {
    if (axes >> i & 1)
      push_axis(g.reduced, &g.n_reduced, x->shape[i], x->stride[i]);
    else
      push_axis(g.kept, &g.n_kept, x->shape[i], x->stride[i]);
  }
  return g;
}

/* Steps index over the first n axes, last fastest, keeping the offset; false after the last one. */
LDB_INLINE bool next_index(const axis *a, int n, int64_t *index, int64_t *offset) {
  for (int i = n - 1; i >= 0; i--) {
    *offset += a[i].stride;
    if (++index[i] < a[i].size) return true;
    *offset -= a[i].stride * a[i].size;
    index[i] = 0;
  }
  return false;
}

/* The lines of a view: its axes, with the strides of x and of the results. */
typedef struct lines {
  int rank;
  int64_t shape[LDB_MAX_RANK], x_stride[LDB_MAX_RANK], k_stride[LDB_MAX_RANK];
} lines;

static bool next_line(const lines *w, int64_t *index) {
  for (int i = w->rank - 2; i >= 0; i--) {
    if (++index[i] < w->shape[i]) return true;
    index[i] = 0;
  }
  return false;
}

/* In the precision of the elements: their sum is made in f64 all the same. */
LDB_INLINE double exp_of_f32(double x) {
  return (double)ldb_exp_f32((float)x);
}

LDB_INLINE double exp_of_f64(double x) {
  return exp(x);
}

LDB_INLINE double exp_of_i32(double x) {
  return exp(x);
}

#define CLONES LDB_CLONES
#define T float
#define NAME(x) x##_f32
#include "kernels/reduce/reduce_generic.h"
#include "kernels/reduce/reduce_grad_generic.h"
#undef T
#undef NAME
#undef CLONES
#define CLONES
#define T double
#define NAME(x) x##_f64
#include "kernels/reduce/reduce_generic.h"
#include "kernels/reduce/reduce_grad_generic.h"
#undef T
#undef NAME
#define T int32_t
#define NAME(x) x##_i32
#include "kernels/reduce/reduce_generic.h"
#undef T
#undef NAME

int64_t ldb_reduced_count(const ldb_view *x, uint32_t axes) {
  int64_t n = 1;
  for (int i = 0; i < x->rank; i++)
    if (axes >> i & 1) n *= x->shape[i];
  return n;
}

int64_t ldb_kept_count(const ldb_view *x, uint32_t axes) {
  return ldb_reduced_count(x, ~axes);
}

static void store(const ldb_view *out, int64_t at, int n, const double *v) {
  for (int i = 0; i < n; i++) {
    if (out->dtype == LDB_F32)
      ((float *)out->data)[at + i] = (float)v[i];
    else if (out->dtype == LDB_F64)
      ((double *)out->data)[at + i] = v[i];
    else
      ((int32_t *)out->data)[at + i] = (int32_t)v[i];
  }
}

typedef struct job {
  ldb_reduction kind;
  const ldb_view *x, *out;
  double ddof;
  layout g;
  int64_t lines, line, step; /* lines of results along the last axis that stays */
} job;

/* `width` results from place `at` on; the first one's elements begin at `from`. */
static void reduce_block(const job *j, int64_t from, int width, int64_t at) {
  double result[REDUCE_BLOCK];
  if (j->x->dtype == LDB_F32)
    reduce_block_f32(j->kind, &j->g, j->x->data, from, width, j->step, j->ddof, result);
  else if (j->x->dtype == LDB_F64)
    reduce_block_f64(j->kind, &j->g, j->x->data, from, width, j->step, j->ddof, result);
  else
    reduce_block_i32(j->kind, &j->g, j->x->data, from, width, j->step, j->ddof, result);
  store(j->out, at, width, result);
}

/* Task i: block i of a line, or line i, whichever there are more of. */
static void reduce_task(void *arg, int64_t i, int worker) {
  const job *j = arg;
  int64_t offset = 0, rest = i;
  (void)worker;
  if (j->lines == 1) {
    const int64_t o = i * REDUCE_BLOCK, left = j->line - o;
    reduce_block(j, o * j->step, (int)(left < REDUCE_BLOCK ? left : REDUCE_BLOCK), o);
    return;
  }
  for (int k = j->g.n_kept - 2; k >= 0; k--) {
    offset += rest % j->g.kept[k].size * j->g.kept[k].stride;
    rest /= j->g.kept[k].size;
  }
  for (int64_t o = 0; o < j->line; o += REDUCE_BLOCK) {
    const int64_t left = j->line - o;
    reduce_block(j, offset + o * j->step, (int)(left < REDUCE_BLOCK ? left : REDUCE_BLOCK),
                 i * j->line + o);
  }
}

void ldb_reduce_on(ldb_team *team, ldb_reduction kind, const ldb_view *x, uint32_t axes,
                   double ddof, const ldb_view *out) {
  const int64_t kept = ldb_kept_count(x, axes);
  if (kept == 0) return;
  job j = {.kind = kind, .x = x, .out = out, .ddof = ddof, .g = split(x, axes)};
  j.line = j.g.n_kept ? j.g.kept[j.g.n_kept - 1].size : 1;
  j.step = j.g.n_kept ? j.g.kept[j.g.n_kept - 1].stride : 1;
  j.lines = kept / j.line;
  const int64_t tasks = j.lines == 1 ? (j.line + REDUCE_BLOCK - 1) / REDUCE_BLOCK : j.lines;
  ldb_team_run(team, tasks, NS_PER_ELEMENT * (double)kept * (double)j.g.count, reduce_task, &j);
}

void ldb_reduce(ldb_reduction kind, const ldb_view *x, uint32_t axes, double ddof,
                const ldb_view *out) {
  ldb_reduce_on(NULL, kind, x, axes, ddof, out);
}

void ldb_arg_reduce(bool largest, const ldb_view *x, int at, const ldb_view *out) {
  const layout g = split(x, UINT32_C(1) << at);
  if (ldb_view_count(x) == 0) return;
  const int64_t n = x->shape[at], stride = x->stride[at];
  int64_t index[LDB_MAX_RANK] = {0}, offset = 0;
  int32_t *to = out->data;
  do {
    if (x->dtype == LDB_F32)
      arg_line_f32(largest, x->data, offset, n, stride, to);
    else if (x->dtype == LDB_F64)
      arg_line_f64(largest, x->data, offset, n, stride, to);
    else
      arg_line_i32(largest, x->data, offset, n, stride, to);
    to++;
  } while (next_index(g.kept, g.n_kept, index, &offset));
}

static lines lines_of(const ldb_view *x, const ldb_view *gx, uint32_t axes) {
  lines w = {0};
  int64_t stride = 1;
  w.rank = gx->rank ? gx->rank : 1;
  w.shape[0] = 1;
  for (int i = gx->rank - 1; i >= 0; i--) {
    const bool reduced = axes >> i & 1;
    w.shape[i] = gx->shape[i];
    w.x_stride[i] = x ? x->stride[i] : 0;
    w.k_stride[i] = reduced ? 0 : stride;
    if (!reduced) stride *= gx->shape[i];
  }
  return w;
}

/* Mean per result for VAR; number of hits for MAX and MIN; zeros and product of the rest for
   PROD. */
static void gather_aux(ldb_reduction kind, const ldb_view *x, uint32_t axes, const lines *w,
                       const ldb_view *y, const ldb_view *gy, const ldb_view *gx, double *aux) {
  const int64_t n = ldb_kept_count(gx, axes);
  if (kind == LDB_REDUCE_VAR) {
    const ldb_view mean = {.data = aux, .dtype = LDB_F64, .rank = 1, .shape = {n}, .stride = {1}};
    ldb_reduce(LDB_REDUCE_MEAN, x, axes, 0, &mean);
  } else if (kind == LDB_REDUCE_MAX || kind == LDB_REDUCE_MIN || kind == LDB_REDUCE_PROD) {
    for (int64_t i = 0; i < n; i++) {
      aux[LDB_REDUCE_AUX * i] = 0;
      aux[LDB_REDUCE_AUX * i + 1] = 1;
    }
    if (gx->dtype == LDB_F32)
      grad_walk_f32(kind, x, w, y, gy, aux, 0, gx, true);
    else
      grad_walk_f64(kind, x, w, y, gy, aux, 0, gx, true);
  }
}

void ldb_reduce_backward(ldb_reduction kind, const ldb_view *x, uint32_t axes, double ddof,
                         const ldb_view *y, const ldb_view *gy, const ldb_view *gx, double *aux) {
  if (ldb_view_count(gx) == 0) return;
  const lines w = lines_of(x, gx, axes);
  const double n = (double)ldb_reduced_count(gx, axes);
  double scale = 1;
  if (kind == LDB_REDUCE_MEAN) scale = 1 / n;
  if (kind == LDB_REDUCE_VAR) scale = 2 / (n > ddof ? n - ddof : 0);
  gather_aux(kind, x, axes, &w, y, gy, gx, aux);
  if (gx->dtype == LDB_F32)
    grad_walk_f32(kind, x, &w, y, gy, aux, scale, gx, false);
  else
    grad_walk_f64(kind, x, &w, y, gy, aux, scale, gx, false);
}
