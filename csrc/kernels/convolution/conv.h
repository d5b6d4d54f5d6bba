/*
** Convolution as matrix products over blocks of window positions (im2col): f64, and processors for
** which kernels/convolution/conv_direct.h has no tiles.
** x [batch x height x width x channels], w [kernel height x kernel width x channels / groups x
** filters], y [batch x positions x positions x filters]; filters of one group stand together. The
** blocks and the order of every sum follow from the shapes alone.
*/
#ifndef LDB_CONV_H
#define LDB_CONV_H

#include <stddef.h>

#include "base/status.h"
#include "base/view.h"
#include "kernels/convolution/conv_window.h"

typedef struct ldb_conv {
  ldb_window window;
  int64_t groups, filters;
  ldb_dtype type; /* f32 or f64 */
} ldb_conv;

/* Window positions of the whole batch: rows of y as a matrix. */
int64_t ldb_conv_positions(const ldb_conv *c);

/* Rows that are computed at a time, at least 1: all where a column is a part of x as it stands
   (1 x 1 kernels), else as many as fit LDB_CONV_BLOCK bytes. */
int64_t ldb_conv_block_rows(const ldb_conv *c);

enum { LDB_CONV_BLOCK = 512 * 1024 };

/* Bytes of scratch that the functions below need, at most LDB_CONV_BLOCK or one row; false on
   overflow. */
bool ldb_conv_scratch(const ldb_conv *c, size_t *bytes);

/* Rows first .. first + rows - 1 of y (rows <= ldb_conv_block_rows):
   y[n, i, j, f] = sum over ky kx c of x[n, i.., j.., c] w[ky, kx, c, f] */
ldb_status ldb_conv_forward(const ldb_conv *c, const void *x, const void *w, int64_t first,
                            int64_t rows, void *y, void *scratch, ldb_error *e);

/* gx[n, h, w, c] = sum of gy w over all windows that cover the cell; overwrites gx. */
ldb_status ldb_conv_gradient_x(const ldb_conv *c, const void *w, const void *gy, void *gx,
                               void *scratch, ldb_error *e);

/* gw[ky, kx, c, f] = sum over n i j of x gy; overwrites gw. */
ldb_status ldb_conv_gradient_w(const ldb_conv *c, const void *x, const void *gy, void *gw,
                               void *scratch, ldb_error *e);

#endif
