#include "kernels/convolution/conv_window.h"

int64_t ldb_window_span(const ldb_window_axis *a) {
  return (a->size - 1) * a->dilation + 1;
}

static int64_t larger(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static bool fits(int64_t v, int64_t low) {
  return v >= low && v <= INT32_MAX;
}

static ldb_status check_axis(const ldb_window_axis *a, int64_t cells, const char *what,
                             ldb_error *e) {
  if (!fits(a->stride, 1) || !fits(a->dilation, 1))
    return ldb_fail(e, LDB_RANGE,
                    "strides and dilation must be 1 to 2147483647, got %lld and %lld on the %s",
                    (long long)a->stride, (long long)a->dilation, a->name);
  if (!fits(a->size, 1))
    return ldb_fail(e, LDB_SHAPE, "the %s covers %lld cells of the %s, expected at least 1", what,
                    (long long)a->size, a->name);
  if (!fits(a->before, 0) || !fits(a->after, 0))
    return ldb_fail(e, LDB_RANGE, "pads must not be negative, got %lld and %lld on the %s",
                    (long long)a->before, (long long)a->after, a->name);
  if (!fits(cells, 0))
    return ldb_fail(e, LDB_OVERFLOW, "the %s of %lld does not fit into 32 bits", a->name,
                    (long long)cells);
  return LDB_OK;
}

static ldb_status too_large(const ldb_window_axis *a, const char *what, ldb_error *e) {
  const int64_t span = ldb_window_span(a), pads = a->before + a->after;
  char spread[64] = "", padded[64] = "";
  ldb_error text;
  if (a->dilation > 1) {
    (void)ldb_fail(&text, LDB_SHAPE, ", spread over %lld by dilation", (long long)span);
    for (int i = 0; i < 63 && text.text[i]; i++)
      spread[i] = text.text[i];
  }
  if (pads > 0) {
    (void)ldb_fail(&text, LDB_SHAPE, " with %lld of padding", (long long)pads);
    for (int i = 0; i < 63 && text.text[i]; i++)
      padded[i] = text.text[i];
  }
  return ldb_fail(
      e, LDB_SHAPE,
      "the %s covers %lld cells of the %s%s, but the input has only %lld%s: use padding "
      "\"same\", a smaller %s, or less pooling before it",
      what, (long long)a->size, a->name, spread, (long long)a->in, padded, what);
}

ldb_status ldb_window_slide(ldb_window_axis *a, ldb_padding padding, const char *what,
                            ldb_error *e) {
  if (padding != LDB_PADDING_PADS) a->before = a->after = 0;
  const ldb_status s = check_axis(a, a->in, what, e);
  if (s != LDB_OK) return s;
  const int64_t span = ldb_window_span(a);
  if (padding == LDB_PADDING_SAME) {
    a->out = a->in / a->stride + (a->in % a->stride != 0);
    const int64_t total = a->in > 0 ? larger((a->out - 1) * a->stride + span - a->in, 0) : 0;
    a->before = total / 2;
    a->after = total - a->before;
    return LDB_OK;
  }
  if (padding == LDB_PADDING_CAUSAL) a->before = span - 1;
  const int64_t room = a->in + a->before + a->after - span;
  if (room < 0 && !(padding == LDB_PADDING_CAUSAL && a->in == 0)) return too_large(a, what, e);
  a->out = room < 0 ? 0 : room / a->stride + 1;
  return LDB_OK;
}

ldb_status ldb_window_unslide(ldb_window_axis *a, ldb_padding padding, int64_t extra,
                              ldb_error *e) {
  if (padding != LDB_PADDING_PADS) a->before = a->after = 0;
  const ldb_status s = check_axis(a, a->out, "kernel", e);
  if (s != LDB_OK) return s;
  if (a->out < 1) return ldb_fail(e, LDB_SHAPE, "the %s of the input is 0", a->name);
  if (extra < -1 || extra >= larger(a->stride, a->dilation))
    return ldb_fail(e, LDB_RANGE,
                    "output_padding must be less than the stride (or dilation) of %lld on the %s, "
                    "got %lld",
                    (long long)larger(a->stride, a->dilation), a->name, (long long)extra);
  const int64_t span = ldb_window_span(a), steps = (a->out - 1) * a->stride;
  if (padding == LDB_PADDING_SAME) {
    a->in = extra < 0 ? steps + a->stride : steps + span % 2 + extra;
    const int64_t total = larger(steps + span - a->in, 0);
    a->before = total / 2;
    a->after = total - a->before;
  } else if (padding == LDB_PADDING_VALID) {
    a->in = extra < 0 ? steps + larger(span, a->stride) : steps + span + extra;
  } else {
    a->in = steps + span + larger(extra, 0) - a->before - a->after;
  }
  if (a->in < 1)
    return ldb_fail(e, LDB_SHAPE, "pads of %lld and %lld leave nothing of the %s of %lld",
                    (long long)a->before, (long long)a->after, a->name,
                    (long long)(steps + span + larger(extra, 0)));
  if (!fits(a->in, 1))
    return ldb_fail(e, LDB_OVERFLOW, "the %s of the result, %lld, does not fit into 32 bits",
                    a->name, (long long)a->in);
  return LDB_OK;
}

/* Integer division rounded up, for any sign of a. */
static int64_t ceil_div(int64_t a, int64_t b) {
  return a > 0 ? (a - 1) / b + 1 : -(-a / b);
}

static int64_t clamp(int64_t v, int64_t high) {
  return v < 0 ? 0 : v > high ? high : v;
}

/* 0 <= i stride + offset < in */
static void meet(int64_t offset, int64_t stride, int64_t in, int64_t count, int64_t *first,
                 int64_t *last) {
  *first = clamp(ceil_div(-offset, stride), count);
  *last = clamp(ceil_div(in - offset, stride), count);
  if (*last < *first) *last = *first;
}

void ldb_window_range(const ldb_window_axis *a, int64_t tap, int64_t *first, int64_t *last) {
  meet(tap * a->dilation - a->before, a->stride, a->in, a->out, first, last);
}

void ldb_window_taps(const ldb_window_axis *a, int64_t position, int64_t *first, int64_t *last) {
  const int64_t left = position * a->stride - a->before;
  if (left >= 0 && left + ldb_window_span(a) <= a->in) { /* spares two divisions for most */
    *first = 0;
    *last = a->size;
    return;
  }
  meet(left, a->dilation, a->in, a->size, first, last);
}
