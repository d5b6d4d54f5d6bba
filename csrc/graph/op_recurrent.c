/*
** simple_rnn, lstm, gru: a whole sequence each, with the last states behind the outputs unless one
** of the two alone is wanted.
*/
#include "graph/op.h"
#include "kernels/recurrent/recurrent.h"

enum { X = 0, W = 1, U = 2, B = 3, H0 = 4, C0 = 5 }; /* the mask is last */
enum { ACTIVATION = 0, RECURRENT = 1, REVERSE = 2, ZERO = 3, GIVES = 4, RESET_AFTER = 5 };

static const char *const gives_names[] = {"all", "steps", "states", NULL};

#define ACTIVATION_ATTR                                                                        \
  {                                                                                            \
    .name = "activation", .kind = LDB_ATTR_ENUM, .slot = ACTIVATION, .fallback = LDB_ACT_TANH, \
    .choices = ldb_act_names                                                                   \
  }
#define RECURRENT_ATTR                                                        \
  {                                                                           \
    .name = "recurrent_activation", .kind = LDB_ATTR_ENUM, .slot = RECURRENT, \
    .fallback = LDB_ACT_SIGMOID, .choices = ldb_act_names                     \
  }
#define REVERSE_ATTR \
  { .name = "reverse", .kind = LDB_ATTR_BOOL, .slot = REVERSE }
#define ZERO_ATTR \
  { .name = "zero_masked", .kind = LDB_ATTR_BOOL, .slot = ZERO }

#define GIVES_ATTR                                                                    \
  {                                                                                   \
    .name = "gives", .kind = LDB_ATTR_ENUM, .slot = GIVES, .fallback = LDB_GIVES_ALL, \
    .choices = gives_names                                                            \
  }

static const ldb_attr_spec rnn_attrs[] = {
    ACTIVATION_ATTR, REVERSE_ATTR, ZERO_ATTR, GIVES_ATTR, {.name = NULL}};
static const ldb_attr_spec lstm_attrs[] = {ACTIVATION_ATTR, RECURRENT_ATTR, REVERSE_ATTR,
                                           ZERO_ATTR,       GIVES_ATTR,     {.name = NULL}};
static const ldb_attr_spec gru_attrs[] = {
    ACTIVATION_ATTR,
    RECURRENT_ATTR,
    REVERSE_ATTR,
    ZERO_ATTR,
    GIVES_ATTR,
    {.name = "reset_after", .kind = LDB_ATTR_BOOL, .slot = RESET_AFTER, .fallback = 1},
    {.name = NULL}};

static bool given(const ldb_call *c, int i) {
  return i < c->n_in && c->in[i].rank >= 0;
}

static int mask_at(ldb_cell cell) {
  return cell == LDB_CELL_LSTM ? C0 + 1 : H0 + 1;
}

static const void *data_of(const ldb_call *c, int i) {
  return given(c, i) ? c->in[i].data : NULL;
}

/* The shape of x and the types of all inputs. */
static ldb_status check_inputs(const ldb_call *c, ldb_cell cell, ldb_error *e) {
  static const char *const names[] = {"x", "kernel", "recurrent", "bias", "h0", "c0"};
  const ldb_view *x = &c->in[X];
  const int mask = mask_at(cell);
  char text[LDB_SHAPE_TEXT];
  if (x->rank != 3)
    return ldb_fail(e, LDB_SHAPE, "x is %s, expected [batch x time x features]%s",
                    ldb_shape_text(x, text),
                    x->rank == 2 ? " (one feature a step? reshape it to [batch x time x 1])" : "");
  if (x->dtype == LDB_I32)
    return ldb_fail(e, LDB_DTYPE, "x is i32, expected f32 or f64 (ids go through an embedding)");
  for (int i = W; i < mask; i++)
    if (given(c, i) && c->in[i].dtype != x->dtype)
      return ldb_fail(e, LDB_DTYPE, "x is %s and %s is %s: expected one type for all",
                      ldb_dtype_name(x->dtype), names[i], ldb_dtype_name(c->in[i].dtype));
  if (given(c, mask) && c->in[mask].dtype != LDB_I32)
    return ldb_fail(e, LDB_DTYPE, "mask is %s, expected i32: 1 for steps that count, else 0",
                    ldb_dtype_name(c->in[mask].dtype));
  return LDB_OK;
}

