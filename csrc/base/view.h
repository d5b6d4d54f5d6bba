/*
** A view: element type, shape and strides over bytes that somebody else owns.
** Row-major, batch first, channels last. Strides count elements, not bytes; a stride of 0 repeats
** one element (broadcast). Rank 0 is a scalar.
*/
#ifndef LDB_VIEW_H
#define LDB_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { LDB_MAX_RANK = 8 };

typedef enum ldb_dtype { LDB_F32, LDB_F64, LDB_I32, LDB_DTYPE_COUNT } ldb_dtype;

typedef struct ldb_view {
  void *data;
  ldb_dtype dtype;
  int rank;
  int64_t shape[LDB_MAX_RANK];
  int64_t stride[LDB_MAX_RANK];
} ldb_view;

size_t ldb_dtype_size(ldb_dtype t);
const char *ldb_dtype_name(ldb_dtype t);           /* "f32" "f64" "i32" */
bool ldb_dtype_parse(const char *s, ldb_dtype *t); /* false when unknown */

/* Number of elements; 1 for rank 0. The shape was validated when the view was made. */
int64_t ldb_view_count(const ldb_view *v);
bool ldb_view_is_contiguous(const ldb_view *v);
bool ldb_same_shape(const ldb_view *a, const ldb_view *b);

/* Sets dtype, rank, shape and row-major strides; data stays NULL. Fails on rank > LDB_MAX_RANK, a
   negative size, or more elements than bytes can be counted. */
ldb_status ldb_view_init(ldb_view *v, ldb_dtype t, int rank, const int64_t *shape, ldb_error *e);

/* Bytes that a contiguous copy needs. */
ldb_status ldb_view_bytes(const ldb_view *v, size_t *bytes, ldb_error *e);

/* out gets the common shape of a and b under NumPy's broadcasting rules (right-aligned, 1 repeats);
   dtype and data of out are not touched. name is the operation, for the message. */
ldb_status ldb_broadcast_shape(const char *name, const ldb_view *a, const ldb_view *b,
                               ldb_view *out, ldb_error *e);

/* v seen with the (larger) shape of target: broadcast axes get stride 0. Caller has checked that it
   fits. */
ldb_view ldb_broadcast_to(const ldb_view *v, const ldb_view *target);

enum { LDB_SHAPE_TEXT = 96 };
/* "[32 x 784]"; "[]" for rank 0. Always terminates. Returns buf. */
const char *ldb_shape_text(const ldb_view *v, char buf[LDB_SHAPE_TEXT]);

bool ldb_mul_size(size_t a, size_t b, size_t *out); /* false on overflow */
bool ldb_add_size(size_t a, size_t b, size_t *out);

#endif
