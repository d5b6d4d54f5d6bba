#include <math.h>
#include <string.h>

#include "binding/lb_diagnose.h"
#include "diagnose/audit.h"
#include "diagnose/fingerprint.h"
#include "diagnose/order.h"

static const char *const where = "diagnose.audit";
enum { SHOWN_COLUMNS = 10, INDEX_CLASSES = 20 };

static ldb_rows rows_of(const lb_matrix *m) {
  const ldb_rows r = {m->tensor->view.dtype, m->rows, m->columns, m->tensor->view.data};
  return r;
}

static void *scratch(lua_State *L, size_t n, size_t size) {
  size_t bytes = 0;
  if (!ldb_mul_size(n + 1, size, &bytes))
    luaL_error(L, "lossdbg: %s: argument 'x': too large", where);
  return lb_pushscratch(L, where, bytes);
}

/* Pushes scratch with the statistics of every column. */
static ldb_columns push_columns(lua_State *L, const ldb_rows *x) {
  size_t bytes = 0;
  if (!ldb_mul_size(x->columns + 1, LDB_COLUMN_ARRAYS, &bytes))
    luaL_error(L, "lossdbg: %s: argument 'x': too large", where);
  double *a = scratch(L, bytes, sizeof(double));
  const size_t d = x->columns;
  ldb_columns c = {a, a + d, a + 2 * d, a + 3 * d, a + 4 * d};
  ldb_column_stats(x->dtype, x->rows, d, x->x, &c);
  return c;
}

/* Sets table.nonfinite; rows and columns are counted from 1. */
static void set_nonfinite(lua_State *L, const ldb_rows *x) {
  const ldb_nonfinite bad = ldb_first_nonfinite(x);
  lua_createtable(L, 0, 4);
  lb_setinteger(L, "count", (lua_Integer)bad.count);
  if (bad.count > 0) {
    lb_setinteger(L, "row", (lua_Integer)bad.row + 1);
    lb_setinteger(L, "col", (lua_Integer)bad.column + 1);
    lb_setnumber(L, "value", bad.value);
  }
  lua_setfield(L, -2, "nonfinite");
}

/* mean, std, rms, min, max of all finite elements */
static void set_moments(lua_State *L, const ldb_stats *s) {
  lb_setnumber(L, "mean", s->finite > 0 ? s->mean : (double)NAN);
  lb_setnumber(L, "std", ldb_stats_std(s));
  lb_setnumber(L, "min", s->min);
  lb_setnumber(L, "max", s->max);
}

/* ---- features ----------------------------------------------------------------------------------
 */

static void set_list(lua_State *L, const char *name, size_t n, const double *x) {
  lua_createtable(L, n < INT32_MAX ? (int)n : 0, 0);
  for (size_t j = 0; j < n; j++) {
    lua_pushnumber(L, x[j]);
    lua_rawseti(L, -2, (lua_Integer)j + 1);
  }
  lua_setfield(L, -2, name);
}

static void set_feature_lists(lua_State *L, const ldb_columns *c, size_t d, double *std) {
  for (size_t j = 0; j < d; j++)
    std[j] = sqrt(c->m2[j] / c->count[j]);
  lua_createtable(L, 0, 4);
  set_list(L, "mean", d, c->mean);
  set_list(L, "std", d, std);
  set_list(L, "min", d, c->min);
  set_list(L, "max", d, c->max);
  lua_setfield(L, -2, "feature");
}

static void set_constant(lua_State *L, const ldb_columns *c, size_t d, size_t count) {
  lua_Integer shown = 0;
  lua_createtable(L, 0, 3);
  lb_setinteger(L, "count", (lua_Integer)count);
  lb_setnumber(L, "share", d > 0 ? (double)count / (double)d : 0.0);
  lua_newtable(L);
  for (size_t j = 0; j < d && shown < SHOWN_COLUMNS; j++)
    if (ldb_column_is_constant(c, j)) {
      lua_pushinteger(L, (lua_Integer)j + 1);
      lua_rawseti(L, -2, ++shown);
    }
  lua_setfield(L, -2, "columns");
  lua_setfield(L, -2, "constant");
}

