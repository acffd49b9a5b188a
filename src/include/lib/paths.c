/*
 * Calls that take a path. wasi-libc looks for a preopened directory and keeps the working directory itself; here both are the kernel's, so all that
 * its posix.c and at_fdcwd.c define is defined here: a program that took one name from them would take all.
 */
#include "answer.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>
#include <utime.h>

_Static_assert(O_CREAT == ISOPAGE_O_CREAT && O_EXCL == ISOPAGE_O_EXCL, "O_CREAT");
_Static_assert(O_RDWR == ISOPAGE_O_RDWR && O_TRUNC == ISOPAGE_O_TRUNC, "O_RDWR");
_Static_assert(O_APPEND == ISOPAGE_O_APPEND && O_NONBLOCK == ISOPAGE_O_NONBLOCK, "O_APPEND");
_Static_assert(O_DIRECTORY == ISOPAGE_O_DIRECTORY, "O_DIRECTORY");
_Static_assert(O_NOFOLLOW == ISOPAGE_O_NOFOLLOW, "O_NOFOLLOW");
_Static_assert(AT_REMOVEDIR == ISOPAGE_GUEST_AT_REMOVEDIR, "AT_REMOVEDIR");
_Static_assert(sizeof(struct timespec) == ISOPAGE_GUEST_TIMESPEC_BYTES, "timespec");

static mode_t mode_of(int flags, va_list list) {
  return flags & O_CREAT ? va_arg(list, mode_t) : 0;
}

int openat(int dirfd, const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = mode_of(flags, list);
  va_end(list);
  return answer(__isopage_openat(dirfd, path, with_access(flags), mode));
}

int open(const char *path, int flags, ...) {
  va_list list;
  va_start(list, flags);
  mode_t mode = mode_of(flags, list);
  va_end(list);
  return openat(AT_FDCWD, path, flags, mode);
}

int creat(const char *path, mode_t mode) {
  return openat(AT_FDCWD, path, O_CREAT | O_TRUNC | O_WRONLY, mode);
}

/* fopen's. */
int __wasilibc_open_nomode(const char *path, int flags) {
  return openat(AT_FDCWD, path, flags, 0666);
}

int faccessat(int dirfd, const char *path, int mode, int flags) {
  return answer(__isopage_faccessat(dirfd, path, mode, flags));
}

int access(const char *path, int mode) {
  return faccessat(AT_FDCWD, path, mode, 0);
}

int eaccess(const char *path, int mode) {
  return faccessat(AT_FDCWD, path, mode, AT_EACCESS);
}

int euidaccess(const char *path, int mode) {
  return eaccess(path, mode);
}

int __wasilibc_access(const char *path, int mode, int flags) {
  return faccessat(AT_FDCWD, path, mode, flags);
}

int fchmod(int fd, mode_t mode) {
  return answer(__isopage_fchmod(fd, mode));
}

int fchmodat(int dirfd, const char *path, mode_t mode, int flags) {
  return flags == 0 ? answer(__isopage_fchmodat(dirfd, path, mode)) : answer(-ENOTSUP);
}

int chmod(const char *path, mode_t mode) {
  return fchmodat(AT_FDCWD, path, mode, 0);
}

int fchown(int fd, uid_t uid, gid_t gid) {
  return answer(__isopage_fchown(fd, uid, gid));
}

int fchownat(int dirfd, const char *path, uid_t uid, gid_t gid, int flags) {
  return answer(__isopage_fchownat(dirfd, path, uid, gid, flags));
}

int chown(const char *path, uid_t uid, gid_t gid) {
  return fchownat(AT_FDCWD, path, uid, gid, 0);
}

