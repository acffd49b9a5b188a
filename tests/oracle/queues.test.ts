/**
 * The same steps on Linux's message queues and on Isopage's, System V and POSIX: every outcome is the same, and so is every field of msqid_ds after each
 * step. Random scripts of processes that never wait, and written ones of processes that do.
 */

import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boot } from '../../dist/src/index.js'
import { inBrowser, inNode } from '../conformance/runtime.ts'
import { effort, seedOf, soak } from '../support/effort.ts'
import { QueueSteps } from './queue-steps.ts'

const SCRIPTS = 2000
const STEPS = 40
const NOWAIT = 0x800
const INT_MAX = 2 ** 31 - 1
const INT_MIN = -(2 ** 31)

const native = inBrowser ? undefined : await import('./native-queues.ts')
const absence = native ? await native.queuesAbsence() : 'a browser runs no native program'

const one = (...values: (number | string)[]) => fc.constantFrom(...values)
const slot = one(0, 1, 2)
const mode = one(0o600, 0o666, 0o620, 0o640, 0o604, 0o060, 0)
const size = one(0, 1, 5, 100, 8192, 8193)
const made = one(0, 0x200, 0x200, 0x600, 0x400)

/** A call: its name, then what stands behind it. */
const call = (name: string, ...parts: fc.Arbitrary<number | string>[]) =>
  fc.tuple(...parts).map((values) => `${name} ${values.join(' ')}`)

const systemV = fc.oneof(
  fc.tuple(slot, one(0, 1, 2, -1), made, mode).map(([at, key, flags, bits]) => {
    return `msgget ${at} ${key} ${Number(flags) | Number(bits)}`
  }),
  {
    weight: 4,
    arbitrary: call('msgsnd', slot, one(-1, 0, 1, 2, 3, INT_MAX), size, one(1, 2, 3), one(NOWAIT)),
  },
  {
    weight: 4,
    arbitrary: call(
      'msgrcv',
      slot,
      one(-1, 0, 1, 5, 8192),
      one(0, 1, 2, 3, -1, -2, -3, INT_MAX, INT_MIN, INT_MIN + 1),
      one(...[0, 0, 0x1000, 0x2000, 0x4000, 0x5000, 0x6000].map((flags) => flags | NOWAIT)),
    ),
  },
  call(
    'set',
    slot,
    one(0, 1001, 1003),
    one(0, 2001, 2003),
    mode,
    one(0, 3, 120, 16_384, 16_385, 30_000),
  ),
  call('stat', slot),
  call('stat_slot', slot),
  call('stat_any', slot),
  call('info', one(0, 1)),
  call('rmid', slot),
)

const name = one(':/a', ':/b', ':/c')
const badName = one(':', ':/', ':/a/b', ':a', ':/..', `:/${'x'.repeat(100)}`)
const past = one(0, 0, 0, 3)
const posix = fc.oneof(
  {
    weight: 3,
    arbitrary: call(
      'mq_open',
      slot,
      one(0, 1, 2, 4, 5, 6, 6, 22, 30, 14),
      mode,
      one(0, 1, 2, 2, 3, -1, 10, 11),
      one(0, 1, 5, 5, -1, 8192, 8193),
      name,
    ),
  },
  call('mq_open', slot, one(6, 2), mode, one(0), one(0), badName),
  call('mq_unlink', fc.oneof({ weight: 3, arbitrary: name }, badName)),
  {
    weight: 6,
    arbitrary: call('mq_send', slot, one(0, 1, 2, 32767, 32768), one(0, 1, 5, 6), one(1, 2), past),
  },
  { weight: 4, arbitrary: call('mq_receive', slot, one(0, 1, 5, 8192, 9000), past) },
  call('mq_setattr', slot, one(0, 1, 2)),
  { weight: 2, arbitrary: call('mq_getattr', fc.oneof(slot, one(-1, 77))) },
  call('mq_notify', slot, one(0, 1)),
  call('mq_close', slot),
)

