/**
 * A mapping, and what is done with it. It behaves like the owner of a typed array: `bytes`, `buffer`, `byteOffset`, `length`.
 *
 *   tracked     read, write           fault like loads and stores: SIGSEGV, SIGBUS, copy-on-write, dirty pages known
 *   untracked   bytes, segments()     plain arrays over shared memory: no faults, found dirty by msync, or told by touch()
 *
 * Invariants: once unmapped here every member but `address`, `length` and dispose throws ERR_MAPPING_CLOSED. An array from
 * `bytes` outlives the mapping: its memory is not used for anything else until the array itself is collected (arrays derived from
 * it, and those made of `buffer` and `byteOffset`, do not keep it).
 */
import {
  EAGAIN,
  EINVAL,
  ENOMEM,
  ESRCH,
  ETIMEDOUT,
  MREMAP_MAYMOVE,
  MS_SYNC,
} from '../assembly/abi.js'
import {
  checkBytes,
  checkFlags,
  checkInteger,
  checkObject,
  checkSize,
  outOfRange,
} from './check.js'
import { IsopageError } from './errors.js'
import type { ConditionOptions, MutexOptions } from './lockkinds.js'
import { Barrier, Condition, type LockProcess, Mutex } from './locks.js'
import { RwLock } from './rwlock.js'

/** A part of a mapping; all of it by default. */
export interface Range {
  offset?: number | undefined
  length?: number | undefined
}

export interface SyncOptions extends Range {
  /** MS.SYNC by default. */
  flags?: number | undefined
}

export interface RemapOptions {
  /** MREMAP.MAYMOVE by default. */
  flags?: number | undefined
  /** With MREMAP.FIXED: the new address. */
  addr?: number | undefined
}

export interface WaitOptions {
  /** From now on; no limit by default. */
  timeoutMs?: number | undefined
}

/** A piece of a mapping that lies in one run of memory. */
export interface Segment {
  /** Where it begins in the mapping. */
  readonly offset: number
  readonly bytes: Uint8Array<SharedArrayBuffer>
}

/** How a wait ended; as Atomics.wait says it. */
export type WaitResult = 'ok' | 'not-equal' | 'timed-out'

interface WithSignal {
  signal?: AbortSignal
}

/** The calls of a process that a mapping makes. */
interface MappingCalls {
  munmap(address: number, length: number): void
  shmdt(address: number): void
  mprotect(address: number, length: number, prot: number): void
  mremap(
    address: number,
    length: number,
    newLength: number,
    flags: number,
    newAddress: number,
  ): number
  msync(address: number, length: number, flags: number): void
  madvise(address: number, length: number, advice: number): void
  mlock(address: number, length: number): void
  munlock(address: number, length: number): void
  touch(address: number, length: number): void
  gather(address: number, length: number): void
  vmRead(address: number, into: Uint8Array): number
  vmWrite(address: number, from: Uint8Array): number
  futexWait(address: number, expected: number, timeoutMs: number | undefined): void
}

type MappingPromises = {
  [Name in keyof MappingCalls]: (
    ...args: [...Parameters<MappingCalls[Name]>, options?: WithSignal]
  ) => Promise<ReturnType<MappingCalls[Name]>>
}

/** What a mapping needs of its process. */
export interface MappingProcess extends MappingCalls, LockProcess {
  readonly promises: MappingPromises & LockProcess['promises']
  readonly pageSize: number
  readonly memory: SharedArrayBuffer
  view(address: number, length: number): Uint8Array<SharedArrayBuffer>
  futexWake(address: number, count: number): number
}

export class Mapping {
  readonly #process: MappingProcess
  #address: number
  #length: number
  readonly #attached: boolean
  #closed = false
  /** Keeps what `byteOffset` told in its place. */
  #base: Uint8Array<SharedArrayBuffer> | undefined
  #promises: PromisedMapping | undefined
  #words: Int32Array | undefined

  /** Made by `mmap`, and by `shmat`: `attached`. */
  constructor(process: MappingProcess, address: number, length: number, attached = false) {
    this.#process = process
    this.#address = address
    this.#length = length
    this.#attached = attached
  }

