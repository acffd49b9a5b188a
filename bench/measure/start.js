/**
 * start, start-again: `kernel.run` of a program that does nothing, to its exit, its module known already. start is the first run of a kernel, whose worker
 * has to be started; start-again finds that worker idle. Against the time from the start of an empty worker to its first message.
 */

import { boot } from '../../dist/src/index.js'
import { startSample } from './boot.js'
import { moduleBytes } from './guest.js'

/**
 * @param {import('../rows.js').Row} row
 * @param {import('./worker.js').Where} where
 */
export async function open({ name }, { guest }) {
  const bytes = await moduleBytes(guest)
  return {
    ours: name === 'start' ? () => firstRun(bytes) : () => secondRun(bytes),
    peer,
    close() {},
  }
}

const peer = startSample

function firstRun(bytes) {
  return withKernel((kernel) => runSample(kernel, bytes))
}

function secondRun(bytes) {
  return withKernel(async (kernel) => {
    await runSample(kernel, bytes)
    return runSample(kernel, bytes)
  })
}

async function withKernel(act) {
  const kernel = await boot({ memory: '64MiB' })
  try {
    return await act(kernel)
  } finally {
    await kernel.close()
  }
}

/** => nanoseconds from the call to the exit. */
async function runSample(kernel, bytes) {
  const startMs = performance.now()
  const guest = await kernel.run(bytes, { stdout: 'ignore', stderr: 'ignore' })
  const { status } = await guest.exited
  const ns = (performance.now() - startMs) * 1e6
  if (status !== 0) throw new Error(`the empty program exited with ${status}`)
  return ns
}
