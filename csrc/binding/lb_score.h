/*
** Scores in Lua (train/score.h): a list { state, kind, threshold } with a state of f64.
*/
#ifndef LB_SCORE_H
#define LB_SCORE_H

#include "binding/lb.h"
#include "train/score.h"

typedef struct lb_score {
  ldb_score score;
  double *state;
} lb_score;

/* The score at idx, for predictions and targets like these. Raises what does not fit. */
lb_score lb_check_score(lua_State *L, int idx, const char *where, const ldb_view *prediction,
                        const ldb_view *target);
int lb_open_score(lua_State *L);

#endif
