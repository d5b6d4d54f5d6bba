/*
** An optimiser's work on one parameter, and clipping, as calls that can be kept and made again:
** argument and rule in one struct. A row of ldb_update_rules says how the numbers that change from
** step to step (rate, step, what follows from them) enter the hyperparameters.
*/
#ifndef LDB_UPDATE_CALL_H
#define LDB_UPDATE_CALL_H

#include "base/status.h"
#include "train/optimizer.h"
#include "train/optimizer_adaptive.h"

struct ldb_update_call;

typedef enum ldb_rule_id {
  LDB_RULE_SGD,
  LDB_RULE_RMSPROP,
  LDB_RULE_ADAM,
  LDB_RULE_ADAGRAD,
  LDB_RULE_ADADELTA,
  LDB_RULE_ADAMAX,
  LDB_RULE_RADAM,
  LDB_RULE_LAMB,
  LDB_RULE_NADAM,
  LDB_RULE_LION,
  LDB_RULE_ADAFACTOR,
  LDB_RULE_COUNT
} ldb_rule_id;

typedef struct ldb_rule {
  const char *name; /* the function that Lua calls */
  void (*apply)(struct ldb_update_call *c);
  void (*set)(struct ldb_update_call *c, double lr, uint64_t step); /* step counts from 1 */
  bool by_step;                                                     /* set() looks at the step */
} ldb_rule;

extern const ldb_rule ldb_update_rules[LDB_RULE_COUNT];

typedef struct ldb_update_call {
  const ldb_rule *rule;
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
  void *slot[3]; /* in the order of the rule's arguments; NULL: absent */
  double weight_decay;
  bool decoupled;
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
