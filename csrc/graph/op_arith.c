/*
** Arithmetic, comparisons and `where`: broadcasting ops of two or three inputs.
*/
#include <string.h>

#include "graph/op_map.h"
#include "kernels/elementwise/map_select.h"

static const ldb_attr_spec no_attrs[] = {{.name = NULL}};

/* ---- add, sub: the gradient is that of a copy, so no input is kept and nothing is multiplied ---
 */

static ldb_status spread(ldb_call *c, int i, ldb_error *e) {
  if (!c->gin[i].data) return LDB_OK;
  if (ldb_view_count(&c->gin[i]) != ldb_view_count(&c->gout))
    return ldb_reduce_to(&c->gout, &c->gin[i], e);
  size_t bytes = (size_t)ldb_view_count(&c->gout) * ldb_dtype_size(c->gout.dtype);
  if (bytes > 0) memcpy(c->gin[i].data, c->gout.data, bytes);
  return LDB_OK;
}

static ldb_status add_backward(ldb_call *c, ldb_error *e) {
  ldb_status s = spread(c, 0, e);
  return s == LDB_OK ? spread(c, 1, e) : s;
}

static ldb_status sub_backward(ldb_call *c, ldb_error *e) {
  ldb_status s = add_backward(c, e);
  if (s != LDB_OK || !c->gin[1].data) return s;
  ldb_inner_fn *negate = ldb_unary_forward(LDB_UNARY_neg, c->gin[1].dtype);
  const ldb_view *const operands[] = {&c->gin[1], &c->gin[1]};
  ldb_walk(c->team, 2, operands, negate, c->attrs.num);
  return LDB_OK;
}

/* ---- the other functions of two variables ---------------------------------------------------- */

static ldb_status infer_product(ldb_call *c, ldb_error *e) {
  ldb_status s = ldb_infer_broadcast(c, e);
  return s == LDB_OK ? ldb_room_for_broadcast(c, 0, e) : s;
}

static ldb_status infer_relation(ldb_call *c, ldb_error *e) {
  ldb_status s = ldb_infer_broadcast(c, e);
  c->out.dtype = LDB_I32;
  return s;
}

#define FORWARD(fn)                                           \
  static ldb_status fn##_forward(ldb_call *c, ldb_error *e) { \
    return ldb_map_binary(c, LDB_BINARY_##fn, e);             \
  }

#define SUM_ROW(fn, text)                                   \
  FORWARD(fn)                                               \
  const ldb_op ldb_op_##fn = {.name = #fn,                  \
                              .doc = text,                  \
                              .inputs = "a b",              \
                              .flags = LDB_OP_PROMOTE,      \
                              .grad_inputs = 3,             \
                              .attrs = no_attrs,            \
                              .infer = ldb_infer_broadcast, \
                              .forward = fn##_forward,      \
                              .backward = fn##_backward};

#define BINARY_ROW(fn, more_flags, text)                                               \
  FORWARD(fn)                                                                          \
  static ldb_status fn##_backward(ldb_call *c, ldb_error *e) {                         \
    return ldb_map_binary_gradient(c, LDB_BINARY_##fn, e);                             \
  }                                                                                    \
  const ldb_op ldb_op_##fn = {.name = #fn,                                             \
                              .doc = text,                                             \
                              .inputs = "a b",                                         \
                              .flags = LDB_OP_PROMOTE | LDB_OP_KEEP_IN | (more_flags), \
                              .grad_inputs = 3,                                        \
                              .attrs = no_attrs,                                       \
                              .infer = infer_product,                                  \
                              .forward = fn##_forward,                                 \
                              .backward = fn##_backward};

#define RELATION_ROW(fn, text)                         \
  FORWARD(fn)                                          \
  const ldb_op ldb_op_##fn = {.name = #fn,             \
                              .doc = text,             \
                              .inputs = "a b",         \
                              .flags = LDB_OP_PROMOTE, \
                              .attrs = no_attrs,       \
                              .infer = infer_relation, \
                              .forward = fn##_forward};

