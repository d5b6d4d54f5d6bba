#include "io/zip.h"

#include <stdbool.h>
#include <string.h>

#include "io/crc32.h"

enum { END_BYTES = 22, ENTRY_BYTES = 46, LOCAL_BYTES = 30, MAX_COMMENT = 0xFFFF };

static unsigned u16(const unsigned char *p) {
  return (unsigned)p[0] | (unsigned)p[1] << 8;
}

static uint32_t u32(const unsigned char *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool starts(const unsigned char *p, unsigned char a, unsigned char b) {
  return p[0] == 'P' && p[1] == 'K' && p[2] == a && p[3] == b;
}

/* The end record lies at most a comment away from the end of the file. */
static bool find_end(const unsigned char *bytes, size_t n, size_t *at) {
  if (n < END_BYTES) return false;
  size_t last = n - END_BYTES;
  size_t least = last > MAX_COMMENT ? last - MAX_COMMENT : 0;
  for (size_t i = last + 1; i > least; i--) {
    if (!starts(bytes + i - 1, 5, 6)) continue;
    if (u16(bytes + i - 1 + 20) != n - (i - 1) - END_BYTES) continue;
    *at = i - 1;
    return true;
  }
  return false;
}

ldb_status ldb_zip_open(const unsigned char *bytes, size_t n, ldb_zip *out, ldb_error *e) {
  size_t at = 0;
  *out = (ldb_zip){.count = 0};
  if (n < 4 || bytes[0] != 'P' || bytes[1] != 'K')
    return ldb_fail(e, LDB_FORMAT, "not a ZIP archive: it must begin with PK");
  if (!find_end(bytes, n, &at))
    return ldb_fail(e, LDB_FORMAT, "no directory at the end of the ZIP archive: cut short?");
  const unsigned char *p = bytes + at;
  unsigned here = u16(p + 8), all = u16(p + 10);
  size_t size = u32(p + 12), offset = u32(p + 16);
  if (here == 0xFFFF || size == 0xFFFFFFFF || offset == 0xFFFFFFFF)
    return ldb_fail(e, LDB_FORMAT, "a ZIP64 archive: more than 65534 members or 4 GB");
  if (u16(p + 4) != 0 || u16(p + 6) != 0 || here != all)
    return ldb_fail(e, LDB_FORMAT, "a ZIP archive that is spread over several files");
  if (offset > at || size != at - offset)
    return ldb_fail(e, LDB_FORMAT, "the directory of the ZIP archive lies outside the file");
  *out = (ldb_zip){.count = (int64_t)all, .at = offset, .end = at};
  return LDB_OK;
}

/* Where the bytes of a member begin: behind its local header. */
static ldb_status locate(const unsigned char *bytes, const ldb_zip *zip, size_t header,
                         ldb_zip_member *m, ldb_error *e) {
  size_t room = zip->end;
  if (header > room || room - header < LOCAL_BYTES || !starts(bytes + header, 3, 4))
    return ldb_fail(e, LDB_FORMAT, "a member of the ZIP archive has no header where it should be");
  size_t skip = LOCAL_BYTES + (size_t)u16(bytes + header + 26) + u16(bytes + header + 28);
  if (skip > room - header || m->size > room - header - skip)
    return ldb_fail(e, LDB_FORMAT, "a member of the ZIP archive is cut short");
  m->offset = header + skip;
  return LDB_OK;
}

ldb_status ldb_zip_next(const unsigned char *bytes, size_t n, ldb_zip *zip, ldb_zip_member *out,
                        ldb_error *e) {
  *out = (ldb_zip_member){.name = NULL};
  if (zip->end > n || zip->at > zip->end)
    return ldb_fail(e, LDB_STATE, "the bytes are not the archive that was opened");
  if (zip->end - zip->at < ENTRY_BYTES || !starts(bytes + zip->at, 1, 2))
    return ldb_fail(e, LDB_FORMAT, "the directory of the ZIP archive is cut short");
  const unsigned char *p = bytes + zip->at;
  size_t name = u16(p + 28), rest = (size_t)u16(p + 30) + u16(p + 32);
  if (name + rest > zip->end - zip->at - ENTRY_BYTES)
    return ldb_fail(e, LDB_FORMAT, "the directory of the ZIP archive is cut short");
  out->name = (const char *)(p + ENTRY_BYTES);
  out->name_size = name;
  out->method = (int)u16(p + 10);
  out->size = u32(p + 20);
  out->full = u32(p + 24);
  if ((u16(p + 8) & 1) != 0) return ldb_fail(e, LDB_FORMAT, "an encrypted member of a ZIP archive");
  if (out->size == 0xFFFFFFFF || out->full == 0xFFFFFFFF || u32(p + 42) == 0xFFFFFFFF)
    return ldb_fail(e, LDB_FORMAT, "a ZIP64 member: more than 4 GB");
  ldb_status s = locate(bytes, zip, u32(p + 42), out, e);
  if (s != LDB_OK) return s;
  if (out->method == 0 && out->size != out->full)
    return ldb_fail(e, LDB_FORMAT, "a stored member of the ZIP archive has two sizes");
  if (out->method == 0 && ldb_crc32(0, bytes + out->offset, out->size) != u32(p + 16))
    return ldb_fail(e, LDB_FORMAT,
                    "the checksum of a member of the ZIP archive is wrong: damaged?");
  zip->at += ENTRY_BYTES + name + rest;
  return LDB_OK;
}
