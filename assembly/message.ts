/**
 * Messages: what queues of both kinds hold, System V (msg.ts) and POSIX (mq.ts).
 *
 * A message is a byte chain (chain.ts) whose first bytes say what it is, so that a wait node can carry it and a death frees it:
 *
 *   | next block | next message | last of its priority | type or priority | bytes | body ... | -> | next block | body ... | -> 0
 *
 * One of up to FIRST_BYTES bytes is a single structure: made, linked and freed it costs a few words of the journal, whatever its body is.
 *
 * Messages of a queue that is gone are freed piece by piece: the calls take them from the dying list at their ends (idle.ts).
 * Guarded by the kernel lock, journalled. Bodies are written once, in the transaction that made them, and never changed.
 */
import { PANIC_IPC } from './abi'
import { fillChain, freeChain, newChain, readChain } from './chain'
import { MESSAGE_BYTES_MAX } from './ipcabi'
import { put } from './journal'
import { check } from './panic'
import { K } from './root'
import { SLAB_BYTES_MAX } from './slab'

@unmanaged
export class Message {
  /** The chain's own: its second block. */
  rest: u32
  next: Message | null
  /** POSIX (posixqueue.ts): of the first message of a priority, the last one. */
  last: Message | null
  /** System V: the type, at least 1. POSIX: the priority. */
  type: i32
  bytes: u32
}

/** Bytes of a chain that are not body. */
const HEAD_BYTES: u32 = offsetof<Message>() - 4
/** Bytes of body in the first block. */
const FIRST_BYTES: u32 = SLAB_BYTES_MAX - offsetof<Message>()

/** First message of the queues that are gone. */
const DYING: usize = memory.data(16, 16)

/** => what a wait node that carries a message of `bytes` bytes says in `chainBytes`. */
export function chainBytesOf(bytes: u32): u32 {
  return bytes + HEAD_BYTES
}

/**
 * => a message with the `bytes` bytes at `from`, null when memory is out: the caller abandons. What it may not take is the reserve of the
 * kernel's own structures: a full queue must not keep a process from exiting. => lock held.
 */
export function newMessage(type: i32, bytes: u32, from: usize): Message | null {
  const message = changetype<Message | null>(<usize>newChain(bytes + HEAD_BYTES))
  if (message == null || K.committed > K.commitLimit) return null
  message.type = type
  message.bytes = bytes
  const first = min(bytes, FIRST_BYTES)
  memory.copy(changetype<usize>(message) + offsetof<Message>(), from, first)
  if (bytes > first) fillChain(message.rest, bytes - first, from + first)
  return message
}

/** Copies the first `count` bytes of a body out. => count <= message.bytes. */
export function readMessage(message: Message, count: u32, to: usize): void {
  const first = min(count, FIRST_BYTES)
  memory.copy(to, changetype<usize>(message) + offsetof<Message>(), first)
  if (count > first) readChain(message.rest, count - first, to + first)
}

/** Gives a message back. => in no queue; nothing is allocated after it in this transaction. */
export function freeMessage(message: Message): void {
  freeChain(<u32>changetype<usize>(message), message.bytes + HEAD_BYTES)
}

/** The messages from `first` to `last` belong to nobody any more. */
export function dropMessages(first: Message | null, last: Message | null): void {
  if (first == null) return
  put(changetype<usize>(last!) + offsetof<Message>('next'), load<u32>(DYING))
  put(DYING, <u32>changetype<usize>(first))
}

/** => messages wait for endMessage. Read without the lock: a hint. */
export function hasDyingMessages(): bool {
  return load<u32>(DYING) != 0
}

/** Frees one dying message. => false when there is none. => lock held. */
export function endMessage(): bool {
  const first = changetype<Message | null>(<usize>load<u32>(DYING))
  if (first == null) return false
  put(DYING, <u32>changetype<usize>(first.next))
  freeMessage(first)
  return true
}

/** Panics when a dying message is broken; => how many there are. => lock held. */
export function checkMessages(): u32 {
  let count: u32 = 0
  let message = changetype<Message | null>(<usize>load<u32>(DYING))
  while (message != null) {
    check(message.bytes <= MESSAGE_BYTES_MAX, PANIC_IPC, message.bytes)
    message = message.next
    count++
  }
  return count
}
