/*
** The pass that every optimiser makes over a parameter, for one element type: gradient with coupled
** decay, the rule, the new weights, statistics. Included twice by each file of rules, with T the
** element type, BITS an unsigned integer of its size, NAME(x) the function name for that type, and
** LEAST a sum below which squares of T lose digits.
*/

/* Coefficients of the rules in T; each rule says what it reads. */
typedef struct NAME(rates) {
  T lr, keep, take, keep2, take2, inside, outside;
} NAME(rates);

/* Statistics of a block: sums of squares and least squares of g, of w_new - w_old, of w_new. */
typedef struct NAME(lanes) {
  T grad[LANES], moved[LANES], weight[LANES], least_grad[LANES], least_moved[LANES];
} NAME(lanes);

/* The same, gathered. */
typedef struct NAME(seen) {
  double grad, moved, weight;
  T least_grad, least_moved;
} NAME(seen);

/* What a block had before, and its whole step, weight decay included. */
typedef struct NAME(kept) {
  T was[BLOCK], step[BLOCK];
} NAME(kept);

typedef void NAME(loop)(const NAME(rates) * rates, int64_t n, const T *restrict g,
                        const T *restrict shrink, T *restrict w, T *restrict s0, T *restrict s1,
                        T *restrict s2, NAME(kept) *restrict k, NAME(seen) *restrict out);
typedef struct NAME(rule) {
  NAME(loop) * update, *measure;
} NAME(rule);

/* sum (x_i - y_i)^2; y == NULL stands for zeros. */
LDB_CLONES static double NAME(squares)(int64_t n, const T *restrict x, const T *restrict y) {
  double lane[LANES / 2] = {0};
  int64_t i = 0;
  if (y == NULL) {
    for (; i + LANES / 2 <= n; i += LANES / 2)
      for (int l = 0; l < LANES / 2; l++)
        lane[l] += (double)x[i + l] * (double)x[i + l];
  } else {
    for (; i + LANES / 2 <= n; i += LANES / 2)
      for (int l = 0; l < LANES / 2; l++) {
        const double difference = (double)x[i + l] - (double)y[i + l];
        lane[l] += difference * difference;
      }
  }
  for (int l = 0; i < n; i++, l++) {
    const double difference = (double)x[i] - (y == NULL ? 0.0 : (double)y[i]);
    lane[l] += difference * difference;
  }
  return fold(lane);
}

LDB_INLINE double NAME(total)(const T x[LANES]) {
  double lane[LANES / 2];
  for (int l = 0; l < LANES / 2; l++)
    lane[l] = (double)x[l] + (double)x[l + LANES / 2];
  return fold(lane);
}

LDB_INLINE T NAME(least)(const T x[LANES]) {
  T low[LANES / 2];
  for (int l = 0; l < LANES / 2; l++)
    low[l] = x[l] < x[l + LANES / 2] ? x[l] : x[l + LANES / 2];
  for (int l = 0; l < LANES / 4; l++)
    low[l] = low[l] < low[l + LANES / 4] ? low[l] : low[l + LANES / 4];
  for (int l = 1; l < LANES / 4; l++)
    low[0] = low[l] < low[0] ? low[l] : low[0];
  return low[0];
}

LDB_INLINE NAME(seen) NAME(gather)(const NAME(lanes) * a) {
  return (NAME(seen)){.grad = NAME(total)(a->grad),
                      .moved = NAME(total)(a->moved),
                      .weight = NAME(total)(a->weight),
                      .least_grad = NAME(least)(a->least_grad),
                      .least_moved = NAME(least)(a->least_moved)};
}

/* How many of n elements are NaN or infinite; sum is the sum of their squares, which is finite when
   they all are. */
static uint64_t NAME(nonfinite)(int64_t n, const T *x, double sum) {
  uint64_t bad = 0;
  if (isfinite(sum)) return 0;
  for (int64_t i = 0; i < n; i++)
    bad += (uint64_t)!isfinite(x[i]);
  return bad;
}

static inline BITS NAME(bits)(T x) {
  BITS b;
  memcpy(&b, &x, sizeof b);
  return b;
}

LDB_CLONES static void NAME(count)(int64_t n, const T *restrict g, const T *restrict now,
                                   const NAME(kept) *restrict k, ldb_update_stats *s) {
  BITS zero = 0, same = 0, lost = 0;
  for (int64_t i = 0; i < n; i++) {
    const BITS kept = (BITS)(NAME(bits)(k->was[i]) == NAME(bits)(now[i]));
    zero += (BITS)(g[i] == 0);
    same += kept;
    lost += kept & (BITS)(k->step[i] != 0);
  }
  s->grad_zero += zero;
  s->unchanged += same;
  s->underflow += lost;
}

