/**
 * Pipes: bytes in order between those who write and those who read, at most PIPE_BYTES of them on their way.
 *
 *   ring of PIPE_BYTES:   |  free  | start ... count bytes ... |  free  |      in frames of their own, given as bytes come to them
 *
 * A pipe belongs to an inode of type S_IFIFO; `readers` and `writers` count the open descriptions of each side. Sleepers hang on the pipe's address
 * and are completed by the other side (wait.ts `finish`): a writer's bytes go straight from its buffer to the first sleeping reader's, and a reader
 * that made room takes the bytes of the first sleeping writer into the ring. So the order of arrival holds on both sides.
 *
 * Invariants (checkPipe):
 *  1. A reader sleeps only while the ring is empty; a writer only while what it has left does not fit: PIPE_BUF bytes and fewer go in whole.
 *  2. While a writer sleeps the ring has all of its frames, so that completing one allocates nothing.
 *  3. What is in the ring outside of [start, start + count) means nothing: bytes are stored there without the journal, then counted.
 * Guarded by the kernel lock, journalled. Source: POSIX write, read, "Pipes"; Linux pipe(7).
 */
import {
  EAGAIN,
  ENOMEM,
  EPIPE,
  PANIC_PIPE,
  PIPE_BUF,
  PIPE_BYTES,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
} from './abi'
import { charge, uncharge } from './commit'
import { allocFrame, FRAME_KERNEL, frameAddress, frameOf, freeFrame } from './frame'
import { edit, put } from './journal'
import { check } from './panic'
import { K } from './root'
import { create, destroy } from './slab'
import {
  discard,
  enqueue,
  finish,
  finishAll,
  firstWait,
  ON_PIPE,
  POLLED,
  sleepUntil,
  Wait,
  wake,
} from './wait'

@unmanaged
export class Pipe {
  readers: u32
  writers: u32
  start: u32
  count: u32
  /** Frames of the ring by their place, 0 where none is yet: 16 words. */
  frames0: u64
  frames1: u64
  frames2: u64
  frames3: u64
  frames4: u64
  frames5: u64
  frames6: u64
  frames7: u64
}

/** Second half of the wait key, whose first is the pipe's address. */
const READERS: u64 = ON_PIPE | 1
const WRITERS: u64 = ON_PIPE | 2
/** Who opens one side of a FIFO and waits for the other. */
const OPEN_READERS: u64 = ON_PIPE | 3
const OPEN_WRITERS: u64 = ON_PIPE | 4

/** Frames that a pipe and who sleeps on it may take. */
export const PIPE_FRAMES: u32 = PIPE_BYTES / 4096 + 4

/** => a pipe that nobody has open, null when memory is out: the caller abandons. => lock held. */
export function newPipe(): Pipe | null {
  return create<Pipe>()
}

/** Frees a pipe. => nobody has it open; nothing is allocated after it. */
export function endPipe(pipe: Pipe): void {
  changed(pipe)
  trim(pipe, 0)
  destroy<Pipe>(pipe)
}

function keyOf(pipe: Pipe): u64 {
  return changetype<usize>(pipe)
}

function changed(pipe: Pipe): void {
  wake(keyOf(pipe), 0x7fffffff, POLLED)
}

// ---- ends ----

/** One open description more, of the sides it has; who waited for that side goes on. */
export function openEnd(pipe: Pipe, reads: bool, writes: bool): void {
  edit<Pipe>(pipe)
  if (reads) pipe.readers += 1
  if (writes) pipe.writers += 1
  if (reads) finishAll(keyOf(pipe), OPEN_WRITERS, 0)
  if (writes) finishAll(keyOf(pipe), OPEN_READERS, 0)
  changed(pipe)
}

/** One open description less. With the last writer sleeping readers get the end of the file, with the last reader sleeping writers EPIPE. */
export function closeEnd(pipe: Pipe, reads: bool, writes: bool): void {
  edit<Pipe>(pipe)
  if (reads) pipe.readers -= 1
  if (writes) pipe.writers -= 1
  if (writes && pipe.writers == 0) finishAll(keyOf(pipe), READERS, 0)
  if (reads && pipe.readers == 0) finishAll(keyOf(pipe), WRITERS, -EPIPE)
  changed(pipe)
  if (pipe.readers != 0 || pipe.writers != 0) return
  pipe.start = 0
  pipe.count = 0
  trim(pipe, 0)
}

