/* grp.h: the groups that /etc/group of the guest's file system lists. */
#ifndef ISOPAGE_GRP_H
#define ISOPAGE_GRP_H

#define __NEED_size_t
#define __NEED_gid_t
#include <features.h>

#include <bits/alltypes.h>

struct group {
  char *gr_name;
  char *gr_passwd;
  gid_t gr_gid;
  char **gr_mem;
};

#ifdef __cplusplus
extern "C" {
#endif

void setgrent(void);
void endgrent(void);
struct group *getgrent(void);
struct group *getgrgid(gid_t);
struct group *getgrnam(const char *);
int setgroups(size_t, const gid_t *);

#ifdef __cplusplus
}
#endif

#endif
