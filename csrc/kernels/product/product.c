#include "kernels/product/product.h"

#include <string.h>

#include "kernels/product/product_kernel.h"
#include "kernels/product/product_little.h"

enum {
  DEPTH = 384,                         /* most of k that is summed in registers */
  ROOM_A = 192 << 10,                  /* bytes of workspace for packed rows of a */
  ROOM_B = LDB_PRODUCT_BYTES - ROOM_A, /* and for packed columns of b */
  STACK_ROOM = 4096,                   /* floats for each of them without a workspace */
  TILE_ROWS = 16,                      /* a block of c on its way to the other side */
  MOST_ROWS = 512,                     /* of a task */
  TASKS = 8,                           /* what a large product is cut into, at least */
  TASK_FLOPS = 4 << 20,                /* smaller tasks are not worth their packing */
  NARROW = 128,                        /* floats between rows up to which columns are not packed */
  AT_ONCE = 4,                         /* panels of b that are packed side by side */
  SMALL = 48 * 48 * 48,                /* m n k up to which nothing is packed if that is possible */
  LINE = 16                            /* floats of a cache line */
};

/* Cycles for an element that is turned. */
static const double turn_cycles = 0.5;

/* Memory to pack into. */
typedef struct room {
  float *a, *b;
  int64_t a_floats, b_floats;
} room;

typedef struct job {
  ldb_product p; /* as computed: where flipped, that of the transposed result */
  const ldb_micro *micro;
  bool flipped;
  bool direct; /* b is read where it stands */
  int64_t depth;
  int64_t tile_m, tile_n, tiles_n;
  ldb_team *team;
} job;

