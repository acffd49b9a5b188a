/** A worker that stores to private memory of a process, and maps in it, while others fork it. */

import {
  attach,
  type Handle,
  type Kernel,
  MAP,
  MREMAP,
  O,
  type Process,
} from '../../dist/src/index.js'
import { type Pulse, restOf } from '../support/pulse.ts'
import { randomOf } from '../support/random.ts'
import { serve } from '../support/thread-port.ts'

const PAGE = 4096
/** What memory that is out, and a process that another thread ended, may give. */
const EXPECTED = /^(ENOMEM|EAGAIN|ESRCH|SIGBUS|SIGSEGV)$/

/** Replaces a mapping in a small part of the window, and touches it. */
function remap(p: Process, next: (below: number) => number): void {
  const length = (1 + next(8)) * PAGE
  const flags = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED
  p.mmap({ addr: 0xb000_0000 + next(32) * PAGE, length, flags }).write(0, Uint8Array.of(1))
}

/**
 * Views that a storm opens: they are closed when the collector finds them, and a loop that never ends lets none be found. What they show stays, charged, when its
 * process is gone; without a bound that is all memory within seconds, and a fork says ENOMEM.
 */
const VIEWS_MAX = 500
let views = 0

function act(p: Process, address: number, pages: number, next: (below: number) => number): void {
  const page = next(pages)
  const at = address + page * PAGE
  const acts = [
    () => void p.vmWrite(at, new Uint8Array((1 + next(pages - page)) * PAGE).fill(next(256))),
    () => void p.vmWrite(at, Uint8Array.of(next(256))),
    () => void p.vmRead(at, new Uint8Array(PAGE)),
    () => void (views++ < VIEWS_MAX && p.view(at, PAGE)[0]),
    () => remap(p, next),
    () => void p.close(p.open('/storm', O.CREAT | O.RDWR)),
    () => void p.mmap({ length: PAGE, flags: MAP.SHARED | MAP.ANONYMOUS }).unmap(),
  ]
  acts[next(acts.length)]?.()
}

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
  /**
   * Maps `pages` pages, so many that they move in several pieces, makes them one more at another place and unmaps them, until `stop` is 1. `at`: where there is
   * room for them.
   */
  remap(pid: number, at: number, pages: number, control: SharedArrayBuffer) {
    const p = kernel.process({ pid })
    const stop = new Int32Array(control)
    const length = pages * PAGE
    const flags = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED
    p.mmap({ addr: at + length, length: PAGE, flags })
    let rounds = 0
    while (Atomics.load(stop, 0) === 0) {
      p.mmap({ addr: at, length, flags: flags | MAP.NORESERVE })
      p.vmWrite(at, Uint8Array.of(1))
      const moved = p.mremap(at, length, length + PAGE, MREMAP.MAYMOVE)
      p.munmap(moved, length + PAGE)
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
  /**
   * Forks without end, a process of others and its own children, to be killed at some moment: stores, maps, has views and descriptors in all of them, and leaves
   * some of the children alive. `control`: a word that moves.
   */
  hammer(pid: number, address: number, pages: number, seed: number, pulse: Pulse) {
    const rest = restOf(pulse)
    const parent = kernel.process({ pid })
    const family: Process[] = []
    const next = randomOf(seed)
    for (;;) {
      rest()
      const one = family[next(family.length + 1)] ?? parent
      try {
        if (next(3) === 0 && family.length < 6) family.push(one.fork())
        else if (next(4) === 0 && one !== parent) family.splice(family.indexOf(one), 1)[0]?.exit()
        else act(one, address, pages, next)
      } catch (error) {
        const { code = String(error) } = error as { code?: string }
        if (!EXPECTED.test(code)) throw error
      }
    }
  },
  async leave() {
    await kernel.close()
  },
})
