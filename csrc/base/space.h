/*
** Address space. OpenBLAS takes a buffer of its own when a product first needs one, and where the
** system has none to give (ulimit -v), it asks again for ever. So it is asked for here, before.
*/
#ifndef LDB_SPACE_H
#define LDB_SPACE_H

#include <stdbool.h>
#include <stddef.h>

/* A buffer of OpenBLAS, and some room beside it. */
#define LDB_BLAS_SPACE ((size_t)132 << 20)

/* Whether the system would give this process so many bytes more; true where it cannot be asked. */
bool ldb_space_left(size_t bytes);
/* The same, when others may be about to take some: under a limit it looks again for 0.1 s. */
bool ldb_space_stays(size_t bytes);

#endif
