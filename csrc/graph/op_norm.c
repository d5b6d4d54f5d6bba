/*
** Batch, layer, group and root-mean-square normalisation, and the moments of batch normalisation.
** The rows differ in their layout (kernels/norm/norm.h) and in where the statistics come from.
*/
#include <math.h>

#include "graph/op.h"
#include "graph/op_map.h"
#include "kernels/norm/norm.h"

enum { X = 0, GAMMA = 1, BETA = 2, MEAN = 3, VARIANCE = 4 };
enum { EPSILON = 0, THROUGH = 0, AXIS = 0, GROUPS = 0 };

static const ldb_attr_spec batch_attrs[] = {
    {.name = "epsilon", .kind = LDB_ATTR_NUM, .slot = EPSILON, .fallback = 1e-3},
    {.name = "through", .kind = LDB_ATTR_BOOL, .slot = THROUGH},
    {.name = NULL}};
static const ldb_attr_spec layer_attrs[] = {
    {.name = "axis", .kind = LDB_ATTR_AXIS, .slot = AXIS, .fallback = -1},
    {.name = "epsilon", .kind = LDB_ATTR_NUM, .slot = EPSILON, .fallback = 1e-3},
    {.name = NULL}};
static const ldb_attr_spec rms_attrs[] = {
    {.name = "axis", .kind = LDB_ATTR_AXIS, .slot = AXIS, .fallback = -1},
    {.name = "epsilon", .kind = LDB_ATTR_NUM, .slot = EPSILON, .fallback = 1e-6},
    {.name = NULL}};
static const ldb_attr_spec group_attrs[] = {
    {.name = "groups", .kind = LDB_ATTR_INT, .slot = GROUPS, .fallback = 32},
    {.name = "epsilon", .kind = LDB_ATTR_NUM, .slot = EPSILON, .fallback = 1e-3},
    {.name = NULL}};

static bool given(const ldb_call *c, int i) {
  return i < c->n_in && c->in[i].rank >= 0;
}

static int64_t product(const ldb_view *v, int first, int last) {
  int64_t n = 1;
  for (int i = first; i < last; i++)
    n *= v->shape[i];
  return n;
}

/* ---- layouts --------------------------------------------------------------------------------- */

typedef ldb_norm_split layout_fn(const ldb_call *c);

static ldb_norm_split batch_layout(const ldb_call *c) {
  const ldb_view *x = &c->in[X];
  return (ldb_norm_split){1, product(x, 0, x->rank - 1), x->shape[x->rank - 1], 1};
}

static ldb_norm_split layer_layout(const ldb_call *c) {
  const ldb_view *x = &c->in[X];
  const int axis = (int)c->attrs.integer[AXIS];
  return (ldb_norm_split){product(x, 0, axis), 1, 1, product(x, axis, x->rank)};
}

static ldb_norm_split group_layout(const ldb_call *c) {
  const ldb_view *x = &c->in[X];
  const int64_t groups = c->attrs.integer[GROUPS], channels = x->shape[x->rank - 1];
  return (ldb_norm_split){x->shape[0], product(x, 1, x->rank - 1), groups, channels / groups};
}

/* ---- checks ---------------------------------------------------------------------------------- */

/* Input i has the type of x and the shape of x's axes from `first` on. */
static ldb_status check_scale(const ldb_call *c, int i, const char *name, int first, ldb_error *e) {
  const ldb_view *x = &c->in[X], *v = &c->in[i];
  char tx[LDB_SHAPE_TEXT], tv[LDB_SHAPE_TEXT];
  if (!given(c, i)) return LDB_OK;
  bool fits = v->rank == x->rank - first;
  for (int j = 0; fits && j < v->rank; j++)
    fits = v->shape[j] == x->shape[first + j];
  if (!fits)
    return ldb_fail(e, LDB_SHAPE, "%s is %s, but x is %s and needs one value for each of %s %d%s",
                    name, ldb_shape_text(v, tv), ldb_shape_text(x, tx),
                    first == x->rank - 1 ? "axis" : "the axes from", first + 1,
                    first == x->rank - 1 ? "" : " on");
  if (v->dtype != x->dtype)
    return ldb_fail(e, LDB_DTYPE, "%s is %s, but x is %s (cast one of them)", name,
                    ldb_dtype_name(v->dtype), ldb_dtype_name(x->dtype));
  return LDB_OK;
}

/* What all rows share: out like x, f64 mean and inverse deviation saved, room for gamma and beta
   and, backward, for their gradients and the sums. */
static ldb_status infer_norm(ldb_call *c, layout_fn *layout, int first, int n_scale, ldb_error *e) {
  static const char *const names[] = {"x", "gamma", "beta"};
  const double epsilon = c->attrs.num[EPSILON];
  ldb_status s = LDB_OK;
  if (!(epsilon >= 0) || isinf(epsilon))
    return ldb_fail(e, LDB_RANGE, "argument 'epsilon': expected a number of 0 or more, got %g",
                    epsilon);
  for (int i = GAMMA; s == LDB_OK && i <= n_scale; i++)
    s = check_scale(c, i, names[i], first, e);
  if (s == LDB_OK) s = ldb_infer_float(c, e);
  if (s != LDB_OK) return s;
  const ldb_norm_split split = layout(c);
  if (!ldb_mul_size(ldb_norm_scratch(c->out.dtype, split), sizeof(double), &c->backward_scratch))
    return ldb_fail(e, LDB_OVERFLOW, "the sums over the channels do not fit into memory");
  c->forward_scratch = c->backward_scratch;
  const int64_t saved = 2 * split.outer * split.groups;
  return saved > 0 ? ldb_view_init(&c->saved, LDB_F64, 1, &saved, e) : LDB_OK;
}

