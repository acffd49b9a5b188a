/**
 * Locks in mapped pages, under their C names, by address: any word at a multiple of 4 that the process may read and write. Memory of zeros is a
 * normal mutex, a condition, a free rwlock; `_init` makes it another. Deadlines are absolute, ms since 1970, unless the condition says otherwise.
 *
 * Who owns a lock is this thread in this process; the promise form locks for the thread that asked. What a C function returns as a number
 * is thrown here, EOWNERDEAD too: the mutex is locked then, and what it protects is for the caller to mend (pthread_mutex_consistent).
 * `Mapping.mutex()` and its like are faster: they lock on the page itself.
 *
 * Sources: POSIX.1-2017 <pthread.h>.
 */
import {
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  MUTEX_ONCE,
  MUTEX_WAS_WOKEN,
  MUTEX_WOKEN,
} from '../assembly/ipcabi.js'
import { checkDeadline, checkSize, checkUint32, wrongType } from './check.js'
import {
  type ClockName,
  type ConditionOptions,
  clockOf,
  conditionKind,
  type MutexOptions,
  mutexKind,
} from './lockkinds.js'
import { PosixSemCalls } from './posix-sem.js'

const NEVER = Number.POSITIVE_INFINITY
/** The kernel reads it in the condition. */
const CLOCK_OF_CONDITION = 0xffffffff

export abstract class SyncCalls extends PosixSemCalls {
  #owner = 0

  /** What stands in a lock that this thread owns in this process. */
  get owner(): number {
    if (this.#owner === 0) this.#owner = this.done('process', this.calls.sync_owner(this.pid))
    return this.#owner
  }

  /** Calls are for the thread of that word: a service worker's. @internal */
  actFor(owner: number): void {
    this.#owner = owner
  }

  /** clock_gettime(2), in ms: 'realtime' since 1970, 'monotonic' since some moment, and never set back. */
  clock_gettime(clock: ClockName): number {
    const realtime = clockOf('clock', clock) === CLOCK_REALTIME
    this.calls.booted() // closed, or exited: said as by every call
    return realtime ? Date.now() : performance.timeOrigin + performance.now()
  }

  // ---- mutexes ----

  /** pthread_mutex_init(3). What was there is forgotten, locked or not. */
  pthread_mutex_init(address: number, options?: MutexOptions): void {
    const { calls, pid } = this
    checkSize('address', address)
    const kind = mutexKind(options)
    this.done('pthread_mutex_init', calls.mutex_init(pid, address, kind), { address })
  }

  /** pthread_mutex_destroy(3). EBUSY while it is locked or waited for; EINVAL on any use after it, until the next init. */
  pthread_mutex_destroy(address: number): void {
    const { calls, pid } = this
    checkSize('address', address)
    this.done('pthread_mutex_destroy', calls.mutex_destroy(pid, address), { address })
  }

  /**
   * pthread_mutex_lock(3). EOWNERDEAD: locked, and its last owner died. ENOTRECOVERABLE, EDEADLK (errorcheck), EAGAIN (too many locks of a
   * recursive one, or 2048 robust ones of one thread). A signal ends none of these waits: POSIX's pthread calls never say EINTR.
   */
  pthread_mutex_lock(address: number): void {
    this.#lockMutex('pthread_mutex_lock', address, NEVER, CLOCK_REALTIME)
  }

  /** pthread_mutex_timedlock(3). Also ETIMEDOUT, at `deadline`: ms since 1970. */
  pthread_mutex_timedlock(address: number, deadline: number | Date): void {
    const at = checkDeadline('deadline', deadline)
    this.#lockMutex('pthread_mutex_timedlock', address, at, CLOCK_REALTIME)
  }

  /** pthread_mutex_clocklock(3): a deadline on either clock. */
  pthread_mutex_clocklock(address: number, clock: ClockName, deadline: number): void {
    const at = checkDeadline('deadline', deadline)
    this.#lockMutex('pthread_mutex_clocklock', address, at, clockOf('clock', clock))
  }

  #lockMutex(syscall: string, address: number, deadline: number, clock: number): void {
    const { calls, pid, owner } = this
    checkSize('address', address)
    const result = calls.mutex_lock(pid, owner, address, deadline, clock, 0)
    this.done(syscall, result, { address })
  }

