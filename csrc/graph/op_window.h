/*
** What the rows of convolution and pooling share: attributes, windows, messages, bias and
** activation.
*/
#ifndef LDB_OP_WINDOW_H
#define LDB_OP_WINDOW_H

#include "graph/op.h"
#include "kernels/convolution/conv_direct.h"

/* Slots of the integer attributes. One spatial axis uses the second of a pair, the width. */
enum {
  LDB_WINDOW_STRIDES = 0,
  LDB_WINDOW_DILATION = 2, /* the pool of pooling rows */
  LDB_WINDOW_PADDING = 4,
  LDB_WINDOW_ACTIVATION = 5, /* count_pads of average pooling */
  LDB_WINDOW_GROUPS = 6,     /* output_padding of transposed convolution */
};

/* "valid" "same" ("causal") */
extern const char *const ldb_padding_names[];
extern const char *const ldb_padding_names_1d[];

/* Rows of attribute tables; all of them end with `pads`. */
#define LDB_WINDOW_STRIDES_1D \
  { .name = "strides", .kind = LDB_ATTR_INT, .slot = LDB_WINDOW_STRIDES + 1, .fallback = 1 }
#define LDB_WINDOW_STRIDES_2D \
  { .name = "strides", .kind = LDB_ATTR_PAIR, .slot = LDB_WINDOW_STRIDES, .fallback = 1 }
#define LDB_WINDOW_DILATION_1D \
  { .name = "dilation", .kind = LDB_ATTR_INT, .slot = LDB_WINDOW_DILATION + 1, .fallback = 1 }
#define LDB_WINDOW_DILATION_2D \
  { .name = "dilation", .kind = LDB_ATTR_PAIR, .slot = LDB_WINDOW_DILATION, .fallback = 1 }
#define LDB_WINDOW_PADDING_OF(names)                                      \
  {                                                                       \
    .name = "padding", .kind = LDB_ATTR_ENUM, .slot = LDB_WINDOW_PADDING, \
    .fallback = LDB_PADDING_VALID, .choices = names                       \
  }
#define LDB_WINDOW_ACTIVATION_OF                                                \
  {                                                                             \
    .name = "activation", .kind = LDB_ATTR_ENUM, .slot = LDB_WINDOW_ACTIVATION, \
    .fallback = LDB_ACT_LINEAR, .choices = ldb_act_names                        \
  }
#define LDB_WINDOW_PADS \
  { .name = "pads", .kind = LDB_ATTR_LIST }

/* Checks that x has `spatial` (1 or 2) axes between batch and channels, and fills batch, channels,
   names and input sizes; the height is 1 for sequences. */
ldb_status ldb_window_of(const ldb_call *c, int spatial, ldb_window *w, ldb_error *e);

/* Strides, dilation, given pads from the attributes; the padding to be used. */
ldb_status ldb_window_attrs(const ldb_call *c, int spatial, ldb_window *w, ldb_padding *padding,
                            ldb_error *e);

/* A kernel [kernel height x] kernel width x a x b: checks the rank (layout is its text for the
   message) and sets the window sizes. */
ldb_status ldb_window_kernel(const ldb_view *w, int spatial, const char *layout, ldb_window *window,
                             ldb_error *e);

/* in[2], if given, must be a bias of one element per filter. */
ldb_status ldb_window_bias(const ldb_call *c, int64_t filters, ldb_error *e);

/* Sets out to [batch x (height x) width x channels]. */
ldb_status ldb_window_out(ldb_call *c, int spatial, int64_t height, int64_t width, int64_t channels,
                          ldb_error *e);

/* Sets saved and scratch for an activation and `scratch` more bytes forward and backward. */
ldb_status ldb_window_memory(ldb_call *c, size_t forward, size_t backward, ldb_error *e);

/* Where z = convolution before bias and activation is to be written: saved or out. */
void *ldb_window_z(const ldb_call *c);

/* out = f(z + bias) for some rows of filters. */
void ldb_window_finish(const ldb_call *c, int64_t first, int64_t rows, int64_t filters);

/* Memory of a convolution or transposed convolution. */
ldb_status ldb_window_conv_memory(ldb_call *c, const ldb_conv *v, ldb_error *e);

/* Bias, activation and results of a row of f32. */
ldb_conv_end ldb_window_end(const ldb_call *c);

/* Forward and backward of a row where ldb_conv_is_direct(v). */
void ldb_window_conv_forward(ldb_call *c, const ldb_conv *v);
void ldb_window_conv_backward(ldb_call *c, const ldb_conv *v);

/* gz = gout f'(z) as [rows x filters], in the first part of scratch unless f is the identity;
 *rest is the scratch behind it. Writes the bias gradient, if wanted. */
ldb_view ldb_window_gradient(ldb_call *c, void **rest);

#endif
