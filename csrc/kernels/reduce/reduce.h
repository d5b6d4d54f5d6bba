/*
** Reductions over any set of axes of a strided view.
** The order of the sums is fixed by the shape alone: the reduced elements, in row-major order, are
** dealt to 8 lanes in turn, each lane adds in f64, and the lanes are added as a tree. Strides,
** memory layout and threads change no bit. NaN is data: max, min, argmax and argmin propagate it.
*/
#ifndef LDB_REDUCE_H
#define LDB_REDUCE_H

#include <stdint.h>

#include "base/team.h"
#include "base/view.h"

typedef enum ldb_reduction {
  LDB_REDUCE_SUM,         /* sum x, of nothing 0 */
  LDB_REDUCE_MEAN,        /* sum x / n, of nothing NaN */
  LDB_REDUCE_PROD,        /* product, of nothing 1 */
  LDB_REDUCE_MAX,         /* of nothing -inf */
  LDB_REDUCE_MIN,         /* of nothing inf */
  LDB_REDUCE_VAR,         /* sum (x - mean)^2 / max(n - ddof, 0), in two passes */
  LDB_REDUCE_SUM_SQUARES, /* sum x^2 */
  LDB_REDUCE_NORM,        /* sqrt(sum x^2) */
  LDB_REDUCE_LOGSUMEXP    /* m + log(sum exp(x - m)), m = max; of nothing -inf */
} ldb_reduction;

/* out = reduction of x over the axes of the bit mask. out is contiguous, of any element type, and
   holds one element per index of the axes that stay, in their order (so it may have these axes as
   1 or not at all). ddof is read by VAR only. */
void ldb_reduce(ldb_reduction kind, const ldb_view *x, uint32_t axes, double ddof,
                const ldb_view *out);

/* The same with threads: over results, so that no bit depends on them. */
void ldb_reduce_on(ldb_team *team, ldb_reduction kind, const ldb_view *x, uint32_t axes,
                   double ddof, const ldb_view *out);

/* Number of elements that are reduced into one, and number of results. */
int64_t ldb_reduced_count(const ldb_view *x, uint32_t axes);
int64_t ldb_kept_count(const ldb_view *x, uint32_t axes);

/* Doubles of scratch that ldb_reduce_backward needs: one or two per result. */
enum { LDB_REDUCE_AUX = 2 };

/* gx = gy * d out/d x, with x strided, y (the result), gy and gx contiguous, all of one type, f32
   or f64. Ties of max and min share the gradient evenly. x and y may be NULL for SUM and MEAN.
   aux: LDB_REDUCE_AUX * ldb_kept_count() doubles. */
void ldb_reduce_backward(ldb_reduction kind, const ldb_view *x, uint32_t axes, double ddof,
                         const ldb_view *y, const ldb_view *gy, const ldb_view *gx, double *aux);

/* out[...] (i32, contiguous, without the axis) = 1-based position of the largest (or smallest)
   element along the axis; the first of equals, the first NaN if there is one. The axis is not
   empty. */
void ldb_arg_reduce(bool largest, const ldb_view *x, int axis, const ldb_view *out);

#endif