  /** For the objects of locks.ts: sleeps once. `deadline`: of the monotonic clock. => locked; false: woken, look again. @internal */
  mutex_sleep(address: number, deadline: number, woken: boolean): boolean {
    const { calls, pid, owner } = this
    const flags = MUTEX_ONCE | (woken ? MUTEX_WAS_WOKEN : 0)
    const result = calls.mutex_lock(pid, owner, address, deadline, CLOCK_MONOTONIC, flags)
    return this.done('pthread_mutex_lock', result, { address }) !== MUTEX_WOKEN
  }

  /** pthread_mutex_trylock(3). EBUSY when it is locked. */
  pthread_mutex_trylock(address: number): void {
    const { calls, pid, owner } = this
    checkSize('address', address)
    this.done('pthread_mutex_trylock', calls.mutex_trylock(pid, owner, address), { address })
  }

  /** pthread_mutex_unlock(3). EPERM when this thread is not its owner, whatever its type. */
  pthread_mutex_unlock(address: number): void {
    const { calls, pid, owner } = this
    checkSize('address', address)
    this.done('pthread_mutex_unlock', calls.mutex_unlock(pid, owner, address), { address })
  }

  /** pthread_mutex_consistent(3): what an owner that died left is mended. EINVAL unless this thread was told EOWNERDEAD and holds it. */
  pthread_mutex_consistent(address: number): void {
    const { calls, pid, owner } = this
    checkSize('address', address)
    this.done('pthread_mutex_consistent', calls.mutex_consistent(pid, owner, address), { address })
  }

  // ---- conditions ----

  /** pthread_cond_init(3). */
  pthread_cond_init(address: number, options?: ConditionOptions): void {
    const { calls, pid } = this
    checkSize('address', address)
    const kind = conditionKind(options)
    this.done('pthread_cond_init', calls.cond_init(pid, address, kind), { address })
  }

  /** pthread_cond_destroy(3). EBUSY while somebody waits. */
  pthread_cond_destroy(address: number): void {
    const { calls, pid } = this
    checkSize('address', address)
    this.done('pthread_cond_destroy', calls.cond_destroy(pid, address), { address })
  }

  /**
   * pthread_cond_wait(3): gives up the mutex, as often as it was locked, waits, and has it again when it returns or throws ETIMEDOUT, AbortError or
   * EOWNERDEAD. EPERM when this thread does not own it. It may return unsignalled: look again at what was waited for.
   */
  pthread_cond_wait(address: number, mutex: number): void {
    this.#waitFor('pthread_cond_wait', address, mutex, NEVER, CLOCK_REALTIME)
  }

  /** pthread_cond_timedwait(3): `deadline` is a time of the condition's clock. */
  pthread_cond_timedwait(address: number, mutex: number, deadline: number | Date): void {
    const at = checkDeadline('deadline', deadline)
    this.#waitFor('pthread_cond_timedwait', address, mutex, at, CLOCK_OF_CONDITION)
  }

  /** pthread_cond_clockwait(3): a deadline on either clock. */
  pthread_cond_clockwait(address: number, mutex: number, clock: ClockName, deadline: number): void {
    const at = checkDeadline('deadline', deadline)
    this.#waitFor('pthread_cond_clockwait', address, mutex, at, clockOf('clock', clock))
  }

