#include "io/protobuf.h"

#include <string.h>

enum { VARINT_BYTES = 10 };

ldb_proto ldb_proto_open(const unsigned char *bytes, size_t at, size_t size) {
  return (ldb_proto){.bytes = bytes, .at = at, .end = at + size};
}

ldb_proto ldb_proto_enter(const ldb_proto *p, const ldb_proto_field *f) {
  return ldb_proto_open(p->bytes, f->at, f->size);
}

uint32_t ldb_proto_u32(const unsigned char *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

uint64_t ldb_proto_u64(const unsigned char *p) {
  return (uint64_t)ldb_proto_u32(p) | (uint64_t)ldb_proto_u32(p + 4) << 32;
}

double ldb_proto_double(uint64_t bits) {
  double x = 0;
  memcpy(&x, &bits, sizeof x);
  return x;
}

double ldb_proto_float(uint64_t bits) {
  uint32_t low = (uint32_t)bits;
  float x = 0;
  memcpy(&x, &low, sizeof x);
  return (double)x;
}

bool ldb_proto_varint(ldb_proto *p, uint64_t *out) {
  uint64_t value = 0;
  size_t room = p->end - p->at < VARINT_BYTES ? p->end - p->at : VARINT_BYTES;
  for (size_t k = 0; k < room; k++) {
    unsigned char byte = p->bytes[p->at + k];
    if (k == VARINT_BYTES - 1 && byte > 1) return false; /* beyond 64 bits */
    value |= (uint64_t)(byte & 0x7F) << (7 * k);
    if (byte < 0x80) {
      p->at += k + 1;
      *out = value;
      return true;
    }
  }
  return false;
}

static ldb_status cut(ldb_error *e, const char *what) {
  return ldb_fail(e, LDB_FORMAT, "%s of a protobuf message is cut short or too long", what);
}

static ldb_status read_fixed(ldb_proto *p, ldb_proto_field *f, size_t size, ldb_error *e) {
  if (p->end - p->at < size) return cut(e, "a number");
  const unsigned char *from = p->bytes + p->at;
  f->value = size == 8 ? ldb_proto_u64(from) : ldb_proto_u32(from);
  p->at += size;
  return LDB_OK;
}

ldb_status ldb_proto_next(ldb_proto *p, ldb_proto_field *f, bool *got, ldb_error *e) {
  uint64_t key = 0, size = 0;
  *f = (ldb_proto_field){.number = 0};
  *got = p->at < p->end;
  if (!*got) return LDB_OK;
  if (!ldb_proto_varint(p, &key)) return cut(e, "a key");
  if (key >> 3 == 0 || key >> 3 > 0x1FFFFFFF)
    return ldb_fail(e, LDB_FORMAT, "a protobuf message has no field of that number: damaged?");
  f->number = (uint32_t)(key >> 3);
  f->wire = (ldb_proto_wire)(key & 7);
  switch (key & 7) {
  case LDB_PROTO_VARINT:
    return ldb_proto_varint(p, &f->value) ? LDB_OK : cut(e, "a number");
  case LDB_PROTO_FIXED64:
    return read_fixed(p, f, 8, e);
  case LDB_PROTO_FIXED32:
    return read_fixed(p, f, 4, e);
  case LDB_PROTO_BYTES:
    if (!ldb_proto_varint(p, &size) || size > p->end - p->at) return cut(e, "a field");
    f->at = p->at;
    f->size = (size_t)size;
    p->at += f->size;
    return LDB_OK;
  default:
    return ldb_fail(e, LDB_FORMAT, "a protobuf field of wire type %u", (unsigned)(key & 7));
  }
}
