/** SEMANTICS: conditions, barriers and read-write locks in mapped pages, by their C names: each rule and errno. */

import { expect, test } from 'vitest'
import { asleep, Caller } from '../support/caller.ts'
import { outcome } from '../support/errno.ts'
import {
  at,
  beginLocks,
  caller,
  cond,
  dieHolding,
  kernel,
  p,
  page,
  q,
  TYPES,
  there,
  thereCond,
  word,
} from '../support/locks.ts'
import { pause } from '../support/pause.ts'

beginLocks()

/** A thread locks the mutex, waits, and unlocks. => what the wait and the unlock said. */
async function waiter(index: number, process = q, mutex = there, condition = thereCond) {
  expect(await caller(index).call(process, 'pthread_mutex_lock', mutex)).toBeUndefined()
  const waited = await caller(index).call(process, 'pthread_cond_wait', condition, mutex)
  return [waited, await caller(index).call(process, 'pthread_mutex_unlock', mutex)]
}

test('a condition gives up the mutex while it waits, and has it again after', async () => {
  const waits = waiter(0)
  await asleep(kernel, 1)
  p.pthread_mutex_lock(at)
  p.pthread_cond_signal(cond)
  await asleep(kernel, 1)
  p.pthread_mutex_unlock(at)
  expect(await waits).toEqual([undefined, undefined])
  expect(word(0)).toBe(0)
})

test('a condition wakes one by signal, the one that waited longest, and all by broadcast', async () => {
  const done: number[] = []
  const waits: Promise<unknown>[] = []
  for (const index of [0, 1, 2]) {
    waits.push(waiter(index).then(() => done.push(index)))
    await asleep(kernel, index + 1)
  }
  p.pthread_cond_signal(cond)
  await waits[0]
  expect(done).toEqual([0])
  expect(kernel.stats().sleepers).toBe(2)
  q.pthread_cond_broadcast(thereCond)
  await Promise.all(waits)
  p.pthread_cond_signal(cond)
  p.pthread_cond_broadcast(cond)
})

test('a condition may be destroyed as soon as its last waiter was woken', async () => {
  const waits = [waiter(0), waiter(1)]
  await asleep(kernel, 2)
  p.pthread_mutex_lock(at)
  p.pthread_cond_broadcast(cond)
  p.pthread_cond_destroy(cond)
  page.setWord(64, 0xdead)
  p.pthread_mutex_unlock(at)
  expect(await Promise.all(waits)).toEqual([
    [undefined, undefined],
    [undefined, undefined],
  ])
  expect(word(64)).toBe(0xdead)
})

test('a broadcast wakes timed waiters and others alike, with every type of mutex and on each clock', async () => {
  for (const clock of ['realtime', 'monotonic'] as const) {
    for (const type of TYPES) {
      p.pthread_mutex_init(at, { type, robust: clock === 'monotonic' })
      p.pthread_cond_init(cond, { clock })
      const untimed = waiter(0)
      await caller(1).call(p, 'pthread_mutex_lock', at)
      const deadline = p.clock_gettime(clock) + 60_000
      const timed = caller(1).call(p, 'pthread_cond_timedwait', cond, at, deadline)
      await asleep(kernel, 2)
      q.pthread_cond_broadcast(thereCond)
      expect(await timed).toBeUndefined()
      const again = await caller(1).call(p, 'pthread_mutex_trylock', at)
      expect(again).toBe(type === 'recursive' ? undefined : 'EBUSY')
      if (type === 'recursive') await caller(1).call(p, 'pthread_mutex_unlock', at)
      await caller(1).call(p, 'pthread_mutex_unlock', at)
      expect(await untimed).toEqual([undefined, undefined])
    }
  }
})

test('a condition is EPERM for a mutex that the thread does not own, whatever its type', async () => {
  for (const type of TYPES) {
    p.pthread_mutex_init(at, { type })
    expect(await caller(0).call(q, 'pthread_cond_wait', thereCond, there)).toBe('EPERM')
    p.pthread_mutex_init(at, { type, robust: true })
    expect(await caller(0).call(q, 'pthread_cond_wait', thereCond, there)).toBe('EPERM')
  }
})

