#include "kernels/convolution/conv_direct.h"

#include <string.h>

#include "kernels/convolution/conv_route.h"
#include "kernels/convolution/conv_tile.h"

/* Bytes of cells and results that a block may have, and of packed kernel that its tiles may read in
   one go: together they fit a second-level cache. */
enum { BLOCK_BYTES = 256 * 1024, KERNEL_BYTES = 192 * 1024 };

/* Vectors of cells under a window from which on it pays to add up a vector for each sum. */
enum { FEW_DEPTH = 4 };

/* Segments that are handed to a tile at a time. */
enum { SEGMENTS = 64 };

/* Multiplications a nanosecond, roughly, for what a team is told. */
#define PACE 40.0

/* A convolution as it is run: from the cells of one side to the positions of the other. */
typedef struct job {
  const ldb_tiles *tiles;
  const ldb_window_axis *h, *w; /* of the convolution */
  bool mirrored;
  bool each; /* every channel by itself */
  bool few;  /* vectors run over cells, not over columns */
  int64_t groups, in_channels, out_channels, own_in, own_out;
  int64_t in_lines, in_line, out_lines, out_line; /* cells of an axis */
  int64_t depth;                                  /* taps x own_in */
  int64_t vectors, panels;                        /* of own_out columns */
  const float *x, *w_from;
  float *packed;
  ldb_conv_end end;
  ldb_cut cut;
} job;

bool ldb_conv_is_direct(const ldb_conv *c) {
  return c->type == LDB_F32 && ldb_conv_tiles() != NULL;
}

bool ldb_conv_is_depthwise(const ldb_conv *c) {
  return c->groups == c->window.channels && c->groups == c->filters && c->groups > 1;
}

static int64_t at_most(int64_t a, int64_t high) {
  return a < high ? a : high;
}

static int64_t at_least(int64_t a, int64_t low) {
  return a > low ? a : low;
}

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

static job job_of(const ldb_conv *c, bool mirrored) {
  const ldb_window *v = &c->window;
  job j = {.tiles = ldb_conv_tiles(), .h = &v->h, .w = &v->w, .mirrored = mirrored};
  j.each = ldb_conv_is_depthwise(c);
  j.groups = c->groups;
  j.in_channels = mirrored ? c->filters : v->channels;
  j.out_channels = mirrored ? v->channels : c->filters;
  j.own_in = j.in_channels / c->groups;
  j.own_out = j.out_channels / c->groups;
  j.in_lines = mirrored ? v->h.out : v->h.in;
  j.out_lines = mirrored ? v->h.in : v->h.out;
  j.in_line = mirrored ? v->w.out : v->w.in;
  j.out_line = mirrored ? v->w.in : v->w.out;
  j.depth = v->h.size * v->w.size * j.own_in;
  j.few = !j.each && j.own_out <= LDB_TILE_FEW && j.own_in >= j.tiles->lanes &&
          j.depth >= (int64_t)FEW_DEPTH * j.tiles->lanes;
  const ldb_tiles *narrow = ldb_conv_narrow_tiles();
  if (!j.each && !j.few && narrow && j.own_out <= narrow->lanes) j.tiles = narrow;
  const int64_t all = ceil_div(j.own_out, j.tiles->lanes);
  j.panels = ceil_div(all, j.tiles->sum_vectors);
  j.vectors = j.panels > 0 ? ceil_div(all, j.panels) : 1; /* the last panel may have less */
  if (j.vectors > 0) j.panels = ceil_div(all, j.vectors);
  const double line_bytes = (double)j.out_line * (double)j.out_channels * 4.0 +
                            (double)j.in_lines / (double)at_least(j.out_lines, 1) *
                                (double)j.in_line * (double)j.in_channels * 4.0;
  const double line_work = (double)j.out_line * (double)j.out_channels * (double)j.depth;
  j.cut = ldb_cut_of(v->batch, j.out_lines, line_bytes, line_work, BLOCK_BYTES);
  return j;
}

