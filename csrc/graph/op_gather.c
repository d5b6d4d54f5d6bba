/*
** Copying rearrangements: concat, gather, one_hot, pad, flip.
*/
#include <math.h>
#include <string.h>

#include "graph/op.h"
#include "kernels/gather/copy.h"
#include "kernels/gather/index.h"
#include "kernels/reduce/softmax.h"

enum { AXIS = 0, CLASSES = 0, VALUE = 0 };

static const ldb_attr_spec concat_attrs[] = {
    {.name = "axis", .kind = LDB_ATTR_AXIS, .slot = AXIS, .fallback = -1}, {.name = NULL}};
static const ldb_attr_spec gather_attrs[] = {
    {.name = "axis", .kind = LDB_ATTR_AXIS, .slot = AXIS, .fallback = 1}, {.name = NULL}};
static const ldb_attr_spec one_hot_attrs[] = {
    {.name = "classes", .kind = LDB_ATTR_INT, .slot = CLASSES, .required = true}, {.name = NULL}};
static const ldb_attr_spec pad_attrs[] = {
    {.name = "pads", .kind = LDB_ATTR_LIST, .required = true},
    {.name = "value", .kind = LDB_ATTR_NUM, .slot = VALUE, .fallback = 0},
    {.name = NULL}};
static const ldb_attr_spec flip_attrs[] = {
    {.name = "axis", .kind = LDB_ATTR_AXIS, .slot = AXIS, .required = true}, {.name = NULL}};

static ldb_status infer_concat(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[0];
  const int at = (int)c->attrs.integer[AXIS];
  int64_t shape[LDB_MAX_RANK], total = 0;
  char first[LDB_SHAPE_TEXT], other[LDB_SHAPE_TEXT];
  if (x->rank < 1)
    return ldb_fail(e, LDB_SHAPE, "scalars have no axis to join on (reshape them to {1})");
  for (int i = 0; i < c->n_in; i++) {
    const ldb_view *v = &c->in[i];
    bool fits = v->rank == x->rank;
    for (int j = 0; fits && j < x->rank; j++)
      fits = j == at || v->shape[j] == x->shape[j];
    if (!fits)
      return ldb_fail(e, LDB_SHAPE,
                      "tensor 1 is %s and tensor %d is %s: they may differ on axis %d only",
                      ldb_shape_text(x, first), i + 1, ldb_shape_text(v, other), at + 1);
    if (v->shape[at] > INT64_MAX - total)
      return ldb_fail(e, LDB_OVERFLOW, "the sum of the sizes on axis %d is too large", at + 1);
    total += v->shape[at];
  }
  for (int j = 0; j < x->rank; j++)
    shape[j] = j == at ? total : x->shape[j];
  return ldb_view_init(&c->out, x->dtype, x->rank, shape, e);
}

/* Copies the blocks of part i from or to their place in the joined array. */
static void move_part(const ldb_call *c, int64_t before, const ldb_view *part, const ldb_view *all,
                      bool join) {
  const int at = (int)c->attrs.integer[AXIS];
  const ldb_axis_split p = ldb_split_axis(part, at), w = ldb_split_axis(all, at);
  const size_t size = ldb_dtype_size(all->dtype);
  const size_t block = (size_t)(p.n * p.inner) * size, line = (size_t)(w.n * w.inner) * size;
  char *whole = (char *)all->data + (size_t)(before * w.inner) * size;
  char *piece = part->data;
  if (block == 0) return;
  for (int64_t o = 0; o < p.outer; o++) {
    if (join)
      memcpy(whole, piece, block);
    else
      memcpy(piece, whole, block);
    whole += line;
    piece += block;
  }
}

static ldb_status concat_forward(ldb_call *c, ldb_error *e) {
  int64_t before = 0;
  (void)e;
  for (int i = 0; i < c->n_in; i++) {
    move_part(c, before, &c->in[i], &c->out, true);
    before += c->in[i].shape[c->attrs.integer[AXIS]];
  }
  return LDB_OK;
}

static ldb_status concat_backward(ldb_call *c, ldb_error *e) {
  int64_t before = 0;
  (void)e;
  for (int i = 0; i < c->n_in; i++) {
    if (c->gin[i].data) move_part(c, before, &c->gin[i], &c->gout, false);
    before += c->in[i].shape[c->attrs.integer[AXIS]];
  }
  return LDB_OK;
}

