#include "kernels/recurrent/recurrent.h"

#include <string.h>

#include "base/clones.h"
#include "kernels/product/gemm.h"
#include "kernels/product/product.h"
#include "kernels/recurrent/recurrent_math.h"

int64_t ldb_cell_gates(ldb_cell cell) {
  return cell == LDB_CELL_RNN ? 1 : cell == LDB_CELL_LSTM ? 4 : 3;
}

int64_t ldb_cell_states(ldb_cell cell) {
  return cell == LDB_CELL_LSTM ? 2 : 1;
}

int64_t ldb_recurrent_rows(const ldb_recurrent *r) {
  return (r->gives == LDB_GIVES_STATES ? 0 : r->time) +
         (r->gives == LDB_GIVES_STEPS ? 0 : ldb_cell_states(r->cell));
}

/* The row of a last state in out. */
static int64_t state_row(const ldb_recurrent *r, int64_t which) {
  return (r->gives == LDB_GIVES_ALL ? r->time : 0) + which;
}

/* Blocks of units in the gradient of z: GRU has one for the inner n beside that for the outer. */
static int64_t gradient_blocks(ldb_cell cell) {
  return cell == LDB_CELL_GRU ? 4 : ldb_cell_gates(cell);
}

/* Elements between rows of the gradient of z. Rows a multiple of 1 KB apart would fall into the
   same few sets of the cache, from which the products of a step read them. */
static int64_t gradient_lead(const ldb_recurrent *r) {
  const int64_t width = gradient_blocks(r->cell) * r->units;
  return width % 256 == 0 ? width + 16 : width;
}

/* Samples are cut into blocks: large enough that a product with so many rows is efficient, small
   enough that a usual batch feeds several threads. f64 has no products for use inside tasks. */
enum { SAMPLES = 16 };

static int64_t block_rows(const ldb_recurrent *r) {
  return r->dtype == LDB_F32 ? SAMPLES : r->batch;
}

static int64_t block_count(const ldb_recurrent *r) {
  return r->batch == 0 ? 0 : (r->batch - 1) / block_rows(r) + 1;
}

static int64_t rows_of_block(const ldb_recurrent *r, int64_t i) {
  const int64_t left = r->batch - i * block_rows(r);
  return left < block_rows(r) ? left : block_rows(r);
}

/* Nanoseconds of all recurrent products and gates on one thread, roughly. */
static double cost_of_steps(const ldb_recurrent *r) {
  const double values =
      (double)r->time * (double)r->batch * (double)(ldb_cell_gates(r->cell) * r->units);
  return values * (1.0 + 2.0 * (double)r->units / 80.0);
}

static bool keeps_z(const ldb_recurrent *r) {
  return ldb_act_needs_z(r->activation) ||
         (r->cell != LDB_CELL_RNN && ldb_act_needs_z(r->recurrent_activation));
}

/* Offsets, in elements, into saved, with n = time batch. */
typedef struct layout {
  size_t h;     /* [time + 1 x batch x units], before every step and after the last */
  size_t c;     /* the same for LSTM's cells */
  size_t a;     /* [n x gates units]: the gates after their activation */
  size_t extra; /* [n x units]: f(c) for LSTM, h U3 + d3 for GRU, r h for GRU_BEFORE */
  size_t z;     /* [n x gates units]: before the activation, where backward reads it */
  size_t end;
} layout;

static layout layout_of(const ldb_recurrent *r) {
  const size_t step = (size_t)(r->batch * r->units), n = step * (size_t)r->time;
  const size_t gates = (size_t)ldb_cell_gates(r->cell);
  layout l = {.h = 0};
  l.c = l.h + n + step;
  l.a = l.c + (r->cell == LDB_CELL_LSTM ? n + step : 0);
  l.extra = l.a + gates * n;
  l.z = l.extra + (r->cell == LDB_CELL_RNN ? 0 : n);
  l.end = l.z + (keeps_z(r) ? gates * n : 0);
  return l;
}

/* The recurrent kernel as right sides of the products of all steps: U as it is, for GRU its columns
   of z and r and those of n; backward its transpose, for GRU_BEFORE in these parts. */
static int parts_of(ldb_cell cell, bool backward) {
  return cell == LDB_CELL_GRU_BEFORE || (cell == LDB_CELL_GRU && !backward) ? 2 : 1;
}