/** A FIFO was opened: waits until its other side is open too. => 0, -EINTR, -ENOMEM, -EWOULDBLOCK_PARK. => the description is held; lock held. */
export function awaitOther(pipe: Pipe, reads: bool, writes: bool): i32 {
  if ((reads && writes) || (reads ? pipe.writers : pipe.readers) != 0) return 0
  const wait = enqueue(keyOf(pipe), reads ? OPEN_READERS : OPEN_WRITERS)
  if (wait == null) return -ENOMEM
  const result = sleepUntil(wait, -1)
  discard(wait)
  return result
}

// ---- the ring ----

/** => address of the word of the frame that the byte at `at` of the ring is in. */
function wordOf(pipe: Pipe, at: u32): usize {
  return changetype<usize>(pipe) + offsetof<Pipe>('frames0') + ((<usize>(at >> K.pageShift)) << 2)
}

/** Gives the ring the frames of `bytes` bytes behind its last one. => false when memory is out: the caller abandons. */
function widen(pipe: Pipe, bytes: u32): bool {
  const end = pipe.start + pipe.count + bytes
  for (let at = (pipe.start + pipe.count) & ~(K.pageBytes - 1); at < end; at += K.pageBytes) {
    const word = wordOf(pipe, at & (PIPE_BYTES - 1))
    if (load<u32>(word) != 0) continue
    if (!charge(1)) return false
    const frame = allocFrame(FRAME_KERNEL)
    if (frame == null) return false
    put(word, <u32>frameAddress(frame))
  }
  return true
}

/** Frees the ring's frames from place `from` on. => the ring is empty. */
function trim(pipe: Pipe, from: u32): void {
  for (let at = from << K.pageShift; at < PIPE_BYTES; at += K.pageBytes) {
    const word = wordOf(pipe, at)
    const address = load<u32>(word)
    if (address == 0) continue
    put(word, 0)
    freeFrame(frameOf(address))
    uncharge(1)
  }
}

/** Copies `bytes` bytes between `address` and the ring from byte `at` on. => its frames are there. */
function copy(pipe: Pipe, at: u32, address: usize, bytes: u32, out: bool): void {
  for (let done: u32 = 0; done < bytes; ) {
    const place = (at + done) & (PIPE_BYTES - 1)
    const inside = place & (K.pageBytes - 1)
    const piece = min(bytes - done, K.pageBytes - inside)
    const ring = <usize>load<u32>(wordOf(pipe, place)) + inside
    if (out) memory.copy(address + done, ring, piece)
    else memory.copy(ring, address + done, piece)
    done += piece
  }
}

function room(pipe: Pipe): u32 {
  return PIPE_BYTES - pipe.count
}

/** Puts bytes behind the last one. => there is room, and the frames. */
function append(pipe: Pipe, from: usize, bytes: u32): void {
  copy(pipe, pipe.start + pipe.count, from, bytes, false)
  edit<Pipe>(pipe).count += bytes
}

// ---- writing ----

/**
 * Writes `bytes` bytes at `from`, in this thread's buffer; the description is held. => bytes, fewer than given only with `nonblocking` or after a signal;
 * -EPIPE (nobody reads), -EAGAIN, -EINTR, -ENOMEM (the caller abandons), -EWOULDBLOCK_PARK.
 */
export function writePipe(pipe: Pipe, from: usize, bytes: u32, nonblocking: bool): i32 {
  if (bytes == 0) return 0
  if (pipe.readers == 0) return -EPIPE
  let done = 0
  if (nonblocking || firstWait(keyOf(pipe), WRITERS) == null) done = accept(pipe, from, bytes)
  if (done < 0 || done == <i32>bytes) return done
  if (nonblocking) return done == 0 ? -EAGAIN : done
  return sleepToWrite(pipe, from, bytes, <u32>done)
}

/** Takes what goes in now: to sleeping readers, then into the ring. => bytes taken, -ENOMEM. */
function accept(pipe: Pipe, from: usize, bytes: u32): i32 {
  if (bytes <= PIPE_BUF && bytes > room(pipe)) return 0
  let done: u32 = 0
  let reader = firstWait(keyOf(pipe), READERS)
  while (reader != null && done < bytes) {
    const piece = min(bytes - done, reader.value)
    memory.copy(reader.extra, from + done, piece)
    finish(reader, piece)
    done += piece
    reader = firstWait(keyOf(pipe), READERS)
  }
  const rest = min(bytes - done, room(pipe))
  if (rest == 0) return done
  if (!widen(pipe, rest)) return -ENOMEM
  append(pipe, from + done, rest)
  changed(pipe)
  return done + rest
}