static void set_features(lua_State *L, const ldb_rows *x, const ldb_columns *c, double *spare) {
  ldb_stats all;
  ldb_features f;
  ldb_stats_scan(x->dtype, x->rows * x->columns, x->x, &all);
  ldb_feature_summary(c, x->columns, spare, &f);
  lua_createtable(L, 0, 14);
  set_nonfinite(L, x);
  set_moments(L, &all);
  lb_setnumber(L, "rms", ldb_stats_rms(&all));
  lb_setboolean(L, "integral", ldb_all_integral(x));
  lb_setboolean(L, "identical", ldb_rows_identical(x));
  lb_setnumber(L, "disparity", f.disparity);
  lb_setnumber(L, "kappa", f.kappa);
  lb_setnumber(L, "offset_share", f.offset_share);
  set_constant(L, c, x->columns, f.constant);
  lua_createtable(L, 0, 3);
  lb_setinteger(L, "column", (lua_Integer)f.largest + 1);
  lb_setnumber(L, "max_abs", f.max_abs);
  lua_setfield(L, -2, "largest");
  set_feature_lists(L, c, x->columns, spare);
  lua_setfield(L, -2, "x");
}

/* ---- targets -----------------------------------------------------------------------------------
 */

/* The targets as one number a row: the value itself, or the class of a one-hot row. */
typedef struct targets {
  const char *kind;
  bool classes; /* the numbers are class ids or binary labels */
  size_t n, width;
  double *number; /* [n], valid when single; NaN and infinity dropped from `finite` numbers */
  bool single;
  double *value;   /* distinct finite numbers */
  uint32_t *count; /* how often each occurs */
  size_t k;
  size_t row_sum_bad;
} targets;

/* One-hot: shares in [0, 1] whose rows sum to 1. Sets row_sum_bad; class of the largest share. */
static bool read_one_hot(const ldb_rows *y, targets *t, bool *zero_one) {
  size_t bad = 0;
  *zero_one = true;
  for (size_t r = 0; r < y->rows; r++) {
    double sum = 0.0, top = -1.0;
    for (size_t j = 0; j < y->columns; j++) {
      const double v = ldb_element(y->dtype, y->x, r * y->columns + j);
      if (!(v >= 0.0 && v <= 1.0)) return *zero_one = false;
      if (v > 0.0 && v < 1.0) *zero_one = false;
      sum += v;
      if (v > top) {
        top = v;
        t->number[r] = (double)j;
      }
    }
    bad += (size_t) !(fabs(sum - 1.0) <= 1e-3);
  }
  t->row_sum_bad = bad;
  return 2 * bad < y->rows;
}

static bool only(const targets *t, double a, double b) {
  for (size_t i = 0; i < t->k; i++)
    if ((t->value[i] < a || t->value[i] > a) && (t->value[i] < b || t->value[i] > b)) return false;
  return t->k > 0;
}

static const char *kind_of_column(const ldb_rows *y, const targets *t) {
  if (t->k == 0) return "real";
  if (only(t, -1.0, 1.0) && t->value[0] < 0.0) return "plus_minus_one";
  if (y->dtype == LDB_I32) return "index";
  if (only(t, 0.0, 1.0)) return "zero_one";
  if (ldb_all_integral(y) && t->value[0] >= 0.0 && t->k <= INDEX_CLASSES && 2 * t->k <= t->n)
    return "index";
  return "real";
}

/* Pushes scratch; `forced` is the caller's kind or NULL. */
static void read_targets(lua_State *L, const ldb_rows *y, const char *forced, targets *t) {
  memset(t, 0, sizeof *t);
  t->n = y->rows;
  t->width = y->columns;
  t->number = scratch(L, t->n, sizeof(double));
  t->value = scratch(L, t->n, sizeof(double));
  t->count = scratch(L, t->n, sizeof(uint32_t));
  bool zero_one = false;
  if (y->columns != 1) {
    t->single = t->classes = read_one_hot(y, t, &zero_one);
    t->kind = t->single ? "one_hot" : zero_one ? "zero_one" : "real";
  } else {
    t->single = true;
    for (size_t i = 0; i < t->n; i++)
      t->number[i] = ldb_element(y->dtype, y->x, i);
  }
  if (!t->single) return;
  double *finite = scratch(L, t->n, sizeof(double));
  size_t m = 0;
  for (size_t i = 0; i < t->n; i++)
    if (isfinite(t->number[i])) finite[m++] = t->number[i];
  t->k = ldb_distinct(m, finite, t->value, t->count);
  if (t->kind != NULL) return;
  t->kind = forced != NULL ? forced : kind_of_column(y, t);
  t->classes = strcmp(t->kind, "real") != 0;
}

