/*
** What the files of optimiser rules share besides the pass in optimizer_pass_generic.h.
*/
#ifndef LDB_OPTIMIZER_PASS_H
#define LDB_OPTIMIZER_PASS_H

#include <math.h>
#include <string.h>

#include "train/optimizer.h"

/* Elements that go through rule and statistics while they stay in the first-level cache. */
enum { CHUNK = 512, LANES = 8 };

/* Adds the lanes as a fixed tree. */
static inline double fold(const double lane[LANES]) {
  return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

#endif
