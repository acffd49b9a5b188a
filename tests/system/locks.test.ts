/** SEMANTICS: mutexes in mapped pages, by their C names: each rule and errno. */

import { expect, test } from 'vitest'
import { PROT } from '../../dist/src/index.js'
import { asleep, Caller } from '../support/caller.ts'
import { outcome } from '../support/errno.ts'
import {
  at,
  beginLocks,
  caller,
  dieHolding,
  kernel,
  p,
  page,
  q,
  TYPES,
  there,
  word,
} from '../support/locks.ts'

beginLocks()

for (const type of TYPES) {
  for (const name of ['plain', 'robust']) {
    const robust = name === 'robust'
    test(`a ${name} ${type} mutex excludes other threads and processes`, async () => {
      p.pthread_mutex_init(at, { type, robust })
      p.pthread_mutex_lock(at)
      expect(await caller(0).call(p, 'pthread_mutex_trylock', at)).toBe('EBUSY')
      expect(await caller(0).call(q, 'pthread_mutex_trylock', there)).toBe('EBUSY')
      expect(outcome(() => q.pthread_mutex_trylock(there))).toBe('EBUSY')
      p.pthread_mutex_unlock(at)
      expect(await caller(0).call(q, 'pthread_mutex_trylock', there)).toBeUndefined()
      expect(outcome(() => p.pthread_mutex_trylock(at))).toBe('EBUSY')
      expect(await caller(0).call(q, 'pthread_mutex_unlock', there)).toBeUndefined()
    })

    test(`a ${name} ${type} mutex is unlocked by its owner alone, EPERM`, async () => {
      p.pthread_mutex_init(at, { type, robust })
      expect(outcome(() => p.pthread_mutex_unlock(at))).toBe('EPERM')
      p.pthread_mutex_lock(at)
      expect(outcome(() => q.pthread_mutex_unlock(there))).toBe('EPERM')
      expect(await caller(0).call(p, 'pthread_mutex_unlock', at)).toBe('EPERM')
      p.pthread_mutex_unlock(at)
      expect(outcome(() => p.pthread_mutex_unlock(at))).toBe('EPERM')
    })

    test(`a ${name} ${type} mutex lets a waiter in when it is unlocked`, async () => {
      p.pthread_mutex_init(at, { type, robust })
      p.pthread_mutex_lock(at)
      const waits = caller(0).call(q, 'pthread_mutex_lock', there)
      await asleep(kernel, 1)
      expect(kernel.sleepers()).toMatchObject([{ pid: q.pid, on: 'word' }])
      p.pthread_mutex_unlock(at)
      expect(await waits).toBeUndefined()
      expect(await caller(0).call(q, 'pthread_mutex_unlock', there)).toBeUndefined()
      expect(word(0)).toBe(0)
    })

    test(`a ${name} ${type} mutex times out with ETIMEDOUT at a deadline since 1970, but is taken when it is free`, async () => {
      p.pthread_mutex_init(at, { type, robust })
      const past = new Date(1000)
      expect(await caller(0).call(p, 'pthread_mutex_timedlock', at, past)).toBeUndefined()
      expect(await caller(1).call(p, 'pthread_mutex_timedlock', at, past)).toBe('ETIMEDOUT')
      const before = Date.now()
      const soon = Date.now() + 30
      expect(await caller(1).call(q, 'pthread_mutex_timedlock', there, soon)).toBe('ETIMEDOUT')
      expect(Date.now()).toBeGreaterThanOrEqual(before + 29)
      const clock = p.clock_gettime('monotonic') + 5
      const call = caller(1).call(q, 'pthread_mutex_clocklock', there, 'monotonic', clock)
      expect(await call).toBe('ETIMEDOUT')
      expect(await caller(0).call(p, 'pthread_mutex_unlock', at)).toBeUndefined()
    })

    test(`a ${name} ${type} mutex is EBUSY to destroy while it is locked, and EINVAL in every use after`, () => {
      p.pthread_mutex_init(at, { type, robust })
      p.pthread_mutex_lock(at)
      expect(outcome(() => q.pthread_mutex_destroy(there))).toBe('EBUSY')
      p.pthread_mutex_unlock(at)
      q.pthread_mutex_destroy(there)
      for (const act of ['lock', 'trylock', 'unlock', 'consistent', 'destroy'] as const) {
        expect(outcome(() => p[`pthread_mutex_${act}`](at))).toBe('EINVAL')
      }
      p.pthread_mutex_init(at, { type, robust })
      p.pthread_mutex_lock(at)
      p.pthread_mutex_unlock(at)
    })

    test(`a ${name} ${type} mutex goes on waiting after an interrupt, and never says EINTR`, async () => {
      p.pthread_mutex_init(at, { type, robust })
      p.pthread_mutex_lock(at)
      const waits = caller(0).call(q, 'pthread_mutex_lock', there)
      await asleep(kernel, 1)
      expect(q.interrupt()).toBe(0)
      expect(kernel.stats().sleepers).toBe(1)
      p.pthread_mutex_unlock(at)
      expect(await waits).toBeUndefined()
      expect(await caller(0).call(q, 'pthread_mutex_unlock', there)).toBeUndefined()
      expect(word(0) & 0x3fffffff).toBe(0)
    })

    test(`a ${name} ${type} mutex locked again by its owner does what its type says`, async () => {
      p.pthread_mutex_init(at, { type, robust })
      p.pthread_mutex_lock(at)
      const again = () => p.pthread_mutex_trylock(at)
      expect(outcome(again)).toBe(type === 'recursive' ? 'ok' : 'EBUSY')
      if (type === 'errorcheck') {
        expect(outcome(() => p.pthread_mutex_lock(at))).toBe('EDEADLK')
        expect(outcome(() => p.pthread_mutex_timedlock(at, 0))).toBe('EDEADLK')
      }
      if (type === 'recursive') {
        page.setWord(8, 0xfffffffe)
        expect(outcome(() => p.pthread_mutex_lock(at))).toBe('EAGAIN')
        page.setWord(8, 1)
        p.pthread_mutex_unlock(at)
        expect(await caller(0).call(q, 'pthread_mutex_trylock', there)).toBe('EBUSY')
      }
      p.pthread_mutex_unlock(at)
      expect(word(0) & 0x3fffffff).toBe(0)
      if (type !== 'normal') return
      expect(await caller(0).call(q, 'pthread_mutex_lock', there)).toBeUndefined()
      expect(await caller(0).call(q, 'pthread_mutex_timedlock', there, 1)).toBe('ETIMEDOUT')
      expect(await caller(0).call(q, 'pthread_mutex_unlock', there)).toBeUndefined()
    })
  }
}

