/*
** Recurrent cells, forward; included by recurrent.c once per element type with T, TYPE and NAME(x)
** defined. row = s batch + b: before the step its state is h + row units, after it
** h + (row + batch) units.
*/

typedef struct NAME(work) {
  const ldb_recurrent *r;
  int64_t u, width;     /* units; gates units */
  T *h, *c, *a, *extra; /* see layout */
  T *z;                 /* NULL: not kept */
  T *x;                 /* [time x batch x in], by step */
  T *inner;             /* GRU: h U + d of one step, [batch x 3 units] */
  const T *bias, *inner_bias;
} NAME(work);

static NAME(work) NAME(work_of)(const ldb_recurrent *r) {
  const layout l = layout_of(r);
  T *saved = r->saved;
  const int64_t width = ldb_cell_gates(r->cell) * r->units;
  NAME(work) w = {.r = r, .u = r->units, .width = width, .bias = r->bias, .x = r->scratch};
  w.h = saved + l.h;
  w.c = saved + l.c;
  w.a = saved + l.a;
  w.extra = saved + l.extra;
  if (keeps_z(r)) w.z = saved + l.z;
  w.inner = w.x + r->time * r->batch * r->in;
  if (r->cell == LDB_CELL_GRU && w.bias) w.inner_bias = w.bias + width;
  return w;
}

static void NAME(add_to)(int64_t n, const T *more, T *y) {
  for (int64_t i = 0; more && i < n; i++)
    y[i] += more[i];
}

/* y = kind(y), y being n gate values of a row from column `from` on. */
static void NAME(activate)(const NAME(work) * w, ldb_act kind, int64_t row, int64_t from,
                           int64_t n) {
  T *y = w->a + row * w->width + from;
  if (w->z) memcpy(w->z + row * w->width + from, y, (size_t)n * sizeof(T));
  NAME(ldb_act_forward)(kind, n, y, y);
}

static void NAME(rnn_row)(const NAME(work) * w, int64_t row) {
  T *y = w->a + row * w->width;
  NAME(add_to)(w->u, w->bias, y);
  NAME(activate)(w, w->r->activation, row, 0, w->u);
  memcpy(w->h + (row + w->r->batch) * w->u, y, (size_t)w->u * sizeof(T));
}

static void NAME(lstm_row)(const NAME(work) * w, int64_t row) {
  const int64_t u = w->u, next = (row + w->r->batch) * u;
  T *y = w->a + row * w->width, *squashed = w->extra + row * u;
  T *c = w->c + next, *h = w->h + next;
  const T *before = w->c + row * u;
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
  T *y = w->a + row * w->width, *inner = w->inner + row % w->r->batch * w->width;
  NAME(add_to)(w->width, w->bias, y);
  NAME(add_to)(w->width, w->inner_bias, inner);
  NAME(add_to)(2 * u, inner, y);
  NAME(activate)(w, w->r->recurrent_activation, row, 0, 2 * u);
  for (int64_t j = 0; j < u; j++)
    y[2 * u + j] += y[u + j] * inner[2 * u + j];
  memcpy(w->extra + row * u, inner + 2 * u, (size_t)u * sizeof(T));
  NAME(activate)(w, w->r->activation, row, 2 * u, u);
  NAME(gru_mix)(w, row);
}

/* z, r and r h; the recurrent product of n follows */
static void NAME(gru_before_gates)(const NAME(work) * w, int64_t row) {
  const int64_t u = w->u;
  const T *y = w->a + row * w->width, *before = w->h + row * u;
  T *reset = w->extra + row * u;
  NAME(add_to)(w->width, w->bias, w->a + row * w->width);
  NAME(activate)(w, w->r->recurrent_activation, row, 0, 2 * u);
  for (int64_t j = 0; j < u; j++)
    reset[j] = y[u + j] * before[j];
}

static void NAME(gru_before_row)(const NAME(work) * w, int64_t row) {
  NAME(activate)(w, w->r->activation, row, 2 * w->u, w->u);
  NAME(gru_mix)(w, row);
}

