/**
 * System V message queues: msgget, msgsnd, msgrcv (msgctl.ts has msgctl).
 *
 *   Queue: first -> message -> message -> ... -> last          in the order in which they came
 *
 * Sleepers hang on the queue's address, as SENDERS or RECEIVERS, and are completed by the other side (wait.ts `finish`): a sleeping sender's node
 * carries its message, a receiver's is given one. So a message is in one place always: the sender's node, the queue, the receiver's node.
 * A sender that dies takes its message with it; so does a receiver that dies with a message in its node, as on Linux.
 *
 * Order, as Linux 6 has it (ipc/msg.c, pipelined_send and ss_wakeup):
 *  - A message goes to the first sleeping receiver whose type matches; one whose buffer is too small is told E2BIG and the next is tried.
 *  - Who sends looks only at whether its own message fits. When room comes, the sleeping senders are gone through in order of arrival and
 *    each whose message fits is completed: a later, smaller message overtakes an earlier one that does not fit yet.
 *
 * Invariants (checkMsg):
 *  1. `qnum` and `cbytes` count the messages of the list, `last` ends it.
 *  2. No sleeping sender's message fits; no sleeping receiver wants a message of the list.
 * Guarded by the kernel lock, journalled.
 * Sources: POSIX.1-2017 msgget, msgsnd, msgrcv; Linux msgop(2), ipc/msg.c.
 */
import {
  BUFFER_DATA,
  BUFFER_RESULT,
  E2BIG,
  EACCES,
  EAGAIN,
  EIDRM,
  EINVAL,
  ENOMEM,
  ENOMSG,
  PANIC_IPC,
} from './abi'
import { now } from './env'
import {
  addIpc,
  findIpc,
  Ipc,
  ipcAt,
  lastSlot,
  limit,
  lookUp,
  mayGet,
  mayUse,
  removeIpc,
} from './ipc'
import {
  IPC_MSG,
  IPC_NOWAIT,
  LIMIT_MSGMAX,
  LIMIT_MSGMNB,
  MESSAGE_BYTES_MAX,
  MSG_COPY,
  MSG_EXCEPT,
  MSG_NOERROR,
} from './ipcabi'
import { edit, put, save } from './journal'
import { abandon, lock, unlock } from './lock'
import {
  chainBytesOf,
  dropMessages,
  freeMessage,
  Message,
  newMessage,
  readMessage,
} from './message'
import { check } from './panic'
import { findProcess, Process } from './process'
import { makeRoom } from './room'
import { create, destroy } from './slab'
import { me, Thread, threadAt } from './thread'
import {
  discard,
  enqueue,
  finish,
  finishAll,
  firstWait,
  nextWait,
  sleepUntil,
  Wait,
  watch,
} from './wait'

@unmanaged
export class Queue extends Ipc {
  qbytes: u32
  /** The rest changes with each message. */
  cbytes: u32
  /** Milliseconds since 1970, 0 for never. */
  stime: f64
  rtime: f64
  ctime: f64
  qnum: u32
  lspid: u32
  lrpid: u32
  first: Message | null
  last: Message | null
}

/** What of a queue changes with a message: saved in one piece. */
const MOVING: usize = offsetof<Queue>('cbytes')
const MOVING_BYTES: u32 = <u32>offsetof<Queue>() - <u32>MOVING

/** Second half of the wait key, whose first is the queue's address. */
const RECEIVERS: u64 = 1
const SENDERS: u64 = 2

/** How a receiver chooses: Linux's r_mode. */
const ANY: u32 = 0
const EQUAL: u32 = 1
const NOT_EQUAL: u32 = 2
const LESS_EQUAL: u32 = 3
const NUMBER: u32 = 4

/** A sleeping receiver's `extra`: the most it takes, and its mode above. */
const MODE_SHIFT: u32 = 24
const SIZE_MASK: u32 = 0xffffff

/** Frames that a message and its sender's node may take. */
const ROOM_FRAMES: u32 = MESSAGE_BYTES_MAX / 2048 + 4

