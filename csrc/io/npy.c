#include "io/npy.h"

#include <string.h>

#include "base/text.h"

enum { MAGIC_BYTES = 6, VERSION_BYTES = 2, ALIGNMENT = 64 };

static const char magic[] = "\x93NUMPY";

/* ------------------------------------------------------------------- the dict literal */

typedef struct reader {
  const char *s;
  size_t n, at;
} reader;

typedef struct word {
  const char *s;
  size_t n;
} word;

static char peek(const reader *r) {
  return r->at < r->n ? r->s[r->at] : '\0';
}

static void skip_space(reader *r) {
  while (r->at < r->n && strchr(" \t\r\n", r->s[r->at]) != NULL && r->s[r->at] != '\0')
    r->at++;
}

/* Takes c with the space around it. */
static bool take(reader *r, char c) {
  skip_space(r);
  if (r->at >= r->n || r->s[r->at] != c) return false;
  r->at++;
  skip_space(r);
  return true;
}

static bool take_string(reader *r, word *out) {
  skip_space(r);
  char quote = peek(r);
  if (quote != '\'' && quote != '"') return false;
  const char *start = r->s + r->at + 1;
  const char *end = memchr(start, quote, r->n - r->at - 1);
  if (end == NULL || memchr(start, '\\', (size_t)(end - start)) != NULL) return false;
  *out = (word){start, (size_t)(end - start)};
  r->at = (size_t)(end - r->s) + 1;
  return true;
}

static bool take_word(reader *r, const char *name) {
  size_t n = strlen(name);
  skip_space(r);
  if (r->n - r->at < n || memcmp(r->s + r->at, name, n) != 0) return false;
  r->at += n;
  return true;
}

static bool equals(word w, const char *name) {
  return strlen(name) == w.n && memcmp(w.s, name, w.n) == 0;
}

static ldb_status fail_header(const reader *r, ldb_error *e, const char *expected) {
  char excerpt[LDB_EXCERPT_TEXT];
  return ldb_fail(e, LDB_FORMAT, "NPY header, byte %llu: expected %s, got '%s'",
                  (unsigned long long)r->at + 1, expected,
                  ldb_text_excerpt(r->s + r->at, r->n - r->at, excerpt));
}

/* (), (3,), (2, 3), (2, 3,); Python 2 wrote 3L. Sizes up to 2^62; products are checked later. */
static ldb_status take_shape(reader *r, int *rank, int64_t shape[LDB_MAX_RANK], ldb_error *e) {
  *rank = 0;
  if (!take(r, '(')) return fail_header(r, e, "'(' of the shape");
  bool comma = true;
  while (!take(r, ')')) {
    char c = peek(r);
    if (!comma || c < '0' || c > '9') return fail_header(r, e, "a size or ')'");
    if (*rank == LDB_MAX_RANK)
      return ldb_fail(e, LDB_FORMAT, "NPY: more than %d axes", (int)LDB_MAX_RANK);
    int64_t size = 0;
    for (; c >= '0' && c <= '9'; c = peek(r)) {
      if (size > ((int64_t)1 << 58)) return fail_header(r, e, "a smaller size");
      size = size * 10 + (c - '0');
      r->at++;
    }
    if (c == 'L') r->at++;
    shape[(*rank)++] = size;
    comma = take(r, ',');
  }
  if (*rank == 1 && !comma) return fail_header(r, e, "(n,) for the shape of one axis");
  return LDB_OK;
}

static ldb_status refuse_type(word type, ldb_error *e, const char *why) {
  char excerpt[LDB_EXCERPT_TEXT];
  return ldb_fail(e, LDB_FORMAT, "NPY type '%s' %s", ldb_text_excerpt(type.s, type.n, excerpt),
                  why);
}

static ldb_status refuse_kind(word type, char kind, ldb_error *e) {
  switch (kind) {
  case 'O':
    return refuse_type(
        type, e, "is refused: object arrays are pickles, which run code when they are loaded");
  case 'V':
    return refuse_type(type, e, "is refused: records; save each field as an array");
  case 'S':
  case 'U':
    return refuse_type(type, e, "is refused: text; save class numbers instead");
  case 'c':
    return refuse_type(type, e, "is refused: complex; save real and imaginary parts");
  case 'M':
  case 'm':
    return refuse_type(type, e, "is refused: dates; save them as numbers");
  default:
    return refuse_type(type, e, "is not known");
  }
}

