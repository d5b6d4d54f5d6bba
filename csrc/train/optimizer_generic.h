/*
** Optimiser rules for one element type. Included twice by optimizer.c, after the pass that calls
** them. Each rule turns n <= CHUNK gradients into n steps d and updates its slots.
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
