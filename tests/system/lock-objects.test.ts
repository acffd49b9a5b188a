/** Locks as objects of a mapping, and words to wait on: `map.mutex()` and its like, `map.wait`, `map.notify`. */

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { boot, type Kernel, MAP, type Mapping, type Process } from '../../dist/src/index.js'
import { asleep, Caller } from '../support/caller.ts'
import { outcome } from '../support/errno.ts'
import { SharedPage } from '../support/shared-page.ts'

let kernel: Kernel
let caller: Caller
let page: SharedPage
let p: Process
let q: Process
let map: Mapping

beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
  caller = await Caller.start(kernel)
})
beforeEach(() => {
  page = new SharedPage(kernel)
  p = page.p
  q = page.q
  map = page.map
  return () => {
    page.end()
    expect(kernel.stats()).toMatchObject({ sleepers: 0, processes: 0 })
  }
})
afterAll(async () => {
  await caller.kill()
  await kernel.close()
})

const code = (expected: string) => expect.objectContaining({ code: expected })

test('a mutex object and the calls by address are one lock', async () => {
  const mutex = map.mutex(0)
  expect(mutex.address).toBe(map.address)
  mutex.lock()
  expect(page.word(0)).toBe(p.owner)
  expect(mutex.tryLock()).toBe(false)
  expect(outcome(() => q.pthread_mutex_trylock(page.twin.address))).toBe('EBUSY')
  expect(outcome(() => page.twin.mutex(0).unlock())).toBe('EPERM')
  p.pthread_mutex_unlock(map.address)
  expect(mutex.tryLock()).toBe(true)
  const waits = caller.call(q, 'pthread_mutex_lock', page.twin.address)
  await asleep(kernel, 1)
  mutex.unlock()
  expect(await waits).toBeUndefined()
  expect(mutex.tryLock()).toBe(false)
  await caller.call(q, 'pthread_mutex_unlock', page.twin.address)
  expect(outcome(() => mutex.unlock())).toBe('EPERM')
})

test('a guard unlocks at the end of its block, whatever ends it', () => {
  const mutex = map.mutex(0, { type: 'recursive' })
  const failing = () => {
    using _held = mutex.lock()
    using _again = mutex.lock()
    throw new Error('inside')
  }
  expect(failing).toThrow('inside')
  expect(page.word(0)).toBe(0)
})

test('options make a mutex of zeros what they say; who names others later is refused with EINVAL', () => {
  const first = map.mutex(0, { type: 'errorcheck', robust: true })
  first.lock()
  expect(outcome(() => first.lock())).toBe('EDEADLK')
  first.unlock()
  expect(outcome(() => page.twin.mutex(0, { type: 'errorcheck', robust: true }))).toBe('ok')
  expect(outcome(() => page.twin.mutex(0))).toBe('ok')
  expect(outcome(() => page.twin.mutex(0, {}))).toBe('EINVAL')
  expect(outcome(() => map.mutex(0, { type: 'errorcheck' }))).toBe('EINVAL')
  expect(outcome(() => map.mutex(64, { type: 'fair' as 'normal' }))).toBe('ERR_OUT_OF_RANGE')
  const used = map.mutex(32)
  used.lock()
  expect(outcome(() => map.mutex(32, { robust: true }))).toBe('EINVAL')
  used.unlock()
  expect(map.barrier(96, 2)).toBeDefined()
  expect(outcome(() => map.barrier(96, 3))).toBe('EINVAL')
  expect(map.condition(128, { clock: 'monotonic' })).toBeDefined()
  expect(outcome(() => map.condition(128, { clock: 'realtime' }))).toBe('EINVAL')
})

