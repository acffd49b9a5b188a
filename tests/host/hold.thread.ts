/** A thread that takes a page and does not let go of it: what a stall is made of. */

import { attach, type Handle, type Process } from '../../dist/src/index.js'
import { serve } from '../support/thread-port.ts'

/** What a process calls the kernel by. */
interface Inside {
  readonly calls: { access(...args: number[]): number; release(): void }
}

let process: Process

await serve({
  async attach(handle: Handle, pid: number) {
    const kernel = await attach(handle)
    process = kernel.process({ pid })
  },
  hold(address: number) {
    const { calls } = process as unknown as Inside
    return calls.access(process.pid, address, 1, 1)
  },
  letGo() {
    const { calls } = process as unknown as Inside
    calls.release()
  },
})
