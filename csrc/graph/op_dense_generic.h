/*
** The epilogue of dense for one element type; included by op_dense.c with T and NAME(x) defined.
*/

LDB_CLONES static void NAME(add_bias)(int64_t rows, int64_t cols, int64_t ld, const T *bias, T *z) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++)
      z[i * ld + j] += bias[j];
}

/* y = f(z + bias), z and y [rows x cols], `ld` elements from row to row; z keeps z + bias unless it
   is y. */
static void NAME(epilogue)(ldb_act f, int64_t rows, int64_t cols, int64_t ld, const T *bias, T *z,
                           T *y) {
  if (cols == 0 || (!bias && f == LDB_ACT_LINEAR)) return;
  const int64_t step = cols == ld && cols < EPILOGUE_BLOCK ? EPILOGUE_BLOCK / cols : 1;
  for (int64_t row = 0; row < rows; row += step) {
    const int64_t some = rows - row < step ? rows - row : step;
    if (bias) NAME(add_bias)(some, cols, ld, bias, z + row * ld);
    if (f != LDB_ACT_LINEAR) NAME(ldb_act_forward)(f, some * cols, z + row * ld, y + row * ld);
  }
}
