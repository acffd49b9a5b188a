/* sched.h over wasi-libc's: policies have names; only sched_yield links. */
#ifndef ISOPAGE_SCHED_H
#define ISOPAGE_SCHED_H

#include_next <sched.h>

#define __NEED_pid_t
#define __NEED_size_t
#include <bits/alltypes.h>

#define SCHED_OTHER 0
#define SCHED_FIFO 1
#define SCHED_RR 2
#define SCHED_BATCH 3
#define SCHED_IDLE 5

#ifdef __cplusplus
extern "C" {
#endif

int sched_get_priority_max(int);
int sched_get_priority_min(int);
int sched_getparam(pid_t, struct sched_param *);
int sched_getscheduler(pid_t);
int sched_rr_get_interval(pid_t, struct timespec *);
int sched_setparam(pid_t, const struct sched_param *);
int sched_setscheduler(pid_t, int, const struct sched_param *);

#ifdef __cplusplus
}
#endif

#endif
