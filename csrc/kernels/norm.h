/*
** Normalisation by mean and variance: batch, layer, group and root-mean-square in one layout.
** A contiguous array is seen as [outer x rows x groups x width]; the last two axes are the channels
** c = group * width + place. Statistics belong to one (outer, group) and are taken over rows and
** width; gamma and beta belong to one channel.
**   batch norm   [1 x n x channels x 1]      layer norm  [n x 1 x 1 x features]
**   group norm   [batch x places x groups x channels / groups]
** All sums are f64. Their order is fixed by the shape: rows one after the other, a row's `width`
** elements in 8 lanes. NaN passes through.
*/
#ifndef LDB_NORM_H
#define LDB_NORM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/view.h"

typedef struct ldb_norm_split {
  int64_t outer, rows, groups, width;
} ldb_norm_split;

typedef enum ldb_norm_kind {
  LDB_NORM_CENTRED, /* statistics of x itself, gradients go through them */
  LDB_NORM_RMS,     /* as above with mean 0: the variance is the mean of x^2 */
  LDB_NORM_FIXED    /* statistics from elsewhere, constants to the gradient */
} ldb_norm_kind;

/* mean[outer x groups] = sum x / n, variance[outer x groups] = sum (x - mean)^2 / n with
   n = rows width, in two passes; LDB_NORM_RMS: mean = 0. Of nothing NaN. */
void ldb_norm_moments(ldb_dtype t, ldb_norm_split s, ldb_norm_kind kind, const void *x,
                      double *mean, double *variance);

/* y = (x - mean) inverse gamma + beta; mean, inverse = 1 / deviation [outer x groups]; gamma, beta
   [groups width]. */
void ldb_norm_apply(ldb_dtype t, ldb_norm_split s, const void *x, const double *mean,
                    const double *inverse, const double *gamma, const double *beta, void *y);

/* With h = (x - mean) inverse, g = gy gamma, n = rows width and sums over one (outer, group):
     gx = inverse (g - sum g / n - h sum g h / n)   (RMS: without the second term; FIXED: g alone)
     ggamma[c] = sum gy h, gbeta[c] = sum gy        (always written)
   gx may be NULL. sums: 2 groups doubles. */
void ldb_norm_backward(ldb_dtype t, ldb_norm_split s, ldb_norm_kind kind, const void *x,
                       const double *mean, const double *inverse, const double *gamma,
                       const void *gy, void *gx, double *ggamma, double *gbeta, double *sums);

#endif
