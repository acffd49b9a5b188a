/** The racing threads of concurrency.test.ts. */

import {
  attach,
  type Handle,
  type Kernel,
  MADV,
  MAP,
  O,
  type Process,
} from '../../dist/src/index.js'
import { serve } from '../support/thread-port.ts'

const PAGE = 4096

let kernel: Kernel
let p: Process

await serve({
  async attach(handle: Handle, pid: number) {
    kernel = await attach(handle)
    p = kernel.process({ pid })
  },
  /** Adds 1 to the first word of a page, through the mapping of this worker's turn. */
  add(worker: number, maps: readonly number[], rounds: number) {
    const bytes = p.view(maps[worker % maps.length] as number, PAGE)
    const word = new Int32Array(bytes.buffer, bytes.byteOffset, 1)
    for (let round = 0; round < rounds; round++) Atomics.add(word, 0, 1)
    return bytes.length // keeps the view until here
  },
  /** Waits until all workers are here, then stores to every page. */
  touchAll(worker: number, gate: Int32Array, address: number, pages: number, workers: number) {
    Atomics.add(gate, 0, 1)
    while (Atomics.load(gate, 0) < workers) {}
    for (let page = 0; page < pages; page++) {
      p.vmWrite(address + page * PAGE + worker, new Uint8Array([worker + 1]))
    }
  },
  /** Reads large pieces until told to stop: each byte must be 0 or `value`, or the read faults. */
  readWhile(stop: Int32Array, address: number, length: number, value: number) {
    const bytes = new Uint8Array(length)
    let reads = 0
    for (; Atomics.load(stop, 0) === 0; reads++) {
      bytes.fill(0)
      try {
        p.vmRead(address, bytes)
      } catch (error) {
        const { code } = error as { code?: string }
        if (code !== 'SIGBUS' && code !== 'SIGSEGV') throw error
      }
      const wrong = bytes.find((byte) => byte !== 0 && byte !== value)
      if (wrong !== undefined) return `read ${reads} saw ${wrong}`
    }
    return `ok, ${reads} reads`
  },
  /** Cuts a file and lets it grow again, and has its frames used for something else in between. */
  resizeAndFill(fd: number, size: number, value: number, rounds: number) {
    const own = new Uint8Array(size).fill(value)
    for (let round = 0; round < rounds; round++) {
      p.pwrite(fd, own, 0)
      p.ftruncate(fd, round % 2 ? 0 : 100)
      useFrames(size, 200)
    }
  },
  /** Maps and fills pages at an address, unmaps them, and has their frames used for something else. */
  mapAndReuse(address: number, pages: number, value: number, rounds: number) {
    const own = new Uint8Array(pages * PAGE).fill(value)
    const flags = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED
    for (let round = 0; round < rounds; round++) {
      const map = p.mmap({ addr: address, length: pages * PAGE, flags })
      map.write(0, own)
      map.unmap()
      useFrames(pages * PAGE, 200)
    }
  },
  /** One read whose copy takes its time: `gate` becomes 1 when it begins, and it goes on at 2, or after a while. => the bytes seen */
  readSlowly(gate: Int32Array, address: number, length: number) {
    const into = new SlowBytes(length)
    into.gate = gate
    p.vmRead(address, into)
    return [...new Set(into)]
  },
  /** Once a slow read has begun: takes its pages away, and has frames used for something else. */
  takeAway(gate: Int32Array, how: string, address: number, length: number, fd: number) {
    while (Atomics.load(gate, 0) === 0) {}
    if (how === 'munmap') p.munmap(address, length)
    else if (how === 'MAP_FIXED') {
      const flags = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED
      p.mmap({ addr: address, length, flags }).write(0, new Uint8Array(length).fill(200))
    } else if (how === 'ftruncate') p.ftruncate(fd, 0)
    else p.madvise(address, length, how === 'MADV_REMOVE' ? MADV.REMOVE : MADV.DONTNEED)
    for (let i = 0; i < 8; i++) useFrames(length, 200)
    Atomics.store(gate, 0, 2)
  },
  append(worker: number, path: string, rounds: number) {
    const fd = p.open(path, O.CREAT | O.WRONLY | O.APPEND)
    const record = new Uint8Array(100).fill(worker + 1)
    for (let round = 0; round < rounds; round++) p.write(fd, record)
    p.close(fd)
  },
  async leave() {
    await kernel.close()
  },
})

/** An array that copies late: the reader's grant stands all the while. */
class SlowBytes extends Uint8Array {
  gate: Int32Array = new Int32Array(1)

  override set(from: ArrayLike<number>, offset = 0): void {
    Atomics.store(this.gate, 0, 1)
    const deadline = performance.now() + 100
    while (Atomics.load(this.gate, 0) !== 2 && performance.now() < deadline) {}
    super.set(from, offset)
  }
}

/** Maps memory elsewhere, fills it with what no reader may see, and gives it back. */
function useFrames(length: number, value: number): void {
  const map = p.mmap({ length })
  map.write(0, new Uint8Array(length).fill(value))
  map.unmap()
}
