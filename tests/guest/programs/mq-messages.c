/* Message queues: priorities first, then the order of arrival; sizes; EAGAIN and ETIMEDOUT where it is full or empty. */
#include "see.h"

#include <mqueue.h>

static char bytes[64];

static void take(mqd_t queue, size_t size) {
  unsigned priority = 99;
  memset(bytes, 0, sizeof bytes);
  errno = 0;
  long got = (long)mq_receive(queue, bytes, size, &priority);
  if (got < 0) printf("take: %s\n", name_of(errno));
  else printf("take: %ld of priority %u: %s\n", got, priority, bytes);
}

int main(void) {
  const char *name = own_name("order");
  struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 16}, old;
  mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0600, &attr);
  mq_unlink(name);
  SEE(mq_send(queue, "low", 4, 1));
  SEE(mq_send(queue, "high", 5, 30000));
  SEE(mq_send(queue, "high too", 9, 30000));
  SEE(mq_send(queue, "", 0, 2));
  struct timespec deadline = after(CLOCK_REALTIME, 20);
  SEE(mq_timedsend(queue, "full", 5, 0, &deadline));
  attr.mq_flags = O_NONBLOCK;
  SEE(mq_setattr(queue, &attr, &old));
  SHOW(old.mq_flags);
  SHOW(old.mq_curmsgs);
  SEE(mq_send(queue, "full", 5, 0));
  take(queue, 15);
  take(queue, 16);
  take(queue, 16);
  take(queue, 64);
  take(queue, 16);
  take(queue, 16);
  attr.mq_flags = 0;
  SEE(mq_setattr(queue, &attr, NULL));
  SEE((long)mq_timedreceive(queue, bytes, 16, NULL, &deadline));
  deadline.tv_nsec = -1;
  SEE((long)mq_timedreceive(queue, bytes, 16, NULL, &deadline));
  SEE(mq_timedsend(queue, "room", 5, 0, &deadline));
  SEE(mq_send(queue, "x", 17, 0));
  SEE(mq_send(queue, "x", 1, 32768));
  SEE(mq_send(queue, "x", 1, 32767));
  return 0;
}