/* Variance, median, mean |y - median| per column, averaged over the columns: what the best constant
   answer costs. */
static void set_spread(lua_State *L, const ldb_rows *y, double *column) {
  double variance = 0.0, median = 0.0, deviation = 0.0, absolute = 0.0;
  size_t used = 0;
  for (size_t j = 0; j < y->columns; j++) {
    ldb_stats s;
    size_t m = 0;
    for (size_t r = 0; r < y->rows; r++) {
      const double v = ldb_element(y->dtype, y->x, r * y->columns + j);
      if (isfinite(v)) column[m++] = v;
    }
    if (m == 0) continue;
    ldb_stats_scan(LDB_F64, m, column, &s);
    const double middle = ldb_median(m, column);
    used++;
    variance += s.m2 / (double)m;
    median += middle;
    deviation += ldb_mean_deviation(m, column, middle);
    absolute += ldb_mean_deviation(m, column, 0.0);
  }
  const double unit = used > 0 ? (double)used : (double)NAN;
  lb_setnumber(L, "var", variance / unit);
  lb_setnumber(L, "median", median / unit);
  lb_setnumber(L, "mad", deviation / unit);
  lb_setnumber(L, "mean_absolute", absolute / unit);
}

/* counts and prior by class id, entropy, majority */
static void set_classes(lua_State *L, const targets *t, double *share) {
  double total = 0.0, top = 0.0;
  for (size_t i = 0; i < t->k; i++)
    total += (double)t->count[i];
  lb_setinteger(L, "classes", (lua_Integer)t->k);
  lua_createtable(L, 0, 0);
  lua_createtable(L, 0, 0);
  for (size_t i = 0; i < t->k; i++) {
    const double v = t->value[i];
    share[i] = (double)t->count[i] / total;
    top = fmax(top, share[i]);
    for (int table = -2; table < 0; table++) {
      if (fabs(v) < 1e15 && floor(v) >= v)
        lua_pushinteger(L, (lua_Integer)v);
      else
        lua_pushnumber(L, v);
      if (table == -2)
        lua_pushinteger(L, (lua_Integer)t->count[i]);
      else
        lua_pushnumber(L, share[i]);
      lua_rawset(L, table - 2);
    }
  }
  lua_setfield(L, -3, "prior");
  lua_setfield(L, -2, "counts");
  lb_setnumber(L, "entropy", ldb_entropy(t->k, share));
  lb_setnumber(L, "majority", top);
}

/* out_of_range: labels that are no class id 0 .. classes - 1 */
static void set_range(lua_State *L, const targets *t, double classes) {
  lua_Integer count = 0, first = 0;
  for (size_t i = 0; i < t->n; i++) {
    const double v = t->number[i];
    if (v >= 0.0 && v <= classes - 1.0 && floor(v) >= v) continue;
    if (count++ == 0) first = (lua_Integer)i + 1;
  }
  if (count == 0) return;
  lua_createtable(L, 0, 3);
  lb_setinteger(L, "count", count);
  lb_setinteger(L, "row", first);
  lb_setnumber(L, "value", t->number[first - 1]);
  lua_setfield(L, -2, "out_of_range");
}

static double order_z(const targets *t, double *spare) {
  size_t runs = 0;
  double before = (double)NAN;
  for (size_t i = 0; i < t->n; i++) {
    if (!isfinite(t->number[i])) return (double)NAN;
    runs += (size_t) !(t->number[i] >= before && t->number[i] <= before);
    before = t->number[i];
    spare[i] = t->number[i];
  }
  if (t->classes) return ldb_runs_z(t->n, runs, t->k, t->count);
  if (t->n == 0) return 0.0;
  return ldb_median_runs_z(t->n, t->number, ldb_median(t->n, spare));
}

