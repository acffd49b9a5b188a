/**
 * A guest's code, far from the kernel, against everything that takes pages away on other threads: it never sees a byte of a frame that is another's by
 * then, none of its stores lands in one, and none is lost to a file.
 */
import { expect, onTestFinished, test } from 'vitest'
import { boot, type Kernel, MADV, MAP, MS, O, PROT, type Process } from '../../dist/src/index.js'
import { effort } from '../support/effort.ts'
import { pause } from '../support/pause.ts'
import { randomOf } from '../support/random.ts'
import { Store } from '../support/store.ts'
import { startThread, type Thread } from '../support/thread.ts'

const PAGE = 4096
const PAGES = 64
const BYTES = PAGES * PAGE
const CANARY = 0xca

async function guestOf(kernel: Kernel, p: Process): Promise<Thread> {
  const thread = await startThread(new URL('./guest-race.thread.ts', import.meta.url))
  onTestFinished(() => thread.end())
  await thread.call('attach', kernel.handle, p.pid)
  return thread
}

/** Fills as many pages of an own process with canaries as the round says, looks at them, and gives them back. */
function canary(kernel: Kernel, pages: number): void {
  const c = kernel.process()
  const bytes = new Uint8Array(pages * PAGE).fill(CANARY)
  const { address } = c.mmap({ length: bytes.length, flags: MAP.PRIVATE | MAP.ANONYMOUS })
  for (let look = 0; look < 2; look++) {
    if (look === 0) c.vmWrite(address, bytes)
    else c.vmRead(address, bytes)
    const wrong = bytes.findIndex((byte) => byte !== CANARY)
    if (wrong >= 0) throw new Error(`a store of a guest reached byte ${wrong} of another process`)
  }
  c.exit()
}

/** Lets this thread serve what others ask of its store. */
const breathe = () => pause(1)

/** Takes away a part of the mapping by one of the calls that do. What is mapped again is filled at once: in order, so that extents are long. */
function disturb(p: Process, addr: number, length: number, act: number, flags: number): void {
  const again = () =>
    void p.mmap({ addr, length, flags: flags | MAP.ANONYMOUS | MAP.FIXED | MAP.POPULATE })
  const acts = [
    () => {
      p.munmap(addr, length)
      again()
    },
    again,
    () => {
      p.mprotect(addr, length, PROT.NONE)
      p.mprotect(addr, length, PROT.READ | PROT.WRITE)
    },
    () => {
      p.mprotect(addr, length, PROT.READ)
      p.mprotect(addr, length, PROT.READ | PROT.WRITE)
    },
    () => p.madvise(addr, length, MADV.DONTNEED),
    () => {
      const away = p.mmap({ length, flags: MAP.PRIVATE | MAP.ANONYMOUS, prot: PROT.NONE }).address
      p.mmap({ addr: away, length, flags: flags | MAP.ANONYMOUS | MAP.FIXED })
      p.munmap(addr, length)
      again()
      p.munmap(away, length)
    },
  ]
  acts[act % acts.length]?.()
}

for (const [name, flags] of [
  ['private', MAP.PRIVATE],
  ['shared', MAP.SHARED],
] as const) {
  test(`a guest sees its own ${name} memory or none, whatever is unmapped under it`, async () => {
    await using kernel = await boot({ memory: 8 * 1024 * 1024 })
    const p = kernel.process()
    const { address } = p.mmap({ length: BYTES, flags: flags | MAP.ANONYMOUS })
    const thread = await guestOf(kernel, p)
    const stop = new Int32Array(new SharedArrayBuffer(8))
    const stirred = thread.call<string>('stir', stop, address, BYTES, 100_000)
    const other = await startThread(new URL('./guest-race.thread.ts', import.meta.url))
    onTestFinished(() => other.end())
    const { commitLimit, framesCommitted } = kernel.stats()
    const room = commitLimit - framesCommitted - 12 * PAGES // what is freed is used at once
    const looked = other.call<string>('canary', kernel.handle, stop, room)
    while (Atomics.load(stop, 1) === 0) await breathe()
    const next = randomOf(1)
    for (let round = 0; round < effort(4000); round++) {
      const whole = next(2) === 0
      const start = whole ? 0 : next(PAGES)
      const length = (whole ? PAGES : 1 + next(Math.min(16, PAGES - start))) * PAGE
      disturb(p, address + start * PAGE, length, next(6), flags)
      if (round % 8 === 0) await breathe()
      if (round % 50 === 0) kernel.check()
    }
    Atomics.store(stop, 0, 1)
    expect(await stirred).toMatch(/^ok/)
    expect(await looked).toMatch(/^ok/)
    await thread.call('leave')
    kernel.check()
  })
}

