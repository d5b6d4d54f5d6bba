#include "kernels/gather/embedding.h"

#include "base/clones.h"
#include "kernels/gather/index.h"

enum { BLOCK = 64 };

/* One row of the table: the gradients in the chain that starts at `first`, BLOCK columns a time. */
#define ADD_CHAIN(name, T)                                                                    \
  LDB_CLONES static void name(int64_t width, int64_t first, const int64_t *next, const T *gy, \
                              T *row) {                                                       \
    for (int64_t at = 0; at < width; at += BLOCK) {                                           \
      const int n = width - at < BLOCK ? (int)(width - at) : BLOCK;                           \
      double sum[BLOCK] = {0};                                                                \
      for (int64_t i = first; i >= 0; i = next[i])                                            \
        for (int k = 0; k < n; k++)                                                           \
          sum[k] += (double)gy[i * width + at + k];                                           \
      for (int k = 0; k < n; k++)                                                             \
        row[at + k] = (T)sum[k];                                                              \
    }                                                                                         \
  }
ADD_CHAIN(add_chain_f32, float)
ADD_CHAIN(add_chain_f64, double)

void ldb_embedding_backward(const ldb_view *ids, int64_t padding, const ldb_view *gy,
                            const ldb_view *gtable, int64_t *links) {
  const int64_t rows = gtable->shape[0], width = gtable->shape[1], n = ldb_view_count(ids);
  int64_t *first = links, *next = links + rows;
  for (int64_t v = 0; v < rows; v++)
    first[v] = -1;
  for (int64_t i = n - 1; i >= 0; i--) { /* backwards, so that chains run forwards */
    const int64_t v = ldb_label(ids, i);
    next[i] = first[v];
    first[v] = i;
  }
  for (int64_t v = 0; v < rows; v++) {
    const int64_t head = v == padding ? -1 : first[v];
    if (gtable->dtype == LDB_F32)
      add_chain_f32(width, head, next, gy->data, (float *)gtable->data + v * width);
    else
      add_chain_f64(width, head, next, gy->data, (double *)gtable->data + v * width);
  }
}
