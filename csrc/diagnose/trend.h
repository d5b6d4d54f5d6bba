/*
** Does a loss still fall? Three answers, and "cannot tell yet" says how many more steps would do.
**
** The last `window` means of `block` steps are tested with Mann and Kendall's rank test
** (Mann 1945):
**   S = sum_{i<j} sgn(x_j - x_i),  Var S = (n(n-1)(2n+5) - sum_ties t(t-1)(2t+5)) / 18,
**   z = (S - sgn S) / sqrt(Var S);  decreasing: z < -2.326, increasing: z > 2.326 (1 % each).
** Otherwise the slopes (x_j - x_i)/(j - i) are sorted (Theil 1950, Sen 1968); the one at place
** floor((M - 1.645 sqrt(Var S)) / 2) of M is the fastest decrease that is still credible (95 %).
** plateau: that is slower than `delta` of the excess over `floor` per `per` steps; otherwise
** undetermined. The power formula gives the number of steps that would decide:
**   W = (12 ((z_a + z_b) CV / s)^2)^(1/3),  z_a + z_b = 3.61 (1 % error, 90 % power),
** CV the noise of one step relative to the excess, s = delta / per.
** Neighbouring blocks that correlate by 0.3 or more (after the Theil-Sen line is taken off) make
** the test too sure, so the block is doubled while 10 blocks or more remain.
*/
#ifndef LDB_TREND_H
#define LDB_TREND_H

#include <stdbool.h>
#include <stddef.h>

typedef enum ldb_trend_verdict {
  LDB_TREND_UNDETERMINED,
  LDB_TREND_DECREASING,
  LDB_TREND_INCREASING,
  LDB_TREND_PLATEAU
} ldb_trend_verdict;

enum { LDB_TREND_LEAST = 6, LDB_TREND_WINDOW = 64 }; /* fewest blocks to judge, most blocks */

typedef struct ldb_trend_options {
  size_t block;  /* steps per block at the start, >= 1 */
  size_t window; /* blocks, LDB_TREND_LEAST .. LDB_TREND_WINDOW */
  double delta;  /* relative decrease worth caring about, > 0 ... */
  double per;    /* ... in this many steps, > 0 */
  double floor;  /* the loss that cannot be beaten */
} ldb_trend_options;

typedef struct ldb_trend {
  ldb_trend_verdict verdict;
  double z;
  double slope;    /* Theil-Sen, per block, relative to the excess over the floor */
  double fastest;  /* fastest credible decrease per `per` steps, relative; > 0 is a decrease */
  bool stalled;    /* fastest < delta, whatever z says */
  double noise_cv; /* noise of one step relative to the excess */
  double lag1;     /* autocorrelation of the detrended block means */
  size_t blocks, block;
  size_t more_steps;        /* 0: the verdict stands */
  double level;             /* median of the block means */
  double mean, se;          /* mean of the block means and its standard error */
  double block_sd;          /* of the detrended block means */
  double lowest;            /* smallest block mean of the window */
  double first, last, best; /* of the series itself */
} ldb_trend;

/* Doubles of scratch that ldb_trend_test needs. */
size_t ldb_trend_scratch(const ldb_trend_options *o);

/* x: n >= 1 finite values, oldest first. */
void ldb_trend_test(size_t n, const double *x, const ldb_trend_options *o, double *scratch,
                    ldb_trend *out);

#endif
