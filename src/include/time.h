/* time.h over wasi-libc's, which gates clock(); timers are declared and do not link. */
#ifndef ISOPAGE_TIME_H
#define ISOPAGE_TIME_H

#ifndef _WASI_EMULATED_PROCESS_CLOCKS
#define _WASI_EMULATED_PROCESS_CLOCKS
#endif
#define __NEED_timer_t
#include_next <time.h>

#define __NEED_pid_t
#include <features.h>

#include <bits/alltypes.h>

#ifdef __cplusplus
extern "C" {
#endif

struct sigevent;
int clock_getcpuclockid(pid_t, clockid_t *);
#ifdef __DEFINED_timer_t
int timer_create(clockid_t, struct sigevent *__restrict, timer_t *__restrict);
int timer_delete(timer_t);
int timer_settime(
  timer_t, int, const struct itimerspec *__restrict, struct itimerspec *__restrict);
int timer_gettime(timer_t, struct itimerspec *);
#endif

#ifdef __cplusplus
}
#endif

#endif
