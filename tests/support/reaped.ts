/** Whether the kernel got back what a thread held that ended without a word. */

import type { Kernel } from '../../dist/src/index.js'
import { ThreadTable } from '../../dist/src/threads.js'
import { pause } from './pause.ts'
import type { Thread } from './thread.ts'

const PATIENCE_MS = 20_000

/** => the slot of a thread that attached by `handleFor` was given back in time, whoever did it: this loop or the kernel's regular look. */
export async function untilReaped(kernel: Kernel, { worker }: Thread): Promise<boolean> {
  const { ticket } = kernel.handleFor(worker)
  const table = new ThreadTable(kernel.handle.threads)
  const deadline = performance.now() + PATIENCE_MS
  while (table.all().some((record) => record.ticket === ticket)) {
    if (performance.now() > deadline) return false
    await kernel.reap()
    await pause(1)
  }
  return true
}
