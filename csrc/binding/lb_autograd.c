/*
** Eager reverse-mode differentiation: the walk over the nodes that lb_op.c recorded.
** Gradients of leaves are committed at the very end, so that a failure half-way leaves every
** tensor's gradient as it was.
*/
#include <string.h>

#include "binding/lb_gate.h"
#include "kernels/gather/copy.h"

static const char *node_name(const lb_node *n) {
  return n->op ? n->op->name : "custom op";
}

static const char *const custom_reason =
    "a custom op calls Lua functions (ld.op): its values are not known to the plan";

/* ---- check mode ------------------------------------------------------------------------------ */

/* check_finite(on) -> the anomaly found since it was switched on, or nil */
static int lb_autograd_check_finite(lua_State *L) {
  lb_context *c = lb_getcontext(L);
  bool on = lua_toboolean(L, 1);
  lb_pushanomaly(L);
  lua_getfield(L, -1, "first");
  if (on) {
    lua_pushnil(L);
    lua_setfield(L, -3, "first");
    lua_pushnil(L);
    lua_setfield(L, -3, "scope");
  }
  c->check_finite = on;
  return 1;
}

/* scope(path): the layer that the next ops belong to; costs nothing outside check mode */
static int lb_autograd_scope(lua_State *L) {
  luaL_checkstring(L, 1);
  if (lb_taping(L)) lb_tape_scope(L, 1);
  if (!lb_getcontext(L)->check_finite) return 0;
  lb_pushanomaly(L);
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, "scope");
  return 0;
}

/* library(prefix): chunk names that start so are the library's own */
static int lb_autograd_library(lua_State *L) {
  luaL_checkstring(L, 1);
  lb_pushanomaly(L);
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, "library");
  return 0;
}

/* ---- the walk ------------------------------------------------------------------------------- */

typedef struct visit_item {
  uint64_t sequence;
  lua_Integer place; /* in the list of nodes */
} visit_item;

/* Pushes the node of the tensor at idx, or nothing and returns false. */
static bool push_node(lua_State *L, int idx) {
  if (lua_getiuservalue(L, idx, 2) == LUA_TUSERDATA) return true;
  lua_pop(L, 1);
  return false;
}

static void clear_gradient(lua_State *L, int node_idx, const lb_node *n) {
  lua_pushvalue(L, node_idx);
  lua_pushnil(L);
  lua_setiuservalue(L, -2, n->n_in + 3);
  lua_pop(L, 1);
}

/* Appends the node on top of the stack (popped) to the list unless it was visited. */
static void append_node(lua_State *L, int list, lua_Integer *count, uint64_t mark) {
  lb_node *n = lua_touserdata(L, -1);
  if (n->visit == mark) {
    lua_pop(L, 1);
    return;
  }
  if (n->consumed)
    luaL_error(L, "lossdbg: backward: the graph was already used by an earlier backward and its "
                  "values are gone (evaluate the model again, or pass retain = true the first "
                  "time)");
  n->visit = mark;
  clear_gradient(L, lua_gettop(L), n);
  lua_rawseti(L, list, ++*count);
}

/* All nodes reachable from the root node on top of the stack (popped), breadth first. */
static lua_Integer collect(lua_State *L, int list) {
  lua_Integer count = 0;
  uint64_t mark = ++lb_getcontext(L)->visit;
  append_node(L, list, &count, mark);
  for (lua_Integer i = 1; i <= count; i++) {
    lua_rawgeti(L, list, i);
    const lb_node *n = lua_touserdata(L, -1);
    int at = lua_gettop(L);
    for (int k = 1; k <= n->n_in; k++) {
      if (lua_getiuservalue(L, at, k) == LUA_TUSERDATA && push_node(L, at + 1))
        append_node(L, list, &count, mark);
      lua_settop(L, at);
    }
    lua_pop(L, 1);
  }
  return count;
}

static void sift_down(visit_item *a, lua_Integer i, lua_Integer n) {
  for (lua_Integer child = 2 * i + 1; child < n; i = child, child = 2 * i + 1) {
    if (child + 1 < n && a[child + 1].sequence < a[child].sequence) child++;
    if (a[i].sequence <= a[child].sequence) return;
    visit_item t = a[i];
    a[i] = a[child];
    a[child] = t;
  }
}

/* Latest first: a node was always recorded after the nodes of its inputs. Heap sort, since qsort
   may allocate. */
