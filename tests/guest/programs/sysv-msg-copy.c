/* msgrcv: MSG_COPY looks at the message of an index and leaves it. */
#include "message.h"

int main(void) {
  int id = msgget(IPC_PRIVATE, 0600);
  put(id, 4, "first", 0);
  put(id, 2, "second", 0);
  errno = 0;
  msgrcv(id, &message, 100, 1, MSG_COPY | IPC_NOWAIT);
  if (errno == ENOSYS) printf("this system was built without MSG_COPY\n");
  take(id, 1, 100, MSG_COPY | IPC_NOWAIT);
  take(id, 0, 100, MSG_COPY | IPC_NOWAIT);
  take(id, 2, 100, MSG_COPY | IPC_NOWAIT);
  take(id, 0, 100, MSG_COPY);
  take(id, 0, 100, MSG_COPY | MSG_EXCEPT | IPC_NOWAIT);
  take(id, 0, 2, MSG_COPY | IPC_NOWAIT);
  take(id, 0, 100, 0);
  take(id, 0, 100, 0);
  SEE(msgctl(id, IPC_RMID, NULL));
  return 0;
}
