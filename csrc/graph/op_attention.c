/*
** attention: softmax(scale q k' + bias) v, for one or many heads.
*/
#include <math.h>

#include "graph/op.h"
#include "kernels/attention/attention.h"

enum { Q = 0, K = 1, V = 2, MASK = 3, BIAS = 4 };
enum { SCALE = 0, RATE = 1 };
enum { HEADS = 0, CAUSAL = 1, EMPTY = 2, SEED = 3, STREAM = 4 };

static const char *const empty_names[] = {"zero", "uniform", NULL};

static const ldb_attr_spec attention_attrs[] = {
    {.name = "causal", .kind = LDB_ATTR_BOOL, .slot = CAUSAL},
    {.name = "scale", .kind = LDB_ATTR_NUM, .slot = SCALE, .fallback = 0},
    {.name = "heads", .kind = LDB_ATTR_INT, .slot = HEADS, .fallback = 0},
    {.name = "empty", .kind = LDB_ATTR_ENUM, .slot = EMPTY, .choices = empty_names},
    {.name = "rate", .kind = LDB_ATTR_NUM, .slot = RATE, .fallback = 0},
    {.name = "seed", .kind = LDB_ATTR_INT, .slot = SEED, .fallback = 0},
    {.name = "stream", .kind = LDB_ATTR_INT, .slot = STREAM, .fallback = 0},
    {.name = NULL}};

static bool given(const ldb_call *c, int i) {
  return i < c->n_in && c->in[i].rank >= 0;
}

static int64_t heads_of(const ldb_call *c) {
  return c->attrs.integer[HEADS] > 0 ? c->attrs.integer[HEADS] : 1;
}

static int64_t side(const ldb_view *v, int from_end) {
  return v->shape[v->rank - from_end];
}

static ldb_status check_triple(const ldb_call *c, ldb_error *e) {
  static const char *const names[] = {"q", "k", "v"};
  const ldb_view *q = &c->in[Q], *k = &c->in[K], *v = &c->in[V];
  const int64_t heads = heads_of(c);
  char a[LDB_SHAPE_TEXT], b[LDB_SHAPE_TEXT];
  for (int i = Q; i <= V; i++) {
    const ldb_view *x = &c->in[i];
    bool fits = x->rank >= 2 && x->rank == q->rank;
    for (int j = 0; fits && j < x->rank - 2; j++)
      fits = x->shape[j] == q->shape[j];
    if (!fits)
      return ldb_fail(e, LDB_SHAPE,
                      "q is %s and %s is %s: expected [.. x steps x features] with "
                      "equal leading axes",
                      ldb_shape_text(q, a), names[i], ldb_shape_text(x, b));
    if (x->dtype != q->dtype || x->dtype == LDB_I32)
      return ldb_fail(e, LDB_DTYPE, "q is %s and %s is %s: expected one of f32 and f64 for all",
                      ldb_dtype_name(q->dtype), names[i], ldb_dtype_name(x->dtype));
    if (side(x, 1) % heads != 0)
      return ldb_fail(e, LDB_SHAPE, "%s is %s: %lld features do not divide into %lld heads",
                      names[i], ldb_shape_text(x, b), (long long)side(x, 1), (long long)heads);
  }
  if (side(q, 1) != side(k, 1))
    return ldb_fail(e, LDB_SHAPE, "q is %s and k is %s: they differ in their features",
                    ldb_shape_text(q, a), ldb_shape_text(k, b));
  if (side(k, 2) != side(v, 2))
    return ldb_fail(e, LDB_SHAPE, "k is %s and v is %s: they differ in their steps",
                    ldb_shape_text(k, a), ldb_shape_text(v, b));
  return LDB_OK;
}