static void sort_latest_first(visit_item *a, lua_Integer n) {
  for (lua_Integer i = n / 2 - 1; i >= 0; i--)
    sift_down(a, i, n);
  for (lua_Integer end = n - 1; end > 0; end--) {
    visit_item t = a[0];
    a[0] = a[end];
    a[end] = t;
    sift_down(a, 0, end);
  }
}

static visit_item *order_nodes(lua_State *L, int list, lua_Integer count) {
  visit_item *order = lb_pushscratch(L, "backward", (size_t)count * sizeof *order);
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, list, i + 1);
    order[i].sequence = ((lb_node *)lua_touserdata(L, -1))->sequence;
    order[i].place = i + 1;
    lua_pop(L, 1);
  }
  sort_latest_first(order, count);
  return order;
}

/* Pushes a + b. Gradients require none themselves, so nothing is recorded. */
static void push_sum(lua_State *L, int a, int b) {
  ldb_call c;
  lua_pushvalue(L, a);
  lua_pushvalue(L, b);
  int idx[2] = {lua_gettop(L) - 1, lua_gettop(L)};
  memset(&c.attrs, 0, sizeof c.attrs);
  lb_apply(L, ldb_op_find("add"), &c, 2, idx);
  lua_replace(L, idx[0]);
  lua_settop(L, idx[0]);
}

/* While a step is captured; on top of the stack what the leaf at idx has as its gradient. */
static void note_leaf(lua_State *L, int idx) {
  if (lua_isnil(L, -1) && !lb_tape_knows_leaf(L, idx))
    lb_tape_fresh_leaf(L, idx);
  else
    lb_tape_leaf(L, idx);
}

/* The tensor at `input` receives the gradient at `grad`. Inner tensors collect it in their node,
   leaves in the table `pending` (leaf -> gradient). */
static void deliver(lua_State *L, int input, int grad, int pending) {
  int top = lua_gettop(L);
  if (push_node(L, input)) {
    const lb_node *n = lua_touserdata(L, -1);
    int slot = n->n_in + 3;
    if (lua_getiuservalue(L, -1, slot) == LUA_TUSERDATA)
      push_sum(L, lua_gettop(L), grad);
    else
      lua_pushvalue(L, grad);
    lua_setiuservalue(L, top + 1, slot);
  } else {
    lua_pushvalue(L, input);
    if (lua_rawget(L, pending) == LUA_TNIL) {
      lua_pop(L, 1);
      lua_getiuservalue(L, input, 3); /* gradients add up over backward calls */
      if (lb_taping(L)) note_leaf(L, input);
    }
    lua_pushvalue(L, input);
    if (lua_type(L, -2) == LUA_TUSERDATA)
      push_sum(L, lua_gettop(L) - 1, grad);
    else
      lua_pushvalue(L, grad);
    lua_rawset(L, pending);
  }
  lua_settop(L, top);
}

static void check_versions(lua_State *L, const lb_node *n, int node_idx) {
  if (!n->op || !(n->op->flags & LDB_OP_KEEP_IN)) return;
  for (int i = 0; i < n->n_in; i++) {
    if (lua_getiuservalue(L, node_idx, i + 1) == LUA_TUSERDATA) {
      const lb_tensor *t = lua_touserdata(L, -1);
      if (t->storage->version != n->in[i].version)
        luaL_error(L,
                   "lossdbg: backward: input %d of '%s' was changed in place after it was used "
                   "(update parameters after backward, or clone() before changing)",
                   i + 1, node_name(n));
    }
    lua_pop(L, 1);
  }
}

/* Which inputs lead to something that wants a gradient. Leaves on the stack from base+1 on. */
static bool wanted(lua_State *L, const lb_node *n, int node_idx, int i) {
  bool want = false;
  if (n->op && !(n->op->grad_inputs >> i & 1u)) return false;
  if (lua_getiuservalue(L, node_idx, i + 1) == LUA_TUSERDATA)
    want = ((lb_tensor *)lua_touserdata(L, -1))->requires_grad;
  lua_pop(L, 1);
  return want;
}