function sleepToWrite(pipe: Pipe, from: usize, bytes: u32, done: u32): i32 {
  const wait = queueWriter(pipe, from + done, bytes - done)
  if (wait == null) return -ENOMEM
  const result = sleepUntil(wait, -1)
  const written = bytes - wait.value
  discard(wait)
  return written != 0 ? written : result
}

/** => the node of a writer of what does not fit yet, null when memory is out: the caller abandons. */
export function queueWriter(pipe: Pipe, from: usize, bytes: u32): Wait | null {
  if (!widen(pipe, room(pipe))) return null
  const wait = enqueue(keyOf(pipe), WRITERS)
  if (wait == null) return null
  wait.extra = <u32>from
  wait.value = bytes
  return wait
}

/** Room has come: takes the bytes of sleeping writers, first come first served. */
function takeFromWriters(pipe: Pipe): void {
  let writer = firstWait(keyOf(pipe), WRITERS)
  while (writer != null) {
    const free = room(pipe)
    const piece = min(writer.value, free)
    if (piece == 0 || (writer.value <= PIPE_BUF && piece < writer.value)) return
    append(pipe, writer.extra, piece)
    edit<Wait>(writer).extra += piece
    writer.value -= piece
    if (writer.value != 0) return
    finish(writer, 0)
    writer = firstWait(keyOf(pipe), WRITERS)
  }
}

// ---- reading ----

/**
 * Reads up to `bytes` bytes to `to`, in this thread's buffer; the description is held. => bytes, 0 when nobody writes any more; -EAGAIN, -EINTR,
 * -ENOMEM (the caller abandons), -EWOULDBLOCK_PARK.
 */
export function readPipe(pipe: Pipe, to: usize, bytes: u32, nonblocking: bool): i32 {
  if (bytes == 0) return 0
  if (pipe.count != 0) return take(pipe, to, bytes)
  if (pipe.writers == 0) return 0
  if (nonblocking) return -EAGAIN
  const wait = queueReader(pipe, to, bytes)
  if (wait == null) return -ENOMEM
  const result = sleepUntil(wait, -1)
  discard(wait)
  return result
}

/** => the node of a reader of an empty pipe, null when memory is out: the caller abandons. */
export function queueReader(pipe: Pipe, to: usize, bytes: u32): Wait | null {
  const wait = enqueue(keyOf(pipe), READERS)
  if (wait == null) return null
  wait.extra = <u32>to
  wait.value = bytes
  return wait
}

function take(pipe: Pipe, to: usize, bytes: u32): i32 {
  const count = min(bytes, pipe.count)
  copy(pipe, pipe.start, to, count, true)
  edit<Pipe>(pipe)
  pipe.start = (pipe.start + count) & (PIPE_BYTES - 1)
  pipe.count -= count
  takeFromWriters(pipe)
  if (pipe.count == 0) {
    pipe.start = 0
    trim(pipe, 1)
  }
  changed(pipe)
  return count
}

// ---- poll ----

/** => what the pipe has to say to a description of these sides: POLL* bits. */
export function readiness(pipe: Pipe, reads: bool, writes: bool): u32 {
  let events: u32 = 0
  if (reads && pipe.count != 0) events |= POLLIN
  if (reads && pipe.writers == 0) events |= POLLHUP
  if (writes && room(pipe) >= PIPE_BUF) events |= POLLOUT
  if (writes && pipe.readers == 0) events |= POLLERR | POLLOUT
  return events
}

/** Panics at the first broken invariant. => lock held. */
export function checkPipe(pipe: Pipe): void {
  check(pipe.start < PIPE_BYTES && pipe.count <= PIPE_BYTES, PANIC_PIPE, pipe.count)
  for (let i: u32 = 0; i < pipe.count; i += min(K.pageBytes, max<u32>(pipe.count - i - 1, 1))) {
    check(load<u32>(wordOf(pipe, (pipe.start + i) & (PIPE_BYTES - 1))) != 0, PANIC_PIPE, i)
  }
  const reader = firstWait(keyOf(pipe), READERS)
  check(reader == null || (pipe.count == 0 && pipe.writers != 0), PANIC_PIPE, pipe.count)
  const writer = firstWait(keyOf(pipe), WRITERS)
  if (writer == null) return
  check(pipe.readers != 0, PANIC_PIPE, pipe.count)
  check(writer.value > room(pipe) && (writer.value <= PIPE_BUF || room(pipe) == 0), PANIC_PIPE)
}
