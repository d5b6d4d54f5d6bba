/*
** Views: other shapes and strides over the bytes of the input.
** Their gradients are copies into a contiguous array of the input's shape.
*/
#include <string.h>

#include "graph/op.h"
#include "kernels/gather/copy.h"

enum { AXIS = 0, FIRST = 1, LAST = 2, STEP = 3 };

static const ldb_attr_spec reshape_attrs[] = {
    {.name = "shape", .kind = LDB_ATTR_LIST, .required = true}, {.name = NULL}};
static const ldb_attr_spec transpose_attrs[] = {{.name = "perm", .kind = LDB_ATTR_LIST},
                                                {.name = NULL}};
static const ldb_attr_spec slice_attrs[] = {
    {.name = "axis", .kind = LDB_ATTR_AXIS, .slot = AXIS, .required = true},
    {.name = "first", .kind = LDB_ATTR_INT, .slot = FIRST, .fallback = 1},
    {.name = "last", .kind = LDB_ATTR_INT, .slot = LAST, .fallback = -1},
    {.name = "step", .kind = LDB_ATTR_INT, .slot = STEP, .fallback = 1},
    {.name = NULL}};
static const ldb_attr_spec squeeze_attrs[] = {
    {.name = "axis", .kind = LDB_ATTR_AXIS, .slot = AXIS, .required = true}, {.name = NULL}};
static const ldb_attr_spec unsqueeze_attrs[] = {
    {.name = "axis", .kind = LDB_ATTR_INT, .slot = AXIS, .required = true}, {.name = NULL}};

/* The wanted shape as text, for messages: "[2 x -1]". */
static const char *list_text(const ldb_attrs *a, char buf[LDB_SHAPE_TEXT]) {
  ldb_view v = {.rank = a->n_list < LDB_MAX_RANK ? a->n_list : LDB_MAX_RANK};
  for (int i = 0; i < v.rank; i++)
    v.shape[i] = a->list[i];
  return ldb_shape_text(&v, buf);
}

static ldb_status too_many_axes(const ldb_attrs *a, ldb_error *e) {
  return ldb_fail(e, LDB_SHAPE, "%d axes are more than the limit of %d", a->n_list,
                  (int)LDB_MAX_RANK);
}

/* gin = gout, of equal count and row-major both */
static ldb_status copy_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  const size_t bytes = (size_t)ldb_view_count(&c->gout) * ldb_dtype_size(c->gout.dtype);
  if (c->gin[0].data && bytes) memcpy(c->gin[0].data, c->gout.data, bytes);
  return LDB_OK;
}

static ldb_status infer_reshape(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[0];
  const ldb_attrs *a = &c->attrs;
  char from[LDB_SHAPE_TEXT], to[LDB_SHAPE_TEXT];
  int64_t shape[LDB_MAX_RANK];
  int open = -1;
  if (a->n_list > LDB_MAX_RANK) return too_many_axes(a, e);
  for (int i = 0; i < a->n_list; i++) {
    shape[i] = a->list[i];
    if (shape[i] < -1 || (shape[i] == -1 && open >= 0))
      return ldb_fail(e, LDB_SHAPE, "expected sizes, at most one of them -1, got %s",
                      list_text(a, to));
    if (shape[i] == -1) open = i;
  }
  if (open >= 0) shape[open] = 1;
  ldb_status s = ldb_view_init(&c->out, x->dtype, a->n_list, shape, e);
  if (s != LDB_OK) return s;
  const int64_t have = ldb_view_count(x), want = ldb_view_count(&c->out);
  if (open >= 0 && want > 0 && have % want == 0) {
    shape[open] = have / want;
    s = ldb_view_init(&c->out, x->dtype, a->n_list, shape, e);
    if (s != LDB_OK) return s;
  } else if (open >= 0 || have != want) {
    return ldb_fail(e, LDB_SHAPE, "%s holds %lld elements and does not fill %s",
                    ldb_shape_text(x, from), (long long)have, list_text(a, to));
  }
  c->out.data = x->data;
  return LDB_OK;
}

const ldb_op ldb_op_reshape = {
    .name = "reshape",
    .doc = "the elements of x in row-major order under another shape; one size may be -1",
    .inputs = "x",
    .flags = LDB_OP_VIEW | LDB_OP_CONTIGUOUS,
    .grad_inputs = 1,
    .attrs = reshape_attrs,
    .infer = infer_reshape,
    .backward = copy_backward,
};

