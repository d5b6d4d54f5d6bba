/*
** Functions of one variable, and the two ops that only move values: contiguous and cast.
*/
#include <math.h>
#include <string.h>

#include "graph/op_map.h"
#include "kernels/elementwise/map_select.h"

static const ldb_attr_spec no_attrs[] = {{.name = NULL}};

#define ROW(fn, row_flags, row_infer, text)            \
  LDB_UNARY_FUNCTIONS(fn)                              \
  const ldb_op ldb_op_##fn = {.name = #fn,             \
                              .doc = text,             \
                              .inputs = "x",           \
                              .flags = (row_flags),    \
                              .grad_inputs = 1,        \
                              .attrs = no_attrs,       \
                              .infer = row_infer,      \
                              .forward = fn##_forward, \
                              .backward = fn##_backward};

/* Keeps i32. */
#define ANY_ROW(fn, keep, text) ROW(fn, keep, ldb_infer_like_first, text)
/* i32 becomes f32. */
#define FLOAT_ROW(fn, keep, text) ROW(fn, LDB_OP_FLOAT | (keep), ldb_infer_float, text)

ANY_ROW(neg, 0, "-x; i32 wraps around")
ANY_ROW(abs, LDB_OP_KEEP_IN, "|x|, slope 0 at 0; i32 wraps around")
ANY_ROW(square, LDB_OP_KEEP_IN, "x x elementwise; i32 wraps around")
ANY_ROW(sign, 0, "-1, 0 or 1, NaN for NaN; slope 0")
FLOAT_ROW(exp, LDB_OP_KEEP_OUT, "e^x")
FLOAT_ROW(log, LDB_OP_KEEP_IN, "ln x")
FLOAT_ROW(log1p, LDB_OP_KEEP_IN, "ln(1 + x)")
FLOAT_ROW(expm1, LDB_OP_KEEP_OUT, "e^x - 1")
FLOAT_ROW(sqrt, LDB_OP_KEEP_OUT, "square root of x")
FLOAT_ROW(sin, LDB_OP_KEEP_IN, "sine of x in radians")
FLOAT_ROW(cos, LDB_OP_KEEP_IN, "cosine of x in radians")
FLOAT_ROW(tan, LDB_OP_KEEP_OUT, "tangent of x in radians")
FLOAT_ROW(reciprocal, LDB_OP_KEEP_OUT, "1 / x")
FLOAT_ROW(floor, 0, "the largest whole number not above x; slope 0")
FLOAT_ROW(erf, LDB_OP_KEEP_IN, "2/sqrt(pi) times the integral of e^(-t^2) from 0 to x")

/* ---- clip ------------------------------------------------------------------------------------ */

static const ldb_attr_spec clip_attrs[] = {
    {.name = "lo", .kind = LDB_ATTR_NUM, .slot = 0, .fallback = -INFINITY},
    {.name = "hi", .kind = LDB_ATTR_NUM, .slot = 1, .fallback = INFINITY},
    {.name = NULL}};

static ldb_status clip_infer(ldb_call *c, ldb_error *e) {
  double lo = c->attrs.num[0], hi = c->attrs.num[1];
  if (!(lo <= hi))
    return ldb_fail(e, LDB_RANGE, "argument 'hi': expected a number >= lo, got lo = %g, hi = %g",
                    lo, hi);
  return ldb_infer_float(c, e);
}

LDB_UNARY_FUNCTIONS(clip)
const ldb_op ldb_op_clip = {.name = "clip",
                            .doc = "min(max(x, lo), hi); the gradient passes where lo <= x <= hi",
                            .inputs = "x",
                            .flags = LDB_OP_FLOAT | LDB_OP_KEEP_IN,
                            .grad_inputs = 1,
                            .attrs = clip_attrs,
                            .infer = clip_infer,
                            .forward = clip_forward,
                            .backward = clip_backward};

/* ---- contiguous, cast ------------------------------------------------------------------------ */

static ldb_status move(ldb_team *team, const ldb_view *from, const ldb_view *to, ldb_error *e) {
  ldb_cast_report report = {0, 0};
  const ldb_view *const operands[] = {to, from};
  /* only casts to i32 write to the report */
  ldb_walk(to->dtype == LDB_I32 ? NULL : team, 2, operands, ldb_cast_loop(from->dtype, to->dtype),
           &report);
  if (report.misfits == 0) return LDB_OK;
  return ldb_fail(e, LDB_VALUE,
                  "expected values that i32 can hold, got %g (%lld of %lld do not fit)",
                  report.value, (long long)report.misfits, (long long)ldb_view_count(to));
}

static ldb_status move_forward(ldb_call *c, ldb_error *e) {
  return move(c->team, &c->in[0], &c->out, e);
}

/* Whole numbers carry no gradient. */
static ldb_status move_backward(ldb_call *c, ldb_error *e) {
  if (!c->gin[0].data) return LDB_OK;
  if (c->gin[0].dtype != LDB_I32 && c->gout.dtype != LDB_I32)
    return move(c->team, &c->gout, &c->gin[0], e);
  size_t bytes = (size_t)ldb_view_count(&c->gin[0]) * ldb_dtype_size(c->gin[0].dtype);
  memset(c->gin[0].data, 0, bytes);
  return LDB_OK;
}

const ldb_op ldb_op_contiguous = {.name = "contiguous",
                                  .doc = "a row-major copy of x",
                                  .inputs = "x",
                                  .grad_inputs = 1,
                                  .attrs = no_attrs,
                                  .infer = ldb_infer_like_first,
                                  .forward = move_forward,
                                  .backward = move_backward};

static const ldb_attr_spec cast_attrs[] = {
    {.name = "dtype", .kind = LDB_ATTR_DTYPE, .slot = 0, .required = true}, {.name = NULL}};

static ldb_status cast_infer(ldb_call *c, ldb_error *e) {
  return ldb_view_init(&c->out, (ldb_dtype)c->attrs.integer[0], c->in[0].rank, c->in[0].shape, e);
}

const ldb_op ldb_op_cast = {
    .name = "cast",
    .doc = "x as another element type; to i32 fractions are dropped, what does not fit is an error",
    .inputs = "x",
    .grad_inputs = 1,
    .attrs = cast_attrs,
    .infer = cast_infer,
    .forward = move_forward,
    .backward = move_backward};
