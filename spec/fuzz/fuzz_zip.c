/*
** Any bytes as ZIP. Invariants: a failure has a message; every member that is listed lies within
** the bytes, its name too; a file cut by one byte has no directory.
*/
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/zip.h"

#define REQUIRE(c) ((c) ? (void)0 : (fprintf(stderr, "line %d: %s\n", __LINE__, #c), abort()))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void walk(const uint8_t *bytes, size_t n, ldb_zip *zip) {
  ldb_error e = {.text = ""};
  for (int64_t i = 0; i < zip->count; i++) {
    ldb_zip_member m;
    if (ldb_zip_next(bytes, n, zip, &m, &e) != LDB_OK) {
      REQUIRE(e.text[0] != '\0');
      return;
    }
    REQUIRE(m.offset <= n && m.size <= n - m.offset);
    REQUIRE((const uint8_t *)m.name >= bytes && m.name_size <= n);
    REQUIRE((const uint8_t *)m.name + m.name_size <= bytes + n);
    REQUIRE(m.method != 0 || m.size == m.full);
    unsigned char sum = 0;
    for (size_t k = 0; k < m.size; k++)
      sum ^= bytes[m.offset + k];
    for (size_t k = 0; k < m.name_size; k++)
      sum ^= (unsigned char)m.name[k];
    *(volatile unsigned char *)&sum = sum;
  }
  REQUIRE(zip->at <= zip->end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
  uint8_t *bytes = malloc(n > 0 ? n : 1); /* exactly n: one byte beyond is seen */
  REQUIRE(bytes != NULL);
  ldb_error e = {.text = ""};
  ldb_zip zip;
  if (n > 0) memcpy(bytes, data, n);
  if (ldb_zip_open(bytes, n, &zip, &e) != LDB_OK) {
    REQUIRE(e.text[0] != '\0');
  } else {
    REQUIRE(zip.end <= n && zip.at <= zip.end && zip.count <= 65534);
    walk(bytes, n, &zip);
  }
  free(bytes);
  return 0;
}
