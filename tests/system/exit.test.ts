/**
 * A process that has something of every kind of interprocess communication, and a thread asleep in each call that sleeps, ends: by exit, by `kernel.terminate(worker)` and by
 * a raw terminate of all its threads. What POSIX says of each thing happens, and the kernel has as much free as before.
 */

import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  boot,
  F,
  IPC,
  type Kernel,
  LOCK,
  MAP,
  type Mapping,
  O,
  type Process,
  SEM,
} from '../../dist/src/index.js'
import { codeOf, inBrowser } from '../conformance/runtime.ts'
import { asleep, Caller, type Owned } from '../support/caller.ts'
import { soak } from '../support/effort.ts'
import { untilReaped } from '../support/reaped.ts'

const PAGE = 4096
/** In the survivor's segment: a robust mutex. In the segment of the one that ends: locks that others sleep on. */
const ROBUST = 0
const LOCKS = { mutex: 0, condition: 64, itsMutex: 128, barrier: 192, rwlock: 256, word: 1024 }
const QUEUE = { maxmsg: 1, msgsize: 16 }
/** How many calls sleep. */
const SLEEPS = 19
/** Time enough that no sleep ends by it. */
const LONG_MS = 1e8

let kernel: Kernel
let survivor: Survivor

beforeAll(async () => {
  kernel = await boot({ memory: '32MiB', stallMs: 10_000 })
  survivor = new Survivor(kernel.process())
})
afterAll(async () => {
  survivor.p.exit()
  kernel.check()
  await kernel.close()
})

/** What the one that ends found, and others go on with. */
class Survivor {
  readonly p: Process
  readonly queue: number
  readonly semaphores: number
  readonly segment: number
  readonly map: Mapping
  readonly mqd: number

  constructor(p: Process) {
    this.p = p
    const mode = IPC.CREAT | 0o600
    this.queue = p.msgget(1, mode)
    p.msgsnd(this.queue, 1, new Uint8Array(8192))
    p.msgsnd(this.queue, 1, new Uint8Array(8192))
    this.semaphores = p.semget(1, 2, mode)
    p.semctl(this.semaphores, 0, SEM.SETVAL, 1)
    this.segment = p.shmget(1, PAGE, mode)
    this.map = p.shmat(this.segment)
    p.pthread_mutex_init(this.map.address + ROBUST, { robust: true })
    this.mqd = p.mq_open('/notified', O.CREAT | O.RDWR, QUEUE)
    const fd = p.open('/locked', O.CREAT | O.RDWR)
    p.flock(fd, LOCK.EX)
    p.fcntl(fd, F.SETLK, { type: F.WRLCK })
  }

  /** The end of the other was seen by all that it had; each is as a next user wants it. */
  async expectReleased(): Promise<void> {
    const { p } = this
    expect(p.semctl(this.semaphores, 0, SEM.GETVAL)).toBe(1)
    expect(p.semctl(this.semaphores, 1, SEM.GETNCNT)).toBe(0)
    expect(p.msgctl(this.queue, IPC.STAT)).toMatchObject({ qnum: 2, cbytes: 16_384 })
    const mutex = this.map.address + ROBUST
    expect(await codeOf(() => p.pthread_mutex_lock(mutex))).toBe('EOWNERDEAD')
    p.pthread_mutex_consistent(mutex)
    p.pthread_mutex_unlock(mutex)
    p.mq_notify(this.mqd, () => {}) // EBUSY as long as another is registered
    p.mq_notify(this.mqd, null)
    expect(kernel.ipcs().shm).toMatchObject([{ id: this.segment, nattch: 1 }])
  }
}

/** The process that ends, run by the threads of its crew. The first has made all; the others sleep. */
class Life {
  readonly #maker: Caller
  readonly process: Owned

  private constructor(maker: Caller, process: Owned) {
    this.#maker = maker
    this.process = process
  }

