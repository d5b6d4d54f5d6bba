#include "base/status.h"

#include <stdarg.h>
#include <stdio.h>

static const char *const status_names[] = {
#define X(code, name, sentence) name,
    LDB_STATUS_MAP(X)
#undef X
};

static const char *const status_sentences[] = {
#define X(code, name, sentence) sentence,
    LDB_STATUS_MAP(X)
#undef X
};

ldb_status ldb_fail(ldb_error *e, ldb_status code, const char *format, ...) {
  if (e) {
    va_list args;
    e->code = code;
    va_start(args, format);
    (void)vsnprintf(e->text, sizeof e->text, format, args);
    va_end(args);
  }
  return code;
}

const char *ldb_status_name(ldb_status code) {
  return code < LDB_STATUS_COUNT ? status_names[code] : "unknown";
}

const char *ldb_status_sentence(ldb_status code) {
  return code < LDB_STATUS_COUNT ? status_sentences[code] : "unknown status";
}
