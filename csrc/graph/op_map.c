#include "graph/op_map.h"

ldb_status ldb_wrong_dtype(ldb_dtype t, ldb_error *e) {
  return ldb_fail(e, LDB_DTYPE, "expected f32 or f64, got %s", ldb_dtype_name(t));
}

ldb_status ldb_infer_like_first(ldb_call *c, ldb_error *e) {
  return ldb_view_init(&c->out, c->in[0].dtype, c->in[0].rank, c->in[0].shape, e);
}

ldb_status ldb_infer_float(ldb_call *c, ldb_error *e) {
  if (c->in[0].dtype == LDB_I32) return ldb_wrong_dtype(LDB_I32, e);
  return ldb_infer_like_first(c, e);
}

ldb_status ldb_room_for_broadcast(ldb_call *c, int first, ldb_error *e) {
  for (int i = first; i < c->n_in; i++)
    if (ldb_view_count(&c->in[i]) != ldb_view_count(&c->out))
      return ldb_view_bytes(&c->out, &c->backward_scratch, e);
  return LDB_OK;
}

ldb_status ldb_infer_broadcast(ldb_call *c, ldb_error *e) {
  const ldb_view *a = &c->in[0], *b = &c->in[1];
  if (a->dtype != b->dtype)
    return ldb_fail(e, LDB_DTYPE, "expected inputs of one element type, got %s and %s",
                    ldb_dtype_name(a->dtype), ldb_dtype_name(b->dtype));
  c->out.data = NULL;
  c->out.dtype = a->dtype;
  return ldb_broadcast_shape(NULL, a, b, &c->out, e);
}

ldb_status ldb_map_unary(ldb_call *c, ldb_unary k, ldb_error *e) {
  ldb_inner_fn *f = ldb_unary_forward(k, c->out.dtype);
  if (!f) return ldb_wrong_dtype(c->out.dtype, e);
  const ldb_view *const operands[] = {&c->out, &c->in[0]};
  ldb_walk(c->team, 2, operands, f, c->attrs.num);
  return LDB_OK;
}

ldb_status ldb_map_unary_gradient(ldb_call *c, ldb_unary k, ldb_error *e) {
  ldb_inner_fn *f = ldb_unary_backward(k, c->gout.dtype);
  if (!f) return ldb_wrong_dtype(c->gout.dtype, e);
  if (!c->gin[0].data) return LDB_OK;
  ldb_keep keep = ldb_unary_keep(k);
  const ldb_view *const operands[] = {&c->gin[0], &c->gout,
                                      keep == LDB_KEEP_IN ? &c->in[0] : &c->out};
  ldb_walk(c->team, keep == LDB_KEEP_NONE ? 2 : 3, operands, f, c->attrs.num);
  return LDB_OK;
}

ldb_status ldb_map_binary(ldb_call *c, ldb_binary k, ldb_error *e) {
  ldb_inner_fn *f = ldb_binary_forward(k, c->in[0].dtype);
  if (!f) return ldb_wrong_dtype(c->in[0].dtype, e);
  const ldb_view *const operands[] = {&c->out, &c->in[0], &c->in[1]};
  ldb_walk(c->team, 3, operands, f, NULL);
  return LDB_OK;
}

ldb_view ldb_gradient_target(const ldb_call *c, int i) {
  ldb_view v = c->gout;
  v.data = ldb_view_count(&c->gin[i]) == ldb_view_count(&v) ? c->gin[i].data : c->scratch;
  return v;
}

ldb_status ldb_gradient_done(ldb_call *c, int i, const ldb_view *target, ldb_error *e) {
  return target->data == c->gin[i].data ? LDB_OK : ldb_reduce_to(target, &c->gin[i], e);
}

ldb_status ldb_map_binary_gradient(ldb_call *c, ldb_binary k, ldb_error *e) {
  for (int i = 0; i < 2; i++) {
    if (!c->gin[i].data) continue;
    ldb_inner_fn *f = ldb_binary_backward(k, c->gout.dtype, i);
    if (!f) return ldb_wrong_dtype(c->gout.dtype, e);
    ldb_view target = ldb_gradient_target(c, i);
    const ldb_view *const operands[] = {&target, &c->gout, &c->in[0], &c->in[1]};
    ldb_walk(c->team, 4, operands, f, NULL);
    ldb_status s = ldb_gradient_done(c, i, &target, e);
    if (s != LDB_OK) return s;
  }
  return LDB_OK;
}
