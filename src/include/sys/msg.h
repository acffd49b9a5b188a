/* sys/msg.h: POSIX.1-2017 and msgctl(2) of Linux; layouts are the kernel's (MSQID_DS_*, MSGINFO_*). */
#ifndef ISOPAGE_SYS_MSG_H
#define ISOPAGE_SYS_MSG_H

#include <sys/ipc.h>

typedef unsigned long msgqnum_t;
typedef unsigned long msglen_t;

#define MSG_NOERROR ISOPAGE_MSG_NOERROR
#define MSG_EXCEPT ISOPAGE_MSG_EXCEPT
#define MSG_COPY ISOPAGE_MSG_COPY
#define MSG_STAT ISOPAGE_MSG_STAT
#define MSG_INFO ISOPAGE_MSG_INFO
#define MSG_STAT_ANY ISOPAGE_MSG_STAT_ANY

struct msqid_ds {
  struct ipc_perm msg_perm;
  time_t msg_stime;
  time_t msg_rtime;
  time_t msg_ctime;
  unsigned long __msg_cbytes;
  msgqnum_t msg_qnum;
  msglen_t msg_qbytes;
  pid_t msg_lspid;
  pid_t msg_lrpid;
};

#define msg_cbytes __msg_cbytes

struct msginfo {
  int msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql;
  int msgseg;
};

#if defined(_GNU_SOURCE) || defined(_BSD_SOURCE)
struct msgbuf {
  long mtype;
  char mtext[1];
};
#endif

#ifdef __cplusplus
extern "C" {
#endif

int msgctl(int, int, struct msqid_ds *);
int msgget(key_t, int);
ssize_t msgrcv(int, void *, size_t, long, int);
int msgsnd(int, const void *, size_t, int);

#ifdef __cplusplus
}
#endif

#endif