static bool packed_bytes(const ldb_conv *c, int64_t own_in, int64_t own_out, size_t *bytes) {
  const size_t lanes = (size_t)ldb_conv_tiles()->lanes;
  const size_t wide = ((size_t)own_out + lanes - 1) / lanes * lanes;
  return ldb_mul_size((size_t)(c->window.h.size * c->window.w.size), (size_t)own_in, bytes) &&
         ldb_mul_size(*bytes, wide, bytes) && ldb_mul_size(*bytes, (size_t)c->groups, bytes) &&
         ldb_mul_size(*bytes, sizeof(float), bytes);
}

bool ldb_conv_direct_scratch(const ldb_conv *c, size_t *bytes) {
  const int64_t a = c->window.channels / c->groups, b = c->filters / c->groups;
  size_t back;
  *bytes = 0;
  if (ldb_conv_is_depthwise(c)) return true;
  if (!packed_bytes(c, a, b, bytes) || !packed_bytes(c, b, a, &back)) return false;
  if (back > *bytes) *bytes = back;
  return true;
}

/* Vectors of panel p. */
static int64_t panel_vectors(const job *j, int64_t p) {
  return at_most(j->vectors, ceil_div(j->own_out, j->tiles->lanes) - p * j->vectors);
}

/* Packs one tap of one group: rows tap own_in .. of every panel, or of every column. */
static void pack_tap(void *arg, int64_t task, int worker) {
  const job *j = arg;
  (void)worker;
  const int64_t taps = j->h->size * j->w->size, group = task / taps, tap = task % taps;
  const int64_t lanes = j->tiles->lanes, all = ceil_div(j->own_out, lanes) * lanes;
  const int64_t step = j->mirrored ? 1 : j->out_channels; /* in w, from one row to the next */
  const int64_t side = j->mirrored ? j->in_channels : 1;  /* from one column to the next */
  const int64_t from = j->mirrored ? taps - 1 - tap : tap;
  const float *w = j->w_from + from * j->own_in * j->own_out * j->groups +
                   group * (j->mirrored ? j->own_in : j->own_out);
  for (int64_t q = 0; j->few && q < j->own_out; q++) {
    float *to = j->packed + (group * j->own_out + q) * j->depth + tap * j->own_in;
    for (int64_t k = 0; k < j->own_in; k++)
      to[k] = w[k * step + q * side];
  }
  for (int64_t p = 0; !j->few && p < j->panels; p++) {
    const int64_t wide = panel_vectors(j, p) * lanes, first = p * j->vectors * lanes;
    const int64_t columns = at_most(wide, j->own_out - first);
    float *to = j->packed + group * j->depth * all + first * j->depth + tap * j->own_in * wide;
    for (int64_t k = 0; k < j->own_in; k++, to += wide) {
      const float *row = w + k * step + first * side;
      if (side == 1) memcpy(to, row, (size_t)columns * sizeof *to);
      for (int64_t q = 0; side != 1 && q < columns; q++)
        to[q] = row[q * side];
      for (int64_t q = columns; q < wide; q++)
        to[q] = 0;
    }
  }
}

/* The positions of one row run and one column run in a block. */
typedef struct place {
  const ldb_block *block;
  ldb_run h, w;
  int64_t group;
} place;