const ldb_op ldb_op_concat = {
    .name = "concat",
    .doc = "the tensors one after the other on axis",
    .inputs = "x*",
    .flags = LDB_OP_CONTIGUOUS | LDB_OP_PROMOTE,
    .grad_inputs = (1U << LDB_MAX_IN) - 1,
    .attrs = concat_attrs,
    .infer = infer_concat,
    .forward = concat_forward,
    .backward = concat_backward,
};

static ldb_status infer_gather(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[0], *ids = &c->in[1];
  const int at = (int)c->attrs.integer[AXIS];
  int64_t shape[2 * LDB_MAX_RANK];
  int rank = 0;
  if (x->rank < 1) return ldb_fail(e, LDB_SHAPE, "a scalar has no axis to gather from");
  for (int i = 0; i < at; i++)
    shape[rank++] = x->shape[i];
  for (int i = 0; i < ids->rank; i++)
    shape[rank++] = ids->shape[i];
  for (int i = at + 1; i < x->rank; i++)
    shape[rank++] = x->shape[i];
  return ldb_view_init(&c->out, x->dtype, rank, shape, e);
}

static ldb_status gather_forward(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[0], *ids = &c->in[1];
  const ldb_axis_split s = ldb_split_axis(x, (int)c->attrs.integer[AXIS]);
  const size_t block = (size_t)s.inner * ldb_dtype_size(x->dtype);
  const int64_t n = ldb_view_count(ids);
  for (int64_t i = 0; i < n; i++) {
    int64_t from = 0;
    const ldb_status st = ldb_read_position(ids, i, s.n, &from, e);
    if (st != LDB_OK) return st;
    for (int64_t o = 0; block && o < s.outer; o++)
      memcpy((char *)c->out.data + (size_t)(o * n + i) * block,
             (const char *)x->data + (size_t)(o * s.n + from) * block, block);
  }
  return LDB_OK;
}

static ldb_status gather_backward(ldb_call *c, ldb_error *e) {
  const ldb_view *ids = &c->in[1], *gx = &c->gin[0];
  if (!gx->data) return LDB_OK;
  const ldb_axis_split s = ldb_split_axis(gx, (int)c->attrs.integer[AXIS]);
  const size_t bytes = (size_t)ldb_view_count(gx) * ldb_dtype_size(gx->dtype);
  const int64_t n = ldb_view_count(ids);
  if (bytes) memset(gx->data, 0, bytes);
  for (int64_t i = 0; i < n; i++) {
    int64_t to = 0;
    const ldb_status st = ldb_read_position(ids, i, s.n, &to, e);
    if (st != LDB_OK) return st;
    for (int64_t o = 0; o < s.outer; o++)
      ldb_add_row(gx->dtype, s.inner, c->gout.data, (o * n + i) * s.inner, gx->data,
                  (o * s.n + to) * s.inner);
  }
  return LDB_OK;
}

const ldb_op ldb_op_gather = {
    .name = "gather",
    .doc = "x at 1-based indices (negative from the end) on axis; the axis becomes their shape",
    .inputs = "x indices",
    .flags = LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN,
    .grad_inputs = 1,
    .attrs = gather_attrs,
    .infer = infer_gather,
    .forward = gather_forward,
    .backward = gather_backward,
};

static ldb_status infer_one_hot(ldb_call *c, ldb_error *e) {
  const ldb_view *ids = &c->in[0];
  int64_t shape[LDB_MAX_RANK + 1];
  if (c->attrs.integer[CLASSES] < 1)
    return ldb_fail(e, LDB_RANGE, "classes must be 1 or more, got %lld",
                    (long long)c->attrs.integer[CLASSES]);
  for (int i = 0; i < ids->rank; i++)
    shape[i] = ids->shape[i];
  shape[ids->rank] = c->attrs.integer[CLASSES];
  return ldb_view_init(&c->out, LDB_F32, ids->rank + 1, shape, e);
}

static ldb_status one_hot_forward(ldb_call *c, ldb_error *e) {
  const int64_t k = c->attrs.integer[CLASSES], n = ldb_view_count(&c->in[0]);
  float *y = c->out.data;
  const ldb_status s = ldb_check_labels(&c->in[0], k, e);
  if (s != LDB_OK) return s;
  for (int64_t i = 0; i < n * k; i++)
    y[i] = 0;
  for (int64_t i = 0; i < n; i++)
    y[i * k + ldb_label(&c->in[0], i)] = 1;
  return LDB_OK;
}

