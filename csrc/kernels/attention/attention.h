/*
** Scaled dot-product attention for many heads. In f32 by tiles of queries and keys, so that memory
** does not grow with their number; in f64, which is for gradient checks, by blocks of
** LDB_ATTENTION_ROWS queries and all keys. Backward computes the scores anew.
*/
#ifndef LDB_ATTENTION_H
#define LDB_ATTENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/team.h"
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

/* Bytes of scratch, 64-byte aligned. */
size_t ldb_attention_scratch(const ldb_attention *a);

/* y = w v with w = softmax(scale q k' + bias) over the keys that mask and causal allow, dropped out
   with rate. rows: for f32 2 tq elements a head of each sample, which backward reads. */
ldb_status ldb_attention_forward(ldb_team *team, const ldb_attention *a, void *y, float *rows,
                                 void *scratch, ldb_error *e);

/* Gradients; each may be NULL. gbias is contiguous, gbias_seen the same with the shape of scores.
 */
typedef struct ldb_attention_gradients {
  void *gq, *gk, *gv;
  ldb_view gbias_seen;
  int64_t gbias_count;
} ldb_attention_gradients;

/* y and rows as forward left them. */
ldb_status ldb_attention_backward(ldb_team *team, const ldb_attention *a, const void *y,
                                  const float *rows, const void *gy,
                                  const ldb_attention_gradients *g, void *scratch, ldb_error *e);

#endif
