/* JSON: a text is made, parsed to a tree, and the tree written again; both texts are equal. */
#include "work.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 300, TEXT_MAX = 1 << 17, VALUES_MAX = 1 << 14 };

enum kind { NULL_VALUE, FALSE_VALUE, TRUE_VALUE, NUMBER, STRING, ARRAY, OBJECT };

struct value {
  enum kind kind;
  int32_t number;
  const char *text; /* of a string, unescaped length in `number` */
  struct value *name; /* of a member */
  struct value *first, *next;
};

static char source[TEXT_MAX], written[TEXT_MAX], strings[TEXT_MAX];
static struct value values[VALUES_MAX];
static uint32_t used;
static char *string_end;

static uint32_t make_source(void) {
  uint32_t seed = 99;
  char *at = source;
  *at++ = '[';
  for (int i = 0; i < RECORDS; i++) {
    static const char *const words[] = {"alpha", "beta \\\"quoted\\\"", "gamma\\n", "delta", "\\\\epsilon", "zeta", "", "theta"};
    uint32_t random = next_random(&seed);
    at += sprintf(at, "%s{\"id\":%d,\"name\":\"%s\",\"tags\":[\"%s\",\"%s\"],\"score\":%d,\"ok\":%s,\"none\":null,\"inner\":{\"x\":%d,\"y\":[%d,%d,[]]}}",
      i ? "," : "", i, words[random & 7], words[random >> 3 & 7], words[random >> 6 & 7], (int)(random >> 9) - 4000000,
      random >> 31 ? "true" : "false", (int)(random & 1023), (int)(random >> 4 & 255), (int)(random >> 12 & 65535));
  }
  *at++ = ']';
  *at = 0;
  return (uint32_t)(at - source);
}

static struct value *new_value(enum kind kind) {
  struct value *made = &values[used++];
  if (used == VALUES_MAX) abort();
  *made = (struct value){.kind = kind};
  return made;
}

static struct value *parse(const char **at);

static CALLED struct value *parse_string(const char **at) {
  struct value *made = new_value(STRING);
  const char *p = *at + 1;
  char *to = string_end;
  made->text = to;
  while (*p != '"') {
    char c = *p++;
    if (c == '\\') {
      c = *p++;
      if (c == 'n') c = '\n';
    }
    *to++ = c;
  }
  made->number = (int32_t)(to - string_end);
  string_end = to;
  *at = p + 1;
  return made;
}

static CALLED struct value *parse_number(const char **at) {
  struct value *made = new_value(NUMBER);
  const char *p = *at;
  int negative = *p == '-';
  p += negative;
  while (*p >= '0' && *p <= '9') made->number = made->number * 10 + (*p++ - '0');
  if (negative) made->number = -made->number;
  *at = p;
  return made;
}

static CALLED struct value *parse_list(const char **at, enum kind kind, char end) {
  struct value *made = new_value(kind), **tail = &made->first;
  for ((*at)++; **at != end; *at += **at == ',') {
    struct value *name = NULL;
    if (kind == OBJECT) {
      name = parse_string(at);
      (*at)++;
    }
    *tail = parse(at);
    (*tail)->name = name;
    tail = &(*tail)->next;
  }
  (*at)++;
  return made;
}

static struct value *parse(const char **at) {
  switch (**at) {
    case '[': return parse_list(at, ARRAY, ']');
    case '{': return parse_list(at, OBJECT, '}');
    case '"': return parse_string(at);
    case 'n': *at += 4; return new_value(NULL_VALUE);
    case 't': *at += 4; return new_value(TRUE_VALUE);
    case 'f': *at += 5; return new_value(FALSE_VALUE);
    default: return parse_number(at);
  }
}

static char *put_text(char *to, const char *text) {
  while (*text) *to++ = *text++;
  return to;
}

static CALLED char *put_string(char *to, const struct value *value) {
  *to++ = '"';
  for (int32_t i = 0; i < value->number; i++) {
    char c = value->text[i];
    if (c == '"' || c == '\\' || c == '\n') *to++ = '\\';
    *to++ = c == '\n' ? 'n' : c;
  }
  *to++ = '"';
  return to;
}

static CALLED char *put_number(char *to, int32_t number) {
  char digits[12];
  int count = 0;
  uint32_t rest = number < 0 ? 0u - (uint32_t)number : (uint32_t)number;
  do digits[count++] = (char)('0' + rest % 10); while ((rest /= 10) > 0);
  if (number < 0) *to++ = '-';
  while (count > 0) *to++ = digits[--count];
  return to;
}

static CALLED char *put(char *to, const struct value *value) {
  switch (value->kind) {
    case NULL_VALUE: return put_text(to, "null");
    case FALSE_VALUE: return put_text(to, "false");
    case TRUE_VALUE: return put_text(to, "true");
    case NUMBER: return put_number(to, value->number);
    case STRING: return put_string(to, value);
    default: break;
  }
  *to++ = value->kind == ARRAY ? '[' : '{';
  for (const struct value *at = value->first; at; at = at->next) {
    if (at != value->first) *to++ = ',';
    if (at->name) {
      to = put_string(to, at->name);
      *to++ = ':';
    }
    to = put(to, at);
  }
  *to++ = value->kind == ARRAY ? ']' : '}';
  return to;
}

static CALLED uint32_t round_of(uint32_t length) {
  const char *at = source;
  used = 0;
  string_end = strings;
  struct value *root = parse(&at);
  char *end = put(written, root);
  if ((uint32_t)(end - written) != length || memcmp(source, written, length) != 0) return 0;
  return mix(mix(length, used), (uint32_t)(string_end - strings));
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0, length = make_source();
  while (rounds-- > 0) sum = round_of(length);
  return sum;
}
