/* Messages between processes: a server that takes in order, and clients that each receive what is of their type. */
/* processes: serves, asks 1, asks 2 */
#include "message.h"

#include "meet.h"

#define REQUESTS 1
#define ASKED 50

static void serves(void) {
  struct msqid_ds found;
  int id = (int)WORKS(msgget(ftok(".", 'Q'), IPC_CREAT | IPC_EXCL | 0600));
  reach(1);
  int served = 0;
  for (int ended = 0; ended < 2;) {
    long got = msgrcv(id, &message, sizeof message.text, REQUESTS, 0);
    int client = message.text[0], number = message.text[1];
    if (got == 1) {
      ended++;
      continue;
    }
    served++;
    /* Longer than a page, now and then. */
    size_t size = number % 10 == 0 ? 5000 : 2;
    memset(message.text, number, size);
    message.text[1] = (char)(number * 2);
    message.type = 10 + client;
    msgsnd(id, &message, size, 0);
  }
  SHOW(served);
  await_all(0, 2);
  SEE(msgctl(id, IPC_STAT, &found));
  SHOW(found.msg_qnum);
  SEE(msgctl(id, IPC_RMID, NULL));
}

static void asks(int client) {
  await(1);
  int id = (int)WORKS(msgget(ftok(".", 'Q'), 0));
  int sum = 0;
  long bytes = 0;
  for (int number = 0; number < ASKED; number++) {
    message.type = REQUESTS;
    message.text[0] = (char)client;
    message.text[1] = (char)number;
    msgsnd(id, &message, 2, 0);
    bytes += msgrcv(id, &message, sizeof message.text, 10 + client, 0);
    sum += message.text[1];
  }
  SHOW(sum);
  SHOW(bytes);
  message.type = REQUESTS;
  SEE(msgsnd(id, &message, 1, 0));
  arrive(0);
  /* Sleeps until the queue is removed, if it is not yet. */
  SHOW(msgrcv(id, &message, 1, 99, 0) == -1 && (errno == EIDRM || errno == EINVAL));
}

int main(int argc, char **argv) {
  (void)argc;
  meet();
  if (is(argv, "serves")) serves();
  else asks(atoi(argv[2]));
  return 0;
}
