/*
** Losses for one element type; included by loss.c with T and NAME(x) defined.
*/

static double NAME(row_loss)(ldb_loss kind, int64_t width, const T *pred, const T *target,
                             double a) {
  double sum = 0;
  switch (kind) {
#define X(code, divide, value, slope)                          \
  case LDB_LOSS_##code:                                        \
    for (int64_t j = 0; j < width; j++) {                      \
      const double p = (double)pred[j], t = (double)target[j]; \
      sum += (value);                                          \
    }                                                          \
    break;
    LDB_LOSS_MAP(X)
#undef X
  case LDB_LOSS_COUNT:
    break;
  }
  return sum;
}

static void NAME(row_slope)(ldb_loss kind, int64_t width, const T *pred, const T *target, double a,
                            double g, T *gpred) {
  switch (kind) {
#define X(code, divide, value, slope)                          \
  case LDB_LOSS_##code:                                        \
    for (int64_t j = 0; j < width; j++) {                      \
      const double p = (double)pred[j], t = (double)target[j]; \
      gpred[j] = (T)(g * (slope));                             \
    }                                                          \
    break;
    LDB_LOSS_MAP(X)
#undef X
  case LDB_LOSS_COUNT:
    break;
  }
}

static void NAME(loss_rows)(ldb_loss kind, int64_t n, int64_t width, const T *pred, const T *target,
                            double a, T *loss) {
  const double divisor = divisor_of(kind, width);
  for (int64_t i = 0; i < n; i++)
    loss[i] = (T)(NAME(row_loss)(kind, width, pred + i * width, target + i * width, a) / divisor);
}

static void NAME(slope_rows)(ldb_loss kind, int64_t n, int64_t width, const T *pred,
                             const T *target, double a, const T *gloss, T *gpred) {
  const double divisor = divisor_of(kind, width);
  for (int64_t i = 0; i < n; i++) {
    const int64_t at = i * width;
    const double g = (double)gloss[i] / divisor;
    NAME(row_slope)(kind, width, pred + at, target + at, a, g, gpred + at);
  }
}

static bool NAME(zero_one)(int64_t n, const T *target) {
  for (int64_t i = 0; i < n; i++)
    if (target[i] != 0 && target[i] != 1) return false;
  return true;
}

/* |p|, |t| (both at least EPS) and p . t of one row */
static double NAME(cosine_parts)(int64_t width, const T *p, const T *t, double *np, double *nt) {
  double dot = 0, pp = 0, tt = 0;
  for (int64_t j = 0; j < width; j++) {
    dot += (double)p[j] * (double)t[j];
    pp += (double)p[j] * (double)p[j];
    tt += (double)t[j] * (double)t[j];
  }
  *np = floor_at(sqrt(pp), EPS);
  *nt = floor_at(sqrt(tt), EPS);
  return dot;
}

static void NAME(cosine_rows)(int64_t n, int64_t width, const T *pred, const T *target, T *loss) {
  for (int64_t i = 0; i < n; i++) {
    double np = 0, nt = 0;
    const double dot = NAME(cosine_parts)(width, pred + i * width, target + i * width, &np, &nt);
    loss[i] = (T)(-dot / (np * nt));
  }
}

static void NAME(cosine_slopes)(int64_t n, int64_t width, const T *pred, const T *target,
                                const T *gloss, T *gpred) {
  for (int64_t i = 0; i < n; i++) {
    const T *p = pred + i * width, *t = target + i * width;
    double np = 0, nt = 0;
    const double dot = NAME(cosine_parts)(width, p, t, &np, &nt), g = -(double)gloss[i];
    const double along = np == EPS ? 0 : dot / (nt * np * np);
    for (int64_t j = 0; j < width; j++)
      gpred[i * width + j] = (T)(g * ((double)t[j] / nt - (double)p[j] * along) / np);
  }
}

/* w_j of one row: y_j hit + base, y being NULL for ids. */
typedef struct NAME(row_target) {
  const T *y;
  int64_t id;
  double hit, base;
} NAME(row_target);

