#define _POSIX_C_SOURCE 200809L
#include "base/clock.h"

#include <time.h>

double ldb_clock(void) {
  struct timespec t = {0};
#ifdef CLOCK_MONOTONIC
  clock_gettime(CLOCK_MONOTONIC, &t);
#else
  timespec_get(&t, TIME_UTC);
#endif
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}
