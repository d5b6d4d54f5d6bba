#include <string.h>

#include "base/clones.h"
#include "kernels/convolution/conv_direct.h"
#include "kernels/convolution/conv_route.h"
#include "kernels/convolution/conv_tile.h"

/* Cells and gradients that are gone through at a time: at least so many bytes, or else positions
   (the sums are read and written for every block), within the second bound. */
enum { BLOCK_BYTES = 64 * 1024, BLOCK_POSITIONS = 128, MOST_BYTES = 1024 * 1024 };

/* Sums of their own that the blocks are shared among, and bytes for them together. */
enum { SHARES = 16, SHARE_BYTES = 4 * 1024 * 1024 };

/* Tasks that a product is cut into, where it has not enough shares, and multiplications that a
   share is worth. */
enum { TASKS = 8, LEAST_WORK = 500000 };

/* Channels from which on padded convolutions are summed tap by tap: fewer fill no tile. */
enum { BY_TAP = 8 };

/* Elements of a gradient that are made and summed while they are near; positions whose gradients
   are added in f32. */
enum { NEAR = 4096, RUN = 64, CHUNK = 32 };

/* Multiplications a nanosecond, and gradients of an activation. */
#define PACE 40.0
#define ACT_PACE 2.0

typedef struct job {
  ldb_team *team;
  const ldb_tiles *tiles;
  const ldb_conv *c;
  const ldb_conv_gradient *g;
  const float *gz;
  ldb_cut cut;
  bool each;              /* every channel by itself */
  bool few;               /* few filters: sums are [filter x depth], vectors run over cells */
  bool by_tap;            /* tap by tap, not run by run */
  int64_t count;          /* elements of gw */
  int64_t shares, slices; /* of the blocks, of the columns */
  int64_t panels;         /* of all groups */
  float *sums;            /* [shares x count], gw itself where there is one share */
  double *bias_sums;      /* [shares x filters] */
} job;

static int64_t at_most(int64_t a, int64_t high) {
  return a < high ? a : high;
}

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

static int64_t group_panels(const job *j) {
  return ceil_div(j->c->filters / j->c->groups, (int64_t)j->tiles->lanes * j->tiles->outer_vectors);
}

static bool padded(const ldb_window_axis *a) {
  return a->before > 0 || (a->out - 1) * a->stride + ldb_window_span(a) > a->in + a->before;
}

static job job_of(const ldb_conv *c) {
  const ldb_window *v = &c->window;
  job j = {.tiles = ldb_conv_tiles(), .c = c};
  const double depth = (double)(v->channels / c->groups) * (double)(v->h.size * v->w.size);
  const double line_bytes = ((double)v->w.out * (double)c->filters +
                             (double)v->h.stride * (double)v->w.in * (double)v->channels) *
                            4.0;
  const double line_work = (double)v->w.out * depth * (double)c->filters;
  double bytes = v->w.out > 0 ? line_bytes / (double)v->w.out * BLOCK_POSITIONS : 0.0;
  bytes = bytes < BLOCK_BYTES ? BLOCK_BYTES : bytes > MOST_BYTES ? MOST_BYTES : bytes;
  j.cut = ldb_cut_of(v->batch, v->h.out, line_bytes, line_work, bytes);
  j.count = v->h.size * v->w.size * (v->channels / c->groups) * c->filters;
  j.each = ldb_conv_is_depthwise(c);
  j.few = !j.each && c->filters / c->groups <= LDB_TILE_FEW &&
          v->channels / c->groups >= j.tiles->lanes;
  j.by_tap = !j.each && v->channels / c->groups >= BY_TAP && (padded(&v->h) || padded(&v->w));
  j.panels = j.each ? 1 : j.few ? c->groups : c->groups * group_panels(&j);
  const double work = (double)v->batch * (double)v->h.out * line_work / LEAST_WORK;
  const int64_t room = SHARE_BYTES / (int64_t)sizeof(float) / (j.count > 0 ? j.count : 1);
  j.shares = at_most(at_most(SHARES, j.cut.blocks), room);
  if (work < (double)j.shares) j.shares = (int64_t)work;
  if (j.shares < 1) j.shares = 1;
  j.slices = at_most(ceil_div(TASKS, j.shares), j.panels);
  if (work < (double)j.slices || j.shares >= TASKS || j.few) j.slices = 1;
  if (j.slices < 1) j.slices = 1;
  return j;
}

