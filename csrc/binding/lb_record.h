/*
** The record of a training as userdata, for whoever feeds it from C.
*/
#ifndef LB_RECORD_H
#define LB_RECORD_H

#include "binding/lb.h"
#include "train/record.h"

/* The record at idx; raises when it is something else. Its address and the addresses of `updates`
   and `seen` hold as long as it is reachable; the series move when room is made. */
ldb_record *lb_checkrecord(lua_State *L, int idx, const char *where);

/* Makes room for n more steps: nothing that is added up to then takes memory. */
void lb_reserve(lua_State *L, int idx, ldb_record *r, int64_t n);

/* Adds `recorder` to the table on top of the stack. */
void lb_open_record(lua_State *L);

#endif
