/* sys/wait.h: a process that cannot fork has no children, so that waits end with ECHILD. */
#ifndef ISOPAGE_SYS_WAIT_H
#define ISOPAGE_SYS_WAIT_H

#define __NEED_pid_t
#define __NEED_id_t
#include <features.h>

#include <bits/alltypes.h>
#include <signal.h>

#undef WNOHANG
#undef WUNTRACED
#define WNOHANG 1
#define WUNTRACED 2
#define WSTOPPED 2
#define WEXITED 4
#define WCONTINUED 8
#define WNOWAIT 0x1000000

#ifndef WIFEXITED
#define WEXITSTATUS(s) (((s) & 0xff00) >> 8)
#define WTERMSIG(s) ((s) & 0x7f)
#define WSTOPSIG(s) WEXITSTATUS(s)
#define WIFEXITED(s) (!WTERMSIG(s))
#define WIFSTOPPED(s) (((s) & 0xff) == 0x7f)
#define WIFSIGNALED(s) (((s) & 0xffff) - 1U < 0xffu)
#endif
#ifndef WCOREDUMP
#define WCOREDUMP(s) ((s) & 0x80)
#define WIFCONTINUED(s) ((s) == 0xffff)
#endif

typedef enum { P_ALL = 0, P_PID = 1, P_PGID = 2 } idtype_t;

#ifdef __cplusplus
extern "C" {
#endif

pid_t wait(int *);
pid_t waitpid(pid_t, int *, int);
int waitid(idtype_t, id_t, siginfo_t *, int);

#ifdef __cplusplus
}
#endif

#endif