bool ldb_conv_direct_gradient_scratch(const ldb_conv *c, size_t *bytes) {
  const job j = job_of(c);
  size_t bias;
  *bytes = 0;
  if ((j.shares > 1 || j.few) &&
      !ldb_mul_size((size_t)j.shares * sizeof(float), (size_t)j.count, bytes))
    return false;
  return ldb_mul_size((size_t)j.shares * sizeof(double), (size_t)c->filters, &bias) &&
         ldb_add_size(*bytes, bias + sizeof(double), bytes);
}

/* sum[f] += the gradients of `positions` positions, at most RUN */
LDB_CLONES
static void add_positions(int64_t positions, int64_t filters, const float *g, double *sum) {
  int64_t f = 0;
  for (; f + CHUNK <= filters; f += CHUNK) {
    float lane[CHUNK] = {0};
    for (int64_t p = 0; p < positions; p++)
      for (int q = 0; q < CHUNK; q++)
        lane[q] += g[p * filters + f + q];
    for (int q = 0; q < CHUNK; q++)
      sum[f + q] += (double)lane[q];
  }
  if (f == filters) return;
  float lane[CHUNK] = {0};
  const int64_t rest = filters - f;
  for (int64_t p = 0; p < positions; p++)
    for (int64_t q = 0; q < rest; q++)
      lane[q] += g[p * filters + f + q];
  for (int64_t q = 0; q < rest; q++)
    sum[f + q] += (double)lane[q];
}

/* First position of a block, and how many it has. */
static int64_t positions_of(const job *j, const ldb_block *b, int64_t *count) {
  const int64_t line = j->c->window.w.out, lines = j->cut.lines;
  *count = ((b->n1 - b->n0 - 1) * lines + b->i1 - b->i0) * line;
  return (b->n0 * lines + b->i0) * line;
}

/* gz and the sums for the bias in one block. Returns where its gz stand: in g.gz, or, where nobody
   reads them later, in the workspace of this thread. */
static const float *prepare(const job *j, const ldb_block *b, int worker, double *bias_sums) {
  const ldb_conv_gradient *g = j->g;
  const int64_t filters = j->c->filters;
  int64_t all;
  const int64_t first = positions_of(j, b, &all);
  const int64_t step = NEAR / filters > RUN ? RUN : NEAR / filters < 1 ? 1 : NEAR / filters;
  const bool linear = g->act == LDB_ACT_LINEAR, z = ldb_act_needs_z(g->act);
  float *near = ldb_team_workspace(j->team, worker);
  const bool here =
      !linear && !g->keep && near && (double)all * (double)filters * sizeof(float) <= LDB_WORKSPACE;
  float *own = here ? near : linear ? NULL : g->gz + first * filters;
  const float *gy = g->gy + first * filters, *gz = linear ? gy : own;
  if (linear && !g->gb) return gz;
  for (int64_t p = 0; p < all; p += step) {
    const int64_t positions = at_most(all - p, step), at = p * filters;
    const float *kept = linear ? NULL : g->kept + first * filters + at;
    if (!linear)
      ldb_act_backward_f32(g->act, positions * filters, z ? kept : NULL, z ? NULL : kept, gy + at,
                           own + at);
    if (g->gb) add_positions(positions, filters, gz + at, bias_sums);
  }
  return gz;
}

/* Sums one segment of cells times one panel of gradients over the positions of a run. */
static void sum_segment(const job *j, ldb_tile_outer *t, int64_t vectors, int64_t length) {
  const int64_t tiles = ceil_div(length, j->tiles->outer_rows);
  const int64_t most = tiles > 0 ? ceil_div(length, tiles) : 0;
  const float *x = t->x;
  float *sum = t->sum;
  for (int64_t q = 0; q < length; q += most) {
    t->x = x + q;
    t->sum = sum + q * t->sum_line;
    j->tiles->outer[vectors][at_most(length - q, most)](t);
  }
}

