/* mq_notify: one registration at a time, taken back by NULL, gone once a message came; a signal that is ignored does nothing. */
#include "see.h"

#include <mqueue.h>

int main(void) {
  const char *name = own_name("notify");
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
  mq_unlink(name);
  struct mq_attr attributes;
  struct sigevent event = {.sigev_notify = SIGEV_NONE};
  SEE(mq_notify(queue, &event));
  SEE(mq_notify(queue, &event));
  SEE(mq_notify(queue, NULL));
  SEE(mq_notify(queue, NULL));
  SEE(mq_notify(queue, &event));
  SEE(mq_send(queue, "x", 1, 0));
  SEE(mq_notify(queue, &event));
  SEE(mq_send(queue, "y", 1, 0));
  SEE(mq_notify(queue, &event));
  SEE(mq_notify(999, &event));
  SEE(mq_notify(queue, NULL));
  char byte[8192];
  while (mq_getattr(queue, &attributes) == 0 && attributes.mq_curmsgs > 0) mq_receive(queue, byte, sizeof byte, NULL);
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = 65;
  SEE(mq_notify(queue, &event));
  SEE(mq_notify(999, &event));
  event.sigev_signo = -1;
  SEE(mq_notify(queue, &event));
  event.sigev_signo = SIGCHLD;
  SEE(mq_notify(queue, &event));
  SEE(mq_send(queue, "z", 1, 0));
  return 0;
}
