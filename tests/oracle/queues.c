/*
 * Runs steps (processes.h) on the system's own message queues, System V and POSIX. Needs root, for an IPC namespace of its own and for processes of other users.
 *
 * Queues are named by slot: `msgget <slot> <key> <flags>` and `mq_open <slot> <name> <flags> ...` fill one, of all processes or of this one.
 */
#define _GNU_SOURCE
#include <limits.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>

#define GET "msgget"
#define SLEEPS {SYS_msgsnd, SYS_msgrcv, SYS_mq_timedsend, SYS_mq_timedreceive}
#include "processes.h"

enum { BYTES_MAX = 70000 };

static time_t times[SLOTS][3];
static struct { long type; unsigned char bytes[BYTES_MAX]; } message;
static mqd_t mqds[SLOTS] = {-1, -1, -1};

static void answer(long result, const char *format, long a, long b) {
  if (result < 0) printf("%s", strerrorname_np(errno));
  else printf(format, a, b);
  printf("\n");
  fflush(stdout);
}

/* Types are 32 bits in the steps; the ends of their range are those of long. */
static long wide(long type) {
  if (type <= INT_MIN + 1) return type - INT_MIN + LONG_MIN;
  return type == INT_MAX ? LONG_MAX : type;
}

static long narrow(long type) {
  return type == LONG_MAX ? INT_MAX : type;
}

static void fill(unsigned char *bytes, long size, long value) {
  memset(bytes, (int)value, size < 0 || size > BYTES_MAX ? 0 : (size_t)size);
}

/* A received message's first byte, 0 for none. */
static long first(const unsigned char *bytes, long size) {
  return size > 0 ? bytes[0] : 0;
}

static void set(int id, const long *n) {
  struct msqid_ds ds;
  memset(&ds, 0, sizeof ds);
  ds.msg_perm.uid = (uid_t)n[1];
  ds.msg_perm.gid = (gid_t)n[2];
  ds.msg_perm.mode = (unsigned short)n[3];
  ds.msg_qbytes = (unsigned long)n[4];
  answer(msgctl(id, IPC_SET, &ds), "ok", 0, 0);
}

static void info(int command) {
  struct msginfo i;
  memset(&i, 0, sizeof i);
  int last = msgctl(0, command, (struct msqid_ds *)&i);
  if (last < 0) return answer(-1, "", 0, 0);
  printf("ok %d: %d %d %d %d %d %d %d %d\n", last, i.msgpool, i.msgmap, i.msgmax, i.msgmnb, i.msgmni, i.msgssz, i.msgtql, i.msgseg);
  fflush(stdout);
}

static int systemV(const char *call, const long *n) {
  struct msqid_ds ds;
  int id = n[0] < 0 || n[0] >= SLOTS ? (int)n[0] : ids[n[0]];
  if (!strcmp(call, "msgget")) {
    id = msgget((key_t)n[1], (int)n[2]);
    answer(id, "ok %ld", id, 0);
  } else if (!strcmp(call, "msgsnd")) {
    message.type = wide(n[1]);
    fill(message.bytes, n[2], n[3]);
    answer(msgsnd(id, &message, (size_t)n[2], (int)n[4]), "ok", 0, 0);
  } else if (!strcmp(call, "msgrcv")) {
    long size = msgrcv(id, &message, (size_t)n[1], wide(n[2]), (int)n[3]);
    if (size < 0) answer(-1, "", 0, 0);
    else {
      printf("ok %ld of %ld: %ld\n", size, narrow(message.type), first(message.bytes, size));
      fflush(stdout);
    }
  } else if (!strcmp(call, "set")) set(id, n);
  else if (!strcmp(call, "rmid")) answer(msgctl(id, IPC_RMID, NULL), "ok", 0, 0);
  else if (!strcmp(call, "stat")) answer(msgctl(id, IPC_STAT, &ds), "ok", 0, 0);
  else if (!strcmp(call, "stat_slot")) {
    int found = msgctl(id & 0x7fff, MSG_STAT, &ds);
    answer(found, "ok %ld", found, 0);
  } else if (!strcmp(call, "stat_any")) {
    int found = msgctl(id & 0x7fff, 13, &ds);
    answer(found, "ok %ld", found, 0);
  } else if (!strcmp(call, "info")) info(n[0] ? MSG_INFO : IPC_INFO);
  else return 0;
  return 1;
}

static int access_of(long flags) {
  static const int modes[] = {O_RDONLY, O_WRONLY, O_RDWR};
  return modes[flags & 3] | (flags & 4 ? O_CREAT : 0) | (flags & 8 ? O_EXCL : 0) | (flags & 16 ? O_NONBLOCK : 0);
}