typedef struct place {
  const ldb_block *block;
  ldb_run h, w;
} place;

/* Few filters: gradients are spread, and vectors run over the cells of a segment. t is as for many,
   with the roles of x and g exchanged here. */
static void sum_segment_few(const job *j, const ldb_tile_outer *t, int64_t filters,
                            int64_t length) {
  const int64_t wide = (int64_t)j->tiles->lanes * j->tiles->outer_vectors;
  ldb_tile_outer own = {.x = t->g, .sum_line = t->sum_line};
  for (int i = 0; i < 3; i++) {
    own.count[i] = t->count[i];
    own.x_step[i] = t->g_step[i];
    own.g_step[i] = t->x_step[i];
  }
  for (int64_t q = 0; q < length; q += wide) {
    own.g = t->x + q;
    own.sum = t->sum + q;
    own.columns = at_most(length - q, wide);
    j->tiles->outer[ceil_div(own.columns, j->tiles->lanes)][filters](&own);
  }
}

static void sum_place(const job *j, const place *p, int64_t panel, const float *gz, float *sums) {
  const ldb_conv *c = j->c;
  const ldb_window *v = &c->window;
  const int64_t lanes = j->tiles->lanes, wide = lanes * j->tiles->outer_vectors;
  const int64_t each = j->few ? 1 : group_panels(j), depth = j->count / c->filters;
  const int64_t group = panel / each, first = panel % each * wide;
  const int64_t own = v->channels / c->groups, columns = c->filters / c->groups;
  const int64_t line = v->w.in * v->channels, n = p->block->n0;
  const bool whole = p->w.in_tap == 1 && own == v->channels;
  const int64_t across = whole ? at_most(p->w.taps, 1) : p->w.taps;
  ldb_tile_outer t = {
      .count = {p->block->n1 - n, p->h.count, p->w.count},
      .x_step = {v->h.in * line, p->h.in_step * line, p->w.in_step * v->channels},
      .g_step = {v->h.out * v->w.out * c->filters, v->w.out * c->filters, c->filters},
      .sum_line = j->few ? depth : c->filters,
      .columns = at_most(wide, columns - first),
      .g = gz + ((p->h.first - p->block->i0) * v->w.out + p->w.first) * c->filters +
           group * columns + first};
  const float *x = j->g->x + n * v->h.in * line + group * own;
  for (int64_t ky = 0; ky < p->h.taps; ky++)
    for (int64_t kx = 0; kx < across; kx++) {
      const int64_t tap = (p->h.tap + ky) * v->w.size + p->w.tap + kx;
      t.x = x + (p->h.in + ky * p->h.in_tap) * line + (p->w.in + kx * p->w.in_tap) * v->channels;
      const int64_t length = whole ? p->w.taps * own : own;
      if (j->few) {
        t.sum = sums + group * columns * depth + tap * own;
        sum_segment_few(j, &t, columns, length);
        continue;
      }
      t.sum = sums + tap * own * c->filters + group * columns + first;
      sum_segment(j, &t, ceil_div(t.columns, lanes), length);
    }
}

