/* Ids of users, groups and processes, and limits. POSIX.1-2017; the kernel decides who may what. */
#include "answer.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(sizeof(struct rlimit) == ISOPAGE_GUEST_RLIMIT_BYTES, "rlimit");
_Static_assert(offsetof(struct rlimit, rlim_max) == ISOPAGE_GUEST_RLIMIT_MAX, "rlim_max");

pid_t getpid(void) {
  return __isopage_getpid();
}

pid_t gettid(void) {
  return __isopage_getpid();
}

pid_t getppid(void) {
  return __isopage_getppid();
}

uid_t getuid(void) {
  return (uid_t)__isopage_getuid();
}

uid_t geteuid(void) {
  return (uid_t)__isopage_geteuid();
}

gid_t getgid(void) {
  return (gid_t)__isopage_getgid();
}

gid_t getegid(void) {
  return (gid_t)__isopage_getegid();
}

int setuid(uid_t uid) {
  return answer(__isopage_setuid(uid));
}

int seteuid(uid_t uid) {
  return answer(__isopage_seteuid(uid));
}

int setgid(gid_t gid) {
  return answer(__isopage_setgid(gid));
}

int setegid(gid_t gid) {
  return answer(__isopage_setegid(gid));
}

int getgroups(int count, gid_t list[]) {
  return answer(__isopage_getgroups(count, list));
}

int setgroups(size_t count, const gid_t *list) {
  return answer(__isopage_setgroups(count, list));
}

mode_t umask(mode_t mask) {
  return (mode_t)__isopage_umask(mask);
}

int getrlimit(int resource, struct rlimit *limit) {
  if (resource < 0 || resource >= RLIMIT_NLIMITS) return answer(-EINVAL);
  return answer(__isopage_getrlimit(resource, limit));
}

int setrlimit(int resource, const struct rlimit *limit) {
  if (resource < 0 || resource >= RLIMIT_NLIMITS) return answer(-EINVAL);
  return answer(__isopage_setrlimit(resource, limit));
}

int getdtablesize(void) {
  struct rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? (int)limit.rlim_cur : ISOPAGE_FDS_MAX;
}
