/**
 * boot: from boot() to the first mapping, in a worker that never booted before, so that compiling the kernel is part of it; against the time
 * from the start of a worker that imports nothing to its first message.
 */

import { startThread } from '../threads.js'

export async function open() {
  return { ours: bootSample, peer: startSample, close() {} }
}

async function bootSample() {
  const thread = await startThread(new URL('./boot-worker.js', import.meta.url))
  try {
    return await thread.call('boot')
  } finally {
    await thread.end()
  }
}

/** => nanoseconds from the start of a worker that imports nothing to its first message. */
export async function startSample() {
  const startMs = performance.now()
  const thread = await startThread(new URL('./empty-worker.js', import.meta.url))
  await thread.started
  const ns = (performance.now() - startMs) * 1e6
  await thread.end()
  return ns
}
