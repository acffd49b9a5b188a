/* Users and groups, as the lines of /etc/passwd and /etc/group list them; where there is no such file there are none. POSIX.1-2017 getpwnam, getgrnam. */
#include "answer.h"

#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1024, MEMBERS = 128 };

/* Cuts `line` at its colons. => it had `count` fields. */
static int split(char *line, char **fields, int count) {
  line[strcspn(line, "\n")] = 0;
  for (int i = 0; i < count; i++) {
    fields[i] = line;
    char *colon = strchr(line, ':');
    if (colon == NULL) return i == count - 1;
    *colon = 0;
    line = colon + 1;
  }
  return 1;
}

/* The next line of a list that has `count` fields, in `buf`. */
static int next_line(FILE *from, char *buf, size_t size, char **fields, int count) {
  while (fgets(buf, (int)size, from) != NULL) {
    if (split(buf, fields, count)) return 1;
  }
  return 0;
}

static int next_user(FILE *from, struct passwd *to, char *buf, size_t size) {
  char *fields[7];
  if (!next_line(from, buf, size, fields, 7)) return 0;
  uid_t uid = (uid_t)strtoul(fields[2], NULL, 10);
  gid_t gid = (gid_t)strtoul(fields[3], NULL, 10);
  *to = (struct passwd){fields[0], fields[1], uid, gid, fields[4], fields[5], fields[6]};
  return 1;
}

static FILE *users;
static struct passwd user;
static char user_line[LINE_BYTES];

void endpwent(void) {
  if (users != NULL) fclose(users);
  users = NULL;
}

void setpwent(void) {
  endpwent();
}

struct passwd *getpwent(void) {
  if (users == NULL) users = fopen("/etc/passwd", "re");
  if (users == NULL) return NULL;
  return next_user(users, &user, user_line, sizeof user_line) ? &user : NULL;
}

/* By `name`, or by `uid` where that is NULL. => an error, 0 also when there is none. */
static int find_user(
  const char *name, uid_t uid, struct passwd *to, char *buf, size_t size, struct passwd **found) {
  *found = NULL;
  FILE *from = fopen("/etc/passwd", "re");
  if (from == NULL) return errno == ENOENT || errno == ENOTDIR ? 0 : errno;
  while (*found == NULL && next_user(from, to, buf, size)) {
    if (name != NULL ? strcmp(to->pw_name, name) == 0 : to->pw_uid == uid) *found = to;
  }
  fclose(from);
  return 0;
}

int getpwnam_r(
  const char *name, struct passwd *to, char *buf, size_t size, struct passwd **found) {
  return find_user(name, 0, to, buf, size, found);
}

int getpwuid_r(uid_t uid, struct passwd *to, char *buf, size_t size, struct passwd **found) {
  return find_user(NULL, uid, to, buf, size, found);
}

/* The same into memory of this file's; errno is left when there is none. */
static struct passwd *own_user(const char *name, uid_t uid) {
  struct passwd *found;
  int error = errno;
  int result = find_user(name, uid, &user, user_line, sizeof user_line, &found);
  errno = result == 0 ? error : result;
  return found;
}

struct passwd *getpwnam(const char *name) {
  return own_user(name, 0);
}

struct passwd *getpwuid(uid_t uid) {
  return own_user(NULL, uid);
}

static FILE *groups;
static struct group group;
static char group_line[LINE_BYTES];
static char *members[MEMBERS + 1];

void endgrent(void) {
  if (groups != NULL) fclose(groups);
  groups = NULL;
}

void setgrent(void) {
  endgrent();
}

static void list_members(char *names) {
  int count = 0;
  for (char *name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
    if (count < MEMBERS) members[count++] = name;
  }
  members[count] = NULL;
}

struct group *getgrent(void) {
  char *fields[4];
  if (groups == NULL) groups = fopen("/etc/group", "re");
  if (groups == NULL) return NULL;
  if (!next_line(groups, group_line, sizeof group_line, fields, 4)) return NULL;
  list_members(fields[3]);
  group = (struct group){fields[0], fields[1], (gid_t)strtoul(fields[2], NULL, 10), members};
  return &group;
}

struct group *getgrnam(const char *name) {
  struct group *found;
  setgrent();
  while ((found = getgrent()) != NULL && strcmp(found->gr_name, name) != 0) {
  }
  endgrent();
  return found;
}

struct group *getgrgid(gid_t gid) {
  struct group *found;
  setgrent();
  while ((found = getgrent()) != NULL && found->gr_gid != gid) {
  }
  endgrent();
  return found;
}
