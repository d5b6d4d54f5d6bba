/*
** Rules of optimizer_adaptive.h for one element type; see optimizer_pass_generic.h.
*/

static void NAME(adadelta)(const void *hyper, size_t n, const T *restrict g, T *const slot[3],
                           T *restrict d) {
  const ldb_adadelta *h = hyper;
  const T lr = (T)h->lr, rho = (T)h->rho, one_rho = (T)(1.0 - h->rho), eps = (T)h->eps;
  T *restrict a = slot[0], *restrict delta = slot[1];
  for (size_t i = 0; i < n; i++) {
    a[i] = rho * a[i] + one_rho * (g[i] * g[i]);
    const T u = SQRT(delta[i] + eps) / SQRT(a[i] + eps) * g[i];
    delta[i] = rho * delta[i] + one_rho * (u * u);
    d[i] = lr * u;
  }
}

static void NAME(adamax)(const void *hyper, size_t n, const T *restrict g, T *const slot[3],
                         T *restrict d) {
  const ldb_adam *h = hyper;
  const double c1 = 1.0 - pow(h->beta1, (double)h->step);
  const bool keras = h->flavor == LDB_KERAS;
  const T rate = (T)(h->lr / c1), take = (T)(1.0 - h->beta1), keep = (T)h->beta2;
  const T inside = (T)(keras ? 0.0 : h->eps), outside = (T)(keras ? h->eps : 0.0);
  T *restrict m = slot[0], *restrict u = slot[1];
  for (size_t i = 0; i < n; i++) {
    m[i] += (g[i] - m[i]) * take;
    const T old = keep * u[i], now = FABS(g[i]) + inside;
    u[i] = old >= now || old != old ? old : now; /* a NaN of either stays */
    d[i] = rate * m[i] / (u[i] + outside);
  }
}

/* m and v of Adam. */
static void NAME(moments)(const ldb_adam *h, size_t n, const T *restrict g, T *restrict m,
                          T *restrict v) {
  const T take1 = (T)(1.0 - h->beta1), take2 = (T)(1.0 - h->beta2);
  for (size_t i = 0; i < n; i++) {
    m[i] += (g[i] - m[i]) * take1;
    v[i] += (g[i] * g[i] - v[i]) * take2;
  }
}

static void NAME(nadam)(const void *hyper, size_t n, const T *restrict g, T *const slot[3],
                        T *restrict d) {
  const ldb_nadam *h = hyper;
  const T root = (T)sqrt(1.0 - pow(h->adam.beta2, (double)h->adam.step)), eps = (T)h->adam.eps;
  const T of_m = (T)(h->adam.lr * h->mu_next / (1.0 - h->product * h->mu_next));
  const T of_g = (T)(h->adam.lr * (1.0 - h->mu) / (1.0 - h->product));
  const T *restrict m = slot[0], *restrict v = slot[1];
  NAME(moments)(&h->adam, n, g, slot[0], slot[1]);
  for (size_t i = 0; i < n; i++)
    d[i] = (of_m * m[i] + of_g * g[i]) / (SQRT(v[i]) / root + eps);
}

static void NAME(radam)(const void *hyper, size_t n, const T *restrict g, T *const slot[3],
                        T *restrict d) {
  const ldb_adam *h = hyper;
  const double t = (double)h->step, power = pow(h->beta2, t), c2 = 1.0 - power;
  const double rate = h->lr / (1.0 - pow(h->beta1, t));
  const double limit = 2.0 / (1.0 - h->beta2) - 1.0, length = limit - 2.0 * t * power / c2;
  const T *restrict m = slot[0], *restrict v = slot[1];
  NAME(moments)(h, n, g, slot[0], slot[1]);
  if (length > 5.0) {
    const double share =
        (length - 4.0) * (length - 2.0) * limit / ((limit - 4.0) * (limit - 2.0) * length);
    const T scale = (T)(rate * sqrt(share) * sqrt(c2)), eps = (T)h->eps;
    for (size_t i = 0; i < n; i++)
      d[i] = scale * m[i] / (SQRT(v[i]) + eps);
  } else {
    for (size_t i = 0; i < n; i++)
      d[i] = (T)rate * m[i];
  }
}

