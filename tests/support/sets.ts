/** What the tests of semaphores have in common. */
import { expect } from 'vitest'
import { IPC, type Kernel, type Process, SEM } from '../../dist/src/index.js'

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
export function as<T>(kernel: Kernel, uid: number, gid: number, call: (process: Process) => T): T {
  using process = kernel.process({ uid, gid })
  return call(process)
}
