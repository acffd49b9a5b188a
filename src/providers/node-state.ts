/**
 * What the threads of one disk mount share, in one SharedArrayBuffer of the spec:
 *
 *     | changed: 64 x i64 | instances: i32 | sequence: i32 | handles: 65,536 x i32 |
 *
 * handles[fd] says which file descriptors of this process are the mount's: 0, or
 * instance << 4 | OPEN | READ | WRITE | DIRECTORY. A number that the mount did not open is EBADF, so a
 * wrong handle never reaches a descriptor of the host's own.
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
const INSTANCE_SHIFT = 4

export class DiskState {
  readonly #fs: Fs
  readonly #changed: BigInt64Array
  readonly #counters: Int32Array
  readonly #handles: Int32Array
  readonly #instance: number
  /** Slots that this instance filled, by directory. A hint only: the slot's own value decides. */
  readonly #mine = new Map<string, { slot: number; fd: bigint }>()

  constructor(fs: Fs, buffer: SharedArrayBuffer = new SharedArrayBuffer(DISK_STATE_BYTES)) {
    this.#fs = fs
    this.#changed = new BigInt64Array(buffer, 0, CHANGED_SLOTS)
    this.#counters = new Int32Array(buffer, 8 * CHANGED_SLOTS, 2)
    this.#handles = new Int32Array(buffer, 8 * CHANGED_SLOTS + 8, HANDLES_MAX)
    this.#instance = (Atomics.add(this.#counters, 0, 1) + 1) & 0x7ff_ffff
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
    Atomics.store(this.#handles, fd, (this.#instance << INSTANCE_SHIFT) | OPEN | rights)
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

  /** Closes what this instance opened and nobody closed. */
  closeAll(): void {
    for (let fd = 0; fd < HANDLES_MAX; fd++) {
      const entry = Atomics.load(this.#handles, fd)
      if (entry >>> INSTANCE_SHIFT !== this.#instance) continue
      if (Atomics.compareExchange(this.#handles, fd, entry, 0) === entry) this.#fs.closeSync(fd)
    }
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
    const fd = this.#mine.has(key) ? null : this.#openDirectory(path)
    try {
      const result = act()
      if (fd !== null) this.#publish(key, fd)
      else if (!this.#renew(key)) this.#publish(key, this.#openDirectory(path))
      return result
    } catch (error) {
      if (fd !== null && fd >= 0) this.#fs.closeSync(fd)
      throw error
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
    const value = (BigInt(fd) + 1n) << 32n
    for (let slot = 0; slot < CHANGED_SLOTS; slot++) {
      if (Atomics.compareExchange(this.#changed, slot, 0n, value | this.#next()) === 0n) {
        this.#mine.set(key, { slot, fd: value })
        return
      }
    }
    this.#fs.fsyncSync(fd)
    this.#fs.closeSync(fd)
  }

  /** Gives a directory that already waits a new sequence number. */
  #renew(key: string): boolean {
    const known = this.#mine.get(key)
    if (!known) return false
    for (;;) {
      const seen = Atomics.load(this.#changed, known.slot)
      if ((seen >> 32n) << 32n !== known.fd) break
      const next = known.fd | this.#next()
      if (Atomics.compareExchange(this.#changed, known.slot, seen, next) === seen) return true
    }
    this.#mine.delete(key)
    return false
  }

  #next(): bigint {
    return BigInt((Atomics.add(this.#counters, 1, 1) + 1) >>> 0)
  }

  /** Makes every name that changed before this call durable. A failure leaves its directory waiting. */
  syncNames(): void {
    for (let slot = 0; slot < CHANGED_SLOTS; slot++) this.#syncSlot(slot)
  }

  #syncSlot(slot: number): void {
    for (;;) {
      const seen = Atomics.load(this.#changed, slot)
      if (seen === 0n) return
      const fd = Number((seen >> 32n) - 1n)
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
