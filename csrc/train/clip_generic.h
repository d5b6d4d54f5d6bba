/*
** Loops of clip.h for element type T; NAME(x) is the function name for it.
*/
LDB_CLONES static double NAME(squares)(int64_t n, const T *restrict x) {
  double lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++)
      lane[l] += (double)x[i + l] * (double)x[i + l];
  for (int l = 0; i < n; i++, l++)
    lane[l] += (double)x[i] * (double)x[i];
  return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

LDB_CLONES static int64_t NAME(clip)(int64_t n, T *x, T low, T high) {
  int64_t changed = 0;
  for (int64_t i = 0; i < n; i++) {
    const T v = x[i], c = v < low ? low : v > high ? high : v;
    changed += c < v || c > v;
    x[i] = c;
  }
  return changed;
}

LDB_CLONES static void NAME(scale)(int64_t n, T *x, T factor) {
  for (int64_t i = 0; i < n; i++)
    x[i] *= factor;
}
