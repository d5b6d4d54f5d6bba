#include "graph/op.h"

#include <string.h>

/* select(x, axis, index) : the view x[.., index, ..] without that axis; index counts from 1,
   negative from the end. gradient: g placed at index, zero elsewhere. */

static ldb_status infer_select(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[0];
  int axis = (int)c->attrs.integer[0];
  int64_t n = x->shape[axis], i = c->attrs.integer[1], k = i > 0 ? i - 1 : i + n;
  if (i == 0 || k < 0 || k >= n)
    return ldb_fail(e, LDB_RANGE, "index %lld is outside 1..%lld of axis %d", (long long)i,
                    (long long)n, axis + 1);
  c->out = *x;
  c->out.data = (unsigned char *)x->data +
                (ptrdiff_t)(k * x->stride[axis]) * (ptrdiff_t)ldb_dtype_size(x->dtype);
  c->out.rank = x->rank - 1;
  for (int a = axis; a < c->out.rank; a++) {
    c->out.shape[a] = x->shape[a + 1];
    c->out.stride[a] = x->stride[a + 1];
  }
  return LDB_OK;
}

/* gin is contiguous: before and after the axis it is blocks of `inner` elements. */
static ldb_status backward_select(ldb_call *c, ldb_error *e) {
  ldb_view *g = &c->gin[0];
  int axis = (int)c->attrs.integer[0];
  int64_t n = g->shape[axis], i = c->attrs.integer[1], k = i > 0 ? i - 1 : i + n;
  size_t size = ldb_dtype_size(g->dtype), outer = 1, inner = size;
  (void)e;
  for (int a = 0; a < axis; a++)
    outer *= (size_t)g->shape[a];
  for (int a = axis + 1; a < g->rank; a++)
    inner *= (size_t)g->shape[a];
  memset(g->data, 0, outer * (size_t)n * inner);
  for (size_t o = 0; o < outer; o++)
    memcpy((char *)g->data + (o * (size_t)n + (size_t)k) * inner,
           (const char *)c->gout.data + o * inner, inner);
  return LDB_OK;
}

static const ldb_attr_spec select_attrs[] = {{"axis", LDB_ATTR_AXIS, 0, true, 0, NULL},
                                             {"index", LDB_ATTR_INT, 1, true, 0, NULL},
                                             {NULL, LDB_ATTR_INT, 0, false, 0, NULL}};

const ldb_op ldb_op_select = {
    .name = "select",
    .doc = "x[.., index, ..] as a view without that axis",
    .inputs = "x",
    .flags = LDB_OP_VIEW,
    .grad_inputs = 1,
    .attrs = select_attrs,
    .infer = infer_select,
    .backward = backward_select,
};
