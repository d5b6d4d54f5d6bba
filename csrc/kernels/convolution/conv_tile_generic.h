/*
** Tiles of direct convolution for one vector unit; included by conv_tile.c with NAME(x), TARGET,
** vec, mask, LANES and the vector operations defined. The bodies are inlined with constant sizes,
** so that every sum has a register.
*/

static inline __attribute__((always_inline)) TARGET void
NAME(sum_body)(const int rows, const int vectors, const ldb_tile_sum *t, const float *const *x,
               float *const *y) {
  vec sum[LDB_TILE_ROWS][LDB_TILE_VECTORS];
  const mask tail = FIRST(t->columns - (vectors - 1) * LANES);
  if (t->resume) {
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++) sum[i][v] =
        v == vectors - 1 ? LOAD_FIRST(tail, y[i] + v * LANES) : LOAD(y[i] + v * LANES);
  } else {
    UNROLL for (int v = 0; v < vectors; v++) {
      if (!t->bias)
        sum[0][v] = ZERO();
      else if (v == vectors - 1)
        sum[0][v] = LOAD_FIRST(tail, t->bias + v * LANES);
      else
        sum[0][v] = LOAD(t->bias + v * LANES);
      UNROLL for (int i = 1; i < rows; i++) sum[i][v] = sum[0][v];
    }
  }
  for (int64_t s = 0; s < t->segments; s++) {
    const float *w = t->w + t->w_at[s] * (vectors * LANES);
    const float *cell[LDB_TILE_ROWS];
    UNROLL for (int i = 0; i < rows; i++) cell[i] = x[i] + t->x_at[s];
    for (int64_t q = 0; q < t->length; q++, w += vectors * LANES) {
      vec weight[LDB_TILE_VECTORS];
      UNROLL for (int v = 0; v < vectors; v++) weight[v] = LOAD(w + v * LANES);
      UNROLL for (int i = 0; i < rows; i++) {
        const vec each = SPREAD(cell[i] + q);
        UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = FMA(each, weight[v], sum[i][v]);
      }
    }
  }
  if (t->relu) {
    UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++) sum[i][v] =
        RELU(sum[i][v]);
  }
  UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++) {
    if (v == vectors - 1)
      STORE_FIRST(tail, y[i] + v * LANES, sum[i][v]);
    else
      STORE(y[i] + v * LANES, sum[i][v]);
  }
}

static inline __attribute__((always_inline)) TARGET void
NAME(outer_body)(const int rows, const int vectors, const ldb_tile_outer *t) {
  vec sum[LDB_TILE_ROWS][2];
  const mask tail = FIRST(t->columns - (vectors - 1) * LANES);
  UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = ZERO();
  for (int64_t n = 0; n < t->count[0]; n++)
    for (int64_t k = 0; k < t->count[1]; k++) {
      const float *x = t->x + n * t->x_step[0] + k * t->x_step[1];
      const float *g = t->g + n * t->g_step[0] + k * t->g_step[1];
      for (int64_t j = 0; j < t->count[2]; j++, x += t->x_step[2], g += t->g_step[2]) {
        vec gradient[2];
        UNROLL for (int v = 0; v < vectors; v++) gradient[v] =
            v == vectors - 1 ? LOAD_FIRST(tail, g + v * LANES) : LOAD(g + v * LANES);
        UNROLL for (int i = 0; i < rows; i++) {
          const vec each = SPREAD(x + i);
          UNROLL for (int v = 0; v < vectors; v++) sum[i][v] = FMA(each, gradient[v], sum[i][v]);
        }
      }
    }
  UNROLL for (int i = 0; i < rows; i++) UNROLL for (int v = 0; v < vectors; v++) {
    float *to = t->sum + i * t->sum_line + v * LANES;
    if (v == vectors - 1)
      STORE_FIRST(tail, to, ADD(LOAD_FIRST(tail, to), sum[i][v]));
    else
      STORE(to, ADD(LOAD(to), sum[i][v]));
  }
}

static inline __attribute__((always_inline)) TARGET void
NAME(few_sum_body)(const int rows, const int columns, const ldb_tile_sum *t, const float *const *x,
                   float *const *y) {
  vec sum[LDB_TILE_FEW][LDB_TILE_FEW];
  const mask all = FIRST(LANES);
  UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < columns; j++) sum[i][j] = ZERO();
  for (int64_t s = 0; s < t->segments; s++) {
    const float *w = t->w + t->w_at[s];
    const int64_t at = t->x_at[s];
    for (int64_t q = 0; q < t->length; q += LANES) {
      const mask some = (mask)(t->length - q < LANES ? FIRST(t->length - q) : all);
      vec weight[LDB_TILE_FEW];
      UNROLL for (int j = 0; j < columns; j++) weight[j] = LOAD_FIRST(some, w + j * t->w_line + q);
      UNROLL for (int i = 0; i < rows; i++) {
        const vec cells = LOAD_FIRST(some, x[i] + at + q);
        UNROLL for (int j = 0; j < columns; j++) sum[i][j] = FMA(cells, weight[j], sum[i][j]);
      }
    }
  }
  UNROLL for (int i = 0; i < rows; i++) UNROLL for (int j = 0; j < columns; j++) {
    const float start = t->resume ? y[i][j] : t->bias ? t->bias[j] : 0.0F;
    const float r = start + TOTAL(sum[i][j]);
    y[i][j] = t->relu && r < 0 ? 0.0F : r;
  }
}

