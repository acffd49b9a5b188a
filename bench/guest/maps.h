/**
 * What a program of the mapped rows works on: pieces of memory that the host gives it, mapped by the kernel or from the program's own malloc. It cannot tell
 * which: its pointers are plain pointers.
 */
#ifndef MAPS_H
#define MAPS_H

#include "work.h"

#include <stdlib.h>

enum { MAPS = 64 };

static unsigned char *maps[MAPS];
static uint32_t map_bytes;

/** Gives it piece `index`, of `bytes` as all the others. */
EXPORT(place) void place(uint32_t index, void *address, uint32_t bytes);
void place(uint32_t index, void *address, uint32_t bytes) {
  maps[index] = address;
  map_bytes = bytes;
}

/** => memory of its own for a piece, on a page's border. */
EXPORT(allocate) void *allocate(uint32_t bytes);
void *allocate(uint32_t bytes) {
  return aligned_alloc(4096, bytes);
}

/** Fills the pieces. */
EXPORT(prepare) void prepare(void);

#endif
