/* Sun and planets, a step at a time, in doubles. */
#include "work.h"

#include <math.h>
#include <string.h>

enum { BODIES = 5, STEPS = 4000 };

struct body {
  double x, y, z, vx, vy, vz, mass;
};

static const struct body start[BODIES] = {
  {0, 0, 0, 0, 0, 0, 39.5},
  {4.84, -1.16, -0.10, 0.61, 2.81, -0.03, 0.038},
  {8.34, 4.12, -0.40, -1.01, 1.82, 0.01, 0.011},
  {12.9, -15.1, -0.22, 1.08, 0.87, -0.01, 0.0017},
  {15.4, -25.9, 0.18, 0.98, 0.59, -0.03, 0.002},
};
static struct body bodies[BODIES];

static CALLED void pull(struct body *a, struct body *b, double dt) {
  double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
  double square = dx * dx + dy * dy + dz * dz;
  double size = dt / (square * sqrt(square));
  a->vx -= dx * b->mass * size;
  a->vy -= dy * b->mass * size;
  a->vz -= dz * b->mass * size;
  b->vx += dx * a->mass * size;
  b->vy += dy * a->mass * size;
  b->vz += dz * a->mass * size;
}

static CALLED void step(double dt) {
  for (int i = 0; i < BODIES; i++) {
    for (int j = i + 1; j < BODIES; j++) pull(&bodies[i], &bodies[j], dt);
  }
  for (int i = 0; i < BODIES; i++) {
    bodies[i].x += dt * bodies[i].vx;
    bodies[i].y += dt * bodies[i].vy;
    bodies[i].z += dt * bodies[i].vz;
  }
}

static CALLED uint32_t round_of(void) {
  uint32_t sum = 2166136261u;
  memcpy(bodies, start, sizeof bodies);
  for (int i = 0; i < STEPS; i++) step(0.001);
  for (int i = 0; i < BODIES; i++) {
    uint32_t words[2];
    memcpy(words, &bodies[i].x, 8);
    sum = mix(mix(sum, words[0]), words[1]);
  }
  return sum;
}

uint32_t work(uint32_t rounds) {
  uint32_t sum = 0;
  while (rounds-- > 0) sum = round_of();
  return sum;
}
