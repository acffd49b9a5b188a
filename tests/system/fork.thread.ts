/** A worker that stores to private memory of a process, and maps in it, while others fork it. */

import { attach, type Handle, type Kernel, MAP } from '../../dist/src/index.js'
import { serve } from '../support/thread-port.ts'

const PAGE = 4096

let kernel: Kernel

await serve({
  async attach(handle: Handle) {
    kernel = await attach(handle)
  },
  /**
   * Stores 1, 2, 3, ... to the first word of page `first`, then of page `second`, of a process until `stop` is 1. => the last number.
   * `beat`: a word after `stop` that moves.
   */
  count(pid: number, address: number, first: number, second: number, control: SharedArrayBuffer) {
    const p = kernel.process({ pid })
    const [stop, word] = [new Int32Array(control), new Uint32Array(1)]
    const bytes = new Uint8Array(word.buffer)
    while (Atomics.load(stop, 0) === 0) {
      word[0] = (word[0] as number) + 1
      p.vmWrite(address + first * PAGE, bytes)
      p.vmWrite(address + second * PAGE, bytes)
      Atomics.store(stop, 1, word[0])
    }
    return word[0]
  },
  /** Fills whole pages with one value after another until `stop` is 1: a page is one value, or two where a store is under way. */
  fill(pid: number, address: number, pages: number, control: SharedArrayBuffer) {
    const p = kernel.process({ pid })
    const stop = new Int32Array(control)
    let rounds = 0
    while (Atomics.load(stop, 0) === 0) {
      p.vmWrite(address, new Uint8Array(pages * PAGE).fill(++rounds % 256))
      Atomics.store(stop, 1, rounds)
    }
    return rounds
  },
  /** Maps, moves and unmaps private memory until `stop` is 1; a mapping that moves holds its address before in its first word. */
  remap(pid: number, control: SharedArrayBuffer) {
    const p = kernel.process({ pid })
    const stop = new Int32Array(control)
    let rounds = 0
    while (Atomics.load(stop, 0) === 0) {
      const map = p.mmap({ length: 4 * PAGE, flags: MAP.PRIVATE | MAP.ANONYMOUS })
      map.write(0, Uint8Array.of(1))
      map.write(3 * PAGE, Uint8Array.of(4))
      map.remap(8 * PAGE)
      map.write(7 * PAGE, Uint8Array.of(8))
      map.unmap()
      Atomics.store(stop, 1, ++rounds)
    }
    return rounds
  },
  /** Forks a process `rounds` times; each child has the parent's byte, stores its own and exits. */
  fork(pid: number, address: number, rounds: number) {
    const p = kernel.process({ pid })
    const byte = new Uint8Array(1)
    for (let round = 0; round < rounds; round++) {
      const child = p.fork()
      child.vmRead(address, byte)
      if (byte[0] !== 7) throw new Error(`the child reads ${byte[0]}`)
      child.vmWrite(address, Uint8Array.of(round % 7))
      child.exit()
    }
  },
  async leave() {
    await kernel.close()
  },
})
