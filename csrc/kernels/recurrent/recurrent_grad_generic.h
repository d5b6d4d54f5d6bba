/*
** Recurrent cells, backward through time; included by recurrent.c after recurrent_generic.h.
** dz holds the gradient of z, rows of `blocks` values `lead` apart: the columns of the gates, for
** GRU those of n, z, r and the inner n (the gradient of h U3 + d3), so that the columns that belong
** to U stand together, in its order. In f64 it has rows for all steps; in f32 those of one, which
** are packed for the products after all steps while they are near.
*/

typedef struct NAME(back) {
  NAME(work) w;
  factor f[2]; /* transposed U, for GRU_BEFORE that of z and r, and that of n */
  const T *gout;
  int64_t blocks;   /* width of a row of dz */
  int64_t lead;     /* elements from one row of dz to the next */
  int64_t gates;    /* column of dz where those of U begin: 0, GRU: units */
  T *gx;            /* NULL: not wanted */
  factor w_back[2]; /* W' */
  part parts[PARTS];
  float *kept[PARTS]; /* f32: dz of all steps, packed */
  int n_parts;
  T *dz;      /* see dz_row */
  T *dh, *dc; /* [batch x units]: of the states after the step, then before it */
  T *dy;      /* [batch x units]: gradients of outputs that masked steps repeated */
  T *tmp;     /* [batch x units] */
  T *sums;    /* [blocks of samples x 2 x blocks]: of dz over steps, over the samples of a step */
} NAME(back);

static NAME(back) NAME(back_of)(const ldb_recurrent *r, const ldb_recurrent_gradients *g) {
  const scratch_layout at = scratch_of(r, true);
  T *scratch = r->scratch;
  NAME(back) k = {.w = NAME(work_of)(r, &at), .gout = g->gout};
  const int64_t step = r->batch * r->units;
  k.blocks = gradient_blocks(r->cell) * r->units;
  k.lead = gradient_lead(r);
  k.gates = r->cell == LDB_CELL_GRU ? r->units : 0;
  k.dh = scratch + at.states;
  k.dc = k.dh + step;
  k.dy = k.dc + step;
  k.tmp = k.dy + step;
  k.sums = scratch + at.sums;
  k.dz = scratch + at.dz;
  k.gx = g->gx;
  k.n_parts = gradient_parts(r, k.parts);
  float *kept = (float *)(void *)(scratch + at.gradient);
  for (int i = 0; r->dtype == LDB_F32 && i < k.n_parts; i++) {
    k.kept[i] = kept;
    kept += packed_gradient(r, k.parts + i);
  }
  if (g->gx) make_kernel_factors(r, k.parts, (float *)(void *)(scratch + at.kernel), k.w_back);
  return k;
}

/* The place of row s batch + b. */
static T *NAME(dz_row)(const NAME(back) * k, int64_t row) {
  const ldb_recurrent *r = k->w.r;
  return k->dz + (r->dtype == LDB_F32 ? row % r->batch : row) * k->lead;
}

/* Gradients of n gate values from column `from` of a on, which stand at g, through their
   activation. */
static void NAME(unactivate)(const NAME(back) * k, ldb_act kind, int64_t row, int64_t from,
                             int64_t n, T *g) {
  const NAME(work) *w = &k->w;
  const int64_t at = row * w->width + from;
  NAME(ldb_act_backward)(kind, n, w->z ? w->z + at : NULL, w->a + at, g, g);
}

static void NAME(rnn_row_back)(const NAME(back) * k, int64_t row, const T *dh) {
  T *dz = NAME(dz_row)(k, row);
  if (k->w.usual) {
    NAME(rnn_cell_back)(k->w.u, k->w.a + row * k->w.width, dh, dz);
    return;
  }
  memcpy(dz, dh, (size_t)k->w.u * sizeof(T));
  NAME(unactivate)(k, k->w.r->activation, row, 0, k->w.u, dz);
}

