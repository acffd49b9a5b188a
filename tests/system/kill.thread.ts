/** A worker that makes random calls without end, to be killed at some moment of them. */

import {
  attach,
  type Handle,
  type Kernel,
  MADV,
  MAP,
  MREMAP,
  MS,
  O,
  type Process,
} from '../../dist/src/index.js'
import { type Pulse, restOf } from '../support/pulse.ts'
import { randomOf } from '../support/random.ts'
import { serve } from '../support/thread-port.ts'

const PAGE = 4096
const BASE = 0x9000_0000
const PAGES = 48

/** Wrong calls are part of the game; what must not come is anything but the errno of one. */
const EXPECTED = /^(E[A-Z0-9]+|SIGSEGV|SIGBUS)$/

let kernel: Kernel

await serve({
  async attach(handle: Handle) {
    kernel = await attach(handle)
  },
  /** Hammers a shared process and one of its own. */
  hammer(pid: number, seed: number, pulse: Pulse) {
    const rest = restOf(pulse)
    const shared = kernel.process({ pid })
    const own = kernel.process()
    const next = randomOf(seed)
    for (;;) {
      rest()
      try {
        act(next(2) === 0 ? shared : own, next)
      } catch (error) {
        const { code = String(error) } = error as { code?: string }
        if (!EXPECTED.test(code)) throw new Error(`${code}: ${(error as Error).stack}`)
      }
    }
  },
})

/** One random call, or a few that belong together. */
function act(p: Process, next: (below: number) => number): void {
  const addr = BASE + next(PAGES) * PAGE
  const length = (1 + next(16)) * PAGE
  const acts = [
    () => void p.mmap({ addr, length, flags: MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED }),
    () => void p.mmap({ addr, length, flags: MAP.SHARED | MAP.ANONYMOUS | MAP.FIXED }),
    () => p.munmap(addr, length),
    () => p.mprotect(addr, length, next(4)),
    () => void p.vmRead(addr, new Uint8Array(64)),
    () => void p.vmWrite(addr, new Uint8Array(3 * PAGE)),
    () => useFile(p, next, addr, length),
    () => useNames(p, next),
    () => void p.mremap(addr, PAGE * (1 + next(4)), PAGE * (1 + next(8)), MREMAP.MAYMOVE),
    () =>
      p.madvise(
        addr,
        length,
        [MADV.DONTNEED, MADV.WILLNEED, MADV.FREE, MADV.REMOVE][next(4)] as number,
      ),
    () => p.msync(addr, length, next(2) ? MS.SYNC : MS.ASYNC),
    () => void p.view(addr, PAGE * (1 + next(3)))[0],
    () => (next(2) ? p.mlock(addr, length) : p.munlock(addr, length)),
  ]
  acts[next(acts.length)]?.()
}

function useFile(p: Process, next: (below: number) => number, addr: number, length: number): void {
  const fd = p.open(`${['', '/m'][next(2)]}/f${next(4)}`, O.CREAT | O.RDWR)
  try {
    p.pwrite(fd, new Uint8Array(next(9000)), next(20_000))
    p.mmap({ addr, length, fd, flags: (next(2) ? MAP.SHARED : MAP.PRIVATE) | MAP.FIXED })
    if (next(2)) p.ftruncate(fd, next(30_000))
    if (next(4) === 0) p.fsync(fd)
    if (next(4) === 0) p.flock(fd, 4 | (1 + next(2)))
  } finally {
    p.close(fd)
  }
}

function useNames(p: Process, next: (below: number) => number): void {
  const [from, to] = [`/f${next(4)}`, `/f${next(4)}`]
  if (next(3) === 0) p.rename(from, to)
  else if (next(2)) p.link(from, to)
  else p.unlink(to)
}
