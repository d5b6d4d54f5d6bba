/*
** Normalisation in f32. Sums of x are f64; what has been centred is f32, in 32 lanes and blocks
** of 512 elements, with f64 from block to block. x - mean is taken as (x - high) - low with mean =
** high + low, so that it keeps its digits however far the mean is from 0.
*/
#include "kernels/norm/norm_f32.h"

#include <math.h>

#include "base/clones.h"

enum { SUM_LANES = 16, LANES = 32, BLOCK = 512, TOGETHER = 16 };
/* Work is cut into at most this many parts of at least so many elements, and memory for their sums
   into this many bytes. */
enum { PARTS = 16, PART_ELEMENTS = 8192, PART_BYTES = 1 << 20 };

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* `items` rows or outer parts, `per` of them in each part. */
typedef struct cut {
  int64_t items, per, parts;
} cut;

static int64_t slot_doubles(int64_t channels) {
  return 7 * channels;
}

static cut cut_of(ldb_norm_split s) {
  const int64_t channels = s.groups * s.width, items = s.outer > 1 ? s.outer : s.outer * s.rows;
  const int64_t elements = s.outer * s.rows * channels;
  int64_t parts = least(elements / PART_ELEMENTS, PARTS);
  parts = least(parts, PART_BYTES / (8 * most(slot_doubles(channels), 1)));
  parts = most(least(parts, items), 1);
  const int64_t per = (items + parts - 1) / parts;
  return (cut){items, per, per > 0 ? (items + per - 1) / per : 0};
}

/* Shared: gamma, beta; then one slot a part. */
size_t ldb_norm_f32_doubles(ldb_norm_split s) {
  const int64_t channels = s.groups * s.width;
  return (size_t)(channels + (cut_of(s).parts + 1) * slot_doubles(channels));
}

/* ---- lines: statistics over the whole row -----------------------------------------------------
 */

LDB_INLINE double line_sum(int64_t n, const float *x) {
  double lane[SUM_LANES] = {0}, sum = 0;
  int64_t i = 0;
  for (; i + SUM_LANES <= n; i += SUM_LANES)
    for (int l = 0; l < SUM_LANES; l++)
      lane[l] += (double)x[i + l];
  for (; i < n; i++)
    sum += (double)x[i];
  for (int l = 0; l < 8; l++)
    lane[l] += lane[l + 8];
  for (int l = 0; l < 4; l++)
    lane[l] += lane[l + 4];
  return ((lane[0] + lane[2]) + (lane[1] + lane[3])) + sum;
}

LDB_INLINE double lanes_total(float lane[LANES]) {
  for (int l = 0; l < 16; l++)
    lane[l] += lane[l + 16];
  for (int l = 0; l < 8; l++)
    lane[l] += lane[l + 8];
  for (int l = 0; l < 4; l++)
    lane[l] += lane[l + 4];
  return (double)((lane[0] + lane[2]) + (lane[1] + lane[3]));
}

LDB_INLINE double line_squares(int64_t n, float high, float low, const float *x) {
  double sum = 0;
  for (int64_t first = 0; first < n; first += BLOCK) {
    const int64_t end = first + BLOCK < n ? first + BLOCK : n;
    float lane[LANES] = {0};
    int64_t i = first;
    for (; i + LANES <= end; i += LANES)
      for (int l = 0; l < LANES; l++) {
        const float d = (x[i + l] - high) - low;
        lane[l] += d * d;
      }
    for (int l = 0; i < end; i++, l++) {
      const float d = (x[i] - high) - low;
      lane[l] += d * d;
    }
    sum += lanes_total(lane);
  }
  return sum;
}

