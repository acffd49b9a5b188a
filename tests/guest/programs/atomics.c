/* Atomic operations of each width on mapped memory and on the program's own. */
#include "see.h"

#include <stdatomic.h>

struct words {
  _Atomic uint8_t byte;
  _Atomic uint16_t half;
  _Atomic uint32_t word;
  _Atomic uint64_t wide;
};

static struct words own;

static void use(struct words *at) {
  atomic_store(&at->byte, 250);
  SHOW(atomic_fetch_add(&at->byte, 10));
  SHOW(at->byte);
  SHOW(atomic_fetch_sub(&at->half, 1));
  SHOW(at->half);
  SHOW(atomic_exchange(&at->word, 0xf0f0f0f0u));
  SHOW(atomic_fetch_and(&at->word, 0xff00ff00u));
  SHOW(atomic_fetch_or(&at->word, 0xfu));
  SHOW(atomic_fetch_xor(&at->word, 0xffffffffu));
  SHOW(at->word);
  uint64_t expected = 1;
  SHOW(atomic_compare_exchange_strong(&at->wide, &expected, 5));
  SHOW(expected);
  SHOW(atomic_compare_exchange_strong(&at->wide, &expected, 0x123456789abcull));
  SHOW(atomic_fetch_add(&at->wide, 0x100000000ull));
  SHOW(at->wide);
}

int main(void) {
  use(mmap(NULL, page(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  use(&own);
  return 0;
}
