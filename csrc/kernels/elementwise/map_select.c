#include "kernels/elementwise/map_select.h"

#include "base/clones.h"

/* Values are moved as bits, so that one loop serves all types of a size. */
#define SELECT(name, TC, TV)                                                            \
  LDB_CLONES static void name(int64_t n, char *const *p, const int64_t *s, void *ctx) { \
    TV *out = (void *)p[0];                                                             \
    const TC *cond = (const void *)p[1];                                                \
    const TV *a = (const void *)p[2], *b = (const void *)p[3];                          \
    const int64_t so = s[0], sc = s[1], sa = s[2], sb = s[3];                           \
    (void)ctx;                                                                          \
    if (so == 1 && sc == 1 && sa == 1 && sb == 1) {                                     \
      for (int64_t i = 0; i < n; i++)                                                   \
        out[i] = cond[i] != 0 ? a[i] : b[i];                                            \
    } else if (so == 1 && sc == 1 && sa == 1 && sb == 0) {                              \
      const TV otherwise = b[0];                                                        \
      for (int64_t i = 0; i < n; i++)                                                   \
        out[i] = cond[i] != 0 ? a[i] : otherwise;                                       \
    } else {                                                                            \
      for (int64_t i = 0; i < n; i++)                                                   \
        out[i * so] = cond[i * sc] != 0 ? a[i * sa] : b[i * sb];                        \
    }                                                                                   \
  }
SELECT(select_f32_4, float, uint32_t)
SELECT(select_f32_8, float, uint64_t)
SELECT(select_f64_4, double, uint32_t)
SELECT(select_f64_8, double, uint64_t)
SELECT(select_i32_4, int32_t, uint32_t)
SELECT(select_i32_8, int32_t, uint64_t)
#undef SELECT

ldb_inner_fn *ldb_select_loop(ldb_dtype cond, ldb_dtype value) {
  static ldb_inner_fn *const loops[LDB_DTYPE_COUNT][2] = {
      [LDB_F32] = {select_f32_4, select_f32_8},
      [LDB_F64] = {select_f64_4, select_f64_8},
      [LDB_I32] = {select_i32_4, select_i32_8},
  };
  return loops[cond][ldb_dtype_size(value) == sizeof(uint64_t)];
}

#define CAST(name, TF, TT)                                                              \
  LDB_CLONES static void name(int64_t n, char *const *p, const int64_t *s, void *ctx) { \
    TT *out = (void *)p[0];                                                             \
    const TF *in = (const void *)p[1];                                                  \
    const int64_t so = s[0], si = s[1];                                                 \
    (void)ctx;                                                                          \
    if (so == 1 && si == 1) {                                                           \
      for (int64_t i = 0; i < n; i++)                                                   \
        out[i] = (TT)in[i];                                                             \
    } else {                                                                            \
      for (int64_t i = 0; i < n; i++)                                                   \
        out[i * so] = (TT)in[i * si];                                                   \
    }                                                                                   \
  }
CAST(cast_f32_f32, float, float)
CAST(cast_f32_f64, float, double)
CAST(cast_f64_f32, double, float)
CAST(cast_f64_f64, double, double)
CAST(cast_i32_f32, int32_t, float)
CAST(cast_i32_f64, int32_t, double)
CAST(cast_i32_i32, int32_t, int32_t)
#undef CAST

#define CAST_CHECKED(name, TF)                                                          \
  LDB_CLONES static void name(int64_t n, char *const *p, const int64_t *s, void *ctx) { \
    int32_t *out = (void *)p[0];                                                        \
    const TF *in = (const void *)p[1];                                                  \
    ldb_cast_report *report = ctx;                                                      \
    for (int64_t i = 0; i < n; i++) {                                                   \
      const double x = (double)in[i * s[1]];                                            \
      const bool fits = x > -2147483649.0 && x < 2147483648.0;                          \
      out[i * s[0]] = fits ? (int32_t)x : 0;                                            \
      if (!fits) {                                                                      \
        report->misfits++;                                                              \
        report->value = x;                                                              \
      }                                                                                 \
    }                                                                                   \
  }
CAST_CHECKED(cast_f32_i32, float)
CAST_CHECKED(cast_f64_i32, double)
#undef CAST_CHECKED

ldb_inner_fn *ldb_cast_loop(ldb_dtype from, ldb_dtype to) {
  static ldb_inner_fn *const loops[LDB_DTYPE_COUNT][LDB_DTYPE_COUNT] = {
      [LDB_F32] = {[LDB_F32] = cast_f32_f32, [LDB_F64] = cast_f32_f64, [LDB_I32] = cast_f32_i32},
      [LDB_F64] = {[LDB_F32] = cast_f64_f32, [LDB_F64] = cast_f64_f64, [LDB_I32] = cast_f64_i32},
      [LDB_I32] = {[LDB_F32] = cast_i32_f32, [LDB_F64] = cast_i32_f64, [LDB_I32] = cast_i32_i32},
  };
  return loops[from][to];
}
