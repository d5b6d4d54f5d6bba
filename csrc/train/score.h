/*
** Scores of predictions, batch by batch, in f64: shares of right answers, mean errors, and the
** coefficient of determination. What Lua's metrics and the loop of fit count with.
**
** A score has a state of doubles. Means keep { sum over batches of mean x rows, rows }; their value
** is the quotient. R2 keeps { rows, then residual, mean, square per column }: the sums of squares
** of the targets about their mean are merged batch by batch (Chan et al.).
** A row whose prediction holds NaN is never right.
*/
#ifndef LDB_SCORE_H
#define LDB_SCORE_H

#include <stddef.h>

#include "base/status.h"
#include "base/view.h"

typedef enum ldb_score_kind {
  LDB_SCORE_SPARSE,      /* argmax over the last axis == i32 id; target: the axes before it */
  LDB_SCORE_CATEGORICAL, /* argmax over the last axis of both */
  LDB_SCORE_BINARY,      /* (p > threshold, in its type) == (t > 0.5) */
  LDB_SCORE_SIGNS,       /* (p > threshold) == (t > 0) */
  LDB_SCORE_ABSOLUTE,    /* |p - t| */
  LDB_SCORE_SQUARE,      /* (p - t)^2 */
  LDB_SCORE_R2,
  LDB_SCORE_KINDS
} ldb_score_kind;

typedef struct ldb_score {
  ldb_score_kind kind;
  double threshold;
} ldb_score;

/* Doubles in the state of a score for predictions of this shape. */
size_t ldb_score_state(ldb_score_kind kind, const ldb_view *prediction);

/* Whether predictions and targets are contiguous, of the right types, and as many as they must be.
 */
ldb_status ldb_score_check(const ldb_score *s, const ldb_view *prediction, const ldb_view *target,
                           ldb_error *e);

/* Adds a batch that was checked to the state. */
void ldb_score_add(const ldb_score *s, const ldb_view *prediction, const ldb_view *target,
                   double *state);

#endif
