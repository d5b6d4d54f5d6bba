#include "train/score.h"

#include <math.h>
#include <stdbool.h>

static int64_t width_of(const ldb_view *v) {
  return v->rank > 1 ? v->shape[v->rank - 1] : 1;
}

static bool is_regression(ldb_score_kind k) {
  return k == LDB_SCORE_ABSOLUTE || k == LDB_SCORE_SQUARE || k == LDB_SCORE_R2;
}

size_t ldb_score_state(ldb_score_kind kind, const ldb_view *prediction) {
  return kind == LDB_SCORE_R2 ? 1 + 3 * (size_t)width_of(prediction) : 2;
}

static bool right_types(const ldb_score *s, const ldb_view *p, const ldb_view *t) {
  if (p->dtype == LDB_I32) return false;
  return s->kind == LDB_SCORE_SPARSE ? t->dtype == LDB_I32 : t->dtype == p->dtype;
}

static bool right_sizes(const ldb_score *s, const ldb_view *p, const ldb_view *t) {
  const int64_t n = ldb_view_count(p), m = ldb_view_count(t);
  if (p->rank < 1 || n < 1) return false;
  if (s->kind == LDB_SCORE_SPARSE) return p->rank > 1 && m * width_of(p) == n;
  return m == n;
}

ldb_status ldb_score_check(const ldb_score *s, const ldb_view *prediction, const ldb_view *target,
                           ldb_error *e) {
  if (!right_types(s, prediction, target))
    return ldb_fail(e, LDB_DTYPE, "predictions and targets of these types are not compared");
  if (!right_sizes(s, prediction, target))
    return ldb_fail(e, LDB_SHAPE, "there are %lld values of predictions and %lld of targets",
                    (long long)ldb_view_count(prediction), (long long)ldb_view_count(target));
  if (!ldb_view_is_contiguous(prediction) || !ldb_view_is_contiguous(target))
    return ldb_fail(e, LDB_SHAPE, "predictions and targets must be contiguous");
  return LDB_OK;
}

static double value(const ldb_view *v, int64_t i) {
  if (v->dtype == LDB_F64) return ((const double *)v->data)[i];
  return v->dtype == LDB_F32 ? (double)((const float *)v->data)[i]
                             : (double)((const int32_t *)v->data)[i];
}

/* Place of the first greatest of n values from `at` on; -1 where one is NaN. */
static int64_t greatest(const ldb_view *v, int64_t at, int64_t n) {
  int64_t best = 0;
  double top = value(v, at);
  if (top != top) return -1;
  for (int64_t k = 1; k < n; k++) {
    const double x = value(v, at + k);
    if (x != x) return -1;
    if (x > top) {
      top = x;
      best = k;
    }
  }
  return best;
}

/* Of the rows of classes: how many are right. */
static int64_t right_rows(const ldb_score *s, const ldb_view *p, const ldb_view *t) {
  const int64_t classes = p->shape[p->rank - 1], n = ldb_view_count(p) / classes;
  int64_t right = 0;
  for (int64_t i = 0; i < n; i++) {
    const int64_t said = greatest(p, i * classes, classes);
    if (s->kind == LDB_SCORE_SPARSE)
      right += said >= 0 && said == ((const int32_t *)t->data)[i];
    else
      right += said >= 0 && said == greatest(t, i * classes, classes);
  }
  return right;
}

static int64_t right_values(const ldb_score *s, const ldb_view *p, const ldb_view *t) {
  const int64_t n = ldb_view_count(p);
  const double edge = s->kind == LDB_SCORE_BINARY ? 0.5 : 0.0;
  const double threshold = p->dtype == LDB_F32 ? (double)(float)s->threshold : s->threshold;
  int64_t right = 0;
  for (int64_t i = 0; i < n; i++) {
    const double x = value(p, i);
    right += x == x && (x > threshold) == (value(t, i) > edge);
  }
  return right;
}

static double error_sum(const ldb_score *s, const ldb_view *p, const ldb_view *t) {
  const int64_t n = ldb_view_count(p);
  double sum = 0.0;
  for (int64_t i = 0; i < n; i++) {
    const double d = value(p, i) - value(t, i);
    sum += s->kind == LDB_SCORE_SQUARE ? d * d : fabs(d);
  }
  return sum;
}

static void add_r2(const ldb_view *p, const ldb_view *t, double *state) {
  const int64_t width = width_of(p), n = ldb_view_count(p) / width;
  const double seen = state[0], total = seen + (double)n;
  for (int64_t j = 0; j < width; j++) {
    double *column = state + 1 + 3 * j, residual = 0.0, sum = 0.0, square = 0.0;
    for (int64_t i = 0; i < n; i++) {
      const double y = value(t, i * width + j), d = value(p, i * width + j) - y;
      residual += d * d;
      sum += y;
    }
    const double mean = sum / (double)n, gap = mean - column[1];
    for (int64_t i = 0; i < n; i++) {
      const double d = value(t, i * width + j) - mean;
      square += d * d;
    }
    column[0] += residual;
    column[1] += gap * (double)n / total;
    column[2] += square + gap * gap * seen * (double)n / total;
  }
  state[0] = total;
}

void ldb_score_add(const ldb_score *s, const ldb_view *prediction, const ldb_view *target,
                   double *state) {
  if (s->kind == LDB_SCORE_R2) {
    add_r2(prediction, target, state);
    return;
  }
  const int64_t count = ldb_view_count(prediction), rows = prediction->shape[0];
  double mean;
  if (is_regression(s->kind))
    mean = error_sum(s, prediction, target) / (double)count;
  else if (s->kind == LDB_SCORE_BINARY || s->kind == LDB_SCORE_SIGNS)
    mean = (double)right_values(s, prediction, target) / (double)count;
  else
    mean = (double)right_rows(s, prediction, target) /
           (double)(count / prediction->shape[prediction->rank - 1]);
  state[0] += mean * (double)rows;
  state[1] += (double)rows;
}