static inline __attribute__((always_inline)) TARGET void
NAME(each_sum_body)(const int rows, const ldb_tile_sum *t, const float *const *x, float *const *y) {
  const mask all = FIRST(LANES);
  for (int64_t c = 0; c < t->columns; c += LANES) {
    const mask some = (mask)(t->columns - c < LANES ? FIRST(t->columns - c) : all);
    vec sum[LDB_TILE_ROWS];
    if (t->resume) {
      UNROLL for (int i = 0; i < rows; i++) sum[i] = LOAD_FIRST(some, y[i] + c);
    } else {
      const vec start = t->bias ? LOAD_FIRST(some, t->bias + c) : ZERO();
      UNROLL for (int i = 0; i < rows; i++) sum[i] = start;
    }
    for (int64_t s = 0; s < t->segments; s++) {
      const vec weight = LOAD_FIRST(some, t->w + t->w_at[s] + c);
      const int64_t at = t->x_at[s] + c;
      UNROLL for (int i = 0; i < rows; i++) sum[i] =
          FMA(LOAD_FIRST(some, x[i] + at), weight, sum[i]);
    }
    if (t->relu) {
      UNROLL for (int i = 0; i < rows; i++) sum[i] = RELU(sum[i]);
    }
    UNROLL for (int i = 0; i < rows; i++) STORE_FIRST(some, y[i] + c, sum[i]);
  }
}

static inline __attribute__((always_inline)) TARGET void
NAME(each_outer_body)(const int rows, const ldb_tile_outer *t) {
  const mask all = FIRST(LANES);
  for (int64_t c = 0; c < t->columns; c += LANES) {
    const mask some = (mask)(t->columns - c < LANES ? FIRST(t->columns - c) : all);
    vec sum[LDB_TILE_ROWS];
    UNROLL for (int i = 0; i < rows; i++) sum[i] = ZERO();
    for (int64_t n = 0; n < t->count[0]; n++)
      for (int64_t k = 0; k < t->count[1]; k++) {
        const float *x = t->x + n * t->x_step[0] + k * t->x_step[1] + c;
        const float *g = t->g + n * t->g_step[0] + k * t->g_step[1] + c;
        for (int64_t j = 0; j < t->count[2]; j++, x += t->x_step[2], g += t->g_step[2]) {
          const vec gradient = LOAD_FIRST(some, g);
          UNROLL for (int i = 0; i < rows; i++) sum[i] =
              FMA(LOAD_FIRST(some, x + i * t->x_tap), gradient, sum[i]);
        }
      }
    UNROLL for (int i = 0; i < rows; i++) {
      float *to = t->sum + i * t->sum_line + c;
      STORE_FIRST(some, to, ADD(LOAD_FIRST(some, to), sum[i]));
    }
  }
}

#define SUM(rows, vectors)                                                                      \
  static TARGET void NAME(sum_##rows##_##vectors)(const ldb_tile_sum *t, const float *const *x, \
                                                  float *const *y) {                            \
    NAME(sum_body)(rows, vectors, t, x, y);                                                     \
  }
#define OUTER(rows, vectors)                                                   \
  static TARGET void NAME(outer_##rows##_##vectors)(const ldb_tile_outer *t) { \
    NAME(outer_body)(rows, vectors, t);                                        \
  }
#define EACH(rows, vectors)                                                              \
  static TARGET void NAME(each_sum_##rows)(const ldb_tile_sum *t, const float *const *x, \
                                           float *const *y) {                            \
    NAME(each_sum_body)(rows, t, x, y);                                                  \
  }                                                                                      \
  static TARGET void NAME(each_outer_##rows)(const ldb_tile_outer *t) {                  \
    NAME(each_outer_body)(rows, t);                                                      \
  }
#define FEW(rows, columns)                                                                      \
  static TARGET void NAME(few_sum_##rows##_##columns)(const ldb_tile_sum *t,                    \
                                                      const float *const *x, float *const *y) { \
    NAME(few_sum_body)(rows, columns, t, x, y);                                                 \
  }
SUM_SIZES(SUM)
OUTER_SIZES(OUTER)
UP_TO_6(EACH, 1)
FEW_SIZES(FEW)
#undef FEW
#undef SUM
#undef OUTER
#undef EACH

#define SUM(rows, vectors) [vectors][rows] = NAME(sum_##rows##_##vectors),
#define OUTER(rows, vectors) [vectors][rows] = NAME(outer_##rows##_##vectors),
#define FEW(rows, columns) [columns][rows] = NAME(few_sum_##rows##_##columns),
#define EACH_SUM(rows, vectors) [rows] = NAME(each_sum_##rows),
#define EACH_OUTER(rows, vectors) [rows] = NAME(each_outer_##rows),
static const ldb_tiles NAME(tiles) = {.lanes = LANES,
                                      .sum_vectors = SUM_VECTORS,
                                      .outer_vectors = 2,
                                      .outer_rows = OUTER_ROWS,
                                      .sum_rows = SUM_ROWS,
                                      .sum = {SUM_SIZES(SUM)},
                                      .outer = {OUTER_SIZES(OUTER)},
                                      .few_rows = FEW_ROWS,
                                      .few_sum = {FEW_SIZES(FEW)},
                                      .each_rows = 6,
                                      .each_sum = {UP_TO_6(EACH_SUM, 1)},
                                      .each_outer = {UP_TO_6(EACH_OUTER, 1)}};
#undef SUM
#undef OUTER
#undef FEW
#undef EACH_SUM
#undef EACH_OUTER
