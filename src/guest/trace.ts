/**
 * What a program asks of its host, a line a call, as strace prints it:
 *
 *   openat(-2, "notes.txt", 0x4000000, 00) = 3
 *   mmap(0x00000000, 4096, 0x1, 0x1, 3, 0) = 0x81000000
 *   wasi.fd_close(9) = -1 EBADF
 */
import { ERROR_MAX } from '../../assembly/abi.js'
import { errnoNameOf } from '../errors.js'
import type { MapEntry } from '../maps.js'
import { IMPORTS, type ImportName, type ParamKind } from './imports-def.js'
import type { Functions } from './link.js'
import type { GuestThread } from './thread.js'

type Call = (...args: (number | bigint)[]) => unknown
const STRING_MAX = 64
/** Parameters that are bits of permissions. */
const OCTAL: ReadonlySet<string> = new Set(['mode', 'mask'])

/** => the imports, each of which writes a line when it returns. `write` must not wait for the program. */
export function traced(
  thread: GuestThread,
  imports: Readonly<Record<string, Functions>>,
  write: (line: string) => void,
): Record<string, Functions> {
  const { wasi_snapshot_preview1: wasi = {}, wasi_unstable: old = {}, isopage = {} } = imports
  const numbers = (args: readonly (number | bigint)[]) => args.map(String).join(', ')
  const ofWasi = (group: Functions) =>
    wrapAll(thread, group, (name, args, result) =>
      write(`wasi.${name}(${numbers(args)}) = ${wasiResult(Number(result))}`),
    )
  const own = wrapAll(thread, isopage, (name, args, result) => {
    const { params, result: kind } = IMPORTS[name as ImportName]
    const shown = Object.entries<ParamKind>(params).map(([param, is], index) =>
      argument(thread, param, is, args[index] as number | bigint),
    )
    write(`${name}(${shown.join(', ')}) = ${resultOf(kind, Number(result))}`)
  })
  return {
    ...imports,
    wasi_snapshot_preview1: ofWasi(wasi),
    wasi_unstable: ofWasi(old),
    isopage: own,
  }
}

function wrapAll(
  thread: GuestThread,
  group: Functions,
  tell: (name: string, args: readonly (number | bigint)[], result: unknown) => void,
): Functions {
  const entries = Object.entries(group).map(([name, call]) => {
    const wrapped: Call = (...args) => {
      const result = (call as unknown as Call)(...args)
      thread.leave()
      try {
        tell(name, args, result)
      } finally {
        thread.enter()
      }
      return result
    }
    return [name, wrapped]
  })
  return Object.fromEntries(entries)
}

function argument(
  thread: GuestThread,
  name: string,
  kind: ParamKind,
  value: number | bigint,
): string {
  if (kind === 'offset' || typeof value === 'bigint') return String(value)
  if (kind === 'string') return text(thread, value)
  if (kind === 'address') return hex(value)
  if (OCTAL.has(name)) return `0${(value >>> 0).toString(8)}`
  if (kind === 'uint') return `0x${(value >>> 0).toString(16)}`
  return String(kind === 'size' ? value >>> 0 : value)
}

function text(thread: GuestThread, address: number): string {
  try {
    const whole = new TextDecoder().decode(thread.memory.string(address))
    return JSON.stringify(whole.length > STRING_MAX ? `${whole.slice(0, STRING_MAX)}...` : whole)
  } catch {
    return hex(address)
  }
}

function hex(address: number): string {
  return `0x${(address >>> 0).toString(16).padStart(8, '0')}`
}

function resultOf(kind: string, result: number): string {
  if (result < 0 && result >= -ERROR_MAX) return `-1 ${errnoNameOf(-result)}`
  return kind === 'address' ? hex(result) : String(result)
}

function wasiResult(errno: number): string {
  return errno === 0 ? '0' : `-1 ${errnoNameOf(errno)}`
}

/** The mappings of a process, a line each, as /proc/PID/maps has them. */
export function mapLines(maps: readonly MapEntry[]): string[] {
  return maps.map(({ start, end, prot, shared, anonymous, segment, offset, ino, ...pages }) => {
    const rights = `${prot & 1 ? 'r' : '-'}${prot & 2 ? 'w' : '-'}${prot & 4 ? 'x' : '-'}`
    const file = anonymous ? 'anonymous' : `file ${ino} from ${offset}`
    const what = segment ? `segment ${segment.id}` : file
    const counts = `${pages.resident} in memory, ${pages.dirty} dirty, ${pages.private} private`
    return `${hex(start)}-${hex(end)} ${rights}${shared ? 's' : 'p'} ${what}: ${counts}`
  })
}
