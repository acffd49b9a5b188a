/* sys/mman.h, brk, page size: POSIX.1-2017 mmap and its family, Linux mremap(2), madvise(2), mincore(2). */
#include "answer.h"

#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

int getpagesize(void) {
  return __isopage_getpagesize();
}

void *mmap(void *addr, size_t length, int prot, int flags, int fd, off_t offset) {
  return (void *)answer(__isopage_mmap(addr, length, prot, flags, fd, offset));
}

int munmap(void *addr, size_t length) {
  return answer(__isopage_munmap(addr, length));
}

int mprotect(void *addr, size_t length, int prot) {
  return answer(__isopage_mprotect(addr, length, prot));
}

int msync(void *addr, size_t length, int flags) {
  return answer(__isopage_msync(addr, length, flags));
}

void *mremap(void *old, size_t old_length, size_t new_length, int flags, ...) {
  va_list list;
  va_start(list, flags);
  void *to = flags & MREMAP_FIXED ? va_arg(list, void *) : NULL;
  va_end(list);
  return (void *)answer(__isopage_mremap(old, old_length, new_length, flags, to));
}

int madvise(void *addr, size_t length, int advice) {
  return answer(__isopage_madvise(addr, length, advice));
}

int posix_madvise(void *addr, size_t length, int advice) {
  return number(__isopage_posix_madvise(addr, length, advice));
}

int mincore(void *addr, size_t length, unsigned char *vec) {
  return answer(__isopage_mincore(addr, length, vec));
}

int mlock(const void *addr, size_t length) {
  return answer(__isopage_mlock(addr, length));
}

int munlock(const void *addr, size_t length) {
  return answer(__isopage_munlock(addr, length));
}

int mlockall(int flags) {
  return answer(__isopage_mlockall(flags));
}

int munlockall(void) {
  return answer(__isopage_munlockall());
}

int shm_open(const char *name, int flags, mode_t mode) {
  return answer(__isopage_shm_open(name, with_access(flags), mode));
}

int shm_unlink(const char *name) {
  return answer(__isopage_shm_unlink(name));
}

/* The heap is private memory, which grows by 64 KiB and never shrinks; a lower break is remembered by nobody. */
int brk(void *end) {
  const size_t unit = 65536;
  uintptr_t now = (uintptr_t)sbrk(0);
  if ((uintptr_t)end <= now) return 0;
  size_t more = ((uintptr_t)end - now + unit - 1) / unit * unit;
  return sbrk((intptr_t)more) == (void *)-1 ? -1 : 0;
}