/* Columns of U in a part. */
static int64_t part_width(const ldb_recurrent *r, bool backward, int part) {
  if (parts_of(r->cell, backward) == 1) return ldb_cell_gates(r->cell) * r->units;
  return part == 0 ? 2 * r->units : r->units;
}

enum { LINE = 16 }; /* floats that parts are aligned to */

static size_t packed_part(const ldb_recurrent *r, bool backward, int part) {
  const int64_t width = part_width(r, backward, part), u = r->units;
  if (r->dtype != LDB_F32) return 0;
  const size_t n = (size_t)(backward ? ldb_packed_floats(u, width) : ldb_packed_floats(width, u));
  return (n + LINE - 1) / LINE * LINE;
}

static size_t packed_size(const ldb_recurrent *r, bool backward) {
  size_t all = 0;
  for (int i = 0; i < parts_of(r->cell, backward); i++)
    all += packed_part(r, backward, i);
  return all;
}

/* The gradient of z as right sides of the products of the weights' gradients: columns that stand
   together both there and in the weights. f32: they are packed as the steps make them, so that
   their rows need not be kept beside. */
typedef struct part {
  int64_t from, to, width; /* first column in the gradient, in the weights */
} part;

enum { PARTS = 3 };

/* The first are those of W, one or two; GRU's last is that of the inner n. */
static int gradient_parts(const ldb_recurrent *r, part *p) {
  const int64_t u = r->units;
  if (r->cell == LDB_CELL_GRU) {
    p[0] = (part){u, 0, 2 * u};
    p[1] = (part){0, 2 * u, u};
    p[2] = (part){3 * u, 2 * u, u};
    return 3;
  }
  if (r->cell == LDB_CELL_GRU_BEFORE) {
    p[0] = (part){0, 0, 2 * u};
    p[1] = (part){2 * u, 2 * u, u};
    return 2;
  }
  p[0] = (part){0, 0, ldb_cell_gates(r->cell) * u};
  return 1;
}

static int kernel_parts(ldb_cell cell) {
  return cell == LDB_CELL_GRU || cell == LDB_CELL_GRU_BEFORE ? 2 : 1;
}

static size_t packed_gradient(const ldb_recurrent *r, const part *p) {
  return r->dtype == LDB_F32 ? (size_t)ldb_packed_floats(p->width, r->time * r->batch) : 0;
}

/* W', by the parts of the gradient. */
static size_t packed_kernel(const ldb_recurrent *r, const part *p) {
  if (r->dtype != LDB_F32) return 0;
  return ((size_t)ldb_packed_floats(r->in, p->width) + LINE - 1) / LINE * LINE;
}

/* W as it is. */
static size_t packed_inputs(const ldb_recurrent *r) {
  if (r->dtype != LDB_F32) return 0;
  const int64_t width = ldb_cell_gates(r->cell) * r->units;
  return ((size_t)ldb_packed_floats(width, r->in) + LINE - 1) / LINE * LINE;
}

/* Offsets, in elements, into scratch. */
typedef struct scratch_layout {
  size_t packed;   /* see parts_of; first, since it is to be aligned */
  size_t kernel;   /* see packed_inputs, backward: packed_kernel */
  size_t gradient; /* backward: see packed_gradient */
  size_t bias;     /* [4 units] */
  size_t by_step;  /* backward: [time x batch x in] */
  size_t states;   /* backward: dh, dc, dy, tmp, [batch x units] each */
  size_t sums;     /* backward: see `back` */
  size_t dz;       /* backward: [time batch x gradient_lead], f32: [batch x gradient_lead] */
  size_t end;
} scratch_layout;

static scratch_layout scratch_of(const ldb_recurrent *r, bool backward) {
  const size_t units = (size_t)r->units, batch = (size_t)r->batch, time = (size_t)r->time;
  const size_t blocks = (size_t)gradient_blocks(r->cell) * units;
  const size_t count = batch == 0 ? 1 : (size_t)block_count(r);
  scratch_layout l = {.packed = 0};
  l.gradient = l.kernel = packed_size(r, backward);
  part p[PARTS];
  const int count_of_parts = backward ? gradient_parts(r, p) : 0;
  for (int i = 0; i < count_of_parts && i < kernel_parts(r->cell); i++)
    l.gradient += packed_kernel(r, p + i);
  l.bias = backward ? l.gradient : l.kernel + packed_inputs(r);
  for (int i = 0; i < count_of_parts; i++)
    l.bias += packed_gradient(r, p + i);
  l.by_step = l.bias + 4 * units;
  l.states = l.by_step + time * batch * (size_t)r->in;
  l.sums = l.states + 4 * batch * units;
  l.dz = l.sums + 2 * count * blocks;
  const size_t kept = r->dtype == LDB_F32 ? batch : time * batch;
  l.end = backward ? l.dz + kept * (size_t)gradient_lead(r) : l.by_step;
  return l;
}