static ldb_status set_element(word type, ldb_element *out, ldb_error *e) {
  bool ordered = type.n > 0 && memchr("<>|=", type.s[0], 4) != NULL;
  char order = ordered ? type.s[0] : '=';
  const char *p = type.s + (ordered ? 1 : 0);
  size_t n = type.n - (ordered ? 1 : 0);
  if (n == 0) return refuse_type(type, e, "is not known");
  if (memchr("fiub", p[0], 4) == NULL) return refuse_kind(type, p[0], e);
  if (n != 2) return refuse_type(type, e, "is not known");
  int size = p[1] - '0';
  uint16_t one = 1;
  unsigned char first = 0;
  memcpy(&first, &one, 1);
  *out = (ldb_element){.size = size, .big_endian = order == '>' || (order != '<' && first == 0)};
  bool integer = p[0] == 'i' || p[0] == 'u';
  out->kind = p[0] == 'f'   ? LDB_REAL
              : p[0] == 'i' ? LDB_SIGNED
              : p[0] == 'u' ? LDB_UNSIGNED
                            : LDB_BOOLEAN;
  if (p[0] == 'f' && size == 2)
    return refuse_type(type, e, "is refused: half precision; save .astype('float32')");
  if (p[0] == 'u' && size == 8)
    return refuse_type(type, e, "is refused: 64 bits without sign; save .astype('int64')");
  bool known = integer ? size == 1 || size == 2 || size == 4 || size == 8
                       : (p[0] == 'b' ? size == 1 : size == 4 || size == 8);
  if (!known || (order == '|' && size != 1)) return refuse_type(type, e, "is not known");
  return LDB_OK;
}

static ldb_status take_type(reader *r, ldb_element *out, ldb_error *e) {
  word type;
  skip_space(r);
  if (peek(r) == '[')
    return ldb_fail(e, LDB_FORMAT,
                    "NPY: records (a list as type) are refused; save each field as "
                    "an array");
  if (!take_string(r, &type)) return fail_header(r, e, "a type such as '<f4'");
  return set_element(type, out, e);
}

static ldb_status take_fortran(reader *r, bool *out, ldb_error *e) {
  *out = take_word(r, "True");
  if (*out || take_word(r, "False")) return LDB_OK;
  return fail_header(r, e, "True or False");
}

static ldb_status take_dict(reader *r, ldb_npy_layout *out, int64_t shape[LDB_MAX_RANK],
                            ldb_error *e) {
  enum { DESCR = 1, FORTRAN = 2, SHAPE = 4, ALL = 7 };
  int seen = 0;
  bool comma = true;
  if (!take(r, '{')) return fail_header(r, e, "'{'");
  while (!take(r, '}')) {
    word key;
    if (!comma || !take_string(r, &key)) return fail_header(r, e, "a key or '}'");
    int which = equals(key, "descr")           ? DESCR
                : equals(key, "fortran_order") ? FORTRAN
                : equals(key, "shape")         ? SHAPE
                                               : 0;
    if (which == 0 || (seen & which) != 0)
      return fail_header(r, e, "descr, fortran_order and shape, once each, before this place");
    seen |= which;
    if (!take(r, ':')) return fail_header(r, e, "':'");
    ldb_status s = which == DESCR     ? take_type(r, &out->element, e)
                   : which == FORTRAN ? take_fortran(r, &out->fortran, e)
                                      : take_shape(r, &out->shape.rank, shape, e);
    if (s != LDB_OK) return s;
    comma = take(r, ',');
  }
  skip_space(r);
  if (r->at != r->n) return fail_header(r, e, "the end of the header");
  if (seen != ALL) return fail_header(r, e, "descr, fortran_order and shape before this place");
  return LDB_OK;
}

/* ------------------------------------------------------------------------------- reading */

