/*
** Where a sliding window stands: sizes, strides, dilation and padding of one axis, and of both axes
** of an image. Everything is [batch x height x width x channels]; sequences have height 1.
*/
#ifndef LDB_CONV_WINDOW_H
#define LDB_CONV_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

/* code, name: PADS takes before and after as the caller has set them */
#define LDB_PADDING_MAP(X) \
  X(VALID, "valid")        \
  X(SAME, "same")          \
  X(CAUSAL, "causal")

typedef enum ldb_padding {
#define X(code, name) LDB_PADDING_##code,
  LDB_PADDING_MAP(X)
#undef X
      LDB_PADDING_PADS
} ldb_padding;

/* Window position i covers the cells i stride - before + j dilation, j < size; cells outside
   0..in-1 are padding. */
typedef struct ldb_window_axis {
  const char *name; /* "height", for messages */
  int64_t in, out;  /* cells, window positions */
  int64_t size, stride, dilation;
  int64_t before, after; /* padding */
} ldb_window_axis;

typedef struct ldb_window {
  int64_t batch, channels;
  ldb_window_axis h, w;
} ldb_window;

/* Cells from the first to the last that a window covers: (size - 1) dilation + 1. */
int64_t ldb_window_span(const ldb_window_axis *a);

/* Fills out, and before and after unless they are given (PADS):
     valid   no padding, out = (in - span) / stride + 1; an error where in < span
     same    out = ceil(in / stride), padding max((out - 1) stride + span - in, 0), the odd cell
             after, as Keras and TensorFlow
     causal  span - 1 cells before, none after
   what is "kernel" or "pool". Refuses sizes that do not fit 32 bits, so that no position overflows.
   */
ldb_status ldb_window_slide(ldb_window_axis *a, ldb_padding padding, const char *what,
                            ldb_error *e);

/* The same read backwards, for transposed convolution: out positions are given, in is the size of
   the result. extra is the output padding, -1 where none was given:
     valid   in = (out - 1) stride + max(span, stride), with extra: (out - 1) stride + span + extra
     same    in = out stride, with extra: (out - 1) stride + span % 2 + extra
     pads    in = (out - 1) stride + span + max(extra, 0) - before - after */
ldb_status ldb_window_unslide(ldb_window_axis *a, ldb_padding padding, int64_t extra, ldb_error *e);

/* Window positions first <= i < last of 0..out-1 for which tap j meets a cell. */
void ldb_window_range(const ldb_window_axis *a, int64_t tap, int64_t *first, int64_t *last);

/* Taps first <= j < last of 0..size-1 that meet a cell at window position i. */
void ldb_window_taps(const ldb_window_axis *a, int64_t position, int64_t *first, int64_t *last);

#endif
