/** SEMANTICS: POSIX message queues whose senders and receivers wait in threads of their own, and what mq_notify tells. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { boot, type Kernel, O, type Process } from '../../dist/src/index.js'
import { inBrowser } from '../conformance/runtime.ts'
import { asleep, Caller } from '../support/caller.ts'
import { effort } from '../support/effort.ts'
import { outcome } from '../support/errno.ts'
import { pause } from '../support/pause.ts'

let kernel: Kernel
let p: Process
let callers: Caller[]
/** A queue of two messages, and descriptors of it: of this process, and of the one whose calls wait. */
let mqd: number
let q: Process
let theirs: number

beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
  callers = await Promise.all([1, 2, 3, 4].map(() => Caller.start(kernel)))
})
beforeEach(() => {
  const { inodes } = kernel.stats()
  p = kernel.process()
  q = kernel.process()
  mqd = p.mq_open('/q', O.CREAT | O.RDWR | O.NONBLOCK, { maxmsg: 2 })
  theirs = q.mq_open('/q', O.RDWR)
  p.mq_unlink('/q')
  return () => {
    q[Symbol.dispose]()
    p[Symbol.dispose]()
    kernel.check()
    expect(kernel.stats()).toMatchObject({ inodes, sleepers: 0, processes: 0 })
  }
})
afterAll(async () => {
  for (const each of callers) await each.kill()
  await kernel.close()
})

const bytes = (...values: number[]) => new Uint8Array(values)
const caller = (index: number) => callers[index] as Caller
const send = (value: number, priority = 0) => p.mq_send(mqd, bytes(value), priority)
const soon = (ms = 20) => Date.now() + ms
/** => the values and priorities of all messages. */
const drain = () => {
  const got: [number | undefined, number][] = []
  const receive = () => {
    const { data, priority } = p.mq_receive(mqd)
    got.push([data[0], priority])
  }
  while (outcome(receive) === 'ok');
  return got
}

describe('threads that wait', () => {
  test('receivers get what comes, in the order in which they came', async () => {
    const first = caller(0).call(q, 'mq_receive', theirs)
    await asleep(kernel, 1)
    const second = caller(1).call(q, 'mq_timedreceive', theirs, soon(60_000))
    await asleep(kernel, 2)
    send(1, 4)
    send(2, 9)
    expect(await first).toEqual({ data: bytes(1), priority: 4 })
    expect(await second).toEqual({ data: bytes(2), priority: 9 })
    expect(p.mq_getattr(mqd).curmsgs).toBe(0)
  })

  test('senders get the places that come free, in the order in which they came', async () => {
    send(1, 5)
    send(2, 5)
    const sends: Promise<unknown>[] = []
    for (const [i, priority] of [1, 9, 3].entries()) {
      sends.push(caller(i).call(q, 'mq_send', theirs, bytes(10 + i), priority))
      await asleep(kernel, i + 1)
    }
    expect(p.mq_receive(mqd).data).toEqual(bytes(1))
    await sends[0]
    expect(p.mq_receive(mqd).data).toEqual(bytes(2))
    await sends[1]
    expect(p.mq_receive(mqd).data).toEqual(bytes(11))
    await sends[2]
    expect(drain()).toEqual([
      [12, 3],
      [10, 1],
    ])
  })
})

