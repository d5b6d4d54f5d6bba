/*
** Products of f32 matrices by own kernels: c[m x n] = a[m x k] . b[k x n].
**
** Every element is the sum over blocks of k (their length depends on k alone) of chains of fused
** multiply-adds in order of k, each from 0; the blocks are added in order, to c where `accumulate`
** is set. So the bits of an element depend on its row of a, its column of b and the kind of
** processor alone: not on its place, on the size of the product, on layouts, or on threads.
** NaN and infinity go through; c is not read unless `accumulate` is set; k = 0 gives zeros.
**
** Where the processor has neither AVX-512 nor AVX2 with FMA, ldb_gemm does the work.
*/
#ifndef LDB_PRODUCT_H
#define LDB_PRODUCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/team.h"
#include "kernels/product/gemm.h"

/* Writes a block of a matrix that is not stored as such (a window of an image, say):
   to[i * lead + j] = element (row + i, col + j) of it, 0 <= i < rows, 0 <= j < cols. Called by
   several threads at once. */
typedef void ldb_pack_fn(const void *ctx, int64_t row, int64_t rows, int64_t col, int64_t cols,
                         int64_t lead, float *to);

/* One factor: a stored matrix (mat.data), one that `pack` makes block by block, or, for b alone,
   what ldb_pack_b made. mat.trans says for the first two that the factor is the transpose. */
typedef struct ldb_source {
  ldb_mat mat;
  ldb_pack_fn *pack;
  const void *ctx;
  const float *packed;
} ldb_source;

/* Called once for each piece of c when it is final and likely still in the cache: rows
   [row, row + rows) x columns [col, col + cols). The pieces depend on the sizes alone, cover c
   without overlap, and may come from several threads at once in any order. */
typedef void ldb_done_fn(void *ctx, int64_t row, int64_t rows, int64_t col, int64_t cols);

typedef struct ldb_product {
  int64_t m, n, k;
  ldb_source a, b;
  float *c; /* overlaps neither a nor b */
  int64_t ldc;
  bool accumulate;
  ldb_done_fn *done; /* may be NULL */
  void *done_ctx;
} ldb_product;

/* On the threads of the team. LDB_OVERFLOW as ldb_gemm says, where that does the work. */
ldb_status ldb_multiply(ldb_team *team, const ldb_product *p, ldb_error *e);

/* The same on this thread alone, for use inside a task: `workspace` is 64-byte aligned and holds
   LDB_PRODUCT_BYTES (so the rest of the worker's LDB_WORKSPACE is the caller's own), or is NULL:
   slower for large sizes, the same bits. */
enum { LDB_PRODUCT_BYTES = 640 << 10 };
ldb_status ldb_multiply_here(void *workspace, const ldb_product *p, ldb_error *e);

/* `count` products that differ by their operands' places alone: the i-th has a, b and c moved on by
   i times these steps (in elements; stored matrices only, `done` must be NULL). */
ldb_status ldb_multiply_batch(ldb_team *team, const ldb_product *first, int64_t count,
                              int64_t step_a, int64_t step_b, int64_t step_c, ldb_error *e);

/* Packs op(b)[k x n] once for many products with a small m, e.g. the weights of a recurrence:
   `packed` is 64-byte aligned and holds ldb_packed_floats(n, k). Good for this k and n alone. */
int64_t ldb_packed_floats(int64_t n, int64_t k);
void ldb_pack_b(ldb_mat b, int64_t n, int64_t k, float *packed);

/* The same piece by piece, for a b whose rows come one after the other: its rows [row, row + rows)
   stand at from, `ld` elements apart. */
void ldb_pack_b_rows(int64_t n, int64_t k, int64_t row, int64_t rows, const float *from, int64_t ld,
                     float *packed);

/* One stored matrix as a source. */
static inline ldb_source ldb_stored(const float *data, int64_t ld, bool trans) {
  const ldb_source s = {.mat = {data, ld, trans}, .pack = NULL, .ctx = NULL, .packed = NULL};
  return s;
}

#endif
