#include "binding/lb_score.h"

#include <string.h>

#include "binding/lb_tape.h"

static const char *const kinds[] = {"sparse",   "categorical", "binary", "signs",
                                    "absolute", "square",      "r2",     NULL};

static ldb_score_kind check_kind(lua_State *L, int idx, const char *where) {
  const char *name = lua_type(L, idx) == LUA_TSTRING ? lua_tostring(L, idx) : "";
  for (int i = 0; kinds[i]; i++)
    if (strcmp(name, kinds[i]) == 0) return (ldb_score_kind)i;
  lb_badargument(L, idx, where, "kind", "the name of a score");
  return LDB_SCORE_KINDS;
}

lb_score lb_check_score(lua_State *L, int idx, const char *where, const ldb_view *prediction,
                        const ldb_view *target) {
  ldb_error e;
  lb_score s;
  idx = lua_absindex(L, idx);
  luaL_checkstack(L, 4, where);
  if (!lua_istable(L, idx)) lb_badargument(L, idx, where, "score", "a list");
  lua_rawgeti(L, idx, 2);
  s.score.kind = check_kind(L, lua_gettop(L), where);
  lua_rawgeti(L, idx, 3);
  s.score.threshold = lb_checkfinite(L, lua_gettop(L), where, "threshold");
  lua_rawgeti(L, idx, 1);
  const lb_tensor *state = lb_checkcontiguous(L, lua_gettop(L), where, "state", LDB_F64);
  if (ldb_score_check(&s.score, prediction, target, &e) != LDB_OK) lb_raise(L, where, &e);
  const size_t needed = ldb_score_state(s.score.kind, prediction);
  if ((size_t)ldb_view_count(&state->view) < needed)
    luaL_error(L, "lossdbg: %s: argument 'state': expected %d values", where, (int)needed);
  s.state = state->view.data;
  lua_pop(L, 3);
  return s;
}

/* size(kind, prediction) -> how many values its state has */
static int score_size(lua_State *L) {
  static const char where[] = "score.size";
  const ldb_score_kind kind = check_kind(L, 1, where);
  const lb_tensor *p = lb_checktensor(L, 2, where, "prediction");
  lua_pushinteger(L, (lua_Integer)ldb_score_state(kind, &p->view));
  return 1;
}

/* fits(kind, prediction, target) -> whether they can be compared as they are */
static int score_fits(lua_State *L) {
  static const char where[] = "score.fits";
  const ldb_score s = {.kind = check_kind(L, 1, where)};
  const lb_tensor *p = lb_checktensor(L, 2, where, "prediction");
  const lb_tensor *t = lb_checktensor(L, 3, where, "target");
  ldb_error e;
  lua_pushboolean(L, ldb_score_check(&s, &p->view, &t->view, &e) == LDB_OK);
  return 1;
}

/* add({ state, kind, threshold }, prediction, target) */
static int score_add(lua_State *L) {
  static const char where[] = "score.add";
  if (lb_taping(L)) lb_tape_read(L, where);
  const lb_tensor *p = lb_checktensor(L, 2, where, "prediction");
  const lb_tensor *t = lb_checktensor(L, 3, where, "target");
  const lb_score s = lb_check_score(L, 1, where, &p->view, &t->view);
  ldb_score_add(&s.score, &p->view, &t->view, s.state);
  return 0;
}

static const luaL_Reg functions[] = {
    {"size", score_size}, {"fits", score_fits}, {"add", score_add}, {NULL, NULL}};

int lb_open_score(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