static ldb_status take_preamble(const unsigned char *bytes, size_t n, int *major, reader *r,
                                ldb_error *e) {
  size_t start = MAGIC_BYTES + VERSION_BYTES;
  if (n >= 4 && memcmp(bytes, "PK\x03\x04", 4) == 0)
    return ldb_fail(e, LDB_FORMAT, "this is an NPZ archive: unpack it and load the .npy files");
  if (memcmp(bytes, magic, n < MAGIC_BYTES ? n : MAGIC_BYTES) != 0)
    return ldb_fail(e, LDB_FORMAT, "not an NPY file: it must begin with \\x93NUMPY");
  if (n < start + 2)
    return ldb_fail(e, LDB_FORMAT, "cut short: an NPY file begins with %llu bytes, got %llu",
                    (unsigned long long)start + 2, (unsigned long long)n);
  *major = bytes[MAGIC_BYTES];
  if (*major < 1 || *major > 3 || bytes[MAGIC_BYTES + 1] != 0)
    return ldb_fail(e, LDB_FORMAT, "NPY version %d.%d: expected 1.0, 2.0 or 3.0", *major,
                    (int)bytes[MAGIC_BYTES + 1]);
  size_t width = *major == 1 ? 2 : 4, length = 0;
  if (n < start + width)
    return ldb_fail(e, LDB_FORMAT, "cut short: an NPY file begins with %llu bytes, got %llu",
                    (unsigned long long)(start + width), (unsigned long long)n);
  for (size_t i = width; i > 0; i--)
    length = length << 8 | bytes[start + i - 1];
  if (length > LDB_NPY_MAX_HEADER)
    return ldb_fail(e, LDB_FORMAT, "NPY header of %llu bytes: at most %d are accepted",
                    (unsigned long long)length, (int)LDB_NPY_MAX_HEADER);
  start += width;
  if (n - start < length)
    return ldb_fail(e, LDB_FORMAT, "cut short: the NPY header ends at byte %llu, got %llu bytes",
                    (unsigned long long)(start + length), (unsigned long long)n);
  *r = (reader){.s = (const char *)bytes + start, .n = length};
  return LDB_OK;
}

static ldb_status check_length(size_t n, const ldb_npy_layout *layout, ldb_error *e) {
  size_t count = (size_t)ldb_view_count(&layout->shape), data = 0, expected = 0;
  char shape[LDB_SHAPE_TEXT];
  if (!ldb_mul_size(count, (size_t)layout->element.size, &data) ||
      !ldb_add_size(data, layout->offset, &expected))
    return ldb_fail(e, LDB_OVERFLOW, "the header declares %s, more bytes than can be counted",
                    ldb_shape_text(&layout->shape, shape));
  if (n == expected) return LDB_OK;
  return ldb_fail(e, LDB_FORMAT, "%s: expected %llu bytes for shape %s, got %llu",
                  n < expected ? "cut short" : "bytes left over", (unsigned long long)expected,
                  ldb_shape_text(&layout->shape, shape), (unsigned long long)n);
}

ldb_status ldb_npy_measure(const unsigned char *bytes, size_t n, ldb_npy_layout *out,
                           ldb_error *e) {
  reader r = {.s = NULL};
  int64_t shape[LDB_MAX_RANK] = {0};
  *out = (ldb_npy_layout){.major = 0};
  ldb_status s = take_preamble(bytes, n, &out->major, &r, e);
  if (s != LDB_OK) return s;
  s = take_dict(&r, out, shape, e);
  if (s != LDB_OK) return s;
  s = ldb_view_init(&out->shape, ldb_element_dtype(&out->element), out->shape.rank, shape, e);
  if (s != LDB_OK) return s;
  out->offset = (size_t)(r.s - (const char *)bytes) + r.n;
  return check_length(n, out, e);
}

/* Place in row-major order of element i of a first-axis-fastest array. */
static int64_t fortran_place(const ldb_view *v, int64_t i) {
  int64_t at = 0;
  for (int k = 0; k < v->rank; k++) {
    at += i % v->shape[k] * v->stride[k];
    i /= v->shape[k];
  }
  return at;
}