int lchown(const char *path, uid_t uid, gid_t gid) {
  return fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

int truncate(const char *path, off_t length) {
  return answer(__isopage_truncate(path, length));
}

int mkdirat(int dirfd, const char *path, mode_t mode) {
  return answer(__isopage_mkdirat(dirfd, path, mode));
}

int mkdir(const char *path, mode_t mode) {
  return mkdirat(AT_FDCWD, path, mode);
}

int mkfifoat(int dirfd, const char *path, mode_t mode) {
  return answer(__isopage_mkfifoat(dirfd, path, mode));
}

int mkfifo(const char *path, mode_t mode) {
  return mkfifoat(AT_FDCWD, path, mode);
}

int unlinkat(int dirfd, const char *path, int flags) {
  return answer(__isopage_unlinkat(dirfd, path, flags));
}

int __wasilibc_unlinkat(int dirfd, const char *path) {
  return unlinkat(dirfd, path, 0);
}

int __wasilibc_rmdirat(int dirfd, const char *path) {
  return unlinkat(dirfd, path, AT_REMOVEDIR);
}

int unlink(const char *path) {
  return unlinkat(AT_FDCWD, path, 0);
}

int rmdir(const char *path) {
  return unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

int remove(const char *path) {
  int error = errno;
  if (unlink(path) == 0) return 0;
  if (errno != EISDIR && errno != EPERM) return -1;
  errno = error;
  return rmdir(path);
}

int renameat(int from_dirfd, const char *from, int to_dirfd, const char *to) {
  return answer(__isopage_renameat(from_dirfd, from, to_dirfd, to));
}

int rename(const char *from, const char *to) {
  return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int __wasilibc_rename_oldat(int dirfd, const char *from, const char *to) {
  return renameat(dirfd, from, AT_FDCWD, to);
}

int __wasilibc_rename_newat(const char *from, int dirfd, const char *to) {
  return renameat(AT_FDCWD, from, dirfd, to);
}

int linkat(int from_dirfd, const char *from, int to_dirfd, const char *to, int flags) {
  return answer(__isopage_linkat(from_dirfd, from, to_dirfd, to, flags));
}

int link(const char *from, const char *to) {
  return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int __wasilibc_link(const char *from, const char *to, int flags) {
  return linkat(AT_FDCWD, from, AT_FDCWD, to, flags);
}

int __wasilibc_link_oldat(int dirfd, const char *from, const char *to, int flags) {
  return linkat(dirfd, from, AT_FDCWD, to, flags);
}

int __wasilibc_link_newat(const char *from, int dirfd, const char *to, int flags) {
  return linkat(AT_FDCWD, from, dirfd, to, flags);
}

int symlinkat(const char *target, int dirfd, const char *path) {
  return answer(__isopage_symlinkat(target, dirfd, path));
}

int symlink(const char *target, const char *path) {
  return symlinkat(target, AT_FDCWD, path);
}

ssize_t readlinkat(int dirfd, const char *path, char *buf, size_t size) {
  return answer(__isopage_readlinkat(dirfd, path, buf, size));
}

ssize_t readlink(const char *path, char *buf, size_t size) {
  return readlinkat(AT_FDCWD, path, buf, size);
}

int chdir(const char *path) {
  return answer(__isopage_chdir(path));
}

int fchdir(int fd) {
  return answer(__isopage_fchdir(fd));
}

char *getcwd(char *buf, size_t size) {
  char whole[ISOPAGE_PATH_MAX];
  if (buf != NULL && size == 0) return answer(-EINVAL), NULL;
  if (buf != NULL) return answer(__isopage_getcwd(buf, size)) < 0 ? NULL : buf;
  if (answer(__isopage_getcwd(whole, sizeof whole)) < 0) return NULL;
  if (size != 0 && strlen(whole) >= size) return answer(-ERANGE), NULL;
  return strdup(whole);
}

int utimensat(int dirfd, const char *path, const struct timespec times[2], int flags) {
  if (path == NULL) return answer(__isopage_futimens(dirfd, times));
  return answer(__isopage_utimensat(dirfd, path, times, flags));
}

int futimens(int fd, const struct timespec times[2]) {
  return answer(__isopage_futimens(fd, times));
}

int __wasilibc_utimens(const char *path, const struct timespec times[2], int flags) {
  return utimensat(AT_FDCWD, path, times, flags);
}

/* => of microseconds, NULL for NULL. A number of them past a second is EINVAL in the kernel, as nanoseconds past it. */
static const struct timespec *in_nanoseconds(const struct timeval from[2], struct timespec to[2]) {
  if (from == NULL) return NULL;
  for (int i = 0; i < 2; i++) {
    int bad = from[i].tv_usec < 0 || from[i].tv_usec >= 1000000;
    to[i] = (struct timespec){from[i].tv_sec, bad ? -1 : (long)from[i].tv_usec * 1000};
  }
  return to;
}

int utimes(const char *path, const struct timeval times[2]) {
  struct timespec to[2];
  return utimensat(AT_FDCWD, path, in_nanoseconds(times, to), 0);
}

int lutimes(const char *path, const struct timeval times[2]) {
  struct timespec to[2];
  return utimensat(AT_FDCWD, path, in_nanoseconds(times, to), AT_SYMLINK_NOFOLLOW);
}

int futimes(int fd, const struct timeval times[2]) {
  struct timespec to[2];
  return futimens(fd, in_nanoseconds(times, to));
}

int utime(const char *path, const struct utimbuf *times) {
  if (times == NULL) return utimensat(AT_FDCWD, path, NULL, 0);
  struct timespec to[2] = {{times->actime, 0}, {times->modtime, 0}};
  return utimensat(AT_FDCWD, path, to, 0);
}

DIR *opendirat(int dirfd, const char *path) {
  int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return NULL;
  DIR *opened = fdopendir(fd);
  if (opened == NULL) {
    int error = errno;
    close(fd);
    errno = error;
  }
  return opened;
}

DIR *opendir(const char *path) {
  return opendirat(AT_FDCWD, path);
}

typedef int Filter(const struct dirent *);
typedef int Order(const struct dirent **, const struct dirent **);

static struct dirent *copy_of(const struct dirent *entry) {
  size_t bytes = offsetof(struct dirent, d_name) + strlen(entry->d_name) + 1;
  struct dirent *copy = malloc(bytes);
  return copy == NULL ? NULL : memcpy(copy, entry, bytes);
}

/* => how many were put into `*list`, -1 when memory ran out. */
static int gather(DIR *from, struct dirent ***list, Filter *filter) {
  int count = 0;
  for (struct dirent *entry; (entry = readdir(from)) != NULL;) {
    if (filter != NULL && !filter(entry)) continue;
    struct dirent **longer = realloc(*list, (size_t)(count + 1) * sizeof *longer);
    struct dirent *copy = longer == NULL ? NULL : copy_of(entry);
    if (longer != NULL) *list = longer;
    if (copy == NULL) {
      while (count > 0) free((*list)[--count]);
      return -1;
    }
    longer[count++] = copy;
  }
  return count;
}

int scandirat(int dirfd, const char *path, struct dirent ***list, Filter *filter, Order *order) {
  DIR *from = opendirat(dirfd, path);
  if (from == NULL) return -1;
  struct dirent **found = NULL;
  int count = gather(from, &found, filter);
  closedir(from);
  if (count < 0) {
    free(found);
    return answer(-ENOMEM);
  }
  if (order != NULL && count > 0) {
    qsort(found, (size_t)count, sizeof *found, (int (*)(const void *, const void *))order);
  }
  *list = found;
  return count;
}

int scandir(const char *path, struct dirent ***list, Filter *filter, Order *order) {
  return scandirat(AT_FDCWD, path, list, filter, order);
}
