/*
** Recurrent cells, backward through time; included by recurrent.c after recurrent_generic.h.
** dz holds the gradient of z, [time batch x blocks units]; for GRU its blocks are z, r, n and the
** inner n (the gradient of h U3 + d3).
*/

typedef struct NAME(back) {
  NAME(work) w;
  const T *gout;
  int64_t blocks; /* units x blocks: width of a row of dz */
  T *dz;
  T *dh, *dc; /* [batch x units]: of the states after the step, then before it */
  T *dy;      /* [batch x units]: gradients of outputs that masked steps repeated */
  T *tmp;     /* [batch x units] */
} NAME(back);

static NAME(back) NAME(back_of)(const ldb_recurrent *r, const ldb_recurrent_gradients *g) {
  NAME(back) k = {.w = NAME(work_of)(r), .gout = g->gout};
  const int64_t step = r->batch * r->units;
  k.blocks = gradient_blocks(r->cell) * r->units;
  k.dh = k.w.x + r->time * r->batch * r->in;
  k.dc = k.dh + step;
  k.dy = k.dc + step;
  k.tmp = k.dy + step;
  k.dz = k.tmp + step;
  return k;
}

/* Gradients of n gate values from column `from` of the row on, through their activation. */
static void NAME(unactivate)(const NAME(back) * k, ldb_act kind, int64_t row, int64_t from,
                             int64_t n) {
  const NAME(work) *w = &k->w;
  const int64_t at = row * w->width + from;
  T *g = k->dz + row * k->blocks + from;
  NAME(ldb_act_backward)(kind, n, w->z ? w->z + at : NULL, w->a + at, g, g);
}

static void NAME(rnn_row_back)(const NAME(back) * k, int64_t row, T *dh) {
  const size_t bytes = (size_t)k->w.u * sizeof(T);
  memcpy(k->dz + row * k->blocks, dh, bytes);
  NAME(unactivate)(k, k->w.r->activation, row, 0, k->w.u);
  memset(dh, 0, bytes);
}

static void NAME(lstm_row_back)(const NAME(back) * k, int64_t row, T *dh, T *dc) {
  const NAME(work) *w = &k->w;
  const int64_t u = w->u;
  const T *y = w->a + row * w->width, *squashed = w->extra + row * u;
  const T *before = w->c + row * u, *after = w->c + (row + w->r->batch) * u;
  T *dz = k->dz + row * k->blocks;
  for (int64_t j = 0; j < u; j++) {
    dz[3 * u + j] = dh[j] * squashed[j];
    dh[j] *= y[3 * u + j];
  }
  NAME(ldb_act_backward)(w->r->activation, u, after, squashed, dh, dh);
  for (int64_t j = 0; j < u; j++) {
    const T d = dc[j] + dh[j];
    dz[j] = d * y[2 * u + j];
    dz[u + j] = d * before[j];
    dz[2 * u + j] = d * y[j];
    dc[j] = d * y[u + j];
    dh[j] = 0;
  }
  NAME(unactivate)(k, w->r->recurrent_activation, row, 0, 2 * u);
  NAME(unactivate)(k, w->r->activation, row, 2 * u, u);
  NAME(unactivate)(k, w->r->recurrent_activation, row, 3 * u, u);
}

/* From dh to the gradients of z (after its activation) and n (before it), and of h as z passed it
   on; both kinds of GRU. */
static void NAME(gru_mix_back)(const NAME(back) * k, int64_t row, T *dh) {
  const NAME(work) *w = &k->w;
  const int64_t u = w->u;
  const T *z = w->a + row * w->width, *n = z + 2 * u, *before = w->h + row * u;
  T *dz = k->dz + row * k->blocks;
  for (int64_t j = 0; j < u; j++) {
    dz[j] = dh[j] * (before[j] - n[j]);
    dz[2 * u + j] = dh[j] * (1 - z[j]);
    dh[j] *= z[j];
  }
  NAME(unactivate)(k, w->r->activation, row, 2 * u, u);
}

static void NAME(gru_row_back)(const NAME(back) * k, int64_t row, T *dh) {
  const NAME(work) *w = &k->w;
  const int64_t u = w->u;
  const T *r = w->a + row * w->width + u, *inner = w->extra + row * u;
  T *dz = k->dz + row * k->blocks;
  NAME(gru_mix_back)(k, row, dh);
  for (int64_t j = 0; j < u; j++) {
    dz[u + j] = dz[2 * u + j] * inner[j];
    dz[3 * u + j] = dz[2 * u + j] * r[j];
  }
  NAME(unactivate)(k, w->r->recurrent_activation, row, 0, 2 * u);
}