/* Cuts the positions of a place into tiles and sums the segments of t over them. */
static void sum_tiles(const job *j, const place *p, ldb_tile_sum_fn *const *fn, int64_t most,
                      int64_t column, const ldb_tile_sum *t) {
  const int64_t in_image = j->in_lines * j->in_line * j->in_channels;
  const int64_t out_image = j->out_lines * j->out_line * j->out_channels;
  const int64_t in_row = p->h.in_step * j->in_line * j->in_channels;
  const int64_t out_row = p->h.step * j->out_line * j->out_channels;
  const int64_t in_step = p->w.in_step * j->in_channels, out_step = p->w.step * j->out_channels;
  const int64_t n = p->block->n0, all = (p->block->n1 - n) * p->h.count * p->w.count;
  const float *image = j->x + n * in_image + p->group * j->own_in +
                       (p->h.in * j->in_line + p->w.in) * j->in_channels;
  float *image_y = j->end.z + n * out_image + p->group * j->own_out + column +
                   (p->h.first * j->out_line + p->w.first) * j->out_channels;
  const float *line = image, *x = image, *cells[LDB_TILE_ROWS];
  float *line_y = image_y, *y = image_y, *results[LDB_TILE_ROWS];
  int64_t col = 0, row = 0;
  for (int64_t done = 0; done < all; done += most) {
    const int64_t rows = at_most(all - done, most);
    for (int64_t i = 0; i < rows; i++, x += in_step, y += out_step) {
      if (col == p->w.count) {
        col = 0;
        if (++row == p->h.count) {
          row = 0;
          line = image += in_image;
          line_y = image_y += out_image;
        } else {
          line += in_row;
          line_y += out_row;
        }
        x = line;
        y = line_y;
      }
      col++;
      cells[i] = x;
      results[i] = y;
    }
    fn[rows](t, cells, results);
  }
}

/* Sums the segments of t into every panel. */
static void sum_panels(const job *j, const place *p, ldb_tile_sum *t) {
  if (j->few) {
    t->w = j->packed + p->group * j->own_out * j->depth;
    t->w_line = j->depth;
    t->columns = j->own_out;
    t->bias = j->end.bias ? j->end.bias + p->group * j->own_out : NULL;
    sum_tiles(j, p, j->tiles->few_sum[j->own_out], j->tiles->few_rows, 0, t);
    return;
  }
  const int64_t lanes = j->tiles->lanes, all = ceil_div(j->own_out, lanes) * lanes;
  for (int64_t k = 0; k < j->panels; k++) {
    const int64_t vectors = panel_vectors(j, k), first = k * j->vectors * lanes;
    t->w = j->packed + p->group * j->depth * all + first * j->depth;
    t->columns = at_most(vectors * lanes, j->own_out - first);
    t->bias = j->end.bias ? j->end.bias + p->group * j->own_out + first : NULL;
    sum_tiles(j, p, j->tiles->sum[vectors], j->tiles->sum_rows[vectors], first, t);
  }
}

/* Channel by channel: a segment is a tap, and the kernel is read as it stands. */
static void sum_place_each(const job *j, const place *p) {
  const int64_t channels = j->in_channels, segments = p->h.taps * p->w.taps;
  int64_t x_at[SEGMENTS], w_at[SEGMENTS];
  ldb_tile_sum t = {.length = 1, .x_at = x_at, .w_at = w_at, .w = j->w_from};
  t.bias = j->end.bias;
  t.columns = channels;
  for (int64_t s = 0; s == 0 || s < segments; s += SEGMENTS) {
    t.segments = at_most(segments - s, SEGMENTS);
    for (int64_t i = 0; i < t.segments; i++) {
      const int64_t ky = (s + i) / p->w.taps, kx = (s + i) % p->w.taps;
      const int64_t tap =
          (p->h.tap + ky * p->h.tap_step) * j->w->size + p->w.tap + kx * p->w.tap_step;
      x_at[i] = (ky * p->h.in_tap * j->in_line + kx * p->w.in_tap) * channels;
      w_at[i] = (j->mirrored ? j->h->size * j->w->size - 1 - tap : tap) * channels;
    }
    t.resume = s > 0;
    t.relu = j->end.act == LDB_ACT_RELU && s + SEGMENTS >= segments;
    sum_tiles(j, p, j->tiles->each_sum, j->tiles->each_rows, 0, &t);
  }
}