/** A store that counts the pages that are read. */
class CountingStore extends Store {
  pagesRead = 0

  override pread(handle: number, into: Uint8Array, offset: number): number {
    this.pagesRead += into.length / PAGE
    return super.pread(handle, into, offset)
  }
}

test('a guest on a file sees its own bytes or zeros under truncation, eviction and write-back', async () => {
  const pages = 256
  const bytes = pages * PAGE
  const store = new CountingStore()
  store.foreignSize('file', bytes)
  await using kernel = await boot({ memory: 8 * 1024 * 1024, mounts: { '/m': store } })
  const p = kernel.process()
  const fd = p.open('/m/file', O.RDWR)
  const { address } = p.mmap({ fd, length: bytes })
  const thread = await guestOf(kernel, p)
  const stop = new Int32Array(new SharedArrayBuffer(8))
  const stirred = thread.call<string>('stir', stop, address, bytes, 100_000)
  while (Atomics.load(stop, 1) === 0) await breathe()
  const crowd = () => {
    const { commitLimit, framesCommitted } = kernel.stats()
    canary(kernel, commitLimit - framesCommitted - 32)
  }
  for (let round = 0; round < 400 && store.pagesRead <= pages; round++) {
    crowd()
    await breathe()
  }
  expect(store.pagesRead, 'pages are read again because they were evicted').toBeGreaterThan(pages)
  const next = randomOf(2)
  const acts = [
    () => {
      p.ftruncate(fd, next(pages) * PAGE)
      p.ftruncate(fd, bytes)
    },
    () => p.msync(address, bytes, MS.SYNC),
    () => p.msync(address, bytes, MS.SYNC | MS.INVALIDATE),
    () => p.madvise(address, bytes, MADV.DONTNEED),
    crowd,
  ]
  for (let round = 0; round < effort(200); round++) {
    acts[next(acts.length)]?.()
    await breathe()
    if (round % 10 === 0) kernel.check()
  }
  Atomics.store(stop, 0, 1)
  expect(await stirred).toMatch(/^ok/)
  await thread.call('leave')
  kernel.check()
})

test('no store of a guest is lost to a file that is synced all the while', async () => {
  const bytes = 256 * PAGE
  const store = new Store()
  store.foreignSize('file', bytes)
  await using kernel = await boot({ memory: 8 * 1024 * 1024, mounts: { '/m': store } })
  const p = kernel.process()
  const map = p.mmap({ fd: p.open('/m/file', O.RDWR), length: bytes })
  const thread = await guestOf(kernel, p)
  for (let turn = 0; turn < effort(60); turn++) {
    let done = false
    const rounds = 1000 + turn
    const counted = thread.call('count', map.address, bytes, rounds).finally(() => {
      done = true
    })
    while (!done) {
      p.msync(map.address, bytes, MS.SYNC)
      await breathe()
    }
    expect(await counted).toBe(0)
    p.msync(map.address, bytes, MS.SYNC)
    const seen = new Uint8Array(bytes)
    p.vmRead(map.address, seen)
    const durable = store.durable('file') as Uint8Array
    expect(new Int32Array(seen.buffer)[bytes / 4 - 8]).toBe(rounds)
    expect(seen.findIndex((byte, at) => byte !== durable[at])).toBe(-1)
    expect(kernel.stats().dirtyPages).toBe(0)
  }
  await thread.call('leave')
})

test('a guest in a loop ends at its next poll when its process is ended', async () => {
  await using kernel = await boot({ memory: 8 * 1024 * 1024 })
  for (let turn = 0; turn < 3; turn++) {
    const p = kernel.process()
    const { address } = p.mmap({ length: PAGE, flags: MAP.SHARED | MAP.ANONYMOUS })
    const thread = await guestOf(kernel, p)
    const spun = thread.call('spin', address)
    const word = new Uint8Array(4)
    while (word.every((byte) => byte === 0)) {
      p.vmRead(address, word)
      await breathe()
    }
    p.exit()
    expect(await spun).toBe('SIGKILL')
    await thread.call('leave')
    kernel.check()
  }
})