static ldb_status check_statistic(const ldb_call *c, int i, const char *name, ldb_error *e) {
  const ldb_view *x = &c->in[X], *v = &c->in[i];
  char tx[LDB_SHAPE_TEXT], tv[LDB_SHAPE_TEXT];
  if (v->rank != 1 || v->shape[0] != x->shape[x->rank - 1])
    return ldb_fail(e, LDB_SHAPE, "%s is %s, but x is %s with %lld channels", name,
                    ldb_shape_text(v, tv), ldb_shape_text(x, tx), (long long)x->shape[x->rank - 1]);
  return LDB_OK;
}

static ldb_status check_channels(const ldb_view *x, ldb_error *e) {
  char text[LDB_SHAPE_TEXT];
  if (x->rank >= 2) return LDB_OK;
  return ldb_fail(e, LDB_SHAPE, "x is %s, expected [batch x .. x channels]",
                  ldb_shape_text(x, text));
}

static ldb_status infer_moments(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[X];
  ldb_status s = check_channels(x, e);
  if (s != LDB_OK) return s;
  const int64_t shape[2] = {2, x->shape[x->rank - 1]};
  if (!ldb_mul_size(ldb_norm_scratch(x->dtype, batch_layout(c)), sizeof(double),
                    &c->forward_scratch))
    return ldb_fail(e, LDB_OVERFLOW, "the sums over the channels do not fit into memory");
  return ldb_view_init(&c->out, LDB_F64, 2, shape, e);
}

static ldb_status infer_batch(ldb_call *c, ldb_error *e) {
  ldb_status s = check_channels(&c->in[X], e);
  if (s == LDB_OK && given(c, MEAN) != given(c, VARIANCE))
    s = ldb_fail(e, LDB_VALUE, "mean and variance are given together or not at all");
  if (s == LDB_OK && given(c, MEAN)) s = check_statistic(c, MEAN, "mean", e);
  if (s == LDB_OK && given(c, VARIANCE)) s = check_statistic(c, VARIANCE, "variance", e);
  return s == LDB_OK ? infer_norm(c, batch_layout, c->in[X].rank - 1, BETA, e) : s;
}

static ldb_status infer_layer(ldb_call *c, ldb_error *e) {
  if (c->in[X].rank < 1)
    return ldb_fail(e, LDB_SHAPE, "expected a tensor of rank 1 or more, got a scalar");
  return infer_norm(c, layer_layout, (int)c->attrs.integer[AXIS], BETA, e);
}

static ldb_status infer_rms(ldb_call *c, ldb_error *e) {
  if (c->in[X].rank < 1)
    return ldb_fail(e, LDB_SHAPE, "expected a tensor of rank 1 or more, got a scalar");
  return infer_norm(c, layer_layout, (int)c->attrs.integer[AXIS], GAMMA, e);
}

static ldb_status infer_group(ldb_call *c, ldb_error *e) {
  const ldb_view *x = &c->in[X];
  const int64_t groups = c->attrs.integer[GROUPS];
  ldb_status s = check_channels(x, e);
  if (s != LDB_OK) return s;
  const int64_t channels = x->shape[x->rank - 1];
  if (groups < 1 || channels % groups != 0)
    return ldb_fail(e, LDB_RANGE,
                    "argument 'groups': expected a divisor of the %lld channels, got %lld",
                    (long long)channels, (long long)groups);
  return infer_norm(c, group_layout, x->rank - 1, BETA, e);
}

/* ---- computation ----------------------------------------------------------------------------- */

static double element(const ldb_view *v, int64_t i) {
  return v->dtype == LDB_F32 ? (double)((const float *)v->data)[i] : ((const double *)v->data)[i];
}

/* to = the n statistics of input i as doubles. */
static void load(const ldb_call *c, int i, int64_t n, double *to) {
  for (int64_t k = 0; k < n; k++)
    to[k] = element(&c->in[i], k);
}

static const void *data_of(const ldb_call *c, int i, int n_scale) {
  return i <= n_scale && given(c, i) ? c->in[i].data : NULL;
}

static ldb_status norm_forward(ldb_call *c, layout_fn *layout, ldb_norm_kind kind, int n_scale) {
  const ldb_norm_split s = layout(c);
  const int64_t n = s.outer * s.groups, channels = s.groups * s.width;
  double *mean = c->saved.data;
  if (n == 0 || channels == 0) return LDB_OK;
  double *inverse = mean + n;
  const bool known = n_scale >= VARIANCE && given(c, MEAN);
  if (known) {
    load(c, MEAN, n, mean);
    load(c, VARIANCE, n, inverse);
  }
  ldb_norm_forward(c->team, c->out.dtype, s, kind, known, c->attrs.num[EPSILON], c->in[X].data,
                   data_of(c, GAMMA, n_scale), data_of(c, BETA, n_scale), mean, inverse,
                   c->out.data, c->scratch);
  return LDB_OK;
}

