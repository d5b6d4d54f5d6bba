/*
** Maxima over windows; included by pool.c with T (element), I (number of a tap) and NAME(x)
** defined.
*/

/* The larger of two, the first of equals, and its tap; NaN stays, and replaces what is not NaN. */
#define TAKE(best, tap, next, number)                    \
  do {                                                   \
    const T have = best;                                 \
    const int32_t kept = tap, taken = (number);          \
    const T larger = (next) <= have ? have : (next);     \
    const int32_t other = (next) <= have ? kept : taken; \
    best = have != have ? have : larger;                 \
    tap = have != have ? kept : other;                   \
  } while (0)

/* The maxima of four cells each of n channels, at x + step[k] with the taps t[k]. */
static inline __attribute__((always_inline)) void
NAME(max_start)(int64_t n, const T *x, const four *f, T *restrict y, int32_t *restrict at) {
  const T *a = x + f->step[0], *b = x + f->step[1], *c = x + f->step[2], *d = x + f->step[3];
  const int32_t ta = f->tap[0], tb = f->tap[1], tc = f->tap[2], td = f->tap[3];
  for (int64_t q = 0; q < n; q++) {
    T best = a[q];
    int32_t tap = ta;
    TAKE(best, tap, b[q], tb);
    TAKE(best, tap, c[q], tc);
    TAKE(best, tap, d[q], td);
    y[q] = best;
    at[q] = tap;
  }
}

/* The same where y and at hold the maxima of earlier taps. */
static inline __attribute__((always_inline)) void
NAME(max_go_on)(int64_t n, const T *x, const four *f, T *restrict y, int32_t *restrict at) {
  const T *a = x + f->step[0], *b = x + f->step[1], *c = x + f->step[2], *d = x + f->step[3];
  const int32_t ta = f->tap[0], tb = f->tap[1], tc = f->tap[2], td = f->tap[3];
  for (int64_t q = 0; q < n; q++) {
    T best = y[q];
    int32_t tap = at[q];
    TAKE(best, tap, a[q], ta);
    TAKE(best, tap, b[q], tb);
    TAKE(best, tap, c[q], tc);
    TAKE(best, tap, d[q], td);
    y[q] = best;
    at[q] = tap;
  }
}

LDB_CLONES
static void NAME(max_block)(const ldb_pool *p, const ldb_block *b, const T *x, T *y, I *at) {
  const int64_t channels = p->window.channels;
  int32_t tap[CHUNK];
  patch w;
  four f;
  for (int64_t n = b->n0; n < b->n1; n++)
    for (int64_t i = b->i0; i < b->i1; i++)
      for (int64_t j = 0; j < p->window.w.out; j++) {
        const int64_t to = patch_at(p, n, i, j, &w);
        for (int64_t c = 0; c < channels; c += CHUNK) {
          const int64_t some = channels - c < CHUNK ? channels - c : CHUNK;
          for (int64_t k = 0; k < w.rows * w.cols; k += 4) {
            four_taps(&w, k, &f);
            if (k == 0)
              NAME(max_start)(some, x + w.cell + c, &f, y + to + c, tap);
            else
              NAME(max_go_on)(some, x + w.cell + c, &f, y + to + c, tap);
          }
          for (int64_t q = 0; q < some; q++)
            at[to + c + q] = (I)tap[q];
        }
      }
}

/* Gives the gradients of n channels to the cells that were their maxima: written, or added where
   windows overlap. */
static inline __attribute__((always_inline)) void
NAME(max_give)(int64_t n, const bool add, const patch *w, const T *gy, const int32_t *tap, T *gx) {
  for (int64_t ky = 0; ky < w->rows; ky++)
    for (int64_t kx = 0; kx < w->cols; kx++) {
      T *restrict cell = gx + ky * w->line + kx * w->channels;
      const int32_t number = w->tap + (int32_t)(ky * w->width + kx);
      if (add) {
        for (int64_t q = 0; q < n; q++)
          cell[q] += tap[q] == number ? gy[q] : 0;
      } else {
        for (int64_t q = 0; q < n; q++)
          cell[q] = tap[q] == number ? gy[q] : 0;
      }
    }
}

LDB_CLONES
static void NAME(max_gradient_block)(const ldb_pool *p, const ldb_block *b, const T *gy,
                                     const I *at, T *gx) {
  const int64_t channels = p->window.channels;
  const bool add = overlaps(p);
  int32_t tap[CHUNK];
  patch w;
  for (int64_t n = b->n0; n < b->n1; n++) {
    clear_cells(p, n, b, gx, sizeof *gx);
    for (int64_t i = b->i0; i < b->i1; i++)
      for (int64_t j = 0; j < p->window.w.out; j++) {
        const int64_t from = patch_at(p, n, i, j, &w);
        for (int64_t c = 0; c < channels; c += CHUNK) {
          const int64_t some = channels - c < CHUNK ? channels - c : CHUNK;
          for (int64_t q = 0; q < some; q++)
            tap[q] = (int32_t)at[from + c + q];
          NAME(max_give)(some, add, &w, gy + from + c, tap, gx + w.cell + c);
        }
      }
  }
}
#undef TAKE