describe('what ends a wait', () => {
  test('a deadline ends the wait with ETIMEDOUT, and the queue is as it was', async () => {
    expect(await caller(0).call(q, 'mq_timedreceive', theirs, soon())).toBe('ETIMEDOUT')
    send(1)
    send(2)
    expect(await caller(0).call(q, 'mq_timedsend', theirs, bytes(3), 0, soon())).toBe('ETIMEDOUT')
    expect(drain()).toEqual([
      [1, 0],
      [2, 0],
    ])
  })

  test('setting O.NONBLOCK does not end a wait that has begun', async () => {
    const received = caller(0).call(q, 'mq_receive', theirs)
    await asleep(kernel, 1)
    q.mq_setattr(theirs, { flags: O.NONBLOCK })
    expect(kernel.stats().sleepers).toBe(1)
    send(8)
    expect(await received).toMatchObject({ data: bytes(8) })
  })

  test('a descriptor that is closed under a sleeper keeps the queue for it', async () => {
    const received = caller(0).call(q, 'mq_receive', theirs)
    await asleep(kernel, 1)
    q.mq_close(theirs)
    send(8)
    expect(await received).toMatchObject({ data: bytes(8) })
  })

  test('a sleeper whose queue nobody else has keeps it; a new one is another', async () => {
    const received = caller(0).call(q, 'mq_receive', theirs)
    await asleep(kernel, 1)
    q.mq_close(theirs)
    p.mq_close(mqd)
    mqd = p.mq_open('/other', O.CREAT | O.RDWR | O.NONBLOCK)
    p.mq_unlink('/other')
    send(5)
    expect(kernel.stats().sleepers).toBe(1)
    expect(drain()).toEqual([[5, 0]])
    q.interrupt()
    expect(await received).toBe('EINTR')
  })

  test('an interrupt is EINTR for a sender too, and its message is not sent', async () => {
    send(1)
    send(2)
    const sent = caller(0).call(q, 'mq_send', theirs, bytes(3), 9)
    await asleep(kernel, 1)
    q.interrupt()
    expect(await sent).toBe('EINTR')
    expect(drain()).toEqual([
      [1, 0],
      [2, 0],
    ])
  })

  test('an interrupt is EINTR, an abort AbortError, an exit EINTR', async () => {
    const received = caller(0).call(q, 'mq_receive', theirs)
    await asleep(kernel, 1)
    q.interrupt()
    expect(await received).toBe('EINTR')
    const abort = new AbortController()
    const aborted = q.promises.mq_receive(theirs, undefined, { signal: abort.signal })
    await asleep(kernel, 1)
    abort.abort()
    await expect(aborted).rejects.toThrow('aborted')
    const exited = caller(0).call(q, 'mq_receive', theirs)
    await asleep(kernel, 1)
    q.exit()
    expect(await exited).toBe('EINTR')
    send(1)
    expect(drain()).toEqual([[1, 0]])
  })
})

describe('threads that are killed, and many at once', () => {
  test('killed waiters leave the queue as it is, and the next gets what comes', async () => {
    const victims = [await Caller.start(kernel), await Caller.start(kernel)] as const
    void victims[0].call(q, 'mq_receive', theirs).catch(() => {})
    await asleep(kernel, 1)
    const received = caller(0).call(q, 'mq_receive', theirs)
    await asleep(kernel, 2)
    await victims[0].kill()
    kernel.check()
    send(1)
    expect(await received).toMatchObject({ data: bytes(1) })
    send(2)
    send(3)
    void victims[1].call(q, 'mq_send', theirs, bytes(4)).catch(() => {})
    await asleep(kernel, 1)
    await victims[1].kill()
    kernel.check()
    expect(drain()).toEqual([
      [2, 0],
      [3, 0],
    ])
  })

  test('of two that make a queue with O.EXCL at the same moment one succeeds', async () => {
    const rounds = effort(2000)
    const names = Array.from({ length: rounds }, (_, round) => `/race-${round}`)
    const makes = [0, 1].map((i) => caller(i).thread.call<boolean[]>('mqMake', q.pid, names))
    const [first, second] = (await Promise.all(makes)) as [boolean[], boolean[]]
    expect(first.map((made, round) => Number(made) + Number(second[round]))).toEqual(
      names.map(() => 1),
    )
    for (const name of names) p.mq_unlink(name)
  })

  test('two producers and two consumers: nothing lost, nothing twice, each priority in order', async () => {
    const count = effort(20_000)
    const work = callers.map((each, i) =>
      i < 2
        ? each.thread.call('mqProduce', q.pid, theirs, i + 1, count)
        : each.thread.call('mqConsume', q.pid, theirs, count),
    )
    const [, , ...received] = (await Promise.all(work)) as [null, null, ...number[][][]]
    const all = received.flat()
    for (const priority of [1, 2]) {
      const numbers = all.filter(([of]) => of === priority).map(([, n]) => n as number)
      expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n))
      for (const consumer of received) {
        const seen = consumer.filter(([of]) => of === priority).map(([, n]) => n as number)
        expect(seen).toEqual(seen.toSorted((a, b) => a - b))
      }
    }
  })
})

/** Registers, and says how often it was told. */
function register(by = p, on = mqd) {
  const told = { count: 0 }
  by.mq_notify(on, () => told.count++)
  return told
}
const until = async (condition: () => boolean) => {
  while (!condition()) await pause(1)
}