bool ldb_recurrent_measure(const ldb_recurrent *r, ldb_recurrent_sizes *sizes) {
  size_t rows = 0, width = 0, all = 0, packed = 0;
  /* an upper bound of every sum above: 32 blocks of units and the inputs for time + 6 steps, and
     the packed kernels, all filled up */
  if (!ldb_add_size((size_t)r->time, 6, &rows) ||
      !ldb_mul_size(rows, (size_t)r->batch + 1, &rows) ||
      !ldb_mul_size((size_t)r->units, 32, &width) ||
      !ldb_add_size(width, (size_t)r->in + 128, &width) || !ldb_mul_size(rows, width, &all) ||
      !ldb_mul_size((size_t)r->units + (size_t)r->in + 128, width, &packed) ||
      !ldb_add_size(all, packed, &all) || !ldb_mul_size(all, sizeof(double), &all) ||
      all > (size_t)INT64_MAX || width > (size_t)INT32_MAX || rows > (size_t)INT32_MAX)
    return false;
  /* what the library takes for the distance of two samples */
  if (r->time > 0 && r->in > INT32_MAX / r->time) return false;
  sizes->saved = layout_of(r).end;
  sizes->forward_scratch = scratch_of(r, false).end;
  sizes->backward_scratch = scratch_of(r, true).end;
  return true;
}

/* The place of the step that is taken as number s. */
static int64_t place(const ldb_recurrent *r, int64_t s) {
  return r->reverse ? r->time - 1 - s : s;
}

static bool is_masked(const ldb_recurrent *r, int64_t s, int64_t b) {
  return r->mask && r->mask[b * r->time + place(r, s)] == 0;
}

/* Whether x is by step already. */
static bool in_order(const ldb_recurrent *r) {
  return r->time <= 1 || (r->batch <= 1 && !r->reverse);
}

/* y[s, b] = x[b, place(s)] */
static void by_step(const ldb_recurrent *r, const void *x, void *y) {
  const size_t row = (size_t)r->in * ldb_dtype_size(r->dtype);
  for (int64_t s = 0; row && s < r->time; s++)
    for (int64_t b = 0; b < r->batch; b++)
      memcpy((char *)y + (size_t)(s * r->batch + b) * row,
             (const char *)x + (size_t)(b * r->time + place(r, s)) * row, row);
}

/* Asks for memory that is read soon. */
static void fetch(const void *from, size_t bytes) {
#if defined(__GNUC__)
  for (size_t i = 0; i < bytes; i += 64)
    __builtin_prefetch((const char *)from + i, 0, 2);
#else
  (void)from, (void)bytes;
#endif
}

static ldb_mat mat(const void *data, int64_t ld, bool trans) {
  return (ldb_mat){.data = data, .ld = ld > 0 ? ld : 1, .trans = trans};
}

/* A right side: op(mat) is [k x n]. */
typedef struct factor {
  int64_t n, k;
  ldb_mat mat;
  const float *packed; /* f32: the same, packed */
} factor;

static void make_factors(const ldb_recurrent *r, bool backward, float *packed, factor *f) {
  const int64_t width = ldb_cell_gates(r->cell) * r->units;
  for (int i = 0; i < parts_of(r->cell, backward); i++) {
    const int64_t n = part_width(r, backward, i);
    const size_t skip = i == 0 ? 0 : (size_t)part_width(r, backward, 0) * ldb_dtype_size(r->dtype);
    f[i] = (factor){.n = backward ? r->units : n, .k = backward ? n : r->units};
    f[i].mat = mat((const char *)r->recurrent + skip, width, backward);
    if (r->dtype != LDB_F32) continue;
    ldb_pack_b(f[i].mat, f[i].n, f[i].k, packed);
    f[i].packed = packed;
    packed += packed_part(r, backward, i);
  }
}

