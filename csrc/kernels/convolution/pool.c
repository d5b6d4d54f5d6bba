#include "kernels/convolution/pool.h"

#include <string.h>

#include "base/clones.h"
#include "kernels/convolution/conv_route.h"

/* Channels that are gone through at a time, bytes of a task, and of a nanosecond. */
enum { CHUNK = 256, BLOCK_BYTES = 128 * 1024 };
#define PACE 20.0

/* The cells under one window: its first cell and tap, and how many lines and columns of it. */
typedef struct patch {
  int64_t cell, rows, cols;
  int64_t line, channels, width; /* elements from line to line; taps a line of the window */
  int32_t tap;
} patch;

/* ldb_window_taps, inlined for windows that meet no padding. */
static inline __attribute__((always_inline)) void taps(const ldb_window_axis *a, int64_t i,
                                                       int64_t *first, int64_t *last) {
  const int64_t left = i * a->stride - a->before;
  *first = 0;
  *last = a->size;
  if (left < 0 || left + a->size > a->in) ldb_window_taps(a, i, first, last);
}

/* Fills w for window i, j of image n and returns where its results stand. */
static inline __attribute__((always_inline)) int64_t patch_at(const ldb_pool *p, int64_t n,
                                                              int64_t i, int64_t j, patch *w) {
  const ldb_window *v = &p->window;
  int64_t top, bottom, left, right;
  taps(&v->h, i, &top, &bottom);
  taps(&v->w, j, &left, &right);
  const int64_t y = i * v->h.stride - v->h.before + top;
  const int64_t x = j * v->w.stride - v->w.before + left;
  w->channels = v->channels;
  w->line = v->w.in * v->channels;
  w->width = v->w.size;
  w->rows = bottom - top;
  w->cols = right - left;
  w->tap = (int32_t)(top * v->w.size + left);
  w->cell = (n * v->h.in + y) * w->line + x * v->channels;
  return ((n * v->h.out + i) * v->w.out + j) * v->channels;
}

/* Four taps of a window: how far their cells are from the first, and their numbers. */
typedef struct four {
  int64_t step[4];
  int32_t tap[4];
} four;

/* Taps k .. k + 3 of those that meet cells; behind the last, the last again: it changes nothing. */
static inline __attribute__((always_inline)) void four_taps(const patch *w, int64_t k, four *f) {
  const int64_t last = w->rows * w->cols - 1;
  for (int i = 0; i < 4; i++) {
    const int64_t at = k + i < last ? k + i : last, ky = at / w->cols, kx = at % w->cols;
    f->step[i] = ky * w->line + kx * w->channels;
    f->tap[i] = w->tap + (int32_t)(ky * w->width + kx);
  }
}

/* Cells may lie under several windows. */
static bool overlaps(const ldb_pool *p) {
  return p->window.h.stride < p->window.h.size || p->window.w.stride < p->window.w.size;
}

static bool covers(const ldb_window_axis *a) {
  return a->stride == a->size && a->out * a->stride - a->before >= a->in;
}

/* First line of image cells that belongs to the windows from i on. */
static int64_t line_of(const ldb_window_axis *h, int64_t i) {
  if (i == 0) return 0;
  if (i == h->out) return h->in;
  return i * h->stride - h->before;
}

/* Zeros the cells of a block in image n, unless its windows write every one of them. */
static void clear_cells(const ldb_pool *p, int64_t n, const ldb_block *b, void *gx, size_t each) {
  const ldb_window *v = &p->window;
  if (covers(&v->h) && covers(&v->w)) return;
  const int64_t from = line_of(&v->h, b->i0), to = line_of(&v->h, b->i1);
  const size_t line = (size_t)(v->w.in * v->channels) * each;
  memset((char *)gx + (size_t)(n * v->h.in + from) * line, 0, (size_t)(to - from) * line);
}

#define T float
#define NAME(x) x##_f32
#include "kernels/convolution/pool_mean_generic.h"
#undef NAME
#define I uint8_t
#define NAME(x) x##_f32_u8
#include "kernels/convolution/pool_max_generic.h"
#undef I
#undef NAME
#define I int32_t
#define NAME(x) x##_f32_i32
#include "kernels/convolution/pool_max_generic.h"
#undef I
#undef NAME
#undef T

