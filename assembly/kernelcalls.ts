/**
 * The calls on the kernel itself, as the host makes them: boot, threads, processes, the ring, counters.
 */
import { ABI_VERSION, ESRCH } from './abi'
import { attachThread, bootKernel } from './boot'
import { readyBuffer } from './buffer'
import { begin, done, end, whole } from './call'
import {
  sysCreate,
  sysGet,
  sysGetGroups,
  sysGetHardLimit,
  sysGetLimit,
  sysJoin,
  sysLeave,
  sysSet,
  sysSetGroups,
  sysSetLimit,
  sysSetLimits,
  sysTake,
} from './credentials'
import { abandonCall, detachThread, sysExit, sysReap } from './exit'
import { sysFork } from './fork'
import { sysIpcLimit } from './ipc'
import { lock, unlock } from './lock'
import { syncNames } from './mountfs'
import { sysMount } from './names'
import { finishRequest, setOwner, takeRequest } from './pager'
import { K } from './root'
import { sysStatKernel, sysStatProcesses, sysStatWaits } from './stat'
import { sysStatNames } from './statnames'
import { enter, leave, me, recover, release, self, stop, threadsInside } from './thread'
import { sysCheck } from './verify'
import { inspectViews } from './view'
import { interrupt, interruptCalls } from './wait'
import { syncAll, writeOld } from './writeback'

export function boot(
  memoryBytes: f64,
  pageShift: u32,
  stallMs: u32,
  mappingsMax: u32,
  dirtyPagesMax: u32,
  dirtyAgeMs: u32,
  processesMax: u32,
): i32 {
  return bootKernel(
    memoryBytes,
    pageShift,
    stallMs,
    mappingsMax,
    dirtyPagesMax,
    dirtyAgeMs,
    processesMax,
  )
}

/** Boot's option for a limit of interprocess communication (LIMIT_*), before anything is made. => 0, -EINVAL. */
export function ipc_limit(what: u32, value: u32): i32 {
  return sysIpcLimit(what, value)
}

/** => ABI_VERSION of the kernel that booted in this memory, 0 when none did. */
export function booted(): u32 {
  return atomic.load<u32>(changetype<usize>(K))
}

/** => the ABI that this module was built with. */
export function abiVersion(): u32 {
  return ABI_VERSION
}

export function thread_attach(flags: u32): i32 {
  return attachThread(flags)
}

/** Makes this thread fit for calls: the first one after thread_attach, and after it is known to others how to prove its death. => 0; -ENOMEM, and its slot is free again. */
export function thread_ready(): i32 {
  enter()
  const result = readyBuffer()
  if (result == 0) leave()
  else release(me().index)
  return result
}

/** This thread leaves the kernel: what it holds is released, processes that only it ran exit. => 0. No call may follow. */
export function thread_detach(): i32 {
  enter()
  detachThread()
  return 0
}

/** => address of this thread's slot. */
export function thread_slot(): u32 {
  return <u32>self
}

/** After a JavaScript exception came through the kernel: this thread is OUT again. */
export function thread_recover(): void {
  recover()
}

/** After the end of the stack in a call: what that had begun is undone, and this thread is OUT again. */
export function thread_abandon(): void {
  abandonCall()
}

/** => 1 when thread `index` is ended and may be reaped, 0 while it is inside: wait on its state word and ask again. */
export function thread_stop(index: u32, sequence: u32): u32 {
  return stop(index, sequence)
}

/** => threads that are in a call and do not sleep. */
export function threads_inside(): u32 {
  return threadsInside()
}

export function thread_reap(index: u32, sequence: u32, proven: u32): i32 {
  enter()
  return done(sysReap(index, sequence, proven != 0))
}

/** Ends the sleeps of thread `index` with EINTR. => how many. */
export function thread_interrupt(index: u32): i32 {
  enter()
  lock()
  const count = interrupt(index)
  unlock()
  return done(count)
}

