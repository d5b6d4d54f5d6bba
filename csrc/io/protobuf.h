/*
** The wire format of protocol buffers over a byte range: a message is a row of fields, each a key
** (number << 3 | wire type) and a value.
**   varint 0: up to 10 bytes, 7 bits each, lowest first; fixed64 1; bytes 2: length, then so many
**   bytes (text, a message within, packed numbers); fixed32 5
** Groups (3 and 4, given up before 2008) are refused. Nothing recurses: who reads a message within
** opens its range anew, so nesting costs no stack here.
*/
#ifndef LDB_PROTOBUF_H
#define LDB_PROTOBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum ldb_proto_wire {
  LDB_PROTO_VARINT = 0,
  LDB_PROTO_FIXED64 = 1,
  LDB_PROTO_BYTES = 2,
  LDB_PROTO_FIXED32 = 5
} ldb_proto_wire;

typedef struct ldb_proto {
  const unsigned char *bytes;
  size_t at, end; /* the rest of the message */
} ldb_proto;

typedef struct ldb_proto_field {
  uint32_t number;
  ldb_proto_wire wire;
  uint64_t value;  /* of varints and fixed numbers, as bits */
  size_t at, size; /* of bytes: their range, which lies within the message */
} ldb_proto_field;

/* A message in bytes[at .. at + size). */
ldb_proto ldb_proto_open(const unsigned char *bytes, size_t at, size_t size);

/* The message within a field of bytes. */
ldb_proto ldb_proto_enter(const ldb_proto *p, const ldb_proto_field *f);

/* The next field; *got is false at the end. Fails on what is cut, too long or no field. */
ldb_status ldb_proto_next(ldb_proto *p, ldb_proto_field *f, bool *got, ldb_error *e);

/* The next varint of packed numbers; false at the end and on damage (then p->at < p->end). */
bool ldb_proto_varint(ldb_proto *p, uint64_t *out);

/* The bits of fixed numbers as floating point. */
double ldb_proto_double(uint64_t bits);
double ldb_proto_float(uint64_t bits);

/* Little-endian numbers at p. */
uint32_t ldb_proto_u32(const unsigned char *p);
uint64_t ldb_proto_u64(const unsigned char *p);

#endif
