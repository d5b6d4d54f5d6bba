/*
** Attention in f32, tile by tile: what kernels/attention/attention.h dispatches to.
*/
#ifndef LDB_ATTENTION_F32_H
#define LDB_ATTENTION_F32_H

#include <stddef.h>

#include "base/team.h"
#include "kernels/attention/attention.h"

/* Bytes that one pair of sample and head works in. */
size_t ldb_attention_room_f32(const ldb_attention *a);

/* rows: of each pair first tq maxima of the scores, then tq inverse sums of exp(score - maximum).
   scratch: a room, used where the team has no memory for it. */
void ldb_attention_forward_f32(ldb_team *team, const ldb_attention *a, float *y, float *rows,
                               void *scratch);

void ldb_attention_backward_f32(ldb_team *team, const ldb_attention *a, const float *y,
                                const float *rows, const float *gy,
                                const ldb_attention_gradients *g, void *scratch);

/* Offset of the first score of pair `index` in something seen with the shape of scores. */
int64_t ldb_attention_offset(const ldb_view *scores, const ldb_view *seen, int64_t index);

#endif