/** Background write-back: up to `pages` pages that are dirty for the boot option's age, or that MS_ASYNC asked for. => pages, or -errno. */
export function flush(pages: u32): i32 {
  enter()
  return done(writeOld(pages, K.dirtyAgeMs))
}

/** Writes everything that is dirty and makes it durable, and the names that changed. => 0, or the first failure as -errno. */
export function sync_all(): i32 {
  enter()
  lock()
  inspectViews()
  unlock()
  const written = syncAll()
  const named = syncNames()
  return done(written < 0 ? written : named)
}

// ---- files below: the ring to the thread that owns a mount. No enter: called from inside waits, too ----

/** Mounts provider `mount` at an absolute path, made if need be. => 0 or -errno. */
export function mount_add(path: u32, bytes: u32, mount: u32, readOnly: u32): i32 {
  const pid = process_create(0, 0, 0)
  if (pid < 0) return pid
  const process = begin(pid)
  const result = end(process == null ? -ESRCH : sysMount(process, mount, path, bytes, readOnly))
  process_exit(pid, 0)
  return result
}

export function mount_owner(mount: u32, index: i32): void {
  setOwner(mount, index)
}

export function ring_take(): u32 {
  return <u32>takeRequest()
}

export function ring_done(slot: u32, error: u32): void {
  finishRequest(slot, error)
}

// ---- processes ----

export function process_create(parent: u32, uid: u32, gid: u32): i32 {
  enter()
  return done(sysCreate(parent, uid, gid))
}

export function process_join(pid: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysJoin(process))
}

export function process_leave(pid: u32): i32 {
  enter()
  return done(sysLeave(pid))
}

export function process_get(pid: u32, what: u32): f64 {
  const process = begin(pid)
  const value = process == null ? -ESRCH : sysGet(process, what)
  end(0)
  return value
}

export function process_set(pid: u32, what: u32, value: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSet(process, what, value))
}

export function set_groups(pid: u32, count: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSetGroups(process, count))
}

export function get_groups(pid: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysGetGroups(process))
}

export function set_limit(pid: u32, what: u32, value: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSetLimit(process, what, value))
}

export function get_limit(pid: u32, what: u32): f64 {
  const process = begin(pid)
  const value = process == null ? -ESRCH : sysGetLimit(process, what)
  end(0)
  return value
}

/** A guest's setrlimit; set_limit is the host's. */
export function set_limits(pid: u32, what: u32, soft: f64, hard: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysSetLimits(process, what, soft, hard))
}

export function get_hard_limit(pid: u32, what: u32): f64 {
  const process = begin(pid)
  const value = process == null ? -ESRCH : sysGetHardLimit(process, what)
  end(0)
  return value
}

export function process_exit(pid: u32, status: u32): i32 {
  enter()
  return done(sysExit(pid, status))
}

/** fork(2), with this thread in the child. => its pid. */
export function process_fork(pid: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFork(process))
}

/** This thread takes the place of thread `index` in a process. => 0, -ESRCH. */
export function process_take(pid: u32, index: u32, sequence: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysTake(process, index, sequence))
}

/** Ends the sleeps of all calls of the process that other threads are in, with EINTR; what is done stays done. => how many. */
export function process_interrupt(pid: u32): i32 {
  const process = begin(pid)
  lock()
  const count = process == null ? -ESRCH : <i32>interruptCalls(pid)
  unlock()
  return end(count)
}

export function stat_kernel(): i32 {
  enter()
  return done(sysStatKernel())
}

export function stat_waits(): i32 {
  enter()
  return done(sysStatWaits())
}

export function stat_processes(from: u32): i32 {
  enter()
  return done(sysStatProcesses(from))
}

export function stat_names(kind: u32, cookie: f64): i32 {
  enter()
  return done(sysStatNames(kind, whole(cookie)))
}

/** Runs every structure checker; the host's exception tells what is broken. => 0. */
export function check(): i32 {
  enter()
  return done(sysCheck())
}
