/* Messages of the programs on System V queues. */
#ifndef MESSAGE_H
#define MESSAGE_H

#include "see.h"

#include <sys/msg.h>

struct message {
  long type;
  char text[9000];
};

static struct message message;

static inline int put(int id, long type, const char *text, int flags) {
  message.type = type;
  strcpy(message.text, text);
  return msgsnd(id, &message, strlen(text) + 1, flags);
}

/* Prints what came. */
static inline void take(int id, long type, size_t size, int flags) {
  memset(&message, 0, sizeof message);
  errno = 0;
  long got = msgrcv(id, &message, size, type, flags);
  if (got < 0) printf("take %ld: %s\n", type, name_of(errno));
  else printf("take %ld: %ld of type %ld: %.20s\n", type, got, message.type, message.text);
}

#endif
