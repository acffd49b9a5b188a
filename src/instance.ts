/**
 * One thread's instance of the kernel: its imports, its guarded exports, its buffer, and how results become values or errors.
 *
 * Invariants:
 *   1. A call into the kernel ends in a result or in an exception of ours; before one leaves, thread_recover() has put the
 *      thread OUT, so that its next call works (or fails with the kernel's own reason).
 *   2. The buffer is this thread's alone, and what a call left in it is read before the next call.
 *   3. The memory never grows: views of it are made once.
 */
import * as abi from '../assembly/abi.js'
import { checkPath } from './check.js'
import { type ErrorFacts, IsopageError, isStackEnd, kernelError } from './errors.js'
import type { Provider } from './providers/provider.js'
import { wasiFiles } from './providers/wasi.js'
import { serveRing } from './ring.js'
import { GUEST_ENTRIES, type GuestFault, type KernelExports } from './system-calls.js'
import { sequenceOf, type ThreadTable } from './threads.js'

/** What an instance is made of; part of the handle. */
export interface InstanceParts {
  readonly memory: WebAssembly.Memory
  readonly module: WebAssembly.Module
  readonly table: ThreadTable
  /** Bytes of a page, as boot decided. */
  readonly pageSize: number
}

const PANICS: ReadonlyMap<number, string> = new Map(
  Object.entries(abi)
    .filter(([name]) => name.startsWith('PANIC_'))
    .map(([name, number]) => [Number(number), name.slice('PANIC_'.length)]),
)

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** Longest sleep of a thread that is woken through its event loop. */
const LOOK_AGAIN_MS = 250

export class Instance {
  readonly memory: WebAssembly.Memory
  readonly table: ThreadTable
  readonly pageSize: number
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly words: Int32Array
  readonly #mounts: readonly (Provider | null)[]
  readonly #files: ReturnType<typeof wasiFiles>
  readonly #later = new Set<Promise<void>>()
  #exports!: KernelExports
  #slot = 0
  #mayBlock = true
  #buffer = 0
  #index = -1
  #sequence = 0
  /** Why no further call of this thread can work. */
  #failure: IsopageError | undefined
  #guestEntries: readonly CallableFunction[] = []
  #guestEnd: GuestFault | IsopageError | undefined
  /** An exception came out of a call, which it may have left in its middle: where the stack ended there is no room to say more. */
  readonly #left = { torn: false }
  #abandon: () => void = () => {}
  /** Says at once whether a thread is proved dead (reaper.ts). */
  provedDead: (index: number) => boolean = () => false
  /** Reaps a thread that is proved dead. => it was. */
  repair: (index: number) => boolean = () => false
  /** The thread whose death this one reported to the kernel last. */
  #reported = -1

  private constructor(parts: InstanceParts, mounts: readonly (Provider | null)[]) {
    this.memory = parts.memory
    this.table = parts.table
    this.pageSize = parts.pageSize
    this.bytes = new Uint8Array(parts.memory.buffer)
    this.view = new DataView(parts.memory.buffer)
    this.words = new Int32Array(parts.memory.buffer)
    this.#mounts = mounts
    this.#files = wasiFiles(parts.memory, mounts)
  }

