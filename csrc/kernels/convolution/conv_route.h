/*
** Which cells meet at the positions of one axis, for a convolution and for its gradient by the
** input, which is a convolution of the gradient with the mirrored kernel. Positions that meet the
** same taps form runs, so that loops over them need no tests and padding is never multiplied.
*/
#ifndef LDB_CONV_ROUTE_H
#define LDB_CONV_ROUTE_H

#include "kernels/convolution/conv_window.h"

/* Positions first, first + step .. (count of them). Position number i meets `taps` taps: tap number
   k is tap + k tap_step, at cell in + i in_step + k in_tap. taps may be 0. */
typedef struct ldb_run {
  int64_t first, count, step;
  int64_t taps, tap, tap_step;
  int64_t in, in_step, in_tap;
} ldb_run;

/* Walks over the runs of positions from .. to - 1. mirrored: positions are the cells of the axis,
   cells its window positions, and tap t stands for tap size - 1 - t of the kernel. */
typedef struct ldb_route {
  const ldb_window_axis *axis;
  bool mirrored;
  int64_t from, to, residue, next;
} ldb_route;

ldb_route ldb_route_over(const ldb_window_axis *a, bool mirrored, int64_t from, int64_t to);

/* The next run; false behind the last. */
bool ldb_route_next(ldb_route *r, ldb_run *run);

/* How the outputs of a batch are cut into blocks: images each, or lines of one image. */
typedef struct ldb_cut {
  int64_t batch, lines, images, band; /* images per block, lines per block */
  int64_t blocks;
} ldb_cut;

/* Images n0 .. n1 - 1, lines i0 .. i1 - 1: all of them unless n1 - n0 is 1. */
typedef struct ldb_block {
  int64_t n0, n1, i0, i1;
} ldb_block;

/* Blocks of at most `bytes` (or one line), and not much larger than a 16th of the work where there
   is enough of it; line_bytes: what one line of outputs moves, line_work: its multiplications. */
ldb_cut ldb_cut_of(int64_t batch, int64_t lines, double line_bytes, double line_work, double bytes);
ldb_block ldb_block_of(const ldb_cut *cut, int64_t i);

#endif
