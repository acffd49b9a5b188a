/* sys/ipc.h: POSIX.1-2017 and Linux; the layout is the kernel's (assembly/ipcabi.ts, IPC_PERM_*). */
#ifndef ISOPAGE_SYS_IPC_H
#define ISOPAGE_SYS_IPC_H

#define __NEED_uid_t
#define __NEED_gid_t
#define __NEED_mode_t
#define __NEED_key_t
#define __NEED_pid_t
#define __NEED_time_t
#define __NEED_size_t
#define __NEED_ssize_t
#include <features.h>

#include <bits/alltypes.h>
#include <isopage/abi.h>

#ifndef __DEFINED_key_t
typedef int key_t;
#define __DEFINED_key_t
#endif

#define IPC_PRIVATE ((key_t)ISOPAGE_IPC_PRIVATE)
#define IPC_CREAT ISOPAGE_IPC_CREAT
#define IPC_EXCL ISOPAGE_IPC_EXCL
#define IPC_NOWAIT ISOPAGE_IPC_NOWAIT
#define IPC_RMID ISOPAGE_IPC_RMID
#define IPC_SET ISOPAGE_IPC_SET
#define IPC_STAT ISOPAGE_IPC_STAT
#define IPC_INFO ISOPAGE_IPC_INFO

struct ipc_perm {
  key_t __ipc_perm_key;
  uid_t uid;
  gid_t gid;
  uid_t cuid;
  gid_t cgid;
  mode_t mode;
  int __ipc_perm_seq;
  int __ipc_perm_id;
};

#define __key __ipc_perm_key
#define __seq __ipc_perm_seq

#ifdef __cplusplus
extern "C" {
#endif

key_t ftok(const char *, int);

#ifdef __cplusplus
}
#endif

#endif
