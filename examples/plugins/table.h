/* The table that host and plugins share. plugins/order.ts and modules.js know the same numbers. */
#include <stdint.h>

struct row {
  char name[20];
  uint32_t price, count, total;
};

struct table {
  uint32_t rows;
  struct row row[];
};
