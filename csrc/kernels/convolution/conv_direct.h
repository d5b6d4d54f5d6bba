/*
** Convolution without columns (f32): tiles of sums read the cells where they stand in x. Where the
** processor has no tiles for it, kernels/convolution/conv.h computes the same by matrix products.
** Work is cut into blocks of images, or of lines of one image, by the sizes alone; every sum has a
** fixed order whatever the block and the number of threads.
*/
#ifndef LDB_CONV_DIRECT_H
#define LDB_CONV_DIRECT_H

#include <stddef.h>

#include "base/team.h"
#include "kernels/convolution/conv.h"
#include "kernels/elementwise/activation.h"

/* True where the functions below may be called: f32, and tiles for this processor. */
bool ldb_conv_is_direct(const ldb_conv *c);

/* One filter a channel: every channel runs by itself. */
bool ldb_conv_is_depthwise(const ldb_conv *c);

/* What follows the sums: z = sums + bias, y = f(z); bias may be NULL, z may be y. */
typedef struct ldb_conv_end {
  const float *bias;
  ldb_act act;
  float *z, *y;
} ldb_conv_end;

/* Bytes of scratch for the two functions below: the packed kernel. False on overflow. */
bool ldb_conv_direct_scratch(const ldb_conv *c, size_t *bytes);

/* The convolution of x with w, its bias and its activation. scratch is 64-byte aligned. */
void ldb_conv_direct_forward(ldb_team *team, const ldb_conv *c, const float *x, const float *w,
                             const ldb_conv_end *end, float *scratch);

/* end.z = the sum of gy w over all windows that cover a cell, and what follows: the gradient by x,
   or the transposed convolution. */
void ldb_conv_direct_transposed(ldb_team *team, const ldb_conv *c, const float *gy, const float *w,
                                const ldb_conv_end *end, float *scratch);

/* Gradients by kernel and bias from the gradient of y: gz = gy f'(z) (memory for all of it unless f
   is linear; what is there afterwards is gz only with keep),
   gw[ky, kx, c, f] = sum over n i j of x gz, gb[f] = sum over n i j of gz. kept is z where
   ldb_act_needs_z(act), else y. gw or gb may be NULL. */
typedef struct ldb_conv_gradient {
  const float *x, *gy, *kept;
  ldb_act act;
  float *gz, *gw, *gb;
  bool keep;
} ldb_conv_gradient;

/* Bytes of scratch for it; false on overflow. */
bool ldb_conv_direct_gradient_scratch(const ldb_conv *c, size_t *bytes);

void ldb_conv_direct_gradient(ldb_team *team, const ldb_conv *c, const ldb_conv_gradient *g,
                              void *scratch);

#endif
