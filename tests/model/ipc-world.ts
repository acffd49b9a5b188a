/**
 * A kernel, one thread for each process, and the reference beside them, to run scripts of calls on. A call that should sleep is seen to
 * sleep; what should end its sleep is seen to end it, with the outcome that the reference says.
 *
 * Invariant: after a script no object, sleeper or frame is left.
 */

import { expect } from 'vitest'
import { boot, IPC, type Kernel, type Process, SEM } from '../../dist/src/index.js'
import { pause } from '../support/pause.ts'
import { startThread, type Thread } from '../support/thread.ts'
import { ALL, IpcReference } from './ipc-reference.ts'
import { formatIpc, type IpcStep, USERS } from './ipc-steps.ts'
import { type Answer, callPosix, PosixObserver } from './posix-world.ts'
import { ASLEEP, type Outcome } from './reference-table.ts'

/** How long an outcome that must come is waited for: longer than any machine is busy, and far from for ever. */
const PATIENCE_MS = 20_000
/** The kernel's tables may grow by as much while scripts run. */
const TABLE_FRAMES = 32

interface Side {
  readonly thread: Thread
  readonly pid: number
}

export interface IpcWorld extends AsyncDisposable {
  /** Runs a script; rejects with the first step after which something differs. */
  run(steps: readonly IpcStep[]): Promise<void>
}

export async function startIpcWorld(): Promise<IpcWorld> {
  const kernel = await boot({ memory: '32MiB' })
  const sides = await Promise.all(ALL.map((index) => startSide(kernel, index)))
  const before = kernel.stats()
  return {
    run: (steps) => new Run(kernel, sides).script(steps),
    async [Symbol.asyncDispose]() {
      for (const { thread } of sides) await kernel.terminate(thread.worker)
      const after = kernel.stats()
      await kernel.close()
      expect(before.framesFree - after.framesFree, 'frames lost').toBeLessThan(TABLE_FRAMES)
      expect(after.framesCommitted - before.framesCommitted, 'promises kept').toBeLessThan(
        TABLE_FRAMES,
      )
    },
  }
}

async function startSide(kernel: Kernel, index: number): Promise<Side> {
  const thread = await startThread(new URL('./ipc.thread.ts', import.meta.url))
  await thread.call('attach', kernel.handleFor(thread.worker))
  return { thread, pid: await spawn(thread, index) }
}

function spawn(thread: Thread, index: number): Promise<number> {
  const { uid, gid } = USERS[index] as (typeof USERS)[number]
  return thread.call('spawn', uid, gid)
}

/** One script. */
class Run {
  readonly #kernel: Kernel
  readonly #sides: Side[]
  readonly #observer: Process
  readonly #posix: PosixObserver
  readonly #reference = new IpcReference()
  /** Ids by number, of each kind. */
  readonly ids = { msg: [] as number[], sem: [] as number[], shm: [] as number[] }
  /** Calls that have said nothing yet. */
  readonly #pending = new Map<number, Promise<Answer>>()
  readonly #early = new Map<number, Answer>()

  constructor(kernel: Kernel, sides: Side[]) {
    this.#kernel = kernel
    this.#sides = sides
    this.#observer = kernel.process()
    this.#posix = new PosixObserver(this.#observer)
  }