test('a condition times out on its own clock with the mutex locked', async () => {
  for (const clock of ['realtime', 'monotonic'] as const) {
    p.pthread_cond_init(cond, { clock })
    await caller(0).call(q, 'pthread_mutex_lock', there)
    const deadline = p.clock_gettime(clock) + 5
    const waits = caller(0).call(q, 'pthread_cond_timedwait', thereCond, there, deadline)
    expect(await waits).toBe('ETIMEDOUT')
    expect(outcome(() => p.pthread_mutex_trylock(at))).toBe('EBUSY')
    expect(await caller(0).call(q, 'pthread_mutex_unlock', there)).toBeUndefined()
  }
  const clock = 'sundial' as 'realtime'
  expect(outcome(() => p.pthread_cond_init(cond, { clock }))).toBe('ERR_OUT_OF_RANGE')
})

test('a condition gives up a recursive mutex whole, and takes it back as often', async () => {
  p.pthread_mutex_init(at, { type: 'recursive' })
  await caller(0).call(q, 'pthread_mutex_lock', there)
  await caller(0).call(q, 'pthread_mutex_lock', there)
  const waits = caller(0).call(q, 'pthread_cond_wait', thereCond, there)
  await asleep(kernel, 1)
  p.pthread_mutex_lock(at)
  p.pthread_mutex_unlock(at)
  p.pthread_cond_signal(cond)
  expect(await waits).toBeUndefined()
  expect(await caller(0).call(q, 'pthread_mutex_unlock', there)).toBeUndefined()
  expect(outcome(() => p.pthread_mutex_trylock(at))).toBe('EBUSY')
  expect(await caller(0).call(q, 'pthread_mutex_unlock', there)).toBeUndefined()
})

test('a condition goes on waiting after an interrupt, and never says EINTR', async () => {
  const waits = waiter(0)
  await asleep(kernel, 1)
  expect(q.interrupt()).toBe(0)
  expect(kernel.stats().sleepers).toBe(1)
  p.pthread_cond_signal(cond)
  expect(await waits).toEqual([undefined, undefined])
})

test('a condition says EOWNERDEAD when the mutex’s owner died while it waited', async () => {
  p.pthread_mutex_init(at, { robust: true })
  const waits = waiter(0, p, at, cond)
  await asleep(kernel, 1)
  await dieHolding(there)
  p.pthread_cond_signal(cond)
  expect(await waits).toEqual(['EOWNERDEAD', undefined])
  expect(outcome(() => p.pthread_mutex_lock(at))).toBe('ENOTRECOVERABLE')
})

test('a condition lets the process of a waiter exit', async () => {
  const waits = caller(0)
    .call(q, 'pthread_mutex_lock', there)
    .then(() => caller(0).call(q, 'pthread_cond_wait', thereCond, there))
  await asleep(kernel, 1)
  p.pthread_mutex_lock(at)
  q.exit()
  expect(['EINTR', 'ESRCH']).toContain(await waits)
  p.pthread_mutex_unlock(at)
})

test('a condition waits in the promise form, and an abort has the mutex', async () => {
  p.pthread_mutex_lock(at)
  const waits = p.promises.pthread_cond_wait(cond, at)
  await asleep(kernel, 1)
  expect(await caller(0).call(q, 'pthread_cond_signal', thereCond)).toBeUndefined()
  await waits
  expect(word(0)).toBe(p.owner)
  const stop = new AbortController()
  const aborted = p.promises.pthread_cond_wait(cond, at, { signal: stop.signal })
  await asleep(kernel, 1)
  stop.abort()
  await expect(aborted).rejects.toThrow(expect.objectContaining({ code: 'ABORT_ERR' }))
  p.pthread_mutex_unlock(at)
})

test('a condition is EBUSY to destroy while somebody waits, and EINVAL in every use after', async () => {
  const waits = waiter(0)
  await asleep(kernel, 1)
  expect(outcome(() => p.pthread_cond_destroy(cond))).toBe('EBUSY')
  p.pthread_cond_broadcast(cond)
  await waits
  p.pthread_cond_destroy(cond)
  expect(outcome(() => p.pthread_cond_destroy(cond))).toBe('EINVAL')
  expect(outcome(() => p.pthread_cond_signal(cond))).toBe('EINVAL')
  expect(outcome(() => p.pthread_cond_broadcast(cond))).toBe('EINVAL')
  await caller(0).call(q, 'pthread_mutex_lock', there)
  expect(await caller(0).call(q, 'pthread_cond_wait', thereCond, there)).toBe('EINVAL')
  await caller(0).call(q, 'pthread_mutex_unlock', there)
})

