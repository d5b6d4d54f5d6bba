/*
** The walker: calls an inner loop over every element of several strided operands at once.
**
** An inner loop handles n elements of one axis. p[k] is the first element of operand k and s[k] its
** stride in elements: 1 for contiguous data, 0 for a repeated element, anything for a transposed
** view. Inner loops test for strides 1 and 0 first, so that these compile to vector code.
*/
#ifndef LDB_WALK_H
#define LDB_WALK_H

#include "base/team.h"
#include "base/view.h"

enum { LDB_MAX_OPERANDS = 5 };

typedef void ldb_inner_fn(int64_t n, char *const *p, const int64_t *s, void *ctx);

/* Calls f until every element of operands[0] was met once. The other operands have a shape that
   broadcasts to that of operands[0] (right-aligned, 1 repeats); the caller has checked it. Operand
   0 is written, by f alone, and overlaps another operand only if both are the same elements in the
   same places. Axes of size 1 are dropped, axes that follow each other in memory for all operands
   become one, and a long axis is preferred as the inner one, so the order of the elements is not
   defined. f is not called when there are none. With a team, large operands are cut into tasks of
   16384 elements or more, and f is called on several threads: it may then not write to ctx. */
void ldb_walk(ldb_team *team, int count, const ldb_view *const operands[], ldb_inner_fn *f,
              void *ctx);

#endif