  #waitFor(syscall: string, address: number, mutex: number, deadline: number, clock: number): void {
    const { calls, pid, owner } = this
    checkSize('address', address)
    checkSize('mutex', mutex)
    const result = calls.cond_wait(pid, owner, address, mutex, deadline, clock)
    this.done(syscall, result, { address })
  }

  /** pthread_cond_signal(3): wakes who waited longest. */
  pthread_cond_signal(address: number): void {
    this.#signal('pthread_cond_signal', address, 1)
  }

  /** pthread_cond_broadcast(3): wakes all who wait. */
  pthread_cond_broadcast(address: number): void {
    this.#signal('pthread_cond_broadcast', address, 0xffffffff)
  }

  #signal(syscall: string, address: number, count: number): void {
    const { calls, pid } = this
    checkSize('address', address)
    this.done(syscall, calls.cond_wake(pid, address, count), { address })
  }

  // ---- barriers ----

  /** pthread_barrier_init(3) for `count` threads: EINVAL for 0, EBUSY while somebody waits. */
  pthread_barrier_init(address: number, count: number): void {
    const { calls, pid } = this
    checkSize('address', address)
    checkUint32('count', count)
    this.done('pthread_barrier_init', calls.barrier_init(pid, address, count), { address })
  }

  /** pthread_barrier_destroy(3). EBUSY while somebody waits. */
  pthread_barrier_destroy(address: number): void {
    const { calls, pid } = this
    checkSize('address', address)
    this.done('pthread_barrier_destroy', calls.barrier_destroy(pid, address), { address })
  }

  /** pthread_barrier_wait(3): waits for the others. => true in one of them, PTHREAD_BARRIER_SERIAL_THREAD's. Who aborts its promise form has not arrived. */
  pthread_barrier_wait(address: number): boolean {
    const { calls, pid } = this
    checkSize('address', address)
    const result = calls.barrier_wait(pid, address)
    return this.done('pthread_barrier_wait', result, { address }) === 1
  }

  // ---- read-write locks ----

  /** pthread_rwlock_init(3). What was there is forgotten, locked or not. */
  pthread_rwlock_init(address: number): void {
    const { calls, pid } = this
    checkSize('address', address)
    this.done('pthread_rwlock_init', calls.rwlock_init(pid, address), { address })
  }

  /** pthread_rwlock_destroy(3). EBUSY while it is locked or waited for. */
  pthread_rwlock_destroy(address: number): void {
    const { calls, pid } = this
    checkSize('address', address)
    this.done('pthread_rwlock_destroy', calls.rwlock_destroy(pid, address), { address })
  }

  /** pthread_rwlock_rdlock(3): with other readers, behind a writer that waits. EDEADLK when this thread has it for writing, EAGAIN past 2^30 - 2 readers. */
  pthread_rwlock_rdlock(address: number): void {
    this.#lockRw('pthread_rwlock_rdlock', address, false, NEVER)
  }

  /** pthread_rwlock_timedrdlock(3). Also ETIMEDOUT, at `deadline`: ms since 1970. */
  pthread_rwlock_timedrdlock(address: number, deadline: number | Date): void {
    const at = checkDeadline('deadline', deadline)
    this.#lockRw('pthread_rwlock_timedrdlock', address, false, at)
  }

  /** pthread_rwlock_wrlock(3): alone. EDEADLK when this thread has it for writing. */
  pthread_rwlock_wrlock(address: number): void {
    this.#lockRw('pthread_rwlock_wrlock', address, true, NEVER)
  }

  /** pthread_rwlock_timedwrlock(3). Also ETIMEDOUT, at `deadline`: ms since 1970. */
  pthread_rwlock_timedwrlock(address: number, deadline: number | Date): void {
    const at = checkDeadline('deadline', deadline)
    this.#lockRw('pthread_rwlock_timedwrlock', address, true, at)
  }

  /** For the objects of locks.ts: a deadline on the monotonic clock. @internal */
  rwlock_clocklock(address: number, write: boolean, deadline: number): void {
    if (typeof write !== 'boolean') throw wrongType('write', 'of type boolean', write)
    const at = checkDeadline('deadline', deadline)
    this.#lockRw('rwlock_clocklock', address, write, at, CLOCK_MONOTONIC)
  }

  #lockRw(
    syscall: string,
    address: number,
    write: boolean,
    deadline: number,
    clock: number = CLOCK_REALTIME,
  ): void {
    const { calls, pid, owner } = this
    checkSize('address', address)
    const result = calls.rwlock_lock(pid, owner, address, write ? 1 : 0, deadline, clock)
    this.done(syscall, result, { address })
  }

  /** pthread_rwlock_tryrdlock(3). EBUSY when a writer has it or waits for it. */
  pthread_rwlock_tryrdlock(address: number): void {
    this.#tryRw('pthread_rwlock_tryrdlock', address, 0)
  }

  /** pthread_rwlock_trywrlock(3). EBUSY when anybody has it. */
  pthread_rwlock_trywrlock(address: number): void {
    this.#tryRw('pthread_rwlock_trywrlock', address, 1)
  }

  #tryRw(syscall: string, address: number, write: number): void {
    const { calls, pid, owner } = this
    checkSize('address', address)
    this.done(syscall, calls.rwlock_trylock(pid, owner, address, write), { address })
  }

  /** pthread_rwlock_unlock(3). EPERM when it is not locked, or another thread has it for writing. */
  pthread_rwlock_unlock(address: number): void {
    const { calls, pid, owner } = this
    checkSize('address', address)
    this.done('pthread_rwlock_unlock', calls.rwlock_unlock(pid, owner, address), { address })
  }
}
