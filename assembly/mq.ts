/**
 * POSIX message queues in use: mq_send, mq_receive and their timed forms, mq_notify, mq_getattr, mq_setattr (mqopen.ts has their names).
 *
 * Sleepers hang on the queue's address and are completed by the other side (wait.ts `finish`), first come first served: who sends hands its message
 * to the first sleeping receiver, who receives puts the message of the first sleeping sender in the place that came free. A sleeper
 * holds the description (hold.ts), so that the queue stays while it sleeps.
 *
 * mq_notify fires when a message comes to an empty queue and no receiver sleeps; also when it is a sleeping sender's, which Linux leaves out.
 *
 * Deadlines are absolute, CLOCK_REALTIME, ms since 1970; Infinity is none, NaN and what is below 0 are -EINVAL, as a timespec that is none is.
 * One that has passed is no error when there is no need to wait.
 *
 * Invariant (checkMq): no sender sleeps while there is room, no receiver while there is a message.
 * Guarded by the kernel lock, journalled. Sources: POSIX.1-2017 mq_*; Linux ipc/mqueue.c.
 */
import {
  BUFFER_DATA,
  BUFFER_RESULT,
  EAGAIN,
  EBADF,
  EBUSY,
  EINVAL,
  EMSGSIZE,
  ENOMEM,
  O_NONBLOCK,
  PANIC_IPC,
} from './abi'
import { entryFrom } from './dir'
import { now } from './env'
import { fileAt } from './fd'
import { canRead, canWrite, File } from './file'
import { holdFile, letGoFile } from './hold'
import { Inode } from './inode'
import {
  MESSAGE_BYTES_MAX,
  MQ_ATTR_CURMSGS,
  MQ_ATTR_FLAGS,
  MQ_ATTR_MAXMSG,
  MQ_ATTR_MSGSIZE,
  MQ_PRIO_MAX,
} from './ipcabi'
import { edit, save } from './journal'
import { abandon, lock, unlock } from './lock'
import { chainBytesOf, freeMessage, Message, newMessage, readMessage } from './message'
import { addNotice, checkNotices, dropNotice, fireNotice } from './notice'
import { check } from './panic'
import { checkPosixQueue, PosixQueue, popMessage, pushMessage } from './posixqueue'
import { Process } from './process'
import { makeRoom } from './room'
import { K } from './root'
import { me } from './thread'
import { discard, enqueue, finish, firstWait, ON_POSIX_QUEUE, sleepUntil, Wait } from './wait'

/** Second half of the wait key, whose first is the queue's address. */
const RECEIVERS: u64 = ON_POSIX_QUEUE | 1
const SENDERS: u64 = ON_POSIX_QUEUE | 2
/** Frames that a message and its sender's node may take. */
const ROOM_FRAMES: u32 = MESSAGE_BYTES_MAX / 2048 + 4

/** => what `mqd` is open on, null when that is no queue. => lock held. */
function queueFile(process: Process, mqd: i32): File | null {
  const file = fileAt(process, mqd)
  return file != null && file.inode!.queue != null ? file : null
}

function queueOf(file: File): PosixQueue {
  return file.inode!.queue!
}

/** => ms to sleep at most, negative for ever. */
function left(deadline: f64): f64 {
  return deadline == Infinity ? -1 : max<f64>(deadline - now(1), 0)
}

function isTime(deadline: f64): bool {
  return deadline >= 0
}

/** st_atime, st_mtime and st_ctime move, as on Linux. */
function touch(inode: Inode): void {
  save(changetype<usize>(inode) + offsetof<Inode>('atimeMs'), 24)
  inode.atimeMs = now(1)
  inode.mtimeMs = inode.atimeMs
  inode.ctimeMs = inode.atimeMs
}

/**
 * Sends the `bytes` bytes at BUFFER_DATA. => 0; -EINVAL (the priority, the deadline), -EBADF (no queue, or not open for sending), -EMSGSIZE, -EAGAIN
 * (full, and O_NONBLOCK), -ETIMEDOUT, -EINTR, -ENOMEM, -EWOULDBLOCK_PARK.
 */
