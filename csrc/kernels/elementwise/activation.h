/*
** Activations that need nothing but their input, for fused epilogues (dense, convolution).
** leaky_relu, elu and celu stand here with their default parameter (0.2, 1, 1); the ops of the same
** name take any. z is the value before the activation, y = f(z) the value after it.
*/
#ifndef LDB_ACTIVATION_H
#define LDB_ACTIVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/team.h"
#include "base/view.h"

/* code, name */
#define LDB_ACT_MAP(X)            \
  X(LINEAR, "linear")             \
  X(RELU, "relu")                 \
  X(SIGMOID, "sigmoid")           \
  X(TANH, "tanh")                 \
  X(LEAKY_RELU, "leaky_relu")     \
  X(ELU, "elu")                   \
  X(CELU, "celu")                 \
  X(SELU, "selu")                 \
  X(GELU, "gelu")                 \
  X(SILU, "silu")                 \
  X(MISH, "mish")                 \
  X(SOFTPLUS, "softplus")         \
  X(SOFTSIGN, "softsign")         \
  X(HARD_SIGMOID, "hard_sigmoid") \
  X(HARD_SILU, "hard_silu")       \
  X(RELU6, "relu6")               \
  X(LOG_SIGMOID, "log_sigmoid")   \
  X(EXPONENTIAL, "exponential")

typedef enum ldb_act {
#define X(code, name) LDB_ACT_##code,
  LDB_ACT_MAP(X)
#undef X
      LDB_ACT_COUNT
} ldb_act;

/* Names in the order of ldb_act, NULL-terminated: serves as `choices` of an ENUM attribute. */
extern const char *const ldb_act_names[];

/* True when the backward function reads z (gelu, silu, mish, softsign, hard_silu); the others read
   y alone, so that z need not be kept. */
bool ldb_act_needs_z(ldb_act kind);

/* y[i] = f(z[i]), i < n. y may be the same array as z. */
void ldb_act_forward_f32(ldb_act kind, int64_t n, const float *z, float *y);
void ldb_act_forward_f64(ldb_act kind, int64_t n, const double *z, double *y);

/* gz[i] = gy[i] f'(z[i]), i < n. z may be NULL unless ldb_act_needs_z(kind), y may be NULL if it
   does. gz may be the same array as gy. */
void ldb_act_backward_f32(ldb_act kind, int64_t n, const float *z, const float *y, const float *gy,
                          float *gz);
void ldb_act_backward_f64(ldb_act kind, int64_t n, const double *z, const double *y,
                          const double *gy, double *gz);

/* The same for either type, with threads. */
void ldb_act_backward(ldb_team *team, ldb_act kind, ldb_dtype t, int64_t n, const void *z,
                      const void *y, const void *gy, void *gz);

#endif