static void backward_op(lua_State *L, const lb_node *n, int node_idx, int grad, int pending) {
  ldb_call c;
  ldb_error e;
  int base = lua_gettop(L), slot[LDB_MAX_IN] = {0};
  check_versions(L, n, node_idx);
  c.op = n->op;
  c.n_in = n->n_in;
  c.attrs = n->attrs;
  c.out = n->out;
  c.saved = n->saved;
  c.gout = ((lb_tensor *)lua_touserdata(L, grad))->view;
  c.scratch = NULL;
  c.team = lb_getcontext(L)->team;
  for (int i = 0; i < n->n_in; i++) {
    c.in[i] = n->in[i].view;
    c.gin[i].data = NULL;
    if (!wanted(L, n, node_idx, i)) continue;
    c.gin[i] = lb_newtensor(L, node_name(n), c.in[i].dtype, c.in[i].rank, c.in[i].shape)->view;
    slot[i] = lua_gettop(L);
  }
  if (n->backward_scratch) c.scratch = lb_pushscratch(L, n->op->name, n->backward_scratch);
  if (lb_gate_backward(L, &c, &e) != LDB_OK) lb_raise(L, n->op->name, &e);
  bool check = lb_getcontext(L)->check_finite;
  for (int i = 0; i < n->n_in; i++) {
    if (!slot[i]) continue;
    if (check) lb_notefinite(L, n->op->name, "backward", &c.gout, 1, &c.gin[i]);
    lua_getiuservalue(L, node_idx, i + 1);
    deliver(L, lua_gettop(L), slot[i], pending);
    lua_pop(L, 1);
  }
  lua_settop(L, base);
}

static void check_custom_gradient(lua_State *L, int idx, const lb_node *n, int i) {
  const lb_tensor *g = lb_testtensor(L, idx);
  char want[LDB_SHAPE_TEXT], got[LDB_SHAPE_TEXT];
  const ldb_view *v = &n->in[i].view;
  if (!g)
    luaL_error(L, "lossdbg: custom op: backward must return one gradient per input; value %d is %s",
               i + 1, luaL_typename(L, idx));
  else if (!ldb_same_shape(&g->view, v) || g->view.dtype != v->dtype)
    luaL_error(L, "lossdbg: custom op: backward returned %s %s as gradient %d; the input is %s %s",
               ldb_dtype_name(g->view.dtype), ldb_shape_text(&g->view, got), i + 1,
               ldb_dtype_name(v->dtype), ldb_shape_text(v, want));
}

/* The context table of a custom op holds its function `backward(ctx, gout) -> gradients`. */
static void backward_custom(lua_State *L, const lb_node *n, int node_idx, int grad, int pending) {
  int base = lua_gettop(L);
  if (lb_taping(L)) lb_tape_refuse(L, custom_reason);
  lua_getiuservalue(L, node_idx, n->n_in + 2);
  lua_getfield(L, -1, "backward");
  lua_insert(L, -2);
  lua_pushvalue(L, grad);
  luaL_checkstack(L, n->n_in + 8, "custom op");
  lua_call(L, 2, n->n_in);
  for (int i = 0; i < n->n_in; i++) {
    if (!wanted(L, n, node_idx, i)) continue;
    check_custom_gradient(L, base + 1 + i, n, i);
    lua_getiuservalue(L, node_idx, i + 1);
    deliver(L, lua_gettop(L), base + 1 + i, pending);
    lua_pop(L, 1);
  }
  lua_settop(L, base);
}

static void release_node(lua_State *L, lb_node *n, int node_idx) {
  for (int k = 1; k <= n->n_in + 3; k++) {
    lua_pushnil(L);
    lua_setiuservalue(L, node_idx, k);
  }
  n->consumed = true;
}

/* Nothing here allocates: from the first write on nothing can fail. */
static void commit_leaves(lua_State *L, int pending) {
  lb_getcontext(L)->gradients++;
  lua_pushnil(L);
  while (lua_next(L, pending)) {
    lua_setiuservalue(L, -2, 3);
  }
}

static void push_seed(lua_State *L, const lb_tensor *t) {
  if (!lua_isnoneornil(L, 2)) {
    const lb_tensor *g = lb_checkcontiguous(L, 2, "backward", "gradient", (int)t->view.dtype);
    char want[LDB_SHAPE_TEXT], got[LDB_SHAPE_TEXT];
    if (!ldb_same_shape(&g->view, &t->view))
      luaL_error(L, "lossdbg: backward: argument 'gradient': expected shape %s, got %s",
                 ldb_shape_text(&t->view, want), ldb_shape_text(&g->view, got));
    if (lb_taping(L)) lb_tape_see(L, 2);
    lua_pushvalue(L, 2);
    return;
  }
  char shape[LDB_SHAPE_TEXT];
  if (ldb_view_count(&t->view) != 1)
    luaL_error(L,
               "lossdbg: backward: expected a tensor with one element, got %s (take the mean or "
               "sum, or pass a gradient of that shape)",
               ldb_shape_text(&t->view, shape));
  const lb_tensor *g = lb_newtensor(L, "backward", t->view.dtype, t->view.rank, t->view.shape);
  lb_gate_fill(L, "backward", lua_gettop(L), &g->view, 1.0);
}

