/*
** Recurrent cells, forward; included by recurrent.c once per element type with T and NAME(x)
** defined, after recurrent_cell_generic.h. row = s batch + b: before the step its state is h + row
** units, after it h + (row + batch) units.
*/

typedef struct NAME(work) {
  const ldb_recurrent *r;
  int64_t u, width;     /* units; gates units */
  bool usual;           /* tanh and sigmoid: rows go through recurrent_cell_generic.h */
  T *h, *c, *a, *extra; /* see layout */
  T *z;                 /* NULL: not kept */
  const T *x;           /* backward: [time x batch x in], by step */
  T *bias;              /* scratch, [4 units], see bias_row */
  T *by_step;           /* scratch for x by step */
  float *packed;        /* scratch for the recurrent kernel, see make_factors */
} NAME(work);

static NAME(work) NAME(work_of)(const ldb_recurrent *r, const scratch_layout *at) {
  const layout l = layout_of(r);
  T *saved = r->saved, *scratch = r->scratch;
  const int64_t width = ldb_cell_gates(r->cell) * r->units;
  NAME(work) w = {.r = r, .u = r->units, .width = width};
  w.usual = r->activation == LDB_ACT_TANH &&
            (r->cell == LDB_CELL_RNN || r->recurrent_activation == LDB_ACT_SIGMOID);
  w.h = saved + l.h;
  w.c = saved + l.c;
  w.a = saved + l.a;
  w.extra = saved + l.extra;
  if (keeps_z(r)) w.z = saved + l.z;
  w.packed = (float *)(void *)(scratch + at->packed);
  w.bias = scratch + at->bias;
  w.by_step = scratch + at->by_step;
  return w;
}

/* x by step: as it is where that is the order in memory. */
static void NAME(order_inputs)(NAME(work) * w) {
  const ldb_recurrent *r = w->r;
  w->x = r->x;
  if (in_order(r)) return;
  by_step(r, r->x, w->by_step);
  w->x = w->by_step;
}

/* The bias of every gate; GRU: those of z and r added up, of n, of the inner n. No bias is zeros.
 */
static void NAME(bias_row)(const NAME(work) * w) {
  const int64_t u = w->u;
  const T *from = w->r->bias;
  T *to = w->bias;
  memset(to, 0, (size_t)(4 * u) * sizeof(T));
  if (!from) return;
  memcpy(to, from, (size_t)w->width * sizeof(T));
  if (w->r->cell != LDB_CELL_GRU) return;
  for (int64_t j = 0; j < 2 * u; j++)
    to[j] += from[w->width + j];
  memcpy(to + 3 * u, from + w->width + 2 * u, (size_t)u * sizeof(T));
}

/* y = kind(y), y being n gate values of a row from column `from` on. */
static void NAME(activate)(const NAME(work) * w, ldb_act kind, int64_t row, int64_t from,
                           int64_t n) {
  T *y = w->a + row * w->width + from;
  if (w->z) memcpy(w->z + row * w->width + from, y, (size_t)n * sizeof(T));
  NAME(ldb_act_forward)(kind, n, y, y);
}

static void NAME(rnn_row)(const NAME(work) * w, int64_t row) {
  T *y = w->a + row * w->width, *h = w->h + (row + w->r->batch) * w->u;
  if (w->usual) {
    NAME(rnn_cell)(w->u, y, w->bias, h);
    return;
  }
  NAME(add_to)(w->u, w->bias, y);
  NAME(activate)(w, w->r->activation, row, 0, w->u);
  memcpy(h, y, (size_t)w->u * sizeof(T));
}

static void NAME(lstm_row)(const NAME(work) * w, int64_t row) {
  const int64_t u = w->u, next = (row + w->r->batch) * u;
  T *y = w->a + row * w->width, *squashed = w->extra + row * u;
  T *c = w->c + next, *h = w->h + next;
  const T *before = w->c + row * u;
  if (w->usual) {
    NAME(lstm_cell)(u, y, y + u, y + 2 * u, y + 3 * u, w->bias, before, c, squashed, h);
    return;
  }
  NAME(add_to)(w->width, w->bias, y);
  NAME(activate)(w, w->r->recurrent_activation, row, 0, 2 * u);
  NAME(activate)(w, w->r->activation, row, 2 * u, u);
  NAME(activate)(w, w->r->recurrent_activation, row, 3 * u, u);
  for (int64_t j = 0; j < u; j++)
    c[j] = y[u + j] * before[j] + y[j] * y[2 * u + j];
  NAME(ldb_act_forward)(w->r->activation, u, c, squashed);
  for (int64_t j = 0; j < u; j++)
    h[j] = y[3 * u + j] * squashed[j];
}

