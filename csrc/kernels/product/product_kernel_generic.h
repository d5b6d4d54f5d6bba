/*
** Micro-kernels for one vector unit; included by product_kernel.c with TARGET, NAME(x), V (vector),
** LANES, MASK and the operations below defined.
**
** A block of c of up to ROWS x 2 LANES stays in registers while k runs: per step one or two vectors
** of b are loaded, and each element of a is broadcast and multiplied with both. a is read where it
** stands, by rows (a_col = 1) or by columns (a_row = 1): three rows share a pointer, as x86 scales
** an index by 1 and 2.
*/

#define EACH_ROW(X) \
  X(0, a0, 0)       \
  X(1, a0, 1)       \
  X(2, a0, 2)       \
  X(3, a3, 0)       \
  X(4, a3, 1)       \
  X(5, a3, 2)       \
  X(6, a6, 0)       \
  X(7, a6, 1)       \
  X(8, a6, 2)       \
  X(9, a9, 0)       \
  X(10, a9, 1)      \
  X(11, a9, 2)      \
  X(12, a12, 0)     \
  X(13, a12, 1)

TARGET static inline __attribute__((always_inline)) void
NAME(block)(const int rows, const int vectors, const bool masked, int64_t depth, const float *a,
            int64_t a_row, int64_t a_col, const float *b, int64_t b_row, float *c, int64_t ldc,
            int64_t cols, bool add) {
  const int64_t last = vectors == 2 ? cols - LANES : cols;
  const MASK mask = MASK_OF(last);
  const float *a0 = a, *a3 = rows > 3 ? a + 3 * a_row : a, *a6 = rows > 6 ? a + 6 * a_row : a,
              *a9 = rows > 9 ? a + 9 * a_row : a, *a12 = rows > 12 ? a + 12 * a_row : a;
#define START(i, base, step)                         \
  V x##i = ZERO(), y##i = ZERO();                    \
  if (rows > i) {                                    \
    PREFETCH(c + i * ldc);                           \
    if (vectors == 2) PREFETCH(c + i * ldc + LANES); \
  }
  EACH_ROW(START)
#undef START
  for (int64_t p = 0; p < depth; p++) {
    const V b0 = masked && vectors == 1 ? LOAD_MASKED(b, mask) : LOAD(b);
    const V b1 = vectors == 1 ? ZERO() : masked ? LOAD_MASKED(b + LANES, mask) : LOAD(b + LANES);
#define STEP(i, base, step)                             \
  if (rows > i) {                                       \
    const V s = BROADCAST(base + step * a_row);         \
    x##i = MULTIPLY_ADD(s, b0, x##i);                   \
    if (vectors == 2) y##i = MULTIPLY_ADD(s, b1, y##i); \
  }
    EACH_ROW(STEP)
#undef STEP
    b += b_row;
    a0 += a_col;
    if (rows > 3) a3 += a_col;
    if (rows > 6) a6 += a_col;
    if (rows > 9) a9 += a_col;
    if (rows > 12) a12 += a_col;
  }
  if (last == LANES) {
#define PUT(i, base, step)                                                         \
  if (rows > i) {                                                                  \
    float *to = c + i * ldc;                                                       \
    STORE(to, add ? ADD(LOAD(to), x##i) : x##i);                                   \
    if (vectors == 2) STORE(to + LANES, add ? ADD(LOAD(to + LANES), y##i) : y##i); \
  }
    EACH_ROW(PUT)
#undef PUT
  } else {
#define PUT(i, base, step)                                               \
  if (rows > i) {                                                        \
    float *to = c + i * ldc;                                             \
    if (vectors == 2) {                                                  \
      STORE(to, add ? ADD(LOAD(to), x##i) : x##i);                       \
      to += LANES;                                                       \
    }                                                                    \
    const V sum = vectors == 2 ? y##i : x##i;                            \
    STORE_MASKED(to, mask, add ? ADD(LOAD_MASKED(to, mask), sum) : sum); \
  }
    EACH_ROW(PUT)
#undef PUT
  }
}

#define FORM(name, rows, vectors, masked)                                                         \
  TARGET static void NAME(name##_##rows##_##vectors)(                                             \
      int64_t depth, const float *a, int64_t a_row, int64_t a_col, const float *b, int64_t b_row, \
      float *c, int64_t ldc, int64_t cols, bool add) {                                            \
    NAME(block)(rows, vectors, masked, depth, a, a_row, a_col, b, b_row, c, ldc, cols, add);      \
  }
#define FORMS(rows)           \
  FORM(whole, rows, 1, false) \
  FORM(whole, rows, 2, false) \
  FORM(masked, rows, 1, true) \
  FORM(masked, rows, 2, true)
ROW_COUNTS(FORMS)
#undef FORM
#undef FORMS

#define WHOLE(rows) NAME(whole_##rows##_1), NAME(whole_##rows##_2),
#define MASKED(rows) NAME(masked_##rows##_1), NAME(masked_##rows##_2),
static ldb_micro_fn *const NAME(whole)[] = {ROW_COUNTS(WHOLE)};
static ldb_micro_fn *const NAME(masked)[] = {ROW_COUNTS(MASKED)};
#undef WHOLE
#undef MASKED
#undef EACH_ROW

/* Squares of LANES x LANES through registers, what is left by single elements. */
TARGET static void NAME(transpose)(int64_t rows, int64_t cols, const float *from, int64_t from_ld,
                                   float *to, int64_t to_ld) {
  const int64_t whole_rows = rows - rows % LANES, whole_cols = cols - cols % LANES;
  for (int64_t i = 0; i < whole_rows; i += LANES)
    for (int64_t j = 0; j < whole_cols; j += LANES)
      NAME(square)(from + i * from_ld + j, from_ld, to + j * to_ld + i, to_ld);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = i < whole_rows ? whole_cols : 0; j < cols; j++)
      to[j * to_ld + i] = from[i * from_ld + j];
}

/* Row by row, so that memory is read in order; the lines of a row further down are asked for ahead,
   as the processor does not see through steps of a page. */
TARGET static void NAME(deal)(int64_t rows, int64_t cols, const float *from, int64_t from_ld,
                              int64_t width, float *to, int64_t lead, int64_t panel) {
  for (int64_t i = 0; i < rows; i++, from += from_ld, to += lead) {
    if (i + AHEAD < rows)
      for (int64_t j = 0; j < cols; j += 16)
        __builtin_prefetch(from + AHEAD * from_ld + j);
    float *out = to;
    for (int64_t first = 0; first < cols; first += width, out += panel) {
      const int64_t n = cols - first < width ? cols - first : width;
      int64_t j = 0;
      for (; j + LANES <= n; j += LANES)
        STORE(out + j, LOAD(from + first + j));
      if (j < n) {
        const MASK mask = MASK_OF(n - j);
        STORE_MASKED(out + j, mask, LOAD_MASKED(from + first + j, mask));
      }
    }
  }
}
