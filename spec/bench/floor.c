/*
** The floor under a training step, as a child of child.lua: its matrix products by OpenBLAS, and
** the memory traffic of the update at the triad's rate for as many bytes in use.
**   floor PARAMETERS SPACE BYTES  ta tb m n k count ...   space and bytes per parameter
*/
#include <cblas.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/clones.h"

typedef struct product {
  int ta, tb, m, n, k, count;
} product;

enum { MAX_PRODUCTS = 64 };

static product products[MAX_PRODUCTS];
static int n_products;
static float *a, *b, *c;
static size_t triad_n;
static double triad_scale;

static void gemms(void) {
  for (int i = 0; i < n_products; i++) {
    const product *p = &products[i];
    for (int j = 0; j < p->count; j++)
      cblas_sgemm(CblasRowMajor, p->ta ? CblasTrans : CblasNoTrans,
                  p->tb ? CblasTrans : CblasNoTrans, p->m, p->n, p->k, 1, a, p->ta ? p->m : p->k, b,
                  p->tb ? p->k : p->n, 0, c, p->n);
  }
}

/* x = y + s z: 12 bytes an element */
LDB_CLONES static void triad(size_t n, float *restrict x, const float *restrict y,
                             const float *restrict z, float s) {
  for (size_t i = 0; i < n; i++)
    x[i] = y[i] + s * z[i];
}

static double seconds_of(int what, long n) {
  const double start = ldb_clock();
  for (long i = 0; i < n; i++) {
    if (what)
      triad(triad_n, c, a, b, 1e-3f);
    else
      gemms();
  }
  return ldb_clock() - start;
}

/* Seconds a call, of about `budget` seconds of calls. */
static double per_call(int what, double budget) {
  long n = 1;
  for (;;) {
    const double spent = seconds_of(what, n);
    if (spent >= budget / 2) return spent / (double)n;
    n = spent < budget * 1e-3 ? n * 10 : (long)((double)n * budget * 0.8 / spent) + 1;
  }
}

static float *filled(size_t n) {
  float *p = aligned_alloc(64, (n * sizeof *p + 63) / 64 * 64);
  if (!p) exit(70);
  for (size_t i = 0; i < n; i++)
    p[i] = (float)((i * 2654435761u >> 8) & 0xffff) / 65536.0f - 0.5f;
  return p;
}

static size_t larger(size_t x, size_t y) {
  return x > y ? x : y;
}

int main(int argc, char **argv) {
  if (argc < 4 || (argc - 4) % 6 != 0 || (argc - 4) / 6 > MAX_PRODUCTS) return 64;
  const double parameters = atof(argv[1]), space = atof(argv[2]), bytes = atof(argv[3]);
  size_t most = 16;
  for (int i = 4; i + 5 < argc; i += 6) {
    product *p = &products[n_products++];
    *p = (product){atoi(argv[i]),     atoi(argv[i + 1]), atoi(argv[i + 2]),
                   atoi(argv[i + 3]), atoi(argv[i + 4]), atoi(argv[i + 5])};
    const size_t m = (size_t)p->m, n = (size_t)p->n, k = (size_t)p->k;
    most = larger(most, larger(m * n, larger(m * k, k * n)));
  }
  triad_n = (size_t)(parameters * space / 12) + 1;
  triad_scale = parameters * bytes / (12.0 * (double)triad_n);
  most = larger(most, triad_n);
  a = filled(most);
  b = filled(most);
  c = filled(most);
  openblas_set_num_threads(1);
  printf("{\"version\": \"%s\"}\n", openblas_get_config());
  fflush(stdout);
  char line[80];
  while (fgets(line, sizeof line, stdin) && strncmp(line, "quit", 4)) {
    const double budget = strncmp(line, "run ", 4) ? 0.1 : atof(line + 4);
    const double products_us = n_products ? per_call(0, budget * 0.8) * 1e6 : 0;
    const double update_us = per_call(1, budget * 0.2) * triad_scale * 1e6;
    printf("{\"us\": %.4f, \"products_us\": %.4f, \"update_us\": %.4f, \"cpu\": %.4f}\n",
           products_us + update_us, products_us, update_us, (double)clock() / CLOCKS_PER_SEC);
    fflush(stdout);
  }
  return 0;
}