static int64_t min(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t parts(int64_t n, int64_t most) {
  return (n + most - 1) / most;
}

/* n cut into equal parts of at most `most`, each a multiple of `unit` but the last. */
static int64_t even(int64_t n, int64_t most, int64_t unit) {
  return parts(parts(n, parts(n, most)), unit) * unit;
}

/* The length of the blocks of k: by k alone, as it decides about bits. */
static int64_t depth_of(int64_t k) {
  return k <= DEPTH ? k : even(k, DEPTH, 8);
}

/* ---- the factors ---- */

static const float *element(const ldb_mat *m, int64_t row, int64_t col) {
  const float *data = m->data;
  return m->trans ? data + col * m->ld + row : data + row * m->ld + col;
}

/* Rows of a that stand a multiple of 1 KB apart fall into a few sets of the first-level cache and
   drive each other out of it. */
static bool crowded(const ldb_mat *a) {
  return a->ld % 256 == 0;
}

/* Stored rows of a are read where they stand. */
static bool stands(const job *j) {
  const ldb_mat *a = &j->p.a.mat;
  return !j->p.a.pack && (j->direct || (a->trans ? a->ld <= NARROW : !crowded(a)));
}

/* Leading dimension of packed rows: neighbours fall into different sets. */
static int64_t spread(int64_t depth) {
  return depth / LINE * LINE + ((depth / LINE) % 2 == 0 ? LINE : 2 * LINE);
}

/* Floats between the columns of packed columns of a. */
static int64_t lead_of(const job *j, const room *r) {
  return min(j->micro->lanes, r->a_floats / j->depth);
}

/* How rows of a are read: in panels of `width` rows, `panel` floats from one to the next. */
typedef struct rows_view {
  const float *data;
  int64_t row, col, panel; /* steps */
} rows_view;

/* Rows [row, row + rows) x [k0, k0 + depth) of a in panels of `width` rows: as they stand, or
   copied so that they lie close. */
static rows_view rows_of(const job *j, const room *r, int64_t row, int64_t rows, int64_t width,
                         int64_t k0, int64_t depth) {
  const ldb_source *a = &j->p.a;
  const bool trans = a->mat.trans;
  if (stands(j)) {
    const rows_view v = {element(&a->mat, row, k0), trans ? 1 : a->mat.ld, trans ? a->mat.ld : 1,
                         trans ? width : width * a->mat.ld};
    return v;
  }
  const int64_t lead = trans ? lead_of(j, r) : spread(depth);
  const rows_view v = {r->a, trans ? 1 : lead, trans ? lead : 1,
                       trans ? lead * depth : width * lead};
  if (a->pack && trans) {
    for (int64_t i = 0; i < rows; i += width)
      a->pack(a->ctx, k0, depth, row + i, min(width, rows - i), lead, r->a + i / width * v.panel);
  } else if (a->pack) {
    a->pack(a->ctx, row, rows, k0, depth, lead, r->a);
  } else if (trans) {
    j->micro->deal(depth, rows, element(&a->mat, row, k0), a->mat.ld, width, r->a, lead, v.panel);
  } else {
    j->micro->deal(rows, depth, element(&a->mat, row, k0), a->mat.ld, lead, r->a, lead, 0);
  }
  return v;
}

/* Packs columns [col, col + cols) of b, cols <= width, into to[depth][width]; what is beyond
   them is 0. */
static void pack_panel(const ldb_micro *micro, const ldb_source *b, int64_t col, int64_t cols,
                       int64_t width, int64_t k0, int64_t depth, float *to) {
  if (cols < width)
    for (int64_t p = 0; p < depth; p++)
      for (int64_t i = cols; i < width; i++)
        to[p * width + i] = 0;
  if (b->pack && b->mat.trans) {
    float rows[LINE * LDB_PANEL]; /* some columns of k at a time, then turned */
    for (int64_t p = 0; p < depth; p += LINE) {
      const int64_t some = min(LINE, depth - p);
      b->pack(b->ctx, col, cols, k0 + p, some, LINE, rows);
      micro->transpose(cols, some, rows, LINE, to + p * width, width);
    }
  } else if (b->pack) {
    b->pack(b->ctx, k0, depth, col, cols, width, to);
  } else if (b->mat.trans) {
    micro->transpose(cols, depth, element(&b->mat, k0, col), b->mat.ld, to, width);
  } else {
    micro->deal(depth, cols, element(&b->mat, k0, col), b->mat.ld, width, to, width, 0);
  }
}

/* Columns of b, ready for the kernels: panel i begins at data + i * panel. */
typedef struct columns {
  const float *data;
  int64_t panel, row, width;
} columns;

static int64_t packed_width(int64_t n) {
  return parts(n, LDB_PANEL) * LDB_PANEL;
}

static columns columns_of(const job *j, const room *r, int64_t width, int64_t col, int64_t cols,
                          int64_t k0, int64_t depth) {
  const ldb_source *b = &j->p.b;
  int64_t step = width;
  columns c = {r->b, width * depth, width, width};
  if (b->packed) {
    c.data = b->packed + k0 * packed_width(j->p.n) + col * depth;
  } else if (j->direct) {
    c.data = element(&b->mat, k0, col);
    c.panel = width;
    c.row = b->mat.ld;
  } else {
    int64_t i = 0;
    if (ldb_is_stored(b) && !b->mat.trans) {
      for (; i + width <= cols; i += step) {
        step = min(AT_ONCE * width, (cols - i) / width * width);
        j->micro->deal(depth, step, element(&b->mat, k0, col + i), b->mat.ld, width,
                       r->b + i * depth, width, c.panel);
      }
    }
    for (; i < cols; i += width)
      pack_panel(j->micro, b, col + i, min(width, cols - i), width, k0, depth, r->b + i * depth);
  }
  return c;
}

/* ---- one tile of the result ---- */

/* Some rows of a times some columns of b into c, or into its transpose. */
static void multiply_rows(const job *j, const rows_view *a, const float *rows_at, const columns *b,
                          int64_t row, int64_t rows, int64_t col, int64_t cols, int64_t depth,
                          bool add) {
  const ldb_micro *micro = j->micro;
  const int64_t step = min(2 * micro->lanes, b->width);
  float block[TILE_ROWS * LDB_PANEL], turned[LDB_PANEL * TILE_ROWS];
  ldb_micro_fn *const *kernels = (j->direct ? micro->masked : micro->whole) + 2 * (rows - 1);
  if (b->width % micro->lanes != 0) kernels = micro->masked + 2 * (rows - 1);
  if (j->flipped) memset(block, 0, sizeof block);
  for (int64_t i = 0; i < cols; i += step) {
    const float *from = b->data + i / b->width * b->panel + i % b->width;
    const int64_t some = min(step, cols - i);
    ldb_micro_fn *const kernel = kernels[some > micro->lanes];
    if (!j->flipped) {
      kernel(depth, rows_at, a->row, a->col, from, b->row, j->p.c + row * j->p.ldc + col + i,
             j->p.ldc, some, add);
      continue;
    }
    kernel(depth, rows_at, a->row, a->col, from, b->row, block, LDB_PANEL, some, false);
    micro->transpose(TILE_ROWS, step, block, LDB_PANEL, turned, TILE_ROWS);
    for (int64_t q = 0; q < some; q++) {
      float *to = j->p.c + (col + i + q) * j->p.ldc + row;
      for (int64_t s = 0; s < rows; s++)
        to[s] = add ? to[s] + turned[q * TILE_ROWS + s] : turned[q * TILE_ROWS + s];
    }
  }
}

/* Columns of b of this depth that are worked on at once. */
static int64_t widest(int64_t depth) {
  return ROOM_B / (int64_t)sizeof(float) / depth / LDB_PANEL * LDB_PANEL;
}

/* Most rows of a tile that are brought near at once, a multiple of *width, the rows of a panel. */
static int64_t group_of(const job *j, const room *r, int64_t rows, int64_t *width) {
  const bool near = stands(j);
  int64_t most = j->micro->rows, panels = 1;
  if (!near && j->p.a.mat.trans) {
    most = min(most, r->a_floats / j->depth);
    panels = r->a_floats / (lead_of(j, r) * j->depth);
  } else if (!near) {
    most = min(most, r->a_floats / spread(j->depth));
  }
  *width = parts(rows, parts(rows, most));
  if (!j->p.a.mat.trans && j->p.b.packed)
    panels = near ? parts(rows, *width) : r->a_floats / (spread(j->depth) * *width);
  return *width * panels;
}

/* b is packed: pieces of it that the second-level cache holds meet all rows of a that are near. */
static void run_packed(const job *j, const room *r, int64_t row, int64_t rows, int64_t col,
                       int64_t cols) {
  const ldb_product *p = &j->p;
  int64_t high;
  const int64_t group = group_of(j, r, rows, &high);
  const int64_t strip = min(cols, even(cols, widest(j->depth), LDB_PANEL));
  for (int64_t k0 = 0; k0 < p->k; k0 += j->depth) {
    const int64_t depth = min(j->depth, p->k - k0);
    const bool add = p->accumulate || k0 > 0, last = k0 + depth == p->k;
    for (int64_t g = 0; g < rows; g += group) {
      const int64_t end = min(rows, g + group);
      const rows_view a = rows_of(j, r, row + g, end - g, high, k0, depth);
      for (int64_t c0 = 0; c0 < cols; c0 += strip) {
        const int64_t some = min(strip, cols - c0);
        const columns b = columns_of(j, r, LDB_PANEL, col + c0, some, k0, depth);
        const float *at = a.data;
        for (int64_t i = g; i < end; i += high, at += a.panel)
          multiply_rows(j, &a, at, &b, row + i, min(high, end - i), col + c0, some, depth, add);
      }
      if (last && p->done) p->done(p->done_ctx, row + g, end - g, col, cols);
    }
  }
}

static void run_tile(const job *j, const room *r, int64_t row, int64_t rows, int64_t col,
                     int64_t cols) {
  const ldb_product *p = &j->p;
  int64_t width = LDB_PANEL, strip = cols, high;
  const int64_t group = group_of(j, r, rows, &high);
  if (p->b.packed) {
    run_packed(j, r, row, rows, col, cols);
    return;
  }
  if (!j->direct) {
    strip = r->b_floats / j->depth;
    if (strip < width) width = strip > 8 ? strip / 8 * 8 : strip;
    strip = strip / width * width;
  }
  for (int64_t k0 = 0; k0 < p->k; k0 += j->depth) {
    const int64_t depth = min(j->depth, p->k - k0);
    const bool add = p->accumulate || k0 > 0, last = k0 + depth == p->k;
    for (int64_t c0 = 0; c0 < cols; c0 += strip) {
      const int64_t some = min(strip, cols - c0);
      const columns b = columns_of(j, r, width, col + c0, some, k0, depth);
      for (int64_t g = 0; g < rows; g += group) {
        const int64_t end = min(rows, g + group);
        const rows_view a = rows_of(j, r, row + g, end - g, high, k0, depth);
        const float *at = a.data;
        for (int64_t i = g; i < end; i += high, at += a.panel) {
          const int64_t n = min(high, end - i);
          multiply_rows(j, &a, at, &b, row + i, n, col + c0, some, depth, add);
          if (last && c0 + some == cols && p->done && !j->flipped)
            p->done(p->done_ctx, row + i, n, col, cols);
        }
      }
    }
  }
  if (p->done && j->flipped) p->done(p->done_ctx, col, cols, row, rows);
}

/* ---- plans ---- */

/* The transposed result: b's columns are broadcast as they stand, a's rows become the vectors. */
static void flip(job *j) {
  const ldb_product p = j->p;
  j->p.m = p.n;
  j->p.n = p.m;
  j->p.a = ldb_turned(&p.b);
  j->p.b = ldb_turned(&p.a);
  j->flipped = !j->flipped;
}

/* Roughly the cycles for c = a . b, of which 16 columns are worked on at once even if there are
   fewer, and for turning b. */
static double cycles(const ldb_product *p, int64_t m, int64_t n, const ldb_source *b) {
  return (double)p->k *
         ((double)m * (double)parts(n, LINE) + (b->mat.trans ? turn_cycles * (double)n : 0));
}

/* Vectors come from the side that is cheaper to bring into panels, and not from one too narrow for
   them: turning costs several times a copy; a turned result costs too. */
static bool wants_flip(const ldb_product *p) {
  if (!ldb_is_stored(&p->a) || !ldb_is_stored(&p->b)) return false;
  const ldb_source b = ldb_turned(&p->a);
  return cycles(p, p->n, p->m, &b) +
             2 * turn_cycles * (double)p->m * (double)p->n * (double)parts(p->k, DEPTH) <
         cycles(p, p->m, p->n, &p->b);
}

/* Tiles: at least TASKS of them if they are worth it, and those that are brought into panels least
   often. */
static void cut(job *j) {
  const ldb_product *p = &j->p;
  const int64_t unit = j->micro->rows;
  const int64_t most_n = widest(j->depth);
  const int64_t high = parts(p->m, MOST_ROWS), wide = parts(p->n, most_n);
  const double tasks = 2.0 * (double)p->m * (double)p->n * (double)p->k / TASK_FLOPS;
  const int64_t wanted = tasks < TASKS ? (int64_t)tasks : TASKS;
  const double pack_a = (double)p->m * (stands(j) ? 0.1 : p->a.pack ? 4 : 1);
  const double pack_b = (double)p->n * (p->b.packed ? 0.1 : ldb_is_stored(&p->b) ? 1 : 4);
  double least = 0;
  j->tile_m = even(p->m, MOST_ROWS, unit);
  j->tile_n = even(p->n, most_n, LDB_PANEL);
  for (int64_t r = high; r < high + TASKS; r++) {
    for (int64_t c = wide; c < wide + TASKS; c++) {
      const int64_t tile_m = even(p->m, parts(p->m, r), unit);
      const int64_t tile_n = even(p->n, parts(p->n, c), LDB_PANEL);
      const int64_t tiles = parts(p->m, tile_m) * parts(p->n, tile_n);
      if ((r > high && tile_m < unit) || (c > wide && tile_n < 2 * LDB_PANEL)) continue;
      const double cost = (pack_a * (double)c + pack_b * (double)r) *
                          (tiles >= wanted ? 1 : (double)wanted / (double)tiles * 100) *
                          (tiles % 2 == 0 ? 1 : 1.2);
      if (least > 0 && cost >= least) continue;
      least = cost;
      j->tile_m = tile_m;
      j->tile_n = tile_n;
    }
  }
  j->tiles_n = parts(p->n, j->tile_n);
}

static void plan(job *j, const ldb_product *p, const ldb_micro *micro) {
  j->p = *p;
  j->micro = micro;
  j->flipped = false;
  j->direct = false;
  j->depth = depth_of(p->k);
  j->team = NULL;
  if (ldb_is_stored(&p->a) && ldb_is_stored(&p->b) && p->m <= SMALL && p->n <= SMALL &&
      p->k <= SMALL && p->m * p->n <= SMALL && p->m * p->n * p->k <= SMALL) {
    j->direct = !p->b.mat.trans || p->a.mat.trans;
    if (p->b.mat.trans && p->a.mat.trans) flip(j);
  }
  if (!j->direct && wants_flip(p)) flip(j);
}

static void run_task(void *arg, int64_t i, int worker) {
  const job *j = arg;
  float *memory = ldb_team_workspace(j->team, worker);
  const room r = {memory, memory + ROOM_A / (int64_t)sizeof(float), ROOM_A / (int64_t)sizeof(float),
                  ROOM_B / (int64_t)sizeof(float)};
  const int64_t row = i / j->tiles_n * j->tile_m, col = i % j->tiles_n * j->tile_n;
  run_tile(j, &r, row, min(j->tile_m, j->p.m - row), col, min(j->tile_n, j->p.n - col));
}

/* With little memory: the same work in smaller pieces. */
static void run_on_stack(const job *j) {
  float a[STACK_ROOM], b[STACK_ROOM];
  const room r = {a, b, STACK_ROOM, STACK_ROOM};
  run_tile(j, &r, 0, j->p.m, 0, j->p.n);
}

static void run_here(job *j, void *workspace) {
  if (j->direct) {
    const room none = {NULL, NULL, 0, 0};
    run_tile(j, &none, 0, j->p.m, 0, j->p.n);
  } else if (!workspace) {
    run_on_stack(j);
  } else {
    float *memory = workspace;
    const room r = {memory, memory + ROOM_A / (int64_t)sizeof(float),
                    ROOM_A / (int64_t)sizeof(float), ROOM_B / (int64_t)sizeof(float)};
    run_tile(j, &r, 0, j->p.m, 0, j->p.n);
  }
}

/* ---- without own kernels ---- */

static ldb_status fallback(const ldb_product *p, ldb_error *e);

/* Nothing to add up: zeros, or c as it is. */
static void empty_sum(const ldb_product *p) {
  for (int64_t i = 0; i < p->m && !p->accumulate; i++)
    memset(p->c + i * p->ldc, 0, (size_t)p->n * sizeof(float));
  if (p->done) p->done(p->done_ctx, 0, p->m, 0, p->n);
}

ldb_status ldb_multiply(ldb_team *team, const ldb_product *p, ldb_error *e) {
  if (p->m <= 0 || p->n <= 0) return LDB_OK;
  if (p->k <= 0) {
    empty_sum(p);
    return LDB_OK;
  }
  const ldb_micro *micro = ldb_micro_best();
  if (!micro) return fallback(p, e);
  if (ldb_micro_little(micro, p)) return LDB_OK;
  job j;
  plan(&j, p, micro);
  if (j.direct || !team) {
    run_here(&j, NULL);
    return LDB_OK;
  }
  cut(&j);
  j.team = team;
  ldb_team_run(team, parts(j.p.m, j.tile_m) * j.tiles_n,
               2.0 * (double)p->m * (double)p->n * (double)p->k / 100, run_task, &j);
  return LDB_OK;
}

ldb_status ldb_multiply_here(void *workspace, const ldb_product *p, ldb_error *e) {
  if (p->m <= 0 || p->n <= 0) return LDB_OK;
  if (p->k <= 0) {
    empty_sum(p);
    return LDB_OK;
  }
  const ldb_micro *micro = ldb_micro_best();
  if (!micro) return fallback(p, e);
  if (ldb_micro_little(micro, p)) return LDB_OK;
  job j;
  plan(&j, p, micro);
  run_here(&j, workspace);
  return LDB_OK;
}

typedef struct batch {
  const ldb_product *first;
  int64_t count, group, step_a, step_b, step_c;
  ldb_team *team;
} batch;

static ldb_product product_at(const batch *b, int64_t i) {
  ldb_product p = *b->first;
  p.a.mat.data = (const float *)p.a.mat.data + i * b->step_a;
  p.b.mat.data = (const float *)p.b.mat.data + i * b->step_b;
  p.c += i * b->step_c;
  return p;
}

static void run_group(void *arg, int64_t g, int worker) {
  const batch *b = arg;
  void *workspace = ldb_team_workspace(b->team, worker);
  for (int64_t i = g * b->group; i < min(b->count, (g + 1) * b->group); i++) {
    const ldb_product p = product_at(b, i);
    (void)ldb_multiply_here(workspace, &p, NULL); /* fails without own kernels only */
  }
}

ldb_status ldb_multiply_batch(ldb_team *team, const ldb_product *first, int64_t count,
                              int64_t step_a, int64_t step_b, int64_t step_c, ldb_error *e) {
  batch b = {first, count, 1, step_a, step_b, step_c, team};
  const double flops = 2.0 * (double)first->m * (double)first->n * (double)first->k;
  ldb_status s = LDB_OK;
  if (first->m <= 0 || first->n <= 0) return LDB_OK;
  if (flops > 4.0 * TASK_FLOPS || !ldb_micro_best()) {
    for (int64_t i = 0; s == LDB_OK && i < count; i++) {
      const ldb_product p = product_at(&b, i);
      s = ldb_multiply(team, &p, e);
    }
    return s;
  }
  while ((double)b.group * (flops + 5000) < TASK_FLOPS / 2.0 && b.group < count)
    b.group *= 2;
  ldb_team_run(team, parts(count, b.group), (double)count * (flops / 100 + 50), run_group, &b);
  return LDB_OK;
}

int64_t ldb_packed_floats(int64_t n, int64_t k) {
  return packed_width(n) * k;
}

static void plain_transpose(int64_t rows, int64_t cols, const float *from, int64_t from_ld,
                            float *to, int64_t to_ld) {
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < cols; j++)
      to[j * to_ld + i] = from[i * from_ld + j];
}

