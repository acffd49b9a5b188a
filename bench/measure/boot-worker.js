/** Boots a kernel once, and says how long that took. */

import { boot } from '../../dist/src/index.js'
import { serve } from '../threads.js'

await serve({
  async boot() {
    const startMs = performance.now()
    const kernel = await boot()
    kernel.process().mmap({ length: kernel.pageSize })
    const ns = (performance.now() - startMs) * 1e6
    await kernel.close()
    return ns
  },
})
