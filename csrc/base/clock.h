/*
** A clock that only goes forward: wall time, for measuring how long things took.
*/
#ifndef LDB_CLOCK_H
#define LDB_CLOCK_H

/* Seconds since some fixed moment. */
double ldb_clock(void);

#endif