static void open_queue(const char *name, const long *n) {
  struct mq_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.mq_maxmsg = n[3];
  attr.mq_msgsize = n[4];
  mqd_t mqd = mq_open(name, access_of(n[1]), (mode_t)n[2], n[3] == 0 && n[4] == 0 ? NULL : &attr);
  if (mqd != (mqd_t)-1) {
    if (mqds[n[0]] != (mqd_t)-1) mq_close(mqds[n[0]]);
    mqds[n[0]] = mqd;
  }
  answer(mqd, "ok", 0, 0);
}

static void attributes(mqd_t mqd) {
  struct mq_attr a;
  if (mq_getattr(mqd, &a) < 0) return answer(-1, "", 0, 0);
  printf("ok %d %ld %ld %ld\n", (a.mq_flags & O_NONBLOCK) != 0, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
  fflush(stdout);
}

static int posix(const char *call, const char *name, const long *n) {
  static const struct timespec past = {1, 0}, future = {4000000000, 0}, invalid = {1, 1000000000}, before = {-1, 0};
  static const struct timespec *const deadlines[] = {&past, &future, &invalid, &before};
  mqd_t mqd = n[0] < 0 || n[0] >= SLOTS ? (mqd_t)n[0] : mqds[n[0]];
  unsigned priority = 0;
  if (!strcmp(call, "mq_open")) open_queue(name, n);
  else if (!strcmp(call, "mq_unlink")) answer(mq_unlink(name), "ok", 0, 0);
  else if (!strcmp(call, "mq_send")) {
    fill(message.bytes, n[2], n[3]);
    const char *from = (const char *)message.bytes;
    int sent = n[4] < 0 ? mq_send(mqd, from, (size_t)n[2], (unsigned)n[1])
                        : mq_timedsend(mqd, from, (size_t)n[2], (unsigned)n[1], deadlines[n[4]]);
    answer(sent, "ok", 0, 0);
  } else if (!strcmp(call, "mq_receive")) {
    char *to = (char *)message.bytes;
    long size = n[2] < 0 ? mq_receive(mqd, to, (size_t)n[1], &priority)
                         : mq_timedreceive(mqd, to, (size_t)n[1], &priority, deadlines[n[2]]);
    if (size < 0) answer(-1, "", 0, 0);
    else {
      printf("ok %ld of %u: %ld\n", size, priority, first(message.bytes, size));
      fflush(stdout);
    }
  } else if (!strcmp(call, "mq_close")) {
    int closed = mq_close(mqd);
    if (closed == 0 && n[0] >= 0 && n[0] < SLOTS) mqds[n[0]] = -1;
    answer(closed, "ok", 0, 0);
  } else if (!strcmp(call, "mq_setattr")) {
    struct mq_attr a;
    memset(&a, 0, sizeof a);
    a.mq_flags = n[1] == 1 ? O_NONBLOCK : n[1];
    answer(mq_setattr(mqd, &a, NULL), "ok", 0, 0);
  } else if (!strcmp(call, "mq_getattr")) attributes(mqd);
  else if (!strcmp(call, "mq_notify")) {
    struct sigevent none = {.sigev_notify = SIGEV_NONE};
    answer(mq_notify(mqd, n[1] ? &none : NULL), "ok", 0, 0);
  } else return 0;
  return 1;
}

static void say_all(void) {
  for (int slot = 0; slot < SLOTS; slot++) {
    struct msqid_ds ds;
    if (msgctl(ids[slot], IPC_STAT, &ds) < 0) continue;
    char s = moved(&times[slot][0], ds.msg_stime), r = moved(&times[slot][1], ds.msg_rtime);
    char c = moved(&times[slot][2], ds.msg_ctime);
    printf(" | %d: key %x uid %d gid %d cuid %d cgid %d mode %o seq %d times %c%c%c cbytes %lu qnum %lu qbytes %lu sent %d received %d",
           ids[slot], ds.msg_perm.__key, ds.msg_perm.uid, ds.msg_perm.gid, ds.msg_perm.cuid, ds.msg_perm.cgid, ds.msg_perm.mode,
           ds.msg_perm.__seq, s, r, c, ds.__msg_cbytes, ds.msg_qnum, ds.msg_qbytes, process_of(ds.msg_lspid), process_of(ds.msg_lrpid));
  }
}

static int make(const char *call, const char *name, const long *numbers, int count) {
  (void)count;
  return systemV(call, numbers) || posix(call, name, numbers);
}

int main(void) {
  if (unshare(CLONE_NEWIPC) != 0) {
    printf("none: %s\n", strerrorname_np(errno));
    return 0;
  }
  struct rlimit most = {RLIM_INFINITY, RLIM_INFINITY};
  (void)setrlimit(RLIMIT_MSGQUEUE, &most); /* where root may; else queues are small enough */
  run_script();
  return 0;
}
