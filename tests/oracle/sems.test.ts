/**
 * The same steps on Linux's semaphores and on Isopage's, System V and POSIX: every outcome is the same, and so are the fields of semid_ds, values,
 * pids and counts of sleepers after each step. Random scripts of processes that never wait, of processes that do, and written ones.
 */

import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boot } from '../../dist/src/index.js'
import { inBrowser, inNode } from '../conformance/runtime.ts'
import { effort, seedOf, soak } from '../support/effort.ts'
import { SemSteps } from './sem-steps.ts'

const SCRIPTS = 2000
const SLEEPING_SCRIPTS = 80
const NOWAIT = 0x800
const UNDO = 0x1000

const native = inBrowser ? undefined : await import('./native-sems.ts')
const absence = native ? await native.semsAbsence() : 'a browser runs no native program'

const one = (...values: (number | string)[]) => fc.constantFrom(...values)
const slot = one(0, 1, 2)
const mode = one(0o600, 0o666, 0o620, 0o640, 0o604, 0o602, 0)
const num = one(0, 0, 1, 1, 2, 3, -1, 70)

/** A call: its name, then what stands behind it. */
const call = (name: string, ...parts: fc.Arbitrary<number | string>[]) =>
  fc.tuple(...parts).map((values) => `${name} ${values.join(' ')}`)

/** One to three operations. */
const operations = (nums: fc.Arbitrary<number | string>, ...flags: number[]) =>
  fc
    .array(fc.tuple(nums, one(-2, -1, -1, 0, 0, 1, 1, 2, 32_767), one(...flags)), {
      minLength: 1,
      maxLength: 3,
    })
    .map((ops) => ops.flat().join(' '))

const systemV = fc.oneof(
  fc
    .tuple(
      slot,
      one(0, 1, 2, -1),
      one(0, 1, 2, 3, 3, 70, -1, 32_001),
      one(0, 0x200, 0x600, 0x400),
      mode,
    )
    .map(([at, key, count, flags, bits]) => {
      return `semget ${at} ${key} ${count} ${Number(flags) | Number(bits)}`
    }),
  {
    weight: 6,
    arbitrary: call('semop', slot, one(0), operations(one(0, 1, 2, 69, 5000), 0, NOWAIT, UNDO)),
  },
  call('setval', slot, num, one(0, 1, 5, 32_767, 32_768, -1)),
  call('setall', slot, one(0, 1, 3, 40_000), one(0, 2), one(1), one(0)),
  call('set', slot, one(0, 1001, 1003), one(0, 2001, 2003), mode),
  ...['getval', 'getpid', 'getncnt', 'getzcnt'].map((name) => call(name, slot, num)),
  ...['getall', 'stat', 'stat_slot', 'stat_any', 'rmid'].map((name) => call(name, slot)),
  call('info', one(0, 1)),
  fc.constant('end'),
)

const name = one(':/a', ':/b', ':c')
const badName = one(':', ':/', ':/a/b', ':a/', `:/${'x'.repeat(252)}`)
const sem = one(0, 1, 2, 3, 4, 5)
const posix = fc.oneof(
  {
    weight: 4,
    arbitrary: call('sem_open', one(3, 4, 5), one(0, 1, 1, 3), mode, one(0, 1, 2, 2 ** 31), name),
  },
  call('sem_open', one(3, 4, 5), one(0, 1), mode, one(0), badName),
  call('sem_unlink', fc.oneof({ weight: 3, arbitrary: name }, badName)),
  call('sem_init', one(0, 1, 2), one(0, 1, 2 ** 31 - 1, 2 ** 31)),
  { weight: 3, arbitrary: call('sem_post', sem) },
  { weight: 2, arbitrary: call('sem_trywait', sem) },
  { weight: 2, arbitrary: call('sem_timedwait', sem, one(0, 1)) },
  { weight: 2, arbitrary: call('sem_getvalue', sem) },
  call('sem_close', one(3, 4, 5)),
  fc.constant('end'),
)