static void run_nodes(lua_State *L, const visit_item *order, lua_Integer count, int list,
                      int pending) {
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, list, order[i].place);
    int at = lua_gettop(L);
    const lb_node *n = lua_touserdata(L, at);
    lb_poll(L, "backward");
    if (lua_getiuservalue(L, at, n->n_in + 3) == LUA_TUSERDATA) {
      if (n->op)
        backward_op(L, n, at, at + 1, pending);
      else
        backward_custom(L, n, at, at + 1, pending);
      clear_gradient(L, at, n);
    }
    lua_settop(L, at - 1);
  }
}

/* backward(tensor, gradient | nil, retain) : adds d tensor / d leaf to every leaf's .grad */
static int lb_autograd_backward(lua_State *L) {
  const lb_tensor *t = lb_checktensor(L, 1, "backward", "tensor");
  bool retain = lua_toboolean(L, 3);
  lua_settop(L, 3);
  if (!push_node(L, 1))
    return luaL_error(L, "lossdbg: backward: nothing that requires a gradient took part in this "
                         "tensor (computed under no_grad, detached, or all parameters frozen?)");
  lua_newtable(L);
  lua_newtable(L);
  int list = 5, pending = 6;
  lua_pushvalue(L, 4);
  lua_Integer count = collect(L, list);
  const visit_item *order = order_nodes(L, list, count);
  push_seed(L, t);
  const lb_node *root = lua_touserdata(L, 4);
  lua_setiuservalue(L, 4, root->n_in + 3);
  run_nodes(L, order, count, list, pending);
  commit_leaves(L, pending);
  for (lua_Integer i = 1; !retain && i <= count; i++) {
    lua_rawgeti(L, list, i);
    release_node(L, lua_touserdata(L, -1), lua_gettop(L));
    lua_pop(L, 1);
  }
  return 0;
}

static int leave_no_grad(lua_State *L, int status, lua_KContext before) {
  lb_getcontext(L)->no_grad = before != 0;
  return status == LUA_OK || status == LUA_YIELD ? lua_gettop(L) : lua_error(L);
}

/* no_grad(fn, ...) -> what fn returns. Nothing between entering and leaving the mode can fail, so
   that an error, of memory too, cannot leave it on. */
static int lb_autograd_no_grad(lua_State *L) {
  lb_context *c = lb_getcontext(L);
  lua_KContext before = c->no_grad;
  luaL_checkany(L, 1);
  c->no_grad = true;
  int status = lua_pcallk(L, lua_gettop(L) - 1, LUA_MULTRET, 0, before, leave_no_grad);
  return leave_no_grad(L, status, before);
}

/* attach(out, context, inputs...) : out becomes the result of a custom op; returns out */
static int lb_autograd_attach(lua_State *L) {
  lb_tensor *out = lb_checktensor(L, 1, "custom op", "result of forward");
  luaL_checktype(L, 2, LUA_TTABLE);
  int n = lua_gettop(L) - 2;
  bool any = false;
  if (lb_taping(L)) lb_tape_refuse(L, custom_reason);
  if (n < 1 || n > LDB_MAX_IN)
    return luaL_error(L, "lossdbg: custom op: 1 to %d inputs expected, got %d", (int)LDB_MAX_IN, n);
  for (int i = 0; i < n; i++)
    any = lb_checktensor(L, i + 3, "custom op", "input")->requires_grad || any;
  if (any && !lb_getcontext(L)->no_grad) {
    lb_node *node = lb_newnode(L, NULL, n);
    for (int i = 0; i < n; i++) {
      node->in[i].view = ((lb_tensor *)lua_touserdata(L, i + 3))->view;
      lua_pushvalue(L, i + 3);
      lua_setiuservalue(L, -2, i + 1);
    }
    lua_pushvalue(L, 2);
    lua_setiuservalue(L, -2, n + 2);
    node->sequence = ++lb_getcontext(L)->sequence;
    lua_setiuservalue(L, 1, 2);
    out->requires_grad = true;
  }
  lua_settop(L, 1);
  return 1;
}

static const luaL_Reg functions[] = {{"backward", lb_autograd_backward},
                                     {"no_grad", lb_autograd_no_grad},
                                     {"attach", lb_autograd_attach},
                                     {"check_finite", lb_autograd_check_finite},
                                     {"scope", lb_autograd_scope},
                                     {"library", lb_autograd_library},
                                     {NULL, NULL}};

int lb_open_autograd(lua_State *L) {
  lb_newnodes(L);
  luaL_newlib(L, functions);
  return 1;
}
