/*
** Normalisation by mean and variance: batch, layer, group and root-mean-square in one layout.
** A contiguous array is seen as [outer x rows x groups x width]; the last two axes are the channels
** c = group * width + place. Statistics belong to one (outer, group) and are taken over rows and
** width; gamma and beta belong to one channel.
**   batch norm   [1 x n x channels x 1]      layer norm  [n x 1 x 1 x features]
**   group norm   [batch x places x groups x channels / groups]
** Sums over many elements are f64; their order is fixed by the shape. NaN passes through.
*/
#ifndef LDB_NORM_H
#define LDB_NORM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/team.h"
#include "base/view.h"

typedef struct ldb_norm_split {
  int64_t outer, rows, groups, width;
} ldb_norm_split;

typedef enum ldb_norm_kind {
  LDB_NORM_CENTRED, /* statistics of x itself, gradients go through them */
  LDB_NORM_RMS,     /* as above with mean 0: the variance is the mean of x^2 */
  LDB_NORM_FIXED    /* statistics from elsewhere, constants to the gradient */
} ldb_norm_kind;

/* Doubles of scratch for the functions below. */
size_t ldb_norm_scratch(ldb_dtype t, ldb_norm_split s);

/* mean[groups] = sum x / n, variance[groups] = sum (x - mean)^2 / n, n = rows width, for s.outer
   = 1. Of nothing NaN. */
void ldb_norm_moments(ldb_team *team, ldb_dtype t, ldb_norm_split s, const void *x, double *mean,
                      double *variance, double *scratch);

/* y = (x - mean) inverse gamma + beta with inverse = 1 / sqrt(variance + epsilon). Leaves mean and
   inverse [outer x groups]; where `given` is set they hold mean and variance before. gamma, beta
   [groups width] or NULL. LDB_NORM_RMS: mean = 0. */
void ldb_norm_forward(ldb_team *team, ldb_dtype t, ldb_norm_split s, ldb_norm_kind kind, bool given,
                      double epsilon, const void *x, const void *gamma, const void *beta,
                      double *mean, double *inverse, void *y, double *scratch);

/* With h = (x - mean) inverse, g = gy gamma, n = rows width and sums over one (outer, group):
     gx = inverse (g - sum g / n - h sum g h / n)   (RMS: without the second term; FIXED: g alone)
     ggamma[c] = sum gy h, gbeta[c] = sum gy
   gamma, gx, ggamma and gbeta may be NULL. */
void ldb_norm_backward(ldb_team *team, ldb_dtype t, ldb_norm_split s, ldb_norm_kind kind,
                       const void *x, const double *mean, const double *inverse, const void *gamma,
                       const void *gy, void *gx, void *ggamma, void *gbeta, double *scratch);

#endif
