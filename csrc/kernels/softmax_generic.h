/*
** softmax for one element type; included by softmax.c with T and NAME(x) defined. Sums are f64. A
** NaN need not be looked for: exp makes one of it, and the sum carries it to the whole line.
*/

/* Largest of n dense elements that is not NaN, -inf without one; lanes make it vector code. */
static T NAME(top)(int64_t n, const T *x) {
  T lane[LANES], m = -(T)HUGE_VAL;
  int64_t i = 0;
  for (int l = 0; l < LANES; l++)
    lane[l] = m;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++)
      lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
  for (; i < n; i++)
    m = x[i] > m ? x[i] : m;
  for (int l = 0; l < LANES; l++)
    m = lane[l] > m ? lane[l] : m;
  return m;
}

static double NAME(total)(int64_t n, const T *x) {
  double lane[LANES] = {0}, sum = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++)
      lane[l] += (double)x[i + l];
  for (; i < n; i++)
    sum += (double)x[i];
  for (int l = 0; l < LANES; l++)
    sum += lane[l];
  return sum;
}

/* One dense line. */
static void NAME(softmax_line)(int64_t n, bool as_log, const T *x, T *y) {
  const T m = NAME(top)(n, x);
  for (int64_t i = 0; i < n; i++)
    y[i] = NAME(ldb_exp)(x[i] - m);
  const double sum = NAME(total)(n, y);
  if (as_log) {
    const double shift = log(sum);
    for (int64_t i = 0; i < n; i++)
      y[i] = (T)((double)(x[i] - m) - shift);
  } else {
    const double scale = 1 / sum;
    for (int64_t i = 0; i < n; i++)
      y[i] = (T)((double)y[i] * scale);
  }
}

/* `width` lines side by side, whose elements are d apart. */
static void NAME(softmax_block)(int64_t n, int64_t d, int width, bool as_log, const T *x, T *y) {
  T m[BLOCK];
  double sum[BLOCK];
  for (int j = 0; j < width; j++) {
    m[j] = -(T)HUGE_VAL;
    sum[j] = 0;
  }
  for (int64_t i = 0; i < n; i++)
    for (int j = 0; j < width; j++)
      m[j] = x[i * d + j] > m[j] ? x[i * d + j] : m[j];
  for (int64_t i = 0; i < n; i++) {
    for (int j = 0; j < width; j++)
      y[i * d + j] = NAME(ldb_exp)(x[i * d + j] - m[j]);
    for (int j = 0; j < width; j++)
      sum[j] += (double)y[i * d + j];
  }
  for (int j = 0; j < width; j++)
    sum[j] = as_log ? log(sum[j]) : 1 / sum[j];
  for (int64_t i = 0; i < n; i++) {
    if (as_log)
      for (int j = 0; j < width; j++)
        y[i * d + j] = (T)((double)(x[i * d + j] - m[j]) - sum[j]);
    else
      for (int j = 0; j < width; j++)
        y[i * d + j] = (T)((double)y[i * d + j] * sum[j]);
  }
}

static void NAME(grad_block)(int64_t n, int64_t d, int width, bool as_log, const T *y, const T *gy,
                             T *gx) {
  double sum[BLOCK] = {0};
  for (int64_t i = 0; i < n; i++)
    for (int j = 0; j < width; j++)
      sum[j] += (double)gy[i * d + j] * (as_log ? 1 : (double)y[i * d + j]);
  for (int64_t i = 0; i < n; i++) {
    if (as_log) {
      for (int j = 0; j < width; j++)
        gx[i * d + j] = NAME(ldb_exp)(y[i * d + j]);
      for (int j = 0; j < width; j++)
        gx[i * d + j] = (T)((double)gy[i * d + j] - (double)gx[i * d + j] * sum[j]);
    } else {
      for (int j = 0; j < width; j++)
        gx[i * d + j] = (T)((double)y[i * d + j] * ((double)gy[i * d + j] - sum[j]));
    }
  }
}

static void NAME(grad_line)(int64_t n, bool as_log, const T *y, const T *gy, T *gx) {
  double sum = 0;
  if (as_log) {
    sum = NAME(total)(n, gy);
    for (int64_t i = 0; i < n; i++)
      gx[i] = NAME(ldb_exp)(y[i]);
    for (int64_t i = 0; i < n; i++)
      gx[i] = (T)((double)gy[i] - (double)gx[i] * sum);
    return;
  }
  for (int64_t i = 0; i < n; i++)
    sum += (double)gy[i] * (double)y[i];
  for (int64_t i = 0; i < n; i++)
    gx[i] = (T)((double)y[i] * ((double)gy[i] - sum));
}

static void NAME(softmax)(ldb_axis_split s, bool as_log, const T *x, T *y) {
  for (int64_t o = 0; o < s.outer; o++) {
    const int64_t at = o * s.n * s.inner;
    for (int64_t i = at; i < at + s.inner && s.inner > 1; i += BLOCK) {
      const int width = block_width(at + s.inner - i);
      NAME(softmax_block)(s.n, s.inner, width, as_log, x + i, y + i);
    }
    if (s.inner == 1) NAME(softmax_line)(s.n, as_log, x + at, y + at);
  }
}

static void NAME(softmax_grad)(ldb_axis_split s, bool as_log, const T *y, const T *gy, T *gx) {
  for (int64_t o = 0; o < s.outer; o++) {
    const int64_t at = o * s.n * s.inner;
    for (int64_t i = at; i < at + s.inner && s.inner > 1; i += BLOCK) {
      const int width = block_width(at + s.inner - i);
      NAME(grad_block)(s.n, s.inner, width, as_log, y + i, gy + i, gx + i);
    }
    if (s.inner == 1) NAME(grad_line)(s.n, as_log, y + at, gy + at, gx + at);
  }
}
