/** A thread of eviction.test.ts: walks its share of the pages of a mapping, and changes a few bytes of each. */

import { attach, type Handle, type Kernel, type Process } from '../../dist/src/index.js'
import { serve } from '../support/thread-port.ts'

const PAGE = 4096

let kernel: Kernel
let p: Process

await serve({
  async attach(handle: Handle, pid: number) {
    kernel = await attach(handle)
    p = kernel.process({ pid })
  },
  /** Each round reads every page of its share whole and changes it; pages of others are read between. */
  walk(address: number, pages: number, worker: number, workers: number, rounds: number) {
    const bytes = new Uint8Array(PAGE)
    for (let round = 1; round <= rounds; round++) {
      for (let page = worker; page < pages; page += workers) {
        p.vmRead(address + page * PAGE, bytes)
        const expected = 1 + (page % 199)
        if (bytes[PAGE - 1] !== expected || bytes[0] !== expected) {
          return `page ${page}, round ${round}: ${bytes[0]}, ${bytes[PAGE - 1]} instead of ${expected}`
        }
        for (let before = 1; before < round; before++) {
          if (bytes[before * 10 + 4] !== (page * 7 + before) % 256)
            return `page ${page} lost round ${before}`
        }
        const change = new Uint8Array(5).fill((page * 7 + round) % 256)
        p.vmWrite(address + page * PAGE + round * 10, change)
        if (page % 16 === 0) p.vmRead(address + ((page * 31) % pages) * PAGE, bytes)
      }
    }
    return 'as expected'
  },
  /** => the sum of the first bytes of all pages. */
  readAll(address: number, pages: number) {
    const byte = new Uint8Array(1)
    let sum = 0
    for (let page = 0; page < pages; page++) {
      p.vmRead(address + page * PAGE, byte)
      sum += byte[0] as number
    }
    return sum
  },
  /** Stores to the first byte of pages, once `gate` is open. => what the first store that fails says, else 'stored'. */
  storeWhenOpen(gate: Int32Array, address: number, pages: number) {
    while (Atomics.load(gate, 0) === 0) {}
    Atomics.add(gate, 1, 1)
    for (let page = 0; page < pages; page++) {
      try {
        p.vmWrite(address + page * PAGE, new Uint8Array([7]))
      } catch (error) {
        return String(error)
      }
    }
    return 'stored'
  },
  async leave() {
    await kernel.close()
  },
})
