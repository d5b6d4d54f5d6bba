/*
** Matrix products over broadcast batches.
*/
#include <string.h>

#include "graph/op.h"
#include "kernels/gather/copy.h"
#include "kernels/product/product.h"

enum { TRANSPOSE_A = 0, TRANSPOSE_B = 1, ALIGN = 64 };

static const ldb_attr_spec matmul_attrs[] = {
    {.name = "transpose_a", .kind = LDB_ATTR_BOOL, .slot = TRANSPOSE_A},
    {.name = "transpose_b", .kind = LDB_ATTR_BOOL, .slot = TRANSPOSE_B},
    {.name = NULL}};
/* One factor of a batched product: the matrix of its last two axes and the steps between the
   matrices, 0 where the batch axis is repeated. */
typedef struct factor {
  ldb_mat mat;
  int64_t rows, cols; /* as multiplied, after the transposition */
  int64_t step[LDB_MAX_RANK];
  bool repeated; /* a batch axis of it is broadcast */
} factor;

static ldb_status check_factor(const ldb_view *v, const char *name, ldb_error *e) {
  char text[LDB_SHAPE_TEXT];
  if (v->rank >= 2) return LDB_OK;
  return ldb_fail(e, LDB_SHAPE,
                  "%s is %s, expected rank 2 or more; reshape a vector of n elements to {n, 1} or "
                  "{1, n}",
                  name, ldb_shape_text(v, text));
}

/* Bytes for a contiguous copy of v, 0 where BLAS can read it as it is. */
static ldb_status pack_bytes(const ldb_view *v, size_t *bytes, ldb_error *e) {
  ldb_mat ignored;
  *bytes = 0;
  if (ldb_mat_of(v, &ignored)) return LDB_OK;
  ldb_status s = ldb_view_bytes(v, bytes, e);
  if (s == LDB_OK && !ldb_add_size(*bytes, ALIGN - 1, bytes))
    s = ldb_fail(e, LDB_OVERFLOW, "the copy of a strided matrix does not fit into memory");
  *bytes -= *bytes % ALIGN;
  return s;
}

static ldb_status infer_matmul(ldb_call *c, ldb_error *e) {
  const ldb_view *a = &c->in[0], *b = &c->in[1];
  const bool ta = c->attrs.integer[TRANSPOSE_A] != 0, tb = c->attrs.integer[TRANSPOSE_B] != 0;
  char left[LDB_SHAPE_TEXT], right[LDB_SHAPE_TEXT];
  ldb_status s = check_factor(a, "the first matrix", e);
  if (s == LDB_OK) s = check_factor(b, "the second matrix", e);
  if (s != LDB_OK) return s;
  const int64_t m = a->shape[a->rank - (ta ? 1 : 2)], ka = a->shape[a->rank - (ta ? 2 : 1)];
  const int64_t kb = b->shape[b->rank - (tb ? 1 : 2)], n = b->shape[b->rank - (tb ? 2 : 1)];
  if (ka != kb)
    return ldb_fail(e, LDB_SHAPE, "inner sizes differ: %s%s times %s%s%s", ldb_shape_text(a, left),
                    ta ? " transposed" : "", ldb_shape_text(b, right), tb ? " transposed" : "",
                    ka == n   ? "; is the second matrix transposed?"
                    : m == kb ? "; is the first matrix transposed?"
                              : "");
  ldb_view batch_a = *a, batch_b = *b;
  batch_a.rank -= 2;
  batch_b.rank -= 2;
  s = ldb_broadcast_shape("batch axes", &batch_a, &batch_b, &c->out, e);
  if (s != LDB_OK) return s;
  int64_t shape[LDB_MAX_RANK];
  const int rank = c->out.rank + 2; /* at most LDB_MAX_RANK, as both inputs are */
  memcpy(shape, c->out.shape, sizeof shape);
  shape[rank - 2] = m;
  shape[rank - 1] = n;
  s = ldb_view_init(&c->out, a->dtype, rank, shape, e);
  size_t pack_a = 0, pack_b = 0, total = 0;
  if (s == LDB_OK) s = pack_bytes(a, &pack_a, e);
  if (s == LDB_OK) s = pack_bytes(b, &pack_b, e);
  if (s != LDB_OK) return s;
  if (!ldb_add_size(pack_a, pack_b, &total))
    return ldb_fail(e, LDB_OVERFLOW, "copies of the strided matrices do not fit into memory");
  c->forward_scratch = c->backward_scratch = total;
  return LDB_OK;
}