for (const type of TYPES) {
  for (const how of ['killed', 'exit'] as const) {
    test(`a robust ${type} mutex whose holder is gone (${how}) is EOWNERDEAD to the next, who may make it consistent`, async () => {
      p.pthread_mutex_init(at, { type, robust: true })
      await dieHolding(there, how)
      expect(outcome(() => p.pthread_mutex_lock(at))).toBe('EOWNERDEAD')
      expect(await caller(0).call(p, 'pthread_mutex_trylock', at)).toBe('EBUSY')
      expect(await caller(0).call(p, 'pthread_mutex_consistent', at)).toBe('EINVAL')
      p.pthread_mutex_consistent(at)
      expect(outcome(() => p.pthread_mutex_consistent(at))).toBe('EINVAL')
      p.pthread_mutex_unlock(at)
      expect(await caller(0).call(p, 'pthread_mutex_lock', at)).toBeUndefined()
      expect(await caller(0).call(p, 'pthread_mutex_unlock', at)).toBeUndefined()
    })
  }

  test(`a robust ${type} mutex unlocked without consistent is ENOTRECOVERABLE for ever, to those who wait too, until init`, async () => {
    p.pthread_mutex_init(at, { type, robust: true })
    await dieHolding(there)
    expect(outcome(() => p.pthread_mutex_trylock(at))).toBe('EOWNERDEAD')
    const waits = [0, 1].map((index) => caller(index).call(q, 'pthread_mutex_lock', there))
    await asleep(kernel, 2)
    p.pthread_mutex_unlock(at)
    expect(await Promise.all(waits)).toEqual(['ENOTRECOVERABLE', 'ENOTRECOVERABLE'])
    expect(outcome(() => p.pthread_mutex_lock(at))).toBe('ENOTRECOVERABLE')
    expect(outcome(() => p.pthread_mutex_trylock(at))).toBe('ENOTRECOVERABLE')
    expect(outcome(() => p.pthread_mutex_unlock(at))).toBe('EPERM')
    p.pthread_mutex_destroy(at)
    p.pthread_mutex_init(at, { type, robust: true })
    p.pthread_mutex_lock(at)
    p.pthread_mutex_unlock(at)
  })

  test(`a robust ${type} mutex wakes one who waits when its holder dies`, async () => {
    p.pthread_mutex_init(at, { type, robust: true })
    const holder = await Caller.start(kernel)
    expect(await holder.call(q, 'pthread_mutex_lock', there)).toBeUndefined()
    const waits = [0, 1].map((index) => caller(index).call(p, 'pthread_mutex_lock', at))
    await asleep(kernel, 2)
    await holder.kill()
    const index = await Promise.race(waits.map((wait, i) => wait.then(() => i)))
    expect(await waits[index]).toBe('EOWNERDEAD')
    expect(await caller(index).call(p, 'pthread_mutex_consistent', at)).toBeUndefined()
    expect(await caller(index).call(p, 'pthread_mutex_unlock', at)).toBeUndefined()
    expect(await waits[1 - index]).toBeUndefined()
    expect(await caller(1 - index).call(p, 'pthread_mutex_unlock', at)).toBeUndefined()
  })

  test(`a robust ${type} mutex is EOWNERDEAD again when the one who was told dies too`, async () => {
    p.pthread_mutex_init(at, { type, robust: true })
    await dieHolding(there)
    const heir = await Caller.start(kernel)
    expect(await heir.call(p, 'pthread_mutex_lock', at)).toBe('EOWNERDEAD')
    await heir.kill()
    expect(outcome(() => q.pthread_mutex_lock(there))).toBe('EOWNERDEAD')
    q.pthread_mutex_consistent(there)
    q.pthread_mutex_unlock(there)
  })

  test(`a robust ${type} mutex is EOWNERDEAD when a thread that held it leaves the process`, async () => {
    p.pthread_mutex_init(at, { type, robust: true })
    const holder = await Caller.start(kernel)
    expect(await holder.call(q, 'pthread_mutex_lock', there)).toBeUndefined()
    await holder.thread.call('leave')
    expect(outcome(() => p.pthread_mutex_lock(at))).toBe('EOWNERDEAD')
    p.pthread_mutex_unlock(at)
    await holder.kill()
  })

  test(`a robust ${type} mutex is EOWNERDEAD also when the holder had unmapped it`, async () => {
    p.pthread_mutex_init(at, { type, robust: true })
    const holder = await Caller.start(kernel)
    expect(await holder.call(q, 'pthread_mutex_lock', there)).toBeUndefined()
    q.munmap(there, 4096)
    await holder.kill()
    expect(outcome(() => p.pthread_mutex_lock(at))).toBe('EOWNERDEAD')
    p.pthread_mutex_unlock(at)
  })
}

