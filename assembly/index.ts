/**
 * The system-call table: every export of the kernel, and nothing else.
 *
 * Each call is enter, the work, leave. Numbers arrive as i32 or f64 (offsets and lengths: what JavaScript counts with); an f64 that is no
 * whole number in range becomes a value that every check refuses. Results: >= 0, or -errno; addresses are read as u32.
 * A call names its process by pid; while it runs, its slot says so (`process`), and exit waits for it.
 */
import { ABI_VERSION, AT_FDCWD, BUFFER_DATA, ESRCH, OFFSET_MAX } from './abi'
import { sysAccess, sysRelease, sysTouch } from './access'
import { attachThread, bootKernel } from './boot'
import {
  sysCreate,
  sysGet,
  sysGetLimit,
  sysJoin,
  sysLeave,
  sysSet,
  sysSetGroups,
  sysSetLimit,
} from './credentials'
import { sysExit, sysReap } from './exit'
import { sysFutexWait, sysFutexWake } from './futex'
import { dropGrant } from './grant'
import { sweepIdle } from './idle'
import { lock, unlock } from './lock'
import { sysMadvise, sysMincore, sysPosixMadvise } from './madvise'
import { sysMlock, sysMlockall, sysMunlock, sysMunlockall } from './mlock'
import { sysMmap, sysMunmap } from './mmap'
import { sysMprotect } from './mprotect'
import { sysMremap } from './mremap'
import { sysMsync } from './msync'
import { sysClose, sysDup, sysDup2, sysFcntl, sysOpen, sysTruncate } from './open'
import { finishRequest, setOwner, takeRequest } from './pager'
import { findProcess, Process } from './process'
import { sysFsync, sysLseek, sysPread, sysPwrite, sysRead, sysWrite } from './readwrite'
import { K } from './root'
import { sysStatKernel, sysStatMaps, sysStatPages } from './stat'
import { beginCall, endCall, enter, leave, me, recover, self, stop } from './thread'
import { sysFallocate, sysFtruncate } from './truncate'
import { sysCheck } from './verify'
import { inspectViews, sysViewClose, sysViewOpen } from './view'
import { interrupt } from './wait'
import { syncAll, writeOld } from './writeback'

/** What an f64 out of range becomes: unaligned, and past every limit. */
const REFUSED: u64 = 0x1000000000000001

function whole(value: f64): u64 {
  return value >= 0 && value <= <f64>OFFSET_MAX && Math.floor(value) == value ? <u64>value : REFUSED
}

/** Enters for a process. => null when there is none of that pid, or it is exiting: the caller ends with -ESRCH. */
function begin(pid: u32): Process | null {
  enter()
  dropGrant()
  beginCall(pid)
  const process = findProcess(pid)
  return process == null || process.exiting != 0 ? null : process
}

function end(result: i32): i32 {
  sweepIdle()
  endCall()
  leave()
  return result
}

function done(result: i32): i32 {
  sweepIdle()
  leave()
  return result
}

// ---- memory: one function a call; what it does and which errors it gives stands at the sys function it names ----

export function mmap(
  pid: u32,
  address: f64,
  length: f64,
  prot: u32,
  flags: u32,
  fd: i32,
  offset: f64,
): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysMmap(process, whole(address), whole(length), prot, flags, fd, whole(offset)),
  )
}

export function munmap(pid: u32, address: f64, length: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMunmap(process, whole(address), whole(length)))
}

export function mprotect(pid: u32, address: f64, length: f64, prot: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMprotect(process, whole(address), whole(length), prot))
}

export function mremap(
  pid: u32,
  address: f64,
  oldLength: f64,
  newLength: f64,
  flags: u32,
  newAddress: f64,
): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysMremap(
          process,
          whole(address),
          whole(oldLength),
          whole(newLength),
          flags,
          whole(newAddress),
        ),
  )
}

export function msync(pid: u32, address: f64, length: f64, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMsync(process, whole(address), whole(length), flags))
}

export function madvise(pid: u32, address: f64, length: f64, advice: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMadvise(process, whole(address), whole(length), advice))
}

export function posix_madvise(pid: u32, address: f64, length: f64, advice: u32): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysPosixMadvise(process, whole(address), whole(length), advice),
  )
}

export function mincore(pid: u32, address: f64, length: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMincore(process, whole(address), whole(length)))
}

export function mlock(pid: u32, address: f64, length: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMlock(process, whole(address), whole(length)))
}

