/* The vector instructions of x86 by name; included where there are any (conditions of the caller).
 */
#ifndef LDB_BASE_INTRINSICS_H
#define LDB_BASE_INTRINSICS_H

/* gcc 12 warns of the undefined vectors that its own header starts from. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#endif
