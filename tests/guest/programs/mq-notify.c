/* mq_notify: one registration at a time, taken back by NULL, gone once a message came. */
#include "see.h"

#include <mqueue.h>

int main(void) {
  const char *name = own_name("notify");
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
  mq_unlink(name);
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
  return 0;
}