static ldb_status check_shape(const ldb_call *c, int i, const char *name, const char *axes,
                              int64_t rows, int64_t cols, ldb_error *e) {
  const ldb_view *v = &c->in[i];
  char text[LDB_SHAPE_TEXT];
  if (!given(c, i)) return LDB_OK;
  const bool flat = rows < 0;
  if (v->rank == (flat ? 1 : 2) && v->shape[v->rank - 1] == cols && (flat || v->shape[0] == rows))
    return LDB_OK;
  if (flat)
    return ldb_fail(e, LDB_SHAPE, "%s is %s, expected [%s %lld]", name, ldb_shape_text(v, text),
                    axes, (long long)cols);
  return ldb_fail(e, LDB_SHAPE, "%s is %s, expected [%lld x %lld] (%s)", name,
                  ldb_shape_text(v, text), (long long)rows, (long long)cols, axes);
}

static ldb_status check_shapes(const ldb_call *c, ldb_cell cell, ldb_error *e) {
  const ldb_view *x = &c->in[X], *recurrent = &c->in[U];
  const int64_t gates = ldb_cell_gates(cell);
  const int64_t units = recurrent->rank == 2 ? recurrent->shape[0] : 0, width = gates * units;
  char text[LDB_SHAPE_TEXT];
  if (recurrent->rank != 2 || units < 1 || units > INT32_MAX || recurrent->shape[1] != width)
    return ldb_fail(e, LDB_SHAPE, "recurrent is %s, expected [units x %lld units]",
                    ldb_shape_text(recurrent, text), (long long)gates);
  ldb_status s =
      check_shape(c, W, "kernel", "features x gates of all units", x->shape[2], width, e);
  if (s == LDB_OK)
    s = cell == LDB_CELL_GRU
            ? check_shape(c, B, "bias", "input and recurrent x gates of all units", 2, width, e)
            : check_shape(c, B, "bias", "gates of all units", -1, width, e);
  if (s == LDB_OK) s = check_shape(c, H0, "h0", "batch x units", x->shape[0], units, e);
  if (s == LDB_OK && cell == LDB_CELL_LSTM)
    s = check_shape(c, C0, "c0", "batch x units", x->shape[0], units, e);
  if (s == LDB_OK)
    s = check_shape(c, mask_at(cell), "mask", "batch x time", x->shape[0], x->shape[1], e);
  return s;
}

static ldb_recurrent describe(const ldb_call *c, ldb_cell cell) {
  const ldb_view *x = &c->in[X];
  return (ldb_recurrent){.cell = cell,
                         .dtype = x->dtype,
                         .activation = (ldb_act)c->attrs.integer[ACTIVATION],
                         .recurrent_activation = (ldb_act)c->attrs.integer[RECURRENT],
                         .batch = x->shape[0],
                         .time = x->shape[1],
                         .in = x->shape[2],
                         .units = c->in[U].shape[0],
                         .reverse = c->attrs.integer[REVERSE] != 0,
                         .zero_masked = c->attrs.integer[ZERO] != 0,
                         .gives = (ldb_gives)c->attrs.integer[GIVES],
                         .x = x->data,
                         .kernel = c->in[W].data,
                         .recurrent = c->in[U].data,
                         .bias = data_of(c, B),
                         .h0 = data_of(c, H0),
                         .c0 = cell == LDB_CELL_LSTM ? data_of(c, C0) : NULL,
                         .mask = data_of(c, mask_at(cell)),
                         .out = c->out.data,
                         .saved = c->saved.data,
                         .scratch = c->scratch,
                         .team = c->team};
}

