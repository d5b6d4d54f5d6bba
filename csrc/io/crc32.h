/*
** CRC-32 as ZIP and PNG have it (polynomial 0xEDB88320, reflected): finds every single flipped bit.
*/
#ifndef LDB_CRC32_H
#define LDB_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of bytes[0..n) after bytes whose checksum is `before`; 0 at the start. */
uint32_t ldb_crc32(uint32_t before, const unsigned char *bytes, size_t n);

#endif