/* Channel by channel: a row is a tap. */
static void sum_place_each(const job *j, const place *p, const float *gz, float *sums) {
  const ldb_window *v = &j->c->window;
  const int64_t channels = v->channels, line = v->w.in * channels, n = p->block->n0;
  const int64_t tiles = ceil_div(p->w.taps, j->tiles->each_rows);
  const int64_t most = tiles > 0 ? ceil_div(p->w.taps, tiles) : 1;
  ldb_tile_outer t = {.count = {p->block->n1 - n, p->h.count, p->w.count},
                      .x_step = {v->h.in * line, p->h.in_step * line, p->w.in_step * channels},
                      .g_step = {v->h.out * v->w.out * channels, v->w.out * channels, channels},
                      .sum_line = channels,
                      .columns = channels,
                      .x_tap = p->w.in_tap * channels,
                      .g = gz + ((p->h.first - p->block->i0) * v->w.out + p->w.first) * channels};
  const float *x = j->g->x + n * v->h.in * line + p->w.in * channels;
  for (int64_t ky = 0; ky < p->h.taps; ky++)
    for (int64_t kx = 0; kx < p->w.taps; kx += most) {
      t.x = x + (p->h.in + ky * p->h.in_tap) * line + kx * t.x_tap;
      t.sum = sums + ((p->h.tap + ky) * v->w.size + p->w.tap + kx) * channels;
      j->tiles->each_outer[at_most(p->w.taps - kx, most)](&t);
    }
}

/* Adds one tap: its positions are a rectangle of the block, whatever the other taps meet. */
static void sum_tap(const job *j, const ldb_block *b, int64_t ky, int64_t kx, int64_t panel,
                    const float *gz, float *sums) {
  const ldb_window *v = &j->c->window;
  place p = {.block = b};
  int64_t top, bottom, left, right;
  ldb_window_range(&v->h, ky, &top, &bottom);
  ldb_window_range(&v->w, kx, &left, &right);
  if (top < b->i0) top = b->i0;
  if (bottom > b->i1) bottom = b->i1;
  if (top >= bottom || left >= right) return;
  p.h = (ldb_run){.first = top,
                  .count = bottom - top,
                  .taps = 1,
                  .tap = ky,
                  .in = top * v->h.stride - v->h.before + ky * v->h.dilation,
                  .in_step = v->h.stride};
  p.w = (ldb_run){.first = left,
                  .count = right - left,
                  .taps = 1,
                  .tap = kx,
                  .in = left * v->w.stride - v->w.before + kx * v->w.dilation,
                  .in_step = v->w.stride};
  sum_place(j, &p, panel, gz, sums);
}

/* Adds a block, whose gradients of z begin at gz, to the sums of panels from .. to - 1. */
static void sum_block(const job *j, const ldb_block *b, const float *gz, int64_t from, int64_t to,
                      float *sums) {
  const ldb_window *v = &j->c->window;
  for (int64_t k = from; j->by_tap && k < to; k++)
    for (int64_t tap = 0; tap < v->h.size * v->w.size; tap++)
      sum_tap(j, b, tap / v->w.size, tap % v->w.size, k, gz, sums);
  if (j->by_tap) return;
  place p = {.block = b};
  ldb_route down = ldb_route_over(&j->c->window.h, false, b->i0, b->i1);
  while (ldb_route_next(&down, &p.h)) {
    ldb_route across = ldb_route_over(&j->c->window.w, false, 0, j->c->window.w.out);
    while (ldb_route_next(&across, &p.w)) {
      if (j->each) sum_place_each(j, &p, gz, sums);
      for (int64_t k = from; !j->each && k < to; k++)
        sum_place(j, &p, k, gz, sums);
    }
  }
}

/* The columns of panels from .. to - 1 of a share. */
static void clear_sums(const job *j, int64_t from, int64_t to, float *sums) {
  const ldb_conv *c = j->c;
  const int64_t each = group_panels(j), columns = c->filters / c->groups;
  const int64_t wide = (int64_t)j->tiles->lanes * j->tiles->outer_vectors;
  if (from == 0 && to == j->panels) {
    memset(sums, 0, (size_t)j->count * sizeof *sums);
    return;
  }
  for (int64_t k = from; k < to; k++) {
    const int64_t first = k % each * wide, at = k / each * columns + first;
    for (int64_t row = 0; row < j->count; row += c->filters)
      memset(sums + row + at, 0, (size_t)at_most(wide, columns - first) * sizeof *sums);
  }
}

