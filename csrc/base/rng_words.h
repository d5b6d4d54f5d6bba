/*
** Words of Philox4x32-10 (base/rng.h) in bulk, several blocks side by side in vector registers.
*/
#ifndef LDB_RNG_WORDS_H
#define LDB_RNG_WORDS_H

#include "base/rng.h"

/* word[4 b + w] = word w of block first + b, 0 <= b < blocks: the numbers of ldb_rng_block. */
void ldb_rng_words(const ldb_rng *r, uint64_t first, int64_t blocks, uint32_t *word);

#endif