  /** The address of its first byte in the process's window. */
  get address(): number {
    return this.#address
  }

  /** Bytes, as asked for. */
  get length(): number {
    return this.#length
  }

  /** An attach of a System V segment. */
  get attached(): boolean {
    return this.#attached
  }

  /** Unmapped here. */
  get closed(): boolean {
    return this.#closed
  }

  /** The promise form of each call. */
  get promises(): PromisedMapping {
    this.#promises ??= new PromisedMapping(this, this.#process)
    return this.#promises
  }

  /**
   * A new array over the mapping's memory, filled, pinned, and private pages un-shared. EACCES without PROT.READ and PROT.WRITE, SIGBUS
   * past the end of the file, ENOMEM when the pages cannot be brought together: `segments()`, `read` and `write` work then.
   */
  get bytes(): Uint8Array<SharedArrayBuffer> {
    return this.#open().view(this.#address, this.#length)
  }

  /** The kernel's memory, for typed arrays at `byteOffset`. */
  get buffer(): SharedArrayBuffer {
    return this.#open().memory
  }

  /** Where the mapping lies in `buffer`: fills and pins it as `bytes` does. */
  get byteOffset(): number {
    this.#base = this.bytes
    return this.#base.byteOffset
  }

  /** The mapping in pieces, each contiguous: as few as its pages allow. Errors as `bytes`. */
  segments(): Segment[] {
    const process = this.#open()
    return cut(process, this.#address, 0, this.#length)
  }

  /**
   * Copies out, as loads would: faults throw SIGSEGV or SIGBUS with `address`.
   * @param target bytes to read, or the array to read into. => the array
   */
  read(offset: number, target: number | Uint8Array): Uint8Array {
    const process = this.#open()
    const into = targetOf(target)
    process.vmRead(this.at(offset, into.length), into)
    return into
  }

  /** Copies in, as stores would: faults throw SIGSEGV or SIGBUS with `address`; what came before the fault stays written. */
  write(offset: number, from: Uint8Array): void {
    const process = this.#open()
    const bytes = checkBytes('from', from)
    process.vmWrite(this.at(offset, bytes.length), bytes)
  }

  /** Tells the kernel that `bytes` was stored to there, which spares msync a look. */
  touch(range?: Range): void {
    this.#open().touch(...this.part(range))
  }

  /** msync(2) of the pages that hold the range; MS.SYNC by default: durable when it returns. */
  sync(options?: SyncOptions): void {
    this.#open().msync(...this.syncArguments(options))
  }

  /** mprotect(2). */
  protect(prot: number, range?: Range): void {
    this.#open().mprotect(...this.part(range), prot)
  }

  /** mremap(2): another length, perhaps another address; `address` and `length` say which. */
  remap(length: number, options?: RemapOptions): void {
    const args = this.remapArguments(length, options)
    this.moved(this.#open().mremap(...args), length)
  }

  /** mlock(2). */
  lock(range?: Range): void {
    this.#open().mlock(...this.part(range))
  }

  /** munlock(2). */
  unlock(range?: Range): void {
    this.#open().munlock(...this.part(range))
  }

  /** madvise(2). */
  advise(advice: number, range?: Range): void {
    this.#open().madvise(...this.part(range), advice)
  }

  /** munmap(2) of the whole; of an attach, shmdt(2). */
  unmap(): void {
    const process = this.#open()
    if (this.#attached) process.shmdt(this.#address)
    else process.munmap(this.#address, this.#length)
    this.gone()
  }

  /** Waits while the 32-bit word at `offset` has the value `expected`, until `notify` there (futex: any mapping of that page). */
  wait(offset: number, expected: number, options?: WaitOptions): WaitResult {
    const process = this.#open()
    const { timeoutMs } = checkObject<WaitOptions>('options', options)
    const address = this.at(offset, 4)
    return waited(() => process.futexWait(address, expected, timeoutMs))
  }

  /** Wakes up to `count` waiters of the word at `offset`. => how many. */
  notify(offset: number, count = 0xffffffff): number {
    return this.#open().futexWake(this.at(offset, 4), count)
  }

  /**
   * The mutex at `offset`, a multiple of 4: 12 bytes, zeros for a normal one. With options a mutex of zeros becomes what they say, and one that is
   * otherwise already is refused with EINVAL. Pins its page, a mapping of up to 1 MiB whole, as `bytes` does.
   */
  mutex(offset: number, options?: MutexOptions): Mutex {
    return new Mutex(this.#open(), this, offset, options)
  }

  /** The condition at `offset`: 8 bytes; the rest as `mutex`. */
  condition(offset: number, options?: ConditionOptions): Condition {
    return new Condition(this.#open(), this, offset, options)
  }

  /** The barrier at `offset`, 4 bytes, for `count` threads; the rest as `mutex`. */
  barrier(offset: number, count: number): Barrier {
    return new Barrier(this.#open(), this, offset, count)
  }

  /** The read-write lock at `offset`: 12 bytes; the rest as `mutex`. */
  rwlock(offset: number): RwLock {
    return new RwLock(this.#open(), this, offset)
  }

  /**
   * Unmaps, unless that was done; an attach that is detached already, by its address or piece by piece, is no error, nor is a
   * process that has ended: its mappings went with it.
   */
  [Symbol.dispose](): void {
    if (this.#closed) return
    try {
      this.unmap()
    } catch (error) {
      const { errno } = error as IsopageError
      if (errno !== ESRCH && !(this.#attached && errno === EINVAL)) throw error
      this.gone()
    }
  }

  // What both forms share. ----------------------------------------------------------------------------------------

  /** The address of `bytes` bytes at an offset. @internal */
  at(offset: number, bytes: number): number {
    checkSize('offset', offset)
    if (offset + bytes > this.#length) {
      throw outOfRange(
        'offset',
        `such that ${bytes} bytes end within length ${this.#length}`,
        offset,
      )
    }
    return this.#address + offset
  }

  /** Address and length of a range. @internal */
  part(range?: Range): [number, number] {
    this.#open()
    const { offset = 0, length } = checkObject<Range>('range', range)
    const bytes =
      length === undefined ? Math.max(this.#length - offset, 0) : checkSize('length', length)
    return [this.at(offset, bytes), bytes]
  }

  /** @internal */
  syncArguments(options?: SyncOptions): [number, number, number] {
    const { flags = MS_SYNC } = checkObject<SyncOptions>('options', options)
    const [address, length] = this.part(options)
    const before = address % this.#process.pageSize
    return [address - before, length + before, checkFlags('flags', flags)]
  }

  /** @internal */
  remapArguments(length: number, options?: RemapOptions): [number, number, number, number, number] {
    const { flags = MREMAP_MAYMOVE, addr = 0 } = checkObject<RemapOptions>('options', options)
    this.#open()
    return [this.#address, this.#length, checkSize('length', length), flags, addr]
  }

  /** mremap() succeeded. @internal */
  moved(address: number, length: number): void {
    this.#address = address
    this.#length = length
    this.#base = undefined
  }

  #open(): MappingProcess {
    if (this.#closed) throw closedMapping()
    return this.#process
  }

  /** The memory that its locks are words of; none once it is closed. @internal */
  get words(): Int32Array {
    this.#words ??= this.#closed ? new Int32Array(0) : new Int32Array(this.#process.memory)
    return this.#words
  }

  /** It is unmapped. @internal */
  gone(): void {
    this.#closed = true
    this.#words = undefined
    this.#base = undefined
  }
}

/** The promise form of a mapping's calls. Each takes `{ signal }` last. */
class PromisedMapping {
  readonly #mapping: Mapping
  readonly #process: MappingProcess
  readonly #calls: MappingPromises

  constructor(mapping: Mapping, process: MappingProcess) {
    this.#mapping = mapping
    this.#process = process
    this.#calls = process.promises
  }

  /** `bytes`, where filling it takes time. */
  async bytes(options?: WithSignal): Promise<Uint8Array<SharedArrayBuffer>> {
    for (let attempt = 0; ; attempt++) {
      await this.#calls.gather(...this.#mapping.part(), options)
      try {
        return this.#mapping.bytes
      } catch (error) {
        // Evicted again between the two: other threads want memory too.
        if ((error as IsopageError).code !== 'ERR_WOULD_BLOCK' || attempt === 16) throw error
      }
    }
  }

  async read(
    offset: number,
    target: number | Uint8Array,
    options?: WithSignal,
  ): Promise<Uint8Array> {
    this.#mapping.part()
    const into = targetOf(target)
    await this.#calls.vmRead(this.#mapping.at(offset, into.length), into, options)
    return into
  }

  async write(offset: number, from: Uint8Array, options?: WithSignal): Promise<void> {
    this.#mapping.part()
    const bytes = checkBytes('from', from)
    await this.#calls.vmWrite(this.#mapping.at(offset, bytes.length), bytes, options)
  }

  async touch(range?: Range, options?: WithSignal): Promise<void> {
    await this.#calls.touch(...this.#mapping.part(range), options)
  }

  async sync(options?: SyncOptions & WithSignal): Promise<void> {
    await this.#calls.msync(...this.#mapping.syncArguments(options), signalOf(options))
  }

  async protect(prot: number, range?: Range, options?: WithSignal): Promise<void> {
    await this.#calls.mprotect(...this.#mapping.part(range), prot, options)
  }

  async remap(length: number, options?: RemapOptions & WithSignal): Promise<void> {
    const args = this.#mapping.remapArguments(length, options)
    this.#mapping.moved(await this.#calls.mremap(...args, signalOf(options)), length)
  }

  async lock(range?: Range, options?: WithSignal): Promise<void> {
    await this.#calls.mlock(...this.#mapping.part(range), options)
  }

  async unlock(range?: Range, options?: WithSignal): Promise<void> {
    await this.#calls.munlock(...this.#mapping.part(range), options)
  }

  async advise(advice: number, range?: Range, options?: WithSignal): Promise<void> {
    await this.#calls.madvise(...this.#mapping.part(range), advice, options)
  }

  async unmap(options?: WithSignal): Promise<void> {
    const [address, length] = this.#mapping.part()
    if (this.#mapping.attached) await this.#calls.shmdt(address, options)
    else await this.#calls.munmap(address, length, options)
    this.#mapping.gone()
  }

  async wait(
    offset: number,
    expected: number,
    options?: WaitOptions & WithSignal,
  ): Promise<WaitResult> {
    this.#mapping.part()
    const { timeoutMs } = checkObject<WaitOptions>('options', options)
    const address = this.#mapping.at(offset, 4)
    try {
      await this.#calls.futexWait(address, expected, timeoutMs, signalOf(options))
      return 'ok'
    } catch (error) {
      return endOfWait(error)
    }
  }

  async notify(offset: number, count = 0xffffffff): Promise<number> {
    this.#mapping.part()
    return this.#process.futexWake(this.#mapping.at(offset, 4), count)
  }
}

function signalOf(options?: WithSignal): WithSignal | undefined {
  return options?.signal && { signal: options.signal }
}

function targetOf(target: unknown): Uint8Array {
  if (typeof target === 'number') {
    return new Uint8Array(checkInteger('target', target, 0, 2 ** 32 - 1))
  }
  return checkBytes('target', target)
}

function waited(wait: () => void): WaitResult {
  try {
    wait()
    return 'ok'
  } catch (error) {
    return endOfWait(error)
  }
}

function endOfWait(error: unknown): WaitResult {
  const { errno } = error as IsopageError
  if (errno === EAGAIN) return 'not-equal'
  if (errno === ETIMEDOUT) return 'timed-out'
  throw error
}

/** The longest pieces at a multiple of the page size that come as one view each: halved until they do. */
function cut(process: MappingProcess, address: number, offset: number, length: number): Segment[] {
  try {
    return [{ offset, bytes: process.view(address + offset, length) }]
  } catch (error) {
    if ((error as IsopageError).errno !== ENOMEM || length <= process.pageSize) throw error
  }
  const half = Math.ceil(length / 2 / process.pageSize) * process.pageSize
  return [
    ...cut(process, address, offset, half),
    ...cut(process, address, offset + half, length - half),
  ]
}

function closedMapping(): IsopageError {
  return new IsopageError('ERR_MAPPING_CLOSED', 'ERR_MAPPING_CLOSED: the mapping was unmapped')
}
