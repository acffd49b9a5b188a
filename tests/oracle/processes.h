/*
 * Processes that make the calls of a script: what queues.c and sems.c have in common. Each reads steps, one a line, and prints the outcome of each and, behind ` | `, what
 * the objects say of themselves afterwards.
 *
 *     <process> <call> <number or name>...     process: 0 root, 1 and 2 of one group, 3 of none of theirs
 *     <process>& <call> ...                    begins a call that may sleep: `asleep`, or its outcome if it did not
 *     <process>=                               the outcome of the call that was begun, which has ended or is about to
 *     <process>?                               the same, `asleep` if it sleeps on
 *     <process> end                            the process exits, asleep or not, and another takes its place
 *     0 wait                                   a second passes, so that times move
 *
 * Includes it after its own headers, and defines: GET (the call that gives an object's id), SLEEPS (system calls that sleep), run and say_all.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PROCESSES = 4, SLOTS = 3, NUMBERS = 16, LINE_MAX_BYTES = 512, PATIENCE_MS = 10000 };

static const struct { uid_t uid; gid_t gid; } users[PROCESSES] = {{0, 0}, {1001, 2001}, {1002, 2001}, {1003, 2003}};

struct child {
  pid_t pid;
  FILE *to;
  int from;
  int is_asleep;
};

static struct child children[PROCESSES];
/* Objects with an id, by slot; 999999 is none's. */
static int ids[SLOTS] = {999999, 999999, 999999};

/* Makes a call, given as its name and numbers, of which there are `count`, 0 behind them; `name` is a name among them. => 0: no such call. */
static int make(const char *call, const char *name, const long *numbers, int count);
/* Prints what the objects say of themselves. */
static void say_all(void);

static void must(int ok, const char *what) {
  if (ok) return;
  perror(what);
  exit(1);
}

static void run(char *line) {
  long numbers[NUMBERS] = {0};
  const char *name = "";
  int count = 0;
  const char *call = strtok(line, " \n");
  for (char *word = strtok(NULL, " \n"); word && count < NUMBERS; word = strtok(NULL, " \n")) {
    if (word[0] == ':') name = word + 1;
    else numbers[count++] = strtol(word, NULL, 0);
  }
  if (make(call, name, numbers, count)) return;
  fprintf(stderr, "no call named %s\n", call);
  exit(1);
}

/* A process of the script: each line is a call, after the ids of the slots. */
static void serve(int from, int to, int which) {
  char line[LINE_MAX_BYTES];
  FILE *lines = fdopen(from, "r");
  must(dup2(to, 1) == 1, "dup2");
  umask(0);
  must(setgroups(0, NULL) == 0 && setgid(users[which].gid) == 0 && setuid(users[which].uid) == 0, "setuid");
  while (fgets(line, sizeof line, lines)) {
    int used = 0;
    must(sscanf(line, "%d %d %d %n", &ids[0], &ids[1], &ids[2], &used) == 3, "ids");
    run(line + used);
  }
  exit(0);
}

static void start(int which) {
  int lines[2], answers[2];
  must(pipe2(lines, O_CLOEXEC) == 0 && pipe2(answers, O_CLOEXEC) == 0, "pipe");
  pid_t pid = fork();
  must(pid >= 0, "fork");
  if (pid == 0) {
    for (int i = 0; i < PROCESSES; i++)
      if (children[i].to) fclose(children[i].to);
    close(lines[1]);
    serve(lines[0], answers[1], which);
  }
  close(lines[0]);
  close(answers[1]);
  children[which] = (struct child){pid, fdopen(lines[1], "w"), answers[0], 0};
}

static void restart(int which) {
  kill(children[which].pid, SIGKILL);
  must(waitpid(children[which].pid, NULL, 0) == children[which].pid, "waitpid");
  fclose(children[which].to);
  children[which].to = NULL;
  close(children[which].from);
  start(which);
  printf("ok");
}

/* => an answer is there before `ms` are over. */
static int ready(int which, int ms) {
  struct pollfd fd = {children[which].from, POLLIN, 0};
  return poll(&fd, 1, ms) == 1;
}

