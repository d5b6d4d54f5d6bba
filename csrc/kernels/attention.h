/*
** Scaled dot-product attention for many heads, in blocks of query rows: only LDB_ATTENTION_ROWS x
*tk
** scores exist at a time, and backward computes them anew.
*/
#ifndef LDB_ATTENTION_H
#define LDB_ATTENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/view.h"

enum { LDB_ATTENTION_ROWS = 64 };

typedef struct ldb_attention {
  ldb_dtype dtype;
  int64_t outer, heads, tq, tk, dk, dv; /* q [outer x tq x heads dk], k [outer x tk x heads dk],
                                           v [outer x tk x heads dv], y [outer x tq x heads dv] */
  const void *q, *k, *v;
  ldb_view scores;     /* shape of all scores, [.. x heads x tq x tk] or [.. x tq x tk]; no data */
  ldb_view mask, bias; /* seen with the shape of scores (stride 0 where repeated); data NULL: none.
                          mask is i32, 0 forbids; bias has dtype and is added */
  double scale, rate;  /* rate: dropout of the weights */
  uint64_t seed, stream;
  bool causal;  /* query i sees keys 1..i */
  bool uniform; /* a query without a key weighs all alike; else its result is 0 */
} ldb_attention;

/* y = w v with w = softmax(scale q k' + bias) over the keys that mask and causal allow, dropped out
   with rate. scores: LDB_ATTENTION_ROWS tk elements. */
ldb_status ldb_attention_forward(const ldb_attention *a, void *y, void *scores, ldb_error *e);

/* Gradients; each may be NULL. gbias is contiguous, gbias_seen the same with the shape of scores.
   scores: 2 LDB_ATTENTION_ROWS tk elements. */
typedef struct ldb_attention_gradients {
  void *gq, *gk, *gv;
  ldb_view gbias_seen;
  int64_t gbias_count;
} ldb_attention_gradients;

ldb_status ldb_attention_backward(const ldb_attention *a, const void *gy,
                                  const ldb_attention_gradients *g, void *scores, ldb_error *e);

#endif
