/* A POSIX queue between processes: each sleeps where it is full or empty, and the highest priority comes first. */
/* processes: sends, receives */
#include "meet.h"

#include <mqueue.h>

#define COUNT 500

static mqd_t queue;

static void sends(void) {
  struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 64};
  queue = mq_open(common_name("work"), O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
  SHOW(queue != (mqd_t)-1);
  reach(1);
  for (int i = 0; i < COUNT; i++) {
    char text[64];
    int length = snprintf(text, sizeof text, "message %d", i);
    if (mq_send(queue, text, (size_t)length, 1) != 0) perror("mq_send");
  }
  await(2);
  SEE(mq_send(queue, "low", 3, 1));
  SEE(mq_send(queue, "high", 4, 9));
  SEE(mq_send(queue, "middle", 6, 5));
  reach(3);
  await(4);
  struct mq_attr found;
  SEE(mq_getattr(queue, &found));
  SHOW(found.mq_curmsgs);
  SEE(mq_unlink(common_name("work")));
}

static void receives(void) {
  char text[65] = {0}, expected[64];
  await(1);
  queue = mq_open(common_name("work"), O_RDONLY);
  SHOW(queue != (mqd_t)-1);
  SEE(mq_send(queue, "no", 2, 0));
  int right = 0;
  for (int i = 0; i < COUNT; i++) {
    long got = (long)mq_receive(queue, text, 64, NULL);
    int length = snprintf(expected, sizeof expected, "message %d", i);
    right += got == length && memcmp(text, expected, (size_t)length) == 0;
  }
  SHOW(right);
  reach(2);
  await(3);
  for (int i = 0; i < 3; i++) {
    unsigned priority;
    memset(text, 0, sizeof text);
    mq_receive(queue, text, 64, &priority);
    printf("%u: %s\n", priority, text);
  }
  reach(4);
}

int main(int argc, char **argv) {
  (void)argc;
  meet();
  if (is(argv, "sends")) sends();
  else receives();
  return 0;
}
