/** WASI preview 1: poll_oneoff, by the kernel's poll: it really waits, for descriptors and for clocks. */
import * as abi from '../../assembly/abi.js'
import { clockNs } from './clock.js'
import type { Descriptors } from './descriptors.js'
import { Errno } from './memory.js'
import type { GuestThread } from './thread.js'
import {
  CLOCK_ABSTIME,
  EVENT_BYTES,
  EVENT_CLOCK,
  EVENT_HANGUP,
  EVENT_READ,
  EVENT_WRITE,
  SUBSCRIPTION_BYTES,
} from './wasi-abi.js'

interface Subscription {
  readonly userdata: bigint
  readonly type: number
  /** A descriptor's place among the pollfds. */
  readonly fd: number
  /** A clock's time by it, ns; and its errno when it is none. */
  readonly clock: number
  readonly deadline: bigint
  errno: number
}

interface Event {
  readonly from: Subscription
  readonly bytes: bigint
  readonly flags: number
}

/** => poll_oneoff. */
export class PollCalls {
  readonly #thread: GuestThread
  readonly #table: Descriptors

  constructor(thread: GuestThread, table: Descriptors) {
    this.#thread = thread
    this.#table = table
  }

  poll_oneoff(from: number, to: number, count: number, result: number): number {
    const total = count >>> 0
    if (total === 0 || total > abi.FDS_MAX) throw new Errno(abi.EINVAL)
    this.#thread.memory.check(to, total * EVENT_BYTES, true)
    const list = Array.from({ length: total }, (_, index) =>
      this.#readSubscription((from >>> 0) + index * SUBSCRIPTION_BYTES),
    )
    for (const { type, fd } of list)
      if (type !== EVENT_CLOCK) this.#table.need(fd, 'POLL_FD_READWRITE')
    const events = this.#wait(list)
    for (const [index, event] of events.entries())
      this.#putEvent((to >>> 0) + index * EVENT_BYTES, event)
    this.#thread.memory.setU32(result, events.length)
    return 0
  }

  #readSubscription(at: number): Subscription {
    const type = this.#thread.memory.u8(at + 8)
    const userdata = this.#thread.memory.u64(at)
    if (type > EVENT_WRITE) throw new Errno(abi.EINVAL)
    if (type !== EVENT_CLOCK) {
      const fd = this.#thread.memory.i32(at + 16)
      return { userdata, type, fd, clock: 0, deadline: 0n, errno: 0 }
    }
    const clock = this.#thread.memory.u32(at + 16)
    const time = this.#thread.memory.u64(at + 24)
    const absolute = (this.#thread.memory.u16(at + 40) & CLOCK_ABSTIME) !== 0
    const now = clockNs(clock)
    const base = { userdata, type, fd: -1, clock }
    if (now === undefined) return { ...base, deadline: 0n, errno: abi.EINVAL }
    return { ...base, deadline: absolute ? time : now + time, errno: 0 }
  }

  /** => ms until the first clock's time; -1 when there is none. */
  #timeoutOf(list: readonly Subscription[]): number {
    let least = -1
    for (const { type, clock, deadline, errno } of list) {
      if (type !== EVENT_CLOCK) continue
      const ns = errno === 0 ? deadline - (clockNs(clock) as bigint) : 0n
      const ms = ns <= 0n ? 0 : Number(ns) / 1e6
      least = least < 0 ? ms : Math.min(least, ms)
    }
    return least
  }

  #putRequests(list: readonly Subscription[]): void {
    const { view, dataAt } = this.#thread.instance
    for (const [index, { fd, type }] of list.entries()) {
      const at = dataAt + index * abi.POLLFD_BYTES
      view.setInt32(at + abi.POLLFD_FD, fd, true)
      view.setUint16(at + abi.POLLFD_EVENTS, type === EVENT_READ ? abi.POLLIN : abi.POLLOUT, true)
    }
  }

  #eventOf(from: Subscription, index: number): Event | undefined {
    if (from.type === EVENT_CLOCK) {
      const due = from.errno !== 0 || (clockNs(from.clock) as bigint) >= from.deadline
      return due ? { from, bytes: 0n, flags: 0 } : undefined
    }
    const at = this.#thread.instance.dataAt + index * abi.POLLFD_BYTES + abi.POLLFD_REVENTS
    const revents = this.#thread.instance.view.getUint16(at, true)
    if (revents === 0) return undefined
    if ((revents & abi.POLLNVAL) !== 0) from.errno = abi.EBADF
    const flags = (revents & (abi.POLLHUP | abi.POLLERR)) !== 0 ? EVENT_HANGUP : 0
    return { from, bytes: (revents & (abi.POLLIN | abi.POLLOUT)) !== 0 ? 1n : 0n, flags }
  }

  /** A file's bytes from its offset on, and those in a pipe: what FIONREAD asks for. */
  #bytesLeft({ from, bytes }: Event): bigint {
    if (from.type !== EVENT_READ || from.errno !== 0) return bytes
    const at = this.#thread.calls.lseek(this.#thread.pid, from.fd, 0, abi.SEEK_CUR)
    if (at < 0) {
      const held = this.#thread.calls.pipe_bytes(this.#thread.pid, from.fd)
      return held < 0 ? bytes : BigInt(held)
    }
    if (this.#thread.calls.fstat(this.#thread.pid, from.fd) < 0) return bytes
    const size = this.#thread.instance.view.getBigUint64(
      this.#thread.instance.resultAt + abi.STAT_SIZE,
      true,
    )
    return size > BigInt(at) ? size - BigInt(at) : 0n
  }

  #putEvent(at: number, event: Event): void {
    const out = new DataView(new ArrayBuffer(EVENT_BYTES))
    out.setBigUint64(0, event.from.userdata, true)
    out.setUint16(8, event.from.errno, true)
    out.setUint8(10, event.from.type)
    out.setBigUint64(16, this.#bytesLeft(event), true)
    out.setUint16(24, event.flags, true)
    this.#thread.memory.write(at, new Uint8Array(out.buffer))
  }

  #wait(list: readonly Subscription[]): Event[] {
    for (;;) {
      this.#putRequests(list)
      const count = list.some(({ type }) => type !== EVENT_CLOCK) ? list.length : 0
      this.#thread.done(
        this.#thread.calls.poll(this.#thread.pid, count, this.#timeoutOf(list), 0),
        'poll',
      )
      const events = list.flatMap((one, index) => this.#eventOf(one, index) ?? [])
      if (events.length > 0) return events
    }
  }
}
