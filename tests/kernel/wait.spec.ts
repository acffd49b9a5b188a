import { EINTR, ETIMEDOUT, STATE_SEQ_SHIFT, THREAD_STATE } from '../../assembly/abi'
import { attachThread } from '../../assembly/boot'
import { newChain } from '../../assembly/chain'
import { sysReap } from '../../assembly/exit'
import { lock, relax, unlock } from '../../assembly/lock'
import { beginCall, enter, me, rungCount, THREAD_BYTES, THREADS } from '../../assembly/thread'
import {
  checkWaits,
  discard,
  dropWaits,
  enqueue,
  finish,
  finishAll,
  firstWait,
  interrupt,
  interruptCalls,
  nextWait,
  park,
  RESUMED,
  sleep,
  sleepUntil,
  Wait,
  wake,
} from '../../assembly/wait'
import { bootSpec, checkAll } from './support/boot'
import { below, reseed } from './support/random'
import { dieAtEveryPush, expectUndone } from './support/transactions'

bootSpec(900)

function queue(key: u64, detail: u64 = 0): Wait {
  lock()
  const wait = enqueue(key, detail)
  checkWaits()
  unlock()
  return wait!
}

const CHAIN_BYTES: u32 = 5000

function queueWithChain(key: u64, detail: u64): Wait {
  lock()
  const wait = enqueue(key, detail)!
  wait.chain = newChain(CHAIN_BYTES)
  wait.chainBytes = CHAIN_BYTES
  unlock()
  return wait
}

function wakeUp(key: u64, count: u32, detail: u64 = 0): u32 {
  lock()
  const woken = wake(key, count, detail)
  checkWaits()
  unlock()
  return woken
}

/** Ends the wait. => what the sleeper is told. A thread of the specs may not block, so a queued node gives EWOULDBLOCK_PARK. */
function end(wait: Wait, timeoutMs: f64): i32 {
  lock()
  const result = sleep(wait, timeoutMs)
  checkWaits()
  unlock()
  return result
}

function queued(): u32 {
  lock()
  const count = checkWaits()
  unlock()
  return count
}

