#include "kernels/reduce/softmax.h"

#include <math.h>

#include "base/clones.h"
#include "kernels/elementwise/math_inline.h"

enum { CHUNK = 512, BLOCK = 64 };
/* Elements of a task, roughly. */
enum { TASK = 1 << 13 };

static int block_width(int64_t left) {
  return left < BLOCK ? (int)left : BLOCK;
}

#define T float
#define NAME(x) x##_f32
#include "kernels/reduce/softmax_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/reduce/softmax_generic.h"
#undef T
#undef NAME

ldb_axis_split ldb_split_axis(const ldb_view *v, int at) {
  ldb_axis_split s = {1, v->shape[at], 1};
  for (int i = 0; i < at; i++)
    s.outer *= v->shape[i];
  for (int i = at + 1; i < v->rank; i++)
    s.inner *= v->shape[i];
  return s;
}

typedef struct job {
  ldb_dtype t;
  ldb_axis_split s;
  int64_t per; /* outer parts of a task */
  bool as_log, back;
  const void *x, *gy;
  void *y;
} job;

static void run(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const int64_t first = i * j->per, left = j->s.outer - first,
                outer = left < j->per ? left : j->per;
  const int64_t n = j->s.n, inner = j->s.inner, at = first * n * inner;
  (void)worker;
  if (j->t == LDB_F32) {
    const float *x = (const float *)j->x + at;
    float *y = (float *)j->y + at;
    if (j->back)
      softmax_grad_f32(outer, n, inner, j->as_log, x, (const float *)j->gy + at, y);
    else
      softmax_f32(outer, n, inner, j->as_log, x, y);
  } else {
    const double *x = (const double *)j->x + at;
    double *y = (double *)j->y + at;
    if (j->back)
      softmax_grad_f64(outer, n, inner, j->as_log, x, (const double *)j->gy + at, y);
    else
      softmax_f64(outer, n, inner, j->as_log, x, y);
  }
}

static void share(ldb_team *team, job *j) {
  const int64_t part = j->s.n * j->s.inner;
  if (part == 0 || j->s.outer == 0) return;
  j->per = part < TASK ? TASK / part : 1;
  ldb_team_run(team, (j->s.outer + j->per - 1) / j->per, (double)j->s.outer * (double)part, run, j);
}

void ldb_softmax(ldb_team *team, ldb_dtype t, ldb_axis_split s, bool as_log, const void *x,
                 void *y) {
  job j = {.t = t, .s = s, .as_log = as_log, .x = x, .y = y};
  share(team, &j);
}

void ldb_softmax_backward(ldb_team *team, ldb_dtype t, ldb_axis_split s, bool as_log, const void *y,
                          const void *gy, void *gx) {
  job j = {.t = t, .s = s, .as_log = as_log, .back = true, .x = y, .gy = gy, .y = gx};
  share(team, &j);
}
