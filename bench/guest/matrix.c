/* Products of square matrices of doubles, one row of the result at a time. */
#include "work.h"

enum { SIDE = 120 };

static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

static CALLED void fill(void) {
  uint32_t seed = 42;
  for (int i = 0; i < SIDE; i++) {
    for (int j = 0; j < SIDE; j++) {
      a[i][j] = (double)(next_random(&seed) % 1000);
      b[i][j] = (double)(next_random(&seed) % 1000);
    }
  }
}

static CALLED void row_of(int i) {
  for (int j = 0; j < SIDE; j++) {
    double total = 0;
    for (int k = 0; k < SIDE; k++) total += a[i][k] * b[k][j];
    c[i][j] = total;
  }
}

static CALLED uint32_t round_of(void) {
  uint32_t sum = 2166136261u;
  fill();
  for (int i = 0; i < SIDE; i++) row_of(i);
  for (int i = 0; i < SIDE; i++) sum = mix(sum, (uint32_t)c[i][(i * 7) % SIDE]);
  return sum;
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  while (rounds-- > 0) sum = round_of();
  return sum;
}
