/** The second thread of core.test.ts: instantiates the module it is given over the memory it is given. */

import { bareKernel } from '../support/bare-kernel.ts'
import { serve } from '../support/thread-port.ts'

await serve({
  async abiVersion(module: WebAssembly.Module, memory: WebAssembly.Memory) {
    return (await bareKernel(module, memory)).abiVersion?.()
  },
  /** Adds to one word of the shared memory; gives back the value it found. */
  add(memory: WebAssembly.Memory, byteOffset: number, value: number) {
    return Atomics.add(new Int32Array(memory.buffer, byteOffset, 1), 0, value)
  },
})
