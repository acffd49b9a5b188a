/**
 * WASI preview 1, whole, answered by the kernel: what a guest reads by fd_read is what a mapping shows.
 *
 * A call gives 0 or an errno; pointers may be private or in the window; a bad one is EFAULT. Source: the witx of wasi_snapshot_preview1.
 */
import { EBADF, EINVAL } from '../../assembly/abi.js'
import { clockNs, RESOLUTION_NS } from './clock.js'
import type { Descriptors } from './descriptors.js'
import { Errno } from './memory.js'
import type { GuestThread } from './thread.js'
import { ENOTSOCK } from './wasi-abi.js'
import { FdCalls } from './wasi-fd.js'
import { PathCalls } from './wasi-path.js'
import { PollCalls } from './wasi-poll.js'

export interface WasiOptions {
  /** What the program is called with, its name first. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Descriptors that say they are a terminal. */
  readonly terminals: ReadonlySet<number>
}

/** Most bytes that getRandomValues gives at once. */
const RANDOM_MAX = 65_536
/** Signals that do nothing to who has no handler: SIGCHLD, SIGCONT, SIGURG, SIGWINCH (wasi-libc's numbers). */
const IGNORED: ReadonlySet<number> = new Set([16, 17, 22, 27])
const SIGNAL_MAX = 30

const encoder = new TextEncoder()

/** => the strings, each with a 0 behind it, and where each begins. */
function strings(list: readonly string[]): { bytes: Uint8Array; starts: number[] } {
  const starts: number[] = []
  const parts = list.map((text) => encoder.encode(`${text}\0`))
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    starts.push(at)
    bytes.set(part, at)
    at += part.length
  }
  return { bytes, starts }
}

function basics(thread: GuestThread, { args, env }: WasiOptions) {
  const { memory, pid } = thread
  const arg = strings(args)
  const variables = strings(Object.entries(env).map(([name, value]) => `${name}=${value}`))

  function putSizes({ bytes, starts }: ReturnType<typeof strings>, count: number, size: number) {
    memory.setU32(count, starts.length)
    memory.setU32(size, bytes.length)
    return 0
  }

  function putStrings({ bytes, starts }: ReturnType<typeof strings>, list: number, buffer: number) {
    memory.write(buffer, bytes)
    for (const [index, start] of starts.entries()) {
      memory.setU32((list >>> 0) + 4 * index, (buffer >>> 0) + start)
    }
    return 0
  }

  /** Sockets there are none: a descriptor is no socket, or no descriptor. */
  function noSocket(fd: number): number {
    return thread.calls.fcntl(pid, fd, 1, 0) < 0 ? EBADF : ENOTSOCK
  }

  return {
    args_sizes_get: (count: number, size: number) => putSizes(arg, count, size),
    args_get: (list: number, buffer: number) => putStrings(arg, list, buffer),
    environ_sizes_get: (count: number, size: number) => putSizes(variables, count, size),
    environ_get: (list: number, buffer: number) => putStrings(variables, list, buffer),
    clock_res_get(clock: number, result: number): number {
      if (clockNs(clock) === undefined) throw new Errno(EINVAL)
      memory.setU64(result, RESOLUTION_NS)
      return 0
    },
    clock_time_get(clock: number, _precision: bigint, result: number): number {
      const now = clockNs(clock)
      if (now === undefined) throw new Errno(EINVAL)
      memory.setU64(result, now)
      return 0
    },
    random_get(at: number, length: number): number {
      const bytes = length >>> 0
      memory.check(at, bytes, true)
      for (let done = 0; done < bytes; done += RANDOM_MAX) {
        const piece = new Uint8Array(Math.min(RANDOM_MAX, bytes - done))
        memory.write((at >>> 0) + done, crypto.getRandomValues(piece))
      }
      return 0
    },
    proc_exit: (status: number) => thread.end({ status }),
    proc_raise(signal: number): number {
      if (signal < 0 || signal > SIGNAL_MAX) throw new Errno(EINVAL)
      if (signal === 0 || IGNORED.has(signal)) return 0
      return thread.end({ signal })
    },
    sched_yield: () => 0,
    sock_accept: noSocket,
    sock_recv: noSocket,
    sock_send: noSocket,
    sock_shutdown: noSocket,
  }
}

type Call = (...args: readonly (number | bigint)[]) => number

/** => the methods of an object by their names, each bound to it. */
function methodsOf(calls: object): Record<string, Call> {
  const names = Object.getOwnPropertyNames(Object.getPrototypeOf(calls))
  const methods = calls as Record<string, Call>
  return Object.fromEntries(
    names
      .filter((name) => name !== 'constructor')
      .map((name) => [name, (methods[name] as Call).bind(calls)]),
  )
}

/** => the functions of wasi_snapshot_preview1, and of wasi_unstable where they are the same, for a guest's thread. */
export function wasiImports(
  thread: GuestThread,
  table: Descriptors,
  options: WasiOptions,
): Record<string, (...args: never[]) => number> {
  const calls = {
    ...basics(thread, options),
    ...methodsOf(new FdCalls(thread, table, options.terminals)),
    ...methodsOf(new PathCalls(thread, table)),
    ...methodsOf(new PollCalls(thread, table)),
  }
  return Object.fromEntries(
    Object.entries(calls).map(([name, call]) => [name, thread.answer(call as Call, 1)]),
  )
}
