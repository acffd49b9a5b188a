/**
 * Registrations of mq_notify: one thread is told once that a message came to a queue that was empty.
 *
 *   LIVE --message--> FIRED      LIVE --mq_notify(null), close, exit--> DROPPED      both --takeNotice--> freed
 *
 * Each hangs in the list of the thread that registered until its host has taken it: a thread that is busy finds it later, and is not
 * waited for. The thread's doorbell is rung when one is settled.
 *
 * Invariants (checkNotices):
 *  1. A queue's `notice` is its LIVE registration; there is one at most.
 *  2. A LIVE one's process has its descriptor open: who closes the number drops it, so a queue outlives its registration.
 * Guarded by the kernel lock, journalled. Source: POSIX.1-2017 mq_notify, mq_close.
 */
import { BUFFER_RESULT, PANIC_IPC, THREADS_MAX } from './abi'
import { NOTICE_COOKIE, NOTICE_FIRED } from './ipcabi'
import { edit, put } from './journal'
import { lock, relaxIfDeep, unlock } from './lock'
import { check } from './panic'
import { PosixQueue } from './posixqueue'
import { create, destroy } from './slab'
import { me, ringLater } from './thread'

const LIVE: u32 = 0
const FIRED: u32 = 1
const DROPPED: u32 = 2

@unmanaged
class Notice {
  /** Next of its thread's list. */
  next: Notice | null
  queue: PosixQueue | null
  pid: u32
  fd: i32
  thread: u32
  /** What the host knows it by. */
  cookie: u32
  state: u32
}

/** First of each thread. */
const LISTS: usize = memory.data(1024, 16)

if (THREADS_MAX * 4 > 1024) ERROR('a list a thread')

function listOf(index: u32): usize {
  return LISTS + ((<usize>index) << 2)
}

function noticeOf(queue: PosixQueue): Notice | null {
  return changetype<Notice | null>(<usize>queue.notice)
}

/** Registers this thread for the next message. => false when memory is out: the caller abandons. => nobody is registered; lock held. */
export function addNotice(queue: PosixQueue, pid: u32, fd: i32, cookie: u32): bool {
  const notice = create<Notice>()
  if (changetype<usize>(notice) == 0) return false
  const list = listOf(me().index)
  notice.next = changetype<Notice | null>(<usize>load<u32>(list))
  notice.queue = queue
  notice.pid = pid
  notice.fd = fd
  notice.thread = me().index
  notice.cookie = cookie
  put(list, <u32>changetype<usize>(notice))
  edit<PosixQueue>(queue).notice = <u32>changetype<usize>(notice)
  return true
}

function settle(queue: PosixQueue, notice: Notice, state: u32): void {
  edit<PosixQueue>(queue).notice = 0
  edit<Notice>(notice).state = state
  notice.queue = null
  ringLater(notice.thread)
}

/** A message came to an empty queue that nobody waits at. => lock held. */
export function fireNotice(queue: PosixQueue): void {
  const notice = noticeOf(queue)
  if (notice != null) settle(queue, notice, FIRED)
}

/** A process takes its registration back, made through whichever descriptor. => lock held. */
export function dropNotice(queue: PosixQueue, pid: u32): void {
  const notice = noticeOf(queue)
  if (notice != null && notice.pid == pid) settle(queue, notice, DROPPED)
}

/** A process closes a descriptor: a registration through it ends. => lock held. */
export function closeNotice(queue: PosixQueue, pid: u32, fd: i32): void {
  const notice = noticeOf(queue)
  if (notice != null && notice.pid == pid && notice.fd == fd) settle(queue, notice, DROPPED)
}

/** The next settled registration of this thread. => 1 and, at BUFFER_RESULT, its NOTICE_*; 0 when there is none. => lock not held. */
export function takeNotice(): i32 {
  if (load<u32>(listOf(me().index)) == 0) return 0
  lock()
  let at = listOf(me().index)
  let notice = changetype<Notice | null>(<usize>load<u32>(at))
  while (notice != null && notice.state == LIVE) {
    at = changetype<usize>(notice) + offsetof<Notice>('next')
    notice = notice.next
  }
  if (notice != null) {
    const to = <usize>me().buffer + BUFFER_RESULT
    store<u32>(to, notice.cookie, NOTICE_COOKIE)
    store<u32>(to, notice.state == FIRED ? 1 : 0, NOTICE_FIRED)
    put(at, <u32>changetype<usize>(notice.next))
    destroy<Notice>(notice)
  }
  unlock()
  return notice != null ? 1 : 0
}

/** Thread `index` is gone: so are its registrations. => lock held; relaxes. */
export function dropNotices(index: u32): void {
  let notice = changetype<Notice | null>(<usize>load<u32>(listOf(index)))
  while (notice != null) {
    const next = notice.next
    const queue = notice.queue
    if (queue != null) edit<PosixQueue>(queue).notice = 0
    put(listOf(index), <u32>changetype<usize>(next))
    destroy<Notice>(notice)
    relaxIfDeep()
    notice = next
  }
}

/** Panics at the first broken invariant; => registrations, settled ones too. => lock held. */
export function checkNotices(): u32 {
  let count: u32 = 0
  for (let index: u32 = 0; index < THREADS_MAX; index++) {
    let notice = changetype<Notice | null>(<usize>load<u32>(listOf(index)))
    while (notice != null) {
      const queue = notice.queue
      const isLive = queue != null && noticeOf(queue) == notice
      check(isLive == (notice.state == LIVE), PANIC_IPC, notice.cookie)
      check(notice.thread == index, PANIC_IPC, notice.cookie)
      notice = notice.next
      count++
    }
  }
  return count
}