describe('mq_notify', () => {
  test('fires once, when a message comes to the empty queue', async () => {
    const told = register()
    send(1)
    send(2)
    await until(() => told.count > 0)
    drain()
    send(3)
    await pause(50)
    expect(told.count).toBe(1)
    expect(outcome(() => register())).toBe('ok')
    p.mq_notify(mqd, null)
  })

  test('does not fire for a message that comes to others, but for the next to the empty queue', async () => {
    send(1)
    const told = register()
    send(2)
    await pause(50)
    expect(told.count).toBe(0)
    drain()
    send(3)
    await until(() => told.count === 1)
  })

  test('does not fire while a receiver waits, and stays', async () => {
    const told = register()
    const received = caller(0).call(q, 'mq_receive', theirs)
    await asleep(kernel, 1)
    send(1)
    expect(await received).toMatchObject({ data: bytes(1) })
    await pause(50)
    expect(told.count).toBe(0)
    send(2)
    await until(() => told.count === 1)
  })

  test('a second registration is EBUSY, of this process and of another', async () => {
    register()
    expect(outcome(() => register())).toBe('EBUSY')
    expect(outcome(() => register(q, theirs))).toBe('EBUSY')
    q.mq_notify(theirs, null)
    expect(outcome(() => register(q, theirs))).toBe('EBUSY')
    p.mq_notify(mqd, null)
    expect(outcome(() => register(q, theirs))).toBe('ok')
  })
})

describe.skipIf(inBrowser)('a program with a registration', () => {
  test.for([
    ['idle', 0],
    ['told', 7],
  ] as const)('ends by itself: %s', async ([how, code]) => {
    const { makePlace } = await import('./command.ts')
    using place = makePlace()
    const program = await place.start(new URL('./notified.program.ts', import.meta.url), how)
    expect(await program.ended).toBe(code)
  })
})

describe('a registration', () => {
  test('null takes it back: it never fires; null with none registered is fine', async () => {
    p.mq_notify(mqd, null)
    const told = register()
    p.mq_notify(mqd, null)
    send(1)
    await pause(50)
    expect(told.count).toBe(0)
  })

  test('ends with its descriptor, and with its process', async () => {
    const copy = p.dup(mqd)
    const told = register(p, copy)
    p.mq_close(copy)
    expect(outcome(() => register(q, theirs))).toBe('ok')
    q.exit()
    expect(outcome(() => register())).toBe('ok')
    send(1)
    await pause(50)
    expect(told.count).toBe(0)
  })

  test('ends with its thread', async () => {
    const thread = await Caller.start(kernel)
    await thread.thread.call('notify', q.pid, theirs)
    expect(outcome(() => register())).toBe('EBUSY')
    await thread.kill()
    expect(outcome(() => register())).toBe('ok')
  })

  test('is told to the thread that registered, after it was busy and after a wait of its own', async () => {
    await caller(0).thread.call('notify', q.pid, theirs)
    const busy = caller(0).thread.call('spin', 100)
    send(1)
    await busy
    while ((await caller(0).thread.call('notified')) !== 1) await pause(1)
    drain()
    await caller(0).thread.call('notify', q.pid, theirs)
    const waits = caller(0).call(q, 'mq_timedreceive', theirs, soon(30_000))
    await asleep(kernel, 1)
    send(2)
    expect(await waits).toMatchObject({ data: bytes(2) })
    expect(await caller(0).thread.call('notified')).toBe(1)
    send(3)
    while ((await caller(0).thread.call('notified')) !== 2) await pause(1)
  })

  test('is not inherited by a child, which has the queue', async () => {
    const told = register()
    const child = p.fork()
    child.mq_notify(mqd, null)
    expect(outcome(() => register(child))).toBe('EBUSY')
    child.exit()
    expect(outcome(() => register())).toBe('EBUSY')
    send(1)
    await until(() => told.count === 1)
  })

  test('a callback may register again', async () => {
    let count = 0
    const again = () => {
      count++
      drain()
      if (count < 3) p.mq_notify(mqd, again)
    }
    p.mq_notify(mqd, again)
    for (let round = 1; round <= 3; round++) {
      send(round)
      await until(() => count === round)
    }
  })

  test('its promise form registers in this thread', async () => {
    let count = 0
    await p.promises.mq_notify(mqd, () => count++)
    send(1)
    await until(() => count === 1)
    await expect(p.promises.mq_notify(1000, null)).rejects.toMatchObject({ code: 'EBADF' })
  })
})
