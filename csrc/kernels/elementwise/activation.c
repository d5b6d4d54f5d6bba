#include "kernels/elementwise/activation.h"

#include "kernels/elementwise/map_unary.h"

const char *const ldb_act_names[] = {
#define X(code, name) name,
    LDB_ACT_MAP(X)
#undef X
        NULL};

static const ldb_unary functions[LDB_ACT_COUNT] = {
    [LDB_ACT_LINEAR] = LDB_UNARY_linear,
    [LDB_ACT_RELU] = LDB_UNARY_relu,
    [LDB_ACT_SIGMOID] = LDB_UNARY_sigmoid,
    [LDB_ACT_TANH] = LDB_UNARY_tanh,
    [LDB_ACT_LEAKY_RELU] = LDB_UNARY_leaky_relu,
    [LDB_ACT_ELU] = LDB_UNARY_elu,
    [LDB_ACT_CELU] = LDB_UNARY_celu,
    [LDB_ACT_SELU] = LDB_UNARY_selu,
    [LDB_ACT_GELU] = LDB_UNARY_gelu,
    [LDB_ACT_SILU] = LDB_UNARY_silu,
    [LDB_ACT_MISH] = LDB_UNARY_mish,
    [LDB_ACT_SOFTPLUS] = LDB_UNARY_softplus,
    [LDB_ACT_SOFTSIGN] = LDB_UNARY_softsign,
    [LDB_ACT_HARD_SIGMOID] = LDB_UNARY_hard_sigmoid,
    [LDB_ACT_HARD_SILU] = LDB_UNARY_hard_silu,
    [LDB_ACT_RELU6] = LDB_UNARY_relu6,
    [LDB_ACT_LOG_SIGMOID] = LDB_UNARY_log_sigmoid,
    [LDB_ACT_EXPONENTIAL] = LDB_UNARY_exp,
};

bool ldb_act_needs_z(ldb_act kind) {
  return ldb_unary_keep(functions[kind]) == LDB_KEEP_IN;
}

static void forward(ldb_act kind, ldb_dtype t, int64_t n, const void *z, void *y) {
  static const int64_t stride[2] = {1, 1};
  double parameters[2] = {kind == LDB_ACT_LEAKY_RELU ? 0.2 : 1.0, 0.0};
  char *p[2] = {y, (char *)(uintptr_t)z};
  ldb_unary_forward(functions[kind], t)(n, p, stride, parameters);
}

static void backward(ldb_act kind, ldb_dtype t, int64_t n, const void *z, const void *y,
                     const void *gy, void *gz) {
  static const int64_t stride[3] = {1, 1, 1};
  double parameters[2] = {kind == LDB_ACT_LEAKY_RELU ? 0.2 : 1.0, 0.0};
  const void *kept = ldb_act_needs_z(kind) ? z : y;
  char *p[3] = {gz, (char *)(uintptr_t)gy, (char *)(uintptr_t)kept};
  ldb_unary_backward(functions[kind], t)(n, p, stride, parameters);
}

void ldb_act_forward_f32(ldb_act kind, int64_t n, const float *z, float *y) {
  forward(kind, LDB_F32, n, z, y);
}

void ldb_act_forward_f64(ldb_act kind, int64_t n, const double *z, double *y) {
  forward(kind, LDB_F64, n, z, y);
}

void ldb_act_backward_f32(ldb_act kind, int64_t n, const float *z, const float *y, const float *gy,
                          float *gz) {
  backward(kind, LDB_F32, n, z, y, gy, gz);
}

void ldb_act_backward_f64(ldb_act kind, int64_t n, const double *z, const double *y,
                          const double *gy, double *gz) {
  backward(kind, LDB_F64, n, z, y, gy, gz);
}

typedef struct job {
  ldb_act kind;
  ldb_dtype dtype;
  int64_t n;
  const void *z, *y, *gy;
  void *gz;
} job;

enum { TASK = 16384 };

static const void *from(const void *x, int64_t at, ldb_dtype t) {
  return x ? (const char *)x + (size_t)at * ldb_dtype_size(t) : NULL;
}

static void one_task(void *arg, int64_t i, int worker) {
  const job *j = arg;
  const int64_t at = i * TASK, left = j->n - at;
  const ldb_dtype t = j->dtype;
  (void)worker;
  backward(j->kind, t, left < TASK ? left : TASK, from(j->z, at, t), from(j->y, at, t),
           from(j->gy, at, t), (char *)j->gz + (size_t)at * ldb_dtype_size(t));
}

void ldb_act_backward(ldb_team *team, ldb_act kind, ldb_dtype t, int64_t n, const void *z,
                      const void *y, const void *gy, void *gz) {
  job j = {kind, t, n, z, y, gy, gz};
  ldb_team_run(team, (n + TASK - 1) / TASK, 0.5 * (double)n, one_task, &j);
}
