/**
 * Locks in a mapping, as objects: `map.mutex(offset)` and its like. Where nobody is in the way they lock and unlock by one atomic operation on
 * the page, which they keep pinned as `bytes` does; the kernel is called to sleep, to wake, and for each step of a robust mutex.
 *
 *   using held = mutex.lock()                    unlocked at the end of the block
 *   using held = await mutex.promises.lock()     where the thread may not wait, or with an AbortSignal
 *
 * The owner is this thread in this process: to a mutex all code of one thread is one, so that of two tasks of a thread the second waits for the first
 * in the promise form (normal), enters too (recursive), or is refused (errorcheck).
 * assembly/mutex.ts, condition.ts, barrier.ts and rwlock.ts draw the words; what is done to them here is what is allowed there outside the kernel.
 */
import { EBUSY, EINVAL, ETIMEDOUT } from '../assembly/abi.js'
import {
  BARRIER_BYTES,
  BARRIER_COUNT,
  COND_BYTES,
  COND_KIND,
  COND_WAITERS,
  MUTEX_BYTES,
  MUTEX_COUNT,
  MUTEX_COUNT_MAX,
  MUTEX_ERRORCHECK,
  MUTEX_KIND,
  MUTEX_NORMAL,
  MUTEX_RECURSIVE,
  MUTEX_WORD,
  SYNC_OWNER,
  SYNC_WAITERS,
} from '../assembly/ipcabi.js'
import { checkInteger, checkObject, checkSize, checkTimeout } from './check.js'
import { IsopageError, kernelError } from './errors.js'
import { type ConditionOptions, conditionKind, type MutexOptions, mutexKind } from './lockkinds.js'

/** How long a lock or a wait may take. */
export interface LockOptions {
  /** From now on; no limit by default. Past it: ETIMEDOUT, or 'timed-out' of a condition. */
  timeoutMs?: number | undefined
}

export interface PromisedLockOptions extends LockOptions {
  signal?: AbortSignal | undefined
}

interface WithSignal {
  signal?: AbortSignal
}

/** The calls that the objects make (sync.ts). */
interface LockCalls {
  pthread_mutex_lock(address: number): void
  pthread_mutex_clocklock(address: number, clock: 'monotonic', deadline: number): void
  pthread_cond_clockwait(address: number, mutex: number, clock: 'monotonic', deadline: number): void
  pthread_cond_wait(address: number, mutex: number): void
  pthread_barrier_wait(address: number): boolean
  rwlock_clocklock(address: number, write: boolean, deadline: number): void
}

type LockPromises = {
  [Name in keyof LockCalls]: (
    ...args: [...Parameters<LockCalls[Name]>, options?: WithSignal]
  ) => Promise<ReturnType<LockCalls[Name]>>
}

/** What the objects need of a process. */
export interface LockProcess extends LockCalls {
  readonly promises: LockPromises
  readonly owner: number
  readonly pageSize: number
  view(address: number, length: number): Uint8Array<SharedArrayBuffer>
  mutex_sleep(address: number, deadline: number, woken: boolean): boolean
  pthread_mutex_trylock(address: number): void
  pthread_mutex_unlock(address: number): void
  pthread_mutex_consistent(address: number): void
  pthread_cond_signal(address: number): void
  pthread_cond_broadcast(address: number): void
  pthread_rwlock_tryrdlock(address: number): void
  pthread_rwlock_trywrlock(address: number): void
  pthread_rwlock_unlock(address: number): void
}

/** What they need of a mapping. */
export interface LockMapping {
  readonly address: number
  readonly length: number
  /** The kernel's memory; empty once the mapping is closed, so that no lock is found free there. */
  readonly words: Int32Array<ArrayBufferLike>
  readonly closed: boolean
  part(): [number, number]
  at(offset: number, bytes: number): number
}

/** Rounds of a lock that looks before it sleeps: about as long as a sleep and a wake-up take. */
export const SPINS = 200
/**
 * Pauses between the looks at a mutex that is taken: twice as long each time, some 10 us in all. A look takes the cache line from who holds it; without
 * looks that thread locks and unlocks many times in the meantime, which costs less than taking turns.
 */
const PAUSE_FIRST = 64
const PAUSE_LAST = 8192
const quiet = new Int32Array(1)

/** Lets a moment pass, about half a nanosecond a look. */
function linger(looks: number): void {
  for (let i = 0; i < looks; i++) Atomics.load(quiet, 0)
}

