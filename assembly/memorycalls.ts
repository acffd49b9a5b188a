/**
 * The calls on memory, as the host makes them. What each does and which errors it gives stands at the sys function it names.
 */
import { ESRCH } from './abi'
import { sysAccess, sysRelease, sysTouch } from './access'
import { begin, done, end, whole } from './call'
import { sysFutexWait, sysFutexWake } from './futex'
import { sysMadvise, sysMincore, sysPosixMadvise } from './madvise'
import { sysMlock, sysMlockall, sysMunlock, sysMunlockall } from './mlock'
import { sysMmap, sysMunmap } from './mmap'
import { sysMprotect } from './mprotect'
import { sysMremap } from './mremap'
import { sysMsync } from './msync'
import { sysStatMaps, sysStatPages } from './stat'
import { enter, isOut } from './thread'
import { sysViewClose, sysViewOpen } from './view'

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

/** Lets go of the last grant (access.ts). */
export function release(): void {
  sysRelease()
}

/**
 * Closes a host view. => 0, -ESRCH. A thread that is not outside the kernel changes nothing: runtimes run the callbacks of collected arrays
 * once more when they end a worker, in the middle of whatever it was doing, and one that sleeps in here never ends. Its views go when it
 * is reaped.
 */
export function view_close(id: u32): i32 {
  if (!isOut()) return 0
  enter()
  return done(sysViewClose(id))
}