static void NAME(lstm_row_back)(const NAME(back) * k, int64_t row, T *dh, T *dc) {
  const NAME(work) *w = &k->w;
  const int64_t u = w->u;
  const T *y = w->a + row * w->width, *squashed = w->extra + row * u;
  const T *before = w->c + row * u, *after = w->c + (row + w->r->batch) * u;
  T *dz = NAME(dz_row)(k, row);
  if (w->usual) {
    NAME(lstm_cell_back)(u, y, before, squashed, dh, dc, dz, dz + u, dz + 2 * u, dz + 3 * u);
    return;
  }
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
  }
  NAME(unactivate)(k, w->r->recurrent_activation, row, 0, 2 * u, dz);
  NAME(unactivate)(k, w->r->activation, row, 2 * u, u, dz + 2 * u);
  NAME(unactivate)(k, w->r->recurrent_activation, row, 3 * u, u, dz + 3 * u);
}

/* From dh to the gradients of z (after its activation) and n (before it), and of h as z passed it
   on; both kinds of GRU. */
static void NAME(gru_mix_back)(const NAME(back) * k, int64_t row, T *dh, T *dz, T *dn) {
  const NAME(work) *w = &k->w;
  const int64_t u = w->u;
  const T *z = w->a + row * w->width, *n = z + 2 * u, *before = w->h + row * u;
  for (int64_t j = 0; j < u; j++) {
    dz[j] = dh[j] * (before[j] - n[j]);
    dn[j] = dh[j] * (1 - z[j]);
    dh[j] *= z[j];
  }
  NAME(unactivate)(k, w->r->activation, row, 2 * u, u, dn);
}

static void NAME(gru_row_back)(const NAME(back) * k, int64_t row, T *dh) {
  const NAME(work) *w = &k->w;
  const int64_t u = w->u;
  const T *y = w->a + row * w->width, *inner = w->extra + row * u;
  T *dn = NAME(dz_row)(k, row), *dz = dn + u, *dr = dz + u, *dinner = dr + u;
  if (w->usual) {
    NAME(gru_cell_back)(u, y, inner, w->h + row * u, dh, dz, dr, dn, dinner);
    return;
  }
  NAME(gru_mix_back)(k, row, dh, dz, dn);
  for (int64_t j = 0; j < u; j++) {
    dr[j] = dn[j] * inner[j];
    dinner[j] = dn[j] * y[u + j];
  }
  NAME(unactivate)(k, w->r->recurrent_activation, row, 0, 2 * u, dz);
}

static void NAME(gru_before_row_back)(const NAME(back) * k, int64_t row, T *dh) {
  const NAME(work) *w = &k->w;
  T *dz = NAME(dz_row)(k, row);
  if (w->usual) NAME(gru_before_cell_back)
  (w->u, w->a + row * w->width, w->h + row * w->u, dh, dz, dz + 2 * w->u);
  else NAME(gru_mix_back)(k, row, dh, dz, dz + 2 * w->u);
}

/* Once d, the gradient of r h, is there. */
static void NAME(gru_before_reset_back)(const NAME(back) * k, int64_t row, const T *d, T *dh) {
  const NAME(work) *w = &k->w;
  const int64_t u = w->u;
  const T *r = w->a + row * w->width + u, *before = w->h + row * u;
  T *dz = NAME(dz_row)(k, row), *dr = dz + u;
  if (w->usual) {
    NAME(gru_reset_back)(u, r, before, d, dh, dr);
    return;
  }
  for (int64_t j = 0; j < u; j++) {
    dr[j] = d[j] * before[j];
    dh[j] += d[j] * r[j];
  }
  NAME(unactivate)(k, w->r->recurrent_activation, row, 0, 2 * u, dz);
}

/* Adds the gradient of the step's outputs to that of the states they were. */
static void NAME(collect)(const NAME(back) * k, int64_t s, int64_t b) {
  const ldb_recurrent *r = k->w.r;
  const int64_t u = k->w.u;
  const bool masked = is_masked(r, s, b);
  T *dy = k->dy + b * u, *dh = k->dh + b * u;
  if (r->gives == LDB_GIVES_STATES || (masked && r->zero_masked)) return;
  const T *g = k->gout + (b * ldb_recurrent_rows(r) + place(r, s)) * u;
  if (!r->mask) {
    NAME(add_to)(u, g, dh);
    return;
  }
  NAME(add_to)(u, g, dy);
  if (masked) return;
  NAME(add_to)(u, dy, dh);
  memset(dy, 0, (size_t)u * sizeof(T));
}

