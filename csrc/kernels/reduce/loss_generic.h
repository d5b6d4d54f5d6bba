/*
** Losses for one element type; included by loss.c with T and NAME(x) defined.
*/

#include "kernels/reduce/row_lanes_generic.h"

/* One function a loss: over a row in lanes, or where rows have one element over the rows. */
#define X(code, divide, value, slope)                                                              \
  LDB_CLONES static void NAME(rows_##code)(int64_t n, int64_t width, const T *restrict pred,       \
                                           const T *restrict target, double a, T *restrict loss) { \
    (void)a;                                                                                       \
    for (int64_t j = 0; width == 1 && j < n; j++) {                                                \
      const double p = (double)pred[j], t = (double)target[j];                                     \
      loss[j] = (T)(value);                                                                        \
    }                                                                                              \
    for (int64_t r = 0; width != 1 && r < n; r++, pred += width, target += width) {                \
      double lane[WIDE] = {0};                                                                     \
      int64_t j = 0;                                                                               \
      for (; j + WIDE <= width; j += WIDE)                                                         \
        for (int l = 0; l < WIDE; l++) {                                                           \
          const double p = (double)pred[j + l], t = (double)target[j + l];                         \
          lane[l] += (value);                                                                      \
        }                                                                                          \
      for (int l = 0; j < width; j++, l++) {                                                       \
        const double p = (double)pred[j], t = (double)target[j];                                   \
        lane[l] += (value);                                                                        \
      }                                                                                            \
      loss[r] = (T)(wide_total(lane) / (divide == MEAN ? (double)width : 1));                      \
    }                                                                                              \
  }                                                                                                \
  LDB_CLONES static void NAME(slopes_##code)(int64_t n, int64_t width, const T *restrict pred,     \
                                             const T *restrict target, double a,                   \
                                             const T *restrict gloss, T *restrict gpred) {         \
    (void)a;                                                                                       \
    for (int64_t j = 0; width == 1 && j < n; j++) {                                                \
      const double p = (double)pred[j], t = (double)target[j];                                     \
      (void)t;                                                                                     \
      gpred[j] = (T)((double)gloss[j] * (slope));                                                  \
    }                                                                                              \
    for (int64_t r = 0; width != 1 && r < n;                                                       \
         r++, pred += width, target += width, gpred += width) {                                    \
      const double g = (double)gloss[r] / (divide == MEAN ? (double)width : 1);                    \
      for (int64_t j = 0; j < width; j++) {                                                        \
        const double p = (double)pred[j], t = (double)target[j];                                   \
        gpred[j] = (T)(g * (slope));                                                               \
      }                                                                                            \
    }                                                                                              \
  }
LDB_LOSS_MAP(X)
#undef X

