/*
** What the rows of losses share.
*/
#ifndef LDB_OP_LOSS_H
#define LDB_OP_LOSS_H

#include "graph/op.h"

/* for losses whose target has the prediction's type and shape */
#define LDB_LOSS_FLAGS (LDB_OP_FLOAT | LDB_OP_PROMOTE | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN)

/* out gets the prediction's shape (input 0) without the last axis. */
ldb_status ldb_infer_loss(ldb_call *c, ldb_error *e);

/* The same, after checking that the target (input 1) has the prediction's shape. */
ldb_status ldb_infer_dense_loss(ldb_call *c, ldb_error *e);

/* Size of the prediction's last axis. */
int64_t ldb_loss_width(const ldb_call *c);

#endif
