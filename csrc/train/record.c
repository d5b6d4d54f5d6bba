#include "train/record.h"

#include <math.h>

#include "kernels/reduce/lean_stats.h"

static double *layer_series(const ldb_record *r, int64_t layer, int kind) {
  return r->series + (layer * LDB_LAYER_SERIES + kind) * r->capacity;
}

static double *output_series(const ldb_record *r, int64_t output, int kind) {
  return r->output_series + (output * LDB_OUT_SERIES + kind) * r->capacity;
}

/* Keeps entries 0, 2, 4, ... and returns their number. */
static int64_t thin(double *list, int64_t n) {
  int64_t kept = 0;
  for (int64_t i = 0; i < n; i += 2)
    list[kept++] = list[i];
  return kept;
}

static void thin_all(ldb_record *r) {
  for (int64_t l = 0; l < r->layers; l++) {
    int64_t n = 0;
    for (int k = 0; k < LDB_LAYER_SERIES; k++)
      n = thin(layer_series(r, l, k), (int64_t)r->total[l].kept);
    r->total[l].kept = (double)n;
  }
  for (int64_t o = 0; o < r->outputs; o++) {
    int64_t n = 0;
    for (int k = 0; k < LDB_OUT_SERIES; k++)
      n = thin(output_series(r, o, k), (int64_t)r->output_total[o].kept);
    r->output_total[o].kept = (double)n;
  }
  r->stride *= 2;
  r->kept = (r->kept + 1) / 2;
}

/* Sums the parameters into their layers. */
static void collect(ldb_record *r, double step) {
  for (int64_t p = 0; p < r->parameters; p++) {
    const ldb_update_row *row = &r->updates[p];
    const ldb_update_stats *s = &row->stats;
    if (row->state == LDB_UPDATE_NONE) continue;
    ldb_layer_total *t = &r->total[r->layer_of[p]];
    if (t->last != step) {
      t->last = step;
      t->grad_sq = t->update_sq = t->weight_sq = t->unchanged = t->nonfinite = 0;
    }
    t->grad_sq += s->grad_sq;
    t->update_sq += s->update_sq;
    t->weight_sq += s->weight_sq;
    t->unchanged += (double)s->unchanged;
    t->underflow += (double)s->underflow;
    t->nonfinite += (double)s->nonfinite_grad + (double)s->nonfinite_weight;
    t->waiting = row->state == LDB_UPDATE_WAITING;
  }
}

static void keep_layer(const ldb_record *r, int64_t l) {
  ldb_layer_total *t = &r->total[l];
  const int64_t n = (int64_t)t->kept;
  const double update = sqrt(t->update_sq), weight = sqrt(t->weight_sq);
  layer_series(r, l, LDB_LAYER_GRAD_NORM)[n] = sqrt(t->grad_sq);
  layer_series(r, l, LDB_LAYER_UPDATE_NORM)[n] = update;
  layer_series(r, l, LDB_LAYER_WEIGHT_NORM)[n] = weight;
  layer_series(r, l, LDB_LAYER_RATIO)[n] = weight > 0 ? update / weight : update > 0 ? 1 : 0;
  t->kept++;
}

static void keep_outputs(const ldb_record *r, bool sampled) {
  for (int64_t o = 0; o < r->outputs; o++) {
    const double *row = r->seen + o * LDB_OUTPUT_ROW, count = row[LDB_OUTPUT_COUNT];
    ldb_output_total *t = &r->output_total[o];
    if (count == 0) continue;
    t->steps++;
    if (row[LDB_OUTPUT_NONFINITE] > 0 && t->first_nonfinite_step == 0)
      t->first_nonfinite_step = (double)r->step;
    if (!sampled) continue;
    const double mean = row[LDB_OUTPUT_SUM] / count;
    const double variance = row[LDB_OUTPUT_SUM_SQ] / count - mean * mean;
    const int64_t n = (int64_t)t->kept;
    output_series(r, o, LDB_OUT_MEAN)[n] = mean;
    output_series(r, o, LDB_OUT_STD)[n] = variance < 0 ? 0 : sqrt(variance);
    output_series(r, o, LDB_OUT_ZEROS)[n] = row[LDB_OUTPUT_ZEROS] / count;
    t->kept++;
  }
}

