/** What POSIX queues are made of: message, posixqueue, notice. (The calls are in mq.spec.) */
import { BUFFER_DATA, BUFFER_RESULT } from '../../assembly/abi'
import { sysReap } from '../../assembly/exit'
import { MESSAGE_BYTES_MAX, NOTICE_COOKIE, NOTICE_FIRED } from '../../assembly/ipcabi'
import { abandon, lock, relax, unlock } from '../../assembly/lock'
import {
  checkMessages,
  dropMessages,
  endMessage,
  freeMessage,
  hasDyingMessages,
  Message,
  newMessage,
  readMessage,
} from '../../assembly/message'
import {
  addNotice,
  checkNotices,
  closeNotice,
  dropNotice,
  fireNotice,
  takeNotice,
} from '../../assembly/notice'
import {
  checkPosixQueue,
  endPosixQueue,
  newPosixQueue,
  PosixQueue,
  popMessage,
  posixQueues,
  pushMessage,
} from '../../assembly/posixqueue'
import { K } from '../../assembly/root'
import { me, sequenceOf } from '../../assembly/thread'
import { bootSpec, checkAll } from './support/boot'
import { textAt } from './support/kernel'
import { goOnAsAnother } from './support/memory'
import { below, chance, reseed } from './support/random'
import { structures } from './support/shortage'
import { dieAtEveryPush, expectUndone } from './support/transactions'

bootSpec(500)

const ROOM: u32 = 24

function data(): usize {
  return textAt(BUFFER_DATA)
}

/** => a message whose bytes are all `tag`. */
function make(type: i32, bytes: u32, tag: u32): Message {
  memory.fill(data(), <u8>tag, bytes)
  lock()
  const message = newMessage(type, bytes, data())
  unlock()
  assert(message != null, 'no message')
  return message!
}

function queue(): PosixQueue {
  lock()
  const made = newPosixQueue(ROOM, 5000)
  unlock()
  return made!
}

/** Ends a queue and frees what was in it, as the ends of calls do. => how many messages were. */
function endOf(ended: PosixQueue): u32 {
  lock()
  endPosixQueue(ended)
  relax()
  const dying = checkMessages()
  while (endMessage()) relax()
  unlock()
  checkAll()
  return dying
}

describe('messages', () => {
  it('of any length come back whole, and as much of them as is asked for', () => {
    const before = structures()
    const lengths: StaticArray<u32> = [0, 1, 2027, 2028, 2029, 4071, 4072, 4073, MESSAGE_BYTES_MAX]
    for (let i = 0; i < lengths.length; i++) {
      const bytes = lengths[i]
      for (let at: u32 = 0; at < bytes; at++) store<u8>(data() + at, <u8>(at * 31 + bytes))
      lock()
      const message = newMessage(7, bytes, data())!
      unlock()
      memory.fill(data(), 0xee, min<u32>(bytes + 1, MESSAGE_BYTES_MAX))
      const asked = bytes - min(bytes, 3)
      readMessage(message, asked, data())
      for (let at: u32 = 0; at < asked; at++) {
        assert(load<u8>(data() + at) == <u8>(at * 31 + bytes), `byte ${at} of ${bytes}`)
      }
      assert(asked == bytes || load<u8>(data() + asked) == 0xee, 'more than was asked for')
      expect(message.type).toBe(7)
      expect(message.bytes).toBe(bytes)
      lock()
      freeMessage(message)
      unlock()
      checkAll()
    }
    expect(structures()).toBe(before)
  })

  it('take nothing of the reserve that keeps processes able to exit, however long they are', () => {
    const limit = K.commitLimit
    K.commitLimit = K.committed + 3
    const before = structures()
    lock()
    const long = newMessage(1, MESSAGE_BYTES_MAX, data())
    if (long == null) abandon()
    unlock()
    expect(long == null).toBe(true)
    expect(structures()).toBe(before)
    const short = make(1, 4000, 1)
    expect(K.committed).toBeLessThanOrEqual(K.commitLimit)
    K.commitLimit = limit
    lock()
    freeMessage(short)
    unlock()
    checkAll()
  })

  it('that belong to nobody are freed one by one, in any number of lists', () => {
    const before = structures()
    const a = make(1, 10, 1)
    const b = make(1, 3000, 1)
    lock()
    dropMessages(null, null)
    dropMessages(a, a)
    dropMessages(b, b)
    unlock()
    expect(hasDyingMessages()).toBe(true)
    lock()
    const dying = checkMessages()
    const first = endMessage()
    relax()
    const second = endMessage()
    relax()
    const third = endMessage()
    unlock()
    expect(dying).toBe(2)
    expect(first && second).toBe(true)
    expect(third).toBe(false)
    expect(hasDyingMessages()).toBe(false)
    expect(structures()).toBe(before)
  })
})

