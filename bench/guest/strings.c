/* Text by the C library: words split, lowered, joined, compared, searched, counted and printed. */
#include "work.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 3000, TEXT_MAX = 1 << 16 };

static char text[TEXT_MAX], copy[TEXT_MAX], line[256];
static char *words[WORDS];

static void make_text(void) {
  static const char *const parts[] = {"Map", "unmap", "PAGE", "fault", "Dirty", "sync", "SHARE", "wake"};
  uint32_t seed = 23;
  char *at = text;
  for (int i = 0; i < WORDS; i++) {
    uint32_t random = next_random(&seed);
    strcpy(at, parts[random & 7]);
    at += strlen(at);
    strcpy(at, parts[random >> 3 & 7]);
    at += strlen(at);
    *at++ = (random >> 6 & 7) == 0 ? '\n' : ' ';
  }
  *at = 0;
}

static CALLED int split(char *from) {
  int count = 0;
  for (char *word = strtok(from, " \n"); word; word = strtok(NULL, " \n")) words[count++] = word;
  return count;
}

static CALLED void lower(char *word) {
  for (; *word; word++) *word = (char)tolower((unsigned char)*word);
}

static CALLED uint32_t hash_of(const char *word) {
  uint32_t sum = 2166136261u;
  while (*word) sum = mix(sum, (uint8_t)*word++);
  return sum;
}

/** Counts of equal neighbours, after an ordering of the words by their beginnings. */
static CALLED uint32_t equal_neighbours(int count) {
  uint32_t equal = 0;
  for (int i = 1; i < count; i++) {
    equal += strcmp(words[i - 1], words[i]) == 0;
    equal += strncmp(words[i - 1], words[i], 3) == 0;
  }
  return equal;
}

static CALLED uint32_t search(const char *in, const char *wanted) {
  uint32_t found = 0;
  for (const char *at = in; (at = strstr(at, wanted)); at += strlen(wanted)) found++;
  return found;
}

static CALLED uint32_t print(int count, uint32_t sum) {
  for (int i = 0; i + 2 < count; i += 32) {
    int length = snprintf(line, sizeof line, "%s/%s:%05d:%x", words[i], words[i + 1], i, (unsigned)sum);
    sum = mix(sum, (uint32_t)length + (uint8_t)line[length / 2]);
    sum += (uint32_t)atoi(strchr(line, ':') + 1);
  }
  return sum;
}

static CALLED uint32_t round_of(void) {
  uint32_t sum = search(text, "fault") + 100 * search(text, "SHAREwake");
  strcpy(copy, text);
  int count = split(copy);
  for (int i = 0; i < count; i++) {
    lower(words[i]);
    sum = mix(sum, hash_of(words[i]));
  }
  sum = mix(sum, equal_neighbours(count));
  return print(count, sum);
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  make_text();
  while (rounds-- > 0) sum = round_of();
  return sum;
}