/* Reads a file of /proc about a process. => its text, empty if there is none. */
static const char *proc(int which, const char *file, char text[LINE_MAX_BYTES]) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", children[which].pid, file);
  FILE *opened = fopen(path, "r");
  size_t length = opened ? fread(text, 1, LINE_MAX_BYTES - 1, opened) : 0;
  if (opened) fclose(opened);
  text[length] = 0;
  return text;
}

/*
 * => the process sleeps in a call: it is in state S, and the call's number stands there. The number alone does not say it: it also stands there of a process that was
 * woken and that its processor has not taken up yet, which is in state R.
 */
static int sleeps(int which) {
  char text[LINE_MAX_BYTES];
  const char *name_end = strrchr(proc(which, "stat", text), ')');
  if (name_end == NULL || strncmp(name_end, ") S", 3) != 0) return 0;
  long number = -1;
  if (sscanf(proc(which, "syscall", text), "%ld", &number) != 1) return 0;
  static const long calls[] = SLEEPS;
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
    if (calls[i] == number) return 1;
  return 0;
}

/* => it came to sleep, rather than to an answer. */
static int fell_asleep(int which) {
  while (!ready(which, 1))
    if (sleeps(which)) return 1;
  return 0;
}

/*
 * Waits until whoever was woken has done its part, which Linux leaves to it: it sleeps again, or its answer is there. One may have woken another that was already looked
 * at; so all must be found at rest as often in turn as there are processes.
 */
static void settle(void) {
  for (int calm = 0; calm < PROCESSES; calm++)
    for (int i = 0; i < PROCESSES; i++)
      if (children[i].is_asleep && !sleeps(i) && !ready(i, 1)) calm = -1;
}

static void take(int which, const char *call, long slot) {
  char text[LINE_MAX_BYTES];
  int length = 0;
  do must(read(children[which].from, text + length, 1) == 1, "answer");
  while (text[length++] != '\n');
  text[length - 1] = 0;
  int id;
  if (!strcmp(call, GET) && sscanf(text, "ok %d", &id) == 1) ids[slot] = id;
  printf("%s", text);
  children[which].is_asleep = 0;
}

static int process_of(pid_t pid) {
  for (int i = 0; i < PROCESSES; i++)
    if (children[i].pid == pid) return i + 1;
  return pid == 0 ? 0 : -1;
}

/* A time: 0 never, = as before, + moved. */
static char moved(time_t *known, time_t now) {
  char said = now == 0 ? '0' : now == *known ? '=' : '+';
  *known = now;
  return said;
}

static void pause_ms(long ms) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  nanosleep(&time, NULL);
}

static void step(char *line) {
  int which = line[0] - '0';
  char mode = line[1], call[LINE_MAX_BYTES] = "";
  long slot = 0;
  must(which >= 0 && which < PROCESSES, "process");
  sscanf(line + 2, "%s %ld", call, &slot);
  if (!strcmp(call, "wait")) {
    pause_ms(1100);
    printf("ok");
  } else if (!strcmp(call, "end")) restart(which);
  else if (mode == '=' || mode == '?') {
    if (ready(which, mode == '=' ? PATIENCE_MS : 0)) take(which, call, slot);
    else printf("asleep");
  } else {
    fprintf(children[which].to, "%d %d %d %s", ids[0], ids[1], ids[2], line + 2);
    fflush(children[which].to);
    children[which].is_asleep = mode == '&' && fell_asleep(which);
    if (children[which].is_asleep) printf("asleep");
    else take(which, call, slot);
  }
  settle();
  say_all();
  printf("\n");
  fflush(stdout);
}

/* Runs the script that comes in. */
static void run_script(void) {
  char line[LINE_MAX_BYTES];
  signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < PROCESSES; i++) start(i);
  while (fgets(line, sizeof line, stdin)) step(line);
  for (int i = 0; i < PROCESSES; i++) kill(children[i].pid, SIGKILL);
  while (wait(NULL) > 0);
}