static void set_targets(lua_State *L, const ldb_rows *y, const targets *t, double classes,
                        double *spare) {
  ldb_stats all;
  ldb_stats_scan(y->dtype, y->rows * y->columns, y->x, &all);
  lua_createtable(L, 0, 24);
  lua_pushstring(L, t->kind);
  lua_setfield(L, -2, "kind");
  set_nonfinite(L, y);
  set_moments(L, &all);
  set_spread(L, y, spare);
  lb_setinteger(L, "n", (lua_Integer)t->n);
  lb_setinteger(L, "width", (lua_Integer)t->width);
  lb_setnumber(L, "mean_square",
               all.finite > 0 ? ldb_stats_sum_sq(&all) / (double)all.finite : (double)NAN);
  lb_setboolean(L, "integral", ldb_all_integral(y));
  lb_setboolean(L, "constant",
                t->single ? t->k == 1 && all.finite == all.count : ldb_rows_identical(y));
  if (strcmp(t->kind, "one_hot") == 0) lb_setinteger(L, "row_sum_bad", (lua_Integer)t->row_sum_bad);
  if (t->single) lb_setnumber(L, "runs_z", order_z(t, spare));
  if (t->classes && t->k > 0) set_classes(L, t, spare);
  if (t->single && classes >= 1.0 && strcmp(t->kind, "index") == 0) set_range(L, t, classes);
  lua_setfield(L, -2, "y");
}

/* ---- rows --------------------------------------------------------------------------------------
 */

static void set_conflicts(lua_State *L, const targets *t, const uint32_t *group) {
  ldb_conflicts c;
  for (size_t i = 0; i < t->n; i++)
    if (!isfinite(t->number[i])) return;
  if (t->classes) {
    uint32_t *class_of = scratch(L, t->n, sizeof *class_of);
    uint64_t *keys = scratch(L, t->n, sizeof *keys);
    for (size_t i = 0; i < t->n; i++)
      class_of[i] = (uint32_t)ldb_place_of(t->k, t->value, t->number[i]);
    c = ldb_class_conflicts(t->n, group, class_of, keys);
    lua_pop(L, 2);
  } else {
    double *spare = scratch(L, 3 * t->n, sizeof *spare);
    c = ldb_value_conflicts(t->n, group, t->number, spare);
    lua_pop(L, 1);
  }
  lua_createtable(L, 0, 2);
  lb_setnumber(L, "share", c.share);
  lb_setnumber(L, "floor", c.floor);
  lua_setfield(L, -2, "conflicts");
}

static void set_shift(lua_State *L, const ldb_rows *x, const ldb_columns *c, const ldb_rows *val) {
  const ldb_columns other = push_columns(L, val);
  ldb_shift s;
  ldb_feature_shift(c, &other, x->columns, &s);
  lua_pop(L, 1);
  lb_setnumber(L, "mean_shift", s.mean_shift);
  lb_setinteger(L, "mean_shift_column", (lua_Integer)s.column + 1);
  lb_setnumber(L, "sd_ratio_bad_share", s.sd_ratio_bad_share);
}

/* ---- audit -------------------------------------------------------------------------------------
 */

/* Pushes options[name] and checks that it is a tensor like `x`. False, nothing pushed: absent. */
static bool check_validation(lua_State *L, const lb_matrix *x, lb_matrix *val) {
  if (lua_type(L, 3) != LUA_TTABLE) return false;
  lua_pushstring(L, "val_x");
  if (lua_rawget(L, 3) == LUA_TNIL) {
    lua_pop(L, 1);
    return false;
  }
  *val = lb_checkmatrix(L, lua_gettop(L), where, "val_x");
  if (val->tensor->view.dtype != x->tensor->view.dtype ||
      (val->rows > 0 && val->columns != x->columns))
    luaL_error(L, "lossdbg: %s: argument 'val_x': expected the dtype and row length of x", where);
  val->columns = x->columns;
  return true;
}

static const char *check_kind(lua_State *L) {
  static const char *const kinds[] = {"index", "zero_one", "plus_minus_one", "real", NULL};
  if (lua_type(L, 3) != LUA_TTABLE) return NULL;
  lua_pushstring(L, "kind");
  lua_rawget(L, 3);
  const char *s = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
  const bool given = !lua_isnil(L, -1);
  lua_pop(L, 1); /* the table keeps the string */
  if (!given) return NULL;
  for (int i = 0; s != NULL && kinds[i] != NULL; i++)
    if (strcmp(kinds[i], s) == 0) return kinds[i];
  luaL_error(L,
             "lossdbg: %s: argument 'kind': expected 'index', 'zero_one', 'plus_minus_one' or "
             "'real'",
             where);
  return NULL;
}