/* perm[i] = the input axis (0-based) that becomes axis i; all reversed when no list was given. */
static ldb_status permutation(const ldb_call *c, int perm[LDB_MAX_RANK], ldb_error *e) {
  const int rank = c->in[0].rank;
  const ldb_attrs *a = &c->attrs;
  uint32_t seen = 0;
  char from[LDB_SHAPE_TEXT], list[LDB_SHAPE_TEXT];
  for (int i = 0; i < rank; i++)
    perm[i] = rank - 1 - i;
  if (a->n_list == 0) return LDB_OK;
  for (int i = 0; a->n_list == rank && i < rank; i++) {
    const int64_t at = a->list[i] < 0 ? a->list[i] + rank : a->list[i] - 1;
    if (at < 0 || at >= rank) break;
    seen |= UINT32_C(1) << at;
    perm[i] = (int)at;
  }
  if (seen == (UINT32_C(1) << rank) - 1 && a->n_list == rank) return LDB_OK;
  return ldb_fail(e, LDB_SHAPE, "expected each of the %d axes of %s once, got %s", rank,
                  ldb_shape_text(&c->in[0], from), list_text(a, list));
}

static ldb_status infer_transpose(ldb_call *c, ldb_error *e) {
  int perm[LDB_MAX_RANK];
  const ldb_status s = permutation(c, perm, e);
  if (s != LDB_OK) return s;
  c->out = c->in[0];
  for (int i = 0; i < c->out.rank; i++) {
    c->out.shape[i] = c->in[0].shape[perm[i]];
    c->out.stride[i] = c->in[0].stride[perm[i]];
  }
  return LDB_OK;
}

static ldb_status transpose_backward(ldb_call *c, ldb_error *e) {
  int perm[LDB_MAX_RANK];
  const ldb_status s = permutation(c, perm, e);
  if (s != LDB_OK || !c->gin[0].data) return s;
  ldb_view seen = c->gin[0];
  for (int i = 0; i < seen.rank; i++) {
    seen.shape[i] = c->gin[0].shape[perm[i]];
    seen.stride[i] = c->gin[0].stride[perm[i]];
  }
  ldb_copy_view(&c->gout, &seen);
  return LDB_OK;
}

const ldb_op ldb_op_transpose = {
    .name = "transpose",
    .doc = "axis i of the result is axis perm[i] of x; all axes reversed without perm",
    .inputs = "x",
    .flags = LDB_OP_VIEW,
    .grad_inputs = 1,
    .attrs = transpose_attrs,
    .infer = infer_transpose,
    .backward = transpose_backward,
};

static ldb_status infer_expand(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[0];
  const ldb_attrs *a = &c->attrs;
  const int shift = a->n_list - x->rank;
  char from[LDB_SHAPE_TEXT], to[LDB_SHAPE_TEXT];
  int64_t shape[LDB_MAX_RANK];
  if (a->n_list > LDB_MAX_RANK) return too_many_axes(a, e);
  bool fits = shift >= 0;
  for (int i = 0; fits && i < a->n_list; i++) {
    const int64_t have = i < shift ? 1 : x->shape[i - shift];
    shape[i] = a->list[i] == -1 && i >= shift ? have : a->list[i];
    fits = shape[i] >= 0 && (have == 1 || have == shape[i]);
  }
  if (!fits)
    return ldb_fail(e, LDB_SHAPE, "%s does not repeat to %s: only axes of size 1 can grow",
                    ldb_shape_text(x, from), list_text(a, to));
  const ldb_status s = ldb_view_init(&c->out, x->dtype, a->n_list, shape, e);
  if (s != LDB_OK) return s;
  const ldb_view target = c->out;
  c->out = ldb_broadcast_to(x, &target);
  return LDB_OK;
}

static ldb_status expand_backward(ldb_call *c, ldb_error *e) {
  return c->gin[0].data ? ldb_reduce_to(&c->gout, &c->gin[0], e) : LDB_OK;
}

const ldb_op ldb_op_expand = {
    .name = "expand",
    .doc =
        "x repeated along axes of size 1 (and new leading ones), without a copy; -1 keeps a size",
    .inputs = "x",
    .flags = LDB_OP_VIEW,
    .grad_inputs = 1,
    .attrs = reshape_attrs,
    .infer = infer_expand,
    .backward = expand_backward,
};