/* [.. x heads x tq x tk], without the heads where the attribute is 0. */
static ldb_status shape_of_scores(const ldb_call *c, ldb_view *scores, ldb_error *e) {
  const ldb_view *q = &c->in[Q];
  int64_t shape[LDB_MAX_RANK + 1];
  int rank = 0;
  for (int i = 0; i < q->rank - 2; i++)
    shape[rank++] = q->shape[i];
  if (c->attrs.integer[HEADS] > 0) shape[rank++] = c->attrs.integer[HEADS];
  shape[rank++] = side(q, 2);
  shape[rank++] = side(&c->in[K], 2);
  return ldb_view_init(scores, q->dtype, rank, shape, e);
}

static ldb_status check_scores(const ldb_call *c, int i, const char *name, ldb_dtype t,
                               const ldb_view *scores, ldb_error *e) {
  const ldb_view *v = &c->in[i];
  char a[LDB_SHAPE_TEXT], b[LDB_SHAPE_TEXT];
  if (!given(c, i)) return LDB_OK;
  bool fits = v->rank <= scores->rank;
  for (int j = 1; fits && j <= v->rank; j++)
    fits = side(v, j) == 1 || side(v, j) == side(scores, j);
  if (!fits)
    return ldb_fail(e, LDB_SHAPE, "%s is %s and does not broadcast to the scores %s", name,
                    ldb_shape_text(v, a), ldb_shape_text(scores, b));
  if (v->dtype != t)
    return ldb_fail(e, LDB_DTYPE, "%s is %s, expected %s%s", name, ldb_dtype_name(v->dtype),
                    ldb_dtype_name(t),
                    t == LDB_I32 ? ": 1 where a query may see a key, as comparisons give it (what "
                                   "is added to the scores is called bias)"
                                 : ", the type of q");
  return LDB_OK;
}

static ldb_status check_attributes(const ldb_call *c, ldb_error *e) {
  const double scale = c->attrs.num[SCALE], rate = c->attrs.num[RATE];
  if (!isfinite(scale))
    return ldb_fail(e, LDB_RANGE, "argument 'scale': expected a finite number, got %g", scale);
  if (!(rate >= 0 && rate <= 1))
    return ldb_fail(e, LDB_RANGE, "argument 'rate': expected a number in 0..1, got %g", rate);
  if (c->attrs.integer[HEADS] < 0)
    return ldb_fail(e, LDB_RANGE,
                    "argument 'heads': expected 0 (no axis of heads) or more, got %lld",
                    (long long)c->attrs.integer[HEADS]);
  return LDB_OK;
}

static ldb_status infer_attention(ldb_call *c, ldb_error *e) {
  const ldb_view *q = &c->in[Q];
  int64_t shape[LDB_MAX_RANK];
  ldb_view scores;
  size_t block = 0;
  ldb_status s = check_attributes(c, e);
  if (s == LDB_OK) s = check_triple(c, e);
  if (s == LDB_OK) s = shape_of_scores(c, &scores, e);
  if (s == LDB_OK) s = check_scores(c, MASK, "mask", LDB_I32, &scores, e);
  if (s == LDB_OK) s = check_scores(c, BIAS, "bias", q->dtype, &scores, e);
  if (s != LDB_OK) return s;
  for (int i = 0; i < q->rank - 1; i++)
    shape[i] = q->shape[i];
  shape[q->rank - 1] = side(&c->in[V], 1);
  if (!ldb_mul_size((size_t)side(&c->in[K], 2), 2 * LDB_ATTENTION_ROWS * ldb_dtype_size(q->dtype),
                    &block))
    return ldb_fail(e, LDB_OVERFLOW, "a block of scores does not fit into memory");
  const int64_t heads = heads_of(c);
  const ldb_attention sizes = {.dtype = q->dtype,
                               .tk = side(&c->in[K], 2),
                               .dk = side(q, 1) / heads,
                               .dv = side(&c->in[V], 1) / heads};
  c->forward_scratch = c->backward_scratch = ldb_attention_scratch(&sizes);
  s = ldb_view_init(&c->out, q->dtype, q->rank, shape, e);
  if (s != LDB_OK || q->dtype != LDB_F32) return s;
  int64_t rows = 2 * heads; /* one largest score and one sum a query and head */
  for (int i = 0; i < q->rank - 1; i++)
    rows *= q->shape[i];
  return rows > 0 ? ldb_view_init(&c->saved, LDB_F32, 1, &rows, e) : LDB_OK;
}

