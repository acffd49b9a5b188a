/**
 * POSIX message queues as structures: what an inode of a queue has (mq.ts has the calls).
 *
 *   first -> 9a -> 9b -> 9c -> 4d -> 0e -> 0f          highest priority first, then first come first served
 *            |-- last --^      |      |-- last -^
 *
 * The first message of each priority knows the last of it, so that one is added after as many steps as there are priorities before its own.
 *
 * Invariants (checkPosixQueue):
 *  1. `count` counts the messages; it is at most `maxmsg`, and no message is longer than `msgsize`.
 *  2. The list is sorted by priority, falling; of each priority, the first one's `last` is its last.
 * Guarded by the kernel lock, journalled. Source: POSIX.1-2017 mq_send, mq_receive.
 */
import { PANIC_IPC } from './abi'
import { edit, put, save } from './journal'
import { dropMessages, Message } from './message'
import { check } from './panic'
import { create, destroy } from './slab'
import { POLLED, wake } from './wait'

@unmanaged
export class PosixQueue {
  maxmsg: u32
  msgsize: u32
  count: u32
  first: Message | null
  /** The registration for the next message (notice.ts), 0 for none. */
  notice: u32
}

/** Queues there are, with a name or without. */
const COUNT: usize = memory.data(16, 16)

/** => queues there are. */
export function posixQueues(): u32 {
  return load<u32>(COUNT)
}

/** => an empty queue, null when memory is out: the caller abandons. => lock held. */
export function newPosixQueue(maxmsg: u32, msgsize: u32): PosixQueue | null {
  const queue = create<PosixQueue>()
  if (changetype<usize>(queue) == 0) return null
  queue.maxmsg = maxmsg
  queue.msgsize = msgsize
  put(COUNT, load<u32>(COUNT) + 1)
  return queue
}

function changed(queue: PosixQueue): void {
  wake(changetype<usize>(queue), 0x7fffffff, POLLED)
}

/** Frees a queue; its messages follow at the ends of calls. => nobody has it open, it has no name; nothing is allocated after it. */
export function endPosixQueue(queue: PosixQueue): void {
  let last = queue.first
  while (last != null) {
    const tail = last.last!
    if (tail.next == null) break
    last = tail.next
  }
  changed(queue)
  if (last != null) dropMessages(queue.first, last.last)
  put(COUNT, load<u32>(COUNT) - 1)
  destroy<PosixQueue>(queue)
}

/** Adds a message behind those of its priority. => there is room. */
export function pushMessage(queue: PosixQueue, message: Message): void {
  let before: Message | null = null
  let level = queue.first
  while (level != null && level.type > message.type) {
    before = level.last
    level = before!.next
  }
  edit<Message>(message)
  edit<PosixQueue>(queue).count += 1
  changed(queue)
  if (level != null && level.type == message.type) {
    const tail = level.last!
    message.next = tail.next
    setNext(tail, message)
    save(changetype<usize>(level) + offsetof<Message>('last'), 4)
    level.last = message
    return
  }
  message.last = message
  message.next = level
  if (before == null) queue.first = message
  else setNext(before, message)
}

/** Takes the first message of the highest priority. => there is one. */
export function popMessage(queue: PosixQueue): Message {
  const message = queue.first!
  const next = message.next
  edit<PosixQueue>(queue)
  queue.first = next
  queue.count -= 1
  changed(queue)
  if (next == null || next.type != message.type) return message
  save(changetype<usize>(next) + offsetof<Message>('last'), 4)
  next.last = message.last
  return message
}

function setNext(message: Message, next: Message): void {
  put(changetype<usize>(message) + offsetof<Message>('next'), <u32>changetype<usize>(next))
}

/** Panics at the first broken invariant. => lock held. */
export function checkPosixQueue(queue: PosixQueue): void {
  let count: u32 = 0
  let level = queue.first
  while (level != null) {
    let message = level
    checkMessage(queue, level, level)
    count++
    while (message != level.last) {
      message = message.next!
      checkMessage(queue, level, message)
      count++
    }
    const next = message.next
    check(next == null || level.type > next.type, PANIC_IPC, count)
    level = next
  }
  check(count == queue.count && count <= queue.maxmsg, PANIC_IPC, count)
}

function checkMessage(queue: PosixQueue, level: Message, message: Message): void {
  check(message.type == level.type, PANIC_IPC, message.type)
  check(message.bytes <= queue.msgsize, PANIC_IPC, message.bytes)
}
