/**
 * What the threads of one disk mount share, in one SharedArrayBuffer:
 *
 *     | changed: 64 x i64 | owned: i32 | root: i32 | sequence: i32 | unused: i32 | handles: 65,536 x i32 |
 *
 * handles[fd] says which file descriptors of this process are the mount's: 0, or OPEN | READ | WRITE | DIRECTORY. A number that the
 * mount did not open is EBADF, so a wrong handle never reaches a descriptor of the host's own.
 *
 * root is the descriptor of the mount's directory and 1, or 0 where nobody has it open. Every descriptor here belongs to the mount,
 * whichever thread opened it: the instance that set `owned`, the first, opens the root and closes them all.
 *
 * changed[i] is a directory whose names changed since it was last synced: 0, or (fd + 1) << 32 | sequence,
 * fd being a descriptor kept open for the fsync. A create, link or rename is durable only after its
 * directory is, and the thread that syncs is often not the one that changed. Invariants:
 *   1. A slot is cleared by compare-exchange from the very value that was loaded before a successful
 *      fsync; each change gives the slot a new sequence number, so a later change is never cleared.
 *   2. Whoever clears a slot closes its descriptor. Others that were syncing it meet EBADF, look again,
 *      and find that the fsync they wanted has been done.
 */
import type * as FileSystem from 'node:fs'
import { errnoNameOf, ProviderError } from './errno.js'
import { DISK_STATE_BYTES } from './specs.js'

type Fs = typeof FileSystem

const CHANGED_SLOTS = 64
const HANDLES_MAX = 65_536

export const READ = 1
export const WRITE = 2
export const DIRECTORY = 4
const OPEN = 8

/** Indices among the words between `changed` and `handles`. */
const [OWNED, ROOT, SEQUENCE, WORDS] = [0, 1, 2, 4] as const

export class DiskState {
  readonly #fs: Fs
  readonly #changed: BigInt64Array
  readonly #words: Int32Array
  readonly #handles: Int32Array
  /** This is the mount's first instance. */
  readonly isOwner: boolean
  /** Slots that this instance filled, by directory, and what it put there: the directory waits as long as that is there, whole. */
  readonly #mine = new Map<string, { slot: number; value: bigint }>()