/** Steps of any of the four processes; root has made something to begin with. */
const script = (calls: fc.Arbitrary<string>, maxLength: number, first: string[]) =>
  fc
    .array(
      fc.tuple(one(0, 0, 1, 1, 2, 3), calls).map(([who, text]) => `${who} ${text}`),
      { maxLength },
    )
    .map((steps) => [...first, ...steps])

const scripts = fc.oneof(
  script(systemV, 40, ['1 semget 0 1 3 0x3b6', '0 semget 1 0 2 0x3a0']),
  script(posix, 40, ['1 sem_open 3 1 0x1b6 2 :/a', '0 sem_open 3 1 0x1b6 0 :/b']),
)

/** Operations that may sleep, and what lets sleepers go. */
const sleeping = script(
  fc.oneof(
    {
      weight: 5,
      arbitrary: operations(one(0, 1, 2), 0, 0, 0, UNDO, NOWAIT).map((ops) => `&semop 0 -1 ${ops}`),
    },
    { weight: 2, arbitrary: call('setval', one(0), one(0, 1, 2), one(0, 1, 2)) },
    call('setall', one(0), one(0, 1, 3), one(0, 2), one(1)),
    fc.constant('end'),
  ),
  16,
  ['0 semget 0 1 3 0x3b6'],
).map((steps) => steps.map((step) => step.replace(/^(\d) &/, '$1& ')))

/** Written scripts: the times, and what random ones meet too seldom. */
const WRITTEN = [
  {
    says: 'each time moves with the call that moves it, and with no other',
    steps: `0 semget 0 5 2 0x380,0 wait,0 semop 0 -1 0 1 0,0 wait,0 stat 0,0 semop 0 -1 1 0 0,0 wait,0 semop 0 -1 1 0 ${NOWAIT} 0 0 ${NOWAIT},
      0 wait,0 setval 0 1 2,0 wait,0 setall 0 1 1,0 wait,0 set 0 0 0 0x180,0 wait,0 getall 0,1 end,0 wait,0 semop 0 -1 0 1 ${UNDO},0 wait,0 end`,
  },
  {
    says: 'SETVAL that lets a sleeper go moves otime and ctime',
    steps:
      '0 semget 0 5 2 0x3b6,1& semop 0 -1 0 -1 0,0 wait,0 setval 0 0 1,1=,0 wait,0 setval 0 0 1',
  },
  {
    says: 'zero-waiters go before decrements, and arrays that refill let others go',
    steps: `0 semget 0 5 2 0x3b6,0 semop 0 -1 0 1 0,1& semop 0 -1 0 -2 0,2& semop 0 -1 0 0 0 0 2 0,3& semop 0 -1 0 0 0 1 0 0,
      0 semop 0 -1 0 -1 0,1=,2=,3=`,
  },
  {
    says: 'an array of zero-waits is counted where it was last seen to wait',
    steps: `0 semget 0 5 3 0x3b6,0 setall 0 1 1 1,1& semop 0 -1 0 0 0 1 0 0,0 semop 0 -1 0 -1 0,0 semop 0 -1 0 1 0,0 setval 0 2 5,
      0 setval 0 2 0,0 semop 0 -1 1 -1 0,0 semop 0 -1 0 -1 0,1=`,
  },
  {
    says: 'RMID is EIDRM for all who sleep',
    steps:
      '0 semget 0 5 1 0x3b6,1& semop 0 -1 0 -1 0,2& semop 0 -1 0 -1 4096,3& semop 0 -1 0 1 0 0 -2 0,0 rmid 0,1=,2=,3=',
  },
  {
    says: 'an exit undoes, and lets sleepers go that it makes room for',
    steps: `0 semget 0 5 2 0x3b6,1 semop 0 -1 0 3 ${UNDO} 1 1 ${UNDO},2& semop 0 -1 0 0 0,3& semop 0 -1 0 -4 0,1 end,2=,3?,0 semop 0 -1 0 4 0,3=`,
  },
  {
    says: 'an exit in the middle of a sleep takes nothing',
    steps: `0 semget 0 5 1 0x3b6,1& semop 0 -1 0 -1 ${UNDO},2& semop 0 -1 0 -1 0,1 end,0 semop 0 -1 0 1 0,2=,0 semop 0 0 0 -1 0`,
  },
  {
    says: 'an adjustment past its range is ERANGE',
    steps: `0 semget 0 5 1 0x3b6,1 semop 0 0 0 32767 ${UNDO},0 semop 0 0 0 -32767 0,1 semop 0 0 0 1 ${UNDO},1 semop 0 0 0 1 ${UNDO},
      1 semop 0 0 0 -1 ${UNDO} 0 2 ${UNDO},1 end`,
  },
  {
    says: 'POSIX sleepers each get a unit',
    steps:
      '1& sem_wait 0,2& sem_wait 0,0 sem_post 0,0 sem_post 0,1=,2=,0 sem_trywait 0,0 sem_post 0,0 sem_trywait 0',
  },
]

