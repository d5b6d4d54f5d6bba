/*
** IDX, the format of MNIST: 0 0 type rank, rank sizes as 32-bit big-endian numbers, then the
** elements in row-major order, big-endian. type: 08 u8, 09 i8, 0B i16, 0C i32, 0D f32, 0E f64.
*/
#ifndef LDB_IDX_H
#define LDB_IDX_H

#include <stddef.h>

#include "base/status.h"
#include "base/view.h"

typedef struct ldb_idx_layout {
  unsigned char type;
  size_t element_bytes;
  size_t offset;  /* of the first element */
  ldb_view shape; /* natural dtype (integers: i32, f32, f64) and shape; no data */
} ldb_idx_layout;

/* Reads the header of bytes[0..n). n must be exactly header + elements. */
ldb_status ldb_idx_measure(const unsigned char *bytes, size_t n, ldb_idx_layout *out, ldb_error *e);

/* Fills out (contiguous, the layout's shape) with the elements, turned into out's dtype. Turning
   floats into i32 is refused. */
ldb_status ldb_idx_read(const unsigned char *bytes, size_t n, const ldb_idx_layout *layout,
                        ldb_view *out, ldb_error *e);

#endif
