/*
** Gradients of the reductions for one floating element type; included by reduce.c with T and
** NAME(x) defined. A line is the last axis: x is `sx` apart, its results `sk` (0 where the axis is
** reduced); y, gy and aux are indexed alike.
*/

/* What the gradient needs to know of all elements of a result, gathered into aux. */
CLONES static void NAME(aux_line)(ldb_reduction kind, int64_t n, const T *x, int64_t sx, const T *y,
                                  double *aux, int64_t sk) {
  for (int64_t i = 0; i < n; i++) {
    const T v = x[i * sx];
    double *a = aux + LDB_REDUCE_AUX * i * sk;
    if (kind == LDB_REDUCE_PROD) {
      if (v == 0)
        a[0] += 1;
      else
        a[1] *= (double)v;
    } else {
      const T r = y[i * sk];
      if (v == r || (v != v && r != r)) a[0] += 1;
    }
  }
}

LDB_INLINE double NAME(prod_factor)(double v, const double *a) {
  if (a[0] == 0) return a[1] / v;
  return a[0] == 1 && v == 0 ? a[1] : 0;
}

CLONES static void NAME(grad_line)(ldb_reduction kind, int64_t n, const T *x, int64_t sx,
                                   const T *y, const T *gy, const double *aux, int64_t sk,
                                   double scale, T *gx) {
  switch (kind) {
  case LDB_REDUCE_SUM:
  case LDB_REDUCE_MEAN:
    for (int64_t i = 0; i < n; i++)
      gx[i] = (T)((double)gy[i * sk] * scale);
    break;
  case LDB_REDUCE_PROD:
    for (int64_t i = 0; i < n; i++)
      gx[i] = (T)((double)gy[i * sk] *
                  NAME(prod_factor)((double)x[i * sx], aux + LDB_REDUCE_AUX * i * sk));
    break;
  case LDB_REDUCE_MAX:
  case LDB_REDUCE_MIN:
    for (int64_t i = 0; i < n; i++) {
      const T v = x[i * sx], r = y[i * sk];
      const bool hit = v == r || (v != v && r != r);
      gx[i] = hit ? (T)((double)gy[i * sk] / aux[LDB_REDUCE_AUX * i * sk]) : 0;
    }
    break;
  case LDB_REDUCE_VAR:
    for (int64_t i = 0; i < n; i++)
      gx[i] = (T)((double)gy[i * sk] * scale * ((double)x[i * sx] - aux[i * sk]));
    break;
  case LDB_REDUCE_SUM_SQUARES:
    for (int64_t i = 0; i < n; i++)
      gx[i] = (T)((double)gy[i * sk] * 2 * (double)x[i * sx]);
    break;
  case LDB_REDUCE_NORM:
    for (int64_t i = 0; i < n; i++)
      gx[i] = y[i * sk] == 0 ? 0 : (T)((double)gy[i * sk] * (double)x[i * sx] / (double)y[i * sk]);
    break;
  case LDB_REDUCE_LOGSUMEXP:
    for (int64_t i = 0; i < n; i++)
      gx[i] = (T)((double)gy[i * sk] * exp((double)x[i * sx] - (double)y[i * sk]));
    break;
  }
}

/* Both over the whole view: lines in order, with the offsets of x and of the results. */
static void NAME(grad_walk)(ldb_reduction kind, const ldb_view *x, const lines *w,
                            const ldb_view *y, const ldb_view *gy, double *aux, double scale,
                            const ldb_view *gx, bool gather) {
  int64_t index[LDB_MAX_RANK] = {0};
  const T *px = x ? x->data : NULL, *py = y ? y->data : NULL, *pg = gy->data;
  T *to = gx->data;
  do {
    int64_t ox = 0, ok = 0;
    for (int i = 0; i < w->rank - 1; i++) {
      ox += index[i] * w->x_stride[i];
      ok += index[i] * w->k_stride[i];
    }
    const T *lx = px ? px + ox : NULL, *ly = py ? py + ok : NULL;
    const int64_t n = w->shape[w->rank - 1];
    const int64_t sx = w->x_stride[w->rank - 1], sk = w->k_stride[w->rank - 1];
    const int64_t per = kind == LDB_REDUCE_VAR ? 1 : LDB_REDUCE_AUX;
    if (gather) {
      NAME(aux_line)(kind, n, lx, sx, ly, aux + per * ok, sk);
    } else {
      NAME(grad_line)(kind, n, lx, sx, ly, pg + ok, aux ? aux + per * ok : NULL, sk, scale, to);
      to += n;
    }
  } while (next_line(w, index));
}