  /** Instantiates the kernel for this thread. `mounts` holds the providers that this thread serves; it may be filled later. */
  static async make(parts: InstanceParts, mounts: readonly (Provider | null)[]): Promise<Instance> {
    const made = new Instance(parts, mounts)
    const imports = {
      env: { memory: parts.memory, ...made.#environment() },
      wasi_snapshot_preview1: made.#directFiles(),
    }
    const { exports } = await WebAssembly.instantiate(parts.module, imports)
    made.#exports = made.#guard(exports)
    made.#abandon = exports.thread_abandon as () => void
    made.#guestEntries = GUEST_ENTRIES.map((name) => exports[name] as CallableFunction)
    return made
  }

  /** Index in `words` of what this thread does: WHERE_*. */
  get stateWord(): number {
    return (this.#slot + abi.THREAD_STATE) >>> 2
  }

  /** This thread may sleep in a call. */
  get mayBlock(): boolean {
    return this.#mayBlock
  }

  /** Claims a thread slot. => its index. */
  attach(flags: number): number {
    this.#mayBlock = (flags & abi.THREAD_MAY_BLOCK) !== 0
    this.#index = this.result('attach', this.#exports.thread_attach(flags))
    this.#slot = this.#exports.thread_slot() >>> 0
    this.#sequence = sequenceOf(this.view.getInt32(this.#slot, true))
    return this.#index
  }

  /** Makes this thread fit for calls. => after attach, and after its record is in the thread table: a death in here has to be repaired. */
  ready(): void {
    this.result('attach', this.#exports.thread_ready())
    this.#buffer = this.view.getUint32(this.#slot + abi.THREAD_BUFFER, true)
  }

  /** Gives the slot back, unless the whole kernel is closed: every further call of this thread is refused. */
  leave(): void {
    if (!this.table.closed) this.#exports.thread_detach()
    this.#failure = closed()
    this.table.forget({ index: this.#index, sequence: this.#sequence })
  }

  get hasLeft(): boolean {
    return this.#failure !== undefined
  }

  get index(): number {
    return this.#index
  }

  get sequence(): number {
    return this.#sequence
  }

  /** Index of the doorbell in `words`. */
  get doorbell(): number {
    return (this.#slot + abi.THREAD_DOORBELL) >>> 2
  }

  /** Address of the results that calls leave. */
  get resultAt(): number {
    return this.#buffer + abi.BUFFER_RESULT
  }

  /** Address of the data that calls take and leave, BUFFER_DATA_BYTES long. */
  get dataAt(): number {
    return this.#buffer + abi.BUFFER_DATA
  }

  /** The exports, for a kernel that is open. ERR_KERNEL_CLOSED, or what made this thread unfit. */
  get calls(): KernelExports {
    if (this.#left.torn) this.#mend()
    if (this.#failure) throw this.#failure
    if (this.table.closed) throw closed()
    return this.#exports
  }

  /** What fills a rewritten module's table, GUEST_ENTRIES in order. They trap when the guest must not go on: `takeGuestEnd` says why. */
  get guestEntries(): readonly CallableFunction[] {
    return this.#guestEntries
  }

  /** => why the kernel ended the code of a guest on this thread since this was last asked; undefined when it did not. */
  takeGuestEnd(): GuestFault | IsopageError | undefined {
    const end = this.#guestEnd
    this.#guestEnd = undefined
    return end
  }

  /** The exports, also while the kernel closes. */
  get lastCalls(): KernelExports {
    if (this.#left.torn) this.#mend()
    return this.#exports
  }

  /** => `result`, or throws the error that a negative one is. */
  result(syscall: string, result: number, facts?: ErrorFacts): number {
    if (result < 0) throw kernelError(syscall, -result, facts)
    return result
  }

  /** => an address of the window or the memory, which reaches us as i32; throws the error that it may be instead. */
  address(syscall: string, result: number, facts?: ErrorFacts): number {
    const address = result >>> 0
    if (address > 2 ** 32 - 1 - abi.ERROR_MAX) throw kernelError(syscall, -(result | 0), facts)
    return address
  }

  /** Writes a path into the buffer, the second one of a call with `second`. => its address and bytes. */
  path(syscall: string, name: string, path: unknown, second = false): [number, number] {
    const text = encoder.encode(checkPath(name, path, syscall))
    if (text.length >= abi.PATH_MAX) {
      throw kernelError(syscall, abi.ENAMETOOLONG, { path: path as string })
    }
    const at = this.#buffer + (second ? abi.BUFFER_PATH2 : 0)
    this.bytes.set(text, at)
    return [at, text.length]
  }

  /** => text in the kernel's memory; copied first, as decoders refuse shared views. */
  text(at: number, bytes: number): string {
    return decoder.decode(this.bytes.slice(at, at + bytes))
  }

  /** Resolves when this thread's doorbell is no longer `bell`, and now and then without: a ring that an engine loses costs no more than that. */
  async rung(bell: number): Promise<void> {
    const { async, value } = Atomics.waitAsync(this.words, this.doorbell, bell, LOOK_AGAIN_MS)
    if (async) await value
  }

  /** Serves what other threads ask of the files that this thread owns. => how many requests it took. */
  serve(): number {
    return this.#exports ? serveRing(this, this.#files, this.#later) : 0
  }

  /** Requests were taken that a provider answers later. */
  get owesAnswers(): boolean {
    return this.#later.size > 0
  }

  /** Resolves once every request that was taken is answered. */
  async idle(): Promise<void> {
    await Promise.all(this.#later)
  }

  #environment() {
    return {
      now: (realtime: number) =>
        realtime ? Date.now() : performance.timeOrigin + performance.now(),
      random,
      panicked: (code: number, detail: number) => this.#leave(panic(code, detail)),
      stalled: (owner: number) => this.#stalled(owner),
      stopped: () => {
        throw this.#stopped()
      },
      serve: () => void this.serve(),
      faulted: (kind: number, address: number) => {
        this.#guestEnd = kind === 0 ? this.#stopped() : { kind, address: address >>> 0 }
      },
    }
  }

  /**
   * A thread does not move. With proof that it is dead the kernel takes over from it and goes on; where that is not enough it asks
   * again, and the call is left, the thread reaped, and the call made again (guarded).
   */
  #stalled(owner: number): void {
    const sequence = this.table.at(owner)?.sequence ?? -1
    const report = owner + abi.THREADS_MAX * sequence
    if (this.provedDead(owner) && this.#reported !== report) this.#reported = report
    else this.#leave(new StallError(owner))
  }

  #stopped(): IsopageError {
    this.#failure = new IsopageError('ERR_THREAD_STOPPED', 'this thread was stopped')
    return this.#failure
  }

  /** Leaves the kernel by an exception. A guest's code could catch that: above it the kernel traps, once this returns. */
  #leave(error: IsopageError): void {
    const inGuest = this.view.getUint32(this.#slot + abi.THREAD_CONTEXT, true) !== 0
    this.#exports.thread_recover()
    if (!inGuest) throw error
    this.#guestEnd = error
  }

  /** What the kernel calls itself: a provider that answers later cannot serve a call that is made now. */
  #directFiles(): WebAssembly.ModuleImports {
    return Object.fromEntries(
      Object.entries(this.#files).map(([name, call]) => [
        name,
        (...args: never[]) => {
          const errno = (call as (...args: never[]) => unknown)(...args)
          return typeof errno === 'number' ? errno : abi.EIO
        },
      ]),
    )
  }

  /** Wraps each export: an exception that is not ours (a trap) leaves the thread unfit, not hanging; the end of the stack undoes the call. */
  #guard(exports: WebAssembly.Exports): KernelExports {
    const fail = (error: unknown) => this.#fail(error)
    const repair = (error: unknown) => error instanceof StallError && this.repair(error.owner)
    const entries = Object.entries(exports).filter(([, value]) => typeof value === 'function')
    return Object.fromEntries(
      entries.map(([name, call]) => [name, guarded(call as Call, this.#left, fail, repair)]),
    ) as unknown as KernelExports
  }

  #fail(error: unknown): unknown {
    if (isStackEnd(error)) return this.#tear(error)
    this.#left.torn = false
    if (error instanceof IsopageError) return error
    this.#failure = new IsopageError(
      'ERR_KERNEL_PANIC',
      'ERR_KERNEL_PANIC: the kernel was left in the middle of a call; this thread may not call it again',
      { cause: error },
    )
    return this.#failure
  }

  /**
   * The stack ended, maybe in the middle of a call, with the kernel's lock: what the call had begun is undone at once, or, as there is hardly any stack here, by
   * the next call or once this thread is back in its event loop. => the engine's own error
   */
  #tear(error: unknown): unknown {
    try {
      this.#mend()
    } catch {
      queueMicrotask(() => this.#left.torn && this.#mend())
    }
    return error
  }

  #mend(): void {
    this.#abandon()
    this.#left.torn = false
  }

  /** The providers that this thread serves. */
  get mounts(): readonly (Provider | null)[] {
    return this.#mounts
  }
}

type Call = (...args: number[]) => number

/**
 * One call with its failures sorted out. A stall changed nothing: once its cause is repaired the call is made again.
 * Fixed parameter lists: a rest parameter would make an array a call.
 */
function guarded(
  call: Call,
  left: { torn: boolean },
  fail: (error: unknown) => unknown,
  repair: (error: unknown) => boolean,
): Call {
  if (call.length > 8) throw new RangeError('the kernel has a call of more than 8 parameters')
  const plain = call as (...args: unknown[]) => number
  const whole: Call = (a, b, c, d, e, f, g, h) => {
    try {
      return plain(a, b, c, d, e, f, g, h)
    } catch (error) {
      left.torn = true // before anything that wants stack
      if (!repair(error)) throw fail(error)
      left.torn = false
    }
    return (whole as typeof plain)(a, b, c, d, e, f, g, h)
  }
  return whole
}

export function closed(): IsopageError {
  return new IsopageError('ERR_KERNEL_CLOSED', 'ERR_KERNEL_CLOSED: the kernel was closed')
}

function panic(code: number, detail: number): IsopageError {
  const name = PANICS.get(code) ?? String(code)
  return new IsopageError(
    'ERR_KERNEL_PANIC',
    `ERR_KERNEL_PANIC: an invariant of the kernel is broken: ${name} (${detail >>> 0})`,
  )
}

/** A thread holds what this one needs, and has not moved for the stall time. */
class StallError extends IsopageError {
  readonly owner: number

  constructor(owner: number) {
    super(
      'ERR_KERNEL_STALLED',
      `ERR_KERNEL_STALLED: thread ${owner} holds the kernel, does not move, and is not proved dead`,
    )
    this.owner = owner
  }
}

const pool = new Uint32Array(64)
let used = pool.length

/** => 32 random bits. */
function random(): number {
  if (used === pool.length) {
    crypto.getRandomValues(pool)
    used = 0
  }
  return pool[used++] as number
}
