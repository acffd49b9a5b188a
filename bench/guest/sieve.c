/* The primes below a million, by a sieve of bytes. */
#include "work.h"

#include <string.h>

enum { LIMIT = 1000000 };

static uint8_t composite[LIMIT];

static CALLED void strike(uint32_t prime) {
  for (uint32_t at = prime * prime; at < LIMIT; at += prime) composite[at] = 1;
}

static CALLED uint32_t count(uint32_t from, uint32_t to) {
  uint32_t primes = 0;
  for (uint32_t at = from; at < to; at++) primes += !composite[at];
  return primes;
}

static CALLED uint32_t round_of(void) {
  uint32_t primes = 0;
  memset(composite, 0, sizeof composite);
  for (uint32_t at = 2; at * at < LIMIT; at++) {
    if (!composite[at]) strike(at);
  }
  for (uint32_t from = 2; from < LIMIT; from += 10000) {
    primes += count(from, from + 10000 < LIMIT ? from + 10000 : LIMIT);
  }
  return primes;
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  while (rounds-- > 0) sum = round_of();
  return sum;
}
