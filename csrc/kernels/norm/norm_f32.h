/*
** Normalisation in f32: what kernels/norm/norm.h dispatches to. Layouts and formulas stand there.
*/
#ifndef LDB_NORM_F32_H
#define LDB_NORM_F32_H

#include <stddef.h>

#include "base/team.h"
#include "kernels/norm/norm.h"

/* Doubles of scratch that each of the functions below needs. */
size_t ldb_norm_f32_doubles(ldb_norm_split s);

/* s.outer is 1 */
void ldb_norm_moments_f32(ldb_team *team, ldb_norm_split s, ldb_norm_kind kind, const float *x,
                          double *mean, double *variance, double *scratch);

void ldb_norm_forward_f32(ldb_team *team, ldb_norm_split s, ldb_norm_kind kind, bool given,
                          double epsilon, const float *x, const float *gamma, const float *beta,
                          double *mean, double *inverse, float *y, double *scratch);

void ldb_norm_backward_f32(ldb_team *team, ldb_norm_split s, ldb_norm_kind kind, const float *x,
                           const double *mean, const double *inverse, const float *gamma,
                           const float *gy, float *gx, float *ggamma, float *gbeta,
                           double *scratch);

#endif