static void NAME(lion)(const void *hyper, size_t n, const T *restrict g, T *const slot[3],
                       T *restrict d) {
  const ldb_lion *h = hyper;
  const T lr = (T)h->lr, keep1 = (T)h->beta1, take1 = (T)(1.0 - h->beta1);
  const T keep2 = (T)h->beta2, take2 = (T)(1.0 - h->beta2);
  T *restrict m = slot[0];
  for (size_t i = 0; i < n; i++) {
    const T c = keep1 * m[i] + take1 * g[i];
    d[i] = c > (T)0 ? lr : c < (T)0 ? -lr : c; /* NaN stays NaN */
    m[i] = keep2 * m[i] + take2 * g[i];
  }
}

/* ---- LAMB ------------------------------------------------------------------------------------ */

/* lr: trust ratio times rate; the moments are those of this step already */
static void NAME(lamb)(const void *hyper, size_t n, const T *restrict g, T *const slot[3],
                       T *restrict d) {
  const ldb_adam *h = hyper;
  const double c1 = 1.0 - pow(h->beta1, (double)h->step);
  const T root = (T)sqrt(1.0 - pow(h->beta2, (double)h->step));
  const T rate = (T)(h->lr / c1), eps = (T)h->eps;
  const T *restrict m = slot[0], *restrict v = slot[1];
  (void)g;
  for (size_t i = 0; i < n; i++)
    d[i] = rate * m[i] / (SQRT(v[i]) / root + eps);
}

static void NAME(lamb_update)(const ldb_parameter *p, const ldb_adam *rule, void *m, void *v,
                              ldb_update_stats *stats) {
  ldb_adam h = *rule;
  T u[CHUNK];
  double u_sq = 0.0, w_sq = 0.0;
  h.lr = 1.0;
  for (size_t at = 0; at < p->n; at += CHUNK) {
    const size_t n = p->n - at < CHUNK ? p->n - at : CHUNK;
    T *const slot[3] = {(T *)m + at, (T *)v + at, NULL};
    const T *g = (const T *)p->g + at;
    NAME(moments)(&h, n, g, slot[0], slot[1]);
    NAME(lamb)(&h, n, g, slot, u);
    u_sq += NAME(squares)(n, u, NULL);
    w_sq += NAME(squares)(n, (const T *)p->w + at, NULL);
  }
  const double w_norm = sqrt(w_sq) * fabs(1.0 - p->decay), u_norm = sqrt(u_sq);
  h.lr = rule->lr * (w_norm > 0.0 && u_norm > 0.0 ? w_norm / u_norm : 1.0);
  void *const slots[3] = {m, v, NULL};
  NAME(update)(p, NAME(lamb), &h, slots, stats);
}

/* ---- Adafactor ------------------------------------------------------------------------------- */

/* keep of the old mean, 1 - keep of the new: in row[rows] and column[columns] of one matrix */
static void NAME(factor)(const ldb_adafactor *h, double keep, double added, const T *restrict g,
                         T *restrict row, T *restrict column) {
  enum { BLOCK = 64 };
  for (size_t i = 0; i < h->rows; i++) {
    const double sum = NAME(squares)(h->columns, g + i * h->columns, NULL);
    row[i] = (T)(keep * (double)row[i] + (1.0 - keep) * (sum / (double)h->columns + added));
  }
  for (size_t from = 0; from < h->columns; from += BLOCK) {
    const size_t n = h->columns - from < BLOCK ? h->columns - from : BLOCK;
    double sum[BLOCK] = {0};
    for (size_t i = 0; i < h->rows; i++)
      for (size_t j = 0; j < n; j++) {
        const double x = (double)g[i * h->columns + from + j];
        sum[j] += x * x;
      }
    for (size_t j = 0; j < n; j++) {
      const double mean = sum[j] / (double)h->rows + added;
      column[from + j] = (T)(keep * (double)column[from + j] + (1.0 - keep) * mean);
    }
  }
}

