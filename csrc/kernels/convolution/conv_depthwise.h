/*
** Depthwise convolution: every channel has filters of its own.
** x [batch x height x width x channels], w [kernel height x kernel width x channels x multiplier],
** y [batch x positions x positions x channels multiplier]; the filters of a channel stand together.
*/
#ifndef LDB_CONV_DEPTHWISE_H
#define LDB_CONV_DEPTHWISE_H

#include <stddef.h>

#include "base/view.h"
#include "kernels/convolution/conv_window.h"

typedef struct ldb_depthwise {
  ldb_window window;
  int64_t multiplier;
  ldb_dtype type; /* f32 or f64 */
} ldb_depthwise;

/* y[n, i, j, c m + k] = sum over ky kx of x[n, i.., j.., c] w[ky, kx, c, k] */
void ldb_depthwise_forward(const ldb_depthwise *d, const void *x, const void *w, void *y);

/* gx[n, h, w, c] = sum of gy w over the windows that cover the cell; overwrites gx. */
void ldb_depthwise_gradient_x(const ldb_depthwise *d, const void *w, const void *gy, void *gx,
                              void *scratch);

/* gw[ky, kx, c, k] = sum over n i j of x gy; overwrites gw. Short runs of positions are added in
   the element type, their sums in f64, in order. scratch: ldb_depthwise_scratch bytes, false where
   they cannot be counted. */
void ldb_depthwise_gradient_w(const ldb_depthwise *d, const void *x, const void *gy, void *gw,
                              void *scratch);

/* Bytes of scratch that both gradients need; false where they cannot be counted. */
bool ldb_depthwise_scratch(const ldb_depthwise *d, size_t *bytes);

#endif
