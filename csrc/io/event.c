#include "io/event.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
#define CRC_INSTRUCTION 1

/* The processor's own instruction, eight bytes at a time. */
__attribute__((target("sse4.2"))) static uint32_t crc_by_instruction(const unsigned char *bytes,
                                                                     size_t n) {
  unsigned long long crc = 0xFFFFFFFF;
  for (; n >= 8; n -= 8, bytes += 8) {
    unsigned long long word;
    memcpy(&word, bytes, sizeof word);
    crc = __builtin_ia32_crc32di(crc, word);
  }
  uint32_t rest = (uint32_t)crc;
  for (size_t i = 0; i < n; i++)
    rest = __builtin_ia32_crc32qi(rest, bytes[i]);
  return ~rest;
}
#endif

/* CRC-32C, four bits at a time: row r of 16 is r shifted out through the polynomial. */
uint32_t ldb_crc32c(const unsigned char *bytes, size_t n) {
#ifdef CRC_INSTRUCTION
  if (__builtin_cpu_supports("sse4.2")) return crc_by_instruction(bytes, n);
#endif
  static const uint32_t table[16] = {0x00000000, 0x105EC76F, 0x20BD8EDE, 0x30E349B1,
                                     0x417B1DBC, 0x5125DAD3, 0x61C69362, 0x7198540D,
                                     0x82F63B78, 0x92A8FC17, 0xA24BB5A6, 0xB21572C9,
                                     0xC38D26C4, 0xD3D3E1AB, 0xE330A81A, 0xF36E6F75};
  uint32_t crc = 0xFFFFFFFF;
  for (size_t i = 0; i < n; i++) {
    crc ^= bytes[i];
    crc = crc >> 4 ^ table[crc & 15];
    crc = crc >> 4 ^ table[crc & 15];
  }
  return ~crc;
}

uint32_t ldb_masked_crc32c(const unsigned char *bytes, size_t n) {
  uint32_t crc = ldb_crc32c(bytes, n);
  return (crc >> 15 | crc << 17) + 0xa282ead8U;
}

ldb_frame ldb_event_frame(const unsigned char *bytes, size_t n, size_t at, ldb_record *out) {
  *out = (ldb_record){.at = at, .next = at};
  if (n - at < LDB_EVENT_HEAD) return LDB_FRAME_CUT;
  uint64_t size = ldb_proto_u64(bytes + at);
  if (ldb_masked_crc32c(bytes + at, 8) != ldb_proto_u32(bytes + at + 8))
    return LDB_FRAME_UNREADABLE;
  size_t room = n - at - LDB_EVENT_HEAD;
  if (room < LDB_EVENT_FOOT || size > room - LDB_EVENT_FOOT) return LDB_FRAME_CUT;
  out->at = at + LDB_EVENT_HEAD;
  out->size = (size_t)size;
  out->next = out->at + out->size + LDB_EVENT_FOOT;
  uint32_t sum = ldb_masked_crc32c(bytes + out->at, out->size);
  return sum == ldb_proto_u32(bytes + out->at + out->size) ? LDB_FRAME_WHOLE : LDB_FRAME_DAMAGED;
}

static ldb_status read_session(const ldb_proto *p, const ldb_proto_field *f, ldb_event *out,
                               ldb_error *e) {
  ldb_proto inner = ldb_proto_enter(p, f);
  ldb_proto_field g;
  bool got = true;
  ldb_status s = LDB_OK;
  while ((s = ldb_proto_next(&inner, &g, &got, e)) == LDB_OK && got)
    if (g.number == 1 && g.wire == LDB_PROTO_VARINT) out->session = g.value;
  return s;
}

