/*
** Optimiser updates: one pass over a parameter, its gradient and the optimiser's slots, in place.
**
** t = 1, 2, ... is the step, g the gradient, w the parameter, lr the learning rate. Every update is
**   g' = g + l2 w                        (coupled weight decay: the gradient of l2/2 |w|^2)
**   d  = the rule's step from g'         (below)
**   w  <- w - w decay - d                (decoupled weight decay: decay = lr weight_decay)
** and in the same pass, over data that is in the cache anyway, ldb_update_stats.
**
** `flavor` chooses between the rules of Keras 3 and of PyTorch where they differ:
** Keras: keras/src/optimizers (3.x); PyTorch: torch/optim (1.13 to 2.x). Both restate
** Polyak 1964 (momentum), Nesterov 1983 in the form of Sutskever et al. 2013, Duchi et al. 2011
** (Adagrad), Tieleman and Hinton 2012 (RMSprop), Kingma and Ba 2015 (Adam), Reddi et al. 2018
** (AMSGrad), Loshchilov and Hutter 2019 (AdamW).
**
** Arithmetic is done in the dtype of the parameter; coefficients are made in f64.
*/
#ifndef LDB_OPTIMIZER_H
#define LDB_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/team.h"
#include "base/view.h"

typedef enum ldb_flavor { LDB_KERAS, LDB_TORCH } ldb_flavor;

/* What one update did. The caller sets everything to zero; updates add to it, so that one struct
   can also collect several parameters. Sums of squares are made in 16 lanes of the parameter's
   type over 512 elements, beyond these in f64; where f32 would not hold them, in f64 throughout:
   within 2e-6 of their value for f32. An update without statistics takes NULL. */
typedef struct ldb_update_stats {
  uint64_t count;
  double grad_sq;            /* sum g^2 of the gradient as given, without weight decay */
  double update_sq;          /* sum (w_new - w_old)^2 */
  double weight_sq;          /* sum w_new^2 */
  uint64_t grad_zero;        /* g == 0 */
  uint64_t nonfinite_grad;   /* NaN or infinity in g */
  uint64_t nonfinite_weight; /* NaN or infinity in w_new */
  uint64_t unchanged;        /* w_new has the bits of w_old */
  uint64_t underflow;        /* the step was not zero, yet w did not change: lost in rounding */
} ldb_update_stats;

/* Flat arrays of n elements, dtype LDB_F32 or LDB_F64. Large ones are updated by the team in tasks
   of 16384 elements, whose statistics are added in order: the bits do not depend on its size. */
typedef struct ldb_parameter {
  ldb_dtype dtype;
  size_t n;
  void *w;
  const void *g;
  double l2;      /* coupled weight decay */
  double decay;   /* decoupled: fraction of w that is removed */
  ldb_team *team; /* NULL: no threads */
} ldb_parameter;

/* Stochastic gradient descent.
   momentum 0:  d = lr g                                            (velocity may be NULL)
   Keras:       v <- momentum v - lr g;        d = -v;   nesterov: d = lr g - momentum v
   PyTorch:     v <- g at the first step, else momentum v + (1 - dampening) g
                d = lr v;                                nesterov: d = lr (g + momentum v) */
typedef struct ldb_sgd {
  ldb_flavor flavor;
  double lr, momentum, dampening;
  bool nesterov, first;
} ldb_sgd;
void ldb_sgd_update(const ldb_parameter *p, const ldb_sgd *rule, void *velocity,
                    ldb_update_stats *stats);

/* RMSprop. v <- rho v + (1 - rho) g^2; centered: a <- rho a + (1 - rho) g, V = v - a^2; else V = v.
   Keras:   r = lr g / sqrt(V + eps);      momentum: b <- momentum b + r,  d = b
   PyTorch: r = g / (sqrt(V) + eps);       momentum: b <- momentum b + r,  d = lr b; else d = lr r
   square is always needed; average only when centered, buffer only when momentum > 0. */
typedef struct ldb_rmsprop {
  ldb_flavor flavor;
  double lr, rho, momentum, eps;
  bool centered;
} ldb_rmsprop;
void ldb_rmsprop_update(const ldb_parameter *p, const ldb_rmsprop *rule, void *square,
                        void *average, void *buffer, ldb_update_stats *stats);

/* Adam, AdamW (through decay) and AMSGrad (when maximum is not NULL).
   m <- m + (1 - beta1)(g - m);  v <- v + (1 - beta2)(g^2 - v);  V = v, AMSGrad: V = max(V, v)
   Keras:   d = lr sqrt(1 - beta2^t) / (1 - beta1^t) m / (sqrt(V) + eps)
   PyTorch: d = lr / (1 - beta1^t) m / (sqrt(V) / sqrt(1 - beta2^t) + eps) */
typedef struct ldb_adam {
  ldb_flavor flavor;
  double lr, beta1, beta2, eps;
  uint64_t step; /* t, counted from 1 */
} ldb_adam;
void ldb_adam_update(const ldb_parameter *p, const ldb_adam *rule, void *m, void *v, void *maximum,
                     ldb_update_stats *stats);

/* Adagrad. a <- a + g^2
   Keras: d = lr g / sqrt(a + eps)
   PyTorch: d = lr / (1 + (t - 1) lr_decay) g / (sqrt(a) + eps)
   The start value of a (Keras 0.1, PyTorch 0) is the caller's. */
typedef struct ldb_adagrad {
  ldb_flavor flavor;
  double lr, eps, lr_decay;
  uint64_t step;
} ldb_adagrad;
void ldb_adagrad_update(const ldb_parameter *p, const ldb_adagrad *rule, void *square,
                        ldb_update_stats *stats);

#endif
