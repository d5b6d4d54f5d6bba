/*
** Losses for one element type; included by loss.c with T, EXP and NAME(x) defined.
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
  for (int64_t i = 0; i < n; i++)
    NAME(row_slope)
  (kind, width, pred + i * width, target + i * width, a, (double)gloss[i] / divisor,
   gpred + i * width);
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

/* Weight of class j in row i. */
static double NAME(weight)(const ldb_distribution *w, int64_t i, int64_t j, int64_t width,
                           int64_t id) {
  const double y = w->y ? (double)((const T *)w->y)[i * width + j] : (j == id ? 1.0 : 0.0);
  return y * (1 - w->smoothing) + w->smoothing / (double)width;
}

static double NAME(row_sum)(int64_t width, const T *p) {
  double sum = 0;
  for (int64_t j = 0; j < width; j++)
    sum += (double)p[j];
  return sum;
}

/* log sum exp z; NaN where z holds NaN or +inf, or is all -inf */
static double NAME(row_lse)(int64_t width, const T *z) {
  T m = -(T)HUGE_VAL;
  double sum = 0;
  for (int64_t j = 0; j < width; j++)
    if (z[j] > m || z[j] != z[j]) m = z[j];
  for (int64_t j = 0; j < width; j++)
    sum += (double)EXP(z[j] - m);
  return (double)m + log(sum);
}

static void NAME(crossentropy)(bool logits, int64_t n, int64_t width, const T *pred,
                               const ldb_distribution *w, double *lse, T *loss) {
  for (int64_t i = 0; i < n; i++) {
    const T *p = pred + i * width;
    const int64_t id = w->y ? -1 : ldb_label(w->ids, i);
    const double norm = logits ? NAME(row_lse)(width, p) : NAME(row_sum)(width, p);
    double sum = 0;
    if (logits) lse[i] = norm;
    /* without smoothing, ids need one term */
    const bool single = !w->y && w->smoothing == 0;
    for (int64_t j = single ? id : 0; j < (single ? id + 1 : width); j++) {
      const double wj = NAME(weight)(w, i, j, width, id);
      if (wj == 0) continue;
      sum += wj * (logits ? norm - (double)p[j] : -log(clip((double)p[j] / norm, EPS, 1 - EPS)));
    }
    loss[i] = (T)(isnan(norm) ? norm : sum);
  }
}

static void NAME(slope_of_logits)(int64_t i, int64_t width, const T *z, const ldb_distribution *w,
                                  int64_t id, double lse, double g, T *gz) {
  double total = 0;
  for (int64_t j = 0; j < width; j++)
    total += NAME(weight)(w, i, j, width, id);
  for (int64_t j = 0; j < width; j++)
    gz[j] =
        (T)(g * ((double)EXP((T)((double)z[j] - lse)) * total - NAME(weight)(w, i, j, width, id)));
}

static void NAME(slope_of_probabilities)(int64_t i, int64_t width, const T *p,
                                         const ldb_distribution *w, int64_t id, double g, T *gp) {
  const double norm = NAME(row_sum)(width, p);
  double dot = 0;
  for (int64_t j = 0; j < width; j++) {
    const double q = (double)p[j] / norm, wj = NAME(weight)(w, i, j, width, id);
    if (!outside(q, EPS, 1 - EPS)) dot -= wj;
    if (isnan(q)) dot = q;
  }
  for (int64_t j = 0; j < width; j++) {
    const double q = (double)p[j] / norm, wj = NAME(weight)(w, i, j, width, id);
    const double h = outside(q, EPS, 1 - EPS) || wj == 0 ? 0 : -wj / q;
    gp[j] = (T)(g * (h - dot) / norm);
  }
}

static void NAME(crossentropy_slopes)(bool logits, int64_t n, int64_t width, const T *pred,
                                      const ldb_distribution *w, const double *lse, const T *gloss,
                                      T *gpred) {
  for (int64_t i = 0; i < n; i++) {
    const int64_t id = w->y ? -1 : ldb_label(w->ids, i);
    const T *p = pred + i * width;
    T *g = gpred + i * width;
    if (logits)
      NAME(slope_of_logits)(i, width, p, w, id, lse[i], (double)gloss[i], g);
    else
      NAME(slope_of_probabilities)(i, width, p, w, id, (double)gloss[i], g);
  }
}