/** The naive queue: priority << 8 | tag, in the order in which messages go. */
const naive = new StaticArray<u32>(24)
let held: u32 = 0

function pushNaively(priority: u32, tag: u32): void {
  let at = held++
  for (; at > 0 && naive[at - 1] >> 8 < priority; at--) naive[at] = naive[at - 1]
  naive[at] = (priority << 8) | tag
}

function popNaively(): u32 {
  const first = naive[0]
  held--
  for (let i: u32 = 0; i < held; i++) naive[i] = naive[i + 1]
  return first
}

describe('queues', () => {
  it('agree with a sorted list, under a death at any push, and end with all they hold', () => {
    reseed('posixqueue')
    const queues = posixQueues()
    const warm = queue()
    expect(endOf(warm)).toBe(0)
    const before = structures()
    const tested = queue()
    expect(posixQueues()).toBe(queues + 1)
    for (let round: u32 = 0; round < 1000; round++) {
      dieAtEveryPush(round % 8 == 0)
      if (held < ROOM && (held == 0 || chance(52))) {
        const priority = chance(20) ? 32767 - below(2) : below(4)
        const message = make(<i32>priority, below(3000), round & 255)
        lock()
        pushMessage(tested, message)
        checkPosixQueue(tested)
        unlock()
        pushNaively(priority, round & 255)
      } else {
        lock()
        const message = popMessage(tested)
        checkPosixQueue(tested)
        unlock()
        const expected = popNaively()
        assert(<u32>message.type == expected >> 8, 'another priority')
        if (message.bytes != 0) {
          readMessage(message, 1, data())
          assert(load<u8>(data()) == <u8>(expected & 255), 'another message of that priority')
        }
        lock()
        freeMessage(message)
        unlock()
      }
      expectUndone()
    }
    dieAtEveryPush(false)
    expect(tested.count).toBe(held)
    expect(endOf(tested)).toBe(held)
    expect(posixQueues()).toBe(queues)
    expect(structures()).toBe(before)
  })
})

function add(to: PosixQueue, pid: u32, fd: i32, cookie: u32): void {
  lock()
  const added = addNotice(to, pid, fd, cookie)
  checkNotices()
  unlock()
  assert(added, 'no notice')
}

/** => registrations that were not taken. */
function notices(): u32 {
  lock()
  const count = checkNotices()
  unlock()
  return count
}

/** => the cookie of the next settled registration, negative when it was dropped; 0 for none. */
function taken(): i32 {
  if (takeNotice() == 0) return 0
  const at = textAt(BUFFER_RESULT)
  const cookie = load<i32>(at, NOTICE_COOKIE)
  return load<u32>(at, NOTICE_FIRED) != 0 ? cookie : -cookie
}

describe('registrations', () => {
  it('are taken once they are settled, by the thread that made them; live ones stay', () => {
    dieAtEveryPush(true)
    const before = structures()
    const a = queue()
    const b = queue()
    const c = queue()
    add(a, 1, 10, 100)
    add(b, 1, 11, 101)
    add(c, 2, 12, 102)
    expect(taken()).toBe(0)
    lock()
    dropNotice(a, 2) // another process's
    closeNotice(a, 1, 99) // another number
    closeNotice(a, 2, 10)
    unlock()
    expect(taken()).toBe(0)
    lock()
    fireNotice(b)
    fireNotice(b) // once
    unlock()
    expect(taken()).toBe(101)
    expect(taken()).toBe(0)
    lock()
    closeNotice(a, 1, 10)
    dropNotice(c, 2)
    fireNotice(a)
    unlock()
    expect(notices()).toBe(2)
    const first = taken()
    const second = taken()
    expect(first + second).toBe(-202)
    expect(notices()).toBe(0)
    add(a, 1, 10, 103)
    add(b, 1, 11, 104)
    lock()
    fireNotice(b)
    unlock()
    const dead = me().index
    goOnAsAnother()
    expect(taken()).toBe(0)
    expect(sysReap(dead, sequenceOf(dead), true)).toBe(0)
    expect(notices()).toBe(0)
    expect(a.notice).toBe(0)
    dieAtEveryPush(false)
    endOf(a)
    endOf(b)
    endOf(c)
    expectUndone()
    expect(structures()).toBe(before)
  })
})
