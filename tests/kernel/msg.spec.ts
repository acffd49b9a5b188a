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
  ETIMEDOUT,
  STATE_SEQ_SHIFT,
  THREAD_STATE,
} from '../../assembly/abi'
import { attachThread } from '../../assembly/boot'
import { sysReap } from '../../assembly/exit'
import { sweepIdle } from '../../assembly/idle'
import {
  IPC_CREAT,
  IPC_NOWAIT,
  IPC_RMID,
  IPC_SET,
  IPC_STAT,
  MSG_COPY,
  MSG_EXCEPT,
  MSG_NOERROR,
  MSQID_DS_CBYTES,
  MSQID_DS_LRPID,
  MSQID_DS_LSPID,
  MSQID_DS_QNUM,
} from '../../assembly/ipcabi'
import { lock, unlock } from '../../assembly/lock'
import { Message, newMessage, readMessage } from '../../assembly/message'
import {
  modeOf,
  queueOf,
  queueReceiver,
  queueSender,
  sysMsgget,
  sysMsgrcv,
  sysMsgsnd,
  wantedOf,
} from '../../assembly/msg'
import { sysMsgctl } from '../../assembly/msgctl'
import { Process } from '../../assembly/process'
import { beginCall, enter, me, THREAD_BYTES, THREADS } from '../../assembly/thread'
import { discard, sleep, Wait } from '../../assembly/wait'
import { bootSpec, checkAll, freeFrames, spawn } from './support/boot'
import { below, reseed } from './support/random'
import { dieAtEveryPush, expectUndone } from './support/transactions'

bootSpec(900)

const process = spawn()
beginCall(process.pid)

function data(): usize {
  return <usize>me().buffer + BUFFER_DATA
}

function makeQueue(qbytes: f64 = NaN, owner: Process = process): i32 {
  const id = sysMsgget(owner, 0, IPC_CREAT | 0o600)
  assert(sysMsgctl(process, id, IPC_SET, NaN, NaN, NaN, qbytes) == 0, 'qbytes')
  return id
}

/** Sends `bytes` bytes that are all `tag`, without waiting. */
function send(id: i32, type: i32, bytes: u32, tag: u32): i32 {
  memory.fill(data(), <u8>tag, bytes)
  const result = sysMsgsnd(process, id, type, bytes, IPC_NOWAIT)
  checkAll()
  return result
}

/** Receives without waiting. => bytes, or -errno. */
function receive(id: i32, bytes: i32, type: i32, flags: u32 = 0): i32 {
  memory.fill(data(), 0, 16)
  const result = sysMsgrcv(process, id, bytes, type, flags | IPC_NOWAIT)
  checkAll()
  return result
}

function typeReceived(): i32 {
  return load<i32>(<usize>me().buffer + BUFFER_RESULT)
}

function control(id: i32, command: u32): i32 {
  const result = sysMsgctl(process, id, command, NaN, NaN, NaN, NaN)
  sweepIdle()
  checkAll()
  return result
}

function field(id: i32, at: u32): u32 {
  assert(control(id, IPC_STAT) == 0, 'IPC_STAT')
  return load<u32>(<usize>me().buffer + BUFFER_RESULT + at)
}

/** A sleeper of this thread that waits for a message. */
function sleepingReceiver(id: i32, bytes: u32, type: i32, flags: u32 = 0): Wait {
  lock()
  const mode = modeOf(type, flags)
  const wait = queueReceiver(queueOf(id)!, bytes, wantedOf(type, mode), mode, flags)
  unlock()
  checkAll()
  return wait!
}

/** A sleeper of this thread that waits for room. => the message does not fit. */
function sleepingSender(id: i32, type: i32, bytes: u32, tag: u32): Wait {
  memory.fill(data(), <u8>tag, bytes)
  lock()
  const wait = queueSender(queueOf(id)!, newMessage(type, bytes, data())!)
  unlock()
  checkAll()
  return wait!
}

function isAsleep(wait: Wait): bool {
  return wait.state == 0
}

/** Ends a sleep, in time or not. => what the sleeper is told. */
function end(wait: Wait): i32 {
  lock()
  const result = sleep(wait, 0)
  unlock()
  checkAll()
  return result
}

