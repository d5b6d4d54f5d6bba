/*
** TensorBoard event files over byte ranges.
** Record: u64 length, u32 checksum of these 8 bytes, data, u32 checksum of the data; little-endian.
** The checksums are CRC-32C (Castagnoli: reflected 0x82F63B78), masked: rotated right by 15 bits,
** plus 0xa282ead8. The data are a message Event (wall_time 1, step 2, file_version 3, summary 5,
** session_log 7). A summary holds values: a tag and
**   simple_value, a float: TensorFlow 1, torch.utils.tensorboard, Lightning
**   tensor, with metadata that name a plugin: TensorFlow 2, Keras 3; those of "scalars" have one
**     element, those of "histograms" are [k x 3]: left edge, right edge, count
**   histo: limits and counts of buckets; read here as such rows, without the empty ones at its ends
*/
#ifndef LDB_EVENT_H
#define LDB_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "io/protobuf.h"

enum { LDB_EVENT_HEAD = 12, LDB_EVENT_FOOT = 4 }; /* bytes of a record around its data */

uint32_t ldb_crc32c(const unsigned char *bytes, size_t n);
uint32_t ldb_masked_crc32c(const unsigned char *bytes, size_t n);

typedef enum ldb_frame {
  LDB_FRAME_WHOLE,
  LDB_FRAME_CUT,       /* the bytes end before the record does: perhaps still being written */
  LDB_FRAME_DAMAGED,   /* the data do not have their checksum; the next record can be read */
  LDB_FRAME_UNREADABLE /* the length does not have its checksum: nothing after it can be found */
} ldb_frame;

typedef struct ldb_record {
  size_t at, size; /* of the data, which lie within the bytes unless the record is cut */
  size_t next;     /* of the record after it */
} ldb_record;

/* The record that begins at `at` <= n. */
ldb_frame ldb_event_frame(const unsigned char *bytes, size_t n, size_t at, ldb_record *out);

typedef struct ldb_event {
  double wall;
  int64_t step;
  size_t version_at, version_size; /* of file_version; size 0: none */
  uint64_t session;                /* 1 start, 2 stop, 3 checkpoint; 0: none */
  ldb_proto summary;
} ldb_event;

ldb_status ldb_event_read(const unsigned char *bytes, const ldb_record *record, ldb_event *out,
                          ldb_error *e);

typedef enum ldb_item_kind {
  LDB_ITEM_OTHER,
  LDB_ITEM_SIMPLE,
  LDB_ITEM_HISTO,
  LDB_ITEM_TENSOR
} ldb_item_kind;

enum { LDB_ITEM_RANK = 4 };

typedef struct ldb_item {
  ldb_item_kind kind;
  size_t tag_at, tag_size;
  size_t plugin_at, plugin_size; /* size 0: no metadata */
  double simple;
  size_t at, size; /* of the histogram or tensor message */
  uint64_t dtype;  /* of the tensor: 1 float, 2 double, 7 text, ... */
  int rank;        /* of the tensor; above LDB_ITEM_RANK: no shape is kept */
  uint64_t shape[LDB_ITEM_RANK];
} ldb_item;

/* The next value of a summary; *got is false at the end. */
ldb_status ldb_event_item(ldb_proto *summary, ldb_item *out, bool *got, ldb_error *e);

/* The first `room` numbers of a tensor; *n may be less. Fails on element types that hold none. */
ldb_status ldb_event_numbers(const unsigned char *bytes, const ldb_item *item, double *out,
                             size_t room, size_t *n, ldb_error *e);

/* The first element of a tensor of text, as a range. */
ldb_status ldb_event_text(const unsigned char *bytes, const ldb_item *item, size_t *at,
                          size_t *size, ldb_error *e);

/* Doubles that ldb_event_histogram needs for an item. */
size_t ldb_event_histogram_room(const ldb_item *item);
/* Rows (left, right, count) of a `histo` or of a [k x 3] tensor, in rows[0 .. 3 * *k). */
ldb_status ldb_event_histogram(const unsigned char *bytes, const ldb_item *item, double *rows,
                               size_t *k, ldb_error *e);

#endif
