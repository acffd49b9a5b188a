/**
 * A module that remembers: it has touched pages, they are taken away while none of its code runs, or in the middle of it, and given to another process; then it touches
 * them again, in each way there is. It neither sees a byte of the other process nor changes one.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
import { READS, TOUCHES, touchingGuest } from '../support/touching-guest.ts'

const PAGE = 4096
const BYTES = 4 * PAGE
const BACK_ENDS = ['multi-memory', 'accessors'] as const
const CANARY = 0xcacacaca
const CANARY_LONG = 0xcacacaca_cacacacan
const FRAMES = 96
const FILLED = new Uint8Array(2 * FRAMES * PAGE).fill(0xca)
const looked = new Uint8Array(FILLED.length)
const SHARED = MAP.SHARED | MAP.ANONYMOUS
const PRIVATE = MAP.PRIVATE | MAP.ANONYMOUS

let kernel: Kernel
let hog: Process
beforeAll(async () => {
  kernel = await boot({ memory: '8MiB' })
  // Few frames are left, so that those which are freed are soon another's.
  hog = kernel.process()
  hog.mmap({ length: (free() - FRAMES) * PAGE, flags: PRIVATE | MAP.POPULATE })
})
afterAll(async () => {
  hog.exit()
  kernel.check()
  expect(kernel.stats()).toMatchObject({ processes: 0, sleepers: 0 })
  await kernel.close()
})

/** What a touch gives after its page went: the code of the error that ends it, or what is there now. */
type Result = 'SIGSEGV' | 'SIGBUS' | 'zeros' | 'own'

interface Way {
  /** Maps BYTES bytes. => their address, and what takes them away */
  map(p: Process): { address: number; revoke: () => void }
  readonly read: Result
  readonly write: Result
}

const anonymous = (
  flags: number,
  revoke: (p: Process, address: number) => void,
  read: Result,
  write = read,
) => ({
  map(p: Process) {
    const { address } = p.mmap({ length: BYTES, flags })
    return { address, revoke: () => revoke(p, address) }
  },
  read,
  write,
})

const WAYS: Readonly<Record<string, Way>> = {
  munmap: anonymous(SHARED, (p, at) => p.munmap(at, BYTES), 'SIGSEGV'),
  'munmap of private pages': anonymous(PRIVATE, (p, at) => p.munmap(at, BYTES), 'SIGSEGV'),
  'mprotect to nothing': anonymous(SHARED, (p, at) => p.mprotect(at, BYTES, PROT.NONE), 'SIGSEGV'),
  'mprotect to read': anonymous(
    PRIVATE,
    (p, at) => p.mprotect(at, BYTES, PROT.READ),
    'own',
    'SIGSEGV',
  ),
  MAP_FIXED: anonymous(
    SHARED,
    (p, addr) => void p.mmap({ addr, length: BYTES, flags: SHARED | MAP.FIXED }),
    'zeros',
  ),
  MADV_DONTNEED: anonymous(PRIVATE, (p, at) => p.madvise(at, BYTES, MADV.DONTNEED), 'zeros'),
  mremap: anonymous(
    SHARED,
    (p, at) => {
      const away = p.mmap({ length: BYTES, flags: PRIVATE, prot: PROT.NONE }).address
      p.mremap(at, BYTES, BYTES, MREMAP.MAYMOVE | MREMAP.FIXED, away)
      p.munmap(away, BYTES)
    },
    'SIGSEGV',
  ),
  ftruncate: {
    map(p) {
      const fd = p.open('/truncated', O.CREAT | O.RDWR)
      p.ftruncate(fd, BYTES)
      const { address } = p.mmap({ fd, length: BYTES })
      return {
        address,
        revoke() {
          p.ftruncate(fd, 0)
          p.close(fd)
        },
      }
    },
    read: 'SIGBUS',
    write: 'SIGBUS',
  },
  shmdt: {
    map(p) {
      const id = p.shmget(0, BYTES, 0o600)
      const { address } = p.shmat(id)
      return {
        address,
        revoke() {
          p.shmdt(address)
          p.shmctl(id, 0)
        },
      }
    },
    read: 'SIGSEGV',
    write: 'SIGSEGV',
  },
}

/** => frames that may be had. */
function free(): number {
  const { commitLimit, framesCommitted } = kernel.stats()
  return commitLimit - framesCommitted
}

/** Takes the frames that are free and fills them. => whether all is as it was; gives them back */
function canary(): () => void {
  const c = kernel.process()
  const length = (free() - 16) * PAGE
  const { address } = c.mmap({ length, flags: PRIVATE })
  c.vmWrite(address, FILLED.subarray(0, length))
  return () => {
    c.vmRead(address, looked.subarray(0, length))
    const words = new BigUint64Array(looked.buffer, 0, length / 8)
    expect(words.findIndex((word) => word !== CANARY_LONG)).toBe(-1)
    c.exit()
  }
}

