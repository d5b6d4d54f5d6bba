/*
** softmax and log-softmax along one axis of a contiguous array seen as [outer x n x inner].
** Stable: the maximum is taken off first. NaN in a line makes the whole line NaN, and so does +inf.
*/
#ifndef LDB_SOFTMAX_H
#define LDB_SOFTMAX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/team.h"
#include "base/view.h"

typedef struct ldb_axis_split {
  int64_t outer, n, inner;
} ldb_axis_split;

/* The sizes before, of and after axis `at` (0-based) of v. */
ldb_axis_split ldb_split_axis(const ldb_view *v, int at);

/* y = exp(x - m) / sum exp(x - m), or with as_log set y = x - m - log(sum exp(x - m)). */
void ldb_softmax(ldb_team *team, ldb_dtype t, ldb_axis_split s, bool as_log, const void *x,
                 void *y);

/* gx = y (gy - sum gy y), or with as_log set gx = gy - exp(y) sum gy. */
void ldb_softmax_backward(ldb_team *team, ldb_dtype t, ldb_axis_split s, bool as_log, const void *y,
                          const void *gy, void *gx);

#endif