/**
 * The queue of a key, made if IPC_CREAT says so. => its id; -ENOENT, -EEXIST, -EACCES, -ENOSPC (MSGMNI), -ENOMEM.
 */
export function sysMsgget(process: Process, key: i32, flags: u32): i32 {
  lock()
  let result = openQueue(process, key, flags)
  if (result == -ENOMEM) {
    makeRoom(ROOM_FRAMES)
    result = openQueue(process, key, flags)
  }
  unlock()
  return result
}

/** => as sysMsgget; what failed is undone. => lock held. */
function openQueue(process: Process, key: i32, flags: u32): i32 {
  const found = lookUp(IPC_MSG, key, flags)
  if (found < 0) return <i32>found
  if (found > 0) {
    const queue = changetype<Queue>(<usize>found)
    const denied = mayGet(process, queue, flags)
    return denied != 0 ? denied : <i32>queue.id
  }
  const id = makeQueue(process, key, flags)
  if (id < 0) abandon()
  return id
}

function makeQueue(process: Process, key: i32, flags: u32): i32 {
  const queue = create<Queue>()
  if (changetype<usize>(queue) == 0) return -ENOMEM
  queue.qbytes = limit(LIMIT_MSGMNB)
  queue.ctime = now(1)
  return addIpc(queue, process, IPC_MSG, key, flags)
}

/** => the queue of an id, null for a stale one. */
export function queueOf(id: i32): Queue | null {
  return id < 0 ? null : changetype<Queue | null>(findIpc(IPC_MSG, id))
}

/** Why usable gave null: -EINVAL, -EACCES. */
let refusal: i32 = 0

/** => the queue of an id that the process has `want` on, else null and a refusal. */
function usable(process: Process, id: i32, want: u32): Queue | null {
  const queue = queueOf(id)
  refusal = queue == null ? -EINVAL : mayUse(process, queue, want)
  return refusal == 0 ? queue : null
}

function fits(queue: Queue, bytes: u32): bool {
  return <u64>queue.cbytes + bytes <= <u64>queue.qbytes && queue.qnum < queue.qbytes
}

// ---- sending ----

/** Watches a full queue until it is half empty: so the lock, and what it guards, goes from core to core once for many messages. => as watch. */
function watchFull(queue: Queue): bool {
  const at = changetype<usize>(queue) + offsetof<Queue>('cbytes')
  return watch(at, 0, queue.qbytes >> 1)
}

/**
 * Sends the `bytes` bytes at BUFFER_DATA. `type` is at least 1. IPC_NOWAIT: -EAGAIN instead of a sleep. => 0; -EINVAL (the id, the type, a
 * size past MSGMAX or negative), -EACCES, -EAGAIN, -EIDRM, -EINTR, -ENOMEM, -EWOULDBLOCK_PARK.
 */
export function sysMsgsnd(process: Process, id: i32, type: i32, bytes: u32, flags: u32): i32 {
  if (type < 1 || bytes > min(limit(LIMIT_MSGMAX), MESSAGE_BYTES_MAX)) return -EINVAL
  lock()
  let result = send(process, id, type, bytes, flags)
  if (result == -ENOMEM) {
    abandon()
    makeRoom(ROOM_FRAMES)
    result = send(process, id, type, bytes, flags)
    if (result == -ENOMEM) abandon()
  }
  unlock()
  return result
}

/** => as sysMsgsnd; the caller abandons at -ENOMEM. */
function send(process: Process, id: i32, type: i32, bytes: u32, flags: u32): i32 {
  let queue = usable(process, id, 2)
  if (queue == null) return refusal
  let room = fits(queue, bytes)
  if (!room && (flags & IPC_NOWAIT) != 0) return -EAGAIN
  if (!room && watchFull(queue)) {
    queue = usable(process, id, 2)
    if (queue == null) return refusal == -EINVAL ? -EIDRM : refusal
    room = fits(queue, bytes)
  }
  const message = newMessage(type, bytes, <usize>me().buffer + BUFFER_DATA)
  if (message == null) return -ENOMEM
  if (!room) return sleepToSend(queue, message)
  deliver(queue, message, process.pid)
  return 0
}