/* What the layers did in this step; returns the first that is not finite for the first time. */
static int64_t add_layers(ldb_record *r, bool sampled) {
  double grad = 0, update = 0, weight = 0, *ratio = r->history + LDB_STEP_RATIO * r->room;
  int64_t first_bad = -1, at = r->step - 1;
  bool waiting = false;
  for (int64_t l = 0; l < r->layers; l++) {
    ldb_layer_total *t = &r->total[l];
    if (t->last != (double)r->step) continue;
    t->steps++;
    grad += t->grad_sq;
    update += t->update_sq;
    weight += t->weight_sq;
    t->zero += t->grad_sq == 0;
    t->same += t->unchanged == t->size;
    if (t->nonfinite > 0 && t->first_nonfinite_step == 0) {
      t->first_nonfinite_step = (double)r->step;
      if (first_bad < 0) first_bad = l;
    }
    if (sampled && t->waiting == 0) keep_layer(r, l);
    waiting = waiting || t->waiting != 0;
  }
  r->history[LDB_STEP_GRAD_NORM * r->room + at] = sqrt(grad);
  ratio[at] = waiting && at > 0 && ratio[at - 1] != LDB_NO_STEP ? ratio[at - 1]
              : weight > 0                                      ? sqrt(update / weight)
                                                                : 0;
  return first_bad;
}

int64_t ldb_record_step(ldb_record *r, double loss, double lr, bool updated) {
  const int64_t at = r->step++;
  const bool sampled = at % r->stride == 0;
  r->history[LDB_STEP_LOSS * r->room + at] = loss;
  r->history[LDB_STEP_LR * r->room + at] = lr;
  r->history[LDB_STEP_GRAD_NORM * r->room + at] = NAN;
  r->history[LDB_STEP_RATIO * r->room + at] = NAN;
  if (!updated) return -1;
  collect(r, (double)r->step);
  const int64_t first_bad = add_layers(r, sampled);
  keep_outputs(r, sampled);
  if (sampled && ++r->kept >= LDB_RECORD_CAPACITY) thin_all(r);
  return first_bad;
}

void ldb_record_clear(ldb_record *r) {
  for (int64_t p = 0; p < r->parameters; p++)
    r->updates[p].state = LDB_UPDATE_NONE;
  for (int64_t o = 0; o < r->outputs; o++)
    r->seen[o * LDB_OUTPUT_ROW + LDB_OUTPUT_COUNT] = 0;
}

int64_t ldb_record_capacity(const ldb_record *r, int64_t n) {
  const int64_t wanted = r->kept + n + 1;
  return wanted < LDB_RECORD_CAPACITY ? wanted : LDB_RECORD_CAPACITY;
}

ldb_status ldb_do_output(void *arg, ldb_error *e) {
  const ldb_output_step *o = arg;
  ldb_lean found;
  (void)e;
  ldb_lean_stats(o->team, ldb_view_count(&o->x), o->x.data, &found);
  o->row[LDB_OUTPUT_COUNT] = (double)found.count;
  o->row[LDB_OUTPUT_SUM] = found.sum;
  o->row[LDB_OUTPUT_SUM_SQ] = found.sum_sq;
  o->row[LDB_OUTPUT_MIN] = found.min;
  o->row[LDB_OUTPUT_MAX] = found.max;
  o->row[LDB_OUTPUT_ZEROS] = (double)found.zeros;
  o->row[LDB_OUTPUT_NONFINITE] = (double)found.nonfinite;
  return LDB_OK;
}
