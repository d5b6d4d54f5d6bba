/*
** Optimiser rules for one element type. Included twice by optimizer.c, with T the element type,
** BITS an unsigned integer of its size, and NAME(x) the function name for that type.
** Each rule turns n <= CHUNK gradients into n steps d and updates its slots.
*/

static void NAME(sgd)(const void *hyper, size_t n, const T *restrict g, T *const slot[3],
                      T *restrict d) {
  const ldb_sgd *h = hyper;
  const T lr = (T)h->lr, mu = (T)h->momentum;
  T *restrict v = slot[0];
  if (v == NULL) {
    for (size_t i = 0; i < n; i++)
      d[i] = lr * g[i];
  } else if (h->flavor == LDB_KERAS) {
    for (size_t i = 0; i < n; i++) {
      v[i] = mu * v[i] - lr * g[i];
      d[i] = -v[i];
    }
    if (h->nesterov)
      for (size_t i = 0; i < n; i++)
        d[i] = lr * g[i] - mu * v[i];
  } else {
    const T keep = h->first ? (T)0 : mu, take = h->first ? (T)1 : (T)(1.0 - h->dampening);
    for (size_t i = 0; i < n; i++) {
      v[i] = keep * v[i] + take * g[i];
      d[i] = lr * (h->nesterov ? g[i] + mu * v[i] : v[i]);
    }
  }
}

static void NAME(rmsprop)(const void *hyper, size_t n, const T *restrict g, T *const slot[3],
                          T *restrict d) {
  const ldb_rmsprop *h = hyper;
  const T lr = (T)h->lr, rho = (T)h->rho, one_rho = (T)(1.0 - h->rho), mu = (T)h->momentum;
  const T eps = (T)h->eps;
  const bool keras = h->flavor == LDB_KERAS;
  T *restrict v = slot[0], *restrict a = slot[1], *restrict b = slot[2];
  for (size_t i = 0; i < n; i++)
    v[i] = rho * v[i] + one_rho * (g[i] * g[i]);
  if (h->centered) {
    for (size_t i = 0; i < n; i++) {
      a[i] = rho * a[i] + one_rho * g[i];
      d[i] = v[i] - a[i] * a[i];
    }
  } else {
    for (size_t i = 0; i < n; i++)
      d[i] = v[i];
  }
  if (keras)
    for (size_t i = 0; i < n; i++)
      d[i] = lr * g[i] / SQRT(d[i] + eps);
  else
    for (size_t i = 0; i < n; i++)
      d[i] = g[i] / (SQRT(d[i]) + eps);
  if (b != NULL)
    for (size_t i = 0; i < n; i++)
      d[i] = b[i] = mu * b[i] + d[i];
  if (!keras)
    for (size_t i = 0; i < n; i++)
      d[i] *= lr;
}

static void NAME(adam)(const void *hyper, size_t n, const T *restrict g, T *const slot[3],
                       T *restrict d) {
  const ldb_adam *h = hyper;
  const double c1 = 1.0 - pow(h->beta1, (double)h->step);
  const double c2 = sqrt(1.0 - pow(h->beta2, (double)h->step));
  const bool keras = h->flavor == LDB_KERAS;
  const T rate = (T)(keras ? h->lr * c2 / c1 : h->lr / c1), root = (T)(keras ? 1.0 : c2);
  const T take1 = (T)(1.0 - h->beta1), take2 = (T)(1.0 - h->beta2), eps = (T)h->eps;
  T *restrict m = slot[0], *restrict v = slot[1], *restrict top = slot[2];
  for (size_t i = 0; i < n; i++) {
    m[i] += (g[i] - m[i]) * take1;
    v[i] += (g[i] * g[i] - v[i]) * take2;
    d[i] = v[i];
  }
  if (top != NULL)
    for (size_t i = 0; i < n; i++)
      d[i] = top[i] = v[i] <= top[i] ? top[i] : v[i]; /* a NaN in v stays a NaN */
  if (keras)
    for (size_t i = 0; i < n; i++)
      d[i] = rate * m[i] / (SQRT(d[i]) + eps);
  else
    for (size_t i = 0; i < n; i++)
      d[i] = rate * m[i] / (SQRT(d[i]) / root + eps);
}

