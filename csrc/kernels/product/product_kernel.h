/*
** The innermost loops of kernels/product/product.c, one set per kind of vector unit.
*/
#ifndef LDB_PRODUCT_KERNEL_H
#define LDB_PRODUCT_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

/* Columns of a packed panel of b: b[p][0..31] stand together, whatever the vector unit. */
enum { LDB_PANEL = 32 };

/* c[i * ldc + j] (+)= sum over p < depth of a[i * a_row + p * a_col] * b[p * b_row + j], with the
   number of rows that the function is made for, 0 <= j < cols. */
typedef void ldb_micro_fn(int64_t depth, const float *a, int64_t a_row, int64_t a_col,
                          const float *b, int64_t b_row, float *c, int64_t ldc, int64_t cols,
                          bool add);

typedef struct ldb_micro {
  int rows, lanes; /* at most this many rows, and twice this many columns */
  /* [2 * (rows - 1) + (cols > lanes)]. `whole` may read b up to 1 or 2 times `lanes` columns
     whatever cols is, `masked` reads no column from cols on. */
  ldb_micro_fn *const *whole, *const *masked;
  /* to[j * to_ld + i] = from[i * from_ld + j], i < rows, j < cols */
  void (*transpose)(int64_t rows, int64_t cols, const float *from, int64_t from_ld, float *to,
                    int64_t to_ld);
  /* Deals cols <= panels * width columns of `rows` rows out to panels: column j of row i goes to
     to[(j / width) * panel + i * lead + j % width]; width <= lead. */
  void (*deal)(int64_t rows, int64_t cols, const float *from, int64_t from_ld, int64_t width,
               float *to, int64_t lead, int64_t panel);
} ldb_micro;

/* The best set that this processor runs, NULL for none. */
const ldb_micro *ldb_micro_best(void);

#endif