static ldb_view seen(const ldb_view *v, const ldb_view *scores) {
  if (v->rank >= 0 && v->data) return ldb_broadcast_to(v, scores);
  return (ldb_view){.data = NULL};
}

static ldb_status describe(const ldb_call *c, ldb_attention *a, ldb_error *e) {
  const ldb_view *q = &c->in[Q];
  const int64_t *integer = c->attrs.integer;
  const ldb_view none = {.data = NULL, .rank = -1};
  *a = (ldb_attention){.dtype = q->dtype, .outer = 1, .heads = heads_of(c)};
  const ldb_status s = shape_of_scores(c, &a->scores, e);
  if (s != LDB_OK) return s;
  for (int i = 0; i < q->rank - 2; i++)
    a->outer *= q->shape[i];
  a->tq = side(q, 2);
  a->tk = side(&c->in[K], 2);
  a->dk = side(q, 1) / a->heads;
  a->dv = side(&c->in[V], 1) / a->heads;
  a->q = q->data;
  a->k = c->in[K].data;
  a->v = c->in[V].data;
  a->mask = seen(given(c, MASK) ? &c->in[MASK] : &none, &a->scores);
  a->bias = seen(given(c, BIAS) ? &c->in[BIAS] : &none, &a->scores);
  a->scale = c->attrs.num[SCALE];
  if (a->scale == 0) a->scale = a->dk > 0 ? 1 / sqrt((double)a->dk) : 1;
  a->rate = c->attrs.num[RATE];
  a->seed = (uint64_t)integer[SEED];
  a->stream = (uint64_t)integer[STREAM];
  a->causal = integer[CAUSAL] != 0;
  a->uniform = integer[EMPTY] == 1;
  return LDB_OK;
}

static ldb_status attention_forward(ldb_call *c, ldb_error *e) {
  ldb_attention a;
  const ldb_status s = describe(c, &a, e);
  return s == LDB_OK ? ldb_attention_forward(c->team, &a, c->out.data, c->saved.data, c->scratch, e)
                     : s;
}

static ldb_status attention_backward(ldb_call *c, ldb_error *e) {
  ldb_attention a;
  ldb_attention_gradients g = {.gq = c->gin[Q].data, .gk = c->gin[K].data, .gv = c->gin[V].data};
  const ldb_status s = describe(c, &a, e);
  if (s != LDB_OK) return s;
  if (given(c, BIAS) && c->gin[BIAS].data) {
    g.gbias_seen = ldb_broadcast_to(&c->gin[BIAS], &a.scores);
    g.gbias_count = ldb_view_count(&c->gin[BIAS]);
  }
  return ldb_attention_backward(c->team, &a, c->out.data, c->saved.data, c->gout.data, &g,
                                c->scratch, e);
}

const ldb_op ldb_op_attention = {
    .name = "attention",
    .doc =
        "softmax(scale q k' + bias) v: q [.. x tq x f], k [.. x tk x f], v [.. x tk x g]; heads "
        "splits f and g; mask (i32) and bias broadcast to [.. x heads x tq x tk], without heads "
        "where that is 0; scale 0 is 1 / sqrt(f / heads); empty: what a query without a key gets",
    .inputs = "q k v mask? bias?",
    .flags = LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN | LDB_OP_KEEP_OUT,
    .grad_inputs = 23,
    .attrs = attention_attrs,
    .infer = infer_attention,
    .forward = attention_forward,
    .backward = attention_backward,
};
