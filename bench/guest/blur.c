/* A picture of 8-bit channels, blurred by rows and by columns with a binomial kernel of five. */
#include "work.h"

enum { WIDTH = 256, HEIGHT = 192, CHANNELS = 4, STRIDE = WIDTH * CHANNELS };

static uint8_t picture[HEIGHT * STRIDE], across[HEIGHT * STRIDE], blurred[HEIGHT * STRIDE];

static void make_picture(void) {
  uint32_t seed = 31;
  for (int i = 0; i < HEIGHT * STRIDE; i++) picture[i] = (uint8_t)(next_random(&seed) >> 24);
}

static int clamp(int value, int most) {
  return value < 0 ? 0 : value > most ? most : value;
}

static CALLED void blur_row(const uint8_t *from, uint8_t *to) {
  for (int x = 0; x < WIDTH; x++) {
    const uint8_t *a = from + clamp(x - 2, WIDTH - 1) * CHANNELS, *b = from + clamp(x - 1, WIDTH - 1) * CHANNELS;
    const uint8_t *c = from + x * CHANNELS;
    const uint8_t *d = from + clamp(x + 1, WIDTH - 1) * CHANNELS, *e = from + clamp(x + 2, WIDTH - 1) * CHANNELS;
    for (int channel = 0; channel < CHANNELS; channel++) {
      to[x * CHANNELS + channel] = (uint8_t)((a[channel] + 4 * b[channel] + 6 * c[channel] + 4 * d[channel] + e[channel] + 8) >> 4);
    }
  }
}

static CALLED void blur_column(const uint8_t *const from[5], uint8_t *to) {
  const uint8_t *a = from[0], *b = from[1], *c = from[2], *d = from[3], *e = from[4];
  for (int x = 0; x < STRIDE; x++) to[x] = (uint8_t)((a[x] + 4 * b[x] + 6 * c[x] + 4 * d[x] + e[x] + 8) >> 4);
}

static CALLED uint32_t round_of(void) {
  uint32_t sum = 2166136261u;
  for (int y = 0; y < HEIGHT; y++) blur_row(picture + y * STRIDE, across + y * STRIDE);
  for (int y = 0; y < HEIGHT; y++) {
    const uint8_t *rows[5];
    for (int i = 0; i < 5; i++) rows[i] = across + clamp(y + i - 2, HEIGHT - 1) * STRIDE;
    blur_column(rows, blurred + y * STRIDE);
  }
  for (int i = 0; i < HEIGHT * STRIDE; i += 61) sum = mix(sum, blurred[i]);
  return sum;
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  make_picture();
  while (rounds-- > 0) sum = round_of();
  return sum;
}
