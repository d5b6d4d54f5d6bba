/*
** LDB_CLONES before a function makes the compiler build it once per vector unit and choose at load
** time. Names of features, not of processors: those of one maker do not match another's. What the
** function calls must be inlined (static inline), or it runs in its plain form. There is no FMA and
** no reordering (-ffp-contract=off, no -ffast-math), so that every clone has the same bits.
**
** Only where the loader can choose (ELF and glibc) and no sanitizer is at work: resolvers run
*before
** a sanitizer is ready.
*/
#ifndef LDB_CLONES_H
#define LDB_CLONES_H

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define LDB_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LDB_SANITIZED 1
#endif

#include <stddef.h> /* __GLIBC__ */

#if defined(__x86_64__) && defined(__ELF__) && defined(__GLIBC__) && defined(__GNUC__) && \
    !defined(LDB_SANITIZED)
#define LDB_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LDB_CLONES
#endif

#endif