/** Steps of any of the four processes; root has made something to begin with. */
const script = (calls: fc.Arbitrary<string>, first: string[]) =>
  fc
    .array(
      fc.tuple(one(0, 0, 1, 1, 2, 3), calls).map(([who, text]) => `${who} ${text}`),
      { maxLength: STEPS },
    )
    .map((steps) => [...first, ...steps])

const scripts = fc.oneof(
  script(systemV, ['1 msgget 0 1 0x3b6', '0 msgget 1 0 0x3a0']),
  script(posix, ['1 mq_open 0 22 0x1b6 2 5 :/a', '0 mq_open 0 22 0x1b6 3 5 :/b']),
)

/** Written scripts: the sleepers of both kinds, and the times. */
const WRITTEN = [
  {
    says: 'each time moves with the call that moves it, and with no other',
    steps: `0 msgget 0 5 0x380,0 wait,0 msgsnd 0 1 5 1 2048,0 wait,0 stat 0,0 msgrcv 0 9 2 2048,0 msgsnd 0 0 1 1 2048,
      0 wait,0 msgrcv 0 9 0 0,0 wait,0 set 0 0 0 0x180 500,0 wait,0 msgrcv 0 9 0 0x800`,
  },
  {
    says: 'a message goes to the first sleeping receiver that wants it',
    steps: `0 msgget 0 5 0x3b6,1& msgrcv 0 10 4 0,2& msgrcv 0 10 -3 0,3& msgrcv 0 10 5 0x2000,0 msgsnd 0 4 2 9 0,0 msgsnd 0 5 2 8 0,
      0 msgsnd 0 3 2 7 0,0 msgsnd 0 3 1 6 0,1=,2=,3=`,
  },
  {
    says: 'a receiver whose buffer is too small is told E2BIG, one that cuts gets the message',
    steps: `0 msgget 0 5 0x3b6,1& msgrcv 0 1 0 0,2& msgrcv 0 1 0 0x1000,0 msgsnd 0 4 5 9 0,1=,2=`,
  },
  {
    says: 'a small message overtakes a large one that does not fit yet',
    steps: `0 msgget 0 5 0x3b6,0 set 0 0 0 0x1b6 10,0 msgsnd 0 1 4 1 0,0 msgsnd 0 1 6 1 0,1& msgsnd 0 2 9 2 0,2& msgsnd 0 3 3 3 0,
      3 msgrcv 0 10 0 0,1?,2=,0 msgrcv 0 10 0 0,1?,0 msgrcv 0 10 0 0,1=,0 msgrcv 0 10 0 0`,
  },
  {
    says: 'a full queue makes a sender sleep though its receiver is there',
    steps: `0 msgget 0 5 0x3b6,0 set 0 0 0 0x1b6 4,0 msgsnd 0 1 4 1 0,1& msgrcv 0 9 2 0,2& msgsnd 0 2 3 2 0,1?,2?,
      0 msgrcv 0 9 1 0,2=,1=`,
  },
  {
    // Only one of them fits: between two that do, Linux lets them race.
    says: 'a larger qbytes lets senders in',
    steps: `0 msgget 0 5 0x3b6,0 set 0 0 0 0x1b6 1,0 msgsnd 0 1 1 1 0,1& msgsnd 0 2 1 2 0,2& msgsnd 0 3 3 3 0,
      0 set 0 0 0 0x1b6 3,1=,2?,0 set 0 0 0 0x1b6 5,2=`,
  },
  {
    says: 'IPC_SET that takes a right away is EACCES for who sleeps by it',
    steps: `0 msgget 0 5 0x3b6,0 set 0 0 0 0x1b6 1,0 msgsnd 0 1 1 1 0,1& msgsnd 0 2 1 2 0,2& msgrcv 0 9 5 0,
      0 set 0 0 0 0x180 1,1?,2=,0 set 0 0 0 0x180 100,1=`,
  },
  {
    says: 'IPC_RMID is EIDRM for all who sleep',
    steps: `0 msgget 0 5 0x3b6,0 set 0 0 0 0x1b6 1,0 msgsnd 0 1 1 1 0,1& msgsnd 0 2 1 2 0,2& msgrcv 0 9 5 0,3& msgrcv 0 9 6 0,
      0 rmid 0,1=,2=,3=`,
  },
  {
    says: 'POSIX receivers are served in order of arrival, and do not fire a notification',
    steps: `0 mq_open 0 22 0x1b6 2 5 :/q,1 mq_open 0 2 0 0 0 :/q,2 mq_open 0 2 0 0 0 :/q,0 mq_notify 0 1,1& mq_receive 0 5 -1,
      2& mq_receive 0 5 1,0 mq_send 0 3 2 1 0,0 mq_send 0 9 2 2 0,1=,2=,1 mq_notify 0 1,0 mq_send 0 0 1 3 0,1 mq_notify 0 1`,
  },
  {
    says: 'POSIX senders get the places that come free',
    steps: `0 mq_open 0 22 0x1b6 1 5 :/q,1 mq_open 0 2 0 0 0 :/q,2 mq_open 0 2 0 0 0 :/q,0 mq_send 0 5 2 1 0,1& mq_send 0 1 1 2 -1,
      2& mq_send 0 9 3 3 1,0 mq_receive 0 5 0,1=,2?,0 mq_receive 0 5 0,2=,0 mq_getattr 0,0 mq_receive 0 5 0,0 mq_receive 0 5 0`,
  },
]

