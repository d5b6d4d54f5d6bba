/*
** Depthwise convolution; included by conv_depthwise.c with T and NAME(x) defined.
*/

/* y += x w over channels and their filters */
static void NAME(multiply)(int64_t channels, int64_t m, const T *restrict x, const T *restrict w,
                           T *restrict y) {
  for (int64_t c = 0; c < channels; c++)
    for (int64_t k = 0; k < m; k++)
      y[c * m + k] += x[c] * w[c * m + k];
}

/* gx[c] += sum over k of gy w */
static void NAME(gather)(int64_t channels, int64_t m, const T *restrict gy, const T *restrict w,
                         T *restrict gx) {
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

/* One window position with one filter a channel: sums stay in registers. x is the cell of the first
   tap, `rows` and `cols` the taps that meet cells, `line` and `step` the way from one to the next.
 */
static void NAME(position)(int64_t channels, int64_t rows, int64_t cols, int64_t line, int64_t step,
                           int64_t w_line, const T *x, const T *w, T *y) {
  int64_t c = 0;
  for (; c + LANES <= channels; c += LANES) {
    T lane[LANES] = {0};
    for (int64_t ky = 0; ky < rows; ky++)
      for (int64_t kx = 0; kx < cols; kx++) {
        const T *cell = x + ky * line + kx * step + c, *tap = w + ky * w_line + kx * channels + c;
        for (int q = 0; q < LANES; q++)
          lane[q] += cell[q] * tap[q];
      }
    memcpy(y + c, lane, sizeof lane);
  }
  for (; c < channels; c++) {
    T lane = 0;
    for (int64_t ky = 0; ky < rows; ky++)
      for (int64_t kx = 0; kx < cols; kx++)
        lane += x[ky * line + kx * step + c] * w[ky * w_line + kx * channels + c];
    y[c] = lane;
  }
}

static void NAME(forward)(const ldb_depthwise *d, const T *x, const T *w, T *y) {
  const ldb_window_axis *h = &d->window.h, *v = &d->window.w;
  const int64_t channels = d->window.channels, m = d->multiplier, wide = channels * m;
  const int64_t line = v->in * channels, step = v->dilation * channels;
  for (int64_t n = 0; n < d->window.batch; n++)
    for (int64_t i = 0; i < h->out; i++) {
      int64_t top, bottom;
      ldb_window_taps(h, i, &top, &bottom);
      for (int64_t j = 0; j < v->out; j++, y += wide) {
        int64_t from, to;
        ldb_window_taps(v, j, &from, &to);
        if (top == bottom || from == to) {
          memset(y, 0, (size_t)wide * sizeof *y);
          continue;
        }
        const int64_t at = i * h->stride - h->before + top * h->dilation;
        const T *cell = x + (n * h->in + at) * line +
                        (j * v->stride - v->before + from * v->dilation) * channels;
        const T *tap = w + (top * v->size + from) * wide;
        if (m == 1) {
          NAME(position)
          (channels, bottom - top, to - from, h->dilation * line, step, v->size * wide, cell, tap,
           y);
          continue;
        }
        memset(y, 0, (size_t)wide * sizeof *y);
        for (int64_t ky = 0; ky < bottom - top; ky++)
          for (int64_t kx = 0; kx < to - from; kx++) {
            const T *shifted = cell + ky * h->dilation * line + kx * step;
            NAME(multiply)(channels, m, shifted, tap + (ky * v->size + kx) * wide, y);
          }
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

/* sum[k] += the products of one tap over `count` positions, one after the other in the element
   type; x and gy of position j stand at j x_step and j wide. */
static void NAME(run_sum)(int64_t channels, int64_t m, int64_t count, int64_t x_step, const T *x,
                          const T *gy, double *sum) {
  const int64_t wide = channels * m;
  int64_t k = 0;
  for (; m == 1 && k + LANES <= wide; k += LANES) { /* sums stay in registers */
    T lane[LANES] = {0};
    for (int64_t j = 0; j < count; j++)
      for (int q = 0; q < LANES; q++)
        lane[q] += x[j * x_step + k + q] * gy[j * wide + k + q];
    for (int q = 0; q < LANES; q++)
      sum[k + q] += (double)lane[q];
  }
  for (; k < wide; k++) {
    T lane = 0;
    for (int64_t j = 0; j < count; j++)
      lane += x[j * x_step + k / m] * gy[j * wide + k];
    sum[k] += (double)lane;
  }
}

static void NAME(gradient_w)(const ldb_depthwise *d, const T *x, const T *gy, T *gw, double *sums) {
  const ldb_window_axis *h = &d->window.h, *v = &d->window.w;
  const int64_t channels = d->window.channels, wide = channels * d->multiplier;
  const int64_t count = h->size * v->size * wide;
  memset(sums, 0, (size_t)count * sizeof *sums);
  for (int64_t n = 0; n < d->window.batch; n++)
    for (int64_t i = 0; i < h->out; i++, gy += v->out * wide)
      for (int64_t ky = 0; ky < h->size; ky++) {
        const int64_t at = i * h->stride - h->before + ky * h->dilation;
        if (at < 0 || at >= h->in) continue;
        for (int64_t kx = 0; kx < v->size; kx++) {
          int64_t first, last;
          ldb_window_range(v, kx, &first, &last);
          const int64_t shift = (n * h->in + at) * v->in + kx * v->dilation - v->before;
          for (int64_t j = first; j < last; j += RUN)
            NAME(run_sum)
          (channels, d->multiplier, last - j < RUN ? last - j : RUN, v->stride * channels,
           x + (shift + j * v->stride) * channels, gy + j * wide,
           sums + (ky * v->size + kx) * wide);
        }
      }
  for (int64_t k = 0; k < count; k++)
    gw[k] = (T)sums[k];
}

/* With strides of 1 and one filter a channel: gx is the convolution of gy with the mirrored kernel,
   which goes to `mirror`. */
static void NAME(gradient_x_mirrored)(const ldb_depthwise *d, const T *w, const T *gy, T *gx,
                                      T *mirror) {
  const int64_t channels = d->window.channels, taps = d->window.h.size * d->window.w.size;
  const ldb_depthwise back = {.window = {.batch = d->window.batch,
                                         .channels = channels,
                                         .h = mirrored(&d->window.h),
                                         .w = mirrored(&d->window.w)},
                              .multiplier = 1,
                              .type = d->type};
  for (int64_t t = 0; t < taps; t++)
    memcpy(mirror + (taps - 1 - t) * channels, w + t * channels, (size_t)channels * sizeof *mirror);
  NAME(forward)(&back, gy, mirror, gx);
}
