/*
** What kernels/product/product.c does with the smallest products, and what both know of factors.
*/
#ifndef LDB_PRODUCT_LITTLE_H
#define LDB_PRODUCT_LITTLE_H

#include "kernels/product/product.h"
#include "kernels/product/product_kernel.h"

static inline bool ldb_is_stored(const ldb_source *s) {
  return !s->pack && !s->packed;
}

static inline ldb_source ldb_turned(const ldb_source *s) {
  ldb_source t = *s;
  t.mat.trans = !t.mat.trans;
  return t;
}

/* So little that the kernels run at once, without a plan; k > 0. False: nothing was done, the
   product is too large or its factors are not stored. */
bool ldb_micro_little(const ldb_micro *micro, const ldb_product *whole);

#endif
