/*
** More optimiser rules, in the notation of optimizer.h: one pass over a parameter, its gradient and
** the optimiser's slots, in place, with the same statistics. LAMB and Adafactor look at the whole
** parameter first.
**
** Zeiler 2012 (Adadelta), Kingma and Ba 2015 (Adamax), Dozat 2016 (Nadam), Liu et al. 2020 (RAdam),
** Chen et al. 2023 (Lion), You et al. 2020 (LAMB), Shazeer and Stern 2018 (Adafactor), all as they
** stand in Keras 3 and PyTorch 2.
*/
#ifndef LDB_OPTIMIZER_ADAPTIVE_H
#define LDB_OPTIMIZER_ADAPTIVE_H

#include "train/optimizer.h"

/* Adadelta, the same in both flavours. a <- rho a + (1 - rho) g^2;
   u = sqrt(D + eps) / sqrt(a + eps) g;  D <- rho D + (1 - rho) u^2;  d = lr u */
typedef struct ldb_adadelta {
  double lr, rho, eps;
} ldb_adadelta;
void ldb_adadelta_update(const ldb_parameter *p, const ldb_adadelta *rule, void *square,
                         void *delta, ldb_update_stats *stats);

/* Adamax. m <- m + (1 - beta1)(g - m)
   Keras:   u <- max(beta2 u, |g|);         d = lr m / ((1 - beta1^t)(u + eps))
   PyTorch: u <- max(beta2 u, |g| + eps);   d = lr / (1 - beta1^t) m / u */
void ldb_adamax_update(const ldb_parameter *p, const ldb_adam *rule, void *m, void *u,
                       ldb_update_stats *stats);

/* Nadam. m, v as Adam;  mu_t the momentum of step t, P the product of mu_1 .. mu_t
   d = lr (mu_{t+1} m / (1 - P mu_{t+1}) + (1 - mu_t) g / (1 - P)) / (sqrt(v / (1 - beta2^t)) + eps)
   The flavours differ in mu_t, which the caller knows. */
typedef struct ldb_nadam {
  ldb_adam adam;
  double mu, mu_next, product;
} ldb_nadam;
void ldb_nadam_update(const ldb_parameter *p, const ldb_nadam *rule, void *m, void *v,
                      ldb_update_stats *stats);

/* RAdam (PyTorch). m, v as Adam; R = 2 / (1 - beta2) - 1; r_t = R - 2 t beta2^t / (1 - beta2^t)
   r_t > 5: d = lr m / (1 - beta1^t) k sqrt(1 - beta2^t) / (sqrt(v) + eps),
            k = sqrt((r_t - 4)(r_t - 2) R / ((R - 4)(R - 2) r_t));  else d = lr m / (1 - beta1^t) */
void ldb_radam_update(const ldb_parameter *p, const ldb_adam *rule, void *m, void *v,
                      ldb_update_stats *stats);

/* Lion (Keras). d = lr sign(beta1 m + (1 - beta1) g);  m <- beta2 m + (1 - beta2) g */
typedef struct ldb_lion {
  double lr, beta1, beta2;
} ldb_lion;
void ldb_lion_update(const ldb_parameter *p, const ldb_lion *rule, void *m,
                     ldb_update_stats *stats);

/* LAMB (Keras). m, v as Adam; u = m / (1 - beta1^t) / (sqrt(v / (1 - beta2^t)) + eps);
   d = lr |w| / |u| u, with 1 for the ratio when a norm is 0; w is what decoupled decay left.
   p->l2 must be 0. */
void ldb_lamb_update(const ldb_parameter *p, const ldb_adam *rule, void *m, void *v,
                     ldb_update_stats *stats);

/* Adafactor. b = 1 - t^beta2_decay, rho = min(lr, 1 / sqrt t). A parameter of rank >= 2 is a stack
   of `matrices` of rows x columns (its last two axes) whose squares are kept as row and column
   means: row[matrices x rows], column[matrices x columns]; else row and column are NULL.
   Keras:   row <- b row + (1 - b) mean_j(g^2 + eps1), column alike with mean_i,
            v = row / mean(row) column;  rank < 2: v <- b v + (1 - b)(g^2 + eps1)
   PyTorch: the same without eps1, with max(mean(row), eps1) and v at least eps1^2
   u = g / sqrt v;  d = rho max(eps2, rms(w)) u / max(1, rms(u) / clip)
   rms(w) after (Keras) or before (PyTorch) the decoupled decay; v is overwritten by every update of
   rank >= 2. p->l2 must be 0. */
typedef struct ldb_adafactor {
  ldb_flavor flavor;
  double lr, beta2_decay, eps1, eps2, clip;
  uint64_t step;
  size_t matrices, rows, columns;
} ldb_adafactor;
void ldb_adafactor_update(const ldb_parameter *p, const ldb_adafactor *rule, void *row,
                          void *column, void *v, ldb_update_stats *stats);

#endif
