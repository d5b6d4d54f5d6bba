/*
** Normalisation for one element type; included by norm.c with T and NAME(x) defined.
*/

static double NAME(line_sum)(int64_t n, const T *x) {
  double lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++)
      lane[l] += (double)x[i + l];
  for (int l = 0; i < n; i++, l++)
    lane[l] += (double)x[i];
  return lanes_total(lane);
}

static double NAME(line_squares)(int64_t n, double m, const T *x) {
  double lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++)
      lane[l] += ((double)x[i + l] - m) * ((double)x[i + l] - m);
  for (int l = 0; i < n; i++, l++)
    lane[l] += ((double)x[i] - m) * ((double)x[i] - m);
  return lanes_total(lane);
}

/* One outer part: x [rows x groups x width]. */
static void NAME(moments)(ldb_norm_split s, bool centre, const T *x, double *mean, double *square) {
  const int64_t c = s.groups * s.width;
  const double n = (double)(s.rows * s.width);
  for (int64_t p = 0; p < s.groups; p++)
    mean[p] = square[p] = 0;
  for (int64_t j = 0; centre && j < s.rows; j++) {
    const T *row = x + j * c;
    if (s.width == 1) {
      for (int64_t p = 0; p < s.groups; p++)
        mean[p] += (double)row[p];
    } else {
      for (int64_t p = 0; p < s.groups; p++)
        mean[p] += NAME(line_sum)(s.width, row + p * s.width);
    }
  }
  for (int64_t p = 0; centre && p < s.groups; p++)
    mean[p] /= n;
  for (int64_t j = 0; j < s.rows; j++) {
    const T *row = x + j * c;
    if (s.width == 1) {
      for (int64_t p = 0; p < s.groups; p++)
        square[p] += ((double)row[p] - mean[p]) * ((double)row[p] - mean[p]);
    } else {
      for (int64_t p = 0; p < s.groups; p++)
        square[p] += NAME(line_squares)(s.width, mean[p], row + p * s.width);
    }
  }
  for (int64_t p = 0; p < s.groups; p++)
    square[p] /= n;
}

static void NAME(apply)(ldb_norm_split s, const T *x, const double *mean, const double *inverse,
                        const double *gamma, const double *beta, T *y) {
  const int64_t c = s.groups * s.width;
  for (int64_t j = 0; j < s.rows; j++, x += c, y += c) {
    if (s.width == 1) {
      for (int64_t p = 0; p < c; p++)
        y[p] = (T)(((double)x[p] - mean[p]) * inverse[p] * gamma[p] + beta[p]);
      continue;
    }
    for (int64_t p = 0; p < s.groups; p++) {
      const double m = mean[p], r = inverse[p];
      for (int64_t i = p * s.width; i < (p + 1) * s.width; i++)
        y[i] = (T)(((double)x[i] - m) * r * gamma[i] + beta[i]);
    }
  }
}

/* The sums of one line of `width` elements: adds to *sg = sum g, *sgh = sum g h, and per channel
   to ggamma and gbeta. */
static void NAME(line_sums)(int64_t n, double m, double r, const double *gamma, const T *x,
                            const T *gy, double *ggamma, double *gbeta, double *sg, double *sgh) {
  double g_lane[LANES] = {0}, h_lane[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) {
      const double up = (double)gy[i + l], h = ((double)x[i + l] - m) * r;
      gbeta[i + l] += up;
      ggamma[i + l] += up * h;
      g_lane[l] += up * gamma[i + l];
      h_lane[l] += up * gamma[i + l] * h;
    }
  for (int l = 0; i < n; i++, l++) {
    const double up = (double)gy[i], h = ((double)x[i] - m) * r;
    gbeta[i] += up;
    ggamma[i] += up * h;
    g_lane[l] += up * gamma[i];
    h_lane[l] += up * gamma[i] * h;
  }
  *sg += lanes_total(g_lane);
  *sgh += lanes_total(h_lane);
}

/* Sums of one outer part with one channel a group, side by side. */
static void NAME(column_sums)(ldb_norm_split s, const T *x, const double *mean,
                              const double *inverse, const double *gamma, const T *gy,
                              double *ggamma, double *gbeta, double *sg, double *sgh) {
  for (int64_t j = 0; j < s.rows; j++, x += s.groups, gy += s.groups)
    for (int64_t p = 0; p < s.groups; p++) {
      const double up = (double)gy[p];
      sg[p] += up;
      sgh[p] += up * (((double)x[p] - mean[p]) * inverse[p]);
    }
  for (int64_t p = 0; p < s.groups; p++) {
    gbeta[p] += sg[p];
    ggamma[p] += sgh[p];
    sg[p] *= gamma[p];
    sgh[p] *= gamma[p];
  }
}

/* gx of one outer part from the means sg = sum g / n and sgh = sum g h / n. */
static void NAME(input_gradient)(ldb_norm_split s, const T *x, const double *mean,
                                 const double *inverse, const double *gamma, const T *gy, T *gx,
                                 const double *sg, const double *sgh) {
  const int64_t c = s.groups * s.width;
  for (int64_t j = 0; j < s.rows; j++, x += c, gy += c, gx += c) {
    if (s.width == 1) {
      for (int64_t p = 0; p < c; p++) {
        const double h = ((double)x[p] - mean[p]) * inverse[p];
        gx[p] = (T)(inverse[p] * ((double)gy[p] * gamma[p] - sg[p] - h * sgh[p]));
      }
      continue;
    }
    for (int64_t p = 0; p < s.groups; p++) {
      const double m = mean[p], r = inverse[p], a = sg[p], b = sgh[p];
      for (int64_t i = p * s.width; i < (p + 1) * s.width; i++)
        gx[i] = (T)(r * ((double)gy[i] * gamma[i] - a - ((double)x[i] - m) * r * b));
    }
  }
}

static void NAME(backward)(ldb_norm_split s, ldb_norm_kind kind, const T *x, const double *mean,
                           const double *inverse, const double *gamma, const T *gy, T *gx,
                           double *ggamma, double *gbeta, double *sums) {
  const int64_t c = s.groups * s.width;
  double *sg = sums, *sgh = sums + s.groups;
  for (int64_t p = 0; p < s.groups; p++)
    sg[p] = sgh[p] = 0;
  if (s.width == 1) {
    NAME(column_sums)(s, x, mean, inverse, gamma, gy, ggamma, gbeta, sg, sgh);
  } else {
    for (int64_t j = 0; j < s.rows; j++)
      for (int64_t p = 0; p < s.groups; p++) {
        const int64_t k = p * s.width, at = j * c + k;
        NAME(line_sums)
        (s.width, mean[p], inverse[p], gamma + k, x + at, gy + at, ggamma + k, gbeta + k, &sg[p],
         &sgh[p]);
      }
  }
  const double n = (double)(s.rows * s.width);
  for (int64_t p = 0; p < s.groups; p++) {
    sg[p] = kind == LDB_NORM_CENTRED ? sg[p] / n : 0;
    sgh[p] = kind == LDB_NORM_FIXED ? 0 : sgh[p] / n;
  }
  if (gx) NAME(input_gradient)(s, x, mean, inverse, gamma, gy, gx, sg, sgh);
}