/** Sleeps until a receiver took the message into the queue. => 0, -EACCES, -EIDRM, -EINTR, -EWOULDBLOCK_PARK, -ENOMEM (no node). */
function sleepToSend(queue: Queue, message: Message): i32 {
  const wait = queueSender(queue, message)
  if (wait == null) return -ENOMEM
  const result = sleepUntil(wait, -1)
  discard(wait)
  return result
}

/** => the node of a sender whose message does not fit yet, null when memory is out: the caller abandons. */
export function queueSender(queue: Queue, message: Message): Wait | null {
  const wait = enqueue(changetype<usize>(queue), SENDERS)
  if (wait == null) return null
  wait.chain = <u32>changetype<usize>(message)
  wait.chainBytes = chainBytesOf(message.bytes)
  return wait
}

/** Sends a message that fits: to who waits for it, else into the queue. */
function deliver(queue: Queue, message: Message, pid: u32): void {
  save(changetype<usize>(queue) + MOVING, MOVING_BYTES)
  queue.stime = now(1)
  queue.lspid = pid
  const receiver = receiverOf(queue, message)
  if (receiver != null) {
    edit<Wait>(receiver).chain = <u32>changetype<usize>(message)
    receiver.chainBytes = chainBytesOf(message.bytes)
    queue.rtime = queue.stime
    queue.lrpid = pidOf(receiver)
    finish(receiver, 0)
    return
  }
  const last = queue.last
  if (last == null) queue.first = message
  else put(changetype<usize>(last) + offsetof<Message>('next'), <u32>changetype<usize>(message))
  queue.last = message
  queue.cbytes += message.bytes
  queue.qnum += 1
}

/** => the first sleeping receiver that takes the message, null when none does; those whose buffer is too small are told -E2BIG. */
function receiverOf(queue: Queue, message: Message): Wait | null {
  let wait = firstWait(changetype<usize>(queue), RECEIVERS)
  while (wait != null) {
    const next = nextWait(wait)
    if (matches(message, <i32>wait.value, wait.extra >> MODE_SHIFT)) {
      if (message.bytes <= (wait.extra & SIZE_MASK)) return wait
      finish(wait, -E2BIG)
    }
    wait = next
  }
  return null
}

/** => the process in whose call a sleeper is. */
function pidOf(wait: Wait): u32 {
  return atomic.load<u32>(changetype<usize>(threadAt(wait.thread)) + offsetof<Thread>('process'))
}

/** => the sleeper's process still has `want` on the queue: IPC_SET may have taken it away. */
function stillMay(queue: Queue, wait: Wait, want: u32): bool {
  const process = findProcess(pidOf(wait))
  return process != null && mayUse(process, queue, want) == 0
}

/** Room has come: completes the sleeping senders whose messages fit. See the order above. */
export function completeSenders(queue: Queue): void {
  let wait = firstWait(changetype<usize>(queue), SENDERS)
  while (wait != null) {
    const next = nextWait(wait)
    const message = changetype<Message>(<usize>wait.chain)
    if (fits(queue, message.bytes)) {
      if (stillMay(queue, wait, 2)) {
        edit<Wait>(wait).chain = 0
        deliver(queue, message, pidOf(wait))
        finish(wait, 0)
      } else finish(wait, -EACCES)
    }
    wait = next
  }
}

// ---- receiving ----

/** Watches an empty queue until a message comes. => as watch. */
function watchEmpty(queue: Queue): bool {
  const at = changetype<usize>(queue) + offsetof<Queue>('qnum')
  return queue.qnum == 0 && watch(at, 1, 0xffffffff)
}

/** What msgrcv's type and flags mean. */
export function modeOf(type: i32, flags: u32): u32 {
  if ((flags & MSG_COPY) != 0) return NUMBER
  if (type == 0) return ANY
  if (type < 0) return LESS_EQUAL
  return (flags & MSG_EXCEPT) != 0 ? NOT_EQUAL : EQUAL
}