  async script(steps: readonly IpcStep[]): Promise<void> {
    try {
      for (const [index, step] of steps.entries()) {
        if (this.#mayRun(step)) await this.#step(step, `step ${index + 1}: ${formatIpc(step)}`)
      }
    } catch (error) {
      await this.#end().catch(() => {}) // the first failure tells more
      throw error
    }
    await this.#end()
    const nothing = {
      segments: 0,
      queues: 0,
      semaphoreSets: 0,
      sleepers: 0,
      mappings: 0,
      objects: 0,
    }
    expect(this.#kernel.stats()).toMatchObject(nothing)
  }

  /** Only an end can be put to a process that sleeps, and only one sleeps for a mutex (reference-mutexes.ts). */
  #mayRun([name, process, number = 0]: IpcStep): boolean {
    if (name === 'lock' && this.#reference.mutexes.isAwaited(number)) return false
    return name === 'kill' || name === 'interrupt' || !this.#reference.asleep.has(process)
  }

  async #step(step: IpcStep, when: string): Promise<void> {
    const [name, process] = step
    const slept = this.#reference.asleep.has(process)
    const outcomes = this.#reference.run(step)
    if (name === 'kill') await this.#kill(process, slept)
    else if (name === 'interrupt') this.#interrupt(process)
    else this.#issue(step)
    for (const [who, outcome] of outcomes) {
      if (outcome === ASLEEP || (name === 'kill' && who === process)) continue
      if (name === 'interrupt' && !slept) continue
      expect(await this.#outcome(who), `process ${who}, ${when}`).toBe(outcome)
    }
    await this.#untilAsleep(when)
    this.#kernel.check()
    const { posixQueues, namedSemaphores } = this.#reference
    this.#posix.see(step, posixQueues.made.length, namedSemaphores.made.length)
    expect(this.#facts(), when).toEqual(this.#reference.facts())
  }

  #issue(step: IpcStep): void {
    const [, process] = step
    const call = this.#call(step)
    this.#pending.set(process, call)
    call.then((answer) => this.#early.set(process, answer)).catch(() => {})
  }

  /** The outcome of a call that must have one. */
  async #outcome(process: number): Promise<Outcome> {
    const pending = this.#pending.get(process) as Promise<Answer>
    const answer = await Promise.race([pending, patience()])
    this.#pending.delete(process)
    this.#early.delete(process)
    return answer === undefined ? 'nothing in time' : this.#said(answer)
  }

  #said({ value, code }: Answer): Outcome {
    if (code !== undefined) return code
    if (value === undefined) return 'ok'
    if (typeof value === 'number') return `ok ${value}`
    const { type, priority, data } = value as { type?: number; priority?: number; data: Uint8Array }
    return `ok ${type ?? priority}:${data.length}:${data[0] ?? 0}`
  }

  /** Those who should sleep are in the kernel's queues, and none of them has said anything. */
  async #untilAsleep(when: string): Promise<void> {
    const { asleep } = this.#reference
    const deadline = performance.now() + PATIENCE_MS
    while (this.#kernel.stats().sleepers !== asleep.size) {
      if (performance.now() > deadline) break
      await pause(1)
    }
    expect(this.#kernel.stats().sleepers, `sleepers, ${when}`).toBe(asleep.size)
    for (const who of asleep) {
      expect(this.#early.get(who), `process ${who} should sleep, ${when}`).toBeUndefined()
    }
  }

  async #kill(process: number, slept: boolean): Promise<void> {
    const { thread } = this.#sides[process] as Side
    this.#pending.delete(process)
    this.#early.delete(process)
    if (slept) {
      await this.#kernel.terminate(thread.worker)
      this.#sides[process] = await startSide(this.#kernel, process)
    } else this.#sides[process] = { thread, pid: await spawn(thread, process) }
  }

  #interrupt(process: number): void {
    const target = this.#kernel.process({ pid: (this.#sides[process] as Side).pid })
    target.interrupt()
    target.leave()
  }

