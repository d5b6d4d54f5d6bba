#include "train/optimizer.h"

#include "train/optimizer_pass.h"

#define T float
#define BITS uint32_t
#define NAME(x) x##_f32
#define SQRT sqrtf
#define LEAST 1e-24
#include "train/optimizer_pass_generic.h"

#include "train/optimizer_generic.h"
#undef T
#undef BITS
#undef NAME
#undef SQRT
#undef LEAST

#define T double
#define BITS uint64_t
#define NAME(x) x##_f64
#define SQRT sqrt
#define LEAST 0.0
#include "train/optimizer_pass_generic.h"

#include "train/optimizer_generic.h"

void ldb_sgd_update(const ldb_parameter *p, const ldb_sgd *rule, void *velocity,
                    ldb_update_stats *stats) {
  void *const v = rule->momentum != 0.0 ? velocity : NULL;
  if (p->dtype == LDB_F64)
    update_sgd_f64(p, rule, v, stats);
  else
    update_sgd_f32(p, rule, v, stats);
}

void ldb_rmsprop_update(const ldb_parameter *p, const ldb_rmsprop *rule, void *square,
                        void *average, void *buffer, ldb_update_stats *stats) {
  void *const b = rule->momentum != 0.0 ? buffer : NULL;
  if (p->dtype == LDB_F64)
    update_rmsprop_f64(p, rule, square, average, b, stats);
  else
    update_rmsprop_f32(p, rule, square, average, b, stats);
}

void ldb_adam_update(const ldb_parameter *p, const ldb_adam *rule, void *m, void *v, void *maximum,
                     ldb_update_stats *stats) {
  if (p->dtype == LDB_F64)
    update_adam_f64(p, rule, m, v, maximum, stats);
  else
    update_adam_f32(p, rule, m, v, maximum, stats);
}

void ldb_adagrad_update(const ldb_parameter *p, const ldb_adagrad *rule, void *square,
                        ldb_update_stats *stats) {
  if (p->dtype == LDB_F64)
    update_adagrad_f64(p, rule, square, stats);
  else
    update_adagrad_f32(p, rule, square, stats);
}