/* TOGETHER rows at a time, step by step: one row's chain of sum, mean, sum, root is all latency. */
LDB_CLONES static void line_forward(int64_t rows, int64_t n, bool centre, double epsilon,
                                    const float *restrict x, const float *restrict gamma,
                                    const float *restrict beta, double *restrict mean,
                                    double *restrict inverse, float *restrict y) {
  for (int64_t first = 0; first < rows; first += TOGETHER) {
    const int64_t some = rows - first < TOGETHER ? rows - first : TOGETHER;
    double *m = mean + first, *r = inverse + first;
    for (int64_t j = 0; j < some; j++)
      m[j] = centre ? line_sum(n, x + j * n) / (double)n : 0;
    for (int64_t j = 0; j < some; j++) {
      const float high = (float)m[j], low = (float)(m[j] - (double)high);
      r[j] = line_squares(n, high, low, x + j * n);
    }
    for (int64_t j = 0; j < some; j++)
      r[j] = 1 / sqrt(r[j] / (double)n + epsilon);
    for (int64_t j = 0; j < some; j++, x += n, y += n) {
      const float high = (float)m[j], low = (float)(m[j] - (double)high), scale = (float)r[j];
      for (int64_t i = 0; i < n; i++)
        y[i] = ((x[i] - high) - low) * scale * gamma[i] + beta[i];
    }
  }
}

/* Adds gy h and gy of one line to ggamma and gbeta; *a = sum gy gamma, *b = sum gy gamma h. */
LDB_INLINE void line_sums(int64_t n, float high, float low, float r, const float *restrict gamma,
                          const float *restrict x, const float *restrict gy, float *restrict ggamma,
                          float *restrict gbeta, double *a, double *b) {
  *a = *b = 0;
  for (int64_t first = 0; first < n; first += BLOCK) {
    const int64_t end = first + BLOCK < n ? first + BLOCK : n;
    float plain[LANES] = {0}, along[LANES] = {0};
    int64_t i = first;
    for (; i + LANES <= end; i += LANES)
      for (int l = 0; l < LANES; l++) {
        const float h = ((x[i + l] - high) - low) * r, g = gy[i + l] * gamma[i + l];
        gbeta[i + l] += gy[i + l];
        ggamma[i + l] += gy[i + l] * h;
        plain[l] += g;
        along[l] += g * h;
      }
    for (int l = 0; i < end; i++, l++) {
      const float h = ((x[i] - high) - low) * r, g = gy[i] * gamma[i];
      gbeta[i] += gy[i];
      ggamma[i] += gy[i] * h;
      plain[l] += g;
      along[l] += g * h;
    }
    *a += lanes_total(plain);
    *b += lanes_total(along);
  }
}

/* total += block, block = 0 */
LDB_INLINE void flush(int64_t n, float *restrict block, double *restrict total) {
  for (int64_t i = 0; i < n; i++) {
    total[i] += (double)block[i];
    block[i] = 0;
  }
}

/* sums: 2 n doubles for ggamma and gbeta, overwritten; block: 2 n floats */
LDB_CLONES static void line_backward(int64_t rows, int64_t n, ldb_norm_kind kind,
                                     const float *restrict x, const double *mean,
                                     const double *inverse, const float *restrict gamma,
                                     const float *restrict gy, float *restrict gx, double *sums,
                                     float *block) {
  for (int64_t i = 0; i < 2 * n; i++) {
    sums[i] = 0;
    block[i] = 0;
  }
  for (int64_t first = 0; first < rows; first += TOGETHER) {
    const int64_t some = rows - first < TOGETHER ? rows - first : TOGETHER;
    double plain[TOGETHER], along[TOGETHER];
    for (int64_t j = 0; j < some; j++) {
      const float high = (float)mean[first + j], low = (float)(mean[first + j] - (double)high);
      line_sums(n, high, low, (float)inverse[first + j], gamma, x + j * n, gy + j * n, block,
                block + n, &plain[j], &along[j]);
    }
    flush(2 * n, block, sums);
    for (int64_t j = 0; gx && j < some; j++, gx += n) {
      const float high = (float)mean[first + j], low = (float)(mean[first + j] - (double)high);
      const float r = (float)inverse[first + j], b = (float)(along[j] / (double)n);
      const float a = kind == LDB_NORM_CENTRED ? (float)(plain[j] / (double)n) : 0;
      const float *xj = x + j * n, *gj = gy + j * n;
      for (int64_t i = 0; i < n; i++)
        gx[i] = r * (gj[i] * gamma[i] - a - ((xj[i] - high) - low) * r * b);
    }
    x += some * n;
    gy += some * n;
  }
}