ldb_status ldb_event_read(const unsigned char *bytes, const ldb_record *record, ldb_event *out,
                          ldb_error *e) {
  ldb_proto p = ldb_proto_open(bytes, record->at, record->size);
  ldb_proto_field f;
  bool got = true;
  ldb_status s = LDB_OK;
  *out = (ldb_event){.step = 0, .summary = ldb_proto_open(bytes, record->at, 0)};
  while ((s = ldb_proto_next(&p, &f, &got, e)) == LDB_OK && got) {
    if (f.number == 1 && f.wire == LDB_PROTO_FIXED64) {
      out->wall = ldb_proto_double(f.value);
    } else if (f.number == 2 && f.wire == LDB_PROTO_VARINT) {
      out->step = (int64_t)f.value;
    } else if (f.number == 3 && f.wire == LDB_PROTO_BYTES) {
      out->version_at = f.at;
      out->version_size = f.size;
    } else if (f.number == 5 && f.wire == LDB_PROTO_BYTES) {
      out->summary = ldb_proto_enter(&p, &f);
    } else if (f.number == 7 && f.wire == LDB_PROTO_BYTES) {
      s = read_session(&p, &f, out, e);
      if (s != LDB_OK) return s;
    }
  }
  return s;
}

/* metadata{ plugin_data 1 { plugin_name 1 } } */
static ldb_status read_plugin(const ldb_proto *p, const ldb_proto_field *f, ldb_item *out,
                              ldb_error *e) {
  ldb_proto meta = ldb_proto_enter(p, f);
  ldb_proto_field g, h;
  bool got = true;
  ldb_status s = LDB_OK;
  while ((s = ldb_proto_next(&meta, &g, &got, e)) == LDB_OK && got) {
    if (g.number != 1 || g.wire != LDB_PROTO_BYTES) continue;
    ldb_proto plugin = ldb_proto_enter(&meta, &g);
    bool more = true;
    while ((s = ldb_proto_next(&plugin, &h, &more, e)) == LDB_OK && more) {
      if (h.number != 1 || h.wire != LDB_PROTO_BYTES) continue;
      out->plugin_at = h.at;
      out->plugin_size = h.size;
    }
    if (s != LDB_OK) return s;
  }
  return s;
}

/* shape{ dim 2 { size 1 } } */
static ldb_status read_shape(const ldb_proto *p, const ldb_proto_field *f, ldb_item *out,
                             ldb_error *e) {
  ldb_proto shape = ldb_proto_enter(p, f);
  ldb_proto_field g, h;
  bool got = true;
  ldb_status s = LDB_OK;
  while ((s = ldb_proto_next(&shape, &g, &got, e)) == LDB_OK && got) {
    if (g.number != 2 || g.wire != LDB_PROTO_BYTES) continue;
    ldb_proto dim = ldb_proto_enter(&shape, &g);
    uint64_t size = 0;
    bool more = true;
    while ((s = ldb_proto_next(&dim, &h, &more, e)) == LDB_OK && more)
      if (h.number == 1 && h.wire == LDB_PROTO_VARINT) size = h.value;
    if (s != LDB_OK) return s;
    if (out->rank < LDB_ITEM_RANK) out->shape[out->rank] = size;
    if (out->rank <= LDB_ITEM_RANK) out->rank++;
  }
  return s;
}

static ldb_status read_tensor(const ldb_proto *p, const ldb_proto_field *f, ldb_item *out,
                              ldb_error *e) {
  ldb_proto tensor = ldb_proto_enter(p, f);
  ldb_proto_field g;
  bool got = true;
  ldb_status s = LDB_OK;
  out->kind = LDB_ITEM_TENSOR;
  out->at = f->at;
  out->size = f->size;
  while ((s = ldb_proto_next(&tensor, &g, &got, e)) == LDB_OK && got) {
    if (g.number == 1 && g.wire == LDB_PROTO_VARINT) {
      out->dtype = g.value;
    } else if (g.number == 2 && g.wire == LDB_PROTO_BYTES) {
      out->rank = 0;
      s = read_shape(&tensor, &g, out, e);
      if (s != LDB_OK) return s;
    }
  }
  return s;
}

