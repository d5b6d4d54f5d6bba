#include "kernels/pool.h"

#include <string.h>

#define T float
#define NAME(x) x##_f32
#include "kernels/pool_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/pool_generic.h"
#undef T
#undef NAME

void ldb_pool_max(const ldb_pool *p, const void *x, void *y, int32_t *at) {
  if (p->type == LDB_F32)
    pool_max_f32(p, x, y, at);
  else
    pool_max_f64(p, x, y, at);
}

void ldb_pool_max_gradient(const ldb_pool *p, const void *gy, const int32_t *at, void *gx) {
  if (p->type == LDB_F32)
    pool_max_gradient_f32(p, gy, at, gx);
  else
    pool_max_gradient_f64(p, gy, at, gx);
}

void ldb_pool_mean(const ldb_pool *p, const void *x, void *y) {
  if (p->type == LDB_F32)
    pool_mean_f32(p, x, y);
  else
    pool_mean_f64(p, x, y);
}

void ldb_pool_mean_gradient(const ldb_pool *p, const void *gy, void *gx) {
  if (p->type == LDB_F32)
    pool_mean_gradient_f32(p, gy, gx);
  else
    pool_mean_gradient_f64(p, gy, gx);
}