  /** The end of a process from outside: its thread goes on. */
  #exit(process: number): void {
    this.#kernel.process({ pid: (this.#sides[process] as Side).pid }).exit()
  }

  #call([name, process, ...numbers]: IpcStep): Promise<Answer> {
    const { thread } = this.#sides[process] as Side
    const n = numbers as [number, number, number, number, number]
    const call: Caller = (method, ...args) => thread.call<Answer>('call', method, args)
    const [msg, sem, shm] = [this.#id('msg', n[0]), this.#id('sem', n[0]), this.#id('shm', n[0])]
    switch (name) {
      case 'msgget':
        return this.#made('msg', call('msgget', n[0], n[1]))
      case 'msgsnd':
        return call('msgsnd', msg, n[1], new Uint8Array(n[2]).fill(n[3]), n[4])
      case 'msgrcv':
        return call('msgrcv', msg, { type: n[1], size: n[2], flags: n[3] })
      case 'msgrmid':
        return call('msgctl', msg, IPC.RMID)
      case 'msgset':
        return call('msgctl', msg, IPC.SET, { mode: n[1], qbytes: n[2] })
      case 'semget':
        return this.#made('sem', call('semget', n[0], n[1], n[2]))
      case 'semop':
        return call('semop', sem, operations(numbers))
      case 'setval':
        return call('semctl', sem, n[1], SEM.SETVAL, n[2])
      case 'setall':
        return this.#setAll(call, n[0], n[1])
      case 'semrmid':
        return call('semctl', sem, 0, IPC.RMID)
      case 'shmget':
        return this.#made('shm', call('shmget', n[0], n[1], n[2]))
      case 'shmat':
        return thread.call('attachSegment', shm, n[1])
      case 'shmdt':
        return thread.call('detachSegment', n[0])
      case 'store':
        return thread.call('store', n[0], n[1], n[2])
      case 'load':
        return thread.call('load', n[0], n[1])
      case 'shmrmid':
        return call('shmctl', shm, IPC.RMID)
      default:
        return callPosix(thread, [name, process, ...numbers])
    }
  }

  /** The id of object `number`; of one that never was, a number that is no id. */
  #id(kind: keyof Run['ids'], number: number): number {
    return this.ids[kind][number] ?? 999_999
  }

  /** A *get: its id stands for the object's number from now on. */
  async #made(kind: keyof Run['ids'], call: Promise<Answer>): Promise<Answer> {
    const answer = await call
    if (answer.code !== undefined) return answer
    const ids = this.ids[kind]
    const known = ids.indexOf(answer.value as number)
    return { value: known >= 0 ? known : ids.push(answer.value as number) - 1 }
  }

  /** SETALL takes as many values as there are semaphores; the reference checks in the kernel's order. */
  #setAll(call: Caller, number: number, value: number): Promise<Answer> {
    const count = this.#reference.semaphores.at(number)?.values.length ?? 1
    return call('semctl', this.#id('sem', number), 0, SEM.SETALL, new Array(count).fill(value))
  }

  /** What an observer reads, as the reference's lines. */
  #facts(): string[] {
    const look = (line: string, act: () => string) => {
      try {
        return `${line}: ${act()}`
      } catch (error) {
        if ((error as { code?: string }).code !== 'EINVAL') throw error
        return `${line}: gone`
      }
    }
    const p = this.#observer
    return [
      ...this.ids.msg.map((id, number) =>
        look(`queue ${number}`, () => {
          const { perm, qnum, cbytes, qbytes } = p.msgctl(id, IPC.STAT)
          return `${perm.mode} ${qnum} ${cbytes} ${qbytes}`
        }),
      ),
      ...this.ids.sem.map((id, number) => look(`set ${number}`, () => this.#set(id))),
      ...this.ids.shm.map((id, number) =>
        look(`segment ${number}`, () => {
          const { perm, segsz, nattch } = p.shmctl(id, IPC.STAT)
          return `${perm.mode} ${segsz} ${nattch} ${perm.key}`
        }),
      ),
      ...this.#posix.facts(),
    ]
  }

  #set(id: number): string {
    const p = this.#observer
    const { perm } = p.semctl(id, 0, IPC.STAT)
    const values = [...p.semctl(id, 0, SEM.GETALL)]
    const counts = values.map(
      (value, num) =>
        `${value}/${p.semctl(id, num, SEM.GETNCNT)}/${p.semctl(id, num, SEM.GETZCNT)}`,
    )
    return `${perm.mode} ${counts.join(' ')}`
  }

  /** Removes all objects; every process makes way for a new one. Removal ends the sleeps of System V, an exit all others. */
  async #end(): Promise<void> {
    const p = this.#observer
    const removals = [
      ...this.ids.msg.map((id) => () => p.msgctl(id, IPC.RMID)),
      ...this.ids.sem.map((id) => () => p.semctl(id, 0, IPC.RMID)),
      ...this.ids.shm.map((id) => () => p.shmctl(id, IPC.RMID)),
    ]
    for (const remove of removals) {
      try {
        remove()
      } catch (error) {
        if ((error as { code?: string }).code !== 'EINVAL') throw error
      }
    }
    this.#posix.unlinkAll()
    for (const process of this.#reference.asleep) this.#exit(process)
    await Promise.all(this.#pending.values())
    for (const [index, { thread }] of this.#sides.entries()) {
      this.#sides[index] = { thread, pid: await spawn(thread, index) }
    }
    p.exit()
    this.#kernel.check()
  }
}

type Caller = (method: keyof Process, ...args: unknown[]) => Promise<Answer>

/** Three numbers an operation; a semaphore number below 0 is none. */
function operations(numbers: readonly number[]): { num: number; op: number; flags: number }[] {
  const found = []
  for (let at = 1; at + 2 < numbers.length; at += 3) {
    const [num, op, flags] = numbers.slice(at) as [number, number, number]
    if (num >= 0) found.push({ num, op, flags })
  }
  return found
}

async function patience(): Promise<undefined> {
  await pause(PATIENCE_MS)
  return undefined
}
