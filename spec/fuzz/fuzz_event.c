/*
** Any bytes as an event file and as the data of one record. Invariants: ranges lie within the
** bytes; reading goes on; bytes framed by us are one whole record, cut by one byte they are cut,
** with one bit changed they are damaged or unreadable; numbers and rows stay within the room asked
** for; the rows of a `histo` begin and end with a count; a failure has a message.
*/
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/event.h"

#define REQUIRE(c) ((c) ? (void)0 : (fprintf(stderr, "line %d: %s\n", __LINE__, #c), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void within(size_t at, size_t size, size_t n) {
  REQUIRE(at <= n && size <= n - at);
}

static void read_item(const uint8_t *bytes, size_t n, const ldb_item *item) {
  ldb_error e = {.text = ""};
  size_t k = 0, at = 0, size = 0, room = ldb_event_histogram_room(item);
  within(item->tag_at, item->tag_size, n);
  within(item->plugin_at, item->plugin_size, n);
  within(item->at, item->size, n);
  REQUIRE(item->rank >= 0 && item->rank <= LDB_ITEM_RANK + 1);
  double *rows = malloc(sizeof(double) * (room > 0 ? room : 1));
  REQUIRE(rows != NULL);
  if (item->kind == LDB_ITEM_HISTO || item->kind == LDB_ITEM_TENSOR) {
    if (ldb_event_histogram(bytes, item, rows, &k, &e) == LDB_OK) {
      REQUIRE(3 * k <= room);
      if (k > 0 && item->kind == LDB_ITEM_HISTO) REQUIRE(rows[2] > 0 && rows[3 * k - 1] > 0);
    } else {
      REQUIRE(e.text[0] != '\0');
    }
  }
  if (item->kind == LDB_ITEM_TENSOR) {
    double x[2] = {0};
    e.text[0] = '\0';
    if (ldb_event_numbers(bytes, item, x, 2, &k, &e) == LDB_OK) {
      REQUIRE(k <= 2);
    } else {
      REQUIRE(e.text[0] != '\0');
    }
    if (ldb_event_text(bytes, item, &at, &size, &e) == LDB_OK) within(at, size, n);
  }
  free(rows);
}

static void read_event(const uint8_t *bytes, size_t n, const ldb_record *record) {
  ldb_event event;
  ldb_item item;
  ldb_error e = {.text = ""};
  bool got = true;
  if (ldb_event_read(bytes, record, &event, &e) != LDB_OK) {
    REQUIRE(e.text[0] != '\0');
    return;
  }
  within(event.version_at, event.version_size, n);
  while (got) {
    size_t before = event.summary.at;
    if (ldb_event_item(&event.summary, &item, &got, &e) != LDB_OK) {
      REQUIRE(e.text[0] != '\0');
      return;
    }
    REQUIRE(!got || event.summary.at > before);
    if (got) read_item(bytes, n, &item);
  }
}

static void as_file(const uint8_t *bytes, size_t n) {
  for (size_t at = 0; at < n;) {
    ldb_record record;
    ldb_frame frame = ldb_event_frame(bytes, n, at, &record);
    if (frame == LDB_FRAME_CUT || frame == LDB_FRAME_UNREADABLE) return;
    within(record.at, record.size, n);
    REQUIRE(record.next > at && record.next <= n);
    if (frame == LDB_FRAME_WHOLE) read_event(bytes, n, &record);
    at = record.next;
  }
}

static void put_little(uint8_t *to, uint64_t x, size_t size) {
  for (size_t k = 0; k < size; k++)
    to[k] = (uint8_t)(x >> (8 * k));
}

/* The bytes in a frame of our own. */
static void as_record(const uint8_t *data, size_t n) {
  size_t all = LDB_EVENT_HEAD + n + LDB_EVENT_FOOT;
  uint8_t *framed = malloc(all);
  ldb_record record;
  REQUIRE(framed != NULL);
  put_little(framed, n, 8);
  put_little(framed + 8, ldb_masked_crc32c(framed, 8), 4);
  if (n > 0) memcpy(framed + LDB_EVENT_HEAD, data, n);
  put_little(framed + LDB_EVENT_HEAD + n, ldb_masked_crc32c(framed + LDB_EVENT_HEAD, n), 4);
  REQUIRE(ldb_event_frame(framed, all, 0, &record) == LDB_FRAME_WHOLE);
  REQUIRE(record.size == n && record.next == all);
  REQUIRE(ldb_event_frame(framed, all - 1, 0, &record) == LDB_FRAME_CUT);
  read_event(framed, all, &(ldb_record){.at = LDB_EVENT_HEAD, .size = n, .next = all});
  if (n > 0) {
    size_t bit = (n * 7 + data[0]) % (8 * (all));
    framed[bit / 8] ^= (uint8_t)(1U << bit % 8);
    ldb_frame frame = ldb_event_frame(framed, all, 0, &record);
    REQUIRE(frame == LDB_FRAME_DAMAGED || frame == LDB_FRAME_UNREADABLE);
  }
  free(framed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  uint8_t *bytes = malloc(n > 0 ? n : 1); /* exactly n: one byte beyond is seen */
  REQUIRE(bytes != NULL);
  if (n > 0) memcpy(bytes, data, n);
  as_file(bytes, n);
  as_record(bytes, n);
  free(bytes);
  return 0;
}
