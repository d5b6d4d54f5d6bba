#include "diagnose/duplicates.h"

#include <math.h>
#include <string.h>

#include "diagnose/order.h"

size_t ldb_row_table_capacity(size_t rows) {
  size_t capacity = 4;
  while (capacity < 2 * rows)
    capacity *= 2;
  return capacity;
}

static uint64_t bits_at(const ldb_rows *d, size_t i) {
  if (d->dtype == LDB_F64) {
    const double v = ((const double *)d->x)[i] + 0.0; /* -0 becomes 0 */
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
  }
  uint32_t bits;
  if (d->dtype == LDB_F32) {
    const float v = ((const float *)d->x)[i] + 0.0f;
    memcpy(&bits, &v, sizeof bits);
  } else {
    memcpy(&bits, (const int32_t *)d->x + i, sizeof bits);
  }
  return bits;
}

static uint64_t mix(uint64_t h, uint64_t bits) {
  h = (h ^ bits) * 0xD6E8FEB86659FD93u;
  return h ^ h >> 32;
}

/* Four chains, since each waits for its own product. */
enum { chains = 4 };

uint64_t ldb_row_hash(const ldb_rows *data, size_t row) {
  const ldb_rows d = *data;
  const size_t at = row * d.columns, whole = d.columns - d.columns % chains;
  uint64_t h[chains] = {0x9E3779B97F4A7C15u, 0xBF58476D1CE4E5B9u, 0x94D049BB133111EBu,
                        0x2545F4914F6CDD1Du};
  for (size_t j = 0; j < whole; j += chains)
    for (size_t k = 0; k < chains; k++)
      h[k] = mix(h[k], bits_at(&d, at + j + k));
  for (size_t j = whole; j < d.columns; j++)
    h[0] = mix(h[0], bits_at(&d, at + j));
  for (size_t k = 1; k < chains; k++)
    h[0] = mix(h[0], h[k]);
  return h[0];
}

static bool rows_equal(const ldb_rows *a, size_t i, const ldb_rows *b, size_t k) {
  for (size_t j = 0; j < a->columns; j++)
    if (bits_at(a, i * a->columns + j) != bits_at(b, k * b->columns + j)) return false;
  return true;
}

/* Slot of the row that equals row i of `from`, or the empty slot where it belongs. */
static size_t find(const ldb_row_table *t, const ldb_rows *from, size_t i) {
  size_t at = (size_t)ldb_row_hash(from, i) & (t->capacity - 1);
  while (t->slot[at] != 0 && !rows_equal(&t->data, t->slot[at] - 1, from, i))
    at = (at + 1) & (t->capacity - 1);
  return at;
}

size_t ldb_rows_group(ldb_row_table *table, uint32_t *group) {
  size_t different = 0;
  for (size_t i = 0; i < table->capacity; i++)
    table->slot[i] = 0;
  for (size_t i = 0; i < table->data.rows; i++) {
    const size_t at = find(table, &table->data, i);
    if (table->slot[at] == 0) {
      table->slot[at] = (uint32_t)(i + 1);
      different++;
    }
    group[i] = table->slot[at] - 1;
  }
  return different;
}

double ldb_rows_found(const ldb_row_table *table, const ldb_rows *other) {
  size_t found = 0;
  for (size_t i = 0; i < other->rows; i++)
    found += (size_t)(table->slot[find(table, other, i)] != 0);
  return other->rows > 0 ? (double)found / (double)other->rows : 0.0;
}

ldb_conflicts ldb_class_conflicts(size_t n, const uint32_t *group, const uint32_t *class_of,
                                  uint64_t *keys) {
  ldb_conflicts result = {0.0, 0.0};
  for (size_t i = 0; i < n; i++)
    keys[i] = ((uint64_t)group[i] << 32) | class_of[i];
  ldb_sort_keys(n, keys);
  for (size_t from = 0, end; from < n; from = end) {
    end = from + 1;
    while (end < n && keys[end] >> 32 == keys[from] >> 32)
      end++;
    if (keys[end - 1] == keys[from]) continue; /* one class only */
    const double size = (double)(end - from);
    result.share += size;
    for (size_t i = from, next; i < end; i = next) {
      next = i + 1;
      while (next < end && keys[next] == keys[i])
        next++;
      const double same = (double)(next - i);
      result.floor += same * log(size / same);
    }
  }
  if (n > 0) {
    result.share /= (double)n;
    result.floor /= (double)n;
  }
  return result;
}

ldb_conflicts ldb_value_conflicts(size_t n, const uint32_t *group, const double *y,
                                  double *scratch) {
  double *count = scratch, *mean = scratch + n, *m2 = scratch + 2 * n;
  ldb_conflicts result = {0.0, 0.0};
  for (size_t i = 0; i < 3 * n; i++)
    scratch[i] = 0.0;
  for (size_t i = 0; i < n; i++) {
    const size_t g = group[i];
    const double step = y[i] - mean[g];
    count[g] += 1.0;
    mean[g] += step / count[g];
    m2[g] += step * (y[i] - mean[g]);
  }
  for (size_t g = 0; g < n; g++)
    if (m2[g] > 0.0) {
      result.share += count[g];
      result.floor += m2[g];
    }
  if (n > 0) {
    result.share /= (double)n;
    result.floor /= (double)n;
  }
  return result;
}