test('a barrier lets all go when the last of its threads has come, and one of them knows', async () => {
  p.pthread_barrier_init(cond, 3)
  for (let round = 0; round < 3; round++) {
    const waits = [
      caller(0).call(p, 'pthread_barrier_wait', cond),
      caller(1).call(q, 'pthread_barrier_wait', thereCond),
    ]
    await asleep(kernel, 2)
    waits.push(caller(2).call(q, 'pthread_barrier_wait', thereCond))
    expect(await Promise.all(waits)).toEqual([false, false, true])
  }
})

test('a barrier counts no waiter that was killed, and goes on waiting after an interrupt', async () => {
  p.pthread_barrier_init(cond, 2)
  const doomed = await Caller.start(kernel)
  const lost = doomed.call(q, 'pthread_barrier_wait', thereCond).catch(() => 'lost')
  await asleep(kernel, 1)
  await doomed.kill()
  await Promise.race([lost, pause(10)])
  const again = caller(0).call(p, 'pthread_barrier_wait', cond)
  await asleep(kernel, 1)
  expect(p.interrupt()).toBe(0)
  expect(await p.promises.pthread_barrier_wait(cond)).toBe(true)
  expect(await again).toBe(false)
})

test('a barrier is EINVAL of 0 threads or where there is none, EBUSY to change while somebody waits', async () => {
  expect(outcome(() => p.pthread_barrier_init(cond, 0))).toBe('EINVAL')
  expect(outcome(() => p.pthread_barrier_wait(cond))).toBe('EINVAL')
  expect(outcome(() => p.pthread_barrier_destroy(cond))).toBe('EINVAL')
  p.pthread_barrier_init(cond, 2)
  const waits = caller(0).call(q, 'pthread_barrier_wait', thereCond)
  await asleep(kernel, 1)
  expect(outcome(() => p.pthread_barrier_init(cond, 1))).toBe('EBUSY')
  expect(outcome(() => p.pthread_barrier_destroy(cond))).toBe('EBUSY')
  expect(p.pthread_barrier_wait(cond)).toBe(true)
  expect(await waits).toBe(false)
  p.pthread_barrier_destroy(cond)
  p.pthread_barrier_init(cond, 1)
  expect(p.pthread_barrier_wait(cond)).toBe(true)
})

test('an rwlock is shared by readers, and had by one writer alone', async () => {
  p.pthread_rwlock_rdlock(at)
  expect(await caller(0).call(q, 'pthread_rwlock_rdlock', there)).toBeUndefined()
  expect(await caller(1).call(q, 'pthread_rwlock_trywrlock', there)).toBe('EBUSY')
  const writer = caller(1).call(q, 'pthread_rwlock_wrlock', there)
  await asleep(kernel, 1)
  p.pthread_rwlock_unlock(at)
  expect(kernel.stats().sleepers).toBe(1)
  expect(await caller(0).call(q, 'pthread_rwlock_unlock', there)).toBeUndefined()
  expect(await writer).toBeUndefined()
  expect(outcome(() => p.pthread_rwlock_tryrdlock(at))).toBe('EBUSY')
  expect(outcome(() => p.pthread_rwlock_trywrlock(at))).toBe('EBUSY')
  expect(outcome(() => p.pthread_rwlock_unlock(at))).toBe('EPERM')
  expect(await caller(1).call(q, 'pthread_rwlock_unlock', there)).toBeUndefined()
  expect(outcome(() => p.pthread_rwlock_unlock(at))).toBe('EPERM')
})

test('an rwlock’s readers are let in when the writer before them gives up, whatever it unmapped meanwhile', async () => {
  p.pthread_rwlock_rdlock(at)
  const deadline = Date.now() + 2000
  const writer = caller(0).call(q, 'pthread_rwlock_timedwrlock', there, deadline)
  let left = false
  void writer.then(() => (left = true))
  while (kernel.stats().sleepers !== 1 && !left) await pause(1)
  const readers = [1, 2].map((index) =>
    caller(index).call(p, 'pthread_rwlock_timedrdlock', at, deadline + 60_000),
  )
  while (kernel.stats().sleepers !== 3 && !left) await pause(1)
  q.munmap(there - (there % q.pageSize), q.pageSize)
  expect(['ETIMEDOUT', 'SIGSEGV']).toContain(await writer)
  expect(await Promise.all(readers)).toEqual([undefined, undefined])
  for (let i = 0; i < 3; i++) p.pthread_rwlock_unlock(at)
})

