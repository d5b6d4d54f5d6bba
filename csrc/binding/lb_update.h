/*
** What the functions that update a parameter share: arguments, weight decay, results.
*/
#ifndef LB_UPDATE_H
#define LB_UPDATE_H

#include "binding/lb.h"
#include "train/update_call.h"

typedef struct lb_update {
  const char *where;
  const lb_tensor *gradient;
  lb_tensor *written[4]; /* the parameter, then the slots that are present */
  int n_written;
  ldb_update_call call;
} lb_update;

/* Arguments 1 and 2: parameter and gradient. */
void lb_check_parameter(lua_State *L, lb_update *u, const char *where);
/* A slot of the optimiser with the parameter's shape, or NULL when it is absent and not needed. */
void *lb_check_slot(lua_State *L, lb_update *u, int idx, const char *name, bool needed);
/* A slot with n elements of the parameter's dtype. */
void *lb_check_part(lua_State *L, lb_update *u, int idx, const char *name, size_t n);

/* low <= x < high */
double lb_check_within(lua_State *L, const char *where, int idx, const char *name, double low,
                       double high);
double lb_check_rate(lua_State *L, const char *where, int idx, const char *name); /* x >= 0 */
uint64_t lb_check_step(lua_State *L, const char *where, int idx);                 /* 1, 2, ... */
ldb_flavor lb_check_flavor(lua_State *L, const char *where, int idx);
/* Boolean at idx; when it is absent, decoupled as Keras. */
bool lb_check_decoupled(lua_State *L, int idx, ldb_flavor flavor);

void lb_set_decay(lb_update *u, double weight_decay, double lr, bool decoupled);
/* Runs the rule on u->call with the hyperparameters as they are; lr and step are what a plan will
   set anew. -> grad_sq, update_sq, weight_sq, nonfinite_grad, nonfinite_weight, unchanged,
   underflow, grad_zero */
int lb_run_update(lua_State *L, lb_update *u, ldb_rule_id id, double lr, uint64_t step);

/* Rules of optimizer_adaptive.h, terminated by NULL. */
extern const luaL_Reg lb_adaptive_functions[];

#endif
