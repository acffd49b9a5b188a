/**
 * How a guest ended, from what its code threw: a status, or a signal with the one line that stderr gets.
 *
 * A trap of the module's own is the signal that a native program would have died of: `unreachable` is abort's SIGABRT, memory SIGSEGV, a division SIGFPE.
 */
import { SIGBUS, SIGKILL, SIGSEGV } from '../../assembly/abi.js'
import { IsopageError } from '../errors.js'
import { whereIn } from './stack.js'
import type { Ending, GuestThread } from './thread.js'

/** Numbers of wasi-libc, which are Linux's. */
const NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGXCPU: 24,
  SIGXFSZ: 25,
}
const NAMES = new Map(Object.entries(NUMBERS).map(([name, number]) => [number, name]))

/** => the name of a signal, 'signal 77' for one without. */
export function signalName(signal: number): string {
  return NAMES.get(signal) ?? `signal ${signal}`
}

/** => the number of a signal given by number or name. */
export function signalNumber(signal: number | string): number | undefined {
  const number = typeof signal === 'string' ? NUMBERS[signal] : signal
  return Number.isInteger(number) && (number as number) > 0 && (number as number) < 64
    ? number
    : undefined
}

/** What engines call the traps of Wasm. */
const TRAPS: readonly (readonly [RegExp, number])[] = [
  [/unreachable/i, 6],
  [/divi|remainder|zero|overflow|unrepresentable|truncat|trunc/i, 8],
  [/table|indirect|signature|null function|dereferenc/i, 4],
  [/memory|bounds|unaligned|alignment/i, 11],
]
const TRAP_OTHER = 4

function signalOfTrap(error: unknown): number | undefined {
  const { message = '', name = '' } = error as { message?: string; name?: string }
  if (name === 'RangeError' || name === 'InternalError' || /stack|recursion/i.test(message)) {
    return NUMBERS.SIGSEGV // the stack is out
  }
  if (!(error instanceof WebAssembly.RuntimeError)) return undefined
  return TRAPS.find(([text]) => text.test(message))?.[1] ?? TRAP_OTHER
}

/** => how a guest ended whose code threw `error`. */
export function endingOf(thread: GuestThread, error: unknown): Ending {
  const end = thread.instance.takeGuestEnd()
  if (thread.ending) return thread.ending
  if (end instanceof IsopageError) return { error: end }
  if (end) {
    const { kind, address } = end
    if (kind === SIGSEGV || kind === SIGBUS) return { signal: kind - 1000, address }
    if (kind === SIGKILL) return { signal: thread.killer() }
    return { error: wouldBlock() }
  }
  const signal = signalOfTrap(error)
  return signal === undefined ? { error } : { signal, error }
}

function wouldBlock(): IsopageError {
  return new IsopageError(
    'ERR_WOULD_BLOCK',
    'ERR_WOULD_BLOCK: the guest has to wait and this thread may not: run it in a worker',
  )
}

interface Reported {
  readonly args: readonly string[]
  readonly module: WebAssembly.Module
  readonly functions: number | undefined
}

/** => the line for stderr about a signal that is the program's own doing; undefined for a kill. */
export function report(
  thread: GuestThread,
  { args: [name = 'guest'], module, functions }: Reported,
  ending: Ending,
): string | undefined {
  const { signal, address, error } = ending
  if (signal === undefined || (address === undefined && error === undefined)) return undefined
  const what =
    address === undefined ? reasonOf(error) : `at ${hex(address)}, ${place(thread, address)}`
  const where = whereIn(module, thread.trapped, functions)
  return `isopage: ${name}: ${signalName(signal)} ${what}${where ? `, in ${where}` : ''}\n`
}

function reasonOf(error: unknown): string {
  const { message } = error as Error
  return `(${message.split('\n')[0]})`
}

function hex(address: number): string {
  return `0x${address.toString(16).padStart(8, '0')}`
}

/** => the mapping that an address is in. */
function place(thread: GuestThread, address: number): string {
  try {
    const map = thread.process.maps().find(({ start, end }) => start <= address && address < end)
    if (!map) return 'not mapped'
    return `in the mapping ${hex(map.start)}-${hex(map.end)} ${protOf(map.prot)}`
  } catch {
    return 'not mapped'
  }
}

function protOf(prot: number): string {
  return `${prot & 1 ? 'r' : '-'}${prot & 2 ? 'w' : '-'}${prot & 4 ? 'x' : '-'}`
}