type Calls = Record<string, (address: number, value: number) => number>

async function guestOf(
  p: Process,
  backEnd: (typeof BACK_ENDS)[number],
  event: () => void = () => {},
) {
  const options = { process: p, backEnd, cache: false, imports: { host: { event } } }
  const plugin = await kernel.load(touchingGuest(), options)
  return { plugin, calls: plugin.exports as Calls }
}

/** => what a touch gave, in the terms of Result. */
function result(call: () => number): Result | string {
  try {
    const word = call() >>> 0
    if (word === CANARY || word === (CANARY & 0xff)) return 'a byte of another process'
    return word === 0 ? 'zeros' : 'own'
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  }
}

describe.each(BACK_ENDS)('a module of the %s back end', (backEnd) => {
  test.each(Object.keys(WAYS))('does not reach what it reached before: %s', async (name) => {
    const way = WAYS[name] as Way
    const p = kernel.process()
    const { plugin, calls } = await guestOf(p, backEnd)
    for (const touch of Object.keys(TOUCHES)) {
      const { address, revoke } = way.map(p)
      for (let at = address; at < address + BYTES; at += PAGE) calls.store?.(at, 1)
      calls[touch]?.(address + 16, 0)
      calls.load?.(address, 0)
      calls.store?.(address + 16, 1)
      revoke()
      const whole = canary()
      const seen = result(() => calls[touch]?.(address + 16, 0x5a5a5a5a) as number)
      const expected = touch in READS ? way.read : way.write
      const stays = expected === 'zeros' || expected === 'own'
      expect(seen, touch).toMatch(stays ? /^(zeros|own)$/ : new RegExp(`^${expected}$`))
      if (touch === 'load') expect(seen).toBe(expected)
      whole()
      if (kernel.mapsOf(p.pid).length > 0) p.munmap(address, BYTES)
    }
    plugin[Symbol.dispose]()
    p.exit()
  })
})

describe.each(BACK_ENDS)('a module of the %s back end that was left in its middle', (backEnd) => {
  test.each([
    'imports',
    'catches',
    'traps',
  ] as const)('does not reach what it reached before: it %s', async (how) => {
    const p = kernel.process()
    let revoke = () => {}
    const { plugin, calls } = await guestOf(p, backEnd, () => {
      revoke()
      if (how === 'catches') throw new Error('caught by the module')
    })
    const { address } = p.mmap({ length: BYTES, flags: SHARED })
    let whole = () => {}
    // No touch before: the one in its middle faults, which fills a register.
    const take = () => {
      p.munmap(address, BYTES)
      whole = canary()
    }
    if (how === 'traps') {
      expect(() => calls.traps?.(address, 1)).toThrow(WebAssembly.RuntimeError)
      take()
    } else revoke = take
    expect(result(() => calls[how === 'traps' ? 'load' : how]?.(address, 1) as number)).toBe(
      'SIGSEGV',
    )
    expect(result(() => calls.load?.(address, 1) as number)).toBe('SIGSEGV')
    expect(result(() => calls.store?.(address, 1) as number)).toBe('SIGSEGV')
    whole()
    plugin[Symbol.dispose]()
    p.exit()
  })

  test('does not reach it when an import called it again, ended it, or threw through it', async () => {
    const p = kernel.process()
    let event = () => {}
    const { plugin, calls } = await guestOf(p, backEnd, () => event())
    const { address } = p.mmap({ length: BYTES, flags: SHARED })
    event = () => {
      expect(calls.load?.(address, 0)).toBe(7)
      p.munmap(address, BYTES)
      expect(result(() => calls.load?.(address, 0) as number)).toBe('SIGSEGV')
    }
    calls.store?.(address, 7)
    expect(result(() => calls.imports?.(address, 0) as number)).toBe('SIGSEGV')
    const again = p.mmap({ length: BYTES, flags: SHARED }).address
    event = () => {
      p.munmap(again, BYTES)
      throw new Error('thrown through the module')
    }
    expect(() => calls.imports?.(again, 0)).toThrow('thrown through the module')
    expect(result(() => calls.load?.(again, 0) as number)).toBe('SIGSEGV')
    const third = p.mmap({ length: BYTES, flags: SHARED }).address
    event = () => plugin[Symbol.dispose]()
    calls.store?.(third, 7)
    expect(() => calls.imports?.(third, 0)).toThrow()
    expect(() => calls.load?.(third, 0)).toThrow()
    p.exit()
  })

  test('does nothing more once its process has ended', async () => {
    const p = kernel.process()
    const { plugin, calls } = await guestOf(p, backEnd)
    const { address } = p.mmap({ length: BYTES, flags: SHARED })
    calls.store?.(address, 7)
    p.exit()
    const whole = canary()
    for (const touch of [...Object.keys(TOUCHES), 'nothing']) {
      expect(() => calls[touch]?.(address, 1), touch).toThrow()
    }
    whole()
    plugin[Symbol.dispose]()
  })
})