/* ---- columns: statistics over rows, one value for each channel ---------------------------------
 */

/* What the columns are normalised with, one for each channel. */
typedef struct column {
  float *high, *low, *r, *a, *b;
} column;

LDB_CLONES static void column_sums(int64_t rows, int64_t c, const float *restrict x,
                                   double *restrict sum) {
  for (int64_t i = 0; i < c; i++)
    sum[i] = 0;
  for (int64_t j = 0; j < rows; j++, x += c)
    for (int64_t i = 0; i < c; i++)
      sum[i] += (double)x[i];
}

LDB_CLONES static void column_squares(int64_t rows, int64_t c, const float *restrict x,
                                      const float *restrict high, const float *restrict low,
                                      double *restrict square) {
  for (int64_t i = 0; i < c; i++)
    square[i] = 0;
  for (int64_t j = 0; j < rows; j++, x += c)
    for (int64_t i = 0; i < c; i++) {
      const float d = (x[i] - high[i]) - low[i];
      square[i] += (double)(d * d);
    }
}

LDB_CLONES static void column_apply(int64_t rows, int64_t c, const float *restrict x,
                                    const float *restrict high, const float *restrict low,
                                    const float *restrict r, const float *restrict gamma,
                                    const float *restrict beta, float *restrict y) {
  for (int64_t j = 0; j < rows; j++, x += c, y += c)
    for (int64_t i = 0; i < c; i++)
      y[i] = ((x[i] - high[i]) - low[i]) * r[i] * gamma[i] + beta[i];
}

/* plain = sum gy, along = sum gy h */
LDB_CLONES static void column_gradient_sums(int64_t rows, int64_t c, const float *restrict x,
                                            const float *restrict high, const float *restrict low,
                                            const float *restrict r, const float *restrict gy,
                                            double *restrict plain, double *restrict along) {
  for (int64_t i = 0; i < c; i++)
    plain[i] = along[i] = 0;
  for (int64_t j = 0; j < rows; j++, x += c, gy += c)
    for (int64_t i = 0; i < c; i++) {
      const float h = ((x[i] - high[i]) - low[i]) * r[i];
      plain[i] += (double)gy[i];
      along[i] += (double)(gy[i] * h);
    }
}

LDB_CLONES static void column_gradient(int64_t rows, int64_t c, const float *restrict x,
                                       const float *restrict high, const float *restrict low,
                                       const float *restrict r, const float *restrict a,
                                       const float *restrict b, const float *restrict gamma,
                                       const float *restrict gy, float *restrict gx) {
  for (int64_t j = 0; j < rows; j++, x += c, gy += c, gx += c)
    for (int64_t i = 0; i < c; i++) {
      const float h = ((x[i] - high[i]) - low[i]) * r[i];
      gx[i] = r[i] * (gy[i] * gamma[i] - a[i] - h * b[i]);
    }
}

/* ---- parts ------------------------------------------------------------------------------------
 */

typedef struct job {
  ldb_norm_split s;
  cut cut;
  ldb_norm_kind kind;
  bool given; /* mean and inverse are there already */
  double epsilon;
  const float *x, *gamma, *beta, *gy;
  double *mean, *inverse;
  float *y, *gx;
  double *slots; /* one a part, and the first one shared */
} job;

static int64_t channels_of(const job *j) {
  return j->s.groups * j->s.width;
}

/* Slot 0 is shared; part i has slot i + 1. */
static double *slot(const job *j, int64_t i) {
  return j->slots + i * slot_doubles(channels_of(j));
}

/* The last five half-doubles of a slot; before them are 4 channels of sums. */
static column columns_in(const job *j, double *slot) {
  const int64_t c = channels_of(j);
  float *f = (float *)(void *)(slot + 4 * c);
  return (column){f, f + c, f + 2 * c, f + 3 * c, f + 4 * c};
}

/* One value a group becomes one a channel. */
static void spread(const job *j, const double *mean, const double *inverse, column to) {
  const int64_t w = j->s.width;
  for (int64_t p = 0; p < j->s.groups; p++) {
    const float high = (float)mean[p], low = (float)(mean[p] - (double)high);
    const float r = inverse ? (float)inverse[p] : 1;
    for (int64_t i = p * w; i < (p + 1) * w; i++) {
      to.high[i] = high;
      to.low[i] = low;
      to.r[i] = r;
    }
  }
}