/* One panel. */
static void plain_deal(int64_t rows, int64_t cols, const float *from, int64_t from_ld,
                       int64_t width, float *to, int64_t lead, int64_t panel) {
  (void)width;
  (void)panel;
  for (int64_t i = 0; i < rows; i++)
    memcpy(to + i * lead, from + i * from_ld, (size_t)cols * sizeof *to);
}

static const ldb_micro plain = {.transpose = plain_transpose, .deal = plain_deal};

void ldb_pack_b(ldb_mat b, int64_t n, int64_t k, float *packed) {
  const ldb_micro *micro = ldb_micro_best();
  const ldb_source source = {.mat = b};
  const int64_t step = depth_of(k);
  for (int64_t k0 = 0; k0 < k; k0 += step) {
    const int64_t depth = min(step, k - k0);
    float *to = packed + k0 * packed_width(n);
    for (int64_t col = 0; col < n; col += LDB_PANEL)
      pack_panel(micro ? micro : &plain, &source, col, min(LDB_PANEL, n - col), LDB_PANEL, k0,
                 depth, to + col * depth);
  }
}

void ldb_pack_b_rows(int64_t n, int64_t k, int64_t row, int64_t rows, const float *from, int64_t ld,
                     float *packed) {
  const ldb_micro *micro = ldb_micro_best();
  const ldb_source source = {.mat = {from, ld, false}};
  const int64_t step = depth_of(k);
  int64_t some;
  for (int64_t i = 0; i < rows; i += some) {
    const int64_t k0 = (row + i) / step * step, depth = min(step, k - k0);
    float *to = packed + k0 * packed_width(n) + (row + i - k0) * LDB_PANEL;
    some = min(rows - i, k0 + depth - row - i);
    for (int64_t col = 0; col < n; col += LDB_PANEL)
      pack_panel(micro ? micro : &plain, &source, col, min(LDB_PANEL, n - col), LDB_PANEL, i, some,
                 to + col * depth);
  }
}