static void NAME(row_back)(const NAME(back) * k, int64_t s, int64_t b) {
  const ldb_recurrent *r = k->w.r;
  const int64_t u = k->w.u, row = s * r->batch + b;
  T *dh = k->dh + b * u;
  NAME(collect)(k, s, b);
  if (is_masked(r, s, b)) {
    memset(NAME(dz_row)(k, row), 0, (size_t)k->blocks * sizeof(T));
    return;
  }
  if (r->cell == LDB_CELL_GRU) {
    NAME(gru_row_back)(k, row, dh);
    return;
  }
  if (r->cell == LDB_CELL_GRU_BEFORE) {
    NAME(gru_before_row_back)(k, row, dh);
    return;
  }
  if (r->cell == LDB_CELL_LSTM)
    NAME(lstm_row_back)(k, row, dh, k->dc + b * u);
  else
    NAME(rnn_row_back)(k, row, dh);
  if (r->mask) memset(dh, 0, (size_t)u * sizeof(T));
}

/* What the rows of the step before read. */
static void NAME(fetch_back)(const NAME(back) * k, int64_t s, int64_t first, int64_t rows) {
  const NAME(work) *w = &k->w;
  const ldb_recurrent *r = w->r;
  const int64_t row = s * r->batch + first;
  const size_t states = (size_t)(rows * w->u) * sizeof(T);
  fetch(w->a + row * w->width, (size_t)(rows * w->width) * sizeof(T));
  if (r->cell != LDB_CELL_RNN) fetch(w->extra + row * w->u, states);
  if (r->cell == LDB_CELL_LSTM)
    fetch(w->c + row * w->u, states);
  else
    fetch(w->h + row * w->u, states);
  if (r->gives == LDB_GIVES_STATES) return;
  for (int64_t b = first; b < first + rows; b++)
    fetch(k->gout + (b * ldb_recurrent_rows(r) + place(r, s)) * w->u, (size_t)w->u * sizeof(T));
}

/* The rows of one step, then dh of the step before: dz U', added to what the cells passed on. The
   gradient of the inputs is dz W'. */
static void NAME(step_back)(const NAME(back) * k, int64_t s, int64_t first, int64_t rows,
                            void *space) {
  const ldb_recurrent *r = k->w.r;
  const int64_t u = k->w.u, row = s * r->batch + first;
  const T *dz = NAME(dz_row)(k, row);
  T *dh = k->dh + first * u, *tmp = k->tmp + first * u;
  for (int64_t b = first; b < first + rows; b++)
    NAME(row_back)(k, s, b);
  if (r->cell == LDB_CELL_GRU_BEFORE) {
    NAME(multiply)(k->f + 1, rows, dz + 2 * u, k->lead, tmp, u, false, space);
    for (int64_t b = 0; b < rows; b++)
      if (!is_masked(r, s, first + b))
        NAME(gru_before_reset_back)(k, row + b, tmp + b * u, dh + b * u);
  }
  if (s > 0) NAME(fetch_back)(k, s - 1, first, rows);
  const bool add = r->mask || r->cell == LDB_CELL_GRU || r->cell == LDB_CELL_GRU_BEFORE;
  NAME(multiply)(k->f, rows, dz + k->gates, k->lead, dh, u, add, space);
  for (int i = 0; i < k->n_parts; i++)
    NAME(keep)(k->parts + i, r->time * r->batch, row, rows, dz, k->lead, k->kept[i]);
  if (!k->gx) return;
  T *gx = k->gx + (first * r->time + place(r, s)) * r->in;
  for (int i = 0; i < kernel_parts(r->cell); i++)
    NAME(multiply)
  (k->w_back + i, rows, dz + k->parts[i].from, k->lead, gx, r->time * r->in, i > 0, space);
}

static void NAME(backward_block)(void *arg, int64_t i, int worker) {
  const NAME(back) *k = arg;
  const ldb_recurrent *r = k->w.r;
  const int64_t first = i * block_rows(r), rows = rows_of_block(r, i);
  void *space = ldb_team_workspace(r->team, worker);
  T *total = k->sums + 2 * i * k->blocks, *sum = total + k->blocks;
  memset(total, 0, (size_t)k->blocks * sizeof(T));
  for (int64_t s = r->time - 1; s >= 0; s--) {
    NAME(step_back)(k, s, first, rows, space);
    NAME(add_rows)
    (rows, k->blocks, k->lead, NAME(dz_row)(k, s * r->batch + first), sum, total);
  }
}

