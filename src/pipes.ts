/**
 * Pipes and readiness: pipe(2), mkfifo(3), poll(2). Bytes go by read and write.
 *
 * What waits: a read of an empty pipe while somebody may write, a write to a full one, open on a FIFO whose other side nobody has open. A write to a
 * pipe that nobody reads is EPIPE.
 */
import * as abi from '../assembly/abi.js'
import {
  checkFd,
  checkFlags,
  checkInteger,
  checkObject,
  checkTimeout,
  checkUint32,
  outOfRange,
  wrongType,
} from './check.js'
import { FileCalls } from './files.js'
import type { Instance } from './instance.js'

/** What poll is asked about one descriptor. A negative one is left out. */
export interface PollRequest {
  fd: number
  /** POLL.IN, POLL.OUT; POLL.ERR, HUP and NVAL come unasked. */
  events: number
}

/** What poll says of one descriptor. */
export interface PollResult {
  readonly fd: number
  readonly revents: number
}

export abstract class PipeCalls extends FileCalls {
  /** pipe(2), with `flags` (O.CLOEXEC, O.NONBLOCK) pipe2(2). => the read end and the write end. */
  pipe(flags = 0): [number, number] {
    const { calls } = this
    this.done('pipe', calls.pipe(this.pid, checkFlags('flags', flags)))
    const { view, resultAt } = this.instance
    return [view.getInt32(resultAt, true), view.getInt32(resultAt + 4, true)]
  }

  /** mkfifo(3). ENOTSUP in a mount. */
  mkfifo(path: string, mode = 0o666): void {
    const { calls } = this
    checkUint32('mode', mode)
    const [at, bytes] = this.instance.path('mkfifo', 'path', path)
    this.done('mkfifo', calls.mkfifoat(this.pid, abi.AT_FDCWD, at, bytes, mode), { path })
  }

  /**
   * poll(2): waits until a descriptor has something to say, at most `timeoutMs`; for ever without. Files are always ready. => those that have, in the
   * order of `requests`.
   */
  poll(requests: readonly PollRequest[], timeoutMs?: number): PollResult[] {
    const { calls } = this
    const limit = checkTimeout('timeoutMs', timeoutMs)
    const count = putRequests(this.instance, requests)
    const ready = this.done('poll', calls.poll(this.pid, count, limit, 0))
    return ready === 0 ? [] : takeResults(this.instance, count)
  }

  /** As poll without waiting; where nothing is ready, the first change rings this thread's doorbell. @internal */
  pollArmed(requests: readonly PollRequest[]): PollResult[] {
    const { calls } = this
    const count = putRequests(this.instance, requests)
    const ready = this.done('poll', calls.poll(this.pid, count, -1, 1))
    return ready === 0 ? [] : takeResults(this.instance, count)
  }
}

/** Writes pollfds into the buffer. => how many. */
function putRequests({ view, dataAt }: Instance, requests: unknown): number {
  if (!Array.isArray(requests)) throw wrongType('requests', 'an array of { fd, events }', requests)
  if (requests.length > abi.FDS_MAX) {
    throw outOfRange('requests.length', `at most ${abi.FDS_MAX}`, requests.length)
  }
  for (const [index, request] of requests.entries()) {
    const { fd, events } = checkObject<PollRequest>(`requests[${index}]`, request)
    const at = dataAt + index * abi.POLLFD_BYTES
    view.setInt32(at + abi.POLLFD_FD, checkFd(fd, `requests[${index}].fd`), true)
    view.setUint16(
      at + abi.POLLFD_EVENTS,
      checkInteger(`requests[${index}].events`, events, 0, 0xffff),
      true,
    )
  }
  return requests.length
}

function takeResults({ view, dataAt }: Instance, count: number): PollResult[] {
  const results: PollResult[] = []
  for (let index = 0; index < count; index++) {
    const at = dataAt + index * abi.POLLFD_BYTES
    const revents = view.getUint16(at + abi.POLLFD_REVENTS, true)
    if (revents !== 0) results.push({ fd: view.getInt32(at + abi.POLLFD_FD, true), revents })
  }
  return results
}