  /** @param first the sleep of the second of the crew; the third has the next */
  static async begin(crew: readonly Caller[], first: number): Promise<Life> {
    const [maker, ...others] = crew as [Caller, ...Caller[]]
    const life = new Life(maker, await maker.spawn())
    await life.#holdAll()
    const sleeps = (await life.#sleeps()).slice(first, first + others.length)
    await Promise.all(sleeps.map((sleep, at) => sleep(others[at] as Caller)))
    await asleep(kernel, sleeps.length)
    return life
  }

  /** Makes a call that must not fail. */
  async #call<T = unknown>(name: keyof Process, ...args: unknown[]): Promise<T> {
    const value = await this.#maker.call<T>(this.process, name, ...args)
    if (typeof value === 'string') throw new Error(`${String(name)}: ${value}`)
    return value
  }

  /** Attach, undo, robust mutex, descriptor of a queue, registration, POSIX object without a name. */
  async #holdAll(): Promise<void> {
    const { semaphores, segment } = survivor
    const shared = await this.#call<Mapping>('shmat', segment)
    await this.#call('pthread_mutex_lock', shared.address + ROBUST)
    await this.#call('semop', semaphores, [{ num: 0, op: -1, flags: SEM.UNDO }])
    const mqd = await this.#call('mq_open', '/notified', O.RDWR)
    await this.#maker.thread.call('notify', this.process.pid, mqd)
    const fd = await this.#call<number>('shm_open', '/own', O.CREAT | O.RDWR)
    await this.#call('ftruncate', fd, 8 * PAGE)
    await this.#call('pwrite', fd, new Uint8Array(8 * PAGE).fill(1), 0)
    await this.#call('mmap', { fd, length: 8 * PAGE, flags: MAP.SHARED })
    await this.#call('shm_unlink', '/own')
  }

  /** => one sleep for each call that sleeps, on things of the survivor and things of its own. */
  async #sleeps(): Promise<((caller: Caller) => Promise<void>)[]> {
    const { queue, semaphores } = survivor
    const at = await this.#lockAll()
    const [empty, full] = await this.#queues()
    const [unnamed, named] = await this.#posixSemaphores()
    const fd = await this.#call('open', '/locked', O.RDWR)
    const deadline = Date.now() + LONG_MS
    const calls: [keyof Process, ...unknown[]][] = [
      ['semop', semaphores, [{ num: 1, op: -1, flags: SEM.UNDO }]],
      [
        'semtimedop',
        semaphores,
        [
          { num: 0, op: 0, flags: 0 },
          { num: 1, op: -1 },
        ],
        LONG_MS,
      ],
      ['msgsnd', queue, 1, new Uint8Array(100)],
      ['msgrcv', queue, { type: 5 }],
      ['mq_receive', empty],
      ['mq_timedreceive', empty, deadline],
      ['mq_send', full, new Uint8Array(16)],
      ['mq_timedsend', full, new Uint8Array(16), 0, deadline],
      ['sem_wait', unnamed],
      ['sem_timedwait', named, deadline],
      ['pthread_mutex_lock', at.mutex],
      ['pthread_mutex_timedlock', at.mutex, deadline],
      ['pthread_barrier_wait', at.barrier],
      ['pthread_rwlock_rdlock', at.rwlock],
      ['pthread_rwlock_wrlock', at.rwlock],
      ['futexWait', at.word, 0],
      ['flock', fd, LOCK.EX],
      ['fcntl', fd, F.SETLKW, { type: F.WRLCK }],
    ]
    const sleeps = calls.map((call) => async (caller: Caller) => this.#sleep(caller, call))
    sleeps.push((caller) => this.#sleepOnCondition(caller, at))
    expect(sleeps).toHaveLength(SLEEPS)
    return sleeps
  }

  #sleep(caller: Caller, [name, ...args]: [keyof Process, ...unknown[]]): void {
    caller.call(this.process, name, ...args).catch(() => {}) // its thread ends in it
  }

  async #sleepOnCondition(caller: Caller, at: typeof LOCKS): Promise<void> {
    await caller.call(this.process, 'pthread_mutex_lock', at.itsMutex)
    this.#sleep(caller, ['pthread_cond_wait', at.condition, at.itsMutex])
  }

  /** Locks in a removed segment, all held. => where they are. */
  async #lockAll(): Promise<typeof LOCKS> {
    const id = await this.#call('shmget', IPC.PRIVATE, PAGE, 0o600)
    const { address } = await this.#call<Mapping>('shmat', id)
    await this.#call('shmctl', id, IPC.RMID)
    const at = Object.fromEntries(
      Object.entries(LOCKS).map(([name, offset]) => [name, address + offset]),
    ) as typeof LOCKS
    for (const mutex of [at.mutex, at.itsMutex]) await this.#call('pthread_mutex_init', mutex)
    await this.#call('pthread_mutex_lock', at.mutex)
    await this.#call('pthread_cond_init', at.condition)
    await this.#call('pthread_barrier_init', at.barrier, 2)
    await this.#call('pthread_rwlock_init', at.rwlock)
    await this.#call('pthread_rwlock_wrlock', at.rwlock)
    return at
  }

  /** => an empty queue and a full one, without names. */
  async #queues(): Promise<[number, number]> {
    const queues = [0, 0]
    for (const [i, name] of ['/empty', '/full'].entries()) {
      queues[i] = await this.#call<number>('mq_open', name, O.CREAT | O.RDWR, QUEUE)
      await this.#call('mq_unlink', name)
    }
    await this.#call('mq_send', queues[1], new Uint8Array(16))
    return queues as [number, number]
  }

  /** => two semaphores of value 0: in memory of its own, and one whose name is gone. */
  async #posixSemaphores(): Promise<[number, number]> {
    const { address } = await this.#call<Mapping>('mmap', { length: PAGE })
    await this.#call('sem_init', address, false, 0)
    const named = await this.#call<number>('sem_open', '/own', O.CREAT, 0o600, 0)
    await this.#call('sem_unlink', '/own')
    return [address, named]
  }

  exit(): Promise<unknown> {
    return this.#call('exit')
  }
}

