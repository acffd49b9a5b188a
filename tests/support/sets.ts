/** What the tests of semaphores have in common. */
import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { boot, IPC, type Kernel, type Process, SEM } from '../../dist/src/index.js'
import { outcome } from './errno.ts'

export let kernel: Kernel
/** A process of root's, for each test. */
export let p: Process

/** Registers the hooks of a test file in which nobody sleeps. */
export function beginSets(): void {
  beforeAll(async () => {
    kernel = await boot({ memory: '32MiB' })
  })
  beforeEach(() => {
    p = kernel.process()
    return begin(kernel, p)
  })
  afterAll(() => kernel.close())
}

export const CREATE = IPC.CREAT | 0o600
export const make = (count = 1, by = p) => by.semget(IPC.PRIVATE, count, CREATE)
export const value = (id: number, num = 0) => p.semctl(id, num, SEM.GETVAL)
export const values = (id: number) => p.semctl(id, 0, SEM.GETALL)
export const stat = (id: number) => p.semctl(id, 0, IPC.STAT)
export const seconds = () => Math.floor(Date.now() / 1000)
/** What one operation says, without waiting. */
export const act = (id: number, op: number, flags = 0, num = 0, by = p) =>
  outcome(() => by.semop(id, [{ num, op, flags: flags | IPC.NOWAIT }]))

/** A process of the test's own. => to be called at its end: removes the sets it left, and checks that nothing else is left. */
export function begin(kernel: Kernel, p: Process): () => void {
  return () => {
    for (let left = kernel.stats().semaphoreSets; left > 0; left--) {
      const { last } = p.semctl(0, 0, SEM.INFO)
      p.semctl(p.semctl(last, 0, SEM.STAT_ANY).id, 0, IPC.RMID)
    }
    p.exit()
    kernel.check()
    expect(kernel.stats()).toMatchObject({ semaphoreSets: 0, processes: 0, sleepers: 0 })
  }
}

/** Makes a call as a process of these ids. */
export function as<T>(uid: number, gid: number, call: (process: Process) => T): T {
  using process = kernel.process({ uid, gid })
  return call(process)
}
