/* mq_open: names, attributes, modes, and what it refuses. */
#include "see.h"

#include <mqueue.h>

int main(void) {
  const char *name = own_name("mq");
  struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 64}, found;
  WORKS(mq_open(name, O_RDWR));
  mqd_t queue = (mqd_t)WORKS(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
  WORKS(mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr));
  SEE(mq_getattr(queue, &found));
  SHOW(found.mq_maxmsg);
  SHOW(found.mq_msgsize);
  SHOW(found.mq_curmsgs);
  SHOW(found.mq_flags);
  mqd_t sends = (mqd_t)WORKS(mq_open(name, O_WRONLY));
  mqd_t takes = (mqd_t)WORKS(mq_open(name, O_RDONLY | O_NONBLOCK));
  char bytes[64];
  SEE((long)mq_receive(sends, bytes, 64, NULL));
  SEE(mq_send(takes, "x", 1, 0));
  SEE(mq_getattr(takes, &found));
  SHOW(found.mq_flags == O_NONBLOCK);
  SEE(mq_unlink(name));
  SEE(mq_unlink(name));
  SEE(mq_send(queue, "x", 1, 0));
  SEE(mq_close(queue));
  SEE(mq_close(queue));
  SEE(mq_getattr(queue, &found));
  attr.mq_maxmsg = 0;
  WORKS(mq_open(name, O_RDWR | O_CREAT, 0600, &attr));
  attr.mq_maxmsg = 4;
  attr.mq_msgsize = -1;
  WORKS(mq_open(name, O_RDWR | O_CREAT, 0600, &attr));
  WORKS(mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL));
  WORKS(mq_open("/", O_RDWR | O_CREAT, 0600, NULL));
  return 0;
}