static NAME(row_target) NAME(target_of)(const ldb_distribution *w, int64_t i, int64_t width) {
  return (NAME(row_target)){.y = w->y ? (const T *)w->y + i * width : NULL,
                            .id = w->y ? -1 : ldb_label(w->ids, i),
                            .hit = 1 - w->smoothing,
                            .base = w->smoothing / (double)width};
}

static inline double NAME(weight)(const NAME(row_target) * t, int64_t j) {
  return t->base + (t->y ? (double)t->y[j] * t->hit : j == t->id ? t->hit : 0);
}

static double NAME(row_sum)(int64_t width, const T *p) {
  double sum = 0;
  for (int64_t j = 0; j < width; j++)
    sum += (double)p[j];
  return sum;
}

/* log sum exp z, width > 0; NaN where z holds NaN or +inf, or is all -inf */
static double NAME(row_lse)(int64_t width, const T *z) {
  T m = z[0];
  for (int64_t j = 1; j < width; j++)
    if (z[j] > m || z[j] != z[j]) m = z[j];
  double sum = (double)NAME(ldb_exp)(z[0] - m);
  for (int64_t j = 1; j < width; j++)
    sum += (double)NAME(ldb_exp)(z[j] - m);
  return (double)m + log(sum);
}

static void NAME(crossentropy)(bool logits, int64_t n, int64_t width, const T *pred,
                               const ldb_distribution *w, double *lse, T *loss) {
  for (int64_t i = 0; i < n; i++) {
    const T *p = pred + i * width;
    const NAME(row_target) target = NAME(target_of)(w, i, width), *t = &target;
    const double norm = logits ? NAME(row_lse)(width, p) : NAME(row_sum)(width, p);
    double sum = 0;
    if (logits) lse[i] = norm;
    /* without smoothing, ids need one term */
    const bool single = !t->y && t->base == 0;
    for (int64_t j = single ? t->id : 0; j < (single ? t->id + 1 : width); j++) {
      const double wj = NAME(weight)(t, j);
      if (wj == 0) continue;
      sum += wj * (logits ? norm - (double)p[j] : -log(clip((double)p[j] / norm, EPS, 1 - EPS)));
    }
    loss[i] = (T)(isnan(norm) ? norm : sum);
  }
}

static void NAME(slope_of_logits)(int64_t width, const T *z, const NAME(row_target) * t, double lse,
                                  double g, T *gz) {
  double total = 0;
  for (int64_t j = 0; j < width; j++) {
    gz[j] = NAME(ldb_exp)((T)((double)z[j] - lse));
    total += NAME(weight)(t, j);
  }
  for (int64_t j = 0; j < width; j++)
    gz[j] = (T)(g * ((double)gz[j] * total - NAME(weight)(t, j)));
}

static void NAME(slope_of_probabilities)(int64_t width, const T *p, const NAME(row_target) * t,
                                         double g, T *gp) {
  const double norm = NAME(row_sum)(width, p);
  double dot = 0;
  for (int64_t j = 0; j < width; j++) {
    const double q = (double)p[j] / norm;
    if (!outside(q, EPS, 1 - EPS)) dot -= NAME(weight)(t, j);
    if (isnan(q)) dot = q;
  }
  for (int64_t j = 0; j < width; j++) {
    const double q = (double)p[j] / norm, w = NAME(weight)(t, j);
    const double h = outside(q, EPS, 1 - EPS) || w == 0 ? 0 : -w / q;
    gp[j] = (T)(g * (h - dot) / norm);
  }
}

static void NAME(crossentropy_slopes)(bool logits, int64_t n, int64_t width, const T *pred,
                                      const ldb_distribution *w, const double *lse, const T *gloss,
                                      T *gpred) {
  for (int64_t i = 0; i < n; i++) {
    const NAME(row_target) t = NAME(target_of)(w, i, width);
    const T *p = pred + i * width;
    T *g = gpred + i * width;
    if (logits)
      NAME(slope_of_logits)(width, p, &t, lse[i], (double)gloss[i], g);
    else
      NAME(slope_of_probabilities)(width, p, &t, (double)gloss[i], g);
  }
}
