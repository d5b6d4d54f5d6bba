/*
** A node: what one op application left for backward.
** User values: 1..n_in the input tensors (nil where neither an edge nor a value is needed),
** n_in+1 the storage of out (if the row keeps it), n_in+2 the saved storage (custom ops: the
** context table), n_in+3 the gradient in flight.
*/
#ifndef LB_NODE_H
#define LB_NODE_H

#include "binding/lb.h"

typedef struct lb_node {
  const ldb_op *op; /* NULL: a custom op from Lua */
  uint64_t sequence;
  uint64_t visit;
  int n_in;
  bool consumed; /* backward ran and released the inputs */
  size_t backward_scratch;
  ldb_attrs attrs;
  ldb_view out, saved;
  struct {
    ldb_view view;
    uint64_t version;
  } in[]; /* n_in of them */
} lb_node;

/* Makes what nodes need in the registry. */
void lb_newnodes(lua_State *L);

/* Pushes an empty node for n inputs. */
lb_node *lb_newnode(lua_State *L, const ldb_op *op, int n_in);

/* Pushes the table of the check mode: library (prefix of our own chunks), scope (the layer at
   work), first (what was found). */
void lb_pushanomaly(lua_State *L);

/* In check mode: notes the first op whose result is not finite though its operands are. */
void lb_notefinite(lua_State *L, const char *op, const char *phase, const ldb_view *in, int n_in,
                   const ldb_view *result);

/* lb_op.c: applies op to the tensors at idx[0..n-1] (absolute; 0 = optional input not given), with
   c->attrs filled, and pushes the result. The slots may be replaced by promoted or contiguous
   copies. */
lb_tensor *lb_apply(lua_State *L, const ldb_op *op, ldb_call *c, int n, const int *idx);

#endif
