/*
** Plans in Lua: two settled tapes become one plan, a userdata that replays the step.
**
** For C code of the binding that drives a plan by itself (the loop of fit):
**   lb_plan *p = lb_check_plan(L, idx, where);
**   p->n_inputs, p->input[i].view             what the inputs must be: dtype, shape, strides
**   lb_plan_bind(p, i, &view)                 input i is read there from now on (no copy)
**   p->step = n                               what streams of layers with an explicit step count by
**   p->optimizer[o].lr = lr                   learning rate of optimiser o from now on
**   lb_plan_ready(L, idx)                     false: something that the plan rests on has changed,
**                                             run the step eagerly (and capture anew)
**   lb_plan_begin(L, idx) .. lb_plan_once(L, p) .. lb_plan_end(L, idx)
**                                             any number of replays; begin reads the counts of
**                                             optimisers and layers, once raises what a kernel
**                                             raises, end writes the counts back and shows
**                                             gradients. After an error call lb_plan_end, too.
**   lb_plan_view(p, i)                        result i (p->n_results), valid until the next replay
**   p->n_rates, p->rate[u].call->stats        statistics of update u in the last replay, in the
**                                             order of the optimiser's parameters;
**                                             rate[u].optimizer
**   p->n_clips, p->clip[k].call->norm, factor      of clips and norms, in order
** All of it without memory, except where it raises.
*/
#ifndef LB_PLAN_H
#define LB_PLAN_H

#include "binding/lb_tape.h"
#include "train/update_call.h"

#define LB_PLAN "lossdbg.plan"

/* User values of a plan. */
enum {
  LB_PLAN_BLOCK = 1,  /* memory of the lists */
  LB_PLAN_ARENA,      /* storage */
  LB_PLAN_OUTSIDE,    /* storages of others */
  LB_PLAN_LEAVES,     /* leaf, gradient or false, leaf, ... */
  LB_PLAN_OWNERS,     /* layers that count */
  LB_PLAN_OPTIMIZERS, /* list */
  LB_PLAN_SCOPES,     /* paths of layers */
  LB_PLAN_RESULTS,    /* results that are no tensors */
  LB_PLAN_BOUND,      /* tensors that inputs are bound to, where `held` */
  LB_PLAN_READS,      /* digest of what the step reads besides its arguments, or nil */
  LB_PLAN_VALUES = LB_PLAN_READS
};

typedef struct lb_plan_input {
  ldb_view view; /* dtype, shape and strides that it must have */
  unsigned char *bound;
  int32_t alias; /* an earlier input that must begin at the same byte, or -1 */
  size_t first_site, n_sites;
} lb_plan_input;

typedef struct lb_plan_rate { /* an update */
  ldb_update_call *call;
  int32_t optimizer;
  bool own;
  double own_lr, base;
} lb_plan_rate;

typedef struct lb_plan_clip {
  ldb_clip_call *call;
  int32_t optimizer;
} lb_plan_clip;

typedef struct lb_plan_stream { /* a stream to be made anew for every replay */
  unsigned char *stream, *seed;
  uint64_t purpose, offset, b;
  int32_t owner;
} lb_plan_stream;

typedef struct lb_plan_result {
  bool tensor;
  int32_t buffer;
  size_t delta;
  ldb_view view;
} lb_plan_result;

typedef struct lb_plan_optimizer {
  double lr;
  int64_t iterations; /* before the next replay */
  int64_t every;      /* steps per update */
} lb_plan_optimizer;

typedef struct lb_plan_owner {
  uint64_t calls; /* before the next replay */
  uint64_t per_step;
} lb_plan_owner;

typedef struct lb_plan {
  uint64_t number, stamp, rates, gradients, copies;
  ldb_instruction *list;
  ldb_site *site;
  ldb_buffer *buffer;
  lb_plan_input *input;
  lb_plan_rate *rate;
  lb_plan_stream *stream;
  lb_plan_result *result;
  lb_plan_clip *clip;
  lb_storage **written;
  lb_storage *arena;
  lb_context *context; /* of its state */
  ldb_team *team;
  size_t n_sites, arena_bytes, sum_bytes;
  int32_t n_list, n_buffers, n_inputs, n_rates, n_streams, n_results, n_clips, n_written;
  int32_t n_optimizers, n_owners, n_leaves, n_scopes;
  int32_t resume_at; /* instruction behind the mark that stopped the replay; 0: none did */
  uint64_t step, draws, draws_per_step, replays;
  bool simple;      /* all arguments are tensors, no phases, constant rates: the quick call */
  bool no_gradient; /* leaves must have no gradient when a step begins */
  bool leaves_some; /* a replay leaves gradients */
  bool by_step;     /* streams count by an explicit step */
  bool held;        /* what inputs are bound to lives as long as the plan */
  lb_plan_optimizer optimizer[LB_MAX_OPTIMIZERS];
  lb_plan_owner *owner;
} lb_plan;

/* (tape, tape) at these places -> pushes a plan, or nil and the reason. */
int lb_plan_build(lua_State *L, int first, int second);

lb_plan *lb_check_plan(lua_State *L, int idx, const char *where);
void lb_plan_bind(lb_plan *p, int32_t i, const ldb_view *v);
bool lb_plan_ready(lua_State *L, int idx);
/* false: what its step reads was written since; the plan must not be used any more. */
bool lb_plan_current(lua_State *L, int idx);
void lb_plan_begin(lua_State *L, int idx);
void lb_plan_once(lua_State *L, lb_plan *p);
/* The same in parts: start, then go from instruction *at on; false: a mark stopped it, and *at is
   behind the mark; then close. */
void lb_plan_start(lb_plan *p);
bool lb_plan_go(lua_State *L, lb_plan *p, int32_t *at);
void lb_plan_close(lb_plan *p);
void lb_plan_end(lua_State *L, int idx);
/* Whether a tensor can be input i. */
bool lb_plan_fits(const lb_plan *p, int32_t i, const lb_tensor *t);
/* begin, n replays, end; raises what a kernel raises. */
void lb_plan_replay(lua_State *L, int idx, lua_Integer n);
/* Pushes the results: fresh tensors, and what was no tensor as it was. */
int lb_plan_push_results(lua_State *L, int idx, const lb_plan *p);
/* Makes the metatable of plans. */
void lb_plan_metatable(lua_State *L);
ldb_view lb_plan_view(const lb_plan *p, int32_t result);

#endif