/* The recurrent products and the rows of one step. */
static ldb_status NAME(step)(const NAME(work) * w, int64_t s, ldb_error *e) {
  const int64_t u = w->u, width = w->width, batch = w->r->batch, row = s * batch;
  const T *recurrent = w->r->recurrent;
  const ldb_mat h = mat(w->h + row * u, u, false);
  T *a = w->a + row * width;
  const ldb_cell cell = w->r->cell;
  ldb_status ok = LDB_OK;
  if (cell == LDB_CELL_GRU)
    ok =
        ldb_gemm(TYPE, batch, width, u, h, mat(recurrent, width, false), w->inner, width, false, e);
  else
    ok = ldb_gemm(TYPE, batch, cell == LDB_CELL_GRU_BEFORE ? 2 * u : width, u, h,
                  mat(recurrent, width, false), a, width, true, e);
  if (ok == LDB_OK && cell == LDB_CELL_GRU_BEFORE) {
    for (int64_t b = 0; b < batch; b++)
      NAME(gru_before_gates)(w, row + b);
    ok = ldb_gemm(TYPE, batch, u, u, mat(w->extra + row * u, u, false),
                  mat(recurrent + 2 * u, width, false), a + 2 * u, width, true, e);
  }
  for (int64_t b = 0; ok == LDB_OK && b < batch; b++) {
    if (cell == LDB_CELL_RNN)
      NAME(rnn_row)(w, row + b);
    else if (cell == LDB_CELL_LSTM)
      NAME(lstm_row)(w, row + b);
    else if (cell == LDB_CELL_GRU)
      NAME(gru_row)(w, row + b);
    else
      NAME(gru_before_row)(w, row + b);
  }
  return ok;
}

/* Puts back the states of masked samples and writes the outputs of the step. */
static void NAME(emit)(const NAME(work) * w, int64_t s) {
  const ldb_recurrent *r = w->r;
  const int64_t u = w->u, rows = r->time + ldb_cell_states(r->cell);
  const size_t bytes = (size_t)u * sizeof(T);
  for (int64_t b = 0; b < r->batch; b++) {
    const int64_t now = (s * r->batch + b) * u, next = now + r->batch * u;
    T *out = (T *)r->out + (b * rows + place(r, s)) * u;
    if (!is_masked(r, s, b)) {
      memcpy(out, w->h + next, bytes);
      continue;
    }
    memcpy(w->h + next, w->h + now, bytes);
    if (r->cell == LDB_CELL_LSTM) memcpy(w->c + next, w->c + now, bytes);
    if (s == 0 || r->zero_masked)
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
  const int64_t u = w->u, rows = r->time + ldb_cell_states(r->cell);
  for (int64_t b = 0; b < r->batch; b++)
    memcpy((T *)r->out + (b * rows + r->time + which) * u, states + (r->time * r->batch + b) * u,
           (size_t)u * sizeof(T));
}

static ldb_status NAME(forward)(const ldb_recurrent *r, ldb_error *e) {
  const NAME(work) w = NAME(work_of)(r);
  by_step(r, r->x, w.x);
  ldb_status s = ldb_gemm(TYPE, r->time * r->batch, w.width, r->in, mat(w.x, r->in, false),
                          mat(r->kernel, w.width, false), w.a, w.width, false, e);
  NAME(begin)(&w, r->h0, w.h);
  if (r->cell == LDB_CELL_LSTM) NAME(begin)(&w, r->c0, w.c);
  for (int64_t t = 0; s == LDB_OK && t < r->time; t++) {
    s = NAME(step)(&w, t, e);
    if (s == LDB_OK) NAME(emit)(&w, t);
  }
  if (s != LDB_OK) return s;
  NAME(finish)(&w, w.h, 0);
  if (r->cell == LDB_CELL_LSTM) NAME(finish)(&w, w.c, 1);
  return s;
}
