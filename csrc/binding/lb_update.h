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
/* A slot of the optimiser with the parameter's shape. */
void *lb_check_slot(lua_State *L, lb_update *u, int idx, const char *name);
/* A slot with n elements of the parameter's dtype. */
void *lb_check_part(lua_State *L, lb_update *u, int idx, const char *name, size_t n);

double lb_check_rate(lua_State *L, const char *where, int idx, const char *name); /* x >= 0 */
uint64_t lb_check_step(lua_State *L, const char *where, int idx);                 /* 1, 2, ... */
ldb_flavor lb_check_flavor(lua_State *L, const char *where, int idx);

/* lb_rule.c adds a function for every optimiser, and rules, to the table on top. */
void lb_addrules(lua_State *L);

#endif
