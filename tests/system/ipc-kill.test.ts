/**
 * Processes that are killed at random moments inside and outside of calls of interprocess communication. After each death the kernel is whole, the
 * semaphore's undo has let the next in, the robust mutex says EOWNERDEAD, and in the end nothing is left.
 */

import { expect, test } from 'vitest'
import { boot, IPC, type Kernel, type Mapping, type Process, SEM } from '../../dist/src/index.js'
import { inBrowser, inNode } from '../conformance/runtime.ts'
import { seedOf, soak } from '../support/effort.ts'
import { Hammers } from '../support/hammers.ts'
import { pause } from '../support/pause.ts'
import { randomOf } from '../support/random.ts'
import { COUNTERS, GATE, type Meeting, MUTEX } from './ipc-kill.meeting.ts'

/** Browsers take up to seconds to end a busy worker; a new one takes a tenth of a second anywhere. */
const ROUNDS = soak ? (inBrowser ? 300 : inNode ? 10_000 : 2000) : inBrowser ? 6 : inNode ? 40 : 15
const ALLOWED_FRAMES = 64

test('killed processes leave no lock held, no undo undone, no object, sleeper or frame behind', async () => {
  const seed = seedOf()
  const random = randomOf(seed)
  await using kernel = await boot({ memory: '32MiB', stallMs: 10_000 })
  const keeper = new Keeper(kernel)
  const hammers = hammersOf(kernel, keeper.meeting, seed)
  await hammers.muster()
  await keeper.look() // starts service workers, which keep their buffers
  const before = kernel.stats()
  for (let round = 0; round < ROUNDS; round++) {
    const victim = await hammers.take()
    await pause(random(6))
    await kernel.terminate(victim.worker)
    kernel.check()
    await keeper.look()
  }
  await Promise.all(hammers.disband().map(({ worker }) => kernel.terminate(worker)))
  console.log(
    `ipc kill: ISOPAGE_SEED=${seed}, ${ROUNDS} rounds, ${keeper.recovered} locks recovered`,
  )
  keeper.end()
  kernel.check()
  const { processes, mappings, segments, queues, semaphoreSets, sleepers, ...after } =
    kernel.stats()
  expect({ processes, mappings, segments, queues, semaphoreSets, sleepers }).toEqual({
    processes: 0,
    mappings: 0,
    segments: 0,
    queues: 0,
    semaphoreSets: 0,
    sleepers: 0,
  })
  expect(before.framesFree - after.framesFree).toBeLessThan(ALLOWED_FRAMES)
  expect(after.framesCommitted - before.framesCommitted).toBeLessThan(ALLOWED_FRAMES)
}, 10_800_000)

/** Goes through the gate and the mutex after each death, as the next user would. */
class Keeper {
  readonly #kernel: Kernel
  readonly #p: Process
  readonly #map: Mapping
  readonly #words: Int32Array
  readonly meeting: Meeting
  recovered = 0

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    const p = kernel.process()
    const mode = IPC.CREAT | 0o666
    const segment = p.shmget(1, 4096, mode)
    this.meeting = { queue: p.msgget(1, mode), semaphores: p.semget(1, 4, mode), segment }
    p.semctl(this.meeting.semaphores, GATE, SEM.SETVAL, 1)
    for (const num of [1, 2, 3]) p.semctl(this.meeting.semaphores, num, SEM.SETVAL, 5)
    this.#p = p
    this.#map = p.shmat(segment)
    this.#words = new Int32Array(this.#map.buffer, this.#map.byteOffset, 1024)
    p.pthread_mutex_init(this.#map.address + MUTEX, { robust: true })
  }

  async look(): Promise<void> {
    const { semaphores } = this.meeting
    const p = this.#p.promises
    await p.semtimedop(semaphores, [{ num: GATE, op: -1, flags: SEM.UNDO }], 30_000)
    // Whoever died inside had added to the first word alone, or to none, or to both.
    const [first, second] = [this.#words[COUNTERS] as number, this.#words[COUNTERS + 1] as number]
    expect(first - second === 0 || first - second === 1, `${first} and ${second}`).toBe(true)
    this.#words[COUNTERS + 1] = first
    await p.semop(semaphores, [{ num: GATE, op: 1, flags: SEM.UNDO }])
    await this.#lock()
    expect(this.#words[COUNTERS + 2]).toBe(this.#words[COUNTERS + 3])
    this.#p.pthread_mutex_unlock(this.#map.address + MUTEX)
  }

  async #lock(): Promise<void> {
    const mutex = this.#map.address + MUTEX
    try {
      await this.#p.promises.pthread_mutex_timedlock(mutex, Date.now() + 30_000)
    } catch (error) {
      if ((error as { code?: string }).code !== 'EOWNERDEAD') throw error
      this.recovered++
      this.#words[COUNTERS + 3] = this.#words[COUNTERS + 2] as number
      this.#p.pthread_mutex_consistent(mutex)
    }
  }

  /** Removes what is there; what a killed process had not yet removed of its own, too. */
  end(): void {
    const p = this.#p
    const { shm, msg, sem } = this.#kernel.ipcs()
    for (const { id } of shm) p.shmctl(id, IPC.RMID)
    for (const { id } of msg) p.msgctl(id, IPC.RMID)
    for (const { id } of sem) p.semctl(id, 0, IPC.RMID)
    const unlinks = ['/q0', '/q1'].map((name) => () => p.mq_unlink(name))
    unlinks.push(...['/m0', '/m1'].map((name) => () => p.shm_unlink(name)))
    for (const unlink of unlinks) {
      try {
        unlink()
      } catch (error) {
        if ((error as { code?: string }).code !== 'ENOENT') throw error
      }
    }
    p.exit()
  }
}

function hammersOf(kernel: Kernel, meeting: Meeting, seed: number): Hammers {
  return new Hammers({
    kernel,
    module: new URL('./ipc-kill.thread.ts', import.meta.url),
    most: Math.min(ROUNDS + 2, 8),
    least: 2,
    args: (number) => [meeting, seed + number],
  })
}