static ldb_status read_field(const ldb_proto *p, const ldb_proto_field *f, ldb_item *out,
                             ldb_error *e) {
  if (f->number == 2 && f->wire == LDB_PROTO_FIXED32) {
    out->kind = LDB_ITEM_SIMPLE;
    out->simple = ldb_proto_float(f->value);
  }
  if (f->wire != LDB_PROTO_BYTES) return LDB_OK;
  switch (f->number) {
  case 1:
    out->tag_at = f->at;
    out->tag_size = f->size;
    return LDB_OK;
  case 5:
    out->kind = LDB_ITEM_HISTO;
    out->at = f->at;
    out->size = f->size;
    return LDB_OK;
  case 8:
    return read_tensor(p, f, out, e);
  case 9:
    return read_plugin(p, f, out, e);
  default:
    return LDB_OK;
  }
}

ldb_status ldb_event_item(ldb_proto *summary, ldb_item *out, bool *got, ldb_error *e) {
  ldb_proto_field f, g;
  bool more = true;
  ldb_status s = LDB_OK;
  *out = (ldb_item){.kind = LDB_ITEM_OTHER};
  do {
    s = ldb_proto_next(summary, &f, got, e);
    if (s != LDB_OK || !*got) return s;
  } while (f.number != 1 || f.wire != LDB_PROTO_BYTES);
  ldb_proto value = ldb_proto_enter(summary, &f);
  while ((s = ldb_proto_next(&value, &g, &more, e)) == LDB_OK && more) {
    s = read_field(&value, &g, out, e);
    if (s != LDB_OK) return s;
  }
  return s;
}

/* ---- numbers of tensors ---------------------------------------------------------------------- */

enum { /* the element types of tensor.proto */
       DT_FLOAT = 1,
       DT_DOUBLE = 2,
       DT_INT32 = 3,
       DT_UINT8 = 4,
       DT_INT16 = 5,
       DT_INT8 = 6,
       DT_STRING = 7,
       DT_INT64 = 9,
       DT_BOOL = 10,
       DT_BFLOAT16 = 14,
       DT_UINT16 = 17,
       DT_HALF = 19,
       DT_UINT32 = 22,
       DT_UINT64 = 23
};

/* bytes of an element, and the number of the field that lists values of the type */
typedef struct kind {
  int size;
  uint32_t field;
} kind;

static kind kind_of(uint64_t dtype) {
  switch (dtype) {
  case DT_FLOAT:
    return (kind){4, 5};
  case DT_DOUBLE:
    return (kind){8, 6};
  case DT_INT32:
    return (kind){4, 7};
  case DT_UINT8:
  case DT_INT8:
    return (kind){1, 7};
  case DT_INT16:
  case DT_UINT16:
    return (kind){2, 7};
  case DT_INT64:
    return (kind){8, 10};
  case DT_BOOL:
    return (kind){1, 11};
  case DT_HALF:
  case DT_BFLOAT16:
    return (kind){2, 13};
  case DT_UINT32:
    return (kind){4, 16};
  case DT_UINT64:
    return (kind){8, 17};
  default:
    return (kind){0, 0};
  }
}

static double half_to_double(uint32_t bits) {
  uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
  double sign = (bits & 0x8000) != 0 ? -1.0 : 1.0, value = 0;
  if (exponent == 31) {
    uint32_t wide = 0x7F800000U | fraction << 13;
    return sign * ldb_proto_float(wide);
  }
  value = (double)(exponent == 0 ? fraction : fraction + 1024);
  for (uint32_t k = exponent == 0 ? 1 : exponent; k < 25; k++)
    value *= 0.5;
  for (uint32_t k = 25; k < exponent; k++)
    value *= 2;
  return sign * value;
}

