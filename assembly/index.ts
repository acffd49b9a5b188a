/**
 * The system-call table: every export of the kernel, and nothing else.
 *
 * Each call is enter, the work, leave. Numbers arrive as i32 or f64 (offsets and lengths: what JavaScript counts with); an f64 that is no
 * whole number in range becomes a value that every check refuses. Results: >= 0, or -errno; addresses are read as u32.
 * A call names its process by pid; while it runs, its slot says so (`process`), and exit waits for it.
 */

import {
  ABI_VERSION,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  BUFFER_DATA,
  BUFFER_DATA_BYTES,
  ESRCH,
  FST_ATIM,
  FST_MTIM,
  OFFSET_MAX,
  SEEK_SET,
} from './abi'
import { sysAccess, sysRelease, sysTouch } from './access'
import {
  sysChmod,
  sysChown,
  sysFchmod,
  sysFchown,
  sysFutimens,
  sysUmask,
  sysUtimens,
} from './attributes'
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
import { sysChdir, sysFchdir, sysGetcwd } from './cwd'
import { detachThread, sysExit, sysReap } from './exit'
import { sysFlock, sysLockRange } from './flock'
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
import { sysMkdir, sysMount, sysReadlink, sysRmdir, sysSymlink, sysUnlink } from './names'
import { sysClose, sysDup, sysDup2, sysFcntl, sysOpen, sysTruncate } from './open'
import { finishRequest, setOwner, takeRequest } from './pager'
import { findProcess, Process } from './process'
import { sysReaddir } from './readdir'
import { sysFsync, sysLseek, sysPread, sysPwrite, sysRead, sysWrite } from './readwrite'
import { sysLink, sysRename } from './rename'
import { K } from './root'
import { sysStatKernel, sysStatMaps, sysStatPages } from './stat'
import { sysAccessPath, sysFstat, sysStat } from './statfile'
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

export function fstat(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFstat(process, fd))
}

export function stat(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysStat(process, AT_FDCWD, path, bytes, 0))
}

export function lstat(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysStat(process, AT_FDCWD, path, bytes, AT_SYMLINK_NOFOLLOW),
  )
}

export function readdir(pid: u32, fd: i32, cookie: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysReaddir(process, fd, whole(cookie), BUFFER_DATA_BYTES))
}

export function mkdir(pid: u32, path: u32, bytes: u32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMkdir(process, AT_FDCWD, path, bytes, mode))
}

export function rmdir(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysRmdir(process, AT_FDCWD, path, bytes))
}

export function unlink(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysUnlink(process, AT_FDCWD, path, bytes))
}

export function link(pid: u32, path: u32, bytes: u32, newPath: u32, newBytes: u32): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysLink(process, AT_FDCWD, path, bytes, AT_FDCWD, newPath, newBytes, 0),
  )
}

export function symlink(pid: u32, target: u32, targetBytes: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysSymlink(process, target, targetBytes, AT_FDCWD, path, bytes),
  )
}

export function readlink(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysReadlink(process, AT_FDCWD, path, bytes))
}

export function rename(pid: u32, path: u32, bytes: u32, newPath: u32, newBytes: u32): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysRename(process, AT_FDCWD, path, bytes, AT_FDCWD, newPath, newBytes),
  )
}

export function chdir(pid: u32, path: u32, bytes: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysChdir(process, AT_FDCWD, path, bytes))
}

export function fchdir(pid: u32, fd: i32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFchdir(process, fd))
}

export function getcwd(pid: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysGetcwd(process))
}

export function umask(pid: u32, mask: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysUmask(process, mask))
}

export function chmod(pid: u32, path: u32, bytes: u32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysChmod(process, AT_FDCWD, path, bytes, mode, 0))
}

export function fchmod(pid: u32, fd: i32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFchmod(process, fd, mode))
}

export function chown(pid: u32, path: u32, bytes: u32, uid: u32, gid: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysChown(process, AT_FDCWD, path, bytes, uid, gid, 0))
}

export function fchown(pid: u32, fd: i32, uid: u32, gid: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFchown(process, fd, uid, gid))
}

export function utimens(pid: u32, path: u32, bytes: u32, atimeMs: f64, mtimeMs: f64): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysUtimens(
          process,
          AT_FDCWD,
          path,
          bytes,
          timeOf(atimeMs),
          timeOf(mtimeMs),
          given(atimeMs, mtimeMs),
          0,
        ),
  )
}

export function futimens(pid: u32, fd: i32, atimeMs: f64, mtimeMs: f64): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysFutimens(process, fd, timeOf(atimeMs), timeOf(mtimeMs), given(atimeMs, mtimeMs)),
  )
}

export function access_path(pid: u32, path: u32, bytes: u32, mode: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysAccessPath(process, AT_FDCWD, path, bytes, mode, 0))
}

export function flock(pid: u32, fd: i32, operation: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysFlock(process, fd, operation))
}

export function fcntl_lock(
  pid: u32,
  fd: i32,
  command: u32,
  kind: u32,
  start: f64,
  length: f64,
): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysLockRange(process, fd, command, kind, SEEK_SET, <i64>start, <i64>length),
  )
}

/** A time of NaN is left as it is. => the FST_* bits of the two times. */
function given(atimeMs: f64, mtimeMs: f64): u32 {
  return (atimeMs == atimeMs ? FST_ATIM : 0) | (mtimeMs == mtimeMs ? FST_MTIM : 0)
}

function timeOf(ms: f64): f64 {
  return ms == ms ? ms : 0
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