test('each type locks as its calls by address do', () => {
  for (const [index, type] of (['normal', 'recursive', 'errorcheck'] as const).entries()) {
    for (const robust of [false, true]) {
      const mutex = map.mutex(64 * index + (robust ? 32 : 0), { type, robust })
      mutex.lock()
      expect(mutex.tryLock()).toBe(type === 'recursive')
      if (type === 'recursive') {
        mutex.lock()
        mutex.unlock()
        mutex.unlock()
      }
      if (type === 'errorcheck') expect(outcome(() => mutex.lock())).toBe('EDEADLK')
      mutex.unlock()
      expect(outcome(() => mutex.unlock())).toBe('EPERM')
      expect(mutex.tryLock()).toBe(true)
      mutex.unlock()
      expect(outcome(() => mutex.consistent())).toBe('EINVAL')
    }
  }
})

test('a robust one throws EOWNERDEAD with the lock held, and is whole once consistent', async () => {
  const mutex = map.mutex(0, { robust: true })
  await page.dieHolding(page.twin.address)
  expect(() => mutex.lock()).toThrow(code('EOWNERDEAD'))
  mutex.consistent()
  mutex.unlock()
  mutex.lock()
  mutex.unlock()
  await page.dieHolding(page.twin.address)
  expect(() => mutex.tryLock()).toThrow(code('EOWNERDEAD'))
  mutex.unlock()
  expect(() => mutex.lock()).toThrow(code('ENOTRECOVERABLE'))
  expect(() => mutex.tryLock()).toThrow(code('ENOTRECOVERABLE'))
})

test('the promise form waits for other threads, ends at timeoutMs, and by an AbortSignal', async () => {
  const mutex = map.mutex(0)
  {
    using _held = await mutex.promises.lock()
    expect(page.word(0)).toBe(p.owner)
  }
  expect(page.word(0)).toBe(0)
  await caller.call(q, 'pthread_mutex_lock', page.twin.address)
  await expect(mutex.promises.lock({ timeoutMs: 5 })).rejects.toThrow(code('ETIMEDOUT'))
  const stop = new AbortController()
  const waits = mutex.promises.lock({ signal: stop.signal })
  await asleep(kernel, 1)
  stop.abort()
  await expect(waits).rejects.toThrow(code('ABORT_ERR'))
  await expect(mutex.promises.lock({ signal: stop.signal })).rejects.toThrow(code('ABORT_ERR'))
  const later = mutex.promises.lock({ timeoutMs: 60_000 })
  await asleep(kernel, 1)
  await caller.call(q, 'pthread_mutex_unlock', page.twin.address)
  await later
  mutex.unlock()
})

test('a condition wakes who waits on it, and says when nobody did in time', async () => {
  const mutex = map.mutex(0)
  const condition = map.condition(32)
  condition.signal()
  condition.broadcast()
  mutex.lock()
  expect(await condition.promises.wait(mutex, { timeoutMs: 1 })).toBe('timed-out')
  const waits = condition.promises.wait(mutex)
  await asleep(kernel, 1)
  page.twin.condition(32).signal()
  expect(await waits).toBe('ok')
  const both = [condition.promises.wait(mutex, { timeoutMs: 60_000 })]
  await asleep(kernel, 1)
  condition.broadcast()
  expect(await Promise.all(both)).toEqual(['ok'])
  mutex.unlock()
  await expect(condition.promises.wait(mutex)).rejects.toThrow(code('EPERM'))
  p.pthread_cond_destroy(condition.address)
  expect(outcome(() => condition.signal())).toBe('EINVAL')
})

test('a barrier lets its threads go together, and an aborted one has not arrived', async () => {
  const barrier = map.barrier(0, 2)
  const stop = new AbortController()
  const waits = barrier.promises.wait({ signal: stop.signal })
  await asleep(kernel, 1)
  stop.abort()
  await expect(waits).rejects.toThrow(code('ABORT_ERR'))
  const first = caller.call(q, 'pthread_barrier_wait', page.twin.address)
  await asleep(kernel, 1)
  expect(barrier.wait()).toBe(true)
  expect(await first).toBe(false)
  expect(map.barrier(4, 1).wait()).toBe(true)
})

