/*
** Scores exist for one tile of TILE queries by TILE keys at a time. Forward keeps of each query the
** largest score so far and the sum of exp(score - largest), and scales what it has summed when a
** later tile has a larger one; backward makes each tile of weights anew from these two numbers.
** Under causality neither tiles nor rows and columns within a tile that no query sees are computed.
*/
#include "kernels/attention/attention_f32.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/rng.h"
#include "kernels/elementwise/dropout.h"
#include "kernels/elementwise/math_inline.h"
#include "kernels/product/product_kernel.h"

enum { TILE = 64, LANES = 16 };

/* As far from the diagonal as no tile is: no limit by causality. */
#define ANYWHERE ((int64_t)1 << 40)

typedef struct space {
  float *kt, *vt; /* keys and values of a tile, transposed: [dk x TILE], [dv x TILE] */
  float *s, *g;   /* scores or weights, and their gradients: [TILE x TILE] */
  unsigned char *keep;
} space;

size_t ldb_attention_room_f32(const ldb_attention *a) {
  return (size_t)TILE * ((size_t)(a->dk + a->dv) + 2 * TILE) * sizeof(float) + TILE * TILE;
}

static space room_in(const ldb_attention *a, void *memory) {
  space r;
  r.kt = memory;
  r.vt = r.kt + TILE * a->dk;
  r.s = r.vt + TILE * a->dv;
  r.g = r.s + TILE * TILE;
  r.keep = (unsigned char *)(r.g + TILE * TILE);
  return r;
}

/* One head of one sample. */
typedef struct pair {
  int64_t index, mask, bias, gbias; /* offsets of its first score */
  int64_t q_at, k_at, v_at, y_at;   /* offsets of its first rows, which are ld apart */
  int64_t dk_ld, dv_ld;
} pair;

static pair pair_of(const ldb_attention *a, const ldb_view *gbias, int64_t index) {
  const int64_t o = index / a->heads, h = index % a->heads;
  pair p = {.index = index, .dk_ld = a->heads * a->dk, .dv_ld = a->heads * a->dv};
  p.mask = ldb_attention_offset(&a->scores, &a->mask, index);
  p.bias = ldb_attention_offset(&a->scores, &a->bias, index);
  p.gbias = gbias ? ldb_attention_offset(&a->scores, gbias, index) : 0;
  p.q_at = o * a->tq * p.dk_ld + h * a->dk;
  p.k_at = o * a->tk * p.dk_ld + h * a->dk;
  p.v_at = o * a->tk * p.dv_ld + h * a->dv;
  p.y_at = o * a->tq * p.dv_ld + h * a->dv;
  return p;
}

/* n queries from i0 on and m keys from j0 on. Query i0 + r sees the keys before j0 + beside + r
 * + 1.
 */
typedef struct tile {
  int64_t i0, n, j0, m, beside;
} tile;

