/* getpwnam and its kin read /etc/passwd and /etc/group; what is not there is not found. */
#include "see.h"

#include <grp.h>
#include <pwd.h>

int main(void) {
  SHOW(getpwnam("no-such-user-here") == NULL);
  SHOW(getpwuid(3999999999u) == NULL);
  SHOW(getgrnam("no-such-group-here") == NULL);
  struct passwd *root = getpwuid(0);
  SHOW(root == NULL || strcmp(root->pw_name, "root") == 0);
  struct group *group = getgrgid(0);
  SHOW(group == NULL || strcmp(group->gr_name, "root") == 0);
  setpwent();
  endpwent();
  return 0;
}
