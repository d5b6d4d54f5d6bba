#include "train/update_call.h"

#include <math.h>
#include <string.h>

#include "train/clip.h"

ldb_status ldb_do_update(void *update_call, ldb_error *e) {
  ldb_update_call *c = update_call;
  (void)e;
  memset(&c->stats, 0, sizeof c->stats);
  c->rule->apply(c);
  return LDB_OK;
}

void ldb_update_set(ldb_update_call *c, double lr, uint64_t step) {
  c->rule->set(c, lr, step);
  c->p.l2 = c->decoupled ? 0.0 : c->weight_decay;
  c->p.decay = c->decoupled ? lr * c->weight_decay : 0.0;
}

/* ---- clipping -------------------------------------------------------------------------------- */

static void clip_values(ldb_clip_call *c) {
  c->changed = 0;
  for (size_t i = 0; i < c->n; i++)
    c->changed +=
        ldb_clip_value(c->item[i].dtype, c->item[i].n, c->item[i].data, -c->limit, c->limit);
}

static void clip_norms(ldb_clip_call *c) {
  c->changed = 0;
  for (size_t i = 0; i < c->n; i++) {
    const ldb_flat *t = &c->item[i];
    const double norm = sqrt(ldb_sum_squares(t->dtype, t->n, t->data));
    const double factor = ldb_clip_factor(norm, c->limit, c->flavor, false);
    ldb_scale(t->dtype, t->n, t->data, factor);
    c->changed += factor < 1.0;
  }
}

static void measure(ldb_clip_call *c) {
  double total = 0.0;
  for (size_t i = 0; i < c->n; i++)
    total += ldb_sum_squares(c->item[i].dtype, c->item[i].n, c->item[i].data);
  c->norm = sqrt(total);
}

ldb_status ldb_do_clip(void *clip_call, ldb_error *e) {
  ldb_clip_call *c = clip_call;
  (void)e;
  switch (c->kind) {
  case LDB_CLIP_VALUE:
    clip_values(c);
    break;
  case LDB_CLIP_NORM:
    clip_norms(c);
    break;
  case LDB_CLIP_GLOBAL:
    measure(c);
    c->factor = ldb_clip_factor(c->norm, c->limit, c->flavor, true);
    for (size_t i = 0; i < c->n; i++)
      ldb_scale(c->item[i].dtype, c->item[i].n, c->item[i].data, c->factor);
    break;
  case LDB_CLIP_MEASURE:
    measure(c);
    break;
  }
  return LDB_OK;
}