static int64_t least(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t between(int64_t x, int64_t low, int64_t high) {
  return x < low ? low : x > high ? high : x;
}

/* May what causality forbids be left out? Not where a query without a key weighs all keys alike. */
static bool leaves_out(const ldb_attention *a) {
  return a->causal && !(a->uniform && (a->mask.data || a->bias.data));
}

static tile tile_at(const ldb_attention *a, int64_t i0, int64_t j0) {
  return (tile){i0, least(TILE, a->tq - i0), j0, least(TILE, a->tk - j0),
                a->causal ? i0 - j0 : ANYWHERE};
}

/* Keys of the tile that its row r sees. */
static int64_t seen(const tile *t, int64_t r) {
  return between(t->beside + r + 1, 0, t->m);
}

/* ---- products ---------------------------------------------------------------------------------
 */

/* c[i, j] (+)= sum over p < depth of a[i * a_row + p * a_col] b[p * b_row + j], i < rows, j < cols;
   `roomy`: rows of b have room for whole vectors. */
static void product(const ldb_micro *k, int64_t rows, int64_t cols, int64_t depth, const float *a,
                    int64_t a_row, int64_t a_col, const float *b, int64_t b_row, bool roomy,
                    float *c, int64_t ldc, bool add) {
  if (!k) {
    for (int64_t i = 0; i < rows; i++, a += a_row, c += ldc) {
      if (!add) memset(c, 0, (size_t)cols * sizeof *c);
      for (int64_t p = 0; p < depth; p++)
        for (int64_t j = 0; j < cols; j++)
          c[j] += a[p * a_col] * b[p * b_row + j];
    }
    return;
  }
  for (int64_t j = 0; j < cols; j += 2 * k->lanes) {
    const int64_t n = least(cols - j, 2 * k->lanes);
    const int form = (int)(2 * (rows - 1) + (n > k->lanes));
    ldb_micro_fn *const *set = roomy || n % k->lanes == 0 ? k->whole : k->masked;
    set[form](depth, a, a_row, a_col, b + j, b_row, c + j, ldc, n, add);
  }
}

/* Rows that are multiplied together. */
static int64_t group_of(const ldb_micro *k) {
  return k && k->rows < 8 ? k->rows : 8;
}

/* s[n x m] = x xt, where xt is transposed with rows of TILE; of columns that none of a group of
   rows sees nothing is written. */
static void score_product(const ldb_micro *k, const tile *t, int64_t depth, const float *x,
                          int64_t ld, const float *xt, float *s) {
  const int64_t group = group_of(k);
  for (int64_t r = 0; r < t->n; r += group) {
    const int64_t rows = least(group, t->n - r), cols = seen(t, r + rows - 1);
    if (cols > 0)
      product(k, rows, cols, depth, x + r * ld, ld, 1, xt, TILE, true, s + r * TILE, TILE, false);
  }
}

/* c[n x width] (+)= w x over the keys that are seen; rows of x and c are ld apart. */
static void weighted_sum(const ldb_micro *k, const tile *t, int64_t width, const float *w,
                         const float *x, int64_t ld, float *c, bool add) {
  const int64_t group = group_of(k);
  for (int64_t r = 0; r < t->n; r += group) {
    const int64_t rows = least(group, t->n - r), depth = seen(t, r + rows - 1);
    if (depth > 0 || !add)
      product(k, rows, width, depth, w + r * TILE, TILE, 1, x, ld, false, c + r * ld, ld, add);
  }
}

/* c[m x width] (+)= w' x over the queries that see a key. */
static void transposed_sum(const ldb_micro *k, const tile *t, int64_t width, const float *w,
                           const float *x, int64_t ld, float *c, bool add) {
  const int64_t group = group_of(k);
  for (int64_t r = 0; r < t->m; r += group) {
    const int64_t rows = least(group, t->m - r), first = between(r - t->beside, 0, t->n);
    if (first < t->n || !add)
      product(k, rows, width, t->n - first, w + first * TILE + r, 1, TILE, x + first * ld, ld,
              false, c + r * ld, ld, add);
  }
}

/* to[depth x TILE] = m rows of x, transposed; the rest is 0. */
static void turn(const ldb_micro *k, int64_t m, int64_t depth, const float *x, int64_t ld,
                 float *to) {
  if (k) {
    k->transpose(m, depth, x, ld, to, TILE);
  } else {
    for (int64_t j = 0; j < m; j++)
      for (int64_t p = 0; p < depth; p++)
        to[p * TILE + j] = x[j * ld + p];
  }
  for (int64_t p = 0; p < depth; p++)
    for (int64_t j = m; j < TILE; j++)
      to[p * TILE + j] = 0;
}

/* ---- rows of a tile ----------------------------------------------------------------------------
 */

/* Scales what is seen; the rest becomes -inf. */
LDB_CLONES static void scale_rows(int64_t rows, const int32_t *seen, float scale, float *s) {
  for (int64_t r = 0; r < rows; r++, s += TILE)
    for (int32_t j = 0; j < TILE; j++) {
      const float scaled = s[j] * scale;
      s[j] = j < seen[r] ? scaled : -HUGE_VALF;
    }
}

/* Keys that each row sees go to `saw`; what is forbidden becomes -inf. */
static void admit(const ldb_attention *a, const pair *p, const tile *t, int32_t *saw, float *s) {
  const int last = a->scores.rank - 1;
  for (int64_t r = 0; r < t->n; r++)
    saw[r] = (int32_t)seen(t, r);
  scale_rows(t->n, saw, (float)a->scale, s);
  for (int64_t r = 0; a->bias.data && r < t->n; r++) {
    const int64_t step = a->bias.stride[last];
    const float *b = (const float *)a->bias.data + p->bias +
                     (t->i0 + r) * a->bias.stride[last - 1] + t->j0 * step;
    for (int64_t j = 0; j < saw[r]; j++)
      s[r * TILE + j] += b[j * step];
  }
  for (int64_t r = 0; a->mask.data && r < t->n; r++) {
    const int64_t step = a->mask.stride[last];
    const int32_t *b = (const int32_t *)a->mask.data + p->mask +
                       (t->i0 + r) * a->mask.stride[last - 1] + t->j0 * step;
    for (int64_t j = 0; j < saw[r]; j++)
      if (b[j * step] == 0) s[r * TILE + j] = -HUGE_VALF;
  }
}

LDB_INLINE float lanes_sum(float lane[LANES]) {
  for (int l = 0; l < 8; l++)
    lane[l] += lane[l + 8];
  for (int l = 0; l < 4; l++)
    lane[l] += lane[l + 4];
  return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

LDB_INLINE float tile_sum(float part[TILE]) {
  for (int l = 0; l < 32; l++)
    part[l] += part[l + 32];
  for (int l = 0; l < 16; l++)
    part[l] += part[l + 16];
  for (int l = 0; l < 8; l++)
    part[l] += part[l + 8];
  for (int l = 0; l < 4; l++)
    part[l] += part[l + 4];
  return (part[0] + part[1]) + (part[2] + part[3]);
}

/* The largest, or where there is a NaN some element. */
LDB_INLINE float tile_top(const float *s) {
  float top[32];
  for (int l = 0; l < 32; l++)
    top[l] = s[l] > s[l + 32] ? s[l] : s[l + 32];
  for (int l = 0; l < 16; l++)
    top[l] = top[l] > top[l + 16] ? top[l] : top[l + 16];
  for (int l = 0; l < 8; l++)
    top[l] = top[l] > top[l + 8] ? top[l] : top[l + 8];
  for (int l = 0; l < 4; l++)
    top[l] = top[l] > top[l + 4] ? top[l] : top[l + 4];
  const float a = top[0] > top[1] ? top[0] : top[1], b = top[2] > top[3] ? top[2] : top[3];
  return a > b ? a : b;
}

/* Scores become exp(score - maximum), 0 where not seen. top and sum are those of the keys so far;
   factor: what sums of earlier tiles are to be multiplied with. What becomes the maximum of a row
   with NaN does not matter: exp and the sum carry the NaN on. */
LDB_CLONES static void weigh_rows(int64_t rows, const int32_t *seen, float *s, float *top,
                                  float *sum, float *factor) {
  for (int64_t r = 0; r < rows; r++) {
    const float found = tile_top(s + r * TILE), before = top[r];
    top[r] = found > before ? found : before;
    factor[r] = before;
  }
  for (int64_t r = 0; r < rows; r++)
    factor[r] = top[r] > factor[r] ? ldb_exp_f32(factor[r] - top[r]) : 1;
  for (int64_t r = 0; r < rows; r++) {
    float lane[LANES] = {0}, *w = s + r * TILE;
    const float from = top[r] == -HUGE_VALF ? 0 : top[r];
    for (int32_t j = 0; j < TILE; j += LANES) {
      if (j < seen[r]) {
        for (int l = 0; l < LANES; l++) {
          w[j + l] = ldb_exp_f32(w[j + l] - from);
          lane[l] += w[j + l];
        }
      } else {
        for (int l = 0; l < LANES; l++)
          w[j + l] = 0;
      }
    }
    sum[r] = sum[r] * factor[r] + lanes_sum(lane);
  }
}

/* The same for backward, with known maxima and inverse sums. */
LDB_CLONES static void weigh_again(int64_t rows, const int32_t *seen, float *s, const float *top,
                                   const float *inverse) {
  for (int64_t r = 0; r < rows; r++, s += TILE) {
    const float from = top[r] == -HUGE_VALF ? 0 : top[r], scale = inverse[r];
    for (int32_t j = 0; j < TILE; j += LANES) {
      if (j < seen[r]) {
        for (int l = 0; l < LANES; l++)
          s[j + l] = ldb_exp_f32(s[j + l] - from) * scale;
      } else {
        for (int l = 0; l < LANES; l++)
          s[j + l] = 0;
      }
    }
  }
}

/* y[r] *= factor[r] */
LDB_CLONES static void multiply_rows(int64_t rows, int64_t width, const float *factor, float *y,
                                     int64_t ld) {
  for (int64_t r = 0; r < rows; r++, y += ld)
    for (int64_t j = 0; j < width; j++)
      y[j] *= factor[r];
}

/* along[r] = sum over the keys of a tile of w g: what gy . y is too, but without rounding where one
   key has all the weight. */
LDB_CLONES static void sums_in_tile(int64_t rows, const int32_t *seen, const float *w,
                                    const float *g, float *along) {
  for (int64_t r = 0; r < rows; r++, w += TILE, g += TILE) {
    float part[TILE];
    for (int32_t j = 0; j < TILE; j++) {
      const float term = w[j] * g[j];
      part[j] = j < seen[r] ? term : 0;
    }
    along[r] = tile_sum(part);
  }
}

/* along[r] = gy . y */
LDB_CLONES static void sums_of_rows(int64_t rows, int64_t width, const float *gy, const float *y,
                                    int64_t ld, float *along) {
  for (int64_t r = 0; r < rows; r++) {
    const float *a = gy + r * ld, *b = y + r * ld;
    float lane[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= width; i += LANES)
      for (int l = 0; l < LANES; l++)
        lane[l] += a[i + l] * b[i + l];
    for (int l = 0; i < width; i++, l++)
      lane[l] += a[i] * b[i];
    along[r] = lanes_sum(lane);
  }
}

/* g = w (g - along), 0 where no key is seen */
LDB_CLONES static void score_gradients(int64_t rows, const int32_t *seen, const float *w,
                                       const float *along, float *g) {
  for (int64_t r = 0; r < rows; r++, w += TILE, g += TILE)
    for (int32_t j = 0; j < TILE; j++) {
      const float slope = w[j] * (g[j] - along[r]);
      g[j] = j < seen[r] ? slope : 0;
    }
}

LDB_CLONES static void scale_all(int64_t n, float scale, float *x) {
  for (int64_t i = 0; i < n; i++)
    x[i] *= scale;
}

/* Draws which weights of a tile stay. */
static void draw(const ldb_attention *a, const pair *p, const tile *t, unsigned char *keep) {
  for (int64_t r = 0; r < t->n; r++) {
    const uint64_t row = (uint64_t)(p->index * a->tq + t->i0 + r);
    const ldb_rng rng = {a->seed, ldb_rng_stream("attention", a->stream, row)};
    ldb_dropout_draw(&rng, a->rate, t->j0, t->m, keep + r * TILE);
    memset(keep + r * TILE + t->m, 1, (size_t)(TILE - t->m));
  }
}

static void drop(const ldb_attention *a, const tile *t, const unsigned char *keep, float *x) {
  ldb_dropout_apply(LDB_F32, a->rate, t->n * TILE, keep, x, x);
}

/* ---- one pair ----------------------------------------------------------------------------------
 */

typedef struct work {
  const ldb_attention *a;
  const ldb_micro *micro;
  ldb_team *team;
  void *scratch; /* NULL: the workspace of the worker */
  float *y, *rows;
  const float *out, *gy; /* backward */
  const float *kept;
  const ldb_attention_gradients *g;
} work;

static space room_for(const work *j, int worker) {
  return room_in(j->a, j->scratch ? j->scratch : ldb_team_workspace(j->team, worker));
}

/* Keys among which a query without any that it may see divides its weight. */
static int64_t shared_among(const ldb_attention *a, int64_t i) {
  return leaves_out(a) ? least(i + 1, a->tk) : a->tk;
}

/* y of a query that sees no key but weighs all alike. */
static void average(const ldb_attention *a, const pair *p, int64_t i, float inverse,
                    unsigned char *keep, float *y) {
  const tile row = {i, 1, 0, 0, ANYWHERE};
  const int64_t n = shared_among(a, i);
  memset(y, 0, (size_t)a->dv * sizeof *y);
  for (int64_t j0 = 0; j0 < n; j0 += TILE) {
    tile t = row;
    t.j0 = j0;
    t.m = least(TILE, n - j0);
    float w[TILE];
    for (int64_t j = 0; j < TILE; j++)
      w[j] = inverse;
    if (a->rate > 0) {
      draw(a, p, &t, keep);
      drop(a, &t, keep, w);
    }
    product(NULL, 1, a->dv, t.m, w, TILE, 1, (const float *)a->v + p->v_at + j0 * p->dv_ld,
            p->dv_ld, false, y, p->dv_ld, true);
  }
}

/* Sums become their inverses, and y the weighted mean. */
static void finish(const work *job, const pair *p, float *top, float *sum, unsigned char *keep) {
  const ldb_attention *a = job->a;
  float *y = job->y + p->y_at;
  for (int64_t i = 0; i < a->tq; i++)
    sum[i] = sum[i] == 0 ? 0 : 1 / sum[i];
  multiply_rows(a->tq, a->dv, sum, y, p->dv_ld);
  for (int64_t i = 0; i < a->tq; i++) {
    if (sum[i] != 0 || top[i] != -HUGE_VALF) continue;
    memset(y + i * p->dv_ld, 0, (size_t)a->dv * sizeof *y);
    if (!a->uniform) continue;
    sum[i] = 1 / (float)shared_among(a, i);
    average(a, p, i, sum[i], keep, y + i * p->dv_ld);
  }
}

static void forward_tile(const work *job, const pair *p, const tile *t, const space *room,
                         float *top, float *sum) {
  const ldb_attention *a = job->a;
  float factor[TILE], *y = job->y + p->y_at + t->i0 * p->dv_ld;
  int32_t saw[TILE];
  score_product(job->micro, t, a->dk, (const float *)a->q + p->q_at + t->i0 * p->dk_ld, p->dk_ld,
                room->kt, room->s);
  admit(a, p, t, saw, room->s);
  weigh_rows(t->n, saw, room->s, top + t->i0, sum + t->i0, factor);
  if (a->rate > 0) {
    draw(a, p, t, room->keep);
    drop(a, t, room->keep, room->s);
  }
  if (t->j0 > 0) multiply_rows(t->n, a->dv, factor, y, p->dv_ld);
  weighted_sum(job->micro, t, a->dv, room->s, (const float *)a->v + p->v_at + t->j0 * p->dv_ld,
               p->dv_ld, y, t->j0 > 0);
}

static void forward_pair(void *arg, int64_t index, int worker) {
  const work *job = arg;
  const ldb_attention *a = job->a;
  const pair p = pair_of(a, NULL, index);
  const space room = room_for(job, worker);
  float *top = job->rows + index * 2 * a->tq, *sum = top + a->tq;
  for (int64_t i = 0; i < a->tq; i++) {
    top[i] = -HUGE_VALF;
    sum[i] = 0;
  }
  for (int64_t j0 = 0; j0 < a->tk; j0 += TILE) {
    turn(job->micro, least(TILE, a->tk - j0), a->dk, (const float *)a->k + p.k_at + j0 * p.dk_ld,
         p.dk_ld, room.kt);
    for (int64_t i0 = a->causal ? j0 : 0; i0 < a->tq; i0 += TILE) {
      const tile t = tile_at(a, i0, j0);
      forward_tile(job, &p, &t, &room, top, sum);
    }
  }
  finish(job, &p, top, sum, room.keep);
}

/* Rows that see no key: their weights are all alike and pass no gradient. */
static void close_rows(const ldb_attention *a, const tile *t, const float *top,
                       const float *inverse, const int32_t *saw, float *s, float *g) {
  for (int64_t r = 0; r < t->n; r++) {
    if (top[r] != -HUGE_VALF || !(inverse[r] == inverse[r])) continue;
    const int64_t n = leaves_out(a) ? saw[r] : t->m;
    for (int64_t j = 0; j < TILE; j++) {
      s[r * TILE + j] = j < n ? inverse[r] : 0;
      g[r * TILE + j] = 0;
    }
  }
}

static void add_bias_gradient(const ldb_view *gbias, const pair *p, const tile *t,
                              const int32_t *saw, int last, const float *g) {
  for (int64_t r = 0; r < t->n; r++) {
    float *b = (float *)gbias->data + p->gbias + (t->i0 + r) * gbias->stride[last - 1] +
               t->j0 * gbias->stride[last];
    for (int64_t j = 0; j < saw[r]; j++)
      b[j * gbias->stride[last]] += g[r * TILE + j];
  }
}

static void backward_tile(const work *job, const pair *p, const tile *t, const space *room,
                          bool first_of_keys) {
  const ldb_attention *a = job->a;
  const ldb_attention_gradients *g = job->g;
  const int64_t q_at = p->q_at + t->i0 * p->dk_ld, y_at = p->y_at + t->i0 * p->dv_ld;
  const int64_t k_at = p->k_at + t->j0 * p->dk_ld, v_at = p->v_at + t->j0 * p->dv_ld;
  const float *top = job->kept + p->index * 2 * a->tq + t->i0, *inverse = top + a->tq;
  const float *q = (const float *)a->q + q_at, *gy = job->gy + y_at;
  float along[TILE];
  int32_t saw[TILE];
  score_product(job->micro, t, a->dk, q, p->dk_ld, room->kt, room->s);
  admit(a, p, t, saw, room->s);
  weigh_again(t->n, saw, room->s, top, inverse);
  score_product(job->micro, t, a->dv, gy, p->dv_ld, room->vt, room->g);
  if (a->rate > 0) {
    draw(a, p, t, room->keep);
    drop(a, t, room->keep, room->g);
  }
  if (a->tk <= TILE)
    sums_in_tile(t->n, saw, room->s, room->g, along);
  else
    sums_of_rows(t->n, a->dv, gy, job->out + y_at, p->dv_ld, along);
  score_gradients(t->n, saw, room->s, along, room->g);
  close_rows(a, t, top, inverse, saw, room->s, room->g);
  if (g->gbias_seen.data) add_bias_gradient(&g->gbias_seen, p, t, saw, a->scores.rank - 1, room->g);
  scale_all(t->n * TILE, (float)a->scale, room->g);
  if (a->rate > 0) drop(a, t, room->keep, room->s);
  tile all = *t; /* weights beyond the diagonal count where rows are closed */
  if (!leaves_out(a)) all.beside = ANYWHERE;
  if (g->gv)
    transposed_sum(job->micro, &all, a->dv, room->s, gy, p->dv_ld, (float *)g->gv + v_at,
                   !first_of_keys);
  if (g->gk)
    transposed_sum(job->micro, t, a->dk, room->g, q, p->dk_ld, (float *)g->gk + k_at,
                   !first_of_keys);
  if (g->gq)
    weighted_sum(job->micro, t, a->dk, room->g, (const float *)a->k + k_at, p->dk_ld,
                 (float *)g->gq + q_at, t->j0 > 0);
}

static void clear_rows(float *x, int64_t rows, int64_t width, int64_t ld) {
  for (int64_t r = 0; x && r < rows; r++)
    memset(x + r * ld, 0, (size_t)width * sizeof *x);
}

static void backward_pair(void *arg, int64_t index, int worker) {
  const work *job = arg;
  const ldb_attention *a = job->a;
  const ldb_attention_gradients *g = job->g;
  const pair p = pair_of(a, &g->gbias_seen, index);
  const space room = room_for(job, worker);
  if (a->tk == 0 && g->gq) clear_rows((float *)g->gq + p.q_at, a->tq, a->dk, p.dk_ld);
  for (int64_t j0 = 0; j0 < a->tk; j0 += TILE) {
    const int64_t m = least(TILE, a->tk - j0), begin = leaves_out(a) ? j0 : 0;
    const int64_t k_at = p.k_at + j0 * p.dk_ld, v_at = p.v_at + j0 * p.dv_ld;
    if (begin >= a->tq) {
      if (g->gk) clear_rows((float *)g->gk + k_at, m, a->dk, p.dk_ld);
      if (g->gv) clear_rows((float *)g->gv + v_at, m, a->dv, p.dv_ld);
      continue;
    }
    turn(job->micro, m, a->dk, (const float *)a->k + k_at, p.dk_ld, room.kt);
    turn(job->micro, m, a->dv, (const float *)a->v + v_at, p.dv_ld, room.vt);
    for (int64_t i0 = begin; i0 < a->tq; i0 += TILE) {
      const tile t = tile_at(a, i0, j0);
      backward_tile(job, &p, &t, &room, i0 == begin);
    }
  }
}

/* ---- all pairs ---------------------------------------------------------------------------------
 */

static double cost_of(const ldb_attention *a) {
  const double products = (double)(a->outer * a->heads) * (double)a->tq * (double)a->tk;
  return products * (double)(a->dk + a->dv) * (a->causal ? 0.02 : 0.04);
}

/* Pairs on the threads of the team, or in the caller's scratch one after the other. */
static void run(work *j, double cost, bool together, ldb_task_fn *fn) {
  const int64_t n = j->a->outer * j->a->heads;
  if (j->team && !together && ldb_attention_room_f32(j->a) <= LDB_WORKSPACE) {
    j->scratch = NULL;
    ldb_team_run(j->team, n, cost, fn, j);
  } else {
    for (int64_t i = 0; i < n; i++)
      fn(j, i, 0);
  }
}

void ldb_attention_forward_f32(ldb_team *team, const ldb_attention *a, float *y, float *rows,
                               void *scratch) {
  work j = {.a = a, .micro = ldb_micro_best(), .team = team, .scratch = scratch, .y = y};
  j.rows = rows;
  run(&j, cost_of(a), false, forward_pair);
}

void ldb_attention_backward_f32(ldb_team *team, const ldb_attention *a, const float *y,
                                const float *rows, const float *gy,
                                const ldb_attention_gradients *g, void *scratch) {
  work j = {.a = a, .micro = ldb_micro_best(), .team = team, .scratch = scratch, .out = y};
  j.kept = rows;
  j.gy = gy;
  j.g = g;
  /* pairs may share the elements of a repeated bias */
  run(&j, 2.5 * cost_of(a), g->gbias_seen.data != NULL, backward_pair);
}
