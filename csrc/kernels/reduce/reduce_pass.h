/*
** One pass over the data for up to REDUCE_BLOCK results at once; included by reduce_generic.h for
** each kind with PASS(x) = function name, INIT = neutral element, STEP(a, v, c) = a after seeing
** the value v (c: shift of this result), MERGE(a, b) = two lanes into one. T is the element type.
*/

/* n elements side by side, a multiple of LANES, of which the first belongs to lane 0. */
CLONES static void PASS(dense)(double acc[LANES], const T *restrict x, int64_t n, double c) {
  double a[LANES];
  (void)c;
  memcpy(a, acc, sizeof a);
  for (int64_t i = 0; i < n; i += LANES)
    for (int l = 0; l < LANES; l++)
      a[l] = STEP(a[l], (double)x[i + l], c);
  memcpy(acc, a, sizeof a);
}

/* n elements, `stride` apart, of which the first belongs to lane `lane`. */
static void PASS(run)(double acc[LANES], const T *x, int64_t n, int64_t stride, int lane,
                      double c) {
  double a[LANES];
  int64_t i = 0;
  (void)c;
  memcpy(a, acc, sizeof a);
  for (; i < n && lane < LANES && lane > 0; i++, lane++)
    a[lane] = STEP(a[lane], (double)x[i * stride], c);
  if (stride == 1 && n - i >= LANES) {
    const int64_t whole = (n - i) / LANES * LANES;
    PASS(dense)(a, x + i, whole, c);
    i += whole;
  }
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++)
      a[l] = STEP(a[l], (double)x[(i + l) * stride], c);
  for (int l = 0; i < n; i++, l++)
    a[l] = STEP(a[l], (double)x[i * stride], c);
  memcpy(acc, a, sizeof a);
}

LDB_INLINE double PASS(tree)(const double a[LANES]) {
  double b0 = MERGE(a[0], a[1]), b1 = MERGE(a[2], a[3]);
  double b2 = MERGE(a[4], a[5]), b3 = MERGE(a[6], a[7]);
  b0 = MERGE(b0, b1);
  b2 = MERGE(b2, b3);
  return MERGE(b0, b2);
}

/* One result after the other: best where the reduced axis is the dense one. */
static void PASS(by_result)(const layout *g, const T *x, int width, int64_t step,
                            const double *shift, double *out) {
  const int64_t n = g->n_reduced ? g->reduced[g->n_reduced - 1].size : 1;
  const int64_t stride = g->n_reduced ? g->reduced[g->n_reduced - 1].stride : 1;
  for (int o = 0; o < width; o++) {
    double acc[LANES];
    int64_t index[LDB_MAX_RANK] = {0}, offset = 0, seen = 0;
    for (int l = 0; l < LANES; l++)
      acc[l] = INIT;
    if (g->count > 0) {
      do {
        PASS(run)(acc, x + o * step + offset, n, stride, (int)(seen % LANES), shift[o]);
        seen += n;
      } while (next_index(g->reduced, g->n_reduced - 1, index, &offset));
    }
    out[o] = PASS(tree)(acc);
  }
}

/* All results of the block side by side: best where the axis that stays is the dense one. */
CLONES static void PASS(side_by_side)(const layout *g, const T *x, int width, int64_t step,
                                      const double *shift, double *out) {
  double acc[LANES][REDUCE_BLOCK];
  int64_t index[LDB_MAX_RANK] = {0}, offset = 0;
  unsigned lane = 0;
  (void)shift;
  for (int l = 0; l < LANES; l++)
    for (int o = 0; o < width; o++)
      acc[l][o] = INIT;
  do {
    double *a = acc[lane];
    const T *p = x + offset;
    if (step == 1) {
      for (int o = 0; o < width; o++)
        a[o] = STEP(a[o], (double)p[o], shift[o]);
    } else {
      for (int o = 0; o < width; o++)
        a[o] = STEP(a[o], (double)p[o * step], shift[o]);
    }
    lane = (lane + 1) % LANES;
  } while (next_index(g->reduced, g->n_reduced, index, &offset));
  for (int o = 0; o < width; o++) {
    double column[LANES];
    for (int l = 0; l < LANES; l++)
      column[l] = acc[l][o];
    out[o] = PASS(tree)(column);
  }
}

static void PASS(pass)(const layout *g, const T *x, int width, int64_t step, const double *shift,
                       double *out) {
  if (g->count > 0 && width > 1 && g->n_reduced > 0 && step < g->reduced[g->n_reduced - 1].stride)
    PASS(side_by_side)(g, x, width, step, shift, out);
  else
    PASS(by_result)(g, x, width, step, shift, out);
}