static bool NAME(holds)(double sum) {
  return sum >= LEAST && isfinite(sum);
}

/* direct: the lanes saw g itself, not g with decay */
static void NAME(add_block)(int64_t n, const T *g, const T *now, const NAME(kept) * k,
                            const NAME(seen) * a, bool direct, ldb_update_stats *s) {
  double grad = a->grad, moved = a->moved, weight = a->weight;
  const bool plain = direct && NAME(holds)(grad);
  if (!plain) grad = NAME(squares)(n, g, NULL);
  if (!plain || !isfinite(moved) || a->least_grad == 0 || a->least_moved == 0)
    NAME(count)(n, g, now, k, s);
  if (!NAME(holds)(moved)) moved = NAME(squares)(n, now, k->was);
  if (!NAME(holds)(weight)) weight = NAME(squares)(n, now, NULL);
  s->grad_sq += grad;
  s->update_sq += moved;
  s->weight_sq += weight;
  s->nonfinite_grad += NAME(nonfinite)(n, g, grad);
  s->nonfinite_weight += NAME(nonfinite)(n, now, weight);
}

/* A wave of tasks: TASK elements each, from `first` on. */
typedef struct NAME(pass) {
  const ldb_parameter *p;
  const NAME(rule) * rule;
  const NAME(rates) * rates;
  void *const *slots;
  int64_t first;
  ldb_update_stats *part; /* of each task, or NULL */
} NAME(pass);

static void NAME(task)(void *arg, int64_t task, int worker) {
  const NAME(pass) *pass = arg;
  const ldb_parameter *p = pass->p;
  const T l2 = (T)p->l2, decay = (T)p->decay;
  const int64_t from = pass->first + task * TASK;
  const int64_t to = from + TASK < (int64_t)p->n ? from + TASK : (int64_t)p->n;
  _Alignas(LINE) NAME(kept) kept; /* vectors that cross lines of the cache take twice as long */
  NAME(seen) seen;
  _Alignas(LINE) T shrink[BLOCK], decayed[BLOCK];
  (void)worker;
  memset(shrink, 0, (size_t)(to - from < BLOCK ? to - from : BLOCK) * sizeof(T));
  for (int64_t at = from; at < to; at += BLOCK) {
    const int64_t n = to - at < BLOCK ? to - at : BLOCK;
    const T *g = (const T *)p->g + at, *used = g;
    T *w = (T *)p->w + at, *s[3];
    for (int k = 0; k < 3; k++)
      s[k] = pass->slots[k] == NULL ? NULL : (T *)pass->slots[k] + at;
    if (p->l2 != 0.0) {
      for (int64_t i = 0; i < n; i++)
        decayed[i] = g[i] + l2 * w[i];
      used = decayed;
    }
    if (p->decay != 0.0)
      for (int64_t i = 0; i < n; i++)
        shrink[i] = w[i] * decay;
    if (pass->part == NULL) {
      pass->rule->update(pass->rates, n, used, shrink, w, s[0], s[1], s[2], &kept, &seen);
    } else {
      pass->rule->measure(pass->rates, n, used, shrink, w, s[0], s[1], s[2], &kept, &seen);
      NAME(add_block)(n, g, w, &kept, &seen, used == g, &pass->part[task]);
    }
  }
}

static void NAME(update)(const ldb_parameter *p, const NAME(rule) * rule, const NAME(rates) * rates,
                         void *const slots[3], ldb_update_stats *stats) {
  const int64_t n = (int64_t)p->n, tasks = (n + TASK - 1) / TASK;
  ldb_update_stats part[WAVE];
  NAME(pass) pass = {p, rule, rates, slots, 0, stats == NULL ? NULL : part};
  for (int64_t at = 0; at < tasks; at += WAVE) {
    const int64_t wave = tasks - at < WAVE ? tasks - at : WAVE;
    pass.first = at * TASK;
    if (stats != NULL) memset(part, 0, (size_t)wave * sizeof part[0]);
    if (tasks == 1)
      NAME(task)(&pass, 0, 0);
    else
      ldb_team_run(p->team, wave, 0.5 * TASK * (double)wave, NAME(task), &pass);
    for (int64_t i = 0; i < wave && stats != NULL; i++)
      add_stats(stats, &part[i]);
  }
  if (stats != NULL) stats->count += (uint64_t)p->n;
}
