/**
 * Many processes on few cores, each waiting for others all the time: a fixed number of operations ends. A watchdog looks on: when nobody has got
 * further for long, it says who waits on what.
 */

import { expect, test } from 'vitest'
import { boot, IPC, type Kernel, SEM } from '../../dist/src/index.js'
import { inBrowser } from '../conformance/runtime.ts'
import { effort, soak } from '../support/effort.ts'
import { pause } from '../support/pause.ts'
import { startThread } from '../support/thread.ts'
import { BARRIER, COUNTER, type Crowd, MUTEX, STEP_NAMES } from './liveness.crowd.ts'

const PROCESSES = soak ? 64 : inBrowser ? 8 : 16
const ROUNDS = effort(2000)
/** Longer than any machine is busy. */
const STALL_MS = 60_000

test('processes that wait for each other all get on', async () => {
  await using kernel = await boot({ memory: '64MiB', stallMs: 60_000 })
  const p = kernel.process()
  const mode = IPC.CREAT | 0o666
  const crowd: Crowd = {
    queue: p.msgget(1, mode),
    semaphores: p.semget(1, 1 + PROCESSES, mode),
    segment: p.shmget(1, 4096, mode),
    count: PROCESSES,
  }
  p.semctl(crowd.semaphores, 0, SEM.SETVAL, 2)
  const map = p.shmat(crowd.segment)
  p.pthread_mutex_init(map.address + MUTEX)
  p.pthread_barrier_init(map.address + BARRIER, PROCESSES)
  const threads = await Promise.all(
    Array.from({ length: PROCESSES }, () =>
      startThread(new URL('./liveness.thread.ts', import.meta.url)),
    ),
  )
  await Promise.all(threads.map((thread) => thread.call('attach', kernel.handleFor(thread.worker))))
  const progress = new Int32Array(new SharedArrayBuffer(8 * PROCESSES))
  const ends = threads.map((thread, index) =>
    thread.call('run', crowd, index, ROUNDS, progress.buffer),
  )
  await Promise.race([Promise.all(ends), watch(kernel, progress)])
  const counted = new DataView(map.read(COUNTER, 4).slice().buffer).getInt32(0, true)
  expect(counted).toBe(PROCESSES * ROUNDS)
  expect(kernel.sleepers()).toEqual([])
  p.exit()
  await Promise.all(threads.map(({ worker }) => kernel.terminate(worker)))
  kernel.check()
})

/** Rejects when nobody got further for STALL_MS, with where each is and what it sleeps on. */
async function watch(kernel: Kernel, progress: Int32Array): Promise<never> {
  let last = ''
  let since = performance.now()
  for (;;) {
    await pause(500)
    const now = Array.from(progress, (_, at) => Atomics.load(progress, at)).join()
    if (now !== last) since = performance.now()
    last = now
    if (performance.now() - since > STALL_MS) throw new Error(report(kernel, progress))
  }
}

function report(kernel: Kernel, progress: Int32Array): string {
  const where = Array.from({ length: PROCESSES }, (_, index) => {
    const step = STEP_NAMES[Atomics.load(progress, 2 * index + 1)]
    return `process ${index}: round ${Atomics.load(progress, 2 * index)}, ${step}`
  })
  const asleep = kernel
    .sleepers()
    .map(({ thread, pid, on, id }) => `thread ${thread} (pid ${pid}) sleeps on ${on} ${id}`)
  return ['nobody gets on', ...where, ...asleep].join('\n')
}
