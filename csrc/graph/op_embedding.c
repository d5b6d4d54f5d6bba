/*
** embedding: rows of a table by 0-based ids.
*/
#include <math.h>
#include <string.h>

#include "graph/op.h"
#include "graph/op_map.h"
#include "kernels/gather/embedding.h"
#include "kernels/gather/index.h"

enum { TABLE = 0, IDS = 1, PADDING = 0 };

static const ldb_attr_spec embedding_attrs[] = {
    {.name = "padding", .kind = LDB_ATTR_INT, .slot = PADDING, .fallback = -1}, {.name = NULL}};

static ldb_status infer_embedding(ldb_call *c, ldb_error *e) {
  const ldb_view *table = &c->in[TABLE], *ids = &c->in[IDS];
  int64_t shape[LDB_MAX_RANK + 1];
  char text[LDB_SHAPE_TEXT];
  size_t links = 0;
  if (table->dtype == LDB_I32) return ldb_wrong_dtype(LDB_I32, e);
  if (table->rank != 2)
    return ldb_fail(e, LDB_SHAPE, "the table is %s, expected [ids x width]",
                    ldb_shape_text(table, text));
  for (int i = 0; i < ids->rank; i++)
    shape[i] = ids->shape[i];
  shape[ids->rank] = table->shape[1];
  const ldb_status s = ldb_view_init(&c->out, table->dtype, ids->rank + 1, shape, e);
  if (s != LDB_OK) return s;
  if (!ldb_add_size((size_t)table->shape[0], (size_t)ldb_view_count(ids), &links) ||
      !ldb_mul_size(links, sizeof(int64_t), &c->backward_scratch))
    return ldb_fail(e, LDB_OVERFLOW, "the scratch of the gradient does not fit into memory");
  return LDB_OK;
}

static double id_at(const ldb_view *ids, int64_t i) {
  if (ids->dtype == LDB_F32) return (double)((const float *)ids->data)[i];
  if (ids->dtype == LDB_F64) return ((const double *)ids->data)[i];
  return (double)((const int32_t *)ids->data)[i];
}

static ldb_status check_ids(const ldb_view *ids, int64_t rows, ldb_error *e) {
  const int64_t n = ldb_view_count(ids);
  for (int64_t i = 0; i < n; i++) {
    const double v = id_at(ids, i);
    if (!(v == floor(v)))
      return ldb_fail(e, LDB_VALUE, "id %g at position %lld is not a whole number", v,
                      (long long)i + 1);
    if (v < 0 || v >= (double)rows)
      return ldb_fail(e, LDB_RANGE, "id %.0f at position %lld is outside 0..%lld%s", v,
                      (long long)i + 1, (long long)rows - 1,
                      v == (double)rows ? " (ids count from 0: is the table one row short?)" : "");
  }
  return LDB_OK;
}

static ldb_status embedding_forward(ldb_call *c, ldb_error *e) {
  const ldb_view *table = &c->in[TABLE], *ids = &c->in[IDS];
  const size_t row = (size_t)table->shape[1] * ldb_dtype_size(table->dtype);
  const int64_t n = ldb_view_count(ids);
  const ldb_status s = check_ids(ids, table->shape[0], e);
  if (s != LDB_OK) return s;
  for (int64_t i = 0; row && i < n; i++)
    memcpy((char *)c->out.data + (size_t)i * row,
           (const char *)table->data + (size_t)ldb_label(ids, i) * row, row);
  return LDB_OK;
}

static ldb_status embedding_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  if (c->gin[TABLE].data)
    ldb_embedding_backward(&c->in[IDS], c->attrs.integer[PADDING], &c->gout, &c->gin[TABLE],
                           c->scratch);
  return LDB_OK;
}

const ldb_op ldb_op_embedding = {
    .name = "embedding",
    .doc = "rows of table [ids x width] by ids 0.. of any shape (a new last axis); the row padding "
           "gets no gradient",
    .inputs = "table ids",
    .flags = LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN,
    .grad_inputs = 1,
    .attrs = embedding_attrs,
    .infer = infer_embedding,
    .forward = embedding_forward,
    .backward = embedding_backward,
};
