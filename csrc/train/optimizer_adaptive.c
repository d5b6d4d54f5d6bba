#include "train/optimizer_adaptive.h"

#include "train/optimizer_pass.h"

#define T float
#define BITS uint32_t
#define NAME(x) x##_f32
#define SQRT sqrtf
#define FABS fabsf
#define LEAST 1e-24
#include "train/optimizer_pass_generic.h"

#include "train/optimizer_adaptive_generic.h"
#undef T
#undef BITS
#undef NAME
#undef SQRT
#undef FABS
#undef LEAST

#define T double
#define BITS uint64_t
#define NAME(x) x##_f64
#define SQRT sqrt
#define FABS fabs
#define LEAST 0.0
#include "train/optimizer_pass_generic.h"

#include "train/optimizer_adaptive_generic.h"
#undef T
#undef BITS
#undef NAME
#undef SQRT
#undef FABS
#undef LEAST

void ldb_adadelta_update(const ldb_parameter *p, const ldb_adadelta *rule, void *square,
                         void *delta, ldb_update_stats *stats) {
  if (p->dtype == LDB_F64)
    update_adadelta_f64(p, rule, square, delta, stats);
  else
    update_adadelta_f32(p, rule, square, delta, stats);
}

void ldb_adamax_update(const ldb_parameter *p, const ldb_adam *rule, void *m, void *u,
                       ldb_update_stats *stats) {
  if (p->dtype == LDB_F64)
    update_adamax_f64(p, rule, m, u, stats);
  else
    update_adamax_f32(p, rule, m, u, stats);
}

void ldb_nadam_update(const ldb_parameter *p, const ldb_nadam *rule, void *m, void *v,
                      ldb_update_stats *stats) {
  if (p->dtype == LDB_F64)
    update_nadam_f64(p, rule, m, v, stats);
  else
    update_nadam_f32(p, rule, m, v, stats);
}

void ldb_radam_update(const ldb_parameter *p, const ldb_adam *rule, void *m, void *v,
                      ldb_update_stats *stats) {
  if (p->dtype == LDB_F64)
    update_radam_f64(p, rule, m, v, stats);
  else
    update_radam_f32(p, rule, m, v, stats);
}

void ldb_lion_update(const ldb_parameter *p, const ldb_lion *rule, void *m,
                     ldb_update_stats *stats) {
  if (p->dtype == LDB_F64)
    update_lion_f64(p, rule, m, stats);
  else
    update_lion_f32(p, rule, m, stats);
}

void ldb_lamb_update(const ldb_parameter *p, const ldb_adam *rule, void *m, void *v,
                     ldb_update_stats *stats) {
  if (p->dtype == LDB_F64)
    update_lamb_f64(p, rule, m, v, stats);
  else
    update_lamb_f32(p, rule, m, v, stats);
}

void ldb_adafactor_update(const ldb_parameter *p, const ldb_adafactor *rule, void *row,
                          void *column, void *v, ldb_update_stats *stats) {
  if (p->dtype == LDB_F64)
    update_adafactor_f64(p, rule, row, column, v, stats);
  else
    update_adafactor_f32(p, rule, row, column, v, stats);
}