/** Mappings up to this size are pinned whole, so that `bytes` finds their pages together. */
const PINNED_WHOLE = 1 << 20

/** Where a lock is. */
export class Place {
  readonly process: LockProcess
  readonly mapping: LockMapping
  /** Index of its first word in `mapping.words`. */
  readonly index: number
  readonly #offset: number
  /** Not collected before the lock is: that keeps the page where it is. */
  readonly pin: Uint8Array<SharedArrayBuffer>

  constructor(process: LockProcess, mapping: LockMapping, offset: number, bytes: number) {
    checkSize('offset', offset)
    const address = mapping.at(offset, bytes)
    if (address % 4 !== 0) throw kernelError('lock', EINVAL, { address })
    this.process = process
    this.mapping = mapping
    this.#offset = offset
    const [start, pin] = pinned(process, mapping, address, bytes)
    this.pin = pin
    this.index = (pin.byteOffset + address - start) >>> 2 // an integer to engines, as no quotient is: Atomics by a double are slow
  }

  /** Where the lock is for the kernel. ERR_MAPPING_CLOSED. */
  get address(): number {
    this.mapping.part()
    return this.mapping.address + this.#offset
  }
}

/** => the address where a view begins that holds the words, and the view. */
function pinned(
  process: LockProcess,
  mapping: LockMapping,
  address: number,
  bytes: number,
): [number, Uint8Array<SharedArrayBuffer>] {
  if (mapping.length <= PINNED_WHOLE) {
    try {
      return [mapping.address, process.view(mapping.address, mapping.length)]
    } catch (error) {
      if (!(error instanceof IsopageError)) throw error // its own pages may do
    }
  }
  const start = address - (address % process.pageSize)
  return [start, process.view(start, address + bytes - start)]
}

/** Unlocks at the end of a block: `using held = mutex.lock()`. */
export class Guard {
  readonly #unlock: () => void

  constructor(unlock: () => void) {
    this.#unlock = unlock
  }

  [Symbol.dispose](): void {
    this.#unlock()
  }
}

export function deadlineOf(options: LockOptions | undefined): number | undefined {
  const { timeoutMs } = checkObject<LockOptions>('options', options)
  const left = checkTimeout('options.timeoutMs', timeoutMs)
  return left < 0 ? undefined : performance.timeOrigin + performance.now() + left
}

export function signalOf(options: PromisedLockOptions | undefined): [WithSignal] | [] {
  return options?.signal ? [{ signal: options.signal }] : []
}

/** => the call was done; false: it said EBUSY. */
export function tried(call: () => void): boolean {
  try {
    call()
    return true
  } catch (error) {
    if ((error as IsopageError).errno === EBUSY) return false
    throw error
  }
}

/** The first to name options for a lock of zeros decides; those who name others later are refused. */
function agree(place: Place, at: number, wanted: number, unused: boolean, what: string): void {
  const { words } = place.mapping
  const index = place.index + at
  const found = unused ? Atomics.compareExchange(words, index, 0, wanted) : words[index]
  if (found === wanted || (found === 0 && unused)) return
  throw kernelError(what, EINVAL, { address: place.address })
}

const WORD = MUTEX_WORD / 4
const KIND = MUTEX_KIND / 4
const COUNT = MUTEX_COUNT / 4

/** => a mutex of that kind is locked on the page: it is not robust, nor destroyed, nor (undefined) of a closed mapping. */
function isPlain(kind: number | undefined): boolean {
  return kind === MUTEX_NORMAL || kind === MUTEX_RECURSIVE || kind === MUTEX_ERRORCHECK
}

export class Mutex {
  readonly #place: Place
  readonly #mapping: LockMapping
  /** The mapping's, as long as that is open. */
  readonly #words: Int32Array
  /** Indices of its words. */
  readonly #word: number
  readonly #kind: number
  readonly #count: number
  readonly #me: number
  /** It was a normal one when last seen. */
  #normal: boolean
  readonly #guard = new Guard(() => this.unlock())