static void NAME(loss_rows)(ldb_loss kind, int64_t n, int64_t width, const T *pred, const T *target,
                            double a, T *loss) {
  switch (kind) {
#define X(code, divide, value, slope)                   \
  case LDB_LOSS_##code:                                 \
    NAME(rows_##code)(n, width, pred, target, a, loss); \
    break;
    LDB_LOSS_MAP(X)
#undef X
  case LDB_LOSS_COUNT:
    break;
  }
}

static void NAME(slope_rows)(ldb_loss kind, int64_t n, int64_t width, const T *pred,
                             const T *target, double a, const T *gloss, T *gpred) {
  switch (kind) {
#define X(code, divide, value, slope)                             \
  case LDB_LOSS_##code:                                           \
    NAME(slopes_##code)(n, width, pred, target, a, gloss, gpred); \
    break;
    LDB_LOSS_MAP(X)
#undef X
  case LDB_LOSS_COUNT:
    break;
  }
}

static bool NAME(zero_one)(int64_t n, const T *target) {
  for (int64_t i = 0; i < n; i++)
    if (target[i] != 0 && target[i] != 1) return false;
  return true;
}

/* |p|, |t| (both at least EPS) and p . t of one row */
LDB_INLINE double NAME(cosine_parts)(int64_t width, const T *p, const T *t, double *np,
                                     double *nt) {
  double dot[WIDE] = {0}, pp[WIDE] = {0}, tt[WIDE] = {0};
  int64_t j = 0;
  for (; j + WIDE <= width; j += WIDE)
    for (int l = 0; l < WIDE; l++) {
      const double a = (double)p[j + l], b = (double)t[j + l];
      dot[l] += a * b;
      pp[l] += a * a;
      tt[l] += b * b;
    }
  for (int l = 0; j < width; j++, l++) {
    const double a = (double)p[j], b = (double)t[j];
    dot[l] += a * b;
    pp[l] += a * a;
    tt[l] += b * b;
  }
  *np = floor_at(sqrt(wide_total(pp)), EPS);
  *nt = floor_at(sqrt(wide_total(tt)), EPS);
  return wide_total(dot);
}

LDB_CLONES static void NAME(cosine_rows)(int64_t n, int64_t width, const T *pred, const T *target,
                                         T *loss) {
  for (int64_t i = 0; i < n; i++) {
    double np = 0, nt = 0;
    const double dot = NAME(cosine_parts)(width, pred + i * width, target + i * width, &np, &nt);
    loss[i] = (T)(-dot / (np * nt));
  }
}

LDB_CLONES static void NAME(cosine_slopes)(int64_t n, int64_t width, const T *pred, const T *target,
                                           const T *gloss, T *gpred) {
  for (int64_t i = 0; i < n; i++) {
    const T *p = pred + i * width, *t = target + i * width;
    double np = 0, nt = 0;
    const double dot = NAME(cosine_parts)(width, p, t, &np, &nt), g = -(double)gloss[i];
    const double along = np == EPS ? 0 : dot / (nt * np * np);
    const double by_t = g / (nt * np), by_p = g * along / np;
    for (int64_t j = 0; j < width; j++)
      gpred[i * width + j] = (T)((double)t[j] * by_t - (double)p[j] * by_p);
  }
}

/* w_j of one row: y_j hit + base, y being NULL for ids. */
typedef struct NAME(row_target) {
  const T *y;
  int64_t id;
  double hit, base;
} NAME(row_target);

LDB_INLINE NAME(row_target) NAME(target_of)(const ldb_distribution *w, int64_t i, int64_t width) {
  return (NAME(row_target)){.y = w->y ? (const T *)w->y + i * width : NULL,
                            .id = w->y ? -1 : ldb_label(w->ids, i),
                            .hit = 1 - w->smoothing,
                            .base = w->smoothing / (double)width};
}

LDB_INLINE double NAME(weight)(const NAME(row_target) * t, int64_t j) {
  return t->base + (t->y ? (double)t->y[j] * t->hit : j == t->id ? t->hit : 0);
}

LDB_INLINE double NAME(row_sum)(int64_t width, const T *p) {
  double lane[WIDE] = {0};
  int64_t j = 0;
  for (; j + WIDE <= width; j += WIDE)
    for (int l = 0; l < WIDE; l++)
      lane[l] += (double)p[j + l];
  for (int l = 0; j < width; j++, l++)
    lane[l] += (double)p[j];
  return wide_total(lane);
}

/* log sum exp z, width > 0; NaN where z holds NaN or +inf, or is all -inf */
LDB_INLINE double NAME(row_lse)(int64_t width, const T *z) {
  const T m = NAME(top)(width, z);
  double sum;
  ROW_SUM(T, NAME(fold), width, sum, NAME(ldb_exp)(z[i] - m));
  return (double)m + log(sum);
}

/* sum w_j (lse - z_j) over w_j other than 0; lse = high + low keeps its digits in T */
LDB_INLINE double NAME(row_of_logits)(int64_t width, const T *z, const NAME(row_target) * t,
                                      double lse) {
  const T high = (T)lse, low = (T)(lse - (double)high), base = (T)t->base, hit = (T)t->hit;
  const T *y = t->y;
  double sum;
  if (y) {
    ROW_SUM(T, NAME(fold), width, sum,
            base + y[i] * hit == 0 ? 0 : (base + y[i] * hit) * ((high - z[i]) + low));
    return sum;
  }
  if (base == 0) {
    sum = 0;
  } else {
    ROW_SUM(T, NAME(fold), width, sum, base * ((high - z[i]) + low));
  }
  return t->hit == 0 ? sum : sum + t->hit * (lse - (double)z[t->id]);
}

LDB_INLINE double NAME(row_of_probabilities)(int64_t width, const T *p, const NAME(row_target) * t,
                                             double norm) {
  /* without smoothing, ids need one term */
  const bool single = !t->y && t->base == 0;
  double sum = 0;
  for (int64_t j = single ? t->id : 0; j < (single ? t->id + 1 : width); j++) {
    const double wj = NAME(weight)(t, j);
    if (wj != 0) sum -= wj * log(clip((double)p[j] / norm, EPS, 1 - EPS));
  }
  return sum;
}

LDB_CLONES static void NAME(crossentropy)(bool logits, int64_t first, int64_t end, int64_t width,
                                          const T *pred, const ldb_distribution *w, double *lse,
                                          T *loss) {
  for (int64_t r = first; r < end; r++) {
    const T *p = pred + r * width;
    const NAME(row_target) t = NAME(target_of)(w, r, width);
    const double norm = logits ? NAME(row_lse)(width, p) : NAME(row_sum)(width, p);
    const double sum = logits ? NAME(row_of_logits)(width, p, &t, norm)
                              : NAME(row_of_probabilities)(width, p, &t, norm);
    if (logits) lse[r] = norm;
    loss[r] = (T)(isnan(norm) ? norm : sum);
  }
}

LDB_INLINE void NAME(slope_of_logits)(int64_t width, const T *restrict z,
                                      const NAME(row_target) * t, double lse, double g,
                                      T *restrict gz) {
  const T high = (T)lse, low = (T)(lse - (double)high), base = (T)t->base, hit = (T)t->hit;
  const T *y = t->y, by = (T)g;
  double total = t->base * (double)width + t->hit;
  if (y) {
    ROW_SUM(T, NAME(fold), width, total, base + y[i] * hit);
    const T sum = (T)total;
    for (int64_t j = 0; j < width; j++)
      gz[j] = by * (NAME(ldb_exp)((z[j] - high) - low) * sum - (base + y[j] * hit));
    return;
  }
  const T sum = (T)total, at = z[t->id];
  for (int64_t j = 0; j < width; j++)
    gz[j] = by * (NAME(ldb_exp)((z[j] - high) - low) * sum - base);
  gz[t->id] = by * (NAME(ldb_exp)((at - high) - low) * sum - (base + hit));
}

LDB_INLINE void NAME(slope_of_probabilities)(int64_t width, const T *restrict p,
                                             const NAME(row_target) * t, double g, T *restrict gp) {
  const double norm = NAME(row_sum)(width, p);
  double dot = 0;
  if (!t->y && t->base == 0 && isfinite(norm) && norm != 0) { /* one class has weight */
    const double q = (double)p[t->id] / norm;
    const bool counts = !outside(q, EPS, 1 - EPS);
    const T rest = (T)(counts ? g * t->hit / norm : g * 0 / norm);
    for (int64_t j = 0; j < width; j++)
      gp[j] = rest;
    if (counts) gp[t->id] = (T)(g * (t->hit - t->hit / q) / norm);
    return;
  }
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

LDB_CLONES static void NAME(crossentropy_slopes)(bool logits, int64_t first, int64_t end,
                                                 int64_t width, const T *pred,
                                                 const ldb_distribution *w, const double *lse,
                                                 const T *gloss, T *gpred) {
  for (int64_t r = first; r < end; r++) {
    const NAME(row_target) t = NAME(target_of)(w, r, width);
    const T *p = pred + r * width;
    T *g = gpred + r * width;
    if (logits)
      NAME(slope_of_logits)(width, p, &t, lse[r], (double)gloss[r], g);
    else
      NAME(slope_of_probabilities)(width, p, &t, (double)gloss[r], g);
  }
}