static void sum_place(const job *j, const place *p) {
  const bool whole = p->w.tap_step == 1 && p->w.in_tap == 1 && j->own_in == j->in_channels;
  const int64_t across = whole ? at_most(p->w.taps, 1) : p->w.taps; /* segments a line of taps */
  const int64_t segments = p->h.taps * across, length = whole ? p->w.taps * j->own_in : j->own_in;
  const int64_t row = j->vectors * j->tiles->lanes * (int64_t)sizeof(float);
  const int64_t rows = at_least(KERNEL_BYTES / row, 1); /* of packed kernel in one go */
  const int64_t parts = at_least(ceil_div(length, rows), 1);
  const int64_t most = at_least(ceil_div(length, parts), 1), together = at_least(rows / most, 1);
  int64_t x_at[SEGMENTS], w_at[SEGMENTS];
  ldb_tile_sum t = {.x_at = x_at, .w_at = w_at};
  for (int64_t q = 0; q == 0 || q < length; q += most) {
    for (int64_t s = 0; s == 0 || s < segments; s += t.segments) {
      t.segments = at_most(at_most(segments - s, together), SEGMENTS);
      t.length = at_most(length - q, most);
      for (int64_t i = 0; i < t.segments; i++) {
        const int64_t ky = (s + i) / across, kx = (s + i) % across;
        x_at[i] = q + (ky * p->h.in_tap * j->in_line + kx * p->w.in_tap) * j->in_channels;
        w_at[i] =
            q + ((p->h.tap + ky * p->h.tap_step) * j->w->size + p->w.tap + kx * p->w.tap_step) *
                    j->own_in;
      }
      t.resume = q > 0 || s > 0;
      t.relu = j->end.act == LDB_ACT_RELU && q + most >= length && s + t.segments >= segments;
      sum_panels(j, p, &t);
      if (t.segments == 0) break;
    }
  }
}

static void run_block(void *arg, int64_t task, int worker) {
  const job *j = arg;
  (void)worker;
  const ldb_block b = ldb_block_of(&j->cut, task);
  place p = {.block = &b};
  ldb_route down = ldb_route_over(j->h, j->mirrored, b.i0, b.i1);
  while (ldb_route_next(&down, &p.h)) {
    ldb_route across = ldb_route_over(j->w, j->mirrored, 0, j->out_line);
    while (ldb_route_next(&across, &p.w)) {
      p.group = 0;
      if (j->each) sum_place_each(j, &p);
      for (; !j->each && p.group < j->groups; p.group++)
        sum_place(j, &p);
    }
  }
  if (j->end.act == LDB_ACT_LINEAR || j->end.act == LDB_ACT_RELU) return;
  const int64_t line = j->out_line * j->out_channels;
  const int64_t first = (b.n0 * j->out_lines + b.i0) * line;
  const int64_t lines = b.n1 - b.n0 > 1 ? (b.n1 - b.n0) * j->out_lines : b.i1 - b.i0;
  ldb_act_forward_f32(j->end.act, lines * line, j->end.z + first, j->end.y + first);
}

static void run(ldb_team *team, job *j, const float *x, const float *w, const ldb_conv_end *end,
                float *scratch) {
  if (j->cut.blocks < 1 || j->out_line < 1 || j->own_out < 1) return;
  j->x = x;
  j->w_from = w;
  j->packed = scratch;
  j->end = *end;
  const double kernel = (double)j->depth * (double)j->out_channels;
  const double positions = (double)j->cut.batch * (double)j->out_lines * (double)j->out_line;
  if (!j->each) ldb_team_run(team, j->groups * j->h->size * j->w->size, kernel, pack_tap, j);
  ldb_team_run(team, j->cut.blocks, positions * kernel / PACE, run_block, j);
}

void ldb_conv_direct_forward(ldb_team *team, const ldb_conv *c, const float *x, const float *w,
                             const ldb_conv_end *end, float *scratch) {
  job j = job_of(c, false);
  run(team, &j, x, w, end, scratch);
}

void ldb_conv_direct_transposed(ldb_team *team, const ldb_conv *c, const float *gy, const float *w,
                                const ldb_conv_end *end, float *scratch) {
  job j = job_of(c, true);
  run(team, &j, gy, w, end, scratch);
}
