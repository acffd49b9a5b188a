/* msgrcv: the first of all, of a type, of the lowest up to a type, and all but a type. */
#include "message.h"

int main(void) {
  int id = msgget(IPC_PRIVATE, 0600);
  SEE(put(id, 5, "five", 0));
  SEE(put(id, 3, "three", 0));
  SEE(put(id, 5, "five again", 0));
  SEE(put(id, 1, "one", 0));
  SEE(put(id, 9, "nine", 0));
  take(id, 5, 100, 0);
  take(id, -4, 100, 0);
  take(id, -4, 100, 0);
  take(id, -4, 100, IPC_NOWAIT);
  take(id, 5, 100, MSG_EXCEPT);
  take(id, 0, 100, 0);
  take(id, 0, 100, IPC_NOWAIT);
  put(id, 7, "a long text", 0);
  take(id, 7, 4, 0);
  take(id, 7, 4, MSG_NOERROR);
  take(id, 7, 4, IPC_NOWAIT);
  put(id, 2, "low", 0);
  take(id, -0x7fffffff - 1, 100, IPC_NOWAIT);
  SEE(msgctl(id, IPC_RMID, NULL));
  take(id, 0, 100, IPC_NOWAIT);
  return 0;
}
