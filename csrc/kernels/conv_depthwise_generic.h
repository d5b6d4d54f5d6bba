/*
** Depthwise convolution; included by conv_depthwise.c with T and NAME(x) defined.
** Every pass goes over lines of windows, taps, positions, channels, in this order.
*/

/* y += x w over channels and their filters */
static void NAME(multiply)(int64_t channels, int64_t m, const T *x, const T *w, T *y) {
  if (m == 1) {
    for (int64_t c = 0; c < channels; c++)
      y[c] += x[c] * w[c];
    return;
  }
  for (int64_t c = 0; c < channels; c++)
    for (int64_t k = 0; k < m; k++)
      y[c * m + k] += x[c] * w[c * m + k];
}

/* gx[c] += sum over k of gy w */
static void NAME(gather)(int64_t channels, int64_t m, const T *gy, const T *w, T *gx) {
  if (m == 1) {
    for (int64_t c = 0; c < channels; c++)
      gx[c] += gy[c] * w[c];
    return;
  }
  for (int64_t c = 0; c < channels; c++) {
    T sum = 0;
    for (int64_t k = 0; k < m; k++)
      sum += gy[c * m + k] * w[c * m + k];
    gx[c] += sum;
  }
}

static void NAME(forward)(const ldb_depthwise *d, const T *x, const T *w, T *y) {
  const ldb_window_axis *h = &d->window.h, *v = &d->window.w;
  const int64_t channels = d->window.channels, m = d->multiplier, wide = channels * m;
  memset(y, 0, (size_t)(d->window.batch * h->out * v->out * wide) * sizeof *y);
  for (int64_t n = 0; n < d->window.batch; n++)
    for (int64_t i = 0; i < h->out; i++, y += v->out * wide)
      for (int64_t ky = 0; ky < h->size; ky++) {
        const int64_t at = i * h->stride - h->before + ky * h->dilation;
        if (at < 0 || at >= h->in) continue;
        const T *line = x + (n * h->in + at) * v->in * channels;
        for (int64_t kx = 0; kx < v->size; kx++) {
          const int64_t shift = kx * v->dilation - v->before;
          int64_t first, last;
          ldb_window_range(v, kx, &first, &last);
          for (int64_t j = first; j < last; j++)
            NAME(multiply)
            (channels, m, line + (j * v->stride + shift) * channels, w + (ky * v->size + kx) * wide,
             y + j * wide);
        }
      }
}

static void NAME(gradient_x)(const ldb_depthwise *d, const T *w, const T *gy, T *gx) {
  const ldb_window_axis *h = &d->window.h, *v = &d->window.w;
  const int64_t channels = d->window.channels, m = d->multiplier, wide = channels * m;
  memset(gx, 0, (size_t)(d->window.batch * h->in * v->in * channels) * sizeof *gx);
  for (int64_t n = 0; n < d->window.batch; n++)
    for (int64_t i = 0; i < h->out; i++, gy += v->out * wide)
      for (int64_t ky = 0; ky < h->size; ky++) {
        const int64_t at = i * h->stride - h->before + ky * h->dilation;
        if (at < 0 || at >= h->in) continue;
        T *line = gx + (n * h->in + at) * v->in * channels;
        for (int64_t kx = 0; kx < v->size; kx++) {
          const int64_t shift = kx * v->dilation - v->before;
          int64_t first, last;
          ldb_window_range(v, kx, &first, &last);
          for (int64_t j = first; j < last; j++)
            NAME(gather)
            (channels, m, gy + j * wide, w + (ky * v->size + kx) * wide,
             line + (j * v->stride + shift) * channels);
        }
      }
}

/* sum += the products of one tap over the positions first <= j < last, RUN at a time */
static void NAME(tap_sum)(const ldb_depthwise *d, int64_t shift, int64_t first, int64_t last,
                          const T *line, const T *gy, T *run, double *sum) {
  const int64_t channels = d->window.channels, m = d->multiplier, wide = channels * m;
  for (int64_t from = first; from < last; from += RUN) {
    const int64_t to = last - from < RUN ? last : from + RUN;
    memset(run, 0, (size_t)wide * sizeof *run);
    for (int64_t j = from; j < to; j++)
      NAME(multiply)
      (channels, m, line + (j * d->window.w.stride + shift) * channels, gy + j * wide, run);
    for (int64_t k = 0; k < wide; k++)
      sum[k] += (double)run[k];
  }
}

static void NAME(gradient_w)(const ldb_depthwise *d, const T *x, const T *gy, T *gw, double *sums) {
  const ldb_window_axis *h = &d->window.h, *v = &d->window.w;
  const int64_t channels = d->window.channels, wide = channels * d->multiplier;
  const int64_t count = h->size * v->size * wide;
  T *run = (T *)(void *)(sums + count);
  memset(sums, 0, (size_t)count * sizeof *sums);
  for (int64_t n = 0; n < d->window.batch; n++)
    for (int64_t i = 0; i < h->out; i++, gy += v->out * wide)
      for (int64_t ky = 0; ky < h->size; ky++) {
        const int64_t at = i * h->stride - h->before + ky * h->dilation;
        if (at < 0 || at >= h->in) continue;
        for (int64_t kx = 0; kx < v->size; kx++) {
          int64_t first, last;
          ldb_window_range(v, kx, &first, &last);
          NAME(tap_sum)
          (d, kx * v->dilation - v->before, first, last, x + (n * h->in + at) * v->in * channels,
           gy, run, sums + (ky * v->size + kx) * wide);
        }
      }
  for (int64_t k = 0; k < count; k++)
    gw[k] = (T)sums[k];
}
