/*
** Sums and the maximum of a row for one element type; included with T and NAME(x) defined. LANES(T)
** partial sums of type T within CHUNK elements, f64 from chunk to chunk: the order is fixed by n,
** and the loops become vector code.
*/

/* 64 bytes: one vector where there are 512 bits. With two of f64, gcc 12 loses half of the mask of
   a conditional term. */
#ifndef LANES
#define LANES(T) ((int)(64 / sizeof(T)))
#endif

/* Written out by halves: a loop over them is not unrolled. */
LDB_INLINE T NAME(fold)(T lane[LANES(T)]) {
  for (int l = 0; l + 8 < LANES(T); l++)
    lane[l] += lane[l + 8];
  for (int l = 0; l < 4; l++)
    lane[l] += lane[l + 4];
  return (lane[0] + lane[2]) + (lane[1] + lane[3]);
}

/* Largest of n elements that is not NaN, -inf without one. */
LDB_INLINE T NAME(top)(int64_t n, const T *x) {
  T lane[LANES(T)], m = -(T)HUGE_VAL;
  int64_t i = 0;
  for (int l = 0; l < LANES(T); l++)
    lane[l] = m;
  for (; i + LANES(T) <= n; i += LANES(T))
    for (int l = 0; l < LANES(T); l++)
      lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
  for (; i < n; i++)
    m = x[i] > m ? x[i] : m;
  for (int l = 0; l + 8 < LANES(T); l++)
    lane[l] = lane[l + 8] > lane[l] ? lane[l + 8] : lane[l];
  for (int l = 0; l < 4; l++)
    lane[l] = lane[l + 4] > lane[l] ? lane[l + 4] : lane[l];
  for (int l = 1; l < 4; l++)
    lane[0] = lane[l] > lane[0] ? lane[l] : lane[0];
  return lane[0] > m ? lane[0] : m;
}

/* sum over i < n of TERM, an expression of i, into the double `to` */
#ifndef ROW_SUM
#define ROW_SUM(T, FOLD, n, to, TERM)                                      \
  do {                                                                     \
    to = 0;                                                                \
    for (int64_t chunk = 0; chunk < (n); chunk += CHUNK) {                 \
      const int64_t chunk_end = chunk + CHUNK < (n) ? chunk + CHUNK : (n); \
      T lane[LANES(T)] = {0};                                              \
      int64_t from = chunk;                                                \
      for (; from + LANES(T) <= chunk_end; from += LANES(T))               \
        for (int l = 0; l < LANES(T); l++) {                               \
          const int64_t i = from + l;                                      \
          lane[l] += (TERM);                                               \
        }                                                                  \
      for (int l = 0; from < chunk_end; from++, l++) {                     \
        const int64_t i = from;                                            \
        lane[l] += (TERM);                                                 \
      }                                                                    \
      to += (double)FOLD(lane);                                            \
    }                                                                      \
  } while (0)
#endif
