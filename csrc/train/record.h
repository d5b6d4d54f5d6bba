/*
** The record of a training: what every step did, parameter by parameter summed into layers, in
** memory of the caller's. Series are thinned when they are full: every other entry is dropped, and
** from then on only every second step is kept, so that memory stays bounded and the whole run stays
** visible.
**
** For layer l at one step, over its parameters p:
**   gradient norm  sqrt(sum_p grad_sq)      update norm  sqrt(sum_p update_sq)
**   weight norm    sqrt(sum_p weight_sq)    ratio        update norm / weight norm
*/
#ifndef LDB_RECORD_H
#define LDB_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/team.h"
#include "base/view.h"
#include "train/optimizer.h"

typedef enum ldb_update_state {
  LDB_UPDATE_NONE,   /* the parameter took no part in this step */
  LDB_UPDATE_DONE,   /* it was updated */
  LDB_UPDATE_WAITING /* its gradient was accumulated: nothing moves in this step */
} ldb_update_state;

/* One parameter in one step: what its update returned, with grad_sq as it was before clipping. */
typedef struct ldb_update_row {
  ldb_update_stats stats;
  ldb_update_state state;
} ldb_update_row;

/* One layer's output of one step. */
enum ldb_output_column {
  LDB_OUTPUT_COUNT, /* 0: not seen */
  LDB_OUTPUT_SUM,
  LDB_OUTPUT_SUM_SQ,
  LDB_OUTPUT_MIN,
  LDB_OUTPUT_MAX,
  LDB_OUTPUT_ZEROS,
  LDB_OUTPUT_NONFINITE,
  LDB_OUTPUT_ROW
};

/* Series that are kept for every step of the run. Norm and ratio are LDB_NO_STEP where a step
   updated nothing. */
#define LDB_NO_STEP (-1.0)
enum ldb_step_series {
  LDB_STEP_LOSS,
  LDB_STEP_LR,
  LDB_STEP_GRAD_NORM,
  LDB_STEP_RATIO,
  LDB_STEP_SERIES
};
/* Series that are thinned, per layer and per output. */
enum ldb_layer_series {
  LDB_LAYER_GRAD_NORM,
  LDB_LAYER_WEIGHT_NORM,
  LDB_LAYER_UPDATE_NORM,
  LDB_LAYER_RATIO,
  LDB_LAYER_SERIES
};
enum ldb_output_series { LDB_OUT_MEAN, LDB_OUT_STD, LDB_OUT_ZEROS, LDB_OUT_SERIES };

typedef struct ldb_layer_total {
  double size;  /* elements of all its parameters */
  double steps; /* in which it took part */
  double zero, same,
      underflow;               /* steps with a zero gradient; steps that changed no weight; elements
                                  whose update was lost in rounding */
  double first_nonfinite_step; /* 0: none */
  double kept;                 /* entries in its series */
  /* sums of the step at work */
  double grad_sq, update_sq, weight_sq, unchanged, nonfinite, last, waiting;
} ldb_layer_total;

typedef struct ldb_output_total {
  double steps, kept, first_nonfinite_step;
} ldb_output_total;

enum { LDB_RECORD_CAPACITY = 2048 }; /* entries of a thinned series, at most */

typedef struct ldb_record {
  int64_t parameters, layers, outputs;
  int64_t step;            /* steps so far */
  int64_t stride;          /* every stride-th is kept in the thinned series */
  int64_t kept;            /* sampled steps since the start, thinned as the series are */
  int64_t room;            /* steps that `history` has room for */
  int64_t capacity;        /* entries that a thinned series has room for, <= LDB_RECORD_CAPACITY */
  const int32_t *layer_of; /* [parameters], from 0 */
  ldb_update_row *updates; /* [parameters] of the step to be added */
  double *seen;            /* [outputs x LDB_OUTPUT_ROW] of the step to be added */
  ldb_layer_total *total;  /* [layers] */
  ldb_output_total *output_total; /* [outputs] */
  double *history;                /* [LDB_STEP_SERIES x room] */
  double *series;                 /* [layers x LDB_LAYER_SERIES x capacity] */
  double *output_series;          /* [outputs x LDB_OUT_SERIES x capacity] */
} ldb_record;

/* Adds one step from `updates` and `seen`; updated = false: the loss was not finite and nothing was
   updated. The caller has made room: step < room and kept < capacity, or capacity is the greatest.
   Returns the first layer whose gradient or weights are not finite for the first time, or -1. */
int64_t ldb_record_step(ldb_record *r, double loss, double lr, bool updated);

/* No parameter took part in the step to be added, no output was seen. */
void ldb_record_clear(ldb_record *r);

/* Entries that a thinned series must have room for before n more steps are added. */
int64_t ldb_record_capacity(const ldb_record *r, int64_t n);

/* Looks at the output of a layer: x f32, contiguous; row of `seen`. */
typedef struct ldb_output_step {
  ldb_view x;
  double *row;
  ldb_team *team;
} ldb_output_step;
ldb_status ldb_do_output(void *output_step, ldb_error *e);

#endif
