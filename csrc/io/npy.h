/*
** NPY, one NumPy array: "\x93NUMPY", major, minor, header length (16 bits in version 1, 32 bits in
** 2 and 3, little-endian), a Python dict literal {'descr': '<f4', 'fortran_order': False,
** 'shape': (2, 3), }, then the elements.
*/
#ifndef LDB_NPY_H
#define LDB_NPY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/view.h"
#include "io/element.h"

enum { LDB_NPY_MAX_HEADER = 1 << 20 };

typedef struct ldb_npy_layout {
  int major;
  ldb_element element;
  bool fortran;   /* first axis varies fastest */
  size_t offset;  /* of the first element */
  ldb_view shape; /* natural dtype (integers and booleans: i32, f32, f64) and shape; no data */
} ldb_npy_layout;

/* Reads the header of bytes[0..n). n must be exactly header + elements. Refused with the reason:
   objects (pickle), records, strings, complex and half precision numbers, u8. */
ldb_status ldb_npy_measure(const unsigned char *bytes, size_t n, ldb_npy_layout *out, ldb_error *e);

/* Fills out (contiguous, row-major, the layout's shape), swapping bytes and transposing as needed.
 */
ldb_status ldb_npy_read(const unsigned char *bytes, size_t n, const ldb_npy_layout *layout,
                        ldb_view *out, ldb_error *e);

/* Size of v as a version 1 file: '<f4', '<f8' or '<i4', C order, header padded to a multiple of 64.
 */
ldb_status ldb_npy_bytes(const ldb_view *v, size_t *bytes, ldb_error *e);

/* Writes v (contiguous) to out, which has room for the n bytes that ldb_npy_bytes asked for. */
ldb_status ldb_npy_write(const ldb_view *v, unsigned char *out, size_t n, ldb_error *e);

#endif