/* The part of v that the attributes name, 1-based and inclusive, negative from the end. */
static ldb_status sliced(const ldb_attrs *a, const ldb_view *v, ldb_view *out, ldb_error *e) {
  const int axis = (int)a->integer[AXIS];
  const int64_t n = v->shape[axis], step = a->integer[STEP];
  const int64_t first = a->integer[FIRST] < 0 ? a->integer[FIRST] + n + 1 : a->integer[FIRST];
  const int64_t last = a->integer[LAST] < 0 ? a->integer[LAST] + n + 1 : a->integer[LAST];
  char text[LDB_SHAPE_TEXT];
  if (step < 1) return ldb_fail(e, LDB_RANGE, "step must be positive, got %lld", (long long)step);
  if (first < 1 || first > n + 1)
    return ldb_fail(e, LDB_RANGE, "first = %lld is outside 1..%lld (axis %d of %s)",
                    (long long)a->integer[FIRST], (long long)n, axis + 1, ldb_shape_text(v, text));
  if (last < 0 || last > n)
    return ldb_fail(e, LDB_RANGE, "last = %lld is outside 1..%lld (axis %d of %s)",
                    (long long)a->integer[LAST], (long long)n, axis + 1, ldb_shape_text(v, text));
  *out = *v;
  out->shape[axis] = last < first ? 0 : (last - first) / step + 1;
  /* a step beyond the axis reaches one element, and must not overflow */
  out->stride[axis] = v->stride[axis] * (step < n ? step : 1);
  if (v->data && last >= first)
    out->data = (char *)v->data +
                (ptrdiff_t)((first - 1) * v->stride[axis]) * (ptrdiff_t)ldb_dtype_size(v->dtype);
  return LDB_OK;
}

static ldb_status infer_slice(ldb_call *c, ldb_error *e) {
  if (c->in[0].rank < 1) return ldb_fail(e, LDB_SHAPE, "a scalar has no axis to slice");
  return sliced(&c->attrs, &c->in[0], &c->out, e);
}

static ldb_status slice_backward(ldb_call *c, ldb_error *e) {
  ldb_view part;
  if (!c->gin[0].data) return LDB_OK;
  const ldb_status s = sliced(&c->attrs, &c->gin[0], &part, e);
  if (s != LDB_OK) return s;
  const size_t bytes = (size_t)ldb_view_count(&c->gin[0]) * ldb_dtype_size(c->gin[0].dtype);
  if (bytes) memset(c->gin[0].data, 0, bytes);
  ldb_copy_view(&c->gout, &part);
  return LDB_OK;
}

const ldb_op ldb_op_slice = {
    .name = "slice",
    .doc = "x[first..last] on axis, 1-based and inclusive, negative from the end, every step-th",
    .inputs = "x",
    .flags = LDB_OP_VIEW,
    .grad_inputs = 1,
    .attrs = slice_attrs,
    .infer = infer_slice,
    .backward = slice_backward,
};

static ldb_status infer_squeeze(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[0];
  const int at = (int)c->attrs.integer[AXIS];
  char text[LDB_SHAPE_TEXT];
  if (x->rank < 1) return ldb_fail(e, LDB_SHAPE, "a scalar has no axis to remove");
  if (x->shape[at] != 1)
    return ldb_fail(e, LDB_SHAPE, "axis %d of %s has size %lld: only an axis of size 1 can go",
                    at + 1, ldb_shape_text(x, text), (long long)x->shape[at]);
  c->out = *x;
  c->out.rank = x->rank - 1;
  for (int i = at; i < c->out.rank; i++) {
    c->out.shape[i] = x->shape[i + 1];
    c->out.stride[i] = x->stride[i + 1];
  }
  return LDB_OK;
}

const ldb_op ldb_op_squeeze = {
    .name = "squeeze",
    .doc = "x without one axis of size 1",
    .inputs = "x",
    .flags = LDB_OP_VIEW,
    .grad_inputs = 1,
    .attrs = squeeze_attrs,
    .infer = infer_squeeze,
    .backward = copy_backward,
};

static ldb_status infer_unsqueeze(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[0];
  const int rank = x->rank + 1;
  const int64_t wish = c->attrs.integer[AXIS];
  const int64_t at = wish < 0 ? wish + rank : wish - 1;
  char text[LDB_SHAPE_TEXT];
  if (rank > LDB_MAX_RANK)
    return ldb_fail(e, LDB_SHAPE, "%s already has the largest rank, %d", ldb_shape_text(x, text),
                    (int)LDB_MAX_RANK);
  if (at < 0 || at >= rank)
    return ldb_fail(e, LDB_RANGE, "axis %lld is outside 1..%d, the axes of the result",
                    (long long)wish, rank);
  c->out = *x;
  c->out.rank = rank;
  for (int i = rank - 1; i > at; i--) {
    c->out.shape[i] = x->shape[i - 1];
    c->out.stride[i] = x->stride[i - 1];
  }
  c->out.shape[at] = 1;
  c->out.stride[at] = at + 1 < rank ? c->out.shape[at + 1] * c->out.stride[at + 1] : 1;
  return LDB_OK;
}

const ldb_op ldb_op_unsqueeze = {
    .name = "unsqueeze",
    .doc = "x with a new axis of size 1 at the place `axis` of the result",
    .inputs = "x",
    .flags = LDB_OP_VIEW,
    .grad_inputs = 1,
    .attrs = unsqueeze_attrs,
    .infer = infer_unsqueeze,
    .backward = copy_backward,
};