export function munlock(pid: u32, address: f64, length: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMunlock(process, whole(address), whole(length)))
}

export function mlockall(pid: u32, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMlockall(process, flags))
}

export function munlockall(pid: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMunlockall(process))
}

export function access(pid: u32, address: f64, length: f64, write: u32): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysAccess(process, whole(address), whole(length), write != 0),
  )
}

export function touch(pid: u32, address: f64, length: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysTouch(process, whole(address), whole(length)))
}

export function view_open(pid: u32, address: f64, length: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysViewOpen(process, whole(address), whole(length)))
}

export function futex_wait(pid: u32, address: f64, expected: u32, timeoutMs: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFutexWait(process, whole(address), expected, timeoutMs))
}

export function futex_wake(pid: u32, address: f64, count: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFutexWake(process, whole(address), count))
}

export function stat_maps(pid: u32, from: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysStatMaps(process, whole(from)))
}

export function stat_pages(pid: u32, address: f64, pages: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysStatPages(process, whole(address), pages))
}

// ---- files: data goes through BUFFER_DATA, paths are (address, bytes) in this thread's buffer ----

export function open(pid: u32, path: u32, bytes: u32, flags: u32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysOpen(process, AT_FDCWD, path, bytes, flags, mode))
}

export function close(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysClose(process, fd))
}

export function read(pid: u32, fd: i32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysRead(process, fd, data(), bytes))
}

export function write(pid: u32, fd: i32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysWrite(process, fd, data(), bytes))
}

export function pread(pid: u32, fd: i32, bytes: u32, offset: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysPread(process, fd, data(), bytes, whole(offset)))
}

export function pwrite(pid: u32, fd: i32, bytes: u32, offset: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysPwrite(process, fd, data(), bytes, whole(offset)))
}

export function ftruncate(pid: u32, fd: i32, size: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFtruncate(process, fd, whole(size)))
}

export function truncate(pid: u32, path: u32, bytes: u32, size: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysTruncate(process, AT_FDCWD, path, bytes, whole(size)))
}

export function fallocate(pid: u32, fd: i32, mode: u32, offset: f64, length: f64): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysFallocate(process, fd, mode, whole(offset), whole(length)),
  )
}

export function fsync(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFsync(process, fd, false))
}

export function fdatasync(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFsync(process, fd, true))
}

export function dup(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysDup(process, fd))
}

export function dup2(pid: u32, fd: i32, to: i32, flags: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysDup2(process, fd, to, flags))
}

export function fcntl(pid: u32, fd: i32, command: u32, argument: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFcntl(process, fd, command, argument))
}

/** lseek: offsets are whole numbers; SEEK_CUR and SEEK_END take negative ones. => the new offset, or -errno. */
export function lseek(pid: u32, fd: i32, offset: f64, whence: u32): f64 {
  const process = begin(pid)
  const result: i64 = process == null ? -ESRCH : sysLseek(process, fd, <i64>offset, whence)
  end(0)
  return <f64>result
}

function data(): usize {
  return <usize>me().buffer + BUFFER_DATA
}

/** Lets go of the last grant (access.ts). */
export function release(): void {
  sysRelease()
}

/** Closes a host view. => 0, -ESRCH. */
export function view_close(id: u32): i32 {
  enter()
  return done(sysViewClose(id))
}

// ---- the kernel and its threads ----

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

/** => address of this thread's slot. */
export function thread_slot(): u32 {
  return <u32>self
}

/** After a JavaScript exception came through the kernel: this thread is OUT again. */
export function thread_recover(): void {
  recover()
}

/** => 1 when thread `index` is ended and may be reaped, 0 while it is inside: wait on its state word and ask again. */
export function thread_stop(index: u32, sequence: u32): u32 {
  return stop(index, sequence)
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

/** Writes everything that is dirty and makes it durable. => 0, or the first failure as -errno. */
export function sync_all(): i32 {
  enter()
  lock()
  inspectViews()
  unlock()
  return done(syncAll())
}

// ---- files below: the ring to the thread that owns a mount. No enter: called from inside waits, too ----

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

export function process_exit(pid: u32, status: u32): i32 {
  enter()
  return done(sysExit(pid, status))
}

export function stat_kernel(): i32 {
  enter()
  return done(sysStatKernel())
}

/** Runs every structure checker; the host's exception tells what is broken. => 0. */
export function check(): i32 {
  enter()
  return done(sysCheck())
}