/* to[group] = sum of from over its channels / n */
static void gather(const job *j, const double *from, double n, double *to) {
  for (int64_t p = 0; p < j->s.groups; p++) {
    double sum = 0;
    for (int64_t i = p * j->s.width; i < (p + 1) * j->s.width; i++)
      sum += from[i];
    to[p] = sum / n;
  }
}

/* Means and mean squares of one block of rows. */
static void block_moments(const job *j, int64_t rows, const float *x, double *slot, double *mean,
                          double *square) {
  const column to = columns_in(j, slot);
  const double n = (double)(rows * j->s.width);
  if (j->kind == LDB_NORM_RMS) {
    for (int64_t p = 0; p < j->s.groups; p++)
      mean[p] = 0;
  } else {
    column_sums(rows, channels_of(j), x, slot);
    gather(j, slot, n, mean);
  }
  spread(j, mean, NULL, to);
  column_squares(rows, channels_of(j), x, to.high, to.low, slot);
  gather(j, slot, n, square);
}

static void invert(int64_t n, double epsilon, double *variance) {
  for (int64_t i = 0; i < n; i++)
    variance[i] = 1 / sqrt(variance[i] + epsilon);
}

static bool is_lines(ldb_norm_split s) {
  return s.rows == 1 && s.groups == 1;
}

static void forward_lines(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const int64_t first = i * j->cut.per, n = least(j->cut.per, j->cut.items - first);
  const int64_t at = first * j->s.width;
  (void)worker;
  line_forward(n, j->s.width, j->kind != LDB_NORM_RMS, j->epsilon, j->x + at, j->gamma, j->beta,
               j->mean + first, j->inverse + first, j->y + at);
}

/* Outer parts, each by itself. */
static void forward_outer(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const int64_t first = i * j->cut.per, end = least(first + j->cut.per, j->cut.items);
  const int64_t size = j->s.rows * channels_of(j);
  double *own = slot(j, i + 1);
  const column with = columns_in(j, own);
  (void)worker;
  for (int64_t o = first; o < end; o++) {
    double *mean = j->mean + o * j->s.groups, *inverse = j->inverse + o * j->s.groups;
    if (!j->given) {
      block_moments(j, j->s.rows, j->x + o * size, own, mean, inverse);
      invert(j->s.groups, j->epsilon, inverse);
    }
    spread(j, mean, inverse, with);
    column_apply(j->s.rows, channels_of(j), j->x + o * size, with.high, with.low, with.r, j->gamma,
                 j->beta, j->y + o * size);
  }
}

/* Blocks of the rows of one outer part: moments, and then the rest. */
static void moments_rows(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const int64_t first = i * j->cut.per, rows = least(j->cut.per, j->cut.items - first);
  double *own = slot(j, i + 1), *found = own + 2 * channels_of(j);
  (void)worker;
  block_moments(j, rows, j->x + first * channels_of(j), own, found, found + j->s.groups);
}

/* Chan, Golub and LeVeque's rule, block after block. */
static void merge_moments(const job *j, double *mean, double *square) {
  double before = 0;
  for (int64_t i = 0; i < j->cut.parts; i++) {
    const double n = (double)least(j->cut.per, j->cut.items - i * j->cut.per);
    const double share = n / (before + n);
    const double *found = slot(j, i + 1) + 2 * channels_of(j);
    for (int64_t p = 0; p < j->s.groups; p++) {
      const double gap = found[p] - mean[p];
      if (i == 0) {
        mean[p] = found[p];
        square[p] = found[j->s.groups + p];
      } else {
        square[p] += share * (found[j->s.groups + p] - square[p] + gap * gap * (1 - share));
        mean[p] += share * gap;
      }
    }
    before += n;
  }
}

