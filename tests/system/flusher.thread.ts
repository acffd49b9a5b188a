/** A worker that stores to a file, and counts the workers that it starts. */
import { attach, type Handle, O } from '../../dist/src/index.js'
import { serve } from '../support/thread-port.ts'

let started = 0
if ('Worker' in globalThis) {
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args)
      started++
    }
  }
}

await serve({
  /** => how many workers it had started when the bytes were in the page cache. */
  async store(handle: Handle, path: string, bytes: Uint8Array) {
    const kernel = await attach(handle)
    const p = kernel.process()
    p.pwrite(p.open(path, O.RDWR), bytes, 0)
    const count = started
    await kernel.close()
    return count
  },
})
