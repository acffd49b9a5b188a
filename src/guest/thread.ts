/**
 * A guest's thread: what the answers to its calls stand on - its process, its memory, and how it ends.
 *
 * A guest ends by a trap and never by an exception, which its own code could catch: how it ended is noted here first. What a guest is given as imports is
 * made by `answer`: it leaves the guest for the time of the call (kernel entry guest_leave), so that nobody waits for it, and comes back by guest_enter,
 * which says when its process was ended meanwhile.
 */
import {
  CONTEXT_STATUS,
  EFAULT,
  ERROR_MAX,
  ESRCH,
  EWOULDBLOCK_PARK,
  SIGBUS,
  SIGSEGV,
} from '../../assembly/abi.js'
import { isStackEnd, kernelError } from '../errors.js'
import type { Instance } from '../instance.js'
import { noticesOf } from '../notices.js'
import type { Process } from '../process.js'
import { Errno, GuestMemory } from './memory.js'

/** How a guest ended: by its own status, by a signal, or by what went wrong in the host. */
export interface Ending {
  readonly status?: number
  readonly signal?: number
  /** Of a fault: the address. */
  readonly address?: number
  readonly error?: unknown
}

// biome-ignore format: a module whose one function, `trap`, is `unreachable`
const TRAP = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0,
  7, 8, 1, 4, 116, 114, 97, 112, 0, 0, 10, 5, 1, 3, 0, 0, 11,
)
export const SIGKILL = 9
const SEGV = 11
const STATUS_SIGNAL = 128
export const SIGNAL_MAX = 64
/** Signals that do nothing to who has no handler: SIGCHLD, SIGCONT, SIGURG, SIGWINCH (the numbers of <signal.h>). */
export const IGNORED: ReadonlySet<number> = new Set([17, 18, 23, 28])

/** => how a guest ends whose call threw what is no errno: the end of its stack is a fault. */
function endOf(error: unknown): Ending {
  return isStackEnd(error) ? { signal: SEGV, error } : { error }
}

export class GuestThread {
  readonly instance: Instance
  readonly process: Process
  readonly memory: GuestMemory
  /** Address of its context in the kernel, 0 for a module that was not rewritten. */
  context = 0
  /** Its program is for POSIX, not for WASI alone: a write that nobody will read sends SIGPIPE. */
  posix = false
  /** Makes a rewritten module forget which pages it saw. */
  drop: () => void = () => {}
  /** What its code threw at its end: a trap, with its stack. */
  trapped: unknown
  /** Called before it reads or writes a stream, where nobody else can see to that. */
  served: () => void = () => {}
  /** How it ended; undefined while it runs. */
  ending: Ending | undefined
  readonly #trap: () => never
  /** Its registrations with mq_notify. */
  readonly #notices = new Set<number>()

  constructor(instance: Instance, process: Process) {
    this.instance = instance
    this.process = process
    this.memory = new GuestMemory(instance, process)
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(TRAP))
    this.#trap = exports.trap as () => never
  }

  get pid(): number {
    return this.process.pid
  }

  get calls(): Instance['calls'] {
    return this.instance.calls
  }

  /** => the signal that ended its process from elsewhere: what its status tells, else SIGKILL. */
  killer(): number {
    if (this.context === 0) return SIGKILL
    const signal = this.instance.view.getUint32(this.context + CONTEXT_STATUS, true) - STATUS_SIGNAL
    return signal > 0 && signal <= SIGNAL_MAX ? signal : SIGKILL
  }

  /** Ends the guest here and now. */
  end(ending: Ending): never {
    this.ending ??= ending
    return this.#trap()
  }

  /** => a result of the kernel, or throws the errno that it is. */
  done(result: number, syscall = 'guest'): number {
    if (result >= 0) return result
    if (result === -EWOULDBLOCK_PARK) throw kernelError(syscall, EWOULDBLOCK_PARK)
    throw new Errno(result === -SIGSEGV || result === -SIGBUS ? EFAULT : -result)
  }

  /** => an address that the kernel gave, as Wasm has it; or throws the errno that it is instead. */
  address(result: number): number {
    return result < 0 && result >= -ERROR_MAX ? this.done(result) : result | 0
  }

  /** Registers with mq_notify: `register` gives the kernel the number. The message will send `signal` (0: none), which ends the guest unless it is ignored. */
  notify(signal: number, register: (cookie: number) => void): void {
    const ended = (fired: boolean) => {
      this.#notices.delete(cookie)
      if (fired && signal !== 0 && !IGNORED.has(signal)) this.ending ??= { signal }
    }
    const cookie = noticesOf(this.instance).add(ended, register)
    this.#notices.add(cookie)
  }

  /** Its process is over: what it had registered is nobody's any more. */
  forgetNotices(): void {
    if (this.#notices.size === 0) return
    const notices = noticesOf(this.instance)
    for (const cookie of this.#notices) notices.forget(cookie)
    this.#notices.clear()
    notices.take()
  }

  /** A function of the guest is about to be called from outside. It trusts what its module remembers, which may be gone since it was last called. */
  begin(): void {
    this.enter()
    this.drop()
  }

  /** The guest's code goes on from now on. Ends it, by a trap always, when its process has ended, or its context is no more. */
  enter(): void {
    if (this.context === 0) return
    const ending = this.#tryEnter()
    if (ending) this.end(ending)
  }

  #tryEnter(): Ending | undefined {
    try {
      const result = this.calls.guest_enter(this.context)
      if (result === 0) return undefined
      if (result === -ESRCH) return { signal: this.killer() }
      return { error: kernelError('guest_enter', -result) }
    } catch (error) {
      return endOf(error)
    }
  }

  /** The host's code runs from now on. */
  leave(): void {
    if (this.context !== 0) this.instance.lastCalls.guest_leave(this.context)
  }

  /**
   * => a function for the guest's imports. An errno that `call` throws is given back as a number, times `sign`; anything else ends the guest with it. It comes
   * back to the guest's code only when that runs again as far as the kernel knows: what a catch_all could catch would leave it with pages that are gone.
   */
  answer<Args extends readonly (number | bigint)[]>(
    call: (...args: Args) => number,
    sign: 1 | -1,
  ): (...args: Args) => number {
    return (...args) => {
      try {
        this.leave()
        const result = this.#attempt(call, args, sign)
        if (this.#notices.size > 0 && !this.ending) noticesOf(this.instance).take()
        if (!this.ending) this.enter()
        if (!this.ending) return result
      } catch (error) {
        this.ending ??= endOf(error)
      }
      return this.#trap()
    }
  }

  #attempt<Args extends readonly unknown[]>(
    call: (...args: Args) => number,
    args: Args,
    sign: number,
  ): number {
    try {
      return call(...args)
    } catch (error) {
      if (error instanceof Errno) return sign * error.errno
      const { errno, syscall } = error as { errno?: number; syscall?: string }
      if (errno === SIGSEGV || errno === SIGBUS) return sign * EFAULT
      if (errno === ESRCH && syscall === 'process') this.ending ??= { signal: this.killer() }
      else if (typeof errno === 'number' && errno > 0 && errno < 128) return sign * errno
      else this.ending ??= endOf(error)
      return 0
    }
  }
}
