/*
** What the files of optimiser rules share besides the pass in optimizer_pass_generic.h.
*/
#ifndef LDB_OPTIMIZER_PASS_H
#define LDB_OPTIMIZER_PASS_H

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "train/optimizer.h"

/* A block's elements and what is kept of them stay in the first-level cache; a task is worth a
   thread; a wave is the number of tasks whose statistics wait on the stack. */
enum { BLOCK = 512, LANES = 16, TASK = 16384, WAVE = 64, LINE = 64 };

/* Adds the lanes as a fixed tree. */
LDB_INLINE double fold(const double lane[LANES / 2]) {
  return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

static inline void add_stats(ldb_update_stats *to, const ldb_update_stats *from) {
  to->count += from->count;
  to->grad_sq += from->grad_sq;
  to->update_sq += from->update_sq;
  to->weight_sq += from->weight_sq;
  to->grad_zero += from->grad_zero;
  to->nonfinite_grad += from->nonfinite_grad;
  to->nonfinite_weight += from->nonfinite_weight;
  to->unchanged += from->unchanged;
  to->underflow += from->underflow;
}

#endif
