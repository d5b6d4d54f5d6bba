/*
** LDB_CLONES before a function makes the compiler build it once per vector unit and choose at load
** time. Names of features, not of processors: those of one maker do not match another's. There is
** no FMA and no reordering (-ffp-contract=off, no -ffast-math), so that every clone has the same
** bits.
**
** For static functions alone, which may stand in constant tables: the name of any other would be
** exported, whatever its visibility. What a clone calls runs in its plain form unless it is
** inlined: write LDB_INLINE before it.
**
** Only where the loader can choose (ELF and glibc), where no sanitizer is at work (resolvers run
** before it is ready), and from clang 19 on: older ones give the resolvers of static functions
** global names, which clash.
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

/* __GLIBC__ comes with the C library's headers; stddef.h is the compiler's own. */
#if defined(__has_include)
#if __has_include(<features.h>)
#include <features.h>
#endif
#endif

#if defined(__x86_64__) && defined(__ELF__) && defined(__GLIBC__) && defined(__GNUC__) && \
    !defined(LDB_SANITIZED) && (!defined(__clang_major__) || __clang_major__ >= 19)
#define LDB_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LDB_CLONES
#endif

/* A part of a cloned function that is compiled again within each clone. */
#if defined(__GNUC__)
#define LDB_INLINE static inline __attribute__((always_inline))
#else
#define LDB_INLINE static inline
#endif

#endif