const ldb_op ldb_op_one_hot = {
    .name = "one_hot",
    .doc = "ids 0..classes-1 of any shape to f32 rows of 0 and one 1 (a new last axis)",
    .inputs = "ids",
    .flags = LDB_OP_CONTIGUOUS,
    .attrs = one_hot_attrs,
    .infer = infer_one_hot,
    .forward = one_hot_forward,
};

static ldb_status infer_pad(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[0];
  const ldb_attrs *a = &c->attrs;
  int64_t shape[LDB_MAX_RANK];
  char text[LDB_SHAPE_TEXT];
  if (a->n_list != 2 * x->rank)
    return ldb_fail(e, LDB_SHAPE, "expected %d pads for %s (before and after each axis), got %d",
                    2 * x->rank, ldb_shape_text(x, text), a->n_list);
  for (int i = 0; i < x->rank; i++) {
    const int64_t before = a->list[2 * i], after = a->list[2 * i + 1];
    if (before < 0 || after < 0)
      return ldb_fail(e, LDB_RANGE, "pads must not be negative, got %lld and %lld on axis %d",
                      (long long)before, (long long)after, i + 1);
    if (before > INT64_MAX / 4 || after > INT64_MAX / 4 || x->shape[i] > INT64_MAX / 4)
      return ldb_fail(e, LDB_OVERFLOW, "the padded size of axis %d is too large", i + 1);
    shape[i] = before + x->shape[i] + after;
  }
  return ldb_view_init(&c->out, x->dtype, x->rank, shape, e);
}

/* The middle of a padded array, as a view of x's shape. */
static ldb_view middle(const ldb_call *c, const ldb_view *padded, const ldb_view *x) {
  ldb_view v = *padded;
  int64_t offset = 0;
  for (int i = 0; i < v.rank; i++) {
    offset += c->attrs.list[2 * i] * v.stride[i];
    v.shape[i] = x->shape[i];
  }
  if (ldb_view_count(&v) > 0) v.data = (char *)v.data + (size_t)offset * ldb_dtype_size(v.dtype);
  return v;
}

static ldb_status pad_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  const ldb_view to = middle(c, &c->out, &c->in[0]);
  ldb_fill_view(&c->out, c->attrs.num[VALUE]);
  ldb_copy_view(&c->in[0], &to);
  return LDB_OK;
}

static ldb_status pad_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  if (!c->gin[0].data) return LDB_OK;
  const ldb_view from = middle(c, &c->gout, &c->gin[0]);
  ldb_copy_view(&from, &c->gin[0]);
  return LDB_OK;
}

const ldb_op ldb_op_pad = {
    .name = "pad",
    .doc = "x with pads = {before, after, ...} elements of value around each axis",
    .inputs = "x",
    .grad_inputs = 1,
    .attrs = pad_attrs,
    .infer = infer_pad,
    .forward = pad_forward,
    .backward = pad_backward,
};

static ldb_status infer_flip(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[0];
  if (x->rank < 1) return ldb_fail(e, LDB_SHAPE, "a scalar has no axis to flip");
  return ldb_view_init(&c->out, x->dtype, x->rank, x->shape, e);
}

static void flip(const ldb_view *x, int at, const ldb_view *y) {
  const ldb_axis_split s = ldb_split_axis(x, at);
  const size_t block = (size_t)s.inner * ldb_dtype_size(x->dtype);
  for (int64_t o = 0; block && o < s.outer; o++)
    for (int64_t i = 0; i < s.n; i++)
      memcpy((char *)y->data + (size_t)(o * s.n + s.n - 1 - i) * block,
             (const char *)x->data + (size_t)(o * s.n + i) * block, block);
}

static ldb_status flip_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  flip(&c->in[0], (int)c->attrs.integer[AXIS], &c->out);
  return LDB_OK;
}

static ldb_status flip_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  if (c->gin[0].data) flip(&c->gout, (int)c->attrs.integer[AXIS], &c->gin[0]);
  return LDB_OK;
}

const ldb_op ldb_op_flip = {
    .name = "flip",
    .doc = "x in reverse order on axis",
    .inputs = "x",
    .flags = LDB_OP_CONTIGUOUS,
    .grad_inputs = 1,
    .attrs = flip_attrs,
    .infer = infer_flip,
    .forward = flip_forward,
    .backward = flip_backward,
};
