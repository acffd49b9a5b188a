/** One process of liveness.test.ts: does a fixed number of operations that others have to answer, and says how far it is. */

import { attach, type Handle, type Kernel, type Process, SEM } from '../../dist/src/index.js'
import { serve } from '../support/thread-port.ts'
import { BARRIER, COUNTER, type Crowd, MUTEX, STEP_NAMES, STEPS } from './liveness.crowd.ts'

let kernel: Kernel

await serve({
  async attach(handle: Handle) {
    kernel = await attach(handle)
  },
  /** `progress`: two words a process, rounds done and the step that it is in. */
  run(crowd: Crowd, index: number, rounds: number, progress: SharedArrayBuffer) {
    const process = kernel.process()
    const address = process.shmat(crowd.segment).address
    const words = new Int32Array(progress)
    const steps = stepsOf(process, crowd, index, address)
    for (let round = 0; round < rounds; round++) {
      for (let step = 0; step < STEPS; step++) {
        Atomics.store(words, 2 * index + 1, step)
        steps[STEP_NAMES[step] as (typeof STEP_NAMES)[number]](round)
      }
      Atomics.add(words, 2 * index, 1)
    }
    process.exit()
  },
  async leave() {
    await kernel.close()
  },
})

/** Each ends only when others do their part. */
function stepsOf(p: Process, crowd: Crowd, index: number, address: number) {
  const { queue, semaphores, count } = crowd
  const pair = Math.floor(index / 2)
  const word = new Uint8Array(4)
  const add = (at: number) => {
    p.vmRead(address + at, word)
    const view = new DataView(word.buffer)
    view.setInt32(0, view.getInt32(0, true) + 1, true)
    p.vmWrite(address + at, word)
  }
  return {
    /** A token goes round: each receives what the one before it sent. */
    token(round: number) {
      if (index === 0) p.msgsnd(queue, 2, Uint8Array.of(round))
      const { data } = p.msgrcv(queue, { type: index + 1 })
      if (data[0] !== round % 256) throw new Error(`token ${data[0]} in round ${round}`)
      if (index !== 0) p.msgsnd(queue, ((index + 1) % count) + 1, data)
    },
    /** All at one semaphore, which lets two in. */
    gate() {
      p.semop(semaphores, [{ num: 0, op: -1, flags: SEM.UNDO }])
      p.semop(semaphores, [{ num: 0, op: 1, flags: SEM.UNDO }])
    },
    /** Two neighbours hand to each other what the one has and the other wants. */
    pair() {
      const [mine, other] = index % 2 ? [1, 2] : [2, 1]
      p.semop(semaphores, [{ num: 1 + 2 * pair + (mine - 1), op: 1 }])
      p.semop(semaphores, [{ num: 1 + 2 * pair + (other - 1), op: -1 }])
    },
    mutex() {
      p.pthread_mutex_lock(address + MUTEX)
      add(COUNTER)
      p.pthread_mutex_unlock(address + MUTEX)
    },
    barrier() {
      p.pthread_barrier_wait(address + BARRIER)
    },
  } satisfies Record<(typeof STEP_NAMES)[number], (round: number) => void>
}
