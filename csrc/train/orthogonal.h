/* Orthogonal matrices for initialisation (Saxe, McClelland, Ganguli 2014). */
#ifndef LDB_ORTHOGONAL_H
#define LDB_ORTHOGONAL_H

#include <stddef.h>

#include "base/status.h"

/* Replaces the rows of a [n x length], n <= length, row-major, by the orthonormal rows that
   Gram and Schmidt's process makes of them, each projection done twice (Giraud, Langou, Rozloznik
   2005: twice is enough). That is Q^T of the QR decomposition of a^T with positive diagonal of R.
   Fails with LDB_VALUE when the rows are linearly dependent to rounding. */
ldb_status ldb_orthonormal_rows(size_t n, size_t length, double *a, ldb_error *e);

#endif
