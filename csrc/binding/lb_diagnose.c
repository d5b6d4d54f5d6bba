#include "binding/lb_diagnose.h"

#include <math.h>
#include <string.h>

#include "diagnose/fingerprint.h"
#include "diagnose/order.h"
#include "diagnose/paired.h"
#include "diagnose/stats.h"
#include "diagnose/trend.h"
#include "kernels/reduce/lean_stats.h"

/* ---- arguments and results ---------------------------------------------------------------------
 */

void lb_checkkeys(lua_State *L, int idx, const char *where, const char *const *names) {
  if (lua_isnoneornil(L, idx)) return;
  if (lua_type(L, idx) != LUA_TTABLE)
    luaL_error(L, "lossdbg: %s: argument 'options': expected a table, got %s", where,
               luaL_typename(L, idx));
  lua_pushnil(L);
  while (lua_next(L, idx)) {
    lua_pop(L, 1);
    const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
    const char *const *known = names;
    while (*known != NULL && strcmp(*known, key) != 0)
      known++;
    if (*known == NULL)
      luaL_error(L, "lossdbg: %s: unknown option '%s'", where, luaL_tolstring(L, -1, NULL));
  }
}

double lb_optnumber(lua_State *L, int idx, const char *where, const char *name, double fallback) {
  double value = fallback;
  if (lua_type(L, idx) != LUA_TTABLE) return fallback;
  lua_pushstring(L, name);
  lua_rawget(L, idx);
  if (!lua_isnil(L, -1)) {
    if (lua_type(L, -1) != LUA_TNUMBER)
      luaL_error(L, "lossdbg: %s: argument '%s': expected a number, got %s", where, name,
                 luaL_typename(L, -1));
    value = lua_tonumber(L, -1);
    if (isnan(value) && !isnan(fallback))
      luaL_error(L, "lossdbg: %s: argument '%s': expected a number, got NaN", where, name);
  }
  lua_pop(L, 1);
  return value;
}

void lb_setnumber(lua_State *L, const char *name, double value) {
  lua_pushnumber(L, value);
  lua_setfield(L, -2, name);
}

void lb_setinteger(lua_State *L, const char *name, lua_Integer value) {
  lua_pushinteger(L, value);
  lua_setfield(L, -2, name);
}

void lb_setboolean(lua_State *L, const char *name, bool value) {
  lua_pushboolean(L, value);
  lua_setfield(L, -2, name);
}

lb_matrix lb_checkmatrix(lua_State *L, int idx, const char *where, const char *name) {
  lb_matrix m;
  m.tensor = lb_checkcontiguous(L, idx, where, name, -1);
  const ldb_view *v = &m.tensor->view;
  m.rows = v->rank == 0 ? 1 : (size_t)v->shape[0];
  m.columns = m.rows == 0 ? 0 : (size_t)ldb_view_count(v) / m.rows;
  return m;
}