/** What the type is compared with: a negative one's amount, the largest long for the smallest. */
export function wantedOf(type: i32, mode: u32): i32 {
  if (mode != LESS_EQUAL) return type
  return type == i32.MIN_VALUE ? i32.MAX_VALUE : -type
}

function matches(message: Message, wanted: i32, mode: u32): bool {
  if (mode == EQUAL) return message.type == wanted
  if (mode == NOT_EQUAL) return message.type != wanted
  return mode != LESS_EQUAL || message.type <= wanted
}

/** The message before the one that find gave, null for none. */
let before: Message | null = null

/** => the message that a receiver would take, null when there is none. LESS_EQUAL: the first of the lowest type; NUMBER: by its place. */
function find(queue: Queue, wanted: i32, mode: u32): Message | null {
  let found: Message | null = null
  let previous: Message | null = null
  let message = queue.first
  for (let place = 0; message != null; place++) {
    if (mode == NUMBER ? place == wanted : matches(message, wanted, mode)) {
      before = previous
      found = message
      if (mode != LESS_EQUAL || message.type == 1) break
      wanted = message.type - 1
    }
    previous = message
    message = message.next
  }
  return found
}

/**
 * Receives a message of at most `bytes` bytes. `type`: 0 the first, above 0 the first of that type (MSG_EXCEPT: of another), below 0 the first
 * of the lowest type up to its amount; with MSG_COPY the place in the queue, and the message stays. MSG_NOERROR cuts what is longer.
 * => bytes, at BUFFER_DATA, the type at BUFFER_RESULT; -EINVAL (the id, a negative size, MSG_COPY without IPC_NOWAIT or with MSG_EXCEPT, or too
 * small for the copy in spite of MSG_NOERROR), -EACCES, -E2BIG (the message stays), -ENOMSG, -EIDRM, -EINTR, -ENOMEM, -EWOULDBLOCK_PARK.
 */
export function sysMsgrcv(process: Process, id: i32, bytes: i32, type: i32, flags: u32): i32 {
  const copies = (flags & MSG_COPY) != 0
  const allowed = (flags & (MSG_EXCEPT | IPC_NOWAIT)) == IPC_NOWAIT
  if (bytes < 0 || (copies && !allowed)) return -EINVAL
  lock()
  let result = receive(process, id, bytes, type, flags)
  if (result == -ENOMEM) {
    abandon()
    makeRoom(ROOM_FRAMES)
    result = receive(process, id, bytes, type, flags)
  }
  unlock()
  return result
}

function receive(process: Process, id: i32, bytes: u32, type: i32, flags: u32): i32 {
  let queue = usable(process, id, 4)
  if (queue == null) return refusal
  const mode = modeOf(type, flags)
  const wanted = wantedOf(type, mode)
  let message = find(queue, wanted, mode)
  if (message == null && (flags & IPC_NOWAIT) != 0) return -ENOMSG
  if (message == null && watchEmpty(queue)) {
    queue = usable(process, id, 4)
    if (queue == null) return refusal == -EINVAL ? -EIDRM : refusal
    message = find(queue, wanted, mode)
  }
  if (message == null) return sleepToReceive(queue, bytes, wanted, mode, flags)
  if (message.bytes > bytes && (flags & MSG_NOERROR) == 0) return -E2BIG
  if (mode != NUMBER) return take(queue, message, bytes, process.pid)
  return message.bytes > bytes ? -EINVAL : give(message, bytes)
}

/** Copies a message to this thread's buffer. => its bytes, as many as asked for. */
function give(message: Message, bytes: u32): i32 {
  const count = min(bytes, message.bytes)
  const buffer = <usize>me().buffer
  store<i32>(buffer + BUFFER_RESULT, message.type)
  readMessage(message, count, buffer + BUFFER_DATA)
  return count
}

