/*
** The pass that every optimiser makes over a parameter, for one element type: gradient with coupled
** decay, the rule, the new weights, statistics. Included twice by each file of rules, with T the
** element type, BITS an unsigned integer of its size, and NAME(x) the function name for that type.
*/

/* sum (x_i - y_i)^2 over one chunk; y == NULL stands for zeros. */
static double NAME(squares)(size_t n, const T *restrict x, const T *restrict y) {
  double lane[LANES] = {0};
  size_t i = 0;
  if (y == NULL) {
    for (; i + LANES <= n; i += LANES)
      for (size_t l = 0; l < LANES; l++)
        lane[l] += (double)x[i + l] * (double)x[i + l];
  } else {
    for (; i + LANES <= n; i += LANES)
      for (size_t l = 0; l < LANES; l++) {
        const double difference = (double)x[i + l] - (double)y[i + l];
        lane[l] += difference * difference;
      }
  }
  for (size_t l = 0; i < n; i++, l++) {
    const double difference = (double)x[i] - (y == NULL ? 0.0 : (double)y[i]);
    lane[l] += difference * difference;
  }
  return fold(lane);
}

/* How many of n <= CHUNK elements are NaN or infinite; sum is the sum of their squares, which is
   finite when they all are. */
static uint64_t NAME(nonfinite)(size_t n, const T *x, double sum) {
  uint64_t bad = 0;
  if (isfinite(sum)) return 0;
  for (size_t i = 0; i < n; i++)
    bad += (uint64_t)!isfinite(x[i]);
  return bad;
}

static BITS NAME(bits)(T x) {
  BITS b;
  memcpy(&b, &x, sizeof b);
  return b;
}

/* Statistics of one chunk; d is the whole step, weight decay included. */
static void NAME(measure)(size_t n, const T *restrict g, const T *restrict old,
                          const T *restrict now, const T *restrict d, ldb_update_stats *s) {
  const double grad_sq = NAME(squares)(n, g, NULL), weight_sq = NAME(squares)(n, now, NULL);
  s->grad_sq += grad_sq;
  s->update_sq += NAME(squares)(n, now, old);
  s->weight_sq += weight_sq;
  s->nonfinite_grad += NAME(nonfinite)(n, g, grad_sq);
  s->nonfinite_weight += NAME(nonfinite)(n, now, weight_sq);
  BITS zero = 0, same = 0, lost = 0;
  for (size_t i = 0; i < n; i++) {
    const BITS kept = (BITS)(NAME(bits)(old[i]) == NAME(bits)(now[i]));
    zero += (BITS)(g[i] == (T)0);
    same += kept;
    lost += kept & (BITS)(d[i] != (T)0);
  }
  s->grad_zero += zero;
  s->unchanged += same;
  s->underflow += lost;
}

typedef void NAME(rule)(const void *hyper, size_t n, const T *restrict g, T *const slot[3],
                        T *restrict d);

static void NAME(update)(const ldb_parameter *p, NAME(rule) * rule, const void *hyper,
                         void *const slots[3], ldb_update_stats *stats) {
  T *w = p->w;
  const T *g = p->g;
  const T l2 = (T)p->l2, decay = (T)p->decay;
  T d[CHUNK], old[CHUNK], decayed[CHUNK];
  for (size_t at = 0; at < p->n; at += CHUNK) {
    const size_t n = p->n - at < CHUNK ? p->n - at : CHUNK;
    T *slot[3];
    for (int k = 0; k < 3; k++)
      slot[k] = slots[k] == NULL ? NULL : (T *)slots[k] + at;
    memcpy(old, w + at, n * sizeof(T));
    const T *from = g + at;
    if (p->l2 != 0.0) {
      for (size_t i = 0; i < n; i++)
        decayed[i] = g[at + i] + l2 * old[i];
      from = decayed;
    }
    rule(hyper, n, from, slot, d);
    if (p->decay != 0.0) {
      for (size_t i = 0; i < n; i++) {
        w[at + i] = old[i] - old[i] * decay - d[i];
        d[i] += old[i] * decay;
      }
    } else {
      for (size_t i = 0; i < n; i++)
        w[at + i] = old[i] - d[i];
    }
    NAME(measure)(n, g + at, old, w + at, d, stats);
  }
  stats->count += (uint64_t)p->n;
}
