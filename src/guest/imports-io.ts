/** What the answers to the `isopage` imports share: structures in a guest's memory, times, names. */
import * as abi from '../../assembly/abi.js'
import { GUEST_LAYOUTS as at } from './imports-def.js'
import { Errno } from './memory.js'
import { putPath } from './paths.js'
import type { GuestThread } from './thread.js'

const NS_PER_S = 1_000_000_000

/** => the address. EFAULT for NULL, where a program means nothing although its memory begins there. */
export function notNull(address: number): number {
  if (address === 0) throw new Errno(abi.EFAULT)
  return address
}

/** => ms of a timespec; NaN for one that is none. */
export function timespecMs({ memory }: GuestThread, address: number): number {
  const seconds = Number(BigInt.asIntN(64, memory.u64(address + at.GUEST_TIMESPEC_SEC)))
  const ns = memory.i32(address + at.GUEST_TIMESPEC_NSEC)
  return ns < 0 || ns >= NS_PER_S ? Number.NaN : seconds * 1000 + ns / 1e6
}

/** => a deadline in ms, Infinity where the program gave none. One before 1970 is past, as any other. */
export function deadlineMs(thread: GuestThread, address: number): number {
  if (address === 0) return Number.POSITIVE_INFINITY
  return Math.max(timespecMs(thread, address), 0)
}

/** => a deadline of a message queue, for which there is no time before 1970. */
export function queueDeadlineMs(thread: GuestThread, address: number): number {
  if (address === 0) return Number.POSITIVE_INFINITY
  const ms = timespecMs(thread, address)
  return ms < 0 ? Number.NaN : ms
}

/** => a relative time in ms, negative where the program gave none. EINVAL. */
export function timeoutMs(thread: GuestThread, address: number): number {
  if (address === 0) return -1
  const ms = timespecMs(thread, address)
  if (!(ms >= 0)) throw new Errno(abi.EINVAL)
  return ms
}

/** Puts a name or path of the program's into the buffer. */
export function putString(thread: GuestThread, address: number, second = false): [number, number] {
  return putPath(thread, thread.memory.string(notNull(address)), second)
}

/** Gives the program the first `bytes` bytes of the kernel's result. */
export function giveResult({ instance, memory }: GuestThread, to: number, bytes: number): void {
  if (bytes > 0) notNull(to)
  memory.write(to, instance.bytes.slice(instance.resultAt, instance.resultAt + bytes))
}

/** Gives the program bytes of the kernel's data. */
export function giveData({ instance, memory }: GuestThread, to: number, bytes: number): void {
  if (bytes > 0) notNull(to)
  memory.write(to, instance.bytes.slice(instance.dataAt, instance.dataAt + bytes))
}

/** Takes bytes from the program for the kernel; more than it takes at once are its to refuse. */
export function takeData({ instance, memory }: GuestThread, from: number, bytes: number): void {
  if (bytes > 0) notNull(from)
  if (bytes <= abi.BUFFER_DATA_BYTES) instance.bytes.set(memory.read(from, bytes), instance.dataAt)
}

/** Two timespecs as utimensat has them; 0: both now. => ms of each, and FST_* for them. */
export function twoTimes(thread: GuestThread, address: number): [number, number, number] {
  if (address === 0) return [0, 0, abi.FST_ATIM_NOW | abi.FST_MTIM_NOW]
  const [atime, which] = oneTime(thread, address)
  const [mtime, more] = oneTime(thread, address + at.GUEST_TIMESPEC_BYTES)
  return [atime, mtime, which | (more << 2)]
}

/** => ms, and the bits of st_atime. */
function oneTime(thread: GuestThread, address: number): [number, number] {
  const ns = thread.memory.i32(address + at.GUEST_TIMESPEC_NSEC)
  if (ns === abi.UTIME_NOW) return [0, abi.FST_ATIM_NOW]
  if (ns === abi.UTIME_OMIT) return [0, 0]
  const ms = timespecMs(thread, address)
  if (Number.isNaN(ms)) throw new Errno(abi.EINVAL)
  return [ms, abi.FST_ATIM]
}