/* Through the library: what is not stored as a matrix is brought into pieces on the stack. */
enum { PIECE = 64 };

static ldb_status fallback_pieces(const ldb_product *p, ldb_error *e) {
  float a[PIECE * PIECE], b[PIECE * LDB_PANEL];
  const int64_t step = p->b.packed ? depth_of(p->k) : PIECE;
  ldb_status s = LDB_OK;
  for (int64_t k0 = 0; k0 < p->k; k0 += PIECE) {
    const int64_t depth = min(PIECE, p->k - k0);
    for (int64_t col = 0; col < p->n; col += LDB_PANEL) {
      const int64_t cols = min(LDB_PANEL, p->n - col);
      if (p->b.packed) {
        for (int64_t q = k0; q < k0 + depth; q++) {
          const int64_t first = q / step * step, length = min(step, p->k - first);
          memcpy(b + (q - k0) * LDB_PANEL,
                 p->b.packed + first * packed_width(p->n) + col * length + (q - first) * LDB_PANEL,
                 LDB_PANEL * sizeof *b);
        }
      } else {
        pack_panel(&plain, &p->b, col, cols, LDB_PANEL, k0, depth, b);
      }
      for (int64_t row = 0; row < p->m; row += PIECE) {
        const int64_t rows = min(PIECE, p->m - row);
        ldb_mat left = p->a.mat;
        if (p->a.pack) {
          left.data = a;
          left.ld = PIECE;
          if (left.trans)
            p->a.pack(p->a.ctx, k0, depth, row, rows, PIECE, a);
          else
            p->a.pack(p->a.ctx, row, rows, k0, depth, PIECE, a);
        } else {
          left.data = element(&p->a.mat, row, k0);
        }
        const ldb_mat right = {b, LDB_PANEL, false};
        s = ldb_gemm(LDB_F32, rows, cols, depth, left, right, p->c + row * p->ldc + col, p->ldc,
                     p->accumulate || k0 > 0, e);
        if (s != LDB_OK) return s;
      }
    }
  }
  return s;
}

static ldb_status fallback(const ldb_product *p, ldb_error *e) {
  const ldb_status s =
      ldb_is_stored(&p->a) && ldb_is_stored(&p->b)
          ? ldb_gemm(LDB_F32, p->m, p->n, p->k, p->a.mat, p->b.mat, p->c, p->ldc, p->accumulate, e)
          : fallback_pieces(p, e);
  if (s == LDB_OK && p->done) p->done(p->done_ctx, 0, p->m, 0, p->n);
  return s;
}
