/*
** Rows of attention scores for one element type; included by attention.c with T and NAME(x)
** defined.
*/

/* Adds bias and scale and sets what is forbidden to -inf. */
static void NAME(admit)(const ldb_attention *a, const place *p, int64_t i, int64_t cols, T *s) {
  const int last = a->scores.rank - 1;
  const T scale = (T)a->scale;
  for (int64_t j = 0; j < cols; j++)
    s[j] *= scale;
  if (a->bias.data) {
    const T *b = (const T *)a->bias.data + p->bias + i * a->bias.stride[last - 1];
    for (int64_t j = 0; j < cols; j++)
      s[j] += b[j * a->bias.stride[last]];
  }
  if (a->mask.data) {
    const int32_t *m = (const int32_t *)a->mask.data + p->mask + i * a->mask.stride[last - 1];
    for (int64_t j = 0; j < cols; j++)
      if (m[j * a->mask.stride[last]] == 0) s[j] = -(T)HUGE_VAL;
  }
  if (a->causal)
    for (int64_t j = i + 1; j < cols; j++)
      s[j] = -(T)HUGE_VAL;
}

/* softmax of one row; false where no key is allowed (the row is filled, and passes no gradient). */
static bool NAME(weigh)(const ldb_attention *a, int64_t cols, T *s) {
  T m = -(T)HUGE_VAL;
  bool empty = true;
  double lane[LANES] = {0}, sum = 0;
  for (int64_t j = 0; j < cols; j++) {
    m = s[j] > m ? s[j] : m;
    empty = empty && s[j] == -(T)HUGE_VAL; /* NaN is not empty */
  }
  if (empty) {
    for (int64_t j = 0; j < cols; j++)
      s[j] = a->uniform ? (T)(1 / (double)cols) : 0;
    return false;
  }
  for (int64_t j = 0; j < cols; j++)
    s[j] = NAME(ldb_exp)(s[j] - m);
  int64_t j = 0;
  for (; j + LANES <= cols; j += LANES)
    for (int l = 0; l < LANES; l++)
      lane[l] += (double)s[j + l];
  for (; j < cols; j++)
    sum += (double)s[j];
  for (int l = 0; l < LANES; l++)
    sum += lane[l];
  for (j = 0; j < cols; j++)
    s[j] = (T)((double)s[j] / sum);
  return true;
}

static void NAME(drop)(const ldb_attention *a, const place *p, int64_t i, int64_t cols, T *s) {
  const ldb_rng r = {.seed = a->seed,
                     .stream =
                         ldb_rng_stream("attention", a->stream, (uint64_t)(p->index * a->tq + i))};
  enum { AT_ONCE = 1024 };
  unsigned char keep[AT_ONCE];
  for (int64_t j = 0; j < cols; j += AT_ONCE) {
    const int64_t n = cols - j < AT_ONCE ? cols - j : AT_ONCE;
    ldb_dropout_draw(&r, a->rate, j, n, keep);
    ldb_dropout_apply(a->dtype, a->rate, n, keep, s + j, s + j);
  }
}

/* w: weights, g: gradient of the result by the weights; g becomes the gradient of the scores before
   bias (written to gbias) and after scaling. */
static void NAME(score_gradient)(const ldb_attention *a, const place *p, int64_t i, int64_t cols,
                                 bool open, const ldb_view *gbias, const T *w, T *g) {
  const int last = a->scores.rank - 1;
  double sum = 0;
  for (int64_t j = 0; j < cols; j++)
    sum += (double)w[j] * (double)g[j];
  for (int64_t j = 0; j < cols; j++)
    g[j] = open ? (T)((double)w[j] * ((double)g[j] - sum)) : 0;
  if (gbias->data) {
    T *b = (T *)gbias->data + p->gbias + i * gbias->stride[last - 1];
    for (int64_t j = 0; j < cols; j++)
      b[j * gbias->stride[last]] += g[j];
  }
  for (int64_t j = 0; j < cols; j++)
    g[j] *= (T)a->scale;
}
