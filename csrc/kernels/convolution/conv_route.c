#include "kernels/convolution/conv_route.h"

ldb_route ldb_route_over(const ldb_window_axis *a, bool mirrored, int64_t from, int64_t to) {
  return (ldb_route){.axis = a, .mirrored = mirrored, .from = from, .to = to, .next = from};
}

static ldb_run meet_window(const ldb_window_axis *a, int64_t i) {
  int64_t from, to;
  ldb_window_taps(a, i, &from, &to);
  return (ldb_run){.first = i,
                   .count = 1,
                   .step = 1,
                   .taps = to - from,
                   .tap = from,
                   .tap_step = 1,
                   .in = i * a->stride - a->before + from * a->dilation,
                   .in_step = a->stride,
                   .in_tap = a->dilation};
}

/* Window position p covers cell h with tap t where p stride - before + t dilation = h. */
static ldb_run meet_cell(const ldb_window_axis *a, int64_t h) {
  ldb_run r = {.first = h, .count = 1, .step = a->stride, .tap_step = 1, .in_step = 1};
  int64_t second = 0;
  for (int64_t u = 0; u < a->size; u++) {
    const int64_t way = h + a->before - (a->size - 1 - u) * a->dilation;
    if (way < 0 || way % a->stride != 0) continue;
    const int64_t p = way / a->stride;
    if (p >= a->out) break;
    if (r.taps == 0) {
      r.tap = u;
      r.in = p;
    } else if (r.taps == 1) {
      r.tap_step = u - r.tap;
      second = p;
      r.in_tap = second - r.in;
    }
    r.taps++;
  }
  return r;
}

static ldb_run meet(const ldb_route *r, int64_t i) {
  return r->mirrored ? meet_cell(r->axis, i) : meet_window(r->axis, i);
}

bool ldb_route_next(ldb_route *r, ldb_run *run) {
  const int64_t step = r->mirrored ? r->axis->stride : 1;
  while (r->next >= r->to) {
    if (++r->residue >= step || r->from + r->residue >= r->to) return false;
    r->next = r->from + r->residue;
  }
  *run = meet(r, r->next);
  for (r->next += step; r->next < r->to; r->next += step, run->count++) {
    const ldb_run other = meet(r, r->next);
    if (other.taps != run->taps || other.tap != run->tap || other.tap_step != run->tap_step) break;
  }
  return true;
}

/* Multiplications of which a block has at least so many, where it can. */
enum { LEAST_WORK = 500000 };

static int64_t at_most(int64_t a, int64_t high) {
  return a < high ? a : high;
}

static int64_t ceil_div(int64_t a, int64_t b) {
  return (a + b - 1) / b;
}

/* How many of `each` fit into `all`, at least 1, at most 2^31. */
static int64_t fitting(double all, double each) {
  const double n = each > 0 ? all / each : 1.0;
  return n < 1.0 ? 1 : n > 2147483648.0 ? (int64_t)2147483648 : (int64_t)n;
}

ldb_cut ldb_cut_of(int64_t batch, int64_t lines, double line_bytes, double line_work,
                   double bytes) {
  ldb_cut r = {.batch = batch, .lines = lines, .images = 1, .band = lines};
  if (batch < 1 || lines < 1) return r;
  const double image = (double)lines;
  const double share = (double)batch * image * line_work / 16.0;
  const double work = share > LEAST_WORK ? share : LEAST_WORK;
  const int64_t fit = at_most(fitting(bytes, line_bytes), fitting(work, line_work));
  if (fit >= 2 * lines) {
    r.images = at_most(fit / lines, batch);
  } else if (fit < lines) {
    r.band = ceil_div(lines, ceil_div(lines, fit));
  }
  r.blocks = ceil_div(batch, r.images) * ceil_div(lines, r.band);
  return r;
}

ldb_block ldb_block_of(const ldb_cut *cut, int64_t i) {
  const int64_t bands = ceil_div(cut->lines, cut->band);
  const int64_t n0 = i / bands * cut->images, i0 = i % bands * cut->band;
  return (ldb_block){.n0 = n0,
                     .n1 = at_most(n0 + cut->images, cut->batch),
                     .i0 = i0,
                     .i1 = at_most(i0 + cut->band, cut->lines)};
}