/* d = gradient of r h */
static void NAME(gru_before_row_back)(const NAME(back) * k, int64_t row, const T *d, T *dh) {
  const NAME(work) *w = &k->w;
  const int64_t u = w->u;
  const T *r = w->a + row * w->width + u, *before = w->h + row * u;
  T *dr = k->dz + row * k->blocks + u;
  for (int64_t j = 0; j < u; j++) {
    dr[j] = d[j] * before[j];
    dh[j] += d[j] * r[j];
  }
  NAME(unactivate)(k, w->r->recurrent_activation, row, 0, 2 * u);
}

/* Adds the gradient of the step's outputs to that of the states they were. */
static void NAME(collect)(const NAME(back) * k, int64_t s, int64_t b) {
  const ldb_recurrent *r = k->w.r;
  const int64_t u = k->w.u, rows = r->time + ldb_cell_states(r->cell);
  const bool masked = is_masked(r, s, b);
  T *dy = k->dy + b * u, *dh = k->dh + b * u;
  if (masked && r->zero_masked) return;
  NAME(add_to)(u, k->gout + (b * rows + place(r, s)) * u, dy);
  if (masked) return;
  NAME(add_to)(u, dy, dh);
  memset(dy, 0, (size_t)u * sizeof(T));
}

static void NAME(row_back)(const NAME(back) * k, int64_t s, int64_t b) {
  const int64_t u = k->w.u, row = s * k->w.r->batch + b;
  T *dh = k->dh + b * u;
  NAME(collect)(k, s, b);
  if (is_masked(k->w.r, s, b))
    memset(k->dz + row * k->blocks, 0, (size_t)k->blocks * sizeof(T));
  else if (k->w.r->cell == LDB_CELL_RNN)
    NAME(rnn_row_back)(k, row, dh);
  else if (k->w.r->cell == LDB_CELL_LSTM)
    NAME(lstm_row_back)(k, row, dh, k->dc + b * u);
  else if (k->w.r->cell == LDB_CELL_GRU)
    NAME(gru_row_back)(k, row, dh);
  else
    NAME(gru_mix_back)(k, row, dh);
}

/* dh += dz U', the columns from..from + n of dz times those of U from `to` on */
static ldb_status NAME(pull)(const NAME(back) * k, int64_t s, int64_t from, int64_t to, int64_t n,
                             bool accumulate, T *dh, ldb_error *e) {
  const int64_t u = k->w.u, batch = k->w.r->batch;
  const T *dz = k->dz + s * batch * k->blocks + from, *recurrent = k->w.r->recurrent;
  return ldb_gemm(TYPE, batch, u, n, mat(dz, k->blocks, false),
                  mat(recurrent + to, k->w.width, true), dh, u > 0 ? u : 1, accumulate, e);
}

static ldb_status NAME(step_back)(const NAME(back) * k, int64_t s, ldb_error *e) {
  const ldb_recurrent *r = k->w.r;
  const int64_t u = k->w.u, batch = r->batch;
  ldb_status ok = LDB_OK;
  for (int64_t b = 0; b < batch; b++)
    NAME(row_back)(k, s, b);
  if (r->cell == LDB_CELL_GRU) {
    ok = NAME(pull)(k, s, 0, 0, 2 * u, true, k->dh, e);
    return ok == LDB_OK ? NAME(pull)(k, s, 3 * u, 2 * u, u, true, k->dh, e) : ok;
  }
  if (r->cell != LDB_CELL_GRU_BEFORE) return NAME(pull)(k, s, 0, 0, k->w.width, true, k->dh, e);
  ok = NAME(pull)(k, s, 2 * u, 2 * u, u, false, k->tmp, e);
  if (ok != LDB_OK) return ok;
  for (int64_t b = 0; b < batch; b++)
    if (!is_masked(r, s, b))
      NAME(gru_before_row_back)(k, s * batch + b, k->tmp + b * u, k->dh + b * u);
  return NAME(pull)(k, s, 0, 0, 2 * u, true, k->dh, e);
}

