/* msgctl: the whole of msqid_ds, IPC_SET and its limit. needs root */
#include "message.h"

int main(void) {
  struct msqid_ds found;
  time_t now = time(NULL);
  int id = msgget(IPC_PRIVATE, 0622);
  SEE(msgctl(id, IPC_STAT, &found));
  SHOW(found.msg_qnum);
  SHOW(found.msg_qbytes);
  SHOW(found.msg_stime == 0 && found.msg_rtime == 0 && found.msg_ctime >= now);
  SHOW(found.msg_lspid == 0 && found.msg_lrpid == 0);
  SHOW(found.msg_perm.mode);
  put(id, 1, "four", 0);
  put(id, 1, "five!", 0);
  SEE(msgctl(id, IPC_STAT, &found));
  SHOW(found.msg_qnum);
  SHOW(found.__msg_cbytes);
  SHOW(found.msg_lspid == getpid() && found.msg_stime >= now);
  take(id, 0, 100, 0);
  SEE(msgctl(id, IPC_STAT, &found));
  SHOW(found.msg_qnum);
  SHOW(found.msg_lrpid == getpid() && found.msg_rtime >= now);
  found.msg_qbytes = 100;
  found.msg_perm.uid = 65534;
  SEE(msgctl(id, IPC_SET, &found));
  message.type = 1;
  SEE(msgsnd(id, &message, 95, IPC_NOWAIT));
  SEE(seteuid(65534));
  found.msg_qbytes = 1 << 20;
  SEE(msgctl(id, IPC_SET, &found));
  found.msg_qbytes = 50;
  SEE(msgctl(id, IPC_SET, &found));
  SEE(seteuid(0));
  SEE(seteuid(1000));
  SEE(msgctl(id, IPC_STAT, &found));
  SEE(put(id, 1, "x", IPC_NOWAIT));
  take(id, 0, 100, IPC_NOWAIT);
  SEE(msgctl(id, IPC_RMID, NULL));
  SEE(seteuid(0));
  SEE(msgctl(id, IPC_RMID, NULL));
  return 0;
}
