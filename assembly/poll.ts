/**
 * poll: waits until one of several descriptors is ready, or for a time.
 *
 *   pollfd (POLLFD_*), 8 bytes each, at BUFFER_DATA:   | fd i32 | events u16 | revents u16 |
 *
 * A node of detail POLLED hangs on every pipe and queue that is asked about, and one on this thread's slot for the time alone. Whoever changes a
 * pipe or queue wakes its nodes; the thread is rung, takes all of them back and looks again. So nothing is held while it sleeps: what is closed
 * meanwhile is POLLNVAL at the next look.
 *
 * `arm` is for threads that wait through their event loop: where nothing is ready the nodes stay behind, and the first change rings the thread's
 * doorbell. Its next poll takes them back.
 *
 * Regular files and directories are always ready, as POSIX has it. Guarded by the kernel lock, journalled. Source: POSIX poll; Linux mq_overview(7).
 */
import {
  BUFFER_DATA,
  EINVAL,
  ENOMEM,
  ETIMEDOUT,
  FDS_MAX,
  O_PATH,
  POLLERR,
  POLLFD_BYTES,
  POLLFD_EVENTS,
  POLLFD_FD,
  POLLFD_REVENTS,
  POLLHUP,
  POLLIN,
  POLLNVAL,
  POLLOUT,
} from './abi'
import { now } from './env'
import { fileAt } from './fd'
import { canRead, canWrite, File } from './file'
import { lock, relax, relaxIfDeep, unlock } from './lock'
import { readiness } from './pipe'
import { Process } from './process'
import { makeRoom } from './room'
import { me, self } from './thread'
import { enqueue, POLLED, sleepInPlace, Wait, withdraw } from './wait'

/** Frames that the nodes of FDS_MAX descriptors take. */
const ROOM_FRAMES: u32 = (FDS_MAX * 96) / 4096

/**
 * Looks at the `count` pollfds at BUFFER_DATA, and waits until one has something to say, at most `timeoutMs` (negative: for ever). => how many have, their
 * revents set; 0 when time is up, or nothing is ready and `arm`; -EINVAL (the count), -EINTR, -ENOMEM, -EWOULDBLOCK_PARK.
 */
export function sysPoll(process: Process, count: u32, timeoutMs: f64, arm: bool): i32 {
  if (count > FDS_MAX) return -EINVAL
  const until = timeoutMs < 0 ? <f64>Infinity : now(0) + timeoutMs
  lock()
  takeBack()
  let result = scan(process, count)
  while (result == 0 && timeoutMs != 0) {
    const first = queue(process, count)
    if (first == null) result = -ENOMEM
    else result = scan(process, count)
    if (result == 0 && arm) break
    if (result == 0) result = sleepInPlace(first!, until)
    takeBack()
    if (result == 0) result = scan(process, count)
  }
  unlock()
  return result == -ETIMEDOUT ? 0 : result
}

function entryAt(index: u32): usize {
  return <usize>me().buffer + BUFFER_DATA + <usize>index * POLLFD_BYTES
}

/** Sets every revents. => how many are not 0. */
function scan(process: Process, count: u32): i32 {
  let ready = 0
  for (let i: u32 = 0; i < count; i++) {
    const at = entryAt(i)
    const fd = load<i32>(at, POLLFD_FD)
    const asked = <u32>load<u16>(at, POLLFD_EVENTS) | POLLERR | POLLHUP | POLLNVAL
    const events = fd < 0 ? 0 : eventsOf(fileAt(process, fd)) & asked
    store<u16>(at, <u16>events, POLLFD_REVENTS)
    if (events != 0) ready++
  }
  return ready
}

/** => what a description has to say: POLL* bits. */
function eventsOf(file: File | null): u32 {
  if (file == null || (file.flags & O_PATH) != 0) return POLLNVAL
  const inode = file.inode!
  const pipe = inode.pipe
  if (pipe != null) return readiness(pipe, canRead(file), canWrite(file))
  const messages = inode.queue
  if (messages == null) return POLLIN | POLLOUT
  const receives = canRead(file) && messages.count != 0
  const sends = canWrite(file) && messages.count < messages.maxmsg
  return (receives ? POLLIN : 0) | (sends ? POLLOUT : 0)
}

/** => address of the pipe or queue of which this thread wants to hear, 0 for none. */
function sourceAt(process: Process, fd: i32): usize {
  const file = fileAt(process, fd)
  if (file == null) return 0
  const inode = file.inode!
  const pipe = inode.pipe
  return pipe != null ? changetype<usize>(pipe) : changetype<usize>(inode.queue)
}

/** Queues this thread on its own slot and on all that it asks about. => the first node, null when memory is out. => lock held; relaxes. */
function queue(process: Process, count: u32): Wait | null {
  let first = enqueue(self, POLLED)
  if (first == null) {
    relax()
    makeRoom(ROOM_FRAMES)
    first = enqueue(self, POLLED)
  }
  for (let i: u32 = 0; first != null && i < count; i++) {
    const source = sourceAt(process, load<i32>(entryAt(i), POLLFD_FD))
    if (source != 0 && enqueue(source, POLLED) == null) return null
    relaxIfDeep()
  }
  return first
}

/** Takes all nodes of this thread's polls back. => lock held; relaxes. */
function takeBack(): void {
  let wait = changetype<Wait | null>(<usize>me().waits)
  while (wait != null) {
    const next = wait.sibling
    if (wait.detail == POLLED) withdraw(wait)
    wait = next
    relaxIfDeep()
  }
  relax()
}