describe.skipIf(absence)(`queues against Linux${absence ? ` (skipped: ${absence})` : ''}`, () => {
  let oracle: import('./native-queues.ts').QueueOracle
  let isResourceful: boolean
  beforeAll(async () => {
    oracle = new (native as typeof import('./native-queues.ts')).QueueOracle()
    isResourceful = await oracle.isResourceful()
  })
  afterAll(() => oracle?.[Symbol.dispose]())

  async function compare(all: readonly string[], show: (line: string) => string): Promise<void> {
    const steps = all.filter((step) => isResourceful || !passesLimits(step))
    const native = oracle.run(steps)
    // Only who waits for whole seconds waits beside the other: in what order Linux lets sleepers in should not hang on what runs meanwhile.
    if (!steps.includes('0 wait')) await native
    await using kernel = await boot({ memory: '16MiB' })
    await using ours = new QueueSteps(kernel)
    const found: string[] = []
    for (const step of steps) found.push(show(await ours.run(step)))
    const expected = (await native).map(show)
    kernel.check()
    const lines = (said: string[]) => steps.map((step, i) => `${step} => ${said[i]}`)
    expect(lines(found)).toEqual(lines(expected))
  }

  test('random scripts have the same outcomes', async () => {
    const seed = seedOf()
    const numRuns = effort(SCRIPTS)
    console.log(`queues: ISOPAGE_SEED=${seed}, ${numRuns} scripts`)
    await fc.assert(
      fc.asyncProperty(scripts, (steps) => compare(steps, anyTime)),
      { seed, numRuns },
    )
  })

  for (const { says, steps } of WRITTEN) {
    // Times are whole seconds, so those scripts wait for whole seconds: once, in Node, is enough.
    const timed = steps.includes('wait')
    const title = timed ? `${says} (Deno, Bun: slow)` : says
    test.skipIf(timed && !inNode && !soak)(title, async () => {
      const list = steps.split(',').map((step) => step.trim())
      await compare(list, timed ? (line) => line : anyTime)
    })
  }
})

/** Where no second passes on purpose, whether a time moved is chance. */
function anyTime(line: string): string {
  return line.replaceAll(/times (\S+)/g, (text) => text.replaceAll('+', '='))
}

/** Root's steps that pass the limits of everybody: there is root without the right to. */
function passesLimits(step: string): boolean {
  const [who, call, , second, , third, fourth] = step.replace(/ :\S+/, '').split(' ')
  if (who !== '0') return false
  if (call === 'set') return Number(fourth) > 16_384
  return call === 'mq_open' && second !== undefined && (Number(third) > 10 || Number(fourth) > 8192)
}