static factor make_input_factor(const ldb_recurrent *r, float *packed) {
  const int64_t width = ldb_cell_gates(r->cell) * r->units;
  factor f = {.n = width, .k = r->in, .mat = mat(r->kernel, width, false)};
  if (r->dtype != LDB_F32) return f;
  ldb_pack_b(f.mat, f.n, f.k, packed);
  f.packed = packed;
  return f;
}

/* The same for W', by the first parts of the gradient. */
static void make_kernel_factors(const ldb_recurrent *r, const part *p, float *packed, factor *f) {
  const int64_t width = ldb_cell_gates(r->cell) * r->units;
  for (int i = 0; i < kernel_parts(r->cell); i++) {
    const size_t skip = (size_t)p[i].to * ldb_dtype_size(r->dtype);
    f[i] = (factor){.n = r->in, .k = p[i].width};
    f[i].mat = mat((const char *)r->kernel + skip, width, true);
    if (r->dtype != LDB_F32) continue;
    ldb_pack_b(f[i].mat, f[i].n, f[i].k, packed);
    f[i].packed = packed;
    packed += packed_kernel(r, p + i);
  }
}

/* Products over all steps, on all threads, and of one step of a block of samples, inside a task.
   The sizes of the latter were checked by ldb_recurrent_measure. */
static ldb_status product_f32(ldb_team *team, int64_t m, const factor *f, ldb_mat a, float *c,
                              int64_t ldc, ldb_error *e) {
  ldb_product p = {.m = m, .n = f->n, .k = f->k, .a = {.mat = a}, .c = c, .ldc = ldc};
  if (f->packed)
    p.b.packed = f->packed;
  else
    p.b.mat = f->mat;
  return ldb_multiply(team, &p, e);
}

static ldb_status product_f64(ldb_team *team, int64_t m, const factor *f, ldb_mat a, double *c,
                              int64_t ldc, ldb_error *e) {
  (void)team;
  return ldb_gemm(LDB_F64, m, f->n, f->k, a, f->mat, c, ldc, false, e);
}

static void multiply_f32(const factor *f, int64_t rows, const float *a, int64_t lda, float *c,
                         int64_t ldc, bool accumulate, void *space) {
  const ldb_product p = {.m = rows,
                         .n = f->n,
                         .k = f->k,
                         .a = ldb_stored(a, lda, false),
                         .b = {.packed = f->packed},
                         .c = c,
                         .ldc = ldc,
                         .accumulate = accumulate};
  ldb_error e;
  ldb_multiply_here(space, &p, &e);
}

static void multiply_f64(const factor *f, int64_t rows, const double *a, int64_t lda, double *c,
                         int64_t ldc, bool accumulate, void *space) {
  ldb_error e;
  (void)space;
  ldb_gemm(LDB_F64, rows, f->n, f->k, mat(a, lda, false), f->mat, c, ldc, accumulate, &e);
}

/* Rows of the gradient of z, for the products after all steps. */
static void keep_f32(const part *p, int64_t all, int64_t row, int64_t rows, const float *dz,
                     int64_t lead, float *packed) {
  ldb_pack_b_rows(p->width, all, row, rows, dz + p->from, lead, packed);
}

static void keep_f64(const part *p, int64_t all, int64_t row, int64_t rows, const double *dz,
                     int64_t lead, float *packed) {
  (void)p, (void)all, (void)row, (void)rows, (void)dz, (void)lead, (void)packed; /* they stay */
}

#define T float
#define NAME(x) x##_f32
#include "kernels/recurrent/recurrent_cell_generic.h"
#include "kernels/recurrent/recurrent_generic.h"
#include "kernels/recurrent/recurrent_grad_generic.h"
#undef T
#undef NAME
#define T double
#define NAME(x) x##_f64
#include "kernels/recurrent/recurrent_cell_generic.h"
#include "kernels/recurrent/recurrent_generic.h"
#include "kernels/recurrent/recurrent_grad_generic.h"
#undef T
#undef NAME

ldb_status ldb_recurrent_forward(const ldb_recurrent *r, ldb_error *e) {
  (void)e;
  return r->dtype == LDB_F32 ? forward_f32(r) : forward_f64(r);
}

ldb_status ldb_recurrent_backward(const ldb_recurrent *r, const ldb_recurrent_gradients *g,
                                  ldb_error *e) {
  return r->dtype == LDB_F32 ? backward_f32(r, g, e) : backward_f64(r, g, e);
}