/* audit(x, y | nil, { classes =, kind =, val_x = }) -> the table `signals.data`: n, d, x, y,
   duplicates, conflicts, val. First axis: samples. */
int lb_diagnose_audit(lua_State *L) {
  static const char *const names[] = {"classes", "kind", "val_x", NULL};
  lua_settop(L, 3);
  luaL_checkstack(L, 40, "lossdbg: diagnose.audit");
  lb_matrix mx = lb_checkmatrix(L, 1, where, "x"), my = {0}, mv = {0};
  const bool has_y = !lua_isnil(L, 2);
  if (has_y) my = lb_checkmatrix(L, 2, where, "y");
  if (has_y && my.rows != mx.rows)
    return luaL_error(L, "lossdbg: %s: argument 'y': expected %I rows as in x, got %I", where,
                      (lua_Integer)mx.rows, (lua_Integer)my.rows);
  if (mx.rows >= INT32_MAX) return luaL_error(L, "lossdbg: %s: argument 'x': too many rows", where);
  lb_checkkeys(L, 3, where, names);
  const double classes = lb_optnumber(L, 3, where, "classes", 0.0);
  const char *kind = check_kind(L);
  const bool has_val = check_validation(L, &mx, &mv);
  const ldb_rows x = rows_of(&mx);
  const ldb_columns c = push_columns(L, &x);
  double *spare = scratch(L, x.rows > x.columns ? x.rows : x.columns, sizeof(double));
  ldb_row_table table = {x, ldb_row_table_capacity(x.rows), NULL};
  table.slot = scratch(L, table.capacity, sizeof(uint32_t));
  uint32_t *group = scratch(L, x.rows, sizeof(uint32_t));
  lb_poll(L, where);
  const size_t different = ldb_rows_group(&table, group);
  targets t;
  const ldb_rows y = has_y ? rows_of(&my) : x;
  if (has_y) read_targets(L, &y, kind, &t);
  lua_createtable(L, 0, 8);
  lb_setinteger(L, "n", (lua_Integer)x.rows);
  lb_setinteger(L, "d", (lua_Integer)x.columns);
  lua_createtable(L, 0, 1);
  lb_setnumber(L, "share", x.rows > 0 ? (double)(x.rows - different) / (double)x.rows : 0.0);
  lua_setfield(L, -2, "duplicates");
  lb_poll(L, where);
  set_features(L, &x, &c, spare);
  if (has_y) {
    set_targets(L, &y, &t, classes, spare);
    if (t.single) set_conflicts(L, &t, group);
  }
  if (has_val) {
    const ldb_rows val = rows_of(&mv);
    lb_poll(L, where);
    lua_createtable(L, 0, 5);
    lb_setinteger(L, "n", (lua_Integer)val.rows);
    lb_setnumber(L, "leak_share", ldb_rows_found(&table, &val));
    set_shift(L, &x, &c, &val);
    lua_setfield(L, -2, "val");
  }
  return 1;
}

/* row_hashes(tensor, most = all, offset = 0) -> hashes of at most so many rows, spread evenly from
   row offset on, the first row after the last one; equal rows have equal hashes */
int lb_diagnose_row_hashes(lua_State *L) {
  static const char *const name = "diagnose.row_hashes";
  const lb_matrix m = lb_checkmatrix(L, 1, name, "tensor");
  const int64_t most = lua_isnoneornil(L, 2) ? INT64_MAX : lb_checkcount(L, 2, name, "most");
  const int64_t offset = lua_isnoneornil(L, 3) ? 0 : lb_checkcount(L, 3, name, "offset");
  const ldb_rows rows = rows_of(&m);
  if (most < 1) return luaL_error(L, "lossdbg: %s: argument 'most': expected 1 or more", name);
  const size_t n = (uint64_t)most < m.rows ? (size_t)most : m.rows;
  if (m.rows > INT32_MAX) return luaL_error(L, "lossdbg: %s: argument 'tensor': too large", name);
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    const size_t at = i * m.rows / n + (size_t)((uint64_t)offset % m.rows);
    lua_pushinteger(L, (lua_Integer)ldb_row_hash(&rows, at % m.rows));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}