/* out[width of a x those columns] = a' dz, for part i of the columns of dz */
static ldb_status NAME(over_time)(const NAME(back) * k, int i, const T *a, int64_t width, T *out,
                                  ldb_error *e) {
  const part *p = k->parts + i;
  const factor f = {.n = p->width,
                    .k = k->w.r->time * k->w.r->batch,
                    .mat = mat(k->dz + p->from, k->lead, false),
                    .packed = k->kept[i]};
  return NAME(product)(k->w.r->team, width, &f, mat(a, width, true), out + p->to, k->w.width, e);
}

static ldb_status NAME(recurrent_gradient)(const NAME(back) * k, T *out, ldb_error *e) {
  const int64_t u = k->w.u;
  const ldb_status s = NAME(over_time)(k, 0, k->w.h, u, out, e);
  if (s != LDB_OK || k->n_parts == 1) return s;
  return NAME(over_time)(k, k->n_parts - 1,
                         k->w.r->cell == LDB_CELL_GRU_BEFORE ? k->w.extra : k->w.h, u, out, e);
}

static ldb_status NAME(kernel_gradient)(const NAME(back) * k, T *out, ldb_error *e) {
  ldb_status s = LDB_OK;
  for (int i = 0; s == LDB_OK && i < kernel_parts(k->w.r->cell); i++)
    s = NAME(over_time)(k, i, k->w.x, k->w.r->in, out, e);
  return s;
}

/* The sums of all blocks of samples, in their order; GRU has two rows that share z and r. */
static void NAME(bias_gradient)(const NAME(back) * k, T *out) {
  const int64_t u = k->w.u, width = k->w.width, blocks = k->blocks;
  for (int64_t i = 1; i < block_count(k->w.r); i++)
    NAME(add_to)(blocks, k->sums + 2 * i * blocks, k->sums);
  if (k->w.r->cell != LDB_CELL_GRU) {
    memcpy(out, k->sums, (size_t)width * sizeof(T));
    return;
  }
  memcpy(out, k->sums + u, (size_t)(2 * u) * sizeof(T));
  memcpy(out + 2 * u, k->sums, (size_t)u * sizeof(T));
  memcpy(out + width, k->sums + u, (size_t)width * sizeof(T));
}

/* The gradient of the last states, or 0. */
static void NAME(begin_back)(const NAME(back) * k, int64_t which, T *state) {
  const ldb_recurrent *r = k->w.r;
  const int64_t u = k->w.u, rows = ldb_recurrent_rows(r);
  const bool given = r->gives != LDB_GIVES_STEPS && which < ldb_cell_states(r->cell);
  for (int64_t b = 0; b < r->batch; b++) {
    if (given)
      memcpy(state + b * u, k->gout + (b * rows + state_row(r, which)) * u, (size_t)u * sizeof(T));
    else
      memset(state + b * u, 0, (size_t)u * sizeof(T));
  }
}

static ldb_status NAME(backward)(const ldb_recurrent *r, const ldb_recurrent_gradients *g,
                                 ldb_error *e) {
  NAME(back) k = NAME(back_of)(r, g);
  const size_t bytes = (size_t)(r->batch * r->units) * sizeof(T);
  ldb_status s = LDB_OK;
  NAME(begin_back)(&k, 0, k.dh);
  NAME(begin_back)(&k, 1, k.dc);
  if (bytes) memset(k.dy, 0, bytes);
  memset(k.sums, 0, (size_t)k.blocks * sizeof(T));
  make_factors(r, true, k.w.packed, k.f);
  ldb_team_run(r->team, block_count(r), cost_of_steps(r), NAME(backward_block), &k);
  if (g->gh0 && bytes) memcpy(g->gh0, k.dh, bytes);
  if (g->gc0 && bytes) memcpy(g->gc0, k.dc, bytes);
  if (g->gbias) NAME(bias_gradient)(&k, g->gbias);
  if (g->grecurrent) s = NAME(recurrent_gradient)(&k, g->grecurrent, e);
  if (s == LDB_OK && g->gkernel) {
    NAME(order_inputs)(&k.w);
    s = NAME(kernel_gradient)(&k, g->gkernel, e);
  }
  return s;
}
