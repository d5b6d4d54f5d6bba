/*
** Inverted dropout. Whether an element stays is a pure function of (seed, stream, element), so that
** any part of it can be drawn by itself; forward leaves one byte an element for backward, which is
** quicker than drawing again.
*/
#ifndef LDB_DROPOUT_H
#define LDB_DROPOUT_H

#include "base/rng.h"
#include "base/team.h"
#include "base/view.h"

/* keep[i] = 1 where word first + i of the stream >= rate 2^32, else 0; 0 <= i < n, 0 <= rate <= 1,
   first a multiple of 4. */
void ldb_dropout_draw(const ldb_rng *r, double rate, int64_t first, int64_t n, unsigned char *keep);

/* y[i] = keep[i] ? x[i] / (1 - rate) : 0, i < n. A dropped NaN becomes 0. y may be x. t is f32 or
   f64. */
void ldb_dropout_apply(ldb_dtype t, double rate, int64_t n, const unsigned char *keep,
                       const void *x, void *y);

/* Both at once, on the threads of the team. */
void ldb_dropout_forward(ldb_team *team, const ldb_rng *r, ldb_dtype t, double rate, int64_t n,
                         const void *x, unsigned char *keep, void *y);
void ldb_dropout_backward(ldb_team *team, ldb_dtype t, double rate, int64_t n,
                          const unsigned char *keep, const void *gy, void *gx);

#endif