static void NAME(adagrad)(const void *hyper, size_t n, const T *restrict g, T *const slot[3],
                          T *restrict d) {
  const ldb_adagrad *h = hyper;
  const bool keras = h->flavor == LDB_KERAS;
  const T rate = (T)(keras ? h->lr : h->lr / (1.0 + ((double)h->step - 1.0) * h->lr_decay));
  const T eps = (T)h->eps;
  T *restrict a = slot[0];
  for (size_t i = 0; i < n; i++)
    a[i] += g[i] * g[i];
  if (keras)
    for (size_t i = 0; i < n; i++)
      d[i] = rate * g[i] / SQRT(a[i] + eps);
  else
    for (size_t i = 0; i < n; i++)
      d[i] = rate * g[i] / (SQRT(a[i]) + eps);
}

/* sum (x_i - y_i)^2 over one chunk; y == NULL stands for zeros. */
static double NAME(squares)(size_t n, const T *restrict x, const T *restrict y) {
  double lane[LANES] = {0};
  size_t i = 0;
  if (y == NULL) {
    for (; i + LANES <= n; i += LANES)
      for (size_t l = 0; l < LANES; l++)
        lane[l] += (double)x[i + l] * (double)x[i + l];
  } else {
    for (; i + LANES <= n; i += LANES)
      for (size_t l = 0; l < LANES; l++) {
        const double difference = (double)x[i + l] - (double)y[i + l];
        lane[l] += difference * difference;
      }
  }
  for (size_t l = 0; i < n; i++, l++) {
    const double difference = (double)x[i] - (y == NULL ? 0.0 : (double)y[i]);
    lane[l] += difference * difference;
  }
  return fold(lane);
}

/* How many of n <= CHUNK elements are NaN or infinite; sum is the sum of their squares, which is
   finite when they all are. */
static uint64_t NAME(nonfinite)(size_t n, const T *x, double sum) {
  uint64_t bad = 0;
  if (isfinite(sum)) return 0;
  for (size_t i = 0; i < n; i++)
    bad += (uint64_t)!isfinite(x[i]);
  return bad;
}

static BITS NAME(bits)(T x) {
  BITS b;
  memcpy(&b, &x, sizeof b);
  return b;
}

/* Statistics of one chunk; d is the whole step, weight decay included. */
static void NAME(measure)(size_t n, const T *restrict g, const T *restrict old,
                          const T *restrict now, const T *restrict d, ldb_update_stats *s) {
  const double grad_sq = NAME(squares)(n, g, NULL), weight_sq = NAME(squares)(n, now, NULL);
  s->grad_sq += grad_sq;
  s->update_sq += NAME(squares)(n, now, old);
  s->weight_sq += weight_sq;
  s->nonfinite_grad += NAME(nonfinite)(n, g, grad_sq);
  s->nonfinite_weight += NAME(nonfinite)(n, now, weight_sq);
  BITS zero = 0, same = 0, lost = 0;
  for (size_t i = 0; i < n; i++) {
    const BITS kept = (BITS)(NAME(bits)(old[i]) == NAME(bits)(now[i]));
    zero += (BITS)(g[i] == (T)0);
    same += kept;
    lost += kept & (BITS)(d[i] != (T)0);
  }
  s->grad_zero += zero;
  s->unchanged += same;
  s->underflow += lost;
}

typedef void NAME(rule)(const void *hyper, size_t n, const T *restrict g, T *const slot[3],
                        T *restrict d);

static void NAME(update)(const ldb_parameter *p, NAME(rule) * rule, const void *hyper,
                         void *const slots[3], ldb_update_stats *stats) {
  T *w = p->w;
  const T *g = p->g;
  const T l2 = (T)p->l2, decay = (T)p->decay;
  T d[CHUNK], old[CHUNK], decayed[CHUNK];
  for (size_t at = 0; at < p->n; at += CHUNK) {
    const size_t n = p->n - at < CHUNK ? p->n - at : CHUNK;
    T *slot[3];
    for (int k = 0; k < 3; k++)
      slot[k] = slots[k] == NULL ? NULL : (T *)slots[k] + at;
    memcpy(old, w + at, n * sizeof(T));
    const T *from = g + at;
    if (p->l2 != 0.0) {
      for (size_t i = 0; i < n; i++)
        decayed[i] = g[at + i] + l2 * old[i];
      from = decayed;
    }
    rule(hyper, n, from, slot, d);
    if (p->decay != 0.0) {
      for (size_t i = 0; i < n; i++) {
        w[at + i] = old[i] - old[i] * decay - d[i];
        d[i] += old[i] * decay;
      }
    } else {
      for (size_t i = 0; i < n; i++)
        w[at + i] = old[i] - d[i];
    }
    NAME(measure)(n, g + at, old, w + at, d, stats);
  }
  stats->count += (uint64_t)p->n;
}