test('a mutex that is not robust stays locked when its holder dies', async () => {
  await dieHolding(there)
  expect(outcome(() => p.pthread_mutex_trylock(at))).toBe('EBUSY')
  expect(await caller(0).call(p, 'pthread_mutex_timedlock', at, Date.now() + 5)).toBe('ETIMEDOUT')
})

test('consistent is EINVAL for what is not robust, or not inconsistent', () => {
  p.pthread_mutex_lock(at)
  expect(outcome(() => p.pthread_mutex_consistent(at))).toBe('EINVAL')
  p.pthread_mutex_unlock(at)
  p.pthread_mutex_init(at, { robust: true })
  p.pthread_mutex_lock(at)
  expect(outcome(() => p.pthread_mutex_consistent(at))).toBe('EINVAL')
  p.pthread_mutex_unlock(at)
})

test('what is unaligned is EINVAL, not mapped or not to be written SIGSEGV, no option TypeError', () => {
  expect(outcome(() => p.pthread_mutex_lock(at + 2))).toBe('EINVAL')
  expect(outcome(() => p.pthread_mutex_lock(0xf000_0000))).toBe('SIGSEGV')
  expect(outcome(() => p.pthread_mutex_lock(0))).toBe('SIGSEGV')
  page.map.protect(PROT.READ)
  expect(outcome(() => p.pthread_mutex_lock(at))).toBe('SIGSEGV')
  const type = 'fast' as 'normal'
  expect(outcome(() => p.pthread_mutex_init(at, { type }))).toBe('ERR_OUT_OF_RANGE')
  expect(outcome(() => p.pthread_mutex_timedlock(at, Number.NaN))).toBe('ERR_INVALID_ARG_TYPE')
  expect(outcome(() => p.pthread_mutex_lock('x' as unknown as number))).toBe('ERR_INVALID_ARG_TYPE')
})

test('the promise form locks for the thread that asked, which unlocks', async () => {
  p.pthread_mutex_init(at, { type: 'errorcheck', robust: true })
  await p.promises.pthread_mutex_lock(at)
  expect(word(0)).toBe(p.owner)
  expect(outcome(() => p.pthread_mutex_lock(at))).toBe('EDEADLK')
  p.pthread_mutex_unlock(at)
})

test('the promise form waits, and an abort ends it, not locked', async () => {
  await caller(0).call(q, 'pthread_mutex_lock', there)
  const stop = new AbortController()
  const waits = p.promises.pthread_mutex_lock(at, { signal: stop.signal })
  await asleep(kernel, 1)
  stop.abort()
  await expect(waits).rejects.toThrow(expect.objectContaining({ code: 'ABORT_ERR' }))
  const later = p.promises.pthread_mutex_lock(at)
  await asleep(kernel, 1)
  await caller(0).call(q, 'pthread_mutex_unlock', there)
  await later
  p.pthread_mutex_unlock(at)
})

test('the promise form is owned by the life of the thread that asked, not of the one that waits for it', async () => {
  p.pthread_mutex_init(at, { robust: true })
  const asker = await Caller.start(kernel)
  expect(await asker.call(q, 'pthread_mutex_lock', there)).toBeUndefined()
  await asker.kill()
  await expect(p.promises.pthread_mutex_lock(at)).rejects.toThrow(
    expect.objectContaining({ code: 'EOWNERDEAD' }),
  )
  p.pthread_mutex_consistent(at)
  await p.promises.pthread_mutex_unlock(at)
})