/* Prepares the blocks of a share and, where columns are not sliced, sums them. */
static void run_share(void *arg, int64_t share, int worker) {
  const job *j = arg;
  const int64_t first = share * j->cut.blocks / j->shares;
  const int64_t last = (share + 1) * j->cut.blocks / j->shares;
  const bool sum = j->g->gw && j->slices == 1;
  float *sums = j->sums ? j->sums + share * j->count : NULL;
  double *bias_sums = j->bias_sums + share * j->c->filters;
  memset(bias_sums, 0, (size_t)j->c->filters * sizeof *bias_sums);
  if (sum) clear_sums(j, 0, j->panels, sums);
  for (int64_t i = first; i < last; i++) {
    const ldb_block b = ldb_block_of(&j->cut, i);
    const float *gz = prepare(j, &b, worker, bias_sums);
    if (sum) sum_block(j, &b, gz, 0, j->panels, sums);
  }
}

static void run_slice(void *arg, int64_t task, int worker) {
  const job *j = arg;
  (void)worker;
  const int64_t share = task / j->slices, slice = task % j->slices;
  const int64_t first = share * j->cut.blocks / j->shares;
  const int64_t last = (share + 1) * j->cut.blocks / j->shares;
  const int64_t from = slice * j->panels / j->slices, to = (slice + 1) * j->panels / j->slices;
  float *sums = j->sums + share * j->count;
  clear_sums(j, from, to, sums);
  for (int64_t i = first; i < last; i++) {
    const ldb_block b = ldb_block_of(&j->cut, i);
    int64_t count;
    const float *gz = j->gz + positions_of(j, &b, &count) * j->c->filters;
    sum_block(j, &b, gz, from, to, sums);
  }
}

/* gw = the sums of all shares, in their order */
LDB_CLONES
static void gather(int64_t shares, int64_t count, const float *restrict sums, float *restrict gw) {
  memcpy(gw, sums, (size_t)count * sizeof *gw);
  for (int64_t s = 1; s < shares; s++)
    for (int64_t i = 0; i < count; i++)
      gw[i] += sums[s * count + i];
}

/* The same from sums [filter x depth] */
static void gather_few(const job *j, float *gw) {
  const int64_t filters = j->c->filters, depth = filters > 0 ? j->count / filters : 0;
  for (int64_t f = 0; f < filters; f++)
    for (int64_t k = 0; k < depth; k++) {
      float sum = j->sums[f * depth + k];
      for (int64_t s = 1; s < j->shares; s++)
        sum += j->sums[s * j->count + f * depth + k];
      gw[k * filters + f] = sum;
    }
}

void ldb_conv_direct_gradient(ldb_team *team, const ldb_conv *c, const ldb_conv_gradient *g,
                              void *scratch) {
  job j = job_of(c);
  const int64_t filters = c->filters;
  ldb_conv_gradient own = *g;
  if (j.slices > 1) own.keep = true;
  j.team = team;
  j.g = &own;
  j.gz = g->act == LDB_ACT_LINEAR ? g->gy : g->gz;
  j.bias_sums = scratch;
  j.sums = j.shares > 1 || j.few ? (float *)(void *)(j.bias_sums + j.shares * filters) : g->gw;
  const double results =
      (double)j.cut.batch * (double)c->window.h.out * (double)c->window.w.out * (double)filters;
  const double depth = filters > 0 ? (double)j.count / (double)filters : 0.0;
  const double sums = g->gw ? results * depth / PACE : 0.0;
  if (filters > 0) {
    ldb_team_run(team, j.shares, results / ACT_PACE + (j.slices == 1 ? sums : 0.0), run_share, &j);
    if (g->gw && j.slices > 1) ldb_team_run(team, j.shares * j.slices, sums, run_slice, &j);
  }
  if (g->gw && j.few)
    gather_few(&j, g->gw);
  else if (g->gw && j.shares > 1)
    gather(j.shares, j.count, j.sums, g->gw);
  for (int64_t f = 0; g->gb && f < filters; f++) {
    double sum = 0;
    for (int64_t s = 0; s < j.shares; s++)
      sum += j.bias_sums[s * filters + f];
    g->gb[f] = (float)sum;
  }
}
