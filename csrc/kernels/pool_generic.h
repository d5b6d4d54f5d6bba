/*
** Pooling; included by pool.c with T and NAME(x) defined.
*/

static void NAME(max_start)(int64_t n, int32_t tap, const T *x, T *y, int32_t *at) {
  memcpy(y, x, (size_t)n * sizeof *y);
  for (int64_t c = 0; c < n; c++)
    at[c] = tap;
}

/* Takes x where it is larger or NaN, but never replaces NaN. */
static void NAME(max_step)(int64_t n, int32_t tap, const T *restrict x, T *restrict y,
                           int32_t *restrict at) {
  for (int64_t c = 0; c < n; c++) {
    const T have = y[c], next = x[c];
    const bool take = (have == have) & !(next <= have);
    y[c] = take ? next : have;
    at[c] = take ? tap : at[c];
  }
}

static void NAME(pool_max)(const ldb_pool *p, const T *x, T *y, int32_t *at) {
  const ldb_window_axis *h = &p->window.h, *w = &p->window.w;
  const int64_t channels = p->window.channels;
  for (int64_t n = 0; n < p->window.batch; n++)
    for (int64_t i = 0; i < h->out; i++) {
      int64_t top, bottom;
      ldb_window_taps(h, i, &top, &bottom);
      for (int64_t j = 0; j < w->out; j++, y += channels, at += channels) {
        int64_t left, right;
        ldb_window_taps(w, j, &left, &right);
        bool started = false;
        for (int64_t ky = top; ky < bottom; ky++) {
          const T *line = x + (n * h->in + i * h->stride - h->before + ky) * w->in * channels;
          const T *cell = line + (j * w->stride - w->before + left) * channels;
          for (int64_t kx = left; kx < right; kx++, cell += channels) {
            const int32_t tap = (int32_t)(ky * w->size + kx);
            if (started)
              NAME(max_step)(channels, tap, cell, y, at);
            else
              NAME(max_start)(channels, tap, cell, y, at);
            started = true;
          }
        }
      }
    }
}

static void NAME(pool_max_gradient)(const ldb_pool *p, const T *gy, const int32_t *at, T *gx) {
  const ldb_window_axis *h = &p->window.h, *w = &p->window.w;
  const int64_t channels = p->window.channels;
  const int32_t wide = (int32_t)w->size;
  memset(gx, 0, (size_t)(p->window.batch * h->in * w->in * channels) * sizeof *gx);
  for (int64_t n = 0; n < p->window.batch; n++)
    for (int64_t i = 0; i < h->out; i++)
      for (int64_t j = 0; j < w->out; j++, gy += channels, at += channels) {
        const int64_t row = n * h->in + i * h->stride - h->before, col = j * w->stride - w->before;
        for (int64_t c = 0; c < channels; c++) {
          const int32_t tap = at[c];
          gx[((row + tap / wide) * w->in + col + tap % wide) * channels + c] += gy[c];
        }
      }
}

static T NAME(share)(const ldb_pool *p, int64_t rows, int64_t cols) {
  if (p->count_pads) return (T)(p->window.h.size * p->window.w.size);
  return (T)(rows * cols);
}

static void NAME(pool_mean)(const ldb_pool *p, const T *x, T *y) {
  const ldb_window_axis *h = &p->window.h, *w = &p->window.w;
  const int64_t channels = p->window.channels;
  for (int64_t n = 0; n < p->window.batch; n++)
    for (int64_t i = 0; i < h->out; i++) {
      int64_t top, bottom;
      ldb_window_taps(h, i, &top, &bottom);
      for (int64_t j = 0; j < w->out; j++, y += channels) {
        int64_t left, right;
        ldb_window_taps(w, j, &left, &right);
        memset(y, 0, (size_t)channels * sizeof *y);
        for (int64_t ky = top; ky < bottom; ky++) {
          const T *line = x + (n * h->in + i * h->stride - h->before + ky) * w->in * channels;
          const T *cell = line + (j * w->stride - w->before + left) * channels;
          for (int64_t kx = left; kx < right; kx++, cell += channels)
            for (int64_t c = 0; c < channels; c++)
              y[c] += cell[c];
        }
        const T count = NAME(share)(p, bottom - top, right - left);
        for (int64_t c = 0; c < channels; c++)
          y[c] /= count;
      }
    }
}

static void NAME(pool_mean_gradient)(const ldb_pool *p, const T *gy, T *gx) {
  const ldb_window_axis *h = &p->window.h, *w = &p->window.w;
  const int64_t channels = p->window.channels;
  memset(gx, 0, (size_t)(p->window.batch * h->in * w->in * channels) * sizeof *gx);
  for (int64_t n = 0; n < p->window.batch; n++)
    for (int64_t i = 0; i < h->out; i++) {
      int64_t top, bottom;
      ldb_window_taps(h, i, &top, &bottom);
      for (int64_t j = 0; j < w->out; j++, gy += channels) {
        int64_t left, right;
        ldb_window_taps(w, j, &left, &right);
        const T count = NAME(share)(p, bottom - top, right - left);
        for (int64_t ky = top; ky < bottom; ky++) {
          T *line = gx + (n * h->in + i * h->stride - h->before + ky) * w->in * channels;
          T *cell = line + (j * w->stride - w->before + left) * channels;
          for (int64_t kx = left; kx < right; kx++, cell += channels)
            for (int64_t c = 0; c < channels; c++)
              cell[c] += gy[c] / count;
        }
      }
    }
}
