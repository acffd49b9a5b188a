/**
 * Read-write locks in a mapping, as objects: `map.rwlock(offset)`. As locks.ts says of mutexes; assembly/rwlock.ts draws the words.
 *
 *   using held = lock.read()            with other readers
 *   using held = lock.write()           alone
 */
import {
  RWLOCK_BYTES,
  RWLOCK_KIND,
  RWLOCK_READERS_MAX,
  RWLOCK_STATE,
  RWLOCK_WRITE_LOCKED,
  RWLOCK_WRITER,
} from '../assembly/ipcabi.js'
import {
  deadlineOf,
  Guard,
  type LockMapping,
  type LockOptions,
  type LockProcess,
  Place,
  type PromisedLockOptions,
  SPINS,
  signalOf,
  tried,
} from './locks.js'

const STATE = RWLOCK_STATE / 4
const WRITER = RWLOCK_WRITER / 4
const KIND = RWLOCK_KIND / 4

export class RwLock {
  readonly #place: Place
  readonly #mapping: LockMapping
  /** Indices of its words. */
  readonly #state: number
  readonly #writer: number
  readonly #kind: number
  readonly #me: number
  readonly #guard = new Guard(() => this.unlock())

  /** Made by `map.rwlock`. */
  constructor(process: LockProcess, mapping: LockMapping, offset: number) {
    this.#place = new Place(process, mapping, offset, RWLOCK_BYTES)
    this.#mapping = mapping
    this.#state = this.#place.index + STATE
    this.#writer = this.#place.index + WRITER
    this.#kind = this.#place.index + KIND
    this.#me = process.owner
  }

  /** Its address, for calls by C names. */
  get address(): number {
    return this.#place.address
  }

  /**
   * Locks for reading, behind a writer that waits. Not twice in one thread: a writer may come in between. ETIMEDOUT past `timeoutMs`;
   * EDEADLK, EAGAIN as pthread_rwlock_rdlock(3).
   */
  read(options?: LockOptions): Guard {
    if (!this.#spin(false)) this.#sleep(false, options)
    return this.#guard
  }

  /** Locks for writing. Errors as `read`. */
  write(options?: LockOptions): Guard {
    if (!this.#spin(true)) this.#sleep(true, options)
    return this.#guard
  }

  /** => locked for reading. */
  tryRead(): boolean {
    const { process, address } = this.#place
    return this.#take(false) || tried(() => process.pthread_rwlock_tryrdlock(address))
  }

  /** => locked for writing. */
  tryWrite(): boolean {
    const { process, address } = this.#place
    return this.#take(true) || tried(() => process.pthread_rwlock_trywrlock(address))
  }

  /** Unlocks what this thread locked, for reading or writing; EPERM when it is not locked, or another thread has it for writing. */
  unlock(): void {
    if (!this.#release()) this.#place.process.pthread_rwlock_unlock(this.#place.address)
  }

  #spin(write: boolean): boolean {
    const { words } = this.#mapping
    for (let round = 0; round < SPINS; round++) {
      if (this.#take(write)) return true
      // Somebody waits, or there is something to refuse: the kernel's to say.
      const refused = words[this.#kind] !== 0 || words[this.#writer] === this.#me
      if (refused || Atomics.load(words, this.#state) < 0) return false
    }
    return false
  }

  /** One attempt on the page. */
  #take(write: boolean): boolean {
    const { words } = this.#mapping
    if (words[this.#kind] !== 0) return false
    const state = Atomics.load(words, this.#state)
    const fits = write ? state === 0 : state >= 0 && state < RWLOCK_READERS_MAX
    const next = write ? RWLOCK_WRITE_LOCKED : state + 1
    if (!fits || Atomics.compareExchange(words, this.#state, state, next) !== state) return false
    if (write) Atomics.store(words, this.#writer, this.#me)
    return true
  }

  /** One attempt at the way back. */
  #release(): boolean {
    const { words } = this.#mapping
    if (words[this.#kind] !== 0) return false
    const state = Atomics.load(words, this.#state)
    if (state <= 0) return false
    if (state !== RWLOCK_WRITE_LOCKED) {
      return Atomics.compareExchange(words, this.#state, state, state - 1) === state
    }
    if (words[this.#writer] !== this.#me) return false
    Atomics.store(words, this.#writer, 0)
    if (Atomics.compareExchange(words, this.#state, state, 0) === state) return true
    Atomics.store(words, this.#writer, this.#me) // somebody came to wait: the kernel hands it over
    return false
  }

  #sleep(write: boolean, options?: LockOptions): void {
    const { process, address } = this.#place
    const deadline = options && deadlineOf(options)
    process.rwlock_clocklock(address, write, deadline ?? Number.POSITIVE_INFINITY)
  }

  /** The promise form. An abort rejects with AbortError, not locked. */
  readonly promises = {
    read: (options?: PromisedLockOptions): Promise<Guard> => this.#lockLater(false, options),
    write: (options?: PromisedLockOptions): Promise<Guard> => this.#lockLater(true, options),
  }

  async #lockLater(write: boolean, options?: PromisedLockOptions): Promise<Guard> {
    const deadline = deadlineOf(options) ?? Number.POSITIVE_INFINITY
    if (!options?.signal?.aborted && this.#take(write)) return this.#guard
    const { process, address } = this.#place
    await process.promises.rwlock_clocklock(address, write, deadline, ...signalOf(options))
    return this.#guard
  }
}