/* h' = z h + (1 - z) n, once the gates are there */
static void NAME(gru_mix)(const NAME(work) * w, int64_t row) {
  const int64_t u = w->u;
  const T *z = w->a + row * w->width, *n = z + 2 * u, *before = w->h + row * u;
  T *h = w->h + (row + w->r->batch) * u;
  for (int64_t j = 0; j < u; j++)
    h[j] = z[j] * before[j] + (1 - z[j]) * n[j];
}

static void NAME(gru_row)(const NAME(work) * w, int64_t row) {
  const int64_t u = w->u;
  T *y = w->a + row * w->width, *inner = w->extra + row * u;
  if (w->usual) {
    NAME(gru_cell)
    (u, y, y + u, y + 2 * u, w->bias, inner, w->h + row * u, w->h + (row + w->r->batch) * u);
    return;
  }
  NAME(add_to)(w->width, w->bias, y);
  NAME(add_to)(u, w->bias + 3 * u, inner);
  NAME(activate)(w, w->r->recurrent_activation, row, 0, 2 * u);
  for (int64_t j = 0; j < u; j++)
    y[2 * u + j] += y[u + j] * inner[j];
  NAME(activate)(w, w->r->activation, row, 2 * u, u);
  NAME(gru_mix)(w, row);
}

/* z, r and r h; the recurrent product of n follows */
static void NAME(gru_before_first)(const NAME(work) * w, int64_t row) {
  const int64_t u = w->u;
  T *y = w->a + row * w->width, *reset = w->extra + row * u;
  const T *before = w->h + row * u;
  if (w->usual) {
    NAME(gru_before_gates)(u, y, y + u, w->bias, before, reset);
    return;
  }
  NAME(add_to)(2 * u, w->bias, y);
  NAME(activate)(w, w->r->recurrent_activation, row, 0, 2 * u);
  for (int64_t j = 0; j < u; j++)
    reset[j] = y[u + j] * before[j];
}

static void NAME(gru_before_row)(const NAME(work) * w, int64_t row) {
  const int64_t u = w->u;
  T *y = w->a + row * w->width;
  if (w->usual) {
    NAME(gru_before_cell)(u, y, y + 2 * u, w->bias, w->h + row * u, w->h + (row + w->r->batch) * u);
    return;
  }
  NAME(add_to)(u, w->bias + 2 * u, y + 2 * u);
  NAME(activate)(w, w->r->activation, row, 2 * u, u);
  NAME(gru_mix)(w, row);
}

static void NAME(cell_row)(const NAME(work) * w, int64_t row) {
  if (w->r->cell == LDB_CELL_RNN)
    NAME(rnn_row)(w, row);
  else if (w->r->cell == LDB_CELL_LSTM)
    NAME(lstm_row)(w, row);
  else if (w->r->cell == LDB_CELL_GRU)
    NAME(gru_row)(w, row);
  else
    NAME(gru_before_row)(w, row);
}

/* One step of the samples first..first + rows: the products, then gates. f: U, or for both kinds of
   GRU its columns of z and r, and those of n. */