#define T double
#define NAME(x) x##_f64
#include "kernels/convolution/pool_mean_generic.h"
#undef NAME
#define I uint8_t
#define NAME(x) x##_f64_u8
#include "kernels/convolution/pool_max_generic.h"
#undef I
#undef NAME
#define I int32_t
#define NAME(x) x##_f64_i32
#include "kernels/convolution/pool_max_generic.h"
#undef I
#undef NAME
#undef T

int64_t ldb_pool_tap_bytes(const ldb_pool *p) {
  return p->window.h.size * p->window.w.size <= 256 ? 1 : 4;
}

typedef struct job {
  const ldb_pool *p;
  const void *from, *taps;
  void *to, *at;
  ldb_cut cut;
} job;

static void max_task(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const ldb_block b = ldb_block_of(&j->cut, i);
  const bool narrow = ldb_pool_tap_bytes(j->p) == 1;
  (void)worker;
  if (j->p->type == LDB_F32 && narrow)
    max_block_f32_u8(j->p, &b, j->from, j->to, j->at);
  else if (j->p->type == LDB_F32)
    max_block_f32_i32(j->p, &b, j->from, j->to, j->at);
  else if (narrow)
    max_block_f64_u8(j->p, &b, j->from, j->to, j->at);
  else
    max_block_f64_i32(j->p, &b, j->from, j->to, j->at);
}

static void max_gradient_task(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const ldb_block b = ldb_block_of(&j->cut, i);
  const bool narrow = ldb_pool_tap_bytes(j->p) == 1;
  (void)worker;
  if (j->p->type == LDB_F32 && narrow)
    max_gradient_block_f32_u8(j->p, &b, j->from, j->taps, j->to);
  else if (j->p->type == LDB_F32)
    max_gradient_block_f32_i32(j->p, &b, j->from, j->taps, j->to);
  else if (narrow)
    max_gradient_block_f64_u8(j->p, &b, j->from, j->taps, j->to);
  else
    max_gradient_block_f64_i32(j->p, &b, j->from, j->taps, j->to);
}

static void mean_task(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const ldb_block b = ldb_block_of(&j->cut, i);
  (void)worker;
  if (j->p->type == LDB_F32)
    mean_block_f32(j->p, &b, j->from, j->to);
  else
    mean_block_f64(j->p, &b, j->from, j->to);
}

static void mean_gradient_task(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const ldb_block b = ldb_block_of(&j->cut, i);
  (void)worker;
  if (j->p->type == LDB_F32)
    mean_gradient_block_f32(j->p, &b, j->from, j->to);
  else
    mean_gradient_block_f64(j->p, &b, j->from, j->to);
}

/* Runs fn over blocks; whole: images are not cut. */
static void run(ldb_team *team, job *j, bool whole, ldb_task_fn *fn) {
  const ldb_window *v = &j->p->window;
  const double line = (double)v->channels * (double)ldb_dtype_size(j->p->type);
  const double cells = (double)v->h.in * (double)v->w.in / (double)(v->h.out > 0 ? v->h.out : 1);
  const double bytes = line * (cells + (double)v->w.out);
  const int64_t lines = whole ? 1 : v->h.out; /* an uncut image counts as one line */
  const double each = whole ? bytes * (double)v->h.out : bytes;
  j->cut = ldb_cut_of(v->batch, lines, each, each, BLOCK_BYTES);
  j->cut.lines = v->h.out;
  if (whole) j->cut.band = v->h.out;
  ldb_team_run(team, j->cut.blocks, (double)v->batch * (double)v->h.out * bytes / PACE, fn, j);
}

void ldb_pool_max(ldb_team *team, const ldb_pool *p, const void *x, void *y, void *at) {
  job j = {.p = p, .from = x, .to = y, .at = at};
  run(team, &j, false, max_task);
}

void ldb_pool_max_gradient(ldb_team *team, const ldb_pool *p, const void *gy, const void *at,
                           void *gx) {
  job j = {.p = p, .from = gy, .taps = at, .to = gx};
  run(team, &j, overlaps(p), max_gradient_task);
}

void ldb_pool_mean(ldb_team *team, const ldb_pool *p, const void *x, void *y) {
  job j = {.p = p, .from = x, .to = y};
  run(team, &j, false, mean_task);
}

void ldb_pool_mean_gradient(ldb_team *team, const ldb_pool *p, const void *gy, void *gx) {
  job j = {.p = p, .from = gy, .to = gx};
  run(team, &j, overlaps(p), mean_gradient_task);
}
