/*
** The table made from graph/op_list.h, and the search in it.
*/
#include <string.h>

#include "graph/op.h"

#define X(name) extern const ldb_op ldb_op_##name;
#include "graph/op_list.h"
#undef X

const ldb_op *const ldb_op_table[] = {
#define X(name) &ldb_op_##name,
#include "graph/op_list.h"
#undef X
    NULL,
};

const ldb_op *ldb_op_find(const char *name) {
  for (const ldb_op *const *row = ldb_op_table; *row; row++)
    if (strcmp((*row)->name, name) == 0) return *row;
  return NULL;
}
