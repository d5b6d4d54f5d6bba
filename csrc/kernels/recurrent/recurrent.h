/*
** Simple RNN, LSTM and GRU over whole sequences, forward and backward through time.
**
** Blocks of samples, whose size depends on the batch alone, go through all steps on one thread of
** the team each, with the products of the step at hand while its values are in the cache; only the
** weight gradients are one matrix product over all steps. Inside, rows are ordered by step, then
** sample, in the order in which the steps are taken, so that every step is one block of memory.
**
** With z = x_t W + h U + b, columns in blocks of `units` per gate, f and s the two activations:
**   RNN         h' = f(z)
**   LSTM        i, f, g, o = s(z1), s(z2), f(z3), s(z4);  c' = f c + i g;  h' = o f(c')
**   GRU         z, r = s(..), s(..);  n = f(x W3 + b3 + r (h U3 + d3));  h' = z h + (1 - z) n
**   GRU_BEFORE  the same with n = f(x W3 + b3 + (r h) U3)
** A step whose mask is 0 leaves the states as they are and repeats the output of the step before
** (zeros before the first step that counts), or gives zeros where zero_masked is set.
*/
#ifndef LDB_RECURRENT_H
#define LDB_RECURRENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/team.h"
#include "base/view.h"
#include "kernels/elementwise/activation.h"

typedef enum ldb_cell {
  LDB_CELL_RNN,
  LDB_CELL_LSTM,
  LDB_CELL_GRU,
  LDB_CELL_GRU_BEFORE /* the reset gate acts before the recurrent product */
} ldb_cell;

/* What out holds of every sample: rows of units values. */
typedef enum ldb_gives {
  LDB_GIVES_ALL,    /* the outputs of all steps, then the last states */
  LDB_GIVES_STEPS,  /* the outputs */
  LDB_GIVES_STATES, /* the last h, LSTM: and c */
  LDB_GIVES_COUNT
} ldb_gives;

typedef struct ldb_recurrent {
  ldb_cell cell;
  ldb_dtype dtype; /* f32 or f64, of all arrays but mask */
  ldb_act activation, recurrent_activation;
  int64_t batch, time, in, units;
  bool reverse; /* the steps are taken from the last to the first; places in out stay */
  bool zero_masked;
  ldb_gives gives;
  const void *x;      /* [batch x time x in] */
  const void *kernel; /* [in x gates units] */
  const void *recurrent;
  const void *bias;    /* [gates units], GRU: [2 x gates units]; NULL: none */
  const void *h0, *c0; /* [batch x units], NULL: zeros */
  const int32_t *mask; /* [batch x time], NULL: all steps count */
  void *out;           /* [batch x rows x units], see ldb_gives */
  void *saved;         /* from forward to backward */
  void *scratch;
  ldb_team *team; /* NULL: this thread alone */
} ldb_recurrent;

/* Each may be NULL: not wanted. Shapes as in ldb_recurrent; gout has the shape of out. */
typedef struct ldb_recurrent_gradients {
  const void *gout;
  void *gx, *gkernel, *grecurrent, *gbias, *gh0, *gc0;
} ldb_recurrent_gradients;

/* Blocks of units in the kernels: 1, 4, 3, 3. */
int64_t ldb_cell_gates(ldb_cell cell);

/* States that follow the outputs in out: 2 for LSTM, else 1. */
int64_t ldb_cell_states(ldb_cell cell);

/* Rows of a sample in out. */
int64_t ldb_recurrent_rows(const ldb_recurrent *r);

/* Elements (of dtype) of saved and of the two scratch arrays (64-byte aligned). False where they
   overflow. */
typedef struct ldb_recurrent_sizes {
  size_t saved, forward_scratch, backward_scratch;
} ldb_recurrent_sizes;

bool ldb_recurrent_measure(const ldb_recurrent *r, ldb_recurrent_sizes *sizes);

/* Fills out and saved. */
ldb_status ldb_recurrent_forward(const ldb_recurrent *r, ldb_error *e);

/* Overwrites the wanted gradients; reads saved as forward left it. */
ldb_status ldb_recurrent_backward(const ldb_recurrent *r, const ldb_recurrent_gradients *g,
                                  ldb_error *e);

#endif