/* v as a factor of a product of `rank` axes; packs it into *scratch when BLAS cannot read it. */
static factor make_factor(const ldb_view *v, bool trans, int rank, char **scratch) {
  factor f = {0};
  ldb_view seen = *v;
  if (!ldb_mat_of(&seen, &f.mat)) {
    size_t bytes = 0;
    (void)pack_bytes(v, &bytes, NULL); /* infer has asked before */
    (void)ldb_view_init(&seen, v->dtype, v->rank, v->shape, NULL);
    seen.data = *scratch;
    *scratch += bytes;
    ldb_copy_view(v, &seen);
    (void)ldb_mat_of(&seen, &f.mat);
  }
  f.rows = seen.shape[seen.rank - (trans ? 1 : 2)];
  f.cols = seen.shape[seen.rank - (trans ? 2 : 1)];
  f.mat.trans = f.mat.trans != trans;
  for (int i = 0; i < seen.rank - 2; i++)
    f.step[rank - seen.rank + i] = seen.shape[i] == 1 ? 0 : seen.stride[i];
  return f;
}

static factor transposed(factor f) {
  const int64_t rows = f.rows;
  f.rows = f.cols;
  f.cols = rows;
  f.mat.trans = !f.mat.trans;
  return f;
}

static ldb_mat mat_at(const factor *f, int64_t offset, size_t size) {
  ldb_mat m = f->mat;
  m.data = (const char *)m.data + (size_t)offset * size;
  return m;
}

/* Products of `count` matrices each, with steps from one to the next. */
typedef struct run {
  int64_t count, step_a, step_b, step_to;
} run;

/* The innermost batch axes that can be walked with one step: takes them from *axes. Results that
   gather a sum are left for one after the other. */
static run take_run(int *axes, const int64_t *shape, const factor *a, const factor *b,
                    const factor *to) {
  run r = {1, 0, 0, 0};
  for (int i = *axes - 1; i >= 0; i--) {
    if (shape[i] == 1) {
      *axes = i;
      continue;
    }
    const bool first = r.count == 1;
    if (to->step[i] == 0) break;
    if (!first && (a->step[i] != r.step_a * r.count || b->step[i] != r.step_b * r.count ||
                   to->step[i] != r.step_to * r.count))
      break;
    if (first) {
      r.step_a = a->step[i];
      r.step_b = b->step[i];
      r.step_to = to->step[i];
    }
    r.count *= shape[i];
    *axes = i;
  }
  return r;
}

static ldb_status multiply(ldb_team *team, ldb_dtype t, int64_t m, int64_t n, int64_t k, ldb_mat a,
                           ldb_mat b, char *to, int64_t ld, bool add, const run *r, ldb_error *e) {
  const size_t size = ldb_dtype_size(t);
  if (t == LDB_F32) {
    const ldb_product p = {.m = m,
                           .n = n,
                           .k = k,
                           .a = {.mat = a},
                           .b = {.mat = b},
                           .c = (float *)(void *)to,
                           .ldc = ld,
                           .accumulate = add};
    return r->count == 1
               ? ldb_multiply(team, &p, e)
               : ldb_multiply_batch(team, &p, r->count, r->step_a, r->step_b, r->step_to, e);
  }
  ldb_status s = LDB_OK;
  for (int64_t i = 0; s == LDB_OK && i < r->count; i++) {
    s = ldb_gemm(t, m, n, k, a, b, to, ld, add, e);
    a.data = (const char *)a.data + (size_t)r->step_a * size;
    b.data = (const char *)b.data + (size_t)r->step_b * size;
    to += (size_t)r->step_to * size;
  }
  return s;
}

/* to = a . b for every index of the batch axes (the first rank - 2 of `shape`). A result that is
   repeated over batches gathers their sum. */
static ldb_status product(ldb_team *team, ldb_dtype t, int rank, const int64_t *shape,
                          const factor *a, const factor *b, const factor *to, void *data,
                          int64_t count, ldb_error *e) {
  const size_t size = ldb_dtype_size(t);
  int64_t index[LDB_MAX_RANK] = {0}, oa = 0, ob = 0, oc = 0;
  int axes = rank - 2;
  if (to->repeated) memset(data, 0, (size_t)count * size);
  for (int i = 0; i < axes; i++)
    if (shape[i] == 0) return LDB_OK;
  const run r = take_run(&axes, shape, a, b, to);
  for (;;) {
    const ldb_status s =
        multiply(team, t, a->rows, b->cols, a->cols, mat_at(a, oa, size), mat_at(b, ob, size),
                 (char *)data + (size_t)oc * size, to->mat.ld, to->repeated, &r, e);
    if (s != LDB_OK) return s;
    int i = axes - 1;
    for (; i >= 0; i--) {
      oa += a->step[i];
      ob += b->step[i];
      oc += to->step[i];
      if (++index[i] < shape[i]) break;
      oa -= a->step[i] * shape[i];
      ob -= b->step[i] * shape[i];
      oc -= to->step[i] * shape[i];
      index[i] = 0;
    }
    if (i < 0) return LDB_OK;
  }
}

