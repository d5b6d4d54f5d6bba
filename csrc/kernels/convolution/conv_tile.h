/*
** The innermost products of direct convolution (f32, fused multiply-add): tiles of sums that stay
** in registers while they run over cells of images, which are read where they stand. One set of
** functions per vector unit, chosen while running; none where the processor has no AVX2.
*/
#ifndef LDB_CONV_TILE_H
#define LDB_CONV_TILE_H

#include <stdbool.h>
#include <stdint.h>

enum { LDB_TILE_ROWS = 12, LDB_TILE_VECTORS = 4, LDB_TILE_FEW = 4 };

/* y[i][j] = start + sum over segments s and q < length of x[i][x_at[s] + q] w[w_at[s] + q][j], for
   all rows i of the tile and j < columns; start is y itself (resume), bias[j], or 0. w is packed:
   `vectors` whole vectors a row, 0 behind the last column. */
typedef struct ldb_tile_sum {
  int64_t segments, length;
  const int64_t *x_at, *w_at;
  const float *w, *bias; /* bias: NULL or one per column */
  int64_t w_line;
  int64_t columns;
  bool resume, relu; /* relu: negative results become 0, NaN stays */
} ldb_tile_sum;

typedef void ldb_tile_sum_fn(const ldb_tile_sum *t, const float *const *x, float *const *y);

/* sum[r][j] += the sum over n, i, j' of x[n, i, j'][r] g[n, i, j'][j] for all rows r of the tile
   and j < columns: steps lead from one position to the next, innermost last. */
typedef struct ldb_tile_outer {
  int64_t count[3], x_step[3], g_step[3];
  const float *x, *g;
  float *sum;
  int64_t sum_line; /* from one row of sums to the next */
  int64_t columns;
  int64_t x_tap;
} ldb_tile_outer;

typedef void ldb_tile_outer_fn(const ldb_tile_outer *t);

/* The same for few columns: w has `columns` lines of w_line elements, one for each column, and
   vectors run over q. */

/* The same channel by channel. A tile of sums: w has one row of `columns` for each segment, and
   y[i][j] = start + sum over segments s of x[i][x_at[s] + j] w[w_at[s] + j]; length is 1.
   An outer one: sum[r][j] += the sum over n, i, j' of x[n, i, j'][r x_tap + j] g[n, i, j'][j]. */

typedef struct ldb_tiles {
  int lanes; /* floats a vector */
  int sum_vectors, outer_vectors, outer_rows;
  int sum_rows[LDB_TILE_VECTORS + 1]; /* most rows with so many vectors */
  ldb_tile_sum_fn *sum[LDB_TILE_VECTORS + 1][LDB_TILE_ROWS + 1]; /* [vectors][rows] */
  ldb_tile_outer_fn *outer[3][LDB_TILE_ROWS + 1];
  int few_rows;
  ldb_tile_sum_fn *few_sum[LDB_TILE_FEW + 1][LDB_TILE_FEW + 1]; /* [columns][rows] */
  int each_rows;                                                /* most rows of the two below */
  ldb_tile_sum_fn *each_sum[LDB_TILE_ROWS + 1];
  ldb_tile_outer_fn *each_outer[LDB_TILE_ROWS + 1];
} ldb_tiles;

/* NULL: not on this processor, or not with this compiler. */
const ldb_tiles *ldb_conv_tiles(void);

/* The same for at most 8 columns, which fill no longer vector. */
const ldb_tiles *ldb_conv_narrow_tiles(void);

#endif