/** Takes what find gave out of the queue. => as give. */
function take(queue: Queue, message: Message, bytes: u32, pid: u32): i32 {
  save(changetype<usize>(queue) + MOVING, MOVING_BYTES)
  const next = message.next
  const previous = before
  if (previous == null) queue.first = next
  else put(changetype<usize>(previous) + offsetof<Message>('next'), <u32>changetype<usize>(next))
  if (next == null) queue.last = previous
  queue.qnum -= 1
  queue.cbytes -= message.bytes
  queue.rtime = now(1)
  queue.lrpid = pid
  const count = give(message, bytes)
  completeSenders(queue)
  freeMessage(message)
  return count
}

/** Sleeps until a sender hands a message over. => as give, -E2BIG, -EACCES, -EIDRM, -EINTR, -EWOULDBLOCK_PARK, -ENOMEM (no node). */
function sleepToReceive(queue: Queue, bytes: u32, wanted: i32, mode: u32, flags: u32): i32 {
  const wait = queueReceiver(queue, bytes, wanted, mode, flags)
  if (wait == null) return -ENOMEM
  let result = sleepUntil(wait, -1)
  if (result == 0) result = give(changetype<Message>(<usize>wait.chain), bytes)
  discard(wait)
  return result
}

/** => the node of a receiver for which there is no message, null when memory is out: the caller abandons. `wanted`: see wantedOf. */
export function queueReceiver(
  queue: Queue,
  bytes: u32,
  wanted: i32,
  mode: u32,
  flags: u32,
): Wait | null {
  const wait = enqueue(changetype<usize>(queue), RECEIVERS)
  if (wait == null) return null
  const most = (flags & MSG_NOERROR) != 0 ? SIZE_MASK : min(bytes, SIZE_MASK)
  wait.value = <u32>wanted
  wait.extra = most | (mode << MODE_SHIFT)
  return wait
}

/** Receivers that may no longer read are told so. */
export function refuseReceivers(queue: Queue): void {
  let wait = firstWait(changetype<usize>(queue), RECEIVERS)
  while (wait != null) {
    const next = nextWait(wait)
    if (!stillMay(queue, wait, 4)) finish(wait, -EACCES)
    wait = next
  }
}

/** Ends a queue: all who sleep on it are told -EIDRM. => lock held; it frees. */
export function endQueue(queue: Queue): void {
  finishAll(changetype<usize>(queue), RECEIVERS, -EIDRM)
  finishAll(changetype<usize>(queue), SENDERS, -EIDRM)
  dropMessages(queue.first, queue.last)
  removeIpc(queue)
  destroy<Queue>(queue)
}

/** Panics at the first broken invariant. => lock held. */
export function checkMsg(): void {
  const last = lastSlot(IPC_MSG)
  for (let slot = 0; slot <= last; slot++) {
    const found = ipcAt(IPC_MSG, slot)
    if (found != null) checkQueue(changetype<Queue>(found))
  }
}

function checkQueue(queue: Queue): void {
  let count: u32 = 0
  let bytes: u32 = 0
  let previous: Message | null = null
  let message = queue.first
  while (message != null) {
    check(message.type > 0 && message.bytes <= MESSAGE_BYTES_MAX, PANIC_IPC, queue.id)
    count++
    bytes += message.bytes
    previous = message
    message = message.next
  }
  check(queue.qnum == count && queue.cbytes == bytes, PANIC_IPC, queue.id)
  check(queue.last == previous, PANIC_IPC, queue.id)
  checkSleepers(queue)
}

function checkSleepers(queue: Queue): void {
  let wait = firstWait(changetype<usize>(queue), SENDERS)
  while (wait != null) {
    const message = changetype<Message>(<usize>wait.chain)
    check(!fits(queue, message.bytes), PANIC_IPC, queue.id)
    wait = nextWait(wait)
  }
  wait = firstWait(changetype<usize>(queue), RECEIVERS)
  while (wait != null) {
    check(find(queue, <i32>wait.value, wait.extra >> MODE_SHIFT) == null, PANIC_IPC, queue.id)
    wait = nextWait(wait)
  }
}
