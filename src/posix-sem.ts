/**
 * POSIX semaphores of a process, under their C names. A semaphore is an address: of 16 bytes at a multiple of 4 that the process may read and
 * write (sem_init), or what sem_open gives, a page of its own. ipcabi.ts says what stands there, for C programs to use it too.
 *
 * Sources: POSIX.1-2017 <semaphore.h>; Linux sem_overview(7).
 */
import { checkBoolean, checkFlags, checkSize, checkUint32, wrongType } from './check.js'
import { MqCalls } from './mq.js'

const NEVER = Number.POSITIVE_INFINITY

export abstract class PosixSemCalls extends MqCalls {
  /**
   * sem_open(3). `flags`: O.CREAT, O.EXCL; `mode`: permission bits of a new one, less umask; `value`: its units. => its address, the same for
   * every sem_open of it by this process.
   */
  sem_open(name: string, flags = 0, mode = 0o600, value = 0): number {
    const { calls, instance, pid } = this
    checkFlags('flags', flags)
    checkUint32('mode', mode)
    checkUint32('value', value)
    const [at, bytes] = instance.path('sem_open', 'name', name)
    const address = calls.sem_open(pid, at, bytes, flags, mode, value)
    return instance.address('sem_open', address, { path: name })
  }

  /** sem_close(3): for each sem_open one; the last unmaps it. */
  sem_close(sem: number): void {
    const { calls } = this
    checkSize('sem', sem)
    this.done('sem_close', calls.sem_close(this.pid, sem), { address: sem })
    this.dirtied()
  }

  /** sem_unlink(3): takes the name away; who has it open keeps it. */
  sem_unlink(name: string): void {
    const { calls } = this
    const [at, bytes] = this.instance.path('sem_unlink', 'name', name)
    this.done('sem_unlink', calls.sem_unlink(this.pid, at, bytes), { path: name })
  }

  /** sem_init(3). Whether other processes may use it follows from the page; `shared` says what is meant. */
  sem_init(address: number, shared: boolean, value: number): void {
    const { calls } = this
    checkSize('address', address)
    if (shared === undefined) throw wrongType('shared', 'of type boolean', shared)
    checkBoolean('shared', shared)
    checkUint32('value', value)
    this.done('sem_init', calls.sem_init(this.pid, address, value), { address })
  }

  /** sem_destroy(3). EBUSY while somebody waits; any use after it is EINVAL, until the next sem_init. */
  sem_destroy(address: number): void {
    this.#onSem('sem_destroy', address)
  }

  /** sem_wait(3): takes a unit, or waits for one; who waited longest gets the next. */
  sem_wait(sem: number): void {
    this.#wait('sem_wait', sem, NEVER)
  }

  /** sem_timedwait(3): until `deadline`, ms since 1970. ETIMEDOUT; EINVAL for NaN; neither when there is a unit. */
  sem_timedwait(sem: number, deadline: number | Date): void {
    const at = deadline instanceof Date ? deadline.getTime() : deadline
    if (typeof at !== 'number') {
      throw wrongType('deadline', 'of type number or an instance of Date', deadline)
    }
    this.#wait('sem_timedwait', sem, at)
  }

  #wait(syscall: string, sem: number, deadline: number): void {
    const { calls } = this
    checkSize('sem', sem)
    this.done(syscall, calls.sem_wait(this.pid, sem, deadline), { address: sem })
  }

  /** sem_trywait(3): EAGAIN when there is no unit. */
  sem_trywait(sem: number): void {
    this.#onSem('sem_trywait', sem)
  }

  /** sem_post(3): one unit more, for who waits longest. EOVERFLOW at SEM_VALUE_MAX. */
  sem_post(sem: number): void {
    this.#onSem('sem_post', sem)
  }

  /** sem_getvalue(3). => units, 0 while somebody waits. */
  sem_getvalue(sem: number): number {
    return this.#onSem('sem_getvalue', sem)
  }

  #onSem(
    syscall: 'sem_destroy' | 'sem_trywait' | 'sem_post' | 'sem_getvalue',
    sem: number,
  ): number {
    const call = this.calls[syscall]
    checkSize('sem', sem)
    return this.done(syscall, call(this.pid, sem), { address: sem })
  }
}
