/*
** Digests: tables and functions as they are at one moment, so that a write to any of them is
** noticed. A plan has one of everything that its step reads besides its arguments
** (tensor/reads.lua finds it), compared in front of every replay.
*/
#ifndef LB_DIGEST_H
#define LB_DIGEST_H

#include "binding/lb.h"

/* Whether all that the digest at idx knows is still as it was. Needs no memory. */
bool lb_digest_same(lua_State *L, int idx);
/* Raises unless a digest is at idx. */
void lb_check_digest(lua_State *L, int idx, const char *where);

#endif