/** The maker, and a thread for each sleep; a browser takes half a second to start one. */
const CREW = soak || !inBrowser ? SLEEPS + 1 : 6
const idle: Caller[] = []

/** => threads that wait for work: `count` of those that there are, or new ones. */
async function takeCrew(count: number): Promise<Caller[]> {
  const missing = Math.max(0, count - idle.length)
  idle.push(...(await Promise.all(Array.from({ length: missing }, () => Caller.start(kernel)))))
  return idle.splice(0, count)
}

type End = (life: Life, crew: readonly Caller[]) => Promise<unknown>

const killAll: End = (_life, crew) => Promise.all(crew.map((caller) => caller.kill()))

const terminateRaw: End = async (_life, crew) => {
  await Promise.all(crew.map(({ thread }) => thread.end()))
  for (const { thread } of crew) expect(await untilReaped(kernel, thread)).toBe(true)
}

/** Begins a life and ends it: the next user finds all as it should be. */
async function liveOnce(crew: readonly Caller[], first: number, end: End): Promise<void> {
  await end(await Life.begin(crew, first), crew)
  await asleep(kernel, 0)
  await survivor.expectReleased()
  kernel.check()
}

test('exit releases everything, whatever its threads sleep in', async () => {
  const crew = await takeCrew(CREW)
  const exit: End = (life) => life.exit()
  await liveOnce(crew, 0, exit) // what stays with the kernel for good comes with the first life
  const before = kernel.stats()
  await liveOnce(crew, 0, exit)
  expect(kernel.stats()).toEqual(before)
  idle.push(...crew)
})

// A worker takes long to start: outside of the soak each sleep ends in one of the two ways.
for (const [says, end, first] of [
  ['kernel.terminate() of all threads', killAll, 0],
  ['a raw terminate of all threads', terminateRaw, CREW / 2],
] as const) {
  test(`${says} releases everything, whatever they sleep in`, async () => {
    const crew = await takeCrew(soak ? CREW : CREW / 2)
    const before = kernel.stats()
    await liveOnce(crew, soak ? 0 : first, end)
    expect(kernel.stats()).toEqual(before)
  })
}
