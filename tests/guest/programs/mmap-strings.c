/* The C library's functions on mapped memory, and between it and the heap. */
#include "see.h"

static int by_value(const void *one, const void *two) {
  return *(const int *)one - *(const int *)two;
}

int main(void) {
  size_t size = page();
  char *map = mmap(NULL, 16 * size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  char *heap = malloc(4 * size);
  char *text = map + size - 5;
  strcpy(text, "a string across two pages");
  SHOW(strlen(text));
  TEXT(strchr(text, 'c'));
  SHOW(strcmp(text, "a string across two pages"));
  memset(map + 2 * size - 3, 'm', 3 * size);
  memcpy(heap, map + 2 * size - 3, 3 * size);
  SHOW(heap[0] == 'm' && heap[3 * size - 1] == 'm');
  memmove(map + 2 * size, map + 2 * size - 3, 3 * size);
  SHOW(map[5 * size - 1] == 'm');
  SHOW(memchr(map + 2 * size - 3, 0, 4 * size) == map + 5 * size);
  int *numbers = (int *)(map + 8 * size);
  for (int i = 0; i < 3000; i++) numbers[i] = i * 7919 % 3001;
  qsort(numbers, 3000, sizeof *numbers, by_value);
  int ordered = 1;
  for (int i = 1; i < 3000; i++) ordered &= numbers[i - 1] <= numbers[i];
  SHOW(ordered);
  sprintf(map, "%d %s %.2f", 42, "words", 2.5);
  TEXT(map);
  int a;
  double b;
  SHOW(sscanf(map, "%d %*s %lf", &a, &b));
  SHOW(a == 42 && b == 2.5);
  FILE *stream = fmemopen(map + 14 * size, size, "w");
  fprintf(stream, "through a stream");
  fclose(stream);
  TEXT(map + 14 * size);
  return 0;
}
