/**
 * The same steps with locks in a shared page on Linux (locks.c, glibc) and on Isopage: every call says the same.
 *
 * Left out, because POSIX leaves it open and glibc goes its own way: a second lock of a normal mutex, unlocks of a normal mutex or of an rwlock by who
 * does not have it (Isopage: EPERM), use after destroy (EINVAL), destroy of a locked robust mutex (glibc allows it, Isopage says EBUSY). And a timed lock
 * or a trylock of a mutex that is not recoverable: glibc 2.36 says ENOTRECOVERABLE and keeps its word locked, so that others are told EBUSY, or ends with
 * SIGSEGV; Isopage says ENOTRECOVERABLE to all. And a trylock by its owner of a mutex both robust and errorcheck: EDEADLK in glibc, which POSIX does not
 * have there; EBUSY here, as of one that is not robust. And, in random scripts, a refused pthread_mutex_consistent: glibc lets also those make a mutex
 * consistent who do not hold it, when it was orphaned twice.
 */

import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boot, type Kernel, MAP, type Mapping, O, type Process } from '../../dist/src/index.js'
import { inBrowser } from '../conformance/runtime.ts'
import { effort, seedOf } from '../support/effort.ts'
import { outcome } from '../support/errno.ts'

const native = inBrowser ? undefined : await import('./native.ts')
const absence = native ? native.absence() : 'a browser has no C compiler'
const SCRIPTS = 4000

const TYPES = ['normal', 'recursive', 'errorcheck'] as const
/** Where the locks of each kind lie, one every 16 bytes. */
const BASES = { m: 0, c: 256, b: 512, r: 768 }
const PAST = 1000

const WRITTEN: readonly { says: string; script: string }[] = [
  {
    says: 'a normal mutex',
    script:
      'minit 0 0, mlock 0, otry 0, mtrylock 0, munlock 0, otry 0, mtimedlock 0, otry 0, munlock 0, mconsistent 0, mdestroy 0',
  },
  {
    says: 'a recursive mutex counts',
    script:
      'minit 0 1, mlock 0, mlock 0, mtrylock 0, mtimedlock 0, munlock 0, munlock 0, munlock 0, otry 0, munlock 0, otry 0, munlock 0, mdestroy 0',
  },
  {
    says: 'an errorcheck mutex refuses',
    script:
      'minit 0 2, munlock 0, mlock 0, mlock 0, mtrylock 0, mtimedlock 0, ounlock 0, munlock 0, munlock 0, mdestroy 0',
  },
  ...[4, 5, 6].flatMap((kind) => [
    {
      says: `a robust mutex of kind ${kind}, mended`,
      script: `minit 0 ${kind}, odie 0, mlock 0, ounlock 0, otry 0, mconsistent 0, mconsistent 0, munlock 0, mlock 0, munlock 0, mdestroy 0`,
    },
    {
      says: `a robust mutex of kind ${kind}, not mended`,
      script: `minit 0 ${kind}, odie 0, mtrylock 0, munlock 0, mlock 0, mtrylock 0, mtimedlock 0, otry 0, munlock 0, mconsistent 0, mdestroy 0`,
    },
    {
      says: `a robust mutex of kind ${kind}, twice orphaned`,
      script: `minit 0 ${kind}, odie 0, odie 0, mtimedlock 0, odie 0, mconsistent 0, odie 0, munlock 0, odie 0, otry 0, otry 0, mlock 0, munlock 0`,
    },
  ]),
  {
    says: 'conditions',
    script:
      'minit 0 2, cinit 0 0, csignal 0, cbroadcast 0, ctimedwait 0 0, mlock 0, ctimedwait 0 0, otry 0, munlock 0, cdestroy 0, cinit 0 1, mlock 0, ctimedwait 0 0, munlock 0, minit 1 4, ctimedwait 0 1, mlock 1, ctimedwait 0 1, munlock 1',
  },
  {
    says: 'barriers',
    script: 'binit 0 0, binit 0 1, bwait 0, bwait 0, bdestroy 0, binit 0 2, bdestroy 0',
  },
  {
    says: 'rwlocks',
    script:
      'rinit 0, rrdlock 0, rrdlock 0, ortryrd 0, ortrywr 0, rtrywrlock 0, rtimedwrlock 0, rtimedrdlock 0, runlock 0, runlock 0, runlock 0, rwrlock 0, rwrlock 0, rrdlock 0, rtryrdlock 0, rtrywrlock 0, rtimedrdlock 0, rtimedwrlock 0, ortryrd 0, ortrywr 0, runlock 0, ortrywr 0, rdestroy 0',
  },
]

/** Steps that mean the same to both whatever came before, but for a robust recursive one that is unlocked inconsistent: glibc errs at each unlock. */
const MUTEX_STEPS = ['mlock', 'mtrylock', 'mtimedlock', 'munlock', 'mconsistent', 'otry', 'ounlock']

function mutexScripts(): fc.Arbitrary<string[]> {
  const kinds = fc.constantFrom(1, 2, 6)
  return kinds.chain((kind) => {
    const steps = kind >= 4 ? [...MUTEX_STEPS, 'odie', 'odie'] : MUTEX_STEPS
    const known = kind === 6 ? steps.filter((name) => name !== 'mtrylock') : steps
    const step = fc.constantFrom(...known).map((name) => `${name} 0`)
    return fc.array(step, { maxLength: 60 }).map((rest) => [`minit 0 ${kind}`, ...rest])
  })
}

