/*
** One row (sample) of one step of a recurrent cell with the activations that cells usually have,
** tanh and sigmoid: all gates in one pass, forward and backward. Included by recurrent.c once per
** element type with T and NAME(x) defined.
**
** i, f, g, o, z, r, n: [units] each, in: what the products gave, out: the gate. The bias is as
** `bias_row` in recurrent_generic.h made it.
*/

static LDB_CLONES void NAME(rnn_cell)(int64_t u, T *restrict y, const T *restrict bias,
                                      T *restrict h) {
  for (int64_t j = 0; j < u; j++)
    h[j] = y[j] = NAME(ldb_gate_tanh)(y[j] + bias[j]);
}

static LDB_CLONES void NAME(lstm_cell)(int64_t u, T *restrict i, T *restrict f, T *restrict g,
                                       T *restrict o, const T *restrict bias,
                                       const T *restrict before, T *restrict c,
                                       T *restrict squashed, T *restrict h) {
  for (int64_t j = 0; j < u; j++) {
    i[j] = NAME(ldb_gate_sigmoid)(i[j] + bias[j]);
    f[j] = NAME(ldb_gate_sigmoid)(f[j] + bias[u + j]);
    g[j] = NAME(ldb_gate_tanh)(g[j] + bias[2 * u + j]);
    o[j] = NAME(ldb_gate_sigmoid)(o[j] + bias[3 * u + j]);
    c[j] = f[j] * before[j] + i[j] * g[j];
    squashed[j] = NAME(ldb_gate_tanh)(c[j]);
    h[j] = o[j] * squashed[j];
  }
}

/* inner: h U3, then with its bias */
static LDB_CLONES void NAME(gru_cell)(int64_t u, T *restrict z, T *restrict r, T *restrict n,
                                      const T *restrict bias, T *restrict inner,
                                      const T *restrict before, T *restrict h) {
  for (int64_t j = 0; j < u; j++) {
    z[j] = NAME(ldb_gate_sigmoid)(z[j] + bias[j]);
    r[j] = NAME(ldb_gate_sigmoid)(r[j] + bias[u + j]);
    inner[j] += bias[3 * u + j];
    n[j] = NAME(ldb_gate_tanh)(n[j] + bias[2 * u + j] + r[j] * inner[j]);
    h[j] = z[j] * before[j] + (1 - z[j]) * n[j];
  }
}

/* reset = r h, what the product of n reads */
static LDB_CLONES void NAME(gru_before_gates)(int64_t u, T *restrict z, T *restrict r,
                                              const T *restrict bias, const T *restrict before,
                                              T *restrict reset) {
  for (int64_t j = 0; j < u; j++) {
    z[j] = NAME(ldb_gate_sigmoid)(z[j] + bias[j]);
    r[j] = NAME(ldb_gate_sigmoid)(r[j] + bias[u + j]);
    reset[j] = r[j] * before[j];
  }
}

static LDB_CLONES void NAME(gru_before_cell)(int64_t u, const T *restrict z, T *restrict n,
                                             const T *restrict bias, const T *restrict before,
                                             T *restrict h) {
  for (int64_t j = 0; j < u; j++) {
    n[j] = NAME(ldb_gate_tanh)(n[j] + bias[2 * u + j]);
    h[j] = z[j] * before[j] + (1 - z[j]) * n[j];
  }
}

/* The gradients of the gates before their activations, from those of h (dh) and c (dc, afterwards
   that of the c before). */
static LDB_CLONES void NAME(rnn_cell_back)(int64_t u, const T *restrict y, const T *restrict dh,
                                           T *restrict dz) {
  for (int64_t j = 0; j < u; j++)
    dz[j] = dh[j] * (1 - y[j] * y[j]);
}

static LDB_CLONES void NAME(lstm_cell_back)(int64_t u, const T *restrict y,
                                            const T *restrict before, const T *restrict squashed,
                                            const T *restrict dh, T *restrict dc, T *restrict di,
                                            T *restrict df, T *restrict dg, T *restrict od) {
  for (int64_t j = 0; j < u; j++) {
    const T i = y[j], f = y[u + j], g = y[2 * u + j], o = y[3 * u + j], s = squashed[j];
    const T d = dc[j] + dh[j] * o * (1 - s * s);
    di[j] = d * g * (i * (1 - i));
    df[j] = d * before[j] * (f * (1 - f));
    dg[j] = d * i * (1 - g * g);
    od[j] = dh[j] * s * (o * (1 - o));
    dc[j] = d * f;
  }
}

/* dh becomes what z passes on to the h before. */
static LDB_CLONES void NAME(gru_cell_back)(int64_t u, const T *restrict y, const T *restrict inner,
                                           const T *restrict before, T *restrict dh, T *restrict dz,
                                           T *restrict dr, T *restrict dn, T *restrict dinner) {
  for (int64_t j = 0; j < u; j++) {
    const T z = y[j], r = y[u + j], n = y[2 * u + j], d = dh[j];
    const T to_n = d * (1 - z) * (1 - n * n);
    dz[j] = d * (before[j] - n) * (z * (1 - z));
    dr[j] = to_n * inner[j] * (r * (1 - r));
    dn[j] = to_n;
    dinner[j] = to_n * r;
    dh[j] = d * z;
  }
}

static LDB_CLONES void NAME(gru_before_cell_back)(int64_t u, const T *restrict y,
                                                  const T *restrict before, T *restrict dh,
                                                  T *restrict dz, T *restrict dn) {
  for (int64_t j = 0; j < u; j++) {
    const T z = y[j], n = y[2 * u + j], d = dh[j];
    dz[j] = d * (before[j] - n) * (z * (1 - z));
    dn[j] = d * (1 - z) * (1 - n * n);
    dh[j] = d * z;
  }
}

/* d: gradient of r h */
static LDB_CLONES void NAME(gru_reset_back)(int64_t u, const T *restrict r,
                                            const T *restrict before, const T *restrict d,
                                            T *restrict dh, T *restrict dr) {
  for (int64_t j = 0; j < u; j++) {
    dr[j] = d[j] * before[j] * (r[j] * (1 - r[j]));
    dh[j] += d[j] * r[j];
  }
}

/* total[j] += sums of the rows of g, which are ld elements apart, in their order */
static LDB_CLONES void NAME(add_rows)(int64_t rows, int64_t cols, int64_t ld, const T *restrict g,
                                      T *restrict sum, T *restrict total) {
  for (int64_t j = 0; j < cols; j++)
    sum[j] = rows > 0 ? g[j] : 0;
  for (int64_t b = 1; b < rows; b++)
    for (int64_t j = 0; j < cols; j++)
      sum[j] += g[b * ld + j];
  for (int64_t j = 0; j < cols; j++)
    total[j] += sum[j];
}

/* y += more */
static LDB_CLONES void NAME(add_to)(int64_t n, const T *restrict more, T *restrict y) {
  for (int64_t i = 0; i < n; i++)
    y[i] += more[i];
}