static void apply_rows(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const int64_t first = i * j->cut.per, rows = least(j->cut.per, j->cut.items - first);
  const int64_t c = channels_of(j);
  const column with = columns_in(j, slot(j, 0));
  (void)worker;
  column_apply(rows, c, j->x + first * c, with.high, with.low, with.r, j->gamma, j->beta,
               j->y + first * c);
}

static double elements(const job *j) {
  return (double)(j->s.outer * j->s.rows) * (double)channels_of(j);
}

void ldb_norm_moments_f32(ldb_team *team, ldb_norm_split s, ldb_norm_kind kind, const float *x,
                          double *mean, double *variance, double *scratch) {
  job j = {.s = s, .cut = cut_of(s), .kind = kind, .x = x, .slots = scratch};
  if (s.rows * s.width == 0)
    for (int64_t p = 0; p < s.groups; p++)
      mean[p] = variance[p] = NAN;
  ldb_team_run(team, j.cut.parts, 0.3 * elements(&j), moments_rows, &j);
  merge_moments(&j, mean, variance);
}

/* gamma or, where there is none, as many `neutral` values in `room`. */
static const float *scale_of(const float *given, float neutral, int64_t n, float *room) {
  if (given) return given;
  for (int64_t i = 0; i < n; i++)
    room[i] = neutral;
  return room;
}

void ldb_norm_forward_f32(ldb_team *team, ldb_norm_split s, ldb_norm_kind kind, bool given,
                          double epsilon, const float *x, const float *gamma, const float *beta,
                          double *mean, double *inverse, float *y, double *scratch) {
  const int64_t c = s.groups * s.width;
  float *room = (float *)(void *)scratch;
  job j = {.s = s, .cut = cut_of(s), .kind = kind, .given = given, .epsilon = epsilon, .x = x};
  j.gamma = scale_of(gamma, 1, c, room);
  j.beta = scale_of(beta, 0, c, room + c);
  j.mean = mean;
  j.inverse = inverse;
  j.y = y;
  j.slots = scratch + c;
  if (given) invert(s.outer * s.groups, epsilon, inverse);
  if (is_lines(s) && !given) {
    ldb_team_run(team, j.cut.parts, 0.3 * elements(&j), forward_lines, &j);
  } else if (s.outer > 1) {
    ldb_team_run(team, j.cut.parts, 0.4 * elements(&j), forward_outer, &j);
  } else {
    if (!given) {
      ldb_norm_moments_f32(team, s, kind, x, mean, inverse, j.slots);
      invert(s.groups, epsilon, inverse);
    }
    spread(&j, mean, inverse, columns_in(&j, slot(&j, 0)));
    ldb_team_run(team, j.cut.parts, 0.1 * elements(&j), apply_rows, &j);
  }
}

/* ---- gradients --------------------------------------------------------------------------------
 */

static void backward_lines(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const int64_t first = i * j->cut.per, n = least(j->cut.per, j->cut.items - first);
  const int64_t at = first * j->s.width;
  double *own = slot(j, i + 1);
  (void)worker;
  line_backward(n, j->s.width, j->kind, j->x + at, j->mean + first, j->inverse + first, j->gamma,
                j->gy + at, j->gx ? j->gx + at : NULL, own + 2 * j->s.width,
                (float *)(void *)(own + 4 * j->s.width));
}

/* a = sum gy gamma / n and b = sum gy gamma h / n of each group, for each of its channels. */
static void spread_gradient(const job *j, const double *plain, const double *along, column to) {
  const double n = (double)(j->s.rows * j->s.width);
  for (int64_t p = 0; p < j->s.groups; p++) {
    double a = 0, b = 0;
    for (int64_t i = p * j->s.width; i < (p + 1) * j->s.width; i++) {
      a += plain[i] * (double)j->gamma[i];
      b += along[i] * (double)j->gamma[i];
    }
    for (int64_t i = p * j->s.width; i < (p + 1) * j->s.width; i++) {
      to.a[i] = j->kind == LDB_NORM_CENTRED ? (float)(a / n) : 0;
      to.b[i] = j->kind == LDB_NORM_FIXED ? 0 : (float)(b / n);
    }
  }
}