SUM_ROW(add, "a + b; broadcasts, i32 wraps around")
SUM_ROW(sub, "a - b; broadcasts, i32 wraps around")
BINARY_ROW(mul, 0, "a * b elementwise; broadcasts, i32 wraps around")
BINARY_ROW(div, LDB_OP_FLOAT, "a / b elementwise; broadcasts, i32 becomes f32")
BINARY_ROW(pow, LDB_OP_FLOAT, "a ^ b elementwise; broadcasts, i32 becomes f32")
BINARY_ROW(maximum, 0, "the larger of a and b, NaN if one is; broadcasts, ties halve the gradient")
BINARY_ROW(minimum, 0, "the smaller of a and b, NaN if one is; broadcasts, ties halve the gradient")
RELATION_ROW(eq, "1 where a == b, else 0, as i32; broadcasts, NaN equals nothing")
RELATION_ROW(ne, "1 where a ~= b, else 0, as i32; broadcasts")
RELATION_ROW(lt, "1 where a < b, else 0, as i32; broadcasts")
RELATION_ROW(le, "1 where a <= b, else 0, as i32; broadcasts")
RELATION_ROW(gt, "1 where a > b, else 0, as i32; broadcasts")
RELATION_ROW(ge, "1 where a >= b, else 0, as i32; broadcasts")

/* ---- where ----------------------------------------------------------------------------------- */

static ldb_status where_infer(ldb_call *c, ldb_error *e) {
  const ldb_view *a = &c->in[1], *b = &c->in[2];
  if (a->dtype != b->dtype)
    return ldb_fail(
        e, LDB_DTYPE,
        "argument 'b': expected %s as 'a' has, got %s (cast one of them; 'cond' does not "
        "count)",
        ldb_dtype_name(a->dtype), ldb_dtype_name(b->dtype));
  ldb_view values = {.dtype = a->dtype};
  ldb_status s = ldb_broadcast_shape(NULL, a, b, &values, e);
  if (s != LDB_OK) return s;
  c->out.data = NULL;
  c->out.dtype = a->dtype;
  s = ldb_broadcast_shape(NULL, &c->in[0], &values, &c->out, e);
  return s == LDB_OK ? ldb_room_for_broadcast(c, 1, e) : s;
}

static ldb_status where_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  const ldb_view *const operands[] = {&c->out, &c->in[0], &c->in[1], &c->in[2]};
  ldb_walk(c->team, 4, operands, ldb_select_loop(c->in[0].dtype, c->out.dtype), NULL);
  return LDB_OK;
}

/* ga = cond ? g : 0, gb = cond ? 0 : g */
static ldb_status where_backward(ldb_call *c, ldb_error *e) {
  double zero_bits = 0;
  ldb_view zero = {.data = &zero_bits, .dtype = c->gout.dtype};
  for (int i = 1; i < 3; i++) {
    if (!c->gin[i].data) continue;
    ldb_view target = ldb_gradient_target(c, i);
    const ldb_view *const operands[] = {&target, &c->in[0], i == 1 ? &c->gout : &zero,
                                        i == 1 ? &zero : &c->gout};
    ldb_walk(c->team, 4, operands, ldb_select_loop(c->in[0].dtype, c->gout.dtype), NULL);
    ldb_status s = ldb_gradient_done(c, i, &target, e);
    if (s != LDB_OK) return s;
  }
  return LDB_OK;
}

/* Not promoted, since cond's type is no business of a and b. */
const ldb_op ldb_op_where = {.name = "where",
                             .doc =
                                 "cond ~= 0 ? a : b elementwise; all three broadcast, cond of any "
                                 "type, a and b of one",
                             .inputs = "cond a b",
                             .flags = LDB_OP_KEEP_IN,
                             .grad_inputs = 6,
                             .attrs = no_attrs,
                             .infer = where_infer,
                             .forward = where_forward,
                             .backward = where_backward};
