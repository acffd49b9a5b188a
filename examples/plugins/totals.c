/* A plugin in C: price times count, into the rows of the host's table. */
#include "table.h"

/* => the sum of all totals. */
__attribute__((export_name("totals"))) uint32_t totals(struct table *table) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < table->rows; i++) {
    struct row *row = &table->row[i];
    row->total = row->price * row->count;
    sum += row->total;
  }
  return sum;
}