  /** Made by `map.mutex`. */
  constructor(process: LockProcess, mapping: LockMapping, offset: number, options?: MutexOptions) {
    const place = new Place(process, mapping, offset, MUTEX_BYTES)
    this.#place = place
    this.#mapping = mapping
    this.#words = mapping.words
    this.#word = place.index + WORD
    this.#kind = place.index + KIND
    this.#count = place.index + COUNT
    this.#me = process.owner
    if (options !== undefined) {
      agree(place, KIND, mutexKind(options), mapping.words[this.#word] === 0, 'mutex')
    }
    this.#normal = mapping.words[this.#kind] === MUTEX_NORMAL
  }

  /** Its address, for calls by C names. */
  get address(): number {
    return this.#place.address
  }

  /**
   * Locks. EOWNERDEAD of a robust one: locked, and its last owner died in the middle of something; mend it, say `consistent()`, and unlock.
   * ETIMEDOUT past `timeoutMs`; ENOTRECOVERABLE, EDEADLK, EAGAIN as pthread_mutex_lock(3).
   * @returns what unlocks at the end of a block
   */
  lock(options?: LockOptions): Guard {
    if (!this.#take() && !this.#spin(false)) this.#wait(options)
    return this.#guard
  }

  /** One attempt at a normal one, in one exchange of its cache line: the kind, in the same line, is looked at once that is ours. */
  #take(): boolean {
    const words = this.#words
    if (!this.#normal || this.#mapping.closed) return false
    if (Atomics.compareExchange(words, this.#word, 0, this.#me) !== 0) return false
    this.#normal = words[this.#kind] === MUTEX_NORMAL
    if (!this.#normal) Atomics.compareExchange(words, this.#word, this.#me, 0)
    return this.#normal
  }

  #wait(options?: LockOptions): void {
    const { process, address } = this.#place
    const deadline = deadlineOf(options) ?? Number.POSITIVE_INFINITY
    if (!isPlain(this.#mapping.words[this.#kind])) {
      this.#watch()
      process.pthread_mutex_clocklock(address, 'monotonic', deadline)
      return
    }
    let locked = process.mutex_sleep(address, deadline, false)
    while (!locked) locked = this.#spin(true) || process.mutex_sleep(address, deadline, true)
  }

  /** => locked; false: it is for the kernel to wait for, or to refuse. Who was woken answers for those who still sleep. */
  #spin(woken: boolean): boolean {
    const { words } = this.#mapping
    const at = this.#word
    const kind = words[this.#kind]
    if (!isPlain(kind)) return false
    const mine = woken ? this.#me | SYNC_WAITERS : this.#me
    for (let pause = PAUSE_FIRST; pause <= PAUSE_LAST; pause *= 2) {
      const word = Atomics.load(words, at)
      const owner = word & SYNC_OWNER
      if (owner === 0) {
        if (Atomics.compareExchange(words, at, word, word | mine) === word) return true
      } else if (owner === this.#me) return this.#again(kind)
      linger(pause)
    }
    return false
  }

  #again(kind: number | undefined): boolean {
    const { words } = this.#mapping
    const count = (words[this.#count] as number) >>> 0
    if (kind !== MUTEX_RECURSIVE || count >= MUTEX_COUNT_MAX) return false
    words[this.#count] = count + 1
    return true
  }

  /** A robust one is the kernel's to take; here it is looked at until somebody gives it up. */
  #watch(): void {
    const { words } = this.#mapping
    for (let round = 0; round < SPINS; round++) {
      const owner = Atomics.load(words, this.#word) & SYNC_OWNER
      if (owner === 0 || owner === this.#me) return
    }
  }

  /** => locked. Throws EOWNERDEAD as lock does. */
  tryLock(): boolean {
    const { words } = this.#mapping
    if (words[this.#kind] !== MUTEX_NORMAL) {
      const { process, address } = this.#place
      return tried(() => process.pthread_mutex_trylock(address))
    }
    const word = Atomics.load(words, this.#word)
    if ((word & SYNC_OWNER) !== 0) return false
    return Atomics.compareExchange(words, this.#word, word, word | this.#me) === word
  }

  /** Unlocks; EPERM when this thread does not own it. */
  unlock(): void {
    const words = this.#words
    const kind = this.#mapping.closed ? undefined : words[this.#kind]
    const whole =
      kind === MUTEX_NORMAL ||
      kind === MUTEX_ERRORCHECK ||
      (kind === MUTEX_RECURSIVE && words[this.#count] === 0)
    const done = whole && Atomics.compareExchange(words, this.#word, this.#me, 0) === this.#me
    if (!done) this.#place.process.pthread_mutex_unlock(this.#place.address)
  }

  /** After EOWNERDEAD: what the mutex protects is whole again. EINVAL unless this thread was told, and holds it. */
  consistent(): void {
    this.#place.process.pthread_mutex_consistent(this.#place.address)
  }

  /** The promise form. An abort rejects with AbortError, not locked. */
  readonly promises = {
    lock: async (options?: PromisedLockOptions): Promise<Guard> => {
      const deadline = deadlineOf(options)
      const { signal } = options ?? {}
      const calls = this.#place.process.promises
      if (!signal?.aborted && this.#tryFast()) return this.#guard
      const { address } = this.#place
      if (deadline === undefined) await calls.pthread_mutex_lock(address, ...signalOf(options))
      else {
        const args = [address, 'monotonic', deadline] as const
        await calls.pthread_mutex_clocklock(...args, ...signalOf(options))
      }
      return this.#guard
    },
  }

  #tryFast(): boolean {
    return this.#mapping.words[this.#kind] === MUTEX_NORMAL && this.tryLock()
  }
}

export class Condition {
  readonly #place: Place

  /** Made by `map.condition`. */
  constructor(
    process: LockProcess,
    mapping: LockMapping,
    offset: number,
    options?: ConditionOptions,
  ) {
    const place = new Place(process, mapping, offset, COND_BYTES)
    this.#place = place
    if (options === undefined) return
    const unused = mapping.words[place.index + COND_WAITERS / 4] === 0
    agree(place, COND_KIND / 4, conditionKind(options), unused, 'condition')
  }

  /** Its address, for calls by C names. */
  get address(): number {
    return this.#place.address
  }

  /**
   * Gives up `mutex`, which this thread holds, waits, and holds it again, however the wait ends. It may end unsignalled: `while (!ready) wait(mutex)`.
   * EPERM when the thread does not own the mutex, EOWNERDEAD as `mutex.lock()`.
   */
  wait(mutex: Mutex, options?: LockOptions): 'ok' | 'timed-out' {
    const { process, address } = this.#place
    const deadline = deadlineOf(options)
    try {
      if (deadline === undefined) process.pthread_cond_wait(address, mutex.address)
      else process.pthread_cond_clockwait(address, mutex.address, 'monotonic', deadline)
      return 'ok'
    } catch (error) {
      return timedOut(error)
    }
  }

  /** Wakes who waited longest. */
  signal(): void {
    if (this.#isAwaited()) this.#place.process.pthread_cond_signal(this.#place.address)
  }

  /** Wakes all who wait. */
  broadcast(): void {
    if (this.#isAwaited()) this.#place.process.pthread_cond_broadcast(this.#place.address)
  }

  /** => false: nobody waits, and nothing is wrong with the condition. */
  #isAwaited(): boolean {
    const { index, mapping } = this.#place
    const { words } = mapping
    const waiters = words[index + COND_WAITERS / 4]
    const kind = words[index + COND_KIND / 4] as number
    return waiters !== 0 || (kind & ~1) !== 0
  }

  /** The promise form. An abort rejects with AbortError once the mutex is held again. */
  readonly promises = {
    wait: async (mutex: Mutex, options?: PromisedLockOptions): Promise<'ok' | 'timed-out'> => {
      const { process, address } = this.#place
      const calls = process.promises
      const deadline = deadlineOf(options)
      try {
        if (deadline === undefined) {
          await calls.pthread_cond_wait(address, mutex.address, ...signalOf(options))
        } else {
          const args = [address, mutex.address, 'monotonic', deadline] as const
          await calls.pthread_cond_clockwait(...args, ...signalOf(options))
        }
        return 'ok'
      } catch (error) {
        return timedOut(error)
      }
    },
  }
}

function timedOut(error: unknown): 'timed-out' {
  if ((error as IsopageError).errno === ETIMEDOUT) return 'timed-out'
  throw error
}

export class Barrier {
  readonly #place: Place

  /** Made by `map.barrier`. */
  constructor(process: LockProcess, mapping: LockMapping, offset: number, count: number) {
    checkInteger('count', count, 1, 2 ** 31 - 1)
    this.#place = new Place(process, mapping, offset, BARRIER_BYTES)
    agree(this.#place, BARRIER_COUNT / 4, count, true, 'barrier')
  }

  /** Its address, for calls by C names. */
  get address(): number {
    return this.#place.address
  }

  /** Waits for the others. => true in the one that came last. */
  wait(): boolean {
    return this.#place.process.pthread_barrier_wait(this.#place.address)
  }

  /** The promise form. An aborted wait has not arrived. */
  readonly promises = {
    wait: (options?: { signal?: AbortSignal }): Promise<boolean> =>
      this.#place.process.promises.pthread_barrier_wait(this.#place.address, ...signalOf(options)),
  }
}