static void NAME(step)(const NAME(work) * w, const factor *kernel, const factor *f, int64_t s,
                       int64_t first, int64_t rows, void *space) {
  const int64_t u = w->u, width = w->width, row = s * w->r->batch + first;
  const T *h = w->h + row * u;
  T *a = w->a + row * width, *extra = w->extra + row * u;
  const ldb_recurrent *r = w->r;
  const T *x = (const T *)r->x + (first * r->time + place(r, s)) * r->in;
  NAME(multiply)(kernel, rows, x, r->time * r->in, a, width, false, space);
  NAME(multiply)(f, rows, h, u, a, width, true, space);
  if (w->r->cell == LDB_CELL_GRU) NAME(multiply)(f + 1, rows, h, u, extra, u, false, space);
  if (w->r->cell == LDB_CELL_GRU_BEFORE) {
    for (int64_t b = 0; b < rows; b++)
      NAME(gru_before_first)(w, row + b);
    NAME(multiply)(f + 1, rows, extra, u, a + 2 * u, width, true, space);
  }
  for (int64_t b = 0; b < rows; b++)
    NAME(cell_row)(w, row + b);
}

/* Puts back the states of masked samples and writes the outputs of the step. */
static void NAME(emit)(const NAME(work) * w, int64_t s, int64_t first, int64_t count) {
  const ldb_recurrent *r = w->r;
  const int64_t u = w->u, rows = ldb_recurrent_rows(r);
  const size_t bytes = (size_t)u * sizeof(T);
  for (int64_t b = first; b < first + count; b++) {
    const int64_t now = (s * r->batch + b) * u, next = now + r->batch * u;
    const bool masked = is_masked(r, s, b);
    if (masked) {
      memcpy(w->h + next, w->h + now, bytes);
      if (r->cell == LDB_CELL_LSTM) memcpy(w->c + next, w->c + now, bytes);
    }
    if (r->gives == LDB_GIVES_STATES) continue;
    T *out = (T *)r->out + (b * rows + place(r, s)) * u;
    if (!masked)
      memcpy(out, w->h + next, bytes);
    else if (s == 0 || r->zero_masked)
      memset(out, 0, bytes);
    else
      memcpy(out, (T *)r->out + (b * rows + place(r, s - 1)) * u, bytes);
  }
}

static void NAME(begin)(const NAME(work) * w, const void *start, T *state) {
  const size_t bytes = (size_t)(w->r->batch * w->u) * sizeof(T);
  if (start && bytes)
    memcpy(state, start, bytes);
  else if (bytes)
    memset(state, 0, bytes);
}

static void NAME(finish)(const NAME(work) * w, const T *states, int64_t which) {
  const ldb_recurrent *r = w->r;
  const int64_t u = w->u, rows = ldb_recurrent_rows(r), at = state_row(r, which);
  for (int64_t b = 0; b < r->batch; b++)
    memcpy((T *)r->out + (b * rows + at) * u, states + (r->time * r->batch + b) * u,
           (size_t)u * sizeof(T));
}

/* All steps of one block of samples. */
typedef struct NAME(forward_run) {
  NAME(work) w;
  factor kernel, f[2];
} NAME(forward_run);

static void NAME(forward_block)(void *arg, int64_t i, int worker) {
  const NAME(forward_run) *k = arg;
  const ldb_recurrent *r = k->w.r;
  const int64_t first = i * block_rows(r), rows = rows_of_block(r, i);
  void *space = ldb_team_workspace(r->team, worker);
  for (int64_t s = 0; s < r->time; s++) {
    NAME(step)(&k->w, &k->kernel, k->f, s, first, rows, space);
    NAME(emit)(&k->w, s, first, rows);
  }
}

static ldb_status NAME(forward)(const ldb_recurrent *r) {
  const scratch_layout at = scratch_of(r, false);
  NAME(forward_run) k = {.w = NAME(work_of)(r, &at)};
  NAME(work) *w = &k.w;
  NAME(bias_row)(w);
  k.kernel = make_input_factor(r, (float *)(void *)((T *)r->scratch + at.kernel));
  make_factors(r, false, w->packed, k.f);
  NAME(begin)(w, r->h0, w->h);
  if (r->cell == LDB_CELL_LSTM) NAME(begin)(w, r->c0, w->c);
  ldb_team_run(r->team, block_count(r), cost_of_steps(r), NAME(forward_block), &k);
  if (r->gives == LDB_GIVES_STEPS) return LDB_OK;
  NAME(finish)(w, w->h, 0);
  if (r->cell == LDB_CELL_LSTM) NAME(finish)(w, w->c, 1);
  return LDB_OK;
}
