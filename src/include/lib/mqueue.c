/* POSIX message queues: POSIX.1-2017 mq_open and its family, Linux mq_overview(7). */
#include "answer.h"

#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <stdarg.h>

_Static_assert(offsetof(struct mq_attr, mq_maxmsg) == ISOPAGE_MQ_ATTR_MAXMSG, "mq_maxmsg");
_Static_assert(offsetof(struct mq_attr, mq_curmsgs) == ISOPAGE_MQ_ATTR_CURMSGS, "mq_curmsgs");
_Static_assert(sizeof(struct mq_attr) >= ISOPAGE_MQ_ATTR_BYTES, "mq_attr");

mqd_t mq_open(const char *name, int flags, ...) {
  mode_t mode = 0;
  struct mq_attr *attr = NULL;
  if (flags & O_CREAT) {
    va_list list;
    va_start(list, flags);
    mode = va_arg(list, mode_t);
    attr = va_arg(list, struct mq_attr *);
    va_end(list);
  }
  return answer(__isopage_mq_open(name, with_access(flags), mode, attr));
}

int mq_close(mqd_t mqd) {
  return answer(__isopage_mq_close(mqd));
}

int mq_unlink(const char *name) {
  return answer(__isopage_mq_unlink(name));
}

int mq_timedsend(
  mqd_t mqd, const char *data, size_t size, unsigned priority, const struct timespec *deadline) {
  return answer(__isopage_mq_send(mqd, data, size, priority, deadline));
}

int mq_send(mqd_t mqd, const char *data, size_t size, unsigned priority) {
  return mq_timedsend(mqd, data, size, priority, NULL);
}

ssize_t mq_timedreceive(
  mqd_t mqd, char *data, size_t size, unsigned *priority, const struct timespec *deadline) {
  return answer(__isopage_mq_receive(mqd, data, size, priority, deadline));
}

ssize_t mq_receive(mqd_t mqd, char *data, size_t size, unsigned *priority) {
  return mq_timedreceive(mqd, data, size, priority, NULL);
}

int mq_getattr(mqd_t mqd, struct mq_attr *attr) {
  return answer(__isopage_mq_getattr(mqd, attr));
}

int mq_setattr(mqd_t mqd, const struct mq_attr *attr, struct mq_attr *old) {
  return answer(__isopage_mq_setattr(mqd, attr, old));
}

/* SIGEV_THREAD would call a function of the program in a thread of its own, which there is none of: EINVAL. */
int mq_notify(mqd_t mqd, const struct sigevent *event) {
  if (event == NULL) return answer(__isopage_mq_notify(mqd, ISOPAGE_GUEST_NOTIFY_REMOVE, 0));
  int how = event->sigev_notify;
  if (how != SIGEV_SIGNAL && how != SIGEV_NONE) return answer(-EINVAL);
  return answer(__isopage_mq_notify(mqd, how, event->sigev_signo));
}
