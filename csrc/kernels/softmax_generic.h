/*
** softmax for one element type; included by softmax.c with T and NAME(x) defined. d is the distance
** of neighbours on the axis. Sums are f64.
*/

/* y = exp(x - m), which is vector code on dense lines */
static void NAME(exp_line)(int64_t n, int64_t d, const T *x, T m, T *y) {
  if (d == 1) {
    for (int64_t i = 0; i < n; i++)
      y[i] = NAME(ldb_exp)(x[i] - m);
  } else {
    for (int64_t i = 0; i < n; i++)
      y[i * d] = NAME(ldb_exp)(x[i * d] - m);
  }
}

static void NAME(softmax_line)(int64_t n, int64_t d, bool as_log, const T *x, T *y) {
  T m = -(T)HUGE_VAL;
  for (int64_t i = 0; i < n; i++) {
    const T v = x[i * d];
    if (v > m || v != v) m = v;
  }
  double sum = 0;
  NAME(exp_line)(n, d, x, m, y);
  for (int64_t i = 0; i < n; i++)
    sum += (double)y[i * d];
  if (as_log) {
    const double shift = log(sum);
    for (int64_t i = 0; i < n; i++)
      y[i * d] = (T)((double)(x[i * d] - m) - shift);
  } else {
    for (int64_t i = 0; i < n; i++)
      y[i * d] = (T)((double)y[i * d] / sum);
  }
}

static void NAME(softmax_grad_line)(int64_t n, int64_t d, bool as_log, const T *y, const T *gy,
                                    T *gx) {
  double sum = 0;
  if (as_log) {
    for (int64_t i = 0; i < n; i++)
      sum += (double)gy[i * d];
    for (int64_t i = 0; i < n; i++)
      gx[i * d] = (T)((double)gy[i * d] - (double)NAME(ldb_exp)(y[i * d]) * sum);
    return;
  }
  for (int64_t i = 0; i < n; i++)
    sum += (double)gy[i * d] * (double)y[i * d];
  for (int64_t i = 0; i < n; i++)
    gx[i * d] = (T)((double)y[i * d] * ((double)gy[i * d] - sum));
}

static void NAME(softmax)(ldb_axis_split s, bool as_log, const T *x, T *y) {
  for (int64_t o = 0; o < s.outer; o++)
    for (int64_t i = 0; i < s.inner; i++) {
      const int64_t at = o * s.n * s.inner + i;
      NAME(softmax_line)(s.n, s.inner, as_log, x + at, y + at);
    }
}

static void NAME(softmax_grad)(ldb_axis_split s, bool as_log, const T *y, const T *gy, T *gx) {
  for (int64_t o = 0; o < s.outer; o++)
    for (int64_t i = 0; i < s.inner; i++) {
      const int64_t at = o * s.n * s.inner + i;
      NAME(softmax_grad_line)(s.n, s.inner, as_log, y + at, gy + at, gx + at);
    }
}
