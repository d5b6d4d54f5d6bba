#include "train/optimizer_adaptive.h"

#include "train/optimizer_pass.h"

#define T float
#define BITS uint32_t
#define NAME(x) x##_f32
#define SQRT sqrtf
#define FABS fabsf
#include "train/optimizer_pass_generic.h"

#include "train/optimizer_adaptive_generic.h"
#undef T
#undef BITS
#undef NAME
#undef SQRT
#undef FABS

#define T double
#define BITS uint64_t
#define NAME(x) x##_f64
#define SQRT sqrt
#define FABS fabs
#include "train/optimizer_pass_generic.h"

#include "train/optimizer_adaptive_generic.h"
#undef T
#undef BITS
#undef NAME
#undef SQRT
#undef FABS

void ldb_adadelta_update(const ldb_parameter *p, const ldb_adadelta *rule, void *square,
                         void *delta, ldb_update_stats *stats) {
  void *const slots[3] = {square, delta, NULL};
  if (p->dtype == LDB_F64)
    update_f64(p, adadelta_f64, rule, slots, stats);
  else
    update_f32(p, adadelta_f32, rule, slots, stats);
}

void ldb_adamax_update(const ldb_parameter *p, const ldb_adam *rule, void *m, void *u,
                       ldb_update_stats *stats) {
  void *const slots[3] = {m, u, NULL};
  if (p->dtype == LDB_F64)
    update_f64(p, adamax_f64, rule, slots, stats);
  else
    update_f32(p, adamax_f32, rule, slots, stats);
}

void ldb_nadam_update(const ldb_parameter *p, const ldb_nadam *rule, void *m, void *v,
                      ldb_update_stats *stats) {
  void *const slots[3] = {m, v, NULL};
  if (p->dtype == LDB_F64)
    update_f64(p, nadam_f64, rule, slots, stats);
  else
    update_f32(p, nadam_f32, rule, slots, stats);
}

void ldb_radam_update(const ldb_parameter *p, const ldb_adam *rule, void *m, void *v,
                      ldb_update_stats *stats) {
  void *const slots[3] = {m, v, NULL};
  if (p->dtype == LDB_F64)
    update_f64(p, radam_f64, rule, slots, stats);
  else
    update_f32(p, radam_f32, rule, slots, stats);
}

void ldb_lion_update(const ldb_parameter *p, const ldb_lion *rule, void *m,
                     ldb_update_stats *stats) {
  void *const slots[3] = {m, NULL, NULL};
  if (p->dtype == LDB_F64)
    update_f64(p, lion_f64, rule, slots, stats);
  else
    update_f32(p, lion_f32, rule, slots, stats);
}

void ldb_lamb_update(const ldb_parameter *p, const ldb_adam *rule, void *m, void *v,
                     ldb_update_stats *stats) {
  if (p->dtype == LDB_F64)
    lamb_update_f64(p, rule, m, v, stats);
  else
    lamb_update_f32(p, rule, m, v, stats);
}

void ldb_adafactor_update(const ldb_parameter *p, const ldb_adafactor *rule, void *row,
                          void *column, void *v, ldb_update_stats *stats) {
  if (p->dtype == LDB_F64)
    adafactor_update_f64(p, rule, row, column, v, stats);
  else
    adafactor_update_f32(p, rule, row, column, v, stats);
}
