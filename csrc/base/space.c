#define _DEFAULT_SOURCE /* MAP_ANONYMOUS */
#include "base/space.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#ifndef MAP_NORESERVE
#define MAP_NORESERVE 0
#endif

bool ldb_space_left(size_t bytes) {
  void *p =
      mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED) return false;
  munmap(p, bytes);
  return true;
}

bool ldb_space_stays(size_t bytes) {
  struct rlimit limit;
  const struct timespec pause = {0, 20000000};
  if (!ldb_space_left(bytes)) return false;
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return true;
  for (int i = 0; i < 5; i++) {
    nanosleep(&pause, NULL);
    if (!ldb_space_left(bytes)) return false;
  }
  return true;
}
#else
bool ldb_space_stays(size_t bytes) {
  (void)bytes;
  return true;
}

bool ldb_space_left(size_t bytes) {
  (void)bytes;
  return true;
}
#endif