static ldb_status norm_backward(ldb_call *c, layout_fn *layout, ldb_norm_kind kind, int n_scale) {
  const ldb_norm_split s = layout(c);
  const double *mean = c->saved.data;
  if (s.groups * s.width == 0) return LDB_OK;
  const double *inverse = mean ? mean + s.outer * s.groups : NULL; /* none without samples */
  const bool shifts = n_scale >= BETA && given(c, BETA);
  ldb_norm_backward(c->team, c->out.dtype, s, kind, c->in[X].data, mean, inverse,
                    data_of(c, GAMMA, n_scale), c->gout.data, c->gin[X].data,
                    given(c, GAMMA) ? c->gin[GAMMA].data : NULL, shifts ? c->gin[BETA].data : NULL,
                    c->scratch);
  return LDB_OK;
}

static ldb_status moments_forward(ldb_call *c, ldb_error *e) {
  const ldb_norm_split s = batch_layout(c);
  double *mean = c->out.data;
  (void)e;
  if (s.groups > 0)
    ldb_norm_moments(c->team, c->in[X].dtype, s, c->in[X].data, mean, mean + s.groups, c->scratch);
  return LDB_OK;
}

/* Gradients go through statistics that are those of x: its own, or given with `through`. */
static ldb_norm_kind batch_kind(const ldb_call *c) {
  return given(c, MEAN) && !c->attrs.integer[THROUGH] ? LDB_NORM_FIXED : LDB_NORM_CENTRED;
}

static ldb_status batch_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  return norm_forward(c, batch_layout, batch_kind(c), VARIANCE);
}

static ldb_status batch_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  return norm_backward(c, batch_layout, batch_kind(c), VARIANCE);
}

static ldb_status layer_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  return norm_forward(c, layer_layout, LDB_NORM_CENTRED, BETA);
}

static ldb_status layer_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  return norm_backward(c, layer_layout, LDB_NORM_CENTRED, BETA);
}

static ldb_status group_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  return norm_forward(c, group_layout, LDB_NORM_CENTRED, BETA);
}

static ldb_status group_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  return norm_backward(c, group_layout, LDB_NORM_CENTRED, BETA);
}

static ldb_status rms_forward(ldb_call *c, ldb_error *e) {
  (void)e;
  return norm_forward(c, layer_layout, LDB_NORM_RMS, GAMMA);
}

static ldb_status rms_backward(ldb_call *c, ldb_error *e) {
  (void)e;
  return norm_backward(c, layer_layout, LDB_NORM_RMS, GAMMA);
}

const ldb_op ldb_op_moments = {
    .name = "moments",
    .doc = "mean and biased variance over all axes but the last: [2 x channels], f64",
    .inputs = "x",
    .flags = LDB_OP_FLOAT | LDB_OP_CONTIGUOUS,
    .infer = infer_moments,
    .forward = moments_forward,
};

const ldb_op ldb_op_batch_norm = {
    .name = "batch_norm",
    .doc = "(x - mean) / sqrt(variance + epsilon) gamma + beta per channel (last axis); statistics "
           "of x, or given ones (through: they are x's, gradients go through them)",
    .inputs = "x gamma? beta? mean? variance?",
    .flags = LDB_OP_FLOAT | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN,
    .grad_inputs = 7,
    .attrs = batch_attrs,
    .infer = infer_batch,
    .forward = batch_forward,
    .backward = batch_backward,
};

const ldb_op ldb_op_layer_norm = {
    .name = "layer_norm",
    .doc = "(x - mean) / sqrt(variance + epsilon) gamma + beta, statistics over the axes from axis",
    .inputs = "x gamma? beta?",
    .flags = LDB_OP_FLOAT | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN,
    .grad_inputs = 7,
    .attrs = layer_attrs,
    .infer = infer_layer,
    .forward = layer_forward,
    .backward = layer_backward,
};

const ldb_op ldb_op_group_norm = {
    .name = "group_norm",
    .doc = "(x - mean) / sqrt(variance + epsilon) gamma + beta, statistics per sample over all "
           "places and the channels of a group",
    .inputs = "x gamma? beta?",
    .flags = LDB_OP_FLOAT | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN,
    .grad_inputs = 7,
    .attrs = group_attrs,
    .infer = infer_group,
    .forward = group_forward,
    .backward = group_backward,
};

const ldb_op ldb_op_rms_norm = {
    .name = "rms_norm",
    .doc = "x / sqrt(mean(x^2) + epsilon) gamma, the mean over the axes from axis",
    .inputs = "x gamma?",
    .flags = LDB_OP_FLOAT | LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN,
    .grad_inputs = 3,
    .attrs = rms_attrs,
    .infer = infer_rms,
    .forward = rms_forward,
    .backward = rms_backward,
};