describe.skipIf(absence)(
  `semaphores against Linux${absence ? ` (skipped: ${absence})` : ''}`,
  () => {
    let oracle: import('./native-sems.ts').SemOracle
    beforeAll(() => {
      oracle = new (native as typeof import('./native-sems.ts')).SemOracle()
    })
    afterAll(() => oracle?.[Symbol.dispose]())

    async function compare(all: readonly string[], show: (line: string) => string): Promise<void> {
      await using kernel = await boot({ memory: '16MiB' })
      await using ours = new SemSteps(kernel)
      const script = [...all, ...endOf(all)]
      // What waits for whole seconds is written so that no step is left out: both sides wait at once.
      const early = all.includes('0 wait') ? oracle.run(script) : undefined
      const steps: string[] = []
      const found: string[] = []
      for (const step of script) {
        const which = Number(step[0])
        const asks = step[1] === '=' || step[1] === '?'
        const begun = ours.begun(which)
        if (asks ? begun === 'none' : begun === 'asleep' && !step.endsWith('end')) continue
        const before = !asks && begun === 'ended' && !step.endsWith('end') ? [`${which}=`] : []
        for (const each of [...before, step]) {
          steps.push(each)
          found.push(show(await ours.run(each)))
        }
      }
      kernel.check()
      if (early) expect(steps).toEqual(script)
      const expected = (await (early ?? oracle.run(steps))).map(show)
      const lines = (said: string[]) => steps.map((step, i) => `${step} => ${said[i]}`)
      expect(lines(found)).toEqual(lines(expected))
    }

    test('random scripts have the same outcomes', async () => {
      const seed = seedOf()
      const numRuns = effort(SCRIPTS)
      console.log(`sems: ISOPAGE_SEED=${seed}, ${numRuns} scripts`)
      await fc.assert(
        fc.asyncProperty(scripts, (steps) => compare(steps, anyTime)),
        { seed, numRuns },
      )
    })

    test('random scripts with sleepers have the same outcomes', async () => {
      const seed = seedOf()
      const numRuns = effort(SLEEPING_SCRIPTS)
      await fc.assert(
        fc.asyncProperty(sleeping, (steps) => compare(steps, anyTime)),
        { seed, numRuns },
      )
    })

    for (const { says, steps } of WRITTEN) {
      // Times are whole seconds, so those scripts wait for whole seconds: once, in Node, is enough.
      const timed = steps.includes('wait,')
      const title = timed ? `${says} (Deno, Bun: slow)` : says
      test.skipIf(timed && !inNode && !soak)(title, async () => {
        const list = steps.split(',').map((step) => step.trim())
        await compare(list, timed ? (line) => line : anyTime)
      })
    }
  },
)

/** A script with sleepers ends by removing the set. */
function endOf(steps: readonly string[]): string[] {
  return steps.some((step) => step[1] === '&' && step.includes('semop'))
    ? ['0 end', '0 rmid 0']
    : []
}

/** Where no second passes on purpose, whether a time moved is chance. */
function anyTime(line: string): string {
  return line.replaceAll(/times (\S+)/g, (text) => text.replaceAll('+', '='))
}