/* An element from its bits, which were widened with zeros. */
static double number_of(uint64_t dtype, uint64_t bits) {
  switch (dtype) {
  case DT_FLOAT:
    return ldb_proto_float(bits);
  case DT_DOUBLE:
    return ldb_proto_double(bits);
  case DT_INT32:
    return (double)(int32_t)(uint32_t)bits;
  case DT_INT16:
    return (double)(int16_t)(uint16_t)bits;
  case DT_INT8:
    return (double)(int8_t)(uint8_t)bits;
  case DT_INT64:
    return (double)(int64_t)bits;
  case DT_HALF:
    return half_to_double((uint32_t)bits & 0xFFFF);
  case DT_BFLOAT16:
    return ldb_proto_float((bits & 0xFFFF) << 16);
  default:
    return (double)bits;
  }
}

static uint64_t bits_at(const unsigned char *p, int size) {
  uint64_t bits = 0;
  for (int k = 0; k < size; k++)
    bits |= (uint64_t)p[k] << (8 * k);
  return bits;
}

typedef struct sink {
  double *out;
  size_t room, n;
} sink;

static void put(sink *to, double x) {
  if (to->n < to->room) to->out[to->n++] = x;
}

static void put_raw(sink *to, const ldb_proto *p, const ldb_proto_field *f, uint64_t dtype,
                    int size) {
  for (size_t i = 0; i + (size_t)size <= f->size && to->n < to->room; i += (size_t)size)
    put(to, number_of(dtype, bits_at(p->bytes + f->at + i, size)));
}

static ldb_status put_listed(sink *to, const ldb_proto *p, const ldb_proto_field *f, uint64_t dtype,
                             int size, ldb_error *e) {
  bool fixed = dtype == DT_FLOAT || dtype == DT_DOUBLE;
  if (f->wire != LDB_PROTO_BYTES) {
    put(to, number_of(dtype, f->value));
  } else if (fixed) {
    put_raw(to, p, f, dtype, size);
  } else {
    ldb_proto inner = ldb_proto_enter(p, f);
    uint64_t bits = 0;
    while (inner.at < inner.end && to->n < to->room) {
      if (!ldb_proto_varint(&inner, &bits))
        return ldb_fail(e, LDB_FORMAT, "a list of numbers in a tensor is damaged");
      put(to, number_of(dtype, bits));
    }
  }
  return LDB_OK;
}

ldb_status ldb_event_numbers(const unsigned char *bytes, const ldb_item *item, double *out,
                             size_t room, size_t *n, ldb_error *e) {
  kind k = kind_of(item->dtype);
  ldb_proto p = ldb_proto_open(bytes, item->at, item->size);
  ldb_proto_field f;
  bool got = true;
  ldb_status s = LDB_OK;
  sink to = {.out = out, .room = room};
  *n = 0;
  if (k.size == 0)
    return ldb_fail(e, LDB_FORMAT, "a tensor of type %u holds no numbers", (unsigned)item->dtype);
  while ((s = ldb_proto_next(&p, &f, &got, e)) == LDB_OK && got) {
    if (f.number == 4 && f.wire == LDB_PROTO_BYTES) put_raw(&to, &p, &f, item->dtype, k.size);
    if (f.number != k.field) continue;
    s = put_listed(&to, &p, &f, item->dtype, k.size, e);
    if (s != LDB_OK) return s;
  }
  *n = to.n;
  return s;
}

ldb_status ldb_event_text(const unsigned char *bytes, const ldb_item *item, size_t *at,
                          size_t *size, ldb_error *e) {
  ldb_proto p = ldb_proto_open(bytes, item->at, item->size);
  ldb_proto_field f;
  bool got = true;
  ldb_status s = LDB_OK;
  *at = item->at;
  *size = 0;
  while ((s = ldb_proto_next(&p, &f, &got, e)) == LDB_OK && got) {
    if (f.number != 8 || f.wire != LDB_PROTO_BYTES) continue;
    *at = f.at;
    *size = f.size;
    return LDB_OK;
  }
  return s;
}

