/* Equal rows of a data set: a hash table over rows, in memory that the caller gives. */
#ifndef LDB_DUPLICATES_H
#define LDB_DUPLICATES_H

#include <stddef.h>
#include <stdint.h>

#include "base/view.h"

/* Rows of a contiguous [rows x columns] array. */
typedef struct ldb_rows {
  ldb_dtype dtype;
  size_t rows, columns;
  const void *x;
} ldb_rows;

typedef struct ldb_row_table {
  ldb_rows data;
  size_t capacity; /* a power of two, at least twice the rows */
  uint32_t *slot;  /* row + 1, 0: empty */
} ldb_row_table;

/* Slots that a table of so many rows needs (rows < 2^31). */
size_t ldb_row_table_capacity(size_t rows);

/* 64-bit hash of a row; equal rows (-0 equals 0, NaN equals itself bit by bit) have equal hashes.
 */
uint64_t ldb_row_hash(const ldb_rows *data, size_t row);

/* Fills the table; group[i] = first row that equals row i. Returns the number of different rows.
   table->data, capacity and slot (any content) are set by the caller. */
size_t ldb_rows_group(ldb_row_table *table, uint32_t *group);

/* Share of the rows of `other` that occur in the table; 0 when it has none. */
double ldb_rows_found(const ldb_row_table *table, const ldb_rows *other);

/* Rows that equal another row but carry another target. */
typedef struct ldb_conflicts {
  double share; /* of rows that lie in groups with more than one target */
  double floor; /* the least loss that any function of x can reach because of them */
} ldb_conflicts;

/* class_of[i] < 2^32: floor is the cross-entropy in nats
   1/n sum_{group, class} n_gc ln(n_g / n_gc). keys: scratch of n. */
ldb_conflicts ldb_class_conflicts(size_t n, const uint32_t *group, const uint32_t *class_of,
                                  uint64_t *keys);

/* Floor is the mean squared error 1/n sum_group sum (y - mean of the group)^2.
   scratch: 3 n doubles. */
ldb_conflicts ldb_value_conflicts(size_t n, const uint32_t *group, const double *y,
                                  double *scratch);

#endif