test('an rwlock’s writer is EDEADLK to lock it again, EBUSY to try, and one reader too many EAGAIN', () => {
  p.pthread_rwlock_wrlock(at)
  expect(outcome(() => p.pthread_rwlock_wrlock(at))).toBe('EDEADLK')
  expect(outcome(() => p.pthread_rwlock_rdlock(at))).toBe('EDEADLK')
  expect(outcome(() => p.pthread_rwlock_timedwrlock(at, 1))).toBe('EDEADLK')
  expect(outcome(() => p.pthread_rwlock_trywrlock(at))).toBe('EBUSY')
  p.pthread_rwlock_unlock(at)
  page.setWord(0, 0x3ffffffe)
  expect(outcome(() => p.pthread_rwlock_rdlock(at))).toBe('EAGAIN')
  expect(outcome(() => p.pthread_rwlock_tryrdlock(at))).toBe('EAGAIN')
})

test('an rwlock times out with ETIMEDOUT at a deadline since 1970, but is taken when it is free', async () => {
  expect(await caller(0).call(q, 'pthread_rwlock_timedwrlock', there, 1)).toBeUndefined()
  for (const name of ['pthread_rwlock_timedwrlock', 'pthread_rwlock_timedrdlock'] as const) {
    expect(await caller(1).call(p, name, at, new Date(1))).toBe('ETIMEDOUT')
    expect(await caller(1).call(p, name, at, Date.now() + 5)).toBe('ETIMEDOUT')
  }
  expect(await caller(0).call(q, 'pthread_rwlock_unlock', there)).toBeUndefined()
  expect(await caller(0).call(q, 'pthread_rwlock_timedrdlock', there, 1)).toBeUndefined()
  expect(await caller(1).call(p, 'pthread_rwlock_timedrdlock', at, 1)).toBeUndefined()
  expect(await caller(0).call(q, 'pthread_rwlock_unlock', there)).toBeUndefined()
  expect(await caller(1).call(p, 'pthread_rwlock_unlock', at)).toBeUndefined()
})

test('an rwlock lets no new reader pass a writer that waits, and readers in when that gives up', async () => {
  for (const how of ['timed out', 'killed'] as const) {
    p.pthread_rwlock_rdlock(at)
    const doomed = how === 'killed' ? await Caller.start(kernel) : caller(0)
    const writer =
      how === 'timed out'
        ? doomed.call(q, 'pthread_rwlock_timedwrlock', there, Date.now() + 5000)
        : doomed.call(q, 'pthread_rwlock_wrlock', there)
    const gone = writer.catch(() => 'killed')
    await asleep(kernel, 1)
    expect(outcome(() => p.pthread_rwlock_tryrdlock(at))).toBe('EBUSY')
    const reader = caller(1).call(p, 'pthread_rwlock_rdlock', at)
    if (how !== 'timed out') await asleep(kernel, 2)
    expect(q.interrupt()).toBe(0)
    if (how === 'killed') await doomed.kill()
    else expect(await gone).toBe('ETIMEDOUT')
    expect(await reader).toBeUndefined()
    p.pthread_rwlock_unlock(at)
    expect(await caller(1).call(p, 'pthread_rwlock_unlock', at)).toBeUndefined()
  }
})

test('an rwlock is EBUSY to destroy while it is locked, and EINVAL in every use after', () => {
  p.pthread_rwlock_rdlock(at)
  expect(outcome(() => q.pthread_rwlock_destroy(there))).toBe('EBUSY')
  p.pthread_rwlock_unlock(at)
  q.pthread_rwlock_destroy(there)
  for (const act of ['rdlock', 'wrlock', 'tryrdlock', 'trywrlock', 'unlock', 'destroy'] as const) {
    expect(outcome(() => p[`pthread_rwlock_${act}`](at))).toBe('EINVAL')
  }
  p.pthread_rwlock_init(at)
  p.pthread_rwlock_wrlock(at)
  p.pthread_rwlock_unlock(at)
})

test('an rwlock waits in the promise form, and an abort ends it, not locked', async () => {
  await caller(0).call(q, 'pthread_rwlock_wrlock', there)
  const stop = new AbortController()
  const waits = p.promises.pthread_rwlock_rdlock(at, { signal: stop.signal })
  await asleep(kernel, 1)
  stop.abort()
  await expect(waits).rejects.toThrow(expect.objectContaining({ code: 'ABORT_ERR' }))
  const later = p.promises.pthread_rwlock_wrlock(at)
  await asleep(kernel, 1)
  await caller(0).call(q, 'pthread_rwlock_unlock', there)
  await later
  expect(outcome(() => p.pthread_rwlock_rdlock(at))).toBe('EDEADLK')
  p.pthread_rwlock_unlock(at)
})