describe('waits', () => {
  beforeEach(() => {
    dieAtEveryPush(true)
  })

  afterEach(() => {
    dieAtEveryPush(false)
    checkAll()
    assert(queued() == 0, 'a node was left')
    expectUndone()
  })

  it('tells a woken sleeper 0, and its node is gone', () => {
    const wait = queue(100)
    expect(wakeUp(100, 1)).toBe(1)
    expect(end(wait, -1)).toBe(0)
    expect(me().waits).toBe(0)
  })

  it('notifies who was woken after the lock is free, however many', () => {
    const waits = new StaticArray<Wait>(20)
    for (let i = 0; i < 20; i++) waits[i] = queue(11)
    lock()
    wake(11, 3)
    const three = rungCount
    unlock()
    expect(three).toBe(3)
    expect(rungCount).toBe(0)
    lock()
    wake(11, 17)
    const left = rungCount
    unlock()
    expect(left).toBe(1, 'the list holds 8, and was emptied twice')
    expect(rungCount).toBe(0)
    for (let i = 0; i < 20; i++) expect(end(waits[i], -1)).toBe(0)
  })

  it('wakes in the order of arrival, as many as asked, of that key and detail only', () => {
    const a = queue(7)
    const b = queue(7)
    const c = queue(7, 1)
    const d = queue(8)
    expect(wakeUp(7, 1)).toBe(1)
    expect(wakeUp(9, 5)).toBe(0)
    expect(end(a, -1)).toBe(0)
    expect(end(b, 0)).toBe(-ETIMEDOUT)
    expect(wakeUp(7, 5, 1)).toBe(1)
    expect(end(c, -1)).toBe(0)
    expect(end(d, 0)).toBe(-ETIMEDOUT)
  })

  it('times out at once after 0 ms', () => {
    lock()
    const result = park(55, 0)
    unlock()
    expect(result).toBe(-ETIMEDOUT)
  })

  it('ends every sleep of an interrupted thread with EINTR', () => {
    const a = queue(1)
    const b = queue(2)
    lock()
    const count = interrupt(me().index)
    unlock()
    expect(count).toBe(2)
    expect(end(a, -1)).toBe(-EINTR)
    expect(end(b, -1)).toBe(-EINTR)
  })

  it('lets a signal pass those sleeps that are resumed after one', () => {
    const a = queue(1, RESUMED | 8)
    const b = queue(2)
    lock()
    const signalled = interrupt(me().index, true)
    const ended = interrupt(me().index)
    unlock()
    expect(signalled).toBe(1)
    expect(ended).toBe(1)
    expect(end(b, -1)).toBe(-EINTR)
    expect(end(a, -1)).toBe(-EINTR)
  })

  it('hands a wake-up that a dead thread had not used to the next', () => {
    const dead = me().index
    const sequence = load<u32>(THREADS + dead * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
    queue(3)
    queue(30)
    expect(attachThread(0)).toBeGreaterThan(<i32>dead)
    enter()
    const mine = queue(3)
    expect(wakeUp(3, 1)).toBe(1)
    expect(sysReap(dead, sequence, true)).toBe(0)
    expect(end(mine, -1)).toBe(0)
  })

  it('ends the sleeps of other threads in calls of one process, and no others', () => {
    const sleeper = me().index
    const sequence = load<u32>(THREADS + sleeper * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
    beginCall(7)
    const a = queue(5)
    const b = queue(6)
    expect(wakeUp(6, 1)).toBe(1)
    lock()
    const own = interruptCalls(7)
    unlock()
    expect(own).toBe(0)
    assert(attachThread(0) >= 0, 'attach')
    enter()
    lock()
    const others = interruptCalls(8)
    const ended = interruptCalls(7)
    const again = interruptCalls(7)
    unlock()
    expect(others).toBe(0)
    expect(ended).toBe(1)
    expect(again).toBe(0)
    expect(end(a, -1)).toBe(-EINTR)
    expect(end(b, -1)).toBe(0)
    expect(sysReap(sleeper, sequence, true)).toBe(0)
  })

  it('gives a finished sleeper its result, and the node with its chain until it is discarded', () => {
    const wait = queueWithChain(40, 3)
    lock()
    const first = firstWait(40, 3)
    const other = firstWait(40)
    finish(wait, 77)
    const after = firstWait(40, 3)
    const result = sleepUntil(wait, -1)
    const bytes = wait.chainBytes
    discard(wait)
    unlock()
    assert(first == wait && other == null && after == null, 'the queue of the key')
    expect(result).toBe(77)
    expect(bytes).toBe(CHAIN_BYTES)
    expect(me().waits).toBe(0)
  })

  it('finishes all sleepers of a key and nobody else, in order', () => {
    const a = queue(50)
    const b = queue(51)
    const c = queue(50)
    lock()
    const ordered = nextWait(a) == c && nextWait(c) == null
    finishAll(50, 0, -EINTR)
    unlock()
    expect(ordered).toBe(true)
    expect(end(a, -1)).toBe(-EINTR)
    expect(end(c, -1)).toBe(-EINTR)
    expect(end(b, 0)).toBe(-ETIMEDOUT)
  })

  it('does not hand on what was finished for a thread that died', () => {
    const dead = me().index
    const sequence = load<u32>(THREADS + dead * THREAD_BYTES + THREAD_STATE) >> STATE_SEQ_SHIFT
    const finished = queueWithChain(60, 0)
    lock()
    finish(finished, 0)
    unlock()
    expect(attachThread(0)).toBeGreaterThanOrEqual(0)
    enter()
    const mine = queue(60)
    expect(sysReap(dead, sequence, true)).toBe(0)
    expect(end(mine, 0)).toBe(-ETIMEDOUT)
  })

  it('agrees with a list in order of arrival, and a death at any push leaves no trace', () => {
    reseed('waits')
    const waits = new StaticArray<usize>(64)
    const keys = new StaticArray<u64>(64)
    const states = new StaticArray<i32>(64)
    let live: u32 = 0
    for (let step = 0; step < 3000; step++) {
      dieAtEveryPush(step % 8 == 0)
      const what = below(10)
      const key = <u64>below(6) * 0x100000001
      if (what < 5 && live < 64) {
        waits[live] = changetype<usize>(queue(key))
        keys[live] = key
        states[live++] = -ETIMEDOUT
      } else if (what < 7) {
        const count = below(4)
        let expected: u32 = 0
        for (let i: u32 = 0; i < live && expected < count; i++) {
          if (keys[i] != key || states[i] != -ETIMEDOUT) continue
          states[i] = 0
          expected++
        }
        assert(wakeUp(key, count) == expected, 'wake')
      } else if (what == 7 && below(20) == 0) {
        lock()
        interrupt(me().index)
        unlock()
        for (let i: u32 = 0; i < live; i++) if (states[i] == -ETIMEDOUT) states[i] = -EINTR
      } else if (live > 0) {
        const i = below(live)
        assert(end(changetype<Wait>(waits[i]), 0) == states[i] || states[i] == 0, 'end')
        live--
        for (let j = i; j < live; j++) {
          waits[j] = waits[j + 1]
          keys[j] = keys[j + 1]
          states[j] = states[j + 1]
        }
      }
      expectUndone()
    }
    lock()
    dropWaits(me().index)
    relax()
    unlock()
  })
})
