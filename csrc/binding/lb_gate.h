/*
** The gate: everything in the binding that writes bytes of tensors which a script already has, or
** computes new ones, goes through here. Each of these functions runs one instruction, counts the
** write in the version of the storage, and while a step is captured records the same instruction
** with the same argument (lb_tape.h). Nobody else appends to a tape.
**
** What is born of bytes outside (files, hosts) needs no gate: nothing records it, and a step that
** reads it is refused when its plan is built.
*/
#ifndef LB_GATE_H
#define LB_GATE_H

#include "binding/lb_tape.h"
#include "binding/lb_update.h"
#include "train/record.h"

/* c is evaluated; its inputs are the tensors at idx[0..n-1] (0: not given). */
ldb_status lb_gate_forward(lua_State *L, const lb_context *in, ldb_call *c, int n, const int *idx,
                           ldb_error *e);
ldb_status lb_gate_backward(lua_State *L, ldb_call *c, ldb_error *e);
/* The tensor at idx, seen as *to (all of it or a part), gets one value. */
void lb_gate_fill(lua_State *L, const char *name, int idx, const ldb_view *to, double value);
/* *from, of the tensor at `source`, is copied into *to, of the one at idx. */
void lb_gate_copy(lua_State *L, int source, const ldb_view *from, int idx, const ldb_view *to);
/* The tensor at idx gets random numbers. */
void lb_gate_sample(lua_State *L, const char *name, int idx, ldb_sample_step *s);
/* An optimiser's rule; the tensors among the arguments of the function at work take part. lr and
   step are what a plan will set anew. */
ldb_status lb_gate_update(lua_State *L, lb_update *u, double lr, uint64_t step, ldb_error *e);
/* The tensors are those of the list at index 1. */
void lb_gate_clip(lua_State *L, const char *name, ldb_clip_call *c);
/* x, of the tensor at idx, is looked at for a row of the record whose storage is on top of the
   stack (popped). */
void lb_gate_output(lua_State *L, int idx, ldb_output_step *o);
/* The scalar is looked at here: a replay may stop. */
void lb_gate_mark(lua_State *L, const ldb_view *value);

/* Bytes that only the caller can make: write(arg) puts them into the contiguous tensor at idx.
   refusal NULL: replays keep what was written; else what the function does that no plan repeats:
   "writes ...". */
typedef ldb_step_fn lb_write_fn;
ldb_status lb_gate_host(lua_State *L, const char *name, int idx, const char *refusal,
                        lb_write_fn *write, void *arg, ldb_error *e);

#endif