ldb_status ldb_npy_read(const unsigned char *bytes, size_t n, const ldb_npy_layout *layout,
                        ldb_view *out, ldb_error *e) {
  if (check_length(n, layout, e) != LDB_OK || !ldb_same_shape(out, &layout->shape))
    return ldb_fail(e, LDB_STATE, "the bytes do not match the layout that was measured");
  const unsigned char *p = bytes + layout->offset;
  int64_t count = ldb_view_count(out);
  for (int64_t i = 0; i < count; i++, p += layout->element.size) {
    int64_t at = layout->fortran ? fortran_place(out, i) : i;
    ldb_status s = ldb_element_store(&layout->element, p, out, at, e);
    if (s != LDB_OK) return s;
  }
  return LDB_OK;
}

/* ------------------------------------------------------------------------------- writing */

enum { HEADER_TEXT = 320 }; /* 8 sizes of 19 digits and the words around them */

static size_t put(char *text, size_t at, const char *piece) {
  size_t n = strlen(piece);
  memcpy(text + at, piece, n);
  return at + n;
}

/* The dict, padded with spaces and a line end so that the elements start at a multiple of 64. */
static size_t header_text(const ldb_view *v, char text[HEADER_TEXT]) {
  static const char *const types[] = {[LDB_F32] = "<f4", [LDB_F64] = "<f8", [LDB_I32] = "<i4"};
  size_t before = MAGIC_BYTES + VERSION_BYTES + 2;
  size_t at = put(text, 0, "{'descr': '");
  at = put(text, at, types[v->dtype]);
  at = put(text, at, "', 'fortran_order': False, 'shape': (");
  for (int k = 0; k < v->rank; k++) {
    char digits[20];
    size_t n = 0;
    int64_t size = v->shape[k];
    do
      digits[n++] = (char)('0' + size % 10);
    while ((size /= 10) > 0);
    while (n > 0)
      text[at++] = digits[--n];
    at = put(text, at, v->rank == 1 ? "," : k + 1 < v->rank ? ", " : "");
  }
  at = put(text, at, "), }");
  while ((before + at + 1) % ALIGNMENT != 0)
    text[at++] = ' ';
  text[at++] = '\n';
  return at;
}

ldb_status ldb_npy_bytes(const ldb_view *v, size_t *bytes, ldb_error *e) {
  char text[HEADER_TEXT];
  ldb_status s = ldb_view_bytes(v, bytes, e);
  if (s != LDB_OK) return s;
  if (!ldb_add_size(*bytes, MAGIC_BYTES + VERSION_BYTES + 2 + header_text(v, text), bytes))
    return ldb_fail(e, LDB_OVERFLOW, "the file's bytes cannot be counted");
  return LDB_OK;
}

ldb_status ldb_npy_write(const ldb_view *v, unsigned char *out, size_t n, ldb_error *e) {
  char text[HEADER_TEXT];
  size_t expected = 0;
  ldb_status s = ldb_npy_bytes(v, &expected, e);
  if (s != LDB_OK) return s;
  if (n != expected || !ldb_view_is_contiguous(v))
    return ldb_fail(e, LDB_STATE, "expected contiguous elements and room for %llu bytes, got %llu",
                    (unsigned long long)expected, (unsigned long long)n);
  size_t length = header_text(v, text), size = ldb_dtype_size(v->dtype);
  memcpy(out, magic, MAGIC_BYTES);
  out[MAGIC_BYTES] = 1;
  out[MAGIC_BYTES + 1] = 0;
  out[MAGIC_BYTES + 2] = (unsigned char)(length & 0xFF);
  out[MAGIC_BYTES + 3] = (unsigned char)(length >> 8);
  memcpy(out + MAGIC_BYTES + 4, text, length);
  unsigned char *p = out + MAGIC_BYTES + 4 + length;
  for (int64_t i = 0; i < ldb_view_count(v); i++, p += size) {
    uint64_t bits = 0;
    if (size == 4) {
      uint32_t word32 = 0;
      memcpy(&word32, (const unsigned char *)v->data + (size_t)i * size, size);
      bits = word32;
    } else {
      memcpy(&bits, (const unsigned char *)v->data + (size_t)i * size, size);
    }
    for (size_t k = 0; k < size; k++)
      p[k] = (unsigned char)(bits >> (8 * k));
  }
  return LDB_OK;
}