export function sysMqSend(
  process: Process,
  mqd: i32,
  bytes: u32,
  priority: u32,
  deadline: f64,
): i32 {
  if (priority >= MQ_PRIO_MAX || !isTime(deadline)) return -EINVAL
  lock()
  let result = send(process, mqd, bytes, priority, deadline)
  if (result == -ENOMEM) {
    abandon()
    makeRoom(ROOM_FRAMES)
    result = send(process, mqd, bytes, priority, deadline)
    if (result == -ENOMEM) abandon()
  }
  unlock()
  return result
}

/** => as sysMqSend; the caller abandons at -ENOMEM. */
function send(process: Process, mqd: i32, bytes: u32, priority: u32, deadline: f64): i32 {
  const file = queueFile(process, mqd)
  if (file == null || !canWrite(file)) return -EBADF
  const queue = queueOf(file)
  if (bytes > queue.msgsize) return -EMSGSIZE
  const room = queue.count < queue.maxmsg
  if (!room && (file.flags & O_NONBLOCK) != 0) return -EAGAIN
  const message = newMessage(<i32>priority, bytes, <usize>me().buffer + BUFFER_DATA)
  if (message == null) return -ENOMEM
  if (!room) return sleepToSend(file, message, deadline)
  arrive(queue, message)
  touch(file.inode!)
  return 0
}

function sleepToSend(file: File, message: Message, deadline: f64): i32 {
  const wait = queueSender(queueOf(file), message)
  if (wait == null) return -ENOMEM
  holdFile(file)
  const result = sleepUntil(wait, left(deadline))
  if (result == 0) touch(file.inode!)
  discard(wait)
  letGoFile()
  return result
}

/** => the node of a sender for whose message there is no room, null when memory is out: the caller abandons. */
export function queueSender(queue: PosixQueue, message: Message): Wait | null {
  const wait = enqueue(changetype<usize>(queue), SENDERS)
  if (wait == null) return null
  wait.chain = <u32>changetype<usize>(message)
  wait.chainBytes = chainBytesOf(message.bytes)
  return wait
}

/** A message for which there is room: to the first sleeping receiver, else into the queue. */
function arrive(queue: PosixQueue, message: Message): void {
  const receiver = firstWait(changetype<usize>(queue), RECEIVERS)
  if (receiver != null) {
    edit<Wait>(receiver).chain = <u32>changetype<usize>(message)
    receiver.chainBytes = chainBytesOf(message.bytes)
    finish(receiver, 0)
    return
  }
  pushMessage(queue, message)
  if (queue.count == 1) fireNotice(queue)
}

/**
 * Receives the oldest message of the highest priority into a buffer of `bytes` bytes. => its bytes, at BUFFER_DATA, its priority at BUFFER_RESULT; -EINVAL (the
 * deadline), -EBADF (no queue, or not open for receiving), -EMSGSIZE (the buffer is smaller than the queue's messages may be), -EAGAIN (empty, and
 * O_NONBLOCK), -ETIMEDOUT, -EINTR, -ENOMEM, -EWOULDBLOCK_PARK.
 */
export function sysMqReceive(process: Process, mqd: i32, bytes: u32, deadline: f64): i32 {
  if (!isTime(deadline)) return -EINVAL
  lock()
  let result = receive(process, mqd, bytes, deadline)
  if (result == -ENOMEM) {
    abandon()
    makeRoom(ROOM_FRAMES)
    result = receive(process, mqd, bytes, deadline)
    if (result == -ENOMEM) abandon()
  }
  unlock()
  return result
}

/** => as sysMqReceive; the caller abandons at -ENOMEM. */
function receive(process: Process, mqd: i32, bytes: u32, deadline: f64): i32 {
  const file = queueFile(process, mqd)
  if (file == null || !canRead(file)) return -EBADF
  const queue = queueOf(file)
  if (bytes < queue.msgsize) return -EMSGSIZE
  if (queue.count != 0) return take(file)
  return (file.flags & O_NONBLOCK) != 0 ? -EAGAIN : sleepToReceive(file, deadline)
}

/** Copies a message to this thread's buffer. => its bytes. */
function give(message: Message): i32 {
  const buffer = <usize>me().buffer
  store<i32>(buffer + BUFFER_RESULT, message.type)
  readMessage(message, message.bytes, buffer + BUFFER_DATA)
  return message.bytes
}

