#include "train/optimizer.h"

#include "train/optimizer_pass.h"

#define T float
#define BITS uint32_t
#define NAME(x) x##_f32
#define SQRT sqrtf
#include "train/optimizer_pass_generic.h"

#include "train/optimizer_generic.h"
#undef T
#undef BITS
#undef NAME
#undef SQRT

#define T double
#define BITS uint64_t
#define NAME(x) x##_f64
#define SQRT sqrt
#include "train/optimizer_pass_generic.h"

#include "train/optimizer_generic.h"

void ldb_sgd_update(const ldb_parameter *p, const ldb_sgd *rule, void *velocity,
                    ldb_update_stats *stats) {
  void *const slots[3] = {rule->momentum != 0.0 ? velocity : NULL, NULL, NULL};
  if (p->dtype == LDB_F64)
    update_f64(p, sgd_f64, rule, slots, stats);
  else
    update_f32(p, sgd_f32, rule, slots, stats);
}

void ldb_rmsprop_update(const ldb_parameter *p, const ldb_rmsprop *rule, void *square,
                        void *average, void *buffer, ldb_update_stats *stats) {
  void *const slots[3] = {square, average, rule->momentum != 0.0 ? buffer : NULL};
  if (p->dtype == LDB_F64)
    update_f64(p, rmsprop_f64, rule, slots, stats);
  else
    update_f32(p, rmsprop_f32, rule, slots, stats);
}

void ldb_adam_update(const ldb_parameter *p, const ldb_adam *rule, void *m, void *v, void *maximum,
                     ldb_update_stats *stats) {
  void *const slots[3] = {m, v, maximum};
  if (p->dtype == LDB_F64)
    update_f64(p, adam_f64, rule, slots, stats);
  else
    update_f32(p, adam_f32, rule, slots, stats);
}

void ldb_adagrad_update(const ldb_parameter *p, const ldb_adagrad *rule, void *square,
                        ldb_update_stats *stats) {
  void *const slots[3] = {square, NULL, NULL};
  if (p->dtype == LDB_F64)
    update_f64(p, adagrad_f64, rule, slots, stats);
  else
    update_f32(p, adagrad_f32, rule, slots, stats);
}
