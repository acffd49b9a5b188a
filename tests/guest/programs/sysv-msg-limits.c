/* msgsnd and msgget: what they refuse, a full queue, and messages of no bytes. */
#include "message.h"

int main(void) {
  close(make_file("keyed", 1));
  key_t key = ftok("keyed", 'm');
  WORKS(msgget(key, 0600));
  int id = (int)WORKS(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
  WORKS(msgget(key, IPC_CREAT | IPC_EXCL | 0600));
  SHOW(msgget(key, 0) == id);
  message.type = 0;
  SEE(msgsnd(id, &message, 1, 0));
  message.type = -1;
  SEE(msgsnd(id, &message, 1, 0));
  message.type = 1;
  SEE(msgsnd(id, &message, 8193, 0));
  SEE(msgsnd(id, &message, (size_t)-1, 0));
  SEE(msgsnd(-1, &message, 1, 0));
  SEE(msgsnd(id, &message, 0, 0));
  take(id, 0, 0, 0);
  int sent = 0;
  while (msgsnd(id, &message, 4096, IPC_NOWAIT) == 0) sent++;
  TEXT(name_of(errno));
  SHOW(sent);
  SEE(msgsnd(id, &message, 0, IPC_NOWAIT));
  SEE((long)msgrcv(id, &message, 8192, 0, 0));
  SEE(msgsnd(id, &message, 1, IPC_NOWAIT));
  SEE(msgctl(id, IPC_RMID, NULL));
  id = msgget(IPC_PRIVATE, 0600);
  for (sent = 0; msgsnd(id, &message, 0, IPC_NOWAIT) == 0;) sent++;
  TEXT(name_of(errno));
  SHOW(sent);
  SEE(msgctl(id, IPC_RMID, NULL));
  return 0;
}
