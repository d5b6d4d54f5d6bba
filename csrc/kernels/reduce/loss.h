/*
** Losses per sample (formulas in loss_list.h) and their gradients with respect to the prediction.
** pred and target are contiguous [n x width], the results hold n elements of the same type; every
** formula is evaluated in f64, but cross-entropies of f32 logits in f32 (sums from chunk to chunk
** and log sum exp in f64). epsilon is 1e-7. NaN in gives NaN out.
*/
#ifndef LDB_LOSS_H
#define LDB_LOSS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/team.h"
#include "base/view.h"
#include "kernels/reduce/loss_list.h"

typedef enum ldb_loss {
#define X(code, divide, value, slope) LDB_LOSS_##code,
  LDB_LOSS_MAP(X)
#undef X
      LDB_LOSS_COUNT
} ldb_loss;

/* loss[i] = sum over the row of value(p, t), divided by width where the list says MEAN. a is the
   parameter that the formula names. */
void ldb_loss_rows(ldb_loss kind, ldb_dtype t, int64_t n, int64_t width, const void *pred,
                   const void *target, double a, void *loss);

/* gpred[i, j] = gloss[i] slope(p, t) [/ width]. */
void ldb_loss_rows_backward(ldb_loss kind, ldb_dtype t, int64_t n, int64_t width, const void *pred,
                            const void *target, double a, const void *gloss, void *gpred);

/* True when every one of the n targets is 0 or 1. */
bool ldb_all_zero_one(ldb_dtype t, int64_t n, const void *target);

/* loss[i] = - (p . t) / (max(|p|, eps) max(|t|, eps)) of each row */
void ldb_cosine_rows(ldb_dtype t, int64_t n, int64_t width, const void *pred, const void *target,
                     void *loss);
void ldb_cosine_rows_backward(ldb_dtype t, int64_t n, int64_t width, const void *pred,
                              const void *target, const void *gloss, void *gpred);

/* The target distribution of cross-entropy over `width` classes: dense rows y, or ids when y is
   NULL: w_j = y_j (1 - smoothing) + smoothing / width, with y_j = [j == id]. */
typedef struct ldb_distribution {
  const void *y;
  const ldb_view *ids;
  double smoothing;
} ldb_distribution;

/* Of probabilities: q = p / sum p, loss = - sum w_j log clip(q_j, eps, 1 - eps).
   Of logits: loss = sum w_j (L - z_j), L = log sum exp z; L of each row goes to lse (n doubles). A
   term with w_j = 0 is 0. */
void ldb_crossentropy(ldb_team *team, ldb_dtype t, bool logits, int64_t n, int64_t width,
                      const void *pred, const ldb_distribution *w, double *lse, void *loss);

/* Of probabilities, with h_j = - w_j / q_j where q_j is not clipped, else 0:
   gp_j = gloss (h_j - sum h q) / sum p.  Of logits: gz_j = gloss (exp(z_j - L) sum w - w_j). */
void ldb_crossentropy_backward(ldb_team *team, ldb_dtype t, bool logits, int64_t n, int64_t width,
                               const void *pred, const ldb_distribution *w, const double *lse,
                               const void *gloss, void *gpred);

#endif