/* Numbers from a list or a tensor, copied to scratch that is pushed. */
static double *check_numbers(lua_State *L, int idx, const char *where, const char *name,
                             size_t *n) {
  const lb_tensor *t = lb_testtensor(L, idx);
  if (t != NULL) {
    lb_checkcontiguous(L, idx, where, name, -1);
    *n = (size_t)ldb_view_count(&t->view);
  } else if (lua_type(L, idx) == LUA_TTABLE) {
    *n = (size_t)lua_rawlen(L, idx);
  } else {
    luaL_error(L, "lossdbg: %s: argument '%s': expected a list of numbers or a tensor, got %s",
               where, name, luaL_typename(L, idx));
    return NULL;
  }
  double *x = lb_pushscratch(L, where, (*n > 0 ? *n : 1) * sizeof(double));
  for (size_t i = 0; i < *n; i++) {
    if (t != NULL) {
      x[i] = ldb_element(t->view.dtype, t->view.data, i);
      continue;
    }
    if (lua_rawgeti(L, idx, (lua_Integer)i + 1) != LUA_TNUMBER)
      luaL_error(L, "lossdbg: %s: argument '%s': expected a number at place %I, got %s", where,
                 name, (lua_Integer)i + 1, luaL_typename(L, -1));
    x[i] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  return x;
}

/* Arguments 1 and 2: lists of the same length. */
static size_t check_pairs(lua_State *L, const char *where, double **a, double **b) {
  size_t n = 0, m = 0;
  *a = check_numbers(L, 1, where, "a", &n);
  *b = check_numbers(L, 2, where, "b", &m);
  if (n != m)
    luaL_error(L, "lossdbg: %s: argument 'b': expected %I numbers as in 'a', got %I", where,
               (lua_Integer)n, (lua_Integer)m);
  return n;
}

static void check_no_nan(lua_State *L, const char *where, const char *name, size_t n,
                         const double *x) {
  for (size_t i = 0; i < n; i++)
    if (isnan(x[i]))
      luaL_error(L, "lossdbg: %s: argument '%s': NaN at place %I", where, name, (lua_Integer)i + 1);
}

/* ---- trend -------------------------------------------------------------------------------------
 */

static const char *const verdict_names[] = {"undetermined", "decreasing", "increasing", "plateau"};

static ldb_trend_options trend_options(lua_State *L, int idx, const char *where) {
  static const char *const names[] = {"block", "window", "delta", "per", "floor", NULL};
  lb_checkkeys(L, idx, where, names);
  const double block = lb_optnumber(L, idx, where, "block", 10.0);
  const double window = lb_optnumber(L, idx, where, "window", 20.0);
  ldb_trend_options o = {0, 0, lb_optnumber(L, idx, where, "delta", 0.01),
                         lb_optnumber(L, idx, where, "per", 100.0),
                         lb_optnumber(L, idx, where, "floor", 0.0)};
  if (block < 1.0 || block > 1e9)
    luaL_error(L, "lossdbg: %s: argument 'block': expected a number of steps from 1", where);
  if (window < LDB_TREND_LEAST || window > LDB_TREND_WINDOW)
    luaL_error(L, "lossdbg: %s: argument 'window': expected %d to %d blocks", where,
               (int)LDB_TREND_LEAST, (int)LDB_TREND_WINDOW);
  if (o.delta <= 0.0 || o.per <= 0.0 || !isfinite(o.delta) || !isfinite(o.per) ||
      !isfinite(o.floor))
    luaL_error(L, "lossdbg: %s: argument 'delta': delta and per must be greater than 0 and finite",
               where);
  o.block = (size_t)block;
  o.window = (size_t)window;
  return o;
}

static void push_trend(lua_State *L, const ldb_trend *t) {
  lua_createtable(L, 0, 20);
  lua_pushstring(L, verdict_names[t->verdict]);
  lua_setfield(L, -2, "verdict");
  lb_setnumber(L, "z", t->z);
  lb_setnumber(L, "slope", t->slope);
  lb_setnumber(L, "fastest", t->fastest);
  lb_setboolean(L, "stalled", t->stalled);
  lb_setnumber(L, "noise_cv", t->noise_cv);
  lb_setnumber(L, "lag1", t->lag1);
  lb_setinteger(L, "blocks", (lua_Integer)t->blocks);
  lb_setinteger(L, "block", (lua_Integer)t->block);
  if (t->more_steps > 0) lb_setinteger(L, "more_steps", (lua_Integer)t->more_steps);
  lb_setnumber(L, "level", t->level);
  lb_setnumber(L, "mean", t->mean);
  lb_setnumber(L, "se", t->se);
  lb_setnumber(L, "block_sd", t->block_sd);
  lb_setnumber(L, "lowest", t->lowest);
  lb_setnumber(L, "first", t->first);
  lb_setnumber(L, "last", t->last);
  lb_setnumber(L, "best", t->best);
}

/* trend(losses, options) -> table as in trend.h. What comes after the first value that is not
   finite is not judged; `nonfinite` is its place. */
static int lb_diagnose_trend(lua_State *L) {
  static const char *const where = "diagnose.trend";
  size_t given = 0, n = 0;
  lua_settop(L, 2);
  const ldb_trend_options o = trend_options(L, 2, where);
  const double *x = check_numbers(L, 1, where, "losses", &given);
  double *scratch = lb_pushscratch(L, where, ldb_trend_scratch(&o) * sizeof(double));
  while (n < given && isfinite(x[n]))
    n++;
  if (n > 0) {
    ldb_trend t;
    ldb_trend_test(n, x, &o, scratch, &t);
    push_trend(L, &t);
  } else {
    lua_createtable(L, 0, 4);
    lua_pushstring(L, verdict_names[LDB_TREND_UNDETERMINED]);
    lua_setfield(L, -2, "verdict");
    lb_setinteger(L, "blocks", 0);
    lb_setinteger(L, "more_steps", (lua_Integer)(o.block * LDB_TREND_LEAST));
  }
  if (n < given) lb_setinteger(L, "nonfinite", (lua_Integer)n + 1);
  return 1;
}

/* ---- paired tests ------------------------------------------------------------------------------
 */

/* paired_t(a, b) -> { n, mean, sd, t, p } of a - b */
static int lb_diagnose_paired_t(lua_State *L) {
  double *a, *b;
  lua_settop(L, 2);
  const size_t n = check_pairs(L, "diagnose.paired_t", &a, &b);
  ldb_paired r;
  ldb_paired_t(n, a, b, &r);
  lua_createtable(L, 0, 5);
  lb_setinteger(L, "n", (lua_Integer)r.n);
  lb_setnumber(L, "mean", r.mean);
  lb_setnumber(L, "sd", r.sd);
  lb_setnumber(L, "t", r.t);
  lb_setnumber(L, "p", r.p);
  return 1;
}

static const char *skill_verdict(const ldb_paired *r, double baseline) {
  static const double limit = 2.326, worth = 0.05; /* 1 %; the least skill that is worth a name */
  enum { LEAST = 30, ENOUGH = 256 };
  if (isnan(r->t)) return "undetermined";
  if (r->t > limit) return "worse";
  if (r->n < LEAST) return "undetermined";
  if (r->t < -limit) return "better";
  const double credible = (limit * r->sd / sqrt((double)r->n) - r->mean) / baseline;
  return r->n >= ENOUGH || credible < worth ? "at_baseline" : "undetermined";
}

/* skill(losses, baseline) -> { value, verdict, t, n, loss, baseline }: losses against those of the
   best constant answer, paired by sample. better, worse: |t| > 2.326; at_baseline: neither, on 256
   samples or where more than 5 % skill is no longer credible. */
static int lb_diagnose_skill(lua_State *L) {
  double *a, *b, loss = 0.0, base = 0.0;
  lua_settop(L, 2);
  const size_t n = check_pairs(L, "diagnose.skill", &a, &b);
  ldb_paired r;
  ldb_paired_t(n, a, b, &r);
  for (size_t i = 0; i < n; i++) {
    loss += a[i] / (double)n;
    base += b[i] / (double)n;
  }
  lua_createtable(L, 0, 6);
  lb_setnumber(L, "value", base > 0.0 ? 1.0 - loss / base : (double)NAN);
  lua_pushstring(L, skill_verdict(&r, base));
  lua_setfield(L, -2, "verdict");
  lb_setnumber(L, "t", r.t);
  lb_setinteger(L, "n", (lua_Integer)n);
  lb_setnumber(L, "loss", n > 0 ? loss : (double)NAN);
  lb_setnumber(L, "baseline", n > 0 ? base : (double)NAN);
  return 1;
}

/* sign_test(a, b) -> { less, greater, ties, p_less, p } */
static int lb_diagnose_sign_test(lua_State *L) {
  double *a, *b;
  lua_settop(L, 2);
  const size_t n = check_pairs(L, "diagnose.sign_test", &a, &b);
  ldb_signs r;
  ldb_sign_test(n, a, b, &r);
  lua_createtable(L, 0, 5);
  lb_setinteger(L, "less", (lua_Integer)r.negative);
  lb_setinteger(L, "greater", (lua_Integer)r.positive);
  lb_setinteger(L, "ties", (lua_Integer)r.ties);
  lb_setnumber(L, "p_less", r.p_less);
  lb_setnumber(L, "p", r.p_two_sided);
  return 1;
}

/* spearman(a, b) -> rho, two-sided p (t approximation) */
static int lb_diagnose_spearman(lua_State *L) {
  static const char *const where = "diagnose.spearman";
  double *a, *b;
  lua_settop(L, 2);
  const size_t n = check_pairs(L, where, &a, &b);
  check_no_nan(L, where, "a", n, a);
  check_no_nan(L, where, "b", n, b);
  if (n > 20000)
    return luaL_error(L, "lossdbg: %s: argument 'a': expected at most 20000 numbers, got %I", where,
                      (lua_Integer)n);
  double *scratch = lb_pushscratch(L, where, (2 * n + 1) * sizeof(double));
  const double rho = ldb_spearman(n, a, b, scratch), df = (double)n - 2.0;
  const double rest = 1.0 - rho * rho;
  lua_pushnumber(L, rho);
  lua_pushnumber(L, rest > 0.0 ? ldb_student_p(rho * sqrt(df / rest), df)
                               : (isnan(rho) || n < 3 ? (double)NAN : 0.0));
  return 2;
}

/* median(x) -> median, median of the distances to it; nil when x is empty */
static int lb_diagnose_median(lua_State *L) {
  static const char *const where = "diagnose.median";
  size_t n = 0;
  lua_settop(L, 1);
  double *x = check_numbers(L, 1, where, "x", &n);
  check_no_nan(L, where, "x", n, x);
  if (n == 0) return 0;
  const double median = ldb_median(n, x);
  lua_pushnumber(L, median);
  lua_pushnumber(L, ldb_median_deviation(n, x, median));
  return 2;
}

static double check_number(lua_State *L, int idx, const char *where, const char *name) {
  if (lua_type(L, idx) != LUA_TNUMBER)
    luaL_error(L, "lossdbg: %s: argument '%s': expected a number, got %s", where, name,
               luaL_typename(L, idx));
  return lua_tonumber(L, idx);
}

/* student_p(t, df) -> two-sided p; normal_cdf(z) -> P(Z <= z) */
static int lb_diagnose_student_p(lua_State *L) {
  static const char *const where = "diagnose.student_p";
  lua_pushnumber(L, ldb_student_p(check_number(L, 1, where, "t"), check_number(L, 2, where, "df")));
  return 1;
}

static int lb_diagnose_normal_cdf(lua_State *L) {
  lua_pushnumber(L, ldb_normal_cdf(check_number(L, 1, "diagnose.normal_cdf", "z")));
  return 1;
}

/* ---- tensors -----------------------------------------------------------------------------------
 */

/* stats(tensor) -> { count, finite, mean, std, rms, sum_sq, min, max, zeros, nan, plus_inf,
                      minus_inf, nonfinite } */
static int lb_diagnose_stats(lua_State *L) {
  const lb_tensor *t = lb_checkcontiguous(L, 1, "diagnose.stats", "tensor", -1);
  ldb_stats s;
  ldb_stats_scan(t->view.dtype, (size_t)ldb_view_count(&t->view), t->view.data, &s);
  lua_createtable(L, 0, 13);
  lb_setinteger(L, "count", (lua_Integer)s.count);
  lb_setinteger(L, "finite", (lua_Integer)s.finite);
  lb_setnumber(L, "mean", s.finite > 0 ? s.mean : (double)NAN);
  lb_setnumber(L, "std", ldb_stats_std(&s));
  lb_setnumber(L, "rms", ldb_stats_rms(&s));
  lb_setnumber(L, "sum_sq", ldb_stats_sum_sq(&s));
  lb_setnumber(L, "min", s.min);
  lb_setnumber(L, "max", s.max);
  lb_setinteger(L, "zeros", (lua_Integer)s.zeros);
  lb_setinteger(L, "nan", (lua_Integer)s.nan);
  lb_setinteger(L, "plus_inf", (lua_Integer)s.plus_inf);
  lb_setinteger(L, "minus_inf", (lua_Integer)s.minus_inf);
  lb_setinteger(L, "nonfinite", (lua_Integer)(s.count - s.finite));
  return 1;
}

/* lean_stats(tensor f32) -> { count, zeros, nonfinite, sum, sum_sq, min, max } */
static int lb_diagnose_lean_stats(lua_State *L) {
  const lb_tensor *t = lb_checkcontiguous(L, 1, "diagnose.lean_stats", "tensor", LDB_F32);
  ldb_lean s;
  ldb_lean_stats(lb_getcontext(L)->team, ldb_view_count(&t->view), t->view.data, &s);
  lua_createtable(L, 0, 7);
  lb_setinteger(L, "count", (lua_Integer)s.count);
  lb_setinteger(L, "zeros", (lua_Integer)s.zeros);
  lb_setinteger(L, "nonfinite", (lua_Integer)s.nonfinite);
  lb_setnumber(L, "sum", s.sum);
  lb_setnumber(L, "sum_sq", s.sum_sq);
  lb_setnumber(L, "min", s.min);
  lb_setnumber(L, "max", s.max);
  return 1;
}

/* A contiguous tensor of rank 1 or more, seen as [rows x units] with units its last axis. */
static lb_tensor *check_units(lua_State *L, const char *where, size_t *rows, size_t *units) {
  lb_tensor *t = lb_checkcontiguous(L, 1, where, "tensor", -1);
  if (t->view.rank < 1)
    luaL_error(L, "lossdbg: %s: argument 'tensor': expected rank 1 or more, got a scalar", where);
  *units = (size_t)t->view.shape[t->view.rank - 1];
  *rows = *units == 0 ? 0 : (size_t)ldb_view_count(&t->view) / *units;
  if (*rows > UINT32_MAX || *units > INT32_MAX)
    luaL_error(L, "lossdbg: %s: argument 'tensor': too many rows or units", where);
  return t;
}

/* Counts become a list with the fields rows, none (units with 0) and all (units with every row). */
static int push_counts(lua_State *L, size_t rows, size_t units, const uint32_t *counts) {
  lua_Integer none = 0, all = 0;
  lua_createtable(L, (int)units, 3);
  for (size_t u = 0; u < units; u++) {
    lua_pushinteger(L, (lua_Integer)counts[u]);
    lua_rawseti(L, -2, (lua_Integer)u + 1);
    none += counts[u] == 0;
    all += counts[u] == rows;
  }
  lb_setinteger(L, "rows", (lua_Integer)rows);
  lb_setinteger(L, "none", none);
  lb_setinteger(L, "all", all);
  return 1;
}

/* unit_activity(tensor, threshold = 0) -> list of rows with x > threshold per unit */
static int lb_diagnose_unit_activity(lua_State *L) {
  static const char *const where = "diagnose.unit_activity";
  size_t rows, units;
  const lb_tensor *t = check_units(L, where, &rows, &units);
  const double threshold = lua_isnoneornil(L, 2) ? 0.0 : lb_checkfinite(L, 2, where, "threshold");
  uint32_t *counts = lb_pushscratch(L, where, (units + 1) * sizeof(uint32_t));
  ldb_unit_active(t->view.dtype, rows, units, t->view.data, threshold, counts);
  return push_counts(L, rows, units, counts);
}

/* unit_saturation(tensor, low, high) -> list of rows with x <= low or x >= high per unit */
static int lb_diagnose_unit_saturation(lua_State *L) {
  static const char *const where = "diagnose.unit_saturation";
  size_t rows, units;
  const lb_tensor *t = check_units(L, where, &rows, &units);
  const double low = lb_checkfinite(L, 2, where, "low");
  const double high = lb_checkfinite(L, 3, where, "high");
  uint32_t *counts = lb_pushscratch(L, where, (units + 1) * sizeof(uint32_t));
  ldb_unit_saturated(t->view.dtype, rows, units, t->view.data, low, high, counts);
  return push_counts(L, rows, units, counts);
}

/* columns(tensor) -> { mean = {}, std = {}, min = {}, max = {}, count = {} } per unit */
static int lb_diagnose_columns(lua_State *L) {
  static const char *const where = "diagnose.columns";
  static const char *const names[] = {"mean", "std", "min", "max", "count"};
  size_t rows, units, bytes = 0;
  const lb_tensor *t = check_units(L, where, &rows, &units);
  if (!ldb_mul_size(units + 1, LDB_COLUMN_ARRAYS * sizeof(double), &bytes))
    return luaL_error(L, "lossdbg: %s: argument 'tensor': too large", where);
  double *a = lb_pushscratch(L, where, bytes);
  ldb_columns c = {a, a + units, a + 2 * units, a + 3 * units, a + 4 * units};
  ldb_column_stats(t->view.dtype, rows, units, t->view.data, &c);
  lua_createtable(L, 0, LDB_COLUMN_ARRAYS);
  for (int k = 0; k < LDB_COLUMN_ARRAYS; k++) {
    lua_createtable(L, (int)units, 0);
    for (size_t j = 0; j < units; j++) {
      const double value[] = {c.mean[j], sqrt(c.m2[j] / c.count[j]), c.min[j], c.max[j],
                              c.count[j]};
      lua_pushnumber(L, value[k]);
      lua_rawseti(L, -2, (lua_Integer)j + 1);
    }
    lua_setfield(L, -2, names[k]);
  }
  return 1;
}

/* row_sums(tensor) -> smallest and largest sum over the last axis; NaN when one is not finite */
static int lb_diagnose_row_sums(lua_State *L) {
  size_t rows, units;
  double min, max;
  const lb_tensor *t = check_units(L, "diagnose.row_sums", &rows, &units);
  ldb_row_sums(t->view.dtype, rows, units, t->view.data, &min, &max);
  lua_pushnumber(L, min);
  lua_pushnumber(L, max);
  return 2;
}

/* symmetric(weight, tolerance = 1e-6) -> true when all units (last axis) are the same */
static int lb_diagnose_symmetric(lua_State *L) {
  static const char *const where = "diagnose.symmetric";
  size_t rows, units;
  const lb_tensor *t = check_units(L, where, &rows, &units);
  const double tolerance = lua_isnoneornil(L, 2) ? 1e-6 : lb_checkfinite(L, 2, where, "tolerance");
  lua_pushboolean(L, ldb_units_equal(t->view.dtype, rows, units, t->view.data, tolerance));
  return 1;
}

/* ---- fingerprints ------------------------------------------------------------------------------
 */

static const char *const family_names[] = {"cross_entropy", "binary", "squared", "absolute"};

static int check_family(lua_State *L, const char *where) {
  lua_getfield(L, 1, "family");
  const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  for (int k = 0; k < LDB_LOSS_OTHER; k++)
    if (strcmp(s, family_names[k]) == 0) {
      lua_pop(L, 1);
      return k;
    }
  return luaL_error(L,
                    "lossdbg: %s: argument 'family': expected 'cross_entropy', 'binary', "
                    "'squared' or 'absolute', got %s",
                    where, luaL_tolstring(L, -1, NULL));
}

/* Leaves the numbers of options.prior on the stack. */
static const double *check_prior(lua_State *L, const char *where, size_t *n) {
  *n = 0;
  if (lua_getfield(L, 1, "prior") == LUA_TNIL) return NULL;
  return check_numbers(L, lua_gettop(L), where, "prior", n);
}

/* fingerprints(options) -> list of { name, text, value, distance, matched } of the constants that
   the options determine; options: family, mean, se, lowest, block_sd and the facts of
   fingerprint.h: classes, prior, positive, smoothing, wrong, variance, mean_square,
   mean_deviation, mean_absolute, conflict. Without a mean nothing is matched. */
static int lb_diagnose_fingerprints(lua_State *L) {
  static const char *const where = "diagnose.fingerprints";
  static const char *const names[] = {
      "family",   "mean",     "se",          "lowest",         "block_sd",
      "classes",  "prior",    "positive",    "smoothing",      "wrong",
      "variance", "conflict", "mean_square", "mean_deviation", "mean_absolute",
      NULL};
  const double unknown = (double)NAN;
  lua_settop(L, 1);
  if (lua_type(L, 1) != LUA_TTABLE)
    return luaL_error(L, "lossdbg: %s: argument 'options': expected a table, got %s", where,
                      luaL_typename(L, 1));
  lb_checkkeys(L, 1, where, names);
  const int family = check_family(L, where);
  ldb_fingerprint_facts k = {0};
  const double classes = lb_optnumber(L, 1, where, "classes", 0.0);
  if (classes >= 1.0 && classes < 1e9) k.classes = (size_t)classes;
  k.prior = check_prior(L, where, &k.n_prior);
  k.positive = lb_optnumber(L, 1, where, "positive", unknown);
  k.smoothing = lb_optnumber(L, 1, where, "smoothing", unknown);
  k.wrong = lb_optnumber(L, 1, where, "wrong", unknown);
  k.variance = lb_optnumber(L, 1, where, "variance", unknown);
  k.mean_square = lb_optnumber(L, 1, where, "mean_square", unknown);
  k.mean_deviation = lb_optnumber(L, 1, where, "mean_deviation", unknown);
  k.mean_absolute = lb_optnumber(L, 1, where, "mean_absolute", unknown);
  k.conflict = lb_optnumber(L, 1, where, "conflict", unknown);
  const double mean = lb_optnumber(L, 1, where, "mean", unknown);
  const double se = lb_optnumber(L, 1, where, "se", 0.0);
  const double lowest = lb_optnumber(L, 1, where, "lowest", unknown);
  const double sd = lb_optnumber(L, 1, where, "block_sd", 0.0);
  lua_Integer found = 0;
  lua_newtable(L);
  for (int i = 0; i < LDB_FP_COUNT; i++) {
    const ldb_fingerprint f = (ldb_fingerprint)i;
    if ((int)ldb_fingerprint_family(f) != family) continue;
    const double value = ldb_fingerprint_value(f, &k);
    if (isnan(value)) continue;
    lua_createtable(L, 0, 5);
    lua_pushstring(L, ldb_fingerprint_name(f));
    lua_setfield(L, -2, "name");
    lua_pushstring(L, ldb_fingerprint_text(f));
    lua_setfield(L, -2, "text");
    lb_setnumber(L, "value", value);
    lb_setnumber(L, "distance", fabs(mean - value));
    lb_setboolean(L, "matched", ldb_fingerprint_matches(value, mean, se, lowest, sd));
    lua_rawseti(L, -2, ++found);
  }
  return 1;
}

static const luaL_Reg functions[] = {{"trend", lb_diagnose_trend},
                                     {"paired_t", lb_diagnose_paired_t},
                                     {"skill", lb_diagnose_skill},
                                     {"sign_test", lb_diagnose_sign_test},
                                     {"spearman", lb_diagnose_spearman},
                                     {"median", lb_diagnose_median},
                                     {"student_p", lb_diagnose_student_p},
                                     {"normal_cdf", lb_diagnose_normal_cdf},
                                     {"stats", lb_diagnose_stats},
                                     {"lean_stats", lb_diagnose_lean_stats},
                                     {"unit_activity", lb_diagnose_unit_activity},
                                     {"unit_saturation", lb_diagnose_unit_saturation},
                                     {"columns", lb_diagnose_columns},
                                     {"row_sums", lb_diagnose_row_sums},
                                     {"symmetric", lb_diagnose_symmetric},
                                     {"fingerprints", lb_diagnose_fingerprints},
                                     {"audit", lb_diagnose_audit},
                                     {"row_hashes", lb_diagnose_row_hashes},
                                     {NULL, NULL}};

int lb_open_diagnose(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