test('an rwlock object shares, excludes, and is one with the calls by address', async () => {
  const lock = map.rwlock(0)
  lock.read()
  expect(lock.tryRead()).toBe(true)
  expect(lock.tryWrite()).toBe(false)
  lock.unlock()
  const writer = caller.call(q, 'pthread_rwlock_wrlock', page.twin.address)
  await asleep(kernel, 1)
  expect(lock.tryRead()).toBe(false)
  lock.unlock()
  expect(await writer).toBeUndefined()
  const reader = lock.promises.read()
  await asleep(kernel, 1)
  expect(outcome(() => lock.unlock())).toBe('EPERM')
  await caller.call(q, 'pthread_rwlock_unlock', page.twin.address)
  {
    using _held = await reader
    expect(outcome(() => p.pthread_rwlock_trywrlock(lock.address))).toBe('EBUSY')
  }
  {
    using _held = lock.write()
    expect(outcome(() => lock.read())).toBe('EDEADLK')
    await expect(lock.promises.write()).rejects.toThrow(code('EDEADLK'))
  }
  expect(outcome(() => lock.unlock())).toBe('EPERM')
  await caller.call(q, 'pthread_rwlock_wrlock', page.twin.address)
  await expect(lock.promises.write({ timeoutMs: 1 })).rejects.toThrow(code('ETIMEDOUT'))
  await caller.call(q, 'pthread_rwlock_unlock', page.twin.address)
  expect(lock.tryWrite()).toBe(true)
  lock.unlock()
})

test('a lock leaves room for bytes, works across a page border, and is gone with its mapping', () => {
  const large = p.mmap({ length: 3 * 4096, flags: MAP.SHARED | MAP.ANONYMOUS })
  const mutex = large.mutex(4092, { type: 'recursive' })
  mutex.lock()
  mutex.lock()
  p.pthread_mutex_unlock(mutex.address)
  expect(large.bytes.length).toBe(3 * 4096)
  mutex.unlock()
  expect(outcome(() => large.mutex(2))).toBe('EINVAL')
  expect(outcome(() => large.mutex(3 * 4096 - 8))).toBe('ERR_OUT_OF_RANGE')
  const [condition, rwlock] = [large.condition(64), large.rwlock(80)]
  large.unmap()
  for (const act of [
    () => mutex.lock(),
    () => mutex.tryLock(),
    () => mutex.unlock(),
    () => condition.signal(),
    () => rwlock.read(),
    () => rwlock.unlock(),
    () => large.mutex(0),
  ]) {
    expect(outcome(act)).toBe('ERR_MAPPING_CLOSED')
  }
})

test('waiters on a word meet through every mapping of a shared page, not with those of a lock there', async () => {
  const waits = map.promises.wait(0, 0)
  await asleep(kernel, 1)
  expect(Atomics.notify(new Int32Array(map.buffer, map.byteOffset, 1), 0)).toBe(0)
  p.pthread_mutex_lock(page.map.address)
  expect(await map.promises.wait(0, 0)).toBe('not-equal')
  const locked = caller.call(q, 'pthread_mutex_lock', page.twin.address)
  await asleep(kernel, 2)
  expect(page.twin.notify(0)).toBe(1)
  expect(await waits).toBe('ok')
  expect(page.twin.notify(0)).toBe(0)
  p.pthread_mutex_unlock(page.map.address)
  expect(await locked).toBeUndefined()
  await caller.call(q, 'pthread_mutex_unlock', page.twin.address)
})

test('a wait on a word ends at timeoutMs and by an AbortSignal; private pages of two processes are two words', async () => {
  expect(await map.promises.wait(8, 0, { timeoutMs: 2 })).toBe('timed-out')
  const stop = new AbortController()
  const waits = map.promises.wait(8, 0, { signal: stop.signal, timeoutMs: 60_000 })
  await asleep(kernel, 1)
  stop.abort()
  await expect(waits).rejects.toThrow(code('ABORT_ERR'))
  const own = p.mmap({ length: 4096, addr: 0x9000_0000 })
  const theirs = q.mmap({ length: 4096, addr: 0x9000_0000 })
  const alone = own.promises.wait(0, 0)
  await asleep(kernel, 1)
  expect(theirs.notify(0)).toBe(0)
  expect(own.notify(0)).toBe(1)
  expect(await alone).toBe('ok')
})