  constructor(fs: Fs, buffer: SharedArrayBuffer = new SharedArrayBuffer(DISK_STATE_BYTES)) {
    this.#fs = fs
    this.#changed = new BigInt64Array(buffer, 0, CHANGED_SLOTS)
    this.#words = new Int32Array(buffer, 8 * CHANGED_SLOTS, WORDS)
    this.#handles = new Int32Array(buffer, 8 * CHANGED_SLOTS + 4 * WORDS, HANDLES_MAX)
    this.isOwner = Atomics.compareExchange(this.#words, OWNED, 0, 1) === 0
  }

  /** The descriptor of the mount's directory, -1 where nobody has it open. */
  get root(): number {
    return Atomics.load(this.#words, ROOT) - 1
  }

  /** The owner's descriptor of the mount's directory: the mount's from now on. */
  set root(fd: number) {
    Atomics.store(this.#words, ROOT, fd + 1)
  }

  /** Records a descriptor as a handle of the mount. */
  add(fd: number, rights: number): number {
    if (fd >= HANDLES_MAX) {
      this.#fs.closeSync(fd)
      throw new ProviderError(
        'EMFILE',
        `descriptor ${fd} is past the mount's ${HANDLES_MAX} handles`,
      )
    }
    Atomics.store(this.#handles, fd, OPEN | rights)
    return fd
  }

  /** The rights of an open handle. EBADF for anything else. */
  rights(handle: number): number {
    const entry =
      Number.isInteger(handle) && handle >= 0 && handle < HANDLES_MAX
        ? Atomics.load(this.#handles, handle)
        : 0
    if (entry === 0) throw new ProviderError('EBADF', `handle ${handle} is not open`)
    return entry
  }

  /** Forgets a handle; its descriptor is then the caller's to close. */
  remove(handle: number): void {
    const entry = this.rights(handle)
    if (Atomics.compareExchange(this.#handles, handle, entry, 0) !== entry) {
      throw new ProviderError('EBADF', `handle ${handle} is not open`)
    }
  }

  /** The owner's end of the mount: makes names durable, and closes what is open. What of it failed first is thrown once all is closed. */
  end(): void {
    if (!this.isOwner) return
    let failure: unknown
    const attempt = (act: () => void) => {
      try {
        act()
      } catch (error) {
        failure ??= error
      }
    }
    attempt(() => this.syncNames())
    for (const fd of this.#takeAll()) attempt(() => this.#fs.closeSync(fd))
    if (failure !== undefined) throw failure
  }

  /** Forgets every descriptor. => them all */
  *#takeAll(): Generator<number> {
    for (let slot = 0; slot < CHANGED_SLOTS; slot++) {
      const value = Atomics.exchange(this.#changed, slot, 0n)
      if (value !== 0n) yield descriptorOf(value)
    }
    for (let fd = 0; fd < HANDLES_MAX; fd++) {
      if (Atomics.exchange(this.#handles, fd, 0) !== 0) yield fd
    }
    const root = Atomics.exchange(this.#words, ROOT, 0) - 1
    if (root >= 0) yield root
  }

  /**
   * Runs `act`, which changes names in a directory, and notes the directory when it succeeded.
   * `path` is good for open() while `act` runs; the descriptor is had before, so that nothing fails after.
   * A directory that may be written but not read cannot be synced through node:fs: its names are then as
   * durable as its file system makes them by itself.
   */
  changing<T>(path: string, act: () => T): T {
    const stat = this.#fs.statSync(path, { bigint: true })
    const key = `${stat.dev}:${stat.ino}`
    let fd = this.#isWaiting(key) ? -1 : this.#openDirectory(path)
    try {
      const result = act()
      if (this.#renew(key)) return result
      if (fd < 0) fd = this.#openDirectory(path) // it was synced meanwhile
      this.#publish(key, fd)
      fd = -1
      return result
    } finally {
      if (fd >= 0) this.#fs.closeSync(fd)
    }
  }

  /** => a descriptor, or -1 where directories cannot be opened for reading. */
  #openDirectory(path: string): number {
    if (!this.#fs.constants.O_DIRECTORY) return -1
    try {
      return this.#fs.openSync(path, 'r')
    } catch (error) {
      if (errnoNameOf(error) === 'EACCES') return -1
      throw error
    }
  }

  /** Puts a descriptor into a free slot and owns it from then on; with none free the directory is synced now. */
  #publish(key: string, fd: number): void {
    if (fd < 0) return
    const value = this.#valueOf(fd)
    for (let slot = 0; slot < CHANGED_SLOTS; slot++) {
      if (Atomics.compareExchange(this.#changed, slot, 0n, value) === 0n) {
        this.#mine.set(key, { slot, value })
        return
      }
    }
    this.#fs.fsyncSync(fd)
    this.#fs.closeSync(fd)
  }

  #isWaiting(key: string): boolean {
    const known = this.#mine.get(key)
    return known !== undefined && Atomics.load(this.#changed, known.slot) === known.value
  }

  /** Gives a directory that already waits a new sequence number. => false when it waits no more. */
  #renew(key: string): boolean {
    const known = this.#mine.get(key)
    if (!known) return false
    const { slot, value } = known
    const next = this.#valueOf(descriptorOf(value))
    const isThere = Atomics.compareExchange(this.#changed, slot, value, next) === value
    if (isThere) this.#mine.set(key, { slot, value: next })
    else this.#mine.delete(key)
    return isThere
  }

  /** What a slot holds for a descriptor: another value each time, as the system gives out a number again. */
  #valueOf(fd: number): bigint {
    const sequence = BigInt((Atomics.add(this.#words, SEQUENCE, 1) + 1) >>> 0)
    return ((BigInt(fd) + 1n) << 32n) | sequence
  }

  /** Makes every name that changed before this call durable. A failure leaves its directory waiting. */
  syncNames(): void {
    for (let slot = 0; slot < CHANGED_SLOTS; slot++) this.#syncSlot(slot)
  }

  #syncSlot(slot: number): void {
    for (;;) {
      const seen = Atomics.load(this.#changed, slot)
      if (seen === 0n) return
      const fd = descriptorOf(seen)
      try {
        this.#fs.fsyncSync(fd)
      } catch (error) {
        if (errnoNameOf(error) === 'EBADF' && Atomics.load(this.#changed, slot) !== seen) continue
        throw error
      }
      if (Atomics.compareExchange(this.#changed, slot, seen, 0n) === seen) {
        this.#fs.closeSync(fd)
        return
      }
    }
  }
}

/** The descriptor in a slot of `changed` that is not 0. */
function descriptorOf(changed: bigint): number {
  return Number((changed >> 32n) - 1n)
}
