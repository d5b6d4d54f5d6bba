/* core.fit: the loop of fit over a planned step. */
#ifndef LB_FIT_H
#define LB_FIT_H

#include "binding/lb.h"

int lb_open_fit(lua_State *L);

#endif