static ldb_status infer(ldb_call *c, ldb_cell cell, ldb_error *e) {
  ldb_recurrent_sizes sizes;
  ldb_status s = check_inputs(c, cell, e);
  if (s == LDB_OK) s = check_shapes(c, cell, e);
  if (s != LDB_OK) return s;
  const ldb_recurrent r = describe(c, cell);
  if (!ldb_recurrent_measure(&r, &sizes))
    return ldb_fail(e, LDB_OVERFLOW, "the gates of all steps do not fit into memory");
  const int64_t shape[3] = {r.batch, ldb_recurrent_rows(&r), r.units};
  const int64_t saved = (int64_t)sizes.saved;
  c->forward_scratch = sizes.forward_scratch * ldb_dtype_size(r.dtype);
  c->backward_scratch = sizes.backward_scratch * ldb_dtype_size(r.dtype);
  s = ldb_view_init(&c->saved, r.dtype, 1, &saved, e);
  return s == LDB_OK ? ldb_view_init(&c->out, r.dtype, 3, shape, e) : s;
}

static ldb_status forward(ldb_call *c, ldb_cell cell, ldb_error *e) {
  const ldb_recurrent r = describe(c, cell);
  return ldb_recurrent_forward(&r, e);
}

static ldb_status backward(ldb_call *c, ldb_cell cell, ldb_error *e) {
  const ldb_recurrent r = describe(c, cell);
  const ldb_recurrent_gradients g = {.gout = c->gout.data,
                                     .gx = c->gin[X].data,
                                     .gkernel = c->gin[W].data,
                                     .grecurrent = c->gin[U].data,
                                     .gbias = given(c, B) ? c->gin[B].data : NULL,
                                     .gh0 = given(c, H0) ? c->gin[H0].data : NULL,
                                     .gc0 = cell == LDB_CELL_LSTM && given(c, C0) ? c->gin[C0].data
                                                                                  : NULL};
  return ldb_recurrent_backward(&r, &g, e);
}

static ldb_cell gru_cell(const ldb_call *c) {
  return c->attrs.integer[RESET_AFTER] ? LDB_CELL_GRU : LDB_CELL_GRU_BEFORE;
}

#define TRIPLE(name, cell)                                       \
  static ldb_status infer_##name(ldb_call *c, ldb_error *e) {    \
    return infer(c, cell, e);                                    \
  }                                                              \
  static ldb_status name##_forward(ldb_call *c, ldb_error *e) {  \
    return forward(c, cell, e);                                  \
  }                                                              \
  static ldb_status name##_backward(ldb_call *c, ldb_error *e) { \
    return backward(c, cell, e);                                 \
  }

TRIPLE(rnn, LDB_CELL_RNN)
TRIPLE(lstm, LDB_CELL_LSTM)
TRIPLE(gru, gru_cell(c))

const ldb_op ldb_op_simple_rnn = {
    .name = "simple_rnn",
    .doc =
        "h' = activation(x_t kernel + h recurrent + bias) over x [batch x time x in]: "
        "[batch x (time + 1) x units], the outputs and the last h (gives: steps or states alone); "
        "steps with mask 0 keep h",
    .inputs = "x kernel recurrent bias? h0? mask?",
    .flags = LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN,
    .grad_inputs = 31,
    .attrs = rnn_attrs,
    .infer = infer_rnn,
    .forward = rnn_forward,
    .backward = rnn_backward,
};

const ldb_op ldb_op_lstm = {
    .name = "lstm",
    .doc = "i, f, g, o = gates of x_t kernel + h recurrent + bias, c' = f c + i g, h' = o act(c'): "
           "[batch x (time + 2) x units], the outputs, the last h and the last c (gives: steps or "
           "states alone); steps with mask 0 keep h and c",
    .inputs = "x kernel recurrent bias? h0? c0? mask?",
    .flags = LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN,
    .grad_inputs = 63,
    .attrs = lstm_attrs,
    .infer = infer_lstm,
    .forward = lstm_forward,
    .backward = lstm_backward,
};

const ldb_op ldb_op_gru = {
    .name = "gru",
    .doc = "h' = z h + (1 - z) n, n from x_t and r (h recurrent) (reset_after; bias [2 x 3 units]) "
           "or (r h) recurrent (bias [3 units]): [batch x (time + 1) x units], the outputs and the "
           "last h (gives: steps or states alone); steps with mask 0 keep h",
    .inputs = "x kernel recurrent bias? h0? mask?",
    .flags = LDB_OP_CONTIGUOUS | LDB_OP_KEEP_IN,
    .grad_inputs = 31,
    .attrs = gru_attrs,
    .infer = infer_gru,
    .forward = gru_forward,
    .backward = gru_backward,
};
