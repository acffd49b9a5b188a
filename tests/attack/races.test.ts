/**
 * Rewritten code in a loop of loads, stores, atomics and copies on one thread, while another takes its pages away and gives their frames to a process that fills them: it never sees
 * a byte of that process, and changes none. Not in pages, whose thread would have to wait for each round: guest-race.test.ts does less there.
 */
import { expect, onTestFinished, test } from 'vitest'
import {
  boot,
  type Kernel,
  MADV,
  MAP,
  MREMAP,
  O,
  PROT,
  type Process,
} from '../../dist/src/index.js'
import { inBrowser } from '../conformance/runtime.ts'
import { effort } from '../support/effort.ts'
import { pause } from '../support/pause.ts'
import { randomOf } from '../support/random.ts'
import { startThread } from '../support/thread.ts'

const PAGE = 4096
const PAGES = 32
const BYTES = PAGES * PAGE
/** Frames that are left to be had. */
const FRAMES = 160
const PRIVATE = MAP.PRIVATE | MAP.ANONYMOUS
const RW = PROT.READ | PROT.WRITE

const breathe = () => pause(1)

function free(kernel: Kernel): number {
  const { commitLimit, framesCommitted } = kernel.stats()
  return commitLimit - framesCommitted
}

/** Another process takes the frames that are free, fills them, and finds them as it left them. */
async function canary(kernel: Kernel): Promise<void> {
  const c = kernel.process()
  const bytes = new Uint8Array(Math.max(1, free(kernel) - 24) * PAGE).fill(0xca)
  const { address } = c.mmap({ length: bytes.length, flags: PRIVATE })
  c.vmWrite(address, bytes)
  await breathe()
  c.vmRead(address, bytes)
  expect(bytes.findIndex((byte) => byte !== 0xca)).toBe(-1)
  c.exit()
}

/** Takes a part of the mapping away, in one of the ways there are, and gives a new one. */
function disturb(p: Process, fd: number, addr: number, length: number, act: number): void {
  const again = () => void p.mmap({ addr, length, flags: PRIVATE | MAP.FIXED | MAP.POPULATE })
  const acts = [
    () => p.munmap(addr, length),
    () => {},
    () => p.mprotect(addr, length, PROT.NONE),
    () => p.mprotect(addr, length, PROT.READ),
    () => p.madvise(addr, length, MADV.DONTNEED),
    () => {
      const away = p.mmap({ length, flags: PRIVATE, prot: PROT.NONE }).address
      again()
      p.mremap(addr, length, length, MREMAP.MAYMOVE | MREMAP.FIXED, away)
      p.munmap(away, length)
    },
    () => {
      p.ftruncate(fd, length)
      p.mmap({ addr, length, fd, flags: MAP.SHARED | MAP.FIXED })
      p.ftruncate(fd, 0)
    },
    () => {
      const id = p.shmget(0, length, 0o600)
      p.munmap(addr, length)
      p.shmat(id, { addr })
      p.shmctl(id, 0)
      p.shmdt(addr)
    },
  ]
  acts[act % acts.length]?.()
  again()
}

test.skipIf(inBrowser).each(['multi-memory', 'accessors'] as const)(
  'pages that go under a loop of the %s back end are not seen in it again, nor changed by it',
  async (backEnd) => {
    await using kernel = await boot({ memory: '8MiB' })
    const thread = await startThread(new URL('./races.thread.ts', import.meta.url))
    onTestFinished(() => thread.end())
    const hog = kernel.process()
    const p = kernel.process()
    // The first three are the module's streams.
    const fds = [0, 1, 2, 3].map(() => p.open('/file', O.CREAT | O.RDWR))
    const fd = fds[3] as number
    const { address } = p.mmap({
      addr: 0x8800_0000,
      length: BYTES,
      flags: PRIVATE | MAP.FIXED,
      prot: RW,
    })
    await thread.call('attach', kernel.handle)
    hog.mmap({ length: (free(kernel) - FRAMES) * PAGE, flags: PRIVATE | MAP.POPULATE })
    const stop = new Int32Array(new SharedArrayBuffer(12))
    const stirred = thread.call<string>('stir', p.pid, backEnd, stop, address, BYTES)
    let ended = false
    const end = () => {
      ended = true
    }
    stirred.then(end, end)
    while (Atomics.load(stop, 1) === 0 && !ended) await breathe()
    const next = randomOf(3)
    const metNone = () => !ended && Atomics.load(stop, 2) === 0
    // A few rounds may all fall between two of its accesses.
    for (let round = 0; round < effort(1600) || metNone(); round++) {
      const start = next(PAGES)
      const length = (1 + next(Math.min(8, PAGES - start))) * PAGE
      disturb(p, fd, address + start * PAGE, length, round)
      if (round % 4 === 0) await canary(kernel)
      if (round % 20 === 0) kernel.check()
    }
    Atomics.store(stop, 0, 1)
    expect(await stirred).toMatch(/^ok, .* [1-9]\d* faults/)
    await thread.call('leave')
    p.exit()
    hog.exit()
    kernel.check()
  },
)
