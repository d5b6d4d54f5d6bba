#include "graph/plan.h"

#include <string.h>

#include "base/sample.h"
#include "kernels/gather/copy.h"

void ldb_plan_lifetimes(ldb_buffer *b, int32_t n, const ldb_site *site, size_t n_sites) {
  for (int32_t i = 0; i < n; i++) {
    b[i].first = INT32_MAX;
    b[i].last = -1;
  }
  for (size_t k = 0; k < n_sites; k++) {
    ldb_buffer *x = &b[site[k].buffer];
    if (site[k].access == 0) continue;
    if (site[k].instruction < x->first) x->first = site[k].instruction;
    if (site[k].instruction > x->last) x->last = site[k].instruction;
  }
}

/* ---- places ---------------------------------------------------------------------------------- */

static bool in_arena(const ldb_buffer *b) {
  return b->kind == LDB_BUFFER_PASSING || b->kind == LDB_BUFFER_KEPT;
}

static size_t padded(const ldb_buffer *b) {
  const size_t n = b->bytes > 0 ? b->bytes : 1;
  return (n + LDB_ARENA_ALIGN - 1) / LDB_ARENA_ALIGN * LDB_ARENA_ALIGN;
}

static bool meet(const ldb_buffer *a, const ldb_buffer *b) {
  if (a->kind == LDB_BUFFER_KEPT || b->kind == LDB_BUFFER_KEPT) return true;
  return a->first <= b->last && b->first <= a->last;
}

/* x before y: the larger, then the one that lives longer, then the earlier. */
static bool before(const ldb_buffer *b, int32_t x, int32_t y) {
  if (padded(&b[x]) != padded(&b[y])) return padded(&b[x]) > padded(&b[y]);
  const int32_t lx = b[x].last - b[x].first, ly = b[y].last - b[y].first;
  return lx != ly ? lx > ly : x < y;
}

static void sift(const ldb_buffer *b, int32_t *a, int32_t i, int32_t n) {
  for (int32_t child = 2 * i + 1; child < n; i = child, child = 2 * i + 1) {
    if (child + 1 < n && before(b, a[child], a[child + 1])) child++;
    if (before(b, a[child], a[i])) return;
    const int32_t t = a[i];
    a[i] = a[child];
    a[child] = t;
  }
}

static void sort(const ldb_buffer *b, int32_t *a, int32_t n) {
  for (int32_t i = n / 2 - 1; i >= 0; i--)
    sift(b, a, i, n);
  for (int32_t m = n - 1; m > 0; m--) {
    const int32_t t = a[0];
    a[0] = a[m];
    a[m] = t;
    sift(b, a, 0, m);
  }
}

/* The smallest gap for x among the placed buffers, which are in the order of their offsets. */
static size_t find_gap(const ldb_buffer *b, const int32_t *placed, int32_t n, const ldb_buffer *x) {
  size_t end = 0, best = SIZE_MAX, best_gap = SIZE_MAX;
  const size_t need = padded(x);
  for (int32_t i = 0; i < n; i++) {
    const ldb_buffer *y = &b[placed[i]];
    if (!meet(x, y)) continue;
    if (y->offset >= end && y->offset - end >= need && y->offset - end < best_gap) {
      best_gap = y->offset - end;
      best = end;
    }
    if (y->offset + padded(y) > end) end = y->offset + padded(y);
  }
  return best != SIZE_MAX ? best : end;
}

size_t ldb_plan_place(ldb_buffer *b, int32_t n, int32_t *order) {
  int32_t wanted = 0, done = 0, *placed = order + n;
  size_t total = 0;
  for (int32_t i = 0; i < n; i++)
    if (in_arena(&b[i]) && (b[i].first <= b[i].last || b[i].kind == LDB_BUFFER_KEPT))
      order[wanted++] = i;
    else
      b[i].offset = 0;
  sort(b, order, wanted);
  for (int32_t k = 0; k < wanted; k++) {
    ldb_buffer *x = &b[order[k]];
    x->offset = find_gap(b, placed, done, x);
    int32_t at = done++;
    for (; at > 0 && b[placed[at - 1]].offset > x->offset; at--)
      placed[at] = placed[at - 1];
    placed[at] = order[k];
    if (x->offset + padded(x) > total) total = x->offset + padded(x);
  }
  return total;
}

size_t ldb_plan_sum(const ldb_buffer *b, int32_t n) {
  size_t total = 0;
  for (int32_t i = 0; i < n; i++)
    if (in_arena(&b[i])) total += padded(&b[i]);
  return total;
}

/* ---- pointers -------------------------------------------------------------------------------- */

static void write_pointer(const ldb_instruction *list, const ldb_site *s, unsigned char *data) {
  void *p = data + s->delta;
  memcpy((unsigned char *)list[s->instruction].arg + s->place, &p, sizeof p);
}

void ldb_plan_locate(ldb_buffer *b, int32_t n, unsigned char *arena, const ldb_instruction *list,
                     const ldb_site *site, size_t n_sites) {
  for (int32_t i = 0; i < n; i++)
    if (in_arena(&b[i])) b[i].data = arena + b[i].offset;
  for (size_t k = 0; k < n_sites; k++)
    write_pointer(list, &site[k], b[site[k].buffer].data);
}

void ldb_plan_bind(const ldb_instruction *list, const ldb_site *site, size_t n_sites,
                   unsigned char *data) {
  for (size_t k = 0; k < n_sites; k++)
    write_pointer(list, &site[k], data);
}

ldb_status ldb_plan_run(const ldb_instruction *list, int32_t from, int32_t to, int32_t *at,
                        ldb_error *e) {
  for (int32_t i = from; i < to; i++) {
    const ldb_instruction *x = &list[i];
    const ldb_status s = x->compute ? x->compute(x->arg, e) : x->step(x->arg, e);
    if (s != LDB_OK) {
      *at = i;
      return s;
    }
  }
  return LDB_OK;
}

/* ---- instructions ---------------------------------------------------------------------------- */

ldb_status ldb_do_fill(void *fill_step, ldb_error *e) {
  const ldb_fill_step *s = fill_step;
  (void)e;
  ldb_fill_view(&s->to, s->value);
  return LDB_OK;
}

ldb_status ldb_do_copy(void *copy_step, ldb_error *e) {
  const ldb_copy_step *s = copy_step;
  (void)e;
  ldb_copy_view(&s->from, &s->to);
  return LDB_OK;
}

ldb_status ldb_do_sample(void *sample_step, ldb_error *e) {
  const ldb_sample_step *s = sample_step;
  const ldb_rng r = {s->seed, s->stream};
  (void)e;
  switch (s->kind) {
  case LDB_SAMPLE_UNIFORM:
    ldb_sample_uniform(&r, s->dtype, s->n, s->data, s->a, s->b);
    break;
  case LDB_SAMPLE_NORMAL:
    ldb_sample_normal(&r, s->dtype, s->n, s->data, s->a, s->b);
    break;
  case LDB_SAMPLE_TRUNCATED_NORMAL:
    ldb_sample_truncated_normal(&r, s->dtype, s->n, s->data, s->a, s->b);
    break;
  case LDB_SAMPLE_PERMUTATION:
    ldb_sample_permutation(&r, s->n, s->data);
    break;
  }
  return LDB_OK;
}

ldb_status ldb_do_mark(void *arg, ldb_error *e) {
  const ldb_mark_step *m = arg;
  const double x = m->value.dtype == LDB_F64 ? *(const double *)m->value.data
                                             : (double)*(const float *)m->value.data;
  return x - x == 0.0 ? LDB_OK : ldb_fail(e, LDB_STATE, "the value is not finite");
}
