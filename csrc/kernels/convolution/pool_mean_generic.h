/*
** Averages over windows; included by pool.c with T and NAME(x) defined.
*/

static T NAME(share)(const ldb_pool *p, const patch *w) {
  if (p->count_pads) return (T)(p->window.h.size * p->window.w.size);
  return (T)(w->rows * w->cols);
}

LDB_CLONES
static void NAME(mean_block)(const ldb_pool *p, const ldb_block *b, const T *x, T *y) {
  const int64_t channels = p->window.channels;
  patch w;
  for (int64_t n = b->n0; n < b->n1; n++)
    for (int64_t i = b->i0; i < b->i1; i++)
      for (int64_t j = 0; j < p->window.w.out; j++) {
        T *restrict to = y + patch_at(p, n, i, j, &w);
        const T count = NAME(share)(p, &w);
        memcpy(to, x + w.cell, (size_t)channels * sizeof *to);
        for (int64_t k = 1; k < w.rows * w.cols; k++) {
          const T *cell = x + w.cell + k / w.cols * w.line + k % w.cols * channels;
          for (int64_t c = 0; c < channels; c++)
            to[c] += cell[c];
        }
        for (int64_t c = 0; c < channels; c++)
          to[c] /= count;
      }
}

LDB_CLONES
static void NAME(mean_gradient_block)(const ldb_pool *p, const ldb_block *b, const T *gy, T *gx) {
  const int64_t channels = p->window.channels;
  const bool add = overlaps(p);
  patch w;
  for (int64_t n = b->n0; n < b->n1; n++) {
    clear_cells(p, n, b, gx, sizeof *gx);
    for (int64_t i = b->i0; i < b->i1; i++)
      for (int64_t j = 0; j < p->window.w.out; j++) {
        const T *g = gy + patch_at(p, n, i, j, &w);
        const T count = NAME(share)(p, &w);
        for (int64_t k = 0; k < w.rows * w.cols; k++) {
          T *restrict cell = gx + w.cell + k / w.cols * w.line + k % w.cols * channels;
          if (add) {
            for (int64_t c = 0; c < channels; c++)
              cell[c] += g[c] / count;
          } else {
            for (int64_t c = 0; c < channels; c++)
              cell[c] = g[c] / count;
          }
        }
      }
  }
}
