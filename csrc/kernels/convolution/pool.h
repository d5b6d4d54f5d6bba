/*
** Maximum and average over sliding windows of each channel, [batch x height x width x channels].
** Padding is never a cell: it is not a maximum, and an average counts it only where asked to.
** Threads share images, or lines of one image where windows do not overlap.
*/
#ifndef LDB_POOL_H
#define LDB_POOL_H

#include "base/team.h"
#include "base/view.h"
#include "kernels/convolution/conv_window.h"

typedef struct ldb_pool {
  ldb_window window;
  bool count_pads; /* averages divide by the cells of the whole window */
  ldb_dtype type;  /* f32 or f64 */
} ldb_pool;

/* Bytes of one number of a tap: 1 where the window has at most 256, else 4 (int32_t). */
int64_t ldb_pool_tap_bytes(const ldb_pool *p);

/* y = the largest cell under each window, the first NaN if there is one; at (one per element of y)
   = its tap ky width + kx, the first of equals. Every window meets at least one cell. */
void ldb_pool_max(ldb_team *team, const ldb_pool *p, const void *x, void *y, void *at);

/* gx[cell] = sum of gy over the windows whose maximum it is; overwrites gx. */
void ldb_pool_max_gradient(ldb_team *team, const ldb_pool *p, const void *gy, const void *at,
                           void *gx);

/* y = mean of the cells under each window, added in row-major order. */
void ldb_pool_mean(ldb_team *team, const ldb_pool *p, const void *x, void *y);

/* gx[cell] = sum over windows of gy / cells; overwrites gx. */
void ldb_pool_mean_gradient(ldb_team *team, const ldb_pool *p, const void *gy, void *gx);

#endif