/* v = row column / mean(row) of one matrix */
static void NAME(outer)(const ldb_adafactor *h, const T *restrict row, const T *restrict column,
                        T *restrict v) {
  double sum = 0.0;
  for (size_t i = 0; i < h->rows; i++)
    sum += (double)row[i];
  double mean = sum / (double)h->rows;
  if (h->flavor == LDB_TORCH && mean < h->eps1) mean = h->eps1;
  for (size_t i = 0; i < h->rows; i++) {
    const T share = (T)((double)row[i] / mean);
    for (size_t j = 0; j < h->columns; j++)
      v[i * h->columns + j] = share * column[j];
  }
}

static void NAME(adafactor_squares)(const ldb_parameter *p, const ldb_adafactor *h, T *row,
                                    T *column, T *v) {
  const double keep = 1.0 - pow((double)h->step, h->beta2_decay);
  const double added = h->flavor == LDB_KERAS ? h->eps1 : 0.0;
  const T *g = p->g;
  if (row != NULL) {
    for (size_t k = 0; k < h->matrices; k++) {
      const size_t at = k * h->rows * h->columns;
      T *r = row + k * h->rows, *c = column + k * h->columns;
      NAME(factor)(h, keep, added, g + at, r, c);
      NAME(outer)(h, r, c, v + at);
    }
  } else {
    const T old = (T)keep, now = (T)(1.0 - keep), eps = (T)added;
    for (size_t i = 0; i < p->n; i++)
      v[i] = old * v[i] + now * (g[i] * g[i] + eps);
  }
}

/* lr: everything that multiplies u = g / sqrt(v) */
static void NAME(adafactor)(const void *hyper, size_t n, const T *restrict g, T *const slot[3],
                            T *restrict d) {
  const ldb_adafactor *h = hyper;
  const T least = (T)(h->flavor == LDB_TORCH ? h->eps1 * h->eps1 : 0.0), rate = (T)h->lr;
  const T *restrict v = slot[0];
  for (size_t i = 0; i < n; i++)
    d[i] = rate * (g[i] / SQRT(v[i] < least ? least : v[i]));
}

static void NAME(adafactor_update)(const ldb_parameter *p, const ldb_adafactor *rule, void *row,
                                   void *column, void *v, ldb_update_stats *stats) {
  ldb_adafactor h = *rule;
  T u[CHUNK];
  double u_sq = 0.0, w_sq = 0.0;
  const double size = (double)(p->n > 0 ? p->n : 1);
  NAME(adafactor_squares)(p, &h, row, column, v);
  h.lr = 1.0;
  for (size_t at = 0; at < p->n; at += CHUNK) {
    const size_t n = p->n - at < CHUNK ? p->n - at : CHUNK;
    T *const slot[3] = {(T *)v + at, NULL, NULL};
    NAME(adafactor)(&h, n, (const T *)p->g + at, slot, u);
    u_sq += NAME(squares)(n, u, NULL);
    w_sq += NAME(squares)(n, (const T *)p->w + at, NULL);
  }
  const double left = h.flavor == LDB_KERAS ? fabs(1.0 - p->decay) : 1.0;
  const double w_rms = sqrt(w_sq / size) * left, excess = sqrt(u_sq / size) / h.clip;
  const double slow = 1.0 / sqrt((double)h.step);
  const double rho = rule->lr < slow ? rule->lr : slow;
  /* written so that a NaN passes */
  h.lr = rho * (w_rms <= h.eps2 ? h.eps2 : w_rms) / (excess <= 1.0 ? 1.0 : excess);
  void *const slots[3] = {v, NULL, NULL};
  NAME(update)(p, NAME(adafactor), &h, slots, stats);
}
