/**
 * The calls on locks in mapped pages, as the host makes them. What each does and which errors it gives stands at the sys function it names. `owner` is
 * the word of the thread that the call is for (sync_owner), `deadline` a time of `clock` in ms, Infinity for none.
 */
import { ESRCH } from './abi'
import { sysBarrierDestroy, sysBarrierInit, sysBarrierWait } from './barrier'
import { begin, end, whole } from './call'
import { sysCondDestroy, sysCondInit, sysCondWait, sysCondWake } from './condition'
import {
  sysMutexConsistent,
  sysMutexDestroy,
  sysMutexInit,
  sysMutexLock,
  sysMutexTrylock,
  sysMutexUnlock,
} from './mutex'
import { sysOwner } from './owner'
import {
  sysRwlockDestroy,
  sysRwlockInit,
  sysRwlockLock,
  sysRwlockTrylock,
  sysRwlockUnlock,
} from './rwlock'

export function sync_owner(pid: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysOwner(process))
}

// ---- mutexes ----

export function mutex_init(pid: u32, address: f64, kind: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMutexInit(process, whole(address), kind))
}

export function mutex_destroy(pid: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMutexDestroy(process, whole(address)))
}

export function mutex_lock(
  pid: u32,
  owner: u32,
  address: f64,
  deadline: f64,
  clock: u32,
  flags: u32,
): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysMutexLock(process, owner, whole(address), deadline, clock, flags),
  )
}

export function mutex_trylock(pid: u32, owner: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMutexTrylock(process, owner, whole(address)))
}

export function mutex_unlock(pid: u32, owner: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMutexUnlock(process, owner, whole(address)))
}

export function mutex_consistent(pid: u32, owner: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysMutexConsistent(process, owner, whole(address)))
}

// ---- conditions ----

export function cond_init(pid: u32, address: f64, clock: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysCondInit(process, whole(address), clock))
}

export function cond_destroy(pid: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysCondDestroy(process, whole(address)))
}

export function cond_wait(
  pid: u32,
  owner: u32,
  address: f64,
  mutex: f64,
  deadline: f64,
  clock: u32,
): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysCondWait(process, owner, whole(address), whole(mutex), deadline, clock),
  )
}

export function cond_wake(pid: u32, address: f64, count: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysCondWake(process, whole(address), count))
}

// ---- barriers ----

export function barrier_init(pid: u32, address: f64, count: u32): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysBarrierInit(process, whole(address), count))
}

export function barrier_destroy(pid: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysBarrierDestroy(process, whole(address)))
}

export function barrier_wait(pid: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysBarrierWait(process, whole(address)))
}

// ---- read-write locks ----

export function rwlock_init(pid: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysRwlockInit(process, whole(address)))
}

export function rwlock_destroy(pid: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysRwlockDestroy(process, whole(address)))
}

export function rwlock_lock(
  pid: u32,
  owner: u32,
  address: f64,
  write: u32,
  deadline: f64,
  clock: u32,
): i32 {
  const process = begin(pid)
  return end(
    process == null
      ? -ESRCH
      : sysRwlockLock(process, owner, whole(address), write != 0, deadline, clock),
  )
}

export function rwlock_trylock(pid: u32, owner: u32, address: f64, write: u32): i32 {
  const process = begin(pid)
  return end(
    process == null ? -ESRCH : sysRwlockTrylock(process, owner, whole(address), write != 0),
  )
}

export function rwlock_unlock(pid: u32, owner: u32, address: f64): i32 {
  const process = begin(pid)
  return end(process == null ? -ESRCH : sysRwlockUnlock(process, owner, whole(address)))
}