/* A contiguous result (or gradient of an input) as a factor; repeated where a batch axis of the
   product is not in it. */
static factor make_target(const ldb_view *v, int rank, const int64_t *shape) {
  factor f = {0};
  (void)ldb_mat_of(v, &f.mat);
  for (int i = 0; i < rank - 2; i++) {
    const int j = i - (rank - v->rank);
    const bool own = j >= 0 && v->shape[j] != 1;
    f.step[i] = own ? v->stride[j] : 0;
    if (!own && shape[i] != 1) f.repeated = true;
  }
  f.mat.ld = v->shape[v->rank - 1] > 0 ? v->shape[v->rank - 1] : 1;
  return f;
}

/* True where all batches of a, one after the other, are the rows of one tall matrix that meets a
   single b. */
static bool is_tall(const ldb_call *c) {
  return c->in[1].rank == 2 && c->in[0].rank > 2 && c->attrs.integer[TRANSPOSE_A] == 0 &&
         ldb_view_is_contiguous(&c->in[0]);
}

static ldb_view flattened(const ldb_view *v) {
  const int64_t width = v->shape[v->rank - 1];
  ldb_view r = *v;
  r.rank = 2;
  r.shape[0] = 1;
  for (int i = 0; i < v->rank - 1; i++)
    r.shape[0] *= v->shape[i];
  r.shape[1] = width;
  r.stride[0] = width > 0 ? width : 1;
  r.stride[1] = 1;
  return r;
}

static ldb_status matmul_forward(ldb_call *c, ldb_error *e) {
  const bool ta = c->attrs.integer[TRANSPOSE_A] != 0, tb = c->attrs.integer[TRANSPOSE_B] != 0;
  char *scratch = c->scratch;
  const ldb_view x = is_tall(c) ? flattened(&c->in[0]) : c->in[0];
  const ldb_view y = is_tall(c) ? flattened(&c->out) : c->out;
  const factor a = make_factor(&x, ta, y.rank, &scratch);
  const factor b = make_factor(&c->in[1], tb, y.rank, &scratch);
  const factor to = make_target(&y, y.rank, y.shape);
  return product(c->team, y.dtype, y.rank, y.shape, &a, &b, &to, y.data, ldb_view_count(&y), e);
}

/* y = A B with A = op(a), B = op(b):  dA = G B', dB = A' G; for a stored transposed (dA)'. */
static ldb_status matmul_backward(ldb_call *c, ldb_error *e) {
  const bool ta = c->attrs.integer[TRANSPOSE_A] != 0, tb = c->attrs.integer[TRANSPOSE_B] != 0;
  const bool tall = is_tall(c);
  char *scratch = c->scratch;
  const ldb_view x = tall ? flattened(&c->in[0]) : c->in[0];
  const ldb_view y = tall ? flattened(&c->gout) : c->gout;
  const factor a = make_factor(&x, ta, y.rank, &scratch);
  const factor b = make_factor(&c->in[1], tb, y.rank, &scratch);
  const factor g = make_factor(&y, false, y.rank, &scratch);
  const factor at = transposed(a), bt = transposed(b), gt = transposed(g);
  ldb_status s = LDB_OK;
  if (c->gin[0].data) {
    const ldb_view gx = tall ? flattened(&c->gin[0]) : c->gin[0];
    const factor to = make_target(&gx, y.rank, y.shape);
    s = product(c->team, y.dtype, y.rank, y.shape, ta ? &b : &g, ta ? &gt : &bt, &to, gx.data,
                ldb_view_count(&gx), e);
  }
  if (s == LDB_OK && c->gin[1].data) {
    const factor to = make_target(&c->gin[1], y.rank, y.shape);
    s = product(c->team, y.dtype, y.rank, y.shape, tb ? &gt : &at, tb ? &a : &g, &to,
                c->gin[1].data, ldb_view_count(&c->gin[1]), e);
  }
  return s;
}

const ldb_op ldb_op_matmul = {
    .name = "matmul",
    .doc = "[.. x m x k] times [.. x k x n] to [.. x m x n]; leading axes broadcast",
    .inputs = "a b",
    .flags = LDB_OP_FLOAT | LDB_OP_PROMOTE | LDB_OP_KEEP_IN,
    .grad_inputs = 3,
    .attrs = matmul_attrs,
    .infer = infer_matmul,
    .forward = matmul_forward,
    .backward = matmul_backward,
};
