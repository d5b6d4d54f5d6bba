/*
** ZIP archives in memory: the central directory, and members that are stored as they are
** (method 0). NumPy's .npz and the archives that Keras writes are of this kind. Entries:
**   end of directory  "PK\5\6"  ... count, size and offset of the directory, length of the comment
**   directory entry   "PK\1\2"  ... method, crc, sizes, offset of the local header, name
**   local header      "PK\3\4"  ... name and extra lengths, then the bytes
** ZIP64, several disks and encryption are refused with the reason.
*/
#ifndef LDB_ZIP_H
#define LDB_ZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct ldb_zip {
  int64_t count; /* members */
  size_t at;     /* of the next directory entry */
  size_t end;    /* of the directory */
} ldb_zip;

typedef struct ldb_zip_member {
  const char *name; /* in the archive's bytes, not terminated */
  size_t name_size;
  size_t offset; /* of the member's bytes */
  size_t size;   /* as it lies in the archive */
  size_t full;   /* unpacked */
  int method;    /* 0: stored, 8: deflate, ... */
} ldb_zip_member;

/* Finds the directory of bytes[0..n). */
ldb_status ldb_zip_open(const unsigned char *bytes, size_t n, ldb_zip *out, ldb_error *e);

/* The next member, to be called count times. Everything it names lies within the bytes; the
   checksum of a stored member is right. */
ldb_status ldb_zip_next(const unsigned char *bytes, size_t n, ldb_zip *zip, ldb_zip_member *out,
                        ldb_error *e);

#endif
