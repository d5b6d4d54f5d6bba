/*
** An optimiser's work on one parameter, and clipping, as calls that can be kept and made again:
** argument and rule in one struct. An optimiser is a row, as an op is (optimizer_rows.c): its name,
** its hyperparameters with the defaults of both flavours, its slots, its update. The row is read by
** the binding, which takes a call's arguments from it, and by Lua, whose options, checks and
** documentation come from it; nothing of an optimiser is written anywhere else.
*/
#ifndef LDB_UPDATE_CALL_H
#define LDB_UPDATE_CALL_H

#include "base/status.h"
#include "train/optimizer.h"
#include "train/optimizer_adaptive.h"

enum { LDB_FLAVORS = 2, LDB_MAX_SLOTS = 3 };

/* A hyperparameter. Legal numbers are least..most, without the ends that are open. A default that
   is NaN: none, the update knows what to do without. */
typedef struct ldb_hyper {
  const char *name;    /* of the option */
  const char *aliases; /* other names, separated by blanks */
  bool flag;           /* true or false, 0 or 1 here */
  bool open_least, open_most;
  double least, most;
  double standard[LDB_FLAVORS];
  size_t place; /* in the call: a double, or a bool for a flag */
  const char *doc;
  /* Where it may be other than 0 or false: */
  bool torch_only;
  const char *needs, *without; /* another one must, must not be set */
  const char *expected, *hint; /* the message's */
} ldb_hyper;

typedef enum ldb_slot_shape {
  LDB_SLOT_LIKE,   /* the parameter's */
  LDB_SLOT_ROWS,   /* without the last axis; parameters of rank 2 and more have it */
  LDB_SLOT_COLUMNS /* without the last but one; the same */
} ldb_slot_shape;

/* A tensor that is kept for each parameter. */
typedef struct ldb_slot {
  const char *name;
  ldb_slot_shape shape;
  const char *needs; /* hyperparameter that must be set; NULL: it is always there */
  const char *start; /* hyperparameter that it starts from; NULL: zero */
} ldb_slot;

struct ldb_update_call;

typedef struct ldb_optimizer {
  const char *name, *doc;
  bool has[LDB_FLAVORS]; /* libraries that have it */
  bool always_decoupled; /* its steps depend on the weights: no weight decay in the gradient */
  double lr[LDB_FLAVORS], weight_decay[LDB_FLAVORS];
  const ldb_hyper *hypers; /* ends with a name NULL */
  ldb_slot slots[LDB_MAX_SLOTS];
  void (*apply)(struct ldb_update_call *c);
  /* Rate and step (from 1) of the next call, and what follows from them. */
  void (*set)(struct ldb_update_call *c, double lr, uint64_t step);
  bool carries; /* set() builds on the step before: product_step, product */
} ldb_optimizer;

/* All of them, ends with NULL. */
extern const ldb_optimizer *const ldb_optimizers[];

typedef struct ldb_update_call {
  const ldb_optimizer *rule;
  ldb_parameter p;
  union {
    ldb_sgd sgd;
    ldb_rmsprop rmsprop;
    ldb_adam adam; /* also Adamax, RAdam, LAMB */
    ldb_adagrad adagrad;
    ldb_adadelta adadelta;
    ldb_nadam nadam;
    ldb_lion lion;
    ldb_adafactor adafactor;
  } hyper;
  ldb_flavor flavor;
  void *slot[LDB_MAX_SLOTS]; /* in the order of the row; NULL: absent */
  size_t rows, columns;      /* the last two axes of a parameter of rank 2 and more; else 0 */
  double weight_decay;
  bool decoupled;
  bool amsgrad;
  double initial;        /* what slots start from: the binding's, no update looks at it */
  double momentum_decay; /* Nadam in PyTorch */
  uint64_t product_step; /* Nadam: product of the momenta up to this step */
  double product;
  ldb_update_stats stats; /* of the last call */
  bool silent;            /* measure nothing */
} ldb_update_call;

/* Runs the rule; stats are those of this call alone. */
ldb_status ldb_do_update(void *update_call, ldb_error *e);

/* Rate and step of the next call. What has to be bits equal to a call from Lua is computed by the
   same formulas in f64. */
void ldb_update_set(ldb_update_call *c, double lr, uint64_t step);

typedef enum ldb_clip_kind {
  LDB_CLIP_VALUE,  /* every element */
  LDB_CLIP_NORM,   /* every tensor by its own norm */
  LDB_CLIP_GLOBAL, /* all by their common norm */
  LDB_CLIP_MEASURE /* only the common norm */
} ldb_clip_kind;

typedef struct ldb_flat {
  void *data;
  size_t n;
  ldb_dtype dtype;
} ldb_flat;

typedef struct ldb_clip_call {
  ldb_clip_kind kind;
  ldb_flavor flavor;
  double limit;
  double norm, factor; /* of the last call: GLOBAL and MEASURE; GLOBAL */
  uint64_t changed;    /* of the last call: elements (VALUE) or tensors (NORM) */
  size_t n;
  ldb_flat item[];
} ldb_clip_call;

ldb_status ldb_do_clip(void *clip_call, ldb_error *e);

#endif