static void gradient_of(const job *j, int64_t rows, int64_t at, column with) {
  if (j->gx)
    column_gradient(rows, channels_of(j), j->x + at, with.high, with.low, with.r, with.a, with.b,
                    j->gamma, j->gy + at, j->gx + at);
}

/* In a slot: sums of this outer part, along and plain; those of all its outer parts; columns. */
static void backward_outer(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const int64_t first = i * j->cut.per, end = least(first + j->cut.per, j->cut.items);
  const int64_t c = channels_of(j), size = j->s.rows * c;
  double *along = slot(j, i + 1), *plain = along + c, *total = along + 2 * c;
  const column with = columns_in(j, along);
  (void)worker;
  for (int64_t k = 0; k < 2 * c; k++)
    total[k] = 0;
  for (int64_t o = first; o < end; o++) {
    spread(j, j->mean + o * j->s.groups, j->inverse + o * j->s.groups, with);
    column_gradient_sums(j->s.rows, c, j->x + o * size, with.high, with.low, with.r,
                         j->gy + o * size, plain, along);
    for (int64_t k = 0; k < 2 * c; k++)
      total[k] += along[k];
    spread_gradient(j, plain, along, with);
    gradient_of(j, j->s.rows, o * size, with);
  }
}

static void sums_rows(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const int64_t first = i * j->cut.per, rows = least(j->cut.per, j->cut.items - first);
  const int64_t c = channels_of(j), at = first * c;
  const column with = columns_in(j, slot(j, 0));
  double *total = slot(j, i + 1) + 2 * c;
  (void)worker;
  column_gradient_sums(rows, c, j->x + at, with.high, with.low, with.r, j->gy + at, total + c,
                       total);
}

static void gradient_rows(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const int64_t first = i * j->cut.per, rows = least(j->cut.per, j->cut.items - first);
  (void)worker;
  gradient_of(j, rows, first * channels_of(j), columns_in(j, slot(j, 0)));
}

/* total[2 c] = the sums of all parts, in their order. */
static void add_parts(const job *j, double *total) {
  const int64_t c = channels_of(j);
  for (int64_t k = 0; k < 2 * c; k++)
    total[k] = 0;
  for (int64_t i = 0; i < j->cut.parts; i++) {
    const double *own = slot(j, i + 1) + 2 * c;
    for (int64_t k = 0; k < 2 * c; k++)
      total[k] += own[k];
  }
}

void ldb_norm_backward_f32(ldb_team *team, ldb_norm_split s, ldb_norm_kind kind, const float *x,
                           const double *mean, const double *inverse, const float *gamma,
                           const float *gy, float *gx, float *ggamma, float *gbeta,
                           double *scratch) {
  const int64_t c = s.groups * s.width;
  job j = {.s = s, .cut = cut_of(s), .kind = kind, .x = x, .gy = gy, .gx = gx};
  j.gamma = scale_of(gamma, 1, c, (float *)(void *)scratch);
  j.mean = (double *)(uintptr_t)mean; /* backward only reads them */
  j.inverse = (double *)(uintptr_t)inverse;
  j.slots = scratch + c;
  double *total = slot(&j, 0);
  if (is_lines(s) && kind != LDB_NORM_FIXED) {
    ldb_team_run(team, j.cut.parts, 0.5 * elements(&j), backward_lines, &j);
    add_parts(&j, total);
  } else if (s.outer > 1) {
    ldb_team_run(team, j.cut.parts, 0.5 * elements(&j), backward_outer, &j);
    add_parts(&j, total);
  } else if (s.outer == 1 && s.rows > 0) {
    const column with = columns_in(&j, total);
    spread(&j, mean, inverse, with);
    ldb_team_run(team, j.cut.parts, 0.3 * elements(&j), sums_rows, &j);
    add_parts(&j, total);
    spread_gradient(&j, total + c, total, with);
    ldb_team_run(team, j.cut.parts, 0.2 * elements(&j), gradient_rows, &j);
  } else {
    add_parts(&j, total);
  }
  for (int64_t i = 0; ggamma && i < c; i++)
    ggamma[i] = (float)total[i];
  for (int64_t i = 0; gbeta && i < c; i++)
    gbeta[i] = (float)total[c + i];
}
