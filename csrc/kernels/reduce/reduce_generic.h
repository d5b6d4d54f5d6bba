/*
** Reductions for one element type; included by reduce.c with T and NAME(x) defined.
*/

#define INIT 0
#define PASS(x) NAME(sum_##x)
#define STEP(a, v, c) ((a) + (v))
#define MERGE(a, b) ((a) + (b))
#include "kernels/reduce/reduce_pass.h"
#undef PASS
#undef STEP
#define PASS(x) NAME(squares_##x)
#define STEP(a, v, c) ((a) + (v) * (v))
#include "kernels/reduce/reduce_pass.h"
#undef PASS
#undef STEP
#define PASS(x) NAME(centred_##x)
#define STEP(a, v, c) ((a) + ((v) - (c)) * ((v) - (c)))
#include "kernels/reduce/reduce_pass.h"
#undef PASS
#undef STEP
#define PASS(x) NAME(exps_##x)
#define STEP(a, v, c) ((a) + NAME(exp_of)((v) - (c)))
#include "kernels/reduce/reduce_pass.h"
#undef PASS
#undef STEP
#undef MERGE
#undef INIT

#define INIT 1
#define PASS(x) NAME(prod_##x)
#define STEP(a, v, c) ((a) * (v))
#define MERGE(a, b) ((a) * (b))
#include "kernels/reduce/reduce_pass.h"
#undef PASS
#undef STEP
#undef MERGE
#undef INIT

/* a NaN value replaces a, and compares false with every later value */
#define INIT (-HUGE_VAL)
#define PASS(x) NAME(max_##x)
#define STEP(a, v, c) ((v) > (a) || (v) != (v) ? (v) : (a))
#define MERGE(a, b) STEP(a, b, 0)
#include "kernels/reduce/reduce_pass.h"
#undef PASS
#undef STEP
#undef INIT
#define INIT HUGE_VAL
#define PASS(x) NAME(min_##x)
#define STEP(a, v, c) ((v) < (a) || (v) != (v) ? (v) : (a))
#include "kernels/reduce/reduce_pass.h"
#undef PASS
#undef STEP
#undef MERGE
#undef INIT

/* `width` results, whose first elements are `step` apart from x on, into out. */
static void NAME(reduce_block)(ldb_reduction kind, const layout *g, const void *data,
                               int64_t offset, int width, int64_t step, double ddof, double *out) {
  const T *x = (const T *)data + offset;
  const double n = (double)g->count;
  double shift[REDUCE_BLOCK] = {0};
  switch (kind) {
  case LDB_REDUCE_SUM:
  case LDB_REDUCE_MEAN:
    NAME(sum_pass)(g, x, width, step, shift, out);
    break;
  case LDB_REDUCE_PROD:
    NAME(prod_pass)(g, x, width, step, shift, out);
    break;
  case LDB_REDUCE_MAX:
    NAME(max_pass)(g, x, width, step, shift, out);
    break;
  case LDB_REDUCE_MIN:
    NAME(min_pass)(g, x, width, step, shift, out);
    break;
  case LDB_REDUCE_SUM_SQUARES:
  case LDB_REDUCE_NORM:
    NAME(squares_pass)(g, x, width, step, shift, out);
    break;
  case LDB_REDUCE_VAR:
    NAME(sum_pass)(g, x, width, step, shift, out);
    for (int o = 0; o < width; o++)
      shift[o] = out[o] / n;
    NAME(centred_pass)(g, x, width, step, shift, out);
    break;
  case LDB_REDUCE_LOGSUMEXP:
    NAME(max_pass)(g, x, width, step, shift, out);
    for (int o = 0; o < width; o++)
      shift[o] = isinf(out[o]) ? 0 : out[o];
    NAME(exps_pass)(g, x, width, step, shift, out);
    break;
  }
  for (int o = 0; o < width; o++) {
    if (kind == LDB_REDUCE_MEAN) out[o] /= n;
    if (kind == LDB_REDUCE_NORM) out[o] = sqrt(out[o]);
    if (kind == LDB_REDUCE_VAR) out[o] /= n > ddof ? n - ddof : 0;
    if (kind == LDB_REDUCE_LOGSUMEXP) out[o] = shift[o] + log(out[o]);
  }
}

static void NAME(arg_line)(bool largest, const void *data, int64_t offset, int64_t n,
                           int64_t stride, int32_t *out) {
  const T *x = (const T *)data + offset;
  T b = x[0];
  int64_t best = 0;
  /* beside a b that is no NaN, the negated comparisons are true for NaN as well */
  for (int64_t i = 1; i < n && !isnan((double)b); i++) {
    const T v = x[i * stride];
    if (largest ? !(v <= b) : !(v >= b)) {
      best = i;
      b = v;
    }
  }
  *out = (int32_t)(best + 1);
}