/** Takes a message out of the queue, and lets the first sleeping sender in. => as give. */
function take(file: File): i32 {
  const queue = queueOf(file)
  const message = popMessage(queue)
  const bytes = give(message)
  const sender = firstWait(changetype<usize>(queue), SENDERS)
  if (sender != null) {
    const sent = changetype<Message>(<usize>sender.chain)
    edit<Wait>(sender).chain = 0
    arrive(queue, sent)
    finish(sender, 0)
  }
  touch(file.inode!)
  freeMessage(message)
  return bytes
}

function sleepToReceive(file: File, deadline: f64): i32 {
  const wait = queueReceiver(queueOf(file))
  if (wait == null) return -ENOMEM
  holdFile(file)
  let result = sleepUntil(wait, left(deadline))
  if (result == 0) {
    touch(file.inode!)
    result = give(changetype<Message>(<usize>wait.chain))
  }
  discard(wait)
  letGoFile()
  return result
}

/** => the node of a receiver of an empty queue, null when memory is out: the caller abandons. */
export function queueReceiver(queue: PosixQueue): Wait | null {
  return enqueue(changetype<usize>(queue), RECEIVERS)
}

/**
 * Registers this thread to be told once when a message comes to the empty queue; `cookie` (not 0) is what it will be told. 0 takes back what the process
 * has registered, if anything. => 0; -EBADF, -EBUSY (somebody is registered), -ENOMEM.
 */
export function sysMqNotify(process: Process, mqd: i32, cookie: u32): i32 {
  lock()
  let result = notify(process, mqd, cookie)
  if (result == -ENOMEM) {
    abandon()
    makeRoom(1)
    result = notify(process, mqd, cookie)
  }
  unlock()
  return result
}

function notify(process: Process, mqd: i32, cookie: u32): i32 {
  const file = queueFile(process, mqd)
  if (file == null) return -EBADF
  const queue = queueOf(file)
  if (cookie == 0) {
    dropNotice(queue, process.pid)
    return 0
  }
  if (queue.notice != 0) return -EBUSY
  return addNotice(queue, process.pid, mqd, cookie) ? 0 : -ENOMEM
}

/**
 * Leaves the attributes at BUFFER_RESULT (MQ_ATTR_*), then, unless `flags` is NaN, sets O_NONBLOCK or clears it. => 0; -EINVAL (other flags), -EBADF.
 */
export function sysMqAttributes(process: Process, mqd: i32, flags: f64): i32 {
  const changes = !isNaN(flags)
  const wanted = changes ? <u32>flags : 0
  if ((wanted & ~O_NONBLOCK) != 0) return -EINVAL
  lock()
  const file = queueFile(process, mqd)
  if (file != null) {
    putAttributes(file, <usize>me().buffer + BUFFER_RESULT)
    if (changes) edit<File>(file).flags = (file.flags & ~O_NONBLOCK) | wanted
  }
  unlock()
  return file == null ? -EBADF : 0
}

function putAttributes(file: File, at: usize): void {
  const queue = queueOf(file)
  store<u32>(at, file.flags & O_NONBLOCK, MQ_ATTR_FLAGS)
  store<u32>(at, queue.maxmsg, MQ_ATTR_MAXMSG)
  store<u32>(at, queue.msgsize, MQ_ATTR_MSGSIZE)
  store<u32>(at, queue.count, MQ_ATTR_CURMSGS)
}

/** Panics at the first broken invariant of the queues with names. => lock held. */
export function checkMq(): void {
  checkNotices()
  if (K.mqInode == 0) return
  const dir = changetype<Inode>(<usize>K.mqInode)
  for (let entry = entryFrom(dir, 0); entry != null; entry = entryFrom(dir, entry!.end)) {
    const queue = entry.inode.queue!
    checkPosixQueue(queue)
    const sender = firstWait(changetype<usize>(queue), SENDERS)
    const receiver = firstWait(changetype<usize>(queue), RECEIVERS)
    check(sender == null || queue.count == queue.maxmsg, PANIC_IPC, queue.count)
    check(receiver == null || queue.count == 0, PANIC_IPC, queue.count)
  }
}
