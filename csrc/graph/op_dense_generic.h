/*
** The epilogue of dense for one element type; included by op_dense.c with T and NAME(x) defined.
*/

/* y = f(z + bias), z and y [n x units]; z keeps z + bias unless it is y. */
static void NAME(epilogue)(ldb_act f, int64_t n, int64_t units, const T *bias, T *z, T *y) {
  if (units == 0 || (!bias && f == LDB_ACT_LINEAR)) return;
  const int64_t step = units < EPILOGUE_BLOCK ? EPILOGUE_BLOCK / units : 1;
  for (int64_t row = 0; row < n; row += step) {
    const int64_t rows = n - row < step ? n - row : step;
    T *from = z + row * units;
    for (int64_t i = 0; bias && i < rows; i++)
      for (int64_t j = 0; j < units; j++)
        from[i * units + j] += bias[j];
    if (f != LDB_ACT_LINEAR) NAME(ldb_act_forward)(f, rows * units, from, y + row * units);
  }
}
