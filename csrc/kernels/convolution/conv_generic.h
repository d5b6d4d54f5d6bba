/*
** Columns of window positions and back; included by conv.c with T and NAME(x) defined.
** A row of col holds the cells under one window, [ky x kx x channel of the group], 0 for padding.
*/

/* One line (ky) of the window whose first tap stands at cell `left` of `line`. */
static void NAME(copy_line)(const ldb_window_axis *a, int64_t left, const T *line, int64_t channels,
                            int64_t own, T *to) {
  if (a->dilation == 1 && own == channels) {
    const int64_t first = left < 0 ? -left : 0;
    const int64_t last = a->in - left < a->size ? a->in - left : a->size;
    if (first >= last) {
      memset(to, 0, (size_t)(a->size * own) * sizeof *to);
      return;
    }
    if (first > 0) memset(to, 0, (size_t)(first * own) * sizeof *to);
    memcpy(to + first * own, line + (left + first) * own,
           (size_t)((last - first) * own) * sizeof *to);
    if (last < a->size) memset(to + last * own, 0, (size_t)((a->size - last) * own) * sizeof *to);
    return;
  }
  for (int64_t k = 0; k < a->size; k++, to += own) {
    const int64_t at = left + k * a->dilation;
    if (at < 0 || at >= a->in)
      memset(to, 0, (size_t)own * sizeof *to);
    else
      memcpy(to, line + at * channels, (size_t)own * sizeof *to);
  }
}

static void NAME(im2col)(const ldb_conv *c, int64_t group, const T *x, int64_t first, int64_t rows,
                         T *col) {
  const ldb_window_axis *h = &c->window.h, *w = &c->window.w;
  const int64_t channels = c->window.channels, own = channels / c->groups;
  position at = position_of(&c->window, first);
  x += group * own;
  for (int64_t r = 0; r < rows; r++) {
    const int64_t left = at.j * w->stride - w->before;
    for (int64_t k = 0; k < h->size; k++, col += w->size * own) {
      const int64_t line = at.i * h->stride - h->before + k * h->dilation;
      if (line < 0 || line >= h->in)
        memset(col, 0, (size_t)(w->size * own) * sizeof *col);
      else
        NAME(copy_line)(w, left, x + (at.n * h->in + line) * w->in * channels, channels, own, col);
    }
    advance(&c->window, &at);
  }
}

/* The same tap by tap: long runs of positions where the columns are a few cells. */
static void NAME(im2col_thin)(const ldb_conv *c, int64_t group, const T *x, int64_t first,
                              int64_t rows, T *col) {
  const ldb_window_axis *h = &c->window.h, *w = &c->window.w;
  const int64_t channels = c->window.channels, own = channels / c->groups;
  const int64_t width = h->size * w->size * own;
  position at = position_of(&c->window, first);
  x += group * own;
  memset(col, 0, (size_t)(rows * width) * sizeof *col);
  while (rows > 0) {
    const int64_t run = w->out - at.j < rows ? w->out - at.j : rows;
    for (int64_t ky = 0; ky < h->size; ky++) {
      const int64_t y = at.i * h->stride - h->before + ky * h->dilation;
      if (y < 0 || y >= h->in) continue;
      const T *line = x + (at.n * h->in + y) * w->in * channels;
      for (int64_t kx = 0; kx < w->size; kx++) {
        int64_t from, to;
        ldb_window_range(w, kx, &from, &to);
        if (from < at.j) from = at.j;
        if (to > at.j + run) to = at.j + run;
        if (from >= to) continue;
        const int64_t step = w->stride * channels;
        const T *cell = line + (from * w->stride - w->before + kx * w->dilation) * channels;
        T *target = col + (from - at.j) * width + (ky * w->size + kx) * own;
        for (int64_t j = from; j < to; j++, cell += step, target += width)
          for (int64_t q = 0; q < own; q++)
            target[q] = cell[q];
      }
    }
    col += run * width;
    rows -= run;
    at.j += run - 1;
    advance(&c->window, &at);
  }
}

/* gx += the columns, each cell added where im2col has read it. */
static void NAME(col2im)(const ldb_conv *c, int64_t group, const T *col, int64_t first,
                         int64_t rows, T *gx) {
  const ldb_window_axis *h = &c->window.h, *w = &c->window.w;
  const int64_t channels = c->window.channels, own = channels / c->groups;
  const bool whole = w->dilation == 1 && own == channels;
  position at = position_of(&c->window, first);
  gx += group * own;
  for (int64_t r = 0; r < rows; r++) {
    int64_t from, to;
    ldb_window_taps(w, at.j, &from, &to);
    const int64_t left = at.j * w->stride - w->before;
    for (int64_t k = 0; k < h->size; k++, col += w->size * own) {
      const int64_t line = at.i * h->stride - h->before + k * h->dilation;
      if (line < 0 || line >= h->in) continue;
      T *to_line = gx + (at.n * h->in + line) * w->in * channels;
      if (whole) {
        T *cell = to_line + (left + from) * own;
        const T *value = col + from * own;
        for (int64_t q = 0; q < (to - from) * own; q++)
          cell[q] += value[q];
        continue;
      }
      for (int64_t t = from; t < to; t++) {
        T *cell = to_line + (left + t * w->dilation) * channels;
        for (int64_t q = 0; q < own; q++)
          cell[q] += col[t * own + q];
      }
    }
    advance(&c->window, &at);
  }
}
