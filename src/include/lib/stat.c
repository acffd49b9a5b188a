/* stat and statvfs, as the kernel knows them: permission bits, owner, times. POSIX.1-2017 fstatat, fstatvfs. */
#include "answer.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

_Static_assert(AT_FDCWD == ISOPAGE_AT_FDCWD, "AT_FDCWD");
_Static_assert(AT_SYMLINK_NOFOLLOW == ISOPAGE_AT_SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW");
_Static_assert(S_IFMT == ISOPAGE_S_IFMT && S_IFDIR == ISOPAGE_S_IFDIR, "S_IFMT");
_Static_assert(offsetof(struct statvfs, f_blocks) == ISOPAGE_GUEST_STATVFS_BLOCKS, "f_blocks");
_Static_assert(offsetof(struct statvfs, f_flag) == ISOPAGE_GUEST_STATVFS_FLAG, "f_flag");

static unsigned word(const unsigned char *raw, int at) {
  unsigned value;
  memcpy(&value, raw + at, 4);
  return value;
}

static unsigned long long wide(const unsigned char *raw, int at) {
  unsigned long long value;
  memcpy(&value, raw + at, 8);
  return value;
}

static struct timespec time_at(const unsigned char *raw, int at) {
  double ms;
  memcpy(&ms, raw + at, 8);
  double seconds = floor(ms / 1000);
  return (struct timespec){(time_t)seconds, (long)((ms - seconds * 1000) * 1000000)};
}

static int fill(struct stat *to, int result, const unsigned char *raw) {
  if (answer(result) < 0) return -1;
  *to = (struct stat){
    .st_dev = wide(raw, ISOPAGE_STAT_DEV),
    .st_ino = wide(raw, ISOPAGE_STAT_INO),
    .st_nlink = word(raw, ISOPAGE_STAT_NLINK),
    .st_mode = word(raw, ISOPAGE_STAT_MODE),
    .st_uid = word(raw, ISOPAGE_STAT_UID),
    .st_gid = word(raw, ISOPAGE_STAT_GID),
    .st_size = (off_t)wide(raw, ISOPAGE_STAT_SIZE),
    .st_blksize = (blksize_t)word(raw, ISOPAGE_STAT_BLKSIZE),
    .st_blocks = (blkcnt_t)wide(raw, ISOPAGE_STAT_BLOCKS),
    .st_atim = time_at(raw, ISOPAGE_STAT_ATIME),
    .st_mtim = time_at(raw, ISOPAGE_STAT_MTIME),
    .st_ctim = time_at(raw, ISOPAGE_STAT_CTIME),
  };
  return 0;
}

int fstat(int fd, struct stat *to) {
  unsigned char raw[ISOPAGE_STAT_BYTES];
  return fill(to, __isopage_fstat(fd, raw), raw);
}

int fstatat(int dirfd, const char *path, struct stat *to, int flags) {
  unsigned char raw[ISOPAGE_STAT_BYTES];
  return fill(to, __isopage_fstatat(dirfd, path, raw, flags), raw);
}

int stat(const char *path, struct stat *to) {
  return fstatat(AT_FDCWD, path, to, 0);
}

int lstat(const char *path, struct stat *to) {
  return fstatat(AT_FDCWD, path, to, AT_SYMLINK_NOFOLLOW);
}

int __wasilibc_stat(const char *path, struct stat *to, int flags) {
  return fstatat(AT_FDCWD, path, to, flags);
}

int statvfs(const char *path, struct statvfs *to) {
  memset(to, 0, sizeof *to);
  return answer(__isopage_statvfs(path, to));
}

int fstatvfs(int fd, struct statvfs *to) {
  memset(to, 0, sizeof *to);
  return answer(__isopage_fstatvfs(fd, to));
}
