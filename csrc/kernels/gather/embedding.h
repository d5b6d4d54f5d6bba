/*
** Rows of a table by 0-based ids, and the gradient that goes back to them.
*/
#ifndef LDB_EMBEDDING_H
#define LDB_EMBEDDING_H

#include <stdint.h>

#include "base/view.h"

/* gtable[v] = sum of gy[i] over all i with ids[i] = v, gtable [rows x width], gy [n x width], for
   contiguous ids (whole numbers, checked) and f32 or f64. The sum over i is f64, in order of
   i. A row `padding` (or -1) gets 0. links: rows + n elements. */
void ldb_embedding_backward(const ldb_view *ids, int64_t padding, const ldb_view *gy,
                            const ldb_view *gtable, int64_t *links);

#endif