/* ---- histograms ------------------------------------------------------------------------------ */

size_t ldb_event_histogram_room(const ldb_item *item) {
  /* a limit takes 8 bytes of its message, an element of a tensor at least 4 */
  return item->kind == LDB_ITEM_HISTO ? 3 * (item->size / 8) : item->size / 4;
}

typedef struct buckets {
  double min, max;
  size_t limits, counts;
} buckets;

/* Doubles of a repeated field, packed or one by one, into column `column` of the rows. */
static void put_column(double *rows, size_t column, size_t room, size_t *n, const ldb_proto *p,
                       const ldb_proto_field *f) {
  if (f->wire == LDB_PROTO_FIXED64 && *n < room) {
    rows[3 * (*n)++ + column] = ldb_proto_double(f->value);
  } else if (f->wire == LDB_PROTO_BYTES) {
    for (size_t i = 0; i + 8 <= f->size && *n < room; i += 8)
      rows[3 * (*n)++ + column] = ldb_proto_double(ldb_proto_u64(p->bytes + f->at + i));
  }
}

static ldb_status read_buckets(const unsigned char *bytes, const ldb_item *item, double *rows,
                               buckets *b, ldb_error *e) {
  ldb_proto p = ldb_proto_open(bytes, item->at, item->size);
  ldb_proto_field f;
  bool got = true;
  ldb_status s = LDB_OK;
  *b = (buckets){.min = 0};
  while ((s = ldb_proto_next(&p, &f, &got, e)) == LDB_OK && got) {
    if (f.number == 1 && f.wire == LDB_PROTO_FIXED64) b->min = ldb_proto_double(f.value);
    if (f.number == 2 && f.wire == LDB_PROTO_FIXED64) b->max = ldb_proto_double(f.value);
    if (f.number == 6) put_column(rows, 1, item->size / 8, &b->limits, &p, &f);
    if (f.number == 7) put_column(rows, 2, item->size / 8, &b->counts, &p, &f);
  }
  return s;
}

static ldb_status of_histo(const unsigned char *bytes, const ldb_item *item, double *rows,
                           size_t *k, ldb_error *e) {
  buckets b;
  ldb_status s = read_buckets(bytes, item, rows, &b, e);
  if (s != LDB_OK) return s;
  size_t n = b.limits < b.counts ? b.limits : b.counts, first = 0;
  while (n > 0 && !(rows[3 * (n - 1) + 2] > 0))
    n--;
  while (first < n && !(rows[3 * first + 2] > 0))
    first++;
  *k = n - first;
  for (size_t i = 0; i < *k; i++) {
    rows[3 * i] = i > 0 ? rows[3 * i - 2] : b.min;
    rows[3 * i + 1] = i + 1 < *k ? rows[3 * (first + i) + 1] : b.max;
    rows[3 * i + 2] = rows[3 * (first + i) + 2];
  }
  return LDB_OK;
}

ldb_status ldb_event_histogram(const unsigned char *bytes, const ldb_item *item, double *rows,
                               size_t *k, ldb_error *e) {
  size_t n = 0;
  *k = 0;
  if (item->kind == LDB_ITEM_HISTO) return of_histo(bytes, item, rows, k, e);
  if (item->rank != 2 || item->shape[1] != 3 ||
      (item->dtype != DT_DOUBLE && item->dtype != DT_FLOAT))
    return ldb_fail(e, LDB_FORMAT, "a histogram that is no table of three columns of reals");
  ldb_status s = ldb_event_numbers(bytes, item, rows, ldb_event_histogram_room(item), &n, e);
  if (s != LDB_OK) return s;
  if (n % 3 != 0 || n / 3 != item->shape[0])
    return ldb_fail(e, LDB_FORMAT, "a histogram whose shape and numbers do not agree");
  *k = n / 3;
  return LDB_OK;
}
