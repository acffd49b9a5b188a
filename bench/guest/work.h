/** What a program of the bench exports, and what it works on. Each round begins anew: its checksum does not depend on how many were done before. */
#ifndef WORK_H
#define WORK_H

#include <stdint.h>

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name)))
#else
#define EXPORT(name)
#endif

/** Engines take up better code of a function when it is called: a loop of calls, not one long loop. */
#define CALLED __attribute__((noinline))

/** => the checksum of the last of `rounds` rounds. */
EXPORT(work) uint32_t work(uint32_t rounds);

/** Memory may be another now: no pass over it is as good as the one before. Between rounds that write nothing. */
static inline void look_again(void) {
  __asm__ volatile("" ::: "memory");
}

/** Marsaglia's xorshift32. */
static inline uint32_t next_random(uint32_t *state) {
  uint32_t x = *state;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return *state = x;
}

/** One step of FNV-1a, by words. */
static inline uint32_t mix(uint32_t sum, uint32_t word) {
  return (sum ^ word) * 16777619u;
}

#endif