/* gU[:, to..to + n] = rows' dz[:, from..from + n] */
static ldb_status NAME(recurrent_part)(const NAME(back) * k, const T *rows, int64_t from,
                                       int64_t to, int64_t n, T *out, ldb_error *e) {
  const int64_t u = k->w.u, total = k->w.r->time * k->w.r->batch;
  return ldb_gemm(TYPE, u, n, total, mat(rows, u, true), mat(k->dz + from, k->blocks, false),
                  out + to, k->w.width, false, e);
}

static ldb_status NAME(recurrent_gradient)(const NAME(back) * k, T *out, ldb_error *e) {
  const int64_t u = k->w.u;
  const ldb_cell cell = k->w.r->cell;
  const T *h = k->w.h;
  if (cell == LDB_CELL_RNN || cell == LDB_CELL_LSTM)
    return NAME(recurrent_part)(k, h, 0, 0, k->w.width, out, e);
  const ldb_status s = NAME(recurrent_part)(k, h, 0, 0, 2 * u, out, e);
  if (s != LDB_OK) return s;
  if (cell == LDB_CELL_GRU) return NAME(recurrent_part)(k, h, 3 * u, 2 * u, u, out, e);
  return NAME(recurrent_part)(k, k->w.extra, 2 * u, 2 * u, u, out, e);
}

static void NAME(bias_gradient)(const NAME(back) * k, T *out) {
  const int64_t u = k->w.u, width = k->w.width, n = k->w.r->time * k->w.r->batch;
  sum_rows(TYPE, n, width, k->blocks, k->dz, out);
  if (k->w.r->cell != LDB_CELL_GRU) return;
  memcpy(out + width, out, (size_t)(2 * u) * sizeof(T));
  sum_rows(TYPE, n, u, k->blocks, k->dz + 3 * u, out + width + 2 * u);
}

static ldb_status NAME(input_gradients)(const NAME(back) * k, const ldb_recurrent_gradients *g,
                                        ldb_error *e) {
  const ldb_recurrent *r = k->w.r;
  const int64_t n = r->time * r->batch, width = k->w.width;
  const ldb_mat dz = mat(k->dz, k->blocks, false);
  ldb_status s = LDB_OK;
  if (g->gkernel) {
    by_step(r, r->x, k->w.x);
    s = ldb_gemm(TYPE, r->in, width, n, mat(k->w.x, r->in, true), dz, g->gkernel, width, false, e);
  }
  if (s == LDB_OK && g->gx) {
    s = ldb_gemm(TYPE, n, r->in, width, dz, mat(r->kernel, width, true), k->w.x,
                 r->in > 0 ? r->in : 1, false, e);
    if (s == LDB_OK) by_sample(r, k->w.x, g->gx);
  }
  return s;
}

/* The gradient of the last states, or 0. */
static void NAME(begin_back)(const NAME(back) * k, int64_t which, T *state) {
  const ldb_recurrent *r = k->w.r;
  const int64_t u = k->w.u, states = ldb_cell_states(r->cell), rows = r->time + states;
  for (int64_t b = 0; b < r->batch; b++) {
    if (which < states)
      memcpy(state + b * u, k->gout + (b * rows + r->time + which) * u, (size_t)u * sizeof(T));
    else
      memset(state + b * u, 0, (size_t)u * sizeof(T));
  }
}

static ldb_status NAME(backward)(const ldb_recurrent *r, const ldb_recurrent_gradients *g,
                                 ldb_error *e) {
  const NAME(back) k = NAME(back_of)(r, g);
  const size_t bytes = (size_t)(r->batch * r->units) * sizeof(T);
  ldb_status s = LDB_OK;
  NAME(begin_back)(&k, 0, k.dh);
  NAME(begin_back)(&k, 1, k.dc);
  if (bytes) memset(k.dy, 0, bytes);
  for (int64_t t = r->time - 1; s == LDB_OK && t >= 0; t--)
    s = NAME(step_back)(&k, t, e);
  if (s != LDB_OK) return s;
  if (g->gh0) memcpy(g->gh0, k.dh, bytes);
  if (g->gc0) memcpy(g->gc0, k.dc, bytes);
  if (g->gbias) NAME(bias_gradient)(&k, g->gbias);
  if (g->grecurrent) s = NAME(recurrent_gradient)(&k, g->grecurrent, e);
  return s == LDB_OK ? NAME(input_gradients)(&k, g, e) : s;
}
