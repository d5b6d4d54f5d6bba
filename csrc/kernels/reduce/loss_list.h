/*
** The elementwise losses: code, divisor of the row (MEAN or SUM), value and slope d value/d p as
** expressions of p (prediction), t (target) and a (parameter). Helpers stand in loss.c.
*/
#ifndef LDB_LOSS_LIST_H
#define LDB_LOSS_LIST_H

#define LDB_LOSS_MAP(X)                                                                    \
  X(MSE, MEAN, (p - t) * (p - t), 2 * (p - t))                                             \
  X(MAE, MEAN, fabs(p - t), sign(p - t))                                                   \
  /* a: delta */                                                                           \
  X(HUBER, MEAN, fabs(p - t) <= a ? .5 * (p - t) * (p - t) : a * fabs(p - t) - .5 * a * a, \
    fabs(p - t) <= a ? p - t : a * sign(p - t))                                            \
  X(LOG_COSH, MEAN, log_cosh(p - t), tanh(p - t))                                          \
  /* a: 1 where targets 0 and 1 stand for -1 and 1, else 0 */                              \
  X(HINGE, MEAN, positive(1 - side(t, a) * p), -side(t, a) * step(1 - side(t, a) * p))     \
  X(SQUARED_HINGE, MEAN, square(positive(1 - side(t, a) * p)),                             \
    -2 * side(t, a) * positive(1 - side(t, a) * p))                                        \
  X(POISSON, MEAN, p - t * log(p + EPS), 1 - t / (p + EPS))                                \
  X(KL, SUM, clip(t, EPS, 1) * log(clip(t, EPS, 1) / clip(p, EPS, 1)),                     \
    outside(p, EPS, 1) ? 0 : -clip(t, EPS, 1) / p)                                         \
  X(MSLE, MEAN, square(log1p(floor_at(p, EPS)) - log1p(floor_at(t, EPS))),                 \
    p < EPS ? 0 : 2 * (log1p(p) - log1p(floor_at(t, EPS))) / (1 + p))                      \
  X(MAPE, MEAN, 100 * fabs((p - t) / floor_at(fabs(t), EPS)),                              \
    100 * sign(p - t) / floor_at(fabs(t), EPS))                                            \
  /* a: label smoothing */                                                                 \
  X(BINARY, MEAN, binary(clip(p, EPS, 1 - EPS), smooth(t, a)),                             \
    outside(p, EPS, 1 - EPS) ? 0 : (p - smooth(t, a)) / (p * (1 - p)))                     \
  X(BINARY_LOGITS, MEAN, floor_at(p, 0) - p * smooth(t, a) + log1p(exp(-fabs(p))),         \
    sigmoid(p) - smooth(t, a))

#endif