describe.skipIf(absence)(`locks against Linux${absence ? ` (skipped: ${absence})` : ''}`, () => {
  let kernel: Kernel
  let oracle: import('./native.ts').LockOracle
  beforeAll(async () => {
    kernel = await boot({ memory: '32MiB' })
    oracle = new (native as typeof import('./native.ts')).LockOracle()
  })
  afterAll(async () => {
    oracle?.[Symbol.dispose]()
    await kernel?.close()
  })

  function compareRandom(script: readonly string[]): void {
    const before = run(kernel, script)
    compare(script.filter((step, i) => !isUnsure(step, before[i] as string)))
  }

  function compare(script: readonly string[]): void {
    const before = run(kernel, script)
    const steps = script.filter((step, i) => !isBroken(step, before[i] as string))
    const said = oracle.run(steps)
    const found = run(kernel, steps)
    const lines = (results: string[]) => steps.map((step, i) => `${step} => ${results[i]}`)
    expect(lines(found)).toEqual(lines(said))
    kernel.check()
  }

  test('random scripts have the same outcomes', () => {
    const seed = seedOf()
    const numRuns = effort(SCRIPTS)
    console.log(`lock oracle: ISOPAGE_SEED=${seed}, ${numRuns} scripts`)
    fc.assert(fc.property(mutexScripts(), compareRandom), { seed, numRuns })
  })

  test.for(WRITTEN)('$says', ({ script }) => compare(script.split(', ')))
})

/** => glibc gets it wrong. */
function isBroken(step: string, said: string): boolean {
  return said === 'ENOTRECOVERABLE' && !step.startsWith('mlock')
}

/** => glibc may say otherwise, by what came before. */
function isUnsure(step: string, said: string): boolean {
  return step.startsWith('mconsistent') && said === 'EINVAL'
}

/** What Isopage says to each step. */
function run(kernel: Kernel, steps: readonly string[]): string[] {
  using p = kernel.process()
  const map = share(p)
  const results = steps.map((step) => {
    const [name = '', i, n] = step.split(' ')
    if (name.startsWith('o')) return elsewhere(kernel, name, Number(i))
    return say(p, map, name, Number(i), Number(n))
  })
  p.shm_unlink('/oracle')
  return results
}

function share(process: Process): Mapping {
  const fd = process.shm_open('/oracle', O.CREAT | O.RDWR, 0o600)
  process.ftruncate(fd, 4096)
  return process.mmap({ fd, length: 4096, flags: MAP.SHARED })
}

function said(act: () => unknown): string {
  let serial = false
  const code = outcome(() => {
    serial = act() === true
  })
  return code === 'ok' ? (serial ? 'serial' : '0') : code
}

function say(p: Process, map: Mapping, step: string, i: number, n: number): string {
  const at = map.address + BASES[step[0] as keyof typeof BASES] + 16 * i
  const mutex = map.address + 16 * n
  const type = TYPES[n & 3] as (typeof TYPES)[number]
  const steps: Record<string, () => unknown> = {
    minit: () => p.pthread_mutex_init(at, { type, robust: (n & 4) !== 0 }),
    mlock: () => p.pthread_mutex_lock(at),
    mtrylock: () => p.pthread_mutex_trylock(at),
    mtimedlock: () => p.pthread_mutex_timedlock(at, PAST),
    munlock: () => p.pthread_mutex_unlock(at),
    mconsistent: () => p.pthread_mutex_consistent(at),
    mdestroy: () => p.pthread_mutex_destroy(at),
    cinit: () => p.pthread_cond_init(at, { clock: n ? 'monotonic' : 'realtime' }),
    csignal: () => p.pthread_cond_signal(at),
    cbroadcast: () => p.pthread_cond_broadcast(at),
    ctimedwait: () => p.pthread_cond_timedwait(at, mutex, PAST),
    cdestroy: () => p.pthread_cond_destroy(at),
    binit: () => p.pthread_barrier_init(at, n),
    bwait: () => p.pthread_barrier_wait(at),
    bdestroy: () => p.pthread_barrier_destroy(at),
    rinit: () => p.pthread_rwlock_init(at),
    rrdlock: () => p.pthread_rwlock_rdlock(at),
    rwrlock: () => p.pthread_rwlock_wrlock(at),
    rtryrdlock: () => p.pthread_rwlock_tryrdlock(at),
    rtrywrlock: () => p.pthread_rwlock_trywrlock(at),
    rtimedrdlock: () => p.pthread_rwlock_timedrdlock(at, PAST),
    rtimedwrlock: () => p.pthread_rwlock_timedwrlock(at, PAST),
    runlock: () => p.pthread_rwlock_unlock(at),
    rdestroy: () => p.pthread_rwlock_destroy(at),
  }
  return said(steps[step] as () => unknown)
}

/** The step of another process, which ends after it with whatever it has. */
function elsewhere(kernel: Kernel, step: string, i: number): string {
  using q = kernel.process()
  const { address } = share(q)
  const mutex = address + 16 * i
  const rwlock = address + BASES.r + 16 * i
  if (step === 'odie') return said(() => q.pthread_mutex_trylock(mutex))
  if (step === 'ounlock') return said(() => q.pthread_mutex_unlock(mutex))
  if (step === 'otry') {
    const result = said(() => q.pthread_mutex_trylock(mutex))
    if (result === 'EOWNERDEAD') q.pthread_mutex_consistent(mutex)
    if (result === '0' || result === 'EOWNERDEAD') q.pthread_mutex_unlock(mutex)
    return result
  }
  const write = step === 'ortrywr'
  const result = said(() =>
    write ? q.pthread_rwlock_trywrlock(rwlock) : q.pthread_rwlock_tryrdlock(rwlock),
  )
  if (result === '0') q.pthread_rwlock_unlock(rwlock)
  return result
}