describe('System V message queues', () => {
  beforeEach(() => {
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    checkAll()
    expectUndone()
    assert(me().waits == 0, 'a node was left')
  })

  it('give back the bytes and the type, in order', () => {
    const id = makeQueue()
    expect(send(id, 7, 5, 1)).toBe(0)
    expect(send(id, 8, 0, 0)).toBe(0)
    expect(receive(id, 10, 0)).toBe(5)
    expect(typeReceived()).toBe(7)
    expect(load<u8>(data() + 4)).toBe(1)
    expect(receive(id, 10, 0)).toBe(0)
    expect(typeReceived()).toBe(8)
    expect(receive(id, 10, 0)).toBe(-ENOMSG)
    expect(control(id, IPC_RMID)).toBe(0)
  })

  it('keep a body of any length whole', () => {
    const id = makeQueue()
    const sizes: u32[] = [2031, 2032, 2033, 4076, 4077, 8191, 8192]
    for (let i = 0; i < sizes.length; i++) {
      for (let byte: u32 = 0; byte < sizes[i]; byte++) store<u8>(data() + byte, <u8>(byte * 7 + i))
      expect(sysMsgsnd(process, id, 1, sizes[i], 0)).toBe(0)
      expect(receive(id, 8192, 0)).toBe(<i32>sizes[i])
      for (let byte: u32 = 0; byte < sizes[i]; byte++) {
        assert(load<u8>(data() + byte) == <u8>(byte * 7 + i), `byte ${byte} of ${sizes[i]}`)
      }
    }
    expect(send(id, 1, 8193, 0)).toBe(-EINVAL)
    expect(sysMsgsnd(process, id, 1, <u32>-1, 0)).toBe(-EINVAL)
    control(id, IPC_RMID)
  })

  it('hand a message to the first receiver whose type matches', () => {
    const id = makeQueue()
    const other = sleepingReceiver(id, 10, 5)
    const first = sleepingReceiver(id, 10, 3)
    const second = sleepingReceiver(id, 10, 0)
    expect(send(id, 3, 4, 9)).toBe(0)
    expect(isAsleep(other) && isAsleep(second)).toBe(true)
    expect(changetype<Message>(<usize>first.chain).bytes).toBe(4)
    expect(field(id, MSQID_DS_QNUM)).toBe(0)
    expect(field(id, MSQID_DS_LRPID)).toBe(process.pid)
    expect(end(first)).toBe(0)
    expect(control(id, IPC_RMID)).toBe(0)
    expect(end(other)).toBe(-EIDRM)
    expect(end(second)).toBe(-EIDRM)
  })

  it('tell a receiver whose buffer is too small E2BIG, and try the next', () => {
    const id = makeQueue()
    const small = sleepingReceiver(id, 3, 0)
    const cuts = sleepingReceiver(id, 3, 0, MSG_NOERROR)
    expect(send(id, 1, 4, 9)).toBe(0)
    expect(end(small)).toBe(-E2BIG)
    expect(cuts.chain).not.toBe(0)
    expect(end(cuts)).toBe(0)
    control(id, IPC_RMID)
  })

  it('complete every sleeping sender whose message fits, in order of arrival', () => {
    const id = makeQueue(10)
    expect(send(id, 1, 10, 1)).toBe(0)
    expect(send(id, 1, 1, 1)).toBe(-EAGAIN)
    const large = sleepingSender(id, 2, 8, 2)
    const first = sleepingSender(id, 3, 5, 3)
    expect(receive(id, 10, 1)).toBe(10)
    expect(end(large)).toBe(0)
    expect(isAsleep(first)).toBe(true)
    const small = sleepingSender(id, 4, 3, 4)
    const later = sleepingSender(id, 5, 9, 5)
    expect(receive(id, 10, 0)).toBe(8)
    expect(end(first)).toBe(0)
    expect(end(small)).toBe(0)
    expect(isAsleep(later)).toBe(true)
    expect(field(id, MSQID_DS_CBYTES)).toBe(8)
    expect(end(later)).toBe(-ETIMEDOUT)
    control(id, IPC_RMID)
  })

  it('hand a completed sender its receiver at once', () => {
    const id = makeQueue(4)
    expect(send(id, 1, 4, 1)).toBe(0)
    const receiver = sleepingReceiver(id, 4, 2)
    const sender = sleepingSender(id, 2, 3, 2)
    expect(receive(id, 4, 1)).toBe(4)
    expect(end(sender)).toBe(0)
    expect(end(receiver)).toBe(0)
    expect(field(id, MSQID_DS_QNUM)).toBe(0)
    control(id, IPC_RMID)
  })

  it('refuse sleepers that IPC_SET shut out, and let in those whose message fits', () => {
    const user = spawn()
    user.euid = 7
    const id = makeQueue(4, user)
    expect(send(id, 1, 4, 1)).toBe(0)
    beginCall(user.pid)
    const receiver = sleepingReceiver(id, 4, 2)
    const sender = sleepingSender(id, 2, 3, 2)
    expect(sysMsgctl(process, id, IPC_SET, NaN, NaN, 0o200, NaN)).toBe(0)
    expect(end(receiver)).toBe(-EACCES)
    expect(isAsleep(sender)).toBe(true)
    expect(sysMsgctl(process, id, IPC_SET, NaN, NaN, NaN, 8)).toBe(0)
    expect(end(sender)).toBe(0)
    expect(field(id, MSQID_DS_LSPID)).toBe(user.pid)
    const shut = sleepingSender(id, 2, 3, 2)
    expect(sysMsgctl(process, id, IPC_SET, NaN, NaN, 0o400, 16)).toBe(0)
    expect(end(shut)).toBe(-EACCES)
    beginCall(process.pid)
    control(id, IPC_RMID)
  })

  it('lose what a dead thread was sending or had been handed, and nothing else', () => {
    const id = makeQueue(4)
    const dead = me().index
    const sequence = load<u32>(THREADS + dead * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
    const handed = sleepingReceiver(id, 4, 2)
    expect(send(id, 2, 3, 1)).toBe(0)
    expect(isAsleep(handed)).toBe(false)
    expect(send(id, 1, 4, 1)).toBe(0)
    sleepingSender(id, 2, 3, 2)
    sleepingReceiver(id, 4, 9)
    expect(attachThread(0)).toBeGreaterThan(<i32>dead)
    enter()
    beginCall(process.pid)
    expect(sysReap(dead, sequence, true)).toBe(0)
    expect(receive(id, 4, 0)).toBe(4)
    expect(field(id, MSQID_DS_QNUM)).toBe(0)
    expect(send(id, 9, 1, 1)).toBe(0)
    expect(receive(id, 4, 0)).toBe(1)
    control(id, IPC_RMID)
  })

  it('refuse with ENOMEM when memory is out, with nothing half done', () => {
    dieAtEveryPush(false)
    const before = freeFrames()
    const id = makeQueue(1e9)
    let sent: u32 = 0
    memory.fill(data(), 1, 8192)
    let result = sysMsgsnd(process, id, 1, 8192, IPC_NOWAIT)
    while (result == 0) {
      sent++
      result = sysMsgsnd(process, id, 1, 8192, IPC_NOWAIT)
    }
    expect(result).toBe(-ENOMEM)
    dieAtEveryPush(true)
    expect(send(id, 1, 8192, 1)).toBe(-ENOMEM)
    expect(field(id, MSQID_DS_QNUM)).toBe(sent)
    // The last one may have taken a frame past the limit: one received message need not bring it back below.
    expect(receive(id, 8192, 0)).toBe(8192)
    expect(receive(id, 8192, 0)).toBe(8192)
    expect(send(id, 1, 8192, 1)).toBe(0)
    dieAtEveryPush(false)
    expect(control(id, IPC_RMID)).toBe(0)
    expect(freeFrames()).toBeGreaterThan(before - 8)
  })

  it('are gone with all their messages, however many', () => {
    dieAtEveryPush(false)
    const before = freeFrames()
    const id = makeQueue()
    for (let i = 0; i < 9000; i++) {
      assert(sysMsgsnd(process, id, 1, 1, IPC_NOWAIT) == 0, 'sent')
    }
    expect(control(id, IPC_RMID)).toBe(0)
    expect(freeFrames()).toBeGreaterThan(before - 8)
    expect(send(id, 1, 1, 1)).toBe(-EINVAL)
  })
})

// ---- against a list ----

class Kept {
  constructor(
    public type: i32,
    public bytes: u32,
    public tag: u32,
  ) {}
}

class Sleeper {
  /** undefined while it sleeps. */
  ended: bool = false
  result: i32 = 0
  given: Kept | null = null

  constructor(
    public wait: usize,
    public message: Kept | null,
    public most: u32,
    public type: i32,
    public flags: u32,
  ) {}
}

let id: i32 = -1
let qbytes: u32 = 0
const list: Kept[] = []
const sleepers: Sleeper[] = []

function used(): u32 {
  let sum: u32 = 0
  for (let i = 0; i < list.length; i++) sum += list[i].bytes
  return sum
}

function hasRoom(bytes: u32): bool {
  return used() + bytes <= qbytes && <u32>list.length < qbytes
}

/** => the place of the message that msgrcv would take, -1 for none. */
function choose(from: Kept[], type: i32, flags: u32): i32 {
  let best = -1
  for (let i = 0; i < from.length; i++) {
    const has = from[i].type
    if (type == 0) return i
    if (type > 0 && ((flags & MSG_EXCEPT) != 0 ? has != type : has == type)) return i
    if (type < 0 && has <= -type && (best < 0 || has < from[best].type)) best = i
  }
  return best
}

function put(message: Kept): void {
  for (let i = 0; i < sleepers.length; i++) {
    const sleeper = sleepers[i]
    if (sleeper.ended || sleeper.message != null) continue
    if (choose([message], sleeper.type, sleeper.flags) < 0) continue
    sleeper.ended = true
    sleeper.result = message.bytes > sleeper.most ? -E2BIG : 0
    if (sleeper.result == 0) sleeper.given = message
    if (sleeper.result == 0) return
  }
  list.push(message)
}

function roomCame(): void {
  for (let i = 0; i < sleepers.length; i++) {
    const message = sleepers[i].message
    if (sleepers[i].ended || message == null || !hasRoom(message.bytes)) continue
    sleepers[i].ended = true
    put(message)
  }
}

/** Every sleeper is as the list says; those that ended are told so, and leave. */
function settle(): void {
  for (let i = 0; i < sleepers.length; ) {
    const sleeper = sleepers[i]
    const wait = changetype<Wait>(sleeper.wait)
    assert(isAsleep(wait) != sleeper.ended, `sleeper ${i}`)
    if (!sleeper.ended) {
      i++
      continue
    }
    assert(wait.result == sleeper.result, `told ${wait.result}`)
    const given = sleeper.given
    if (given != null) checkBody(changetype<Message>(<usize>wait.chain), given)
    lock()
    discard(wait)
    unlock()
    sleepers.splice(i, 1)
  }
}

function checkBody(message: Message, expected: Kept): void {
  assert(message.type == expected.type && message.bytes == expected.bytes, 'the message')
  readMessage(message, message.bytes, data())
  for (let i: u32 = 0; i < message.bytes; i++) {
    assert(load<u8>(data() + i) == <u8>expected.tag, 'the body')
  }
}

function tryReceive(type: i32, most: u32, flags: u32): void {
  const at = choose(list, type, flags)
  const result = receive(id, most, type, flags)
  if (at < 0) {
    assert(result == -ENOMSG, 'ENOMSG')
    if (below(2) == 0) {
      const limit = (flags & MSG_NOERROR) != 0 ? <u32>u32.MAX_VALUE : most
      const wait = sleepingReceiver(id, most, type, flags)
      sleepers.push(new Sleeper(changetype<usize>(wait), null, limit, type, flags))
    }
    return
  }
  const message = list[at]
  if (message.bytes > most && (flags & MSG_NOERROR) == 0) {
    assert(result == -E2BIG, 'E2BIG')
    return
  }
  assert(result == <i32>min(message.bytes, most) && typeReceived() == message.type, 'received')
  if (result > 0) assert(load<u8>(data()) == <u8>message.tag, 'the body')
  list.splice(at, 1)
  roomCame()
}

function trySend(message: Kept): void {
  const room = hasRoom(message.bytes)
  const result = send(id, message.type, message.bytes, message.tag)
  assert(result == (room ? 0 : -EAGAIN), `send ${result}`)
  if (room) put(message)
  else if (below(2) == 0) {
    const wait = sleepingSender(id, message.type, message.bytes, message.tag)
    sleepers.push(new Sleeper(changetype<usize>(wait), message, 0, 0, 0))
  }
}

function size(): u32 {
  return below(8) == 0 ? 2000 + below(200) : below(12)
}

function type(): i32 {
  return <i32>below(8) - 3
}

describe('a System V message queue, its senders and receivers', () => {
  it('agree with a list, and a death at any push leaves no trace', () => {
    reseed('msg')
    qbytes = 4500
    id = makeQueue(qbytes)
    for (let step = 0; step < 2500; step++) {
      dieAtEveryPush(step % 8 == 0)
      const what = below(10)
      if (what < 5) trySend(new Kept(1 + below(4), size(), step & 0xff))
      else if (what < 8) {
        const excepts: u32 = below(3) == 0 ? MSG_EXCEPT : 0
        tryReceive(type(), size(), excepts | (below(2) == 0 ? MSG_NOERROR : 0))
      } else if (what == 8 && list.length > 0) {
        const place = below(list.length)
        const copied = receive(id, 4500, place, MSG_COPY)
        assert(copied == <i32>list[place].bytes && typeReceived() == list[place].type, 'copy')
      } else if (below(4) == 0) {
        qbytes = 4000 + below(1000)
        sysMsgctl(process, id, IPC_SET, NaN, NaN, NaN, qbytes)
        roomCame()
      } else if (sleepers.length > 0) {
        const gone = sleepers.splice(below(sleepers.length), 1)[0]
        assert(end(changetype<Wait>(gone.wait)) == -ETIMEDOUT, 'gone')
      }
      settle()
      assert(field(id, MSQID_DS_CBYTES) == used(), 'cbytes')
      assert(field(id, MSQID_DS_QNUM) == <u32>list.length, 'qnum')
      expectUndone()
    }
    control(id, IPC_RMID)
    for (let i = 0; i < sleepers.length; i++) {
      assert(end(changetype<Wait>(sleepers[i].wait)) == -EIDRM, 'EIDRM')
    }
    dieAtEveryPush(false)
    expectUndone()
  })
})
