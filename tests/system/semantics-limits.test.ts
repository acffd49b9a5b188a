/** SEMANTICS: what limits and promises refuse of the memory calls, what of a failing call is done, and that the rest changes nothing. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  boot,
  type Kernel,
  MADV,
  MAP,
  MCL,
  MREMAP,
  O,
  PROT,
  type Process,
  RLIMIT,
} from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'

const PAGE = 4096
const AT = 0x9000_0000
const ANON = MAP.PRIVATE | MAP.ANONYMOUS
const SHARED = MAP.SHARED | MAP.ANONYMOUS
const RW = PROT.READ | PROT.WRITE
const { MAYMOVE, FIXED } = MREMAP

let kernel: Kernel
let p: Process
/** Not root. */
let user: Process
beforeAll(async () => {
  kernel = await boot({ memory: '8MiB' })
})
beforeEach(() => {
  p = kernel.process()
  user = kernel.process({ uid: 1000, gid: 1000 })
  return () => {
    for (const each of [p, user]) each[Symbol.dispose]()
    kernel.check()
    expect(kernel.stats()).toMatchObject({ mappings: 0, processes: 0 })
  }
})
afterAll(() => kernel.close())

const fill = (length: number, value: number) => new Uint8Array(length).fill(value)

/** What is mapped, and how many frames are promised: what a failing call may not change. */
function state(of = p) {
  const { framesCommitted, mappings } = kernel.stats()
  return { maps: of.maps(), framesCommitted, mappings }
}

/** More pages than the kernel can promise now. */
function tooMany(): number {
  const { commitLimit, framesCommitted } = kernel.stats()
  return commitLimit - framesCommitted + 1
}

/** The call says `code`, and nothing else of the process or the account is another afterwards. */
function refuses(call: () => unknown, code: string, of = p): void {
  const before = state(of)
  expect(outcome(call)).toBe(code)
  expect(state(of)).toEqual(before)
}

describe('RLIMIT_MEMLOCK', () => {
  test('over RLIMIT_MEMLOCK ENOMEM, with limit 0 and unprivileged EPERM; root locks what it likes', () => {
    const map = user.mmap({ length: 4 * PAGE })
    user.setrlimit(RLIMIT.MEMLOCK, 2 * PAGE)
    expect(outcome(() => map.lock())).toBe('ENOMEM')
    expect(outcome(() => map.lock({ offset: 0, length: 2 * PAGE }))).toBe('ok')
    expect(outcome(() => map.lock({ offset: 0, length: PAGE }))).toBe('ok')
    expect(outcome(() => map.lock({ offset: 2 * PAGE, length: 1 }))).toBe('ENOMEM')
    map.unlock()
    user.setrlimit(RLIMIT.MEMLOCK, 0)
    expect(outcome(() => map.lock())).toBe('EPERM')
    p.setrlimit(RLIMIT.MEMLOCK, 0)
    expect(outcome(() => p.mmap({ length: 4 * PAGE }).lock())).toBe('ok')
  })

  test('mlockall over it is ENOMEM, with limit 0 and unprivileged EPERM, and locks nothing', () => {
    user.mmap({ length: 3 * PAGE })
    user.setrlimit(RLIMIT.MEMLOCK, 2 * PAGE)
    refuses(() => user.mlockall(MCL.CURRENT), 'ENOMEM', user)
    refuses(() => user.mlockall(MCL.CURRENT | MCL.FUTURE), 'ENOMEM', user)
    user.setrlimit(RLIMIT.MEMLOCK, 0)
    for (const flags of [MCL.CURRENT, MCL.FUTURE]) {
      refuses(() => user.mlockall(flags), 'EPERM', user)
    }
    expect(user.mmap({ length: PAGE }).length).toBe(PAGE)
    expect(outcome(() => user.munlockall())).toBe('ok')
    p.setrlimit(RLIMIT.MEMLOCK, 0)
    expect(outcome(() => p.mlockall(MCL.CURRENT | MCL.FUTURE))).toBe('ok')
  })

  test('with MCL_FUTURE over it mmap is EAGAIN', () => {
    user.setrlimit(RLIMIT.MEMLOCK, PAGE)
    user.mlockall(MCL.FUTURE)
    expect(outcome(() => user.mmap({ length: PAGE }))).toBe('ok')
    refuses(() => user.mmap({ length: PAGE }), 'EAGAIN', user)
  })

  test('a locked mapping that would grow over it, or be doubled, is EAGAIN', () => {
    user.setrlimit(RLIMIT.MEMLOCK, 3 * PAGE)
    const map = user.mmap({ length: 2 * PAGE, flags: SHARED })
    map.lock()
    refuses(() => map.remap(4 * PAGE), 'EAGAIN', user)
    refuses(() => user.mremap(map.address, 0, 2 * PAGE, MAYMOVE), 'EAGAIN', user)
    const half = user.mremap(map.address, 0, PAGE, MAYMOVE)
    expect(outcome(() => user.madvise(half, PAGE, MADV.DONTNEED))).toBe('EINVAL')
  })

  test('the part of mlock and munlock before a hole is done', () => {
    for (const page of [0, 2])
      p.mmap({ length: PAGE, addr: AT + page * PAGE, flags: ANON | MAP.FIXED })
    const locked = () => p.maps().map((one) => one.locked)
    expect(outcome(() => p.mlock(AT, 3 * PAGE))).toBe('ENOMEM')
    expect(locked()).toEqual([true, false])
    expect(outcome(() => p.munlock(AT + 5, PAGE))).toBe('ENOMEM')
    expect(locked()).toEqual([false, false])
  })
})

describe('RLIMIT_AS', () => {
  test('mremap that grows or doubles past it is ENOMEM; FIXED counts what it replaces', () => {
    p.setrlimit(RLIMIT.AS, 6 * PAGE)
    const map = p.mmap({ length: 2 * PAGE, flags: SHARED })
    const other = p.mmap({ length: 3 * PAGE, addr: AT, flags: ANON | MAP.FIXED })
    refuses(() => map.remap(4 * PAGE), 'ENOMEM')
    refuses(() => p.mremap(map.address, 0, 2 * PAGE, MAYMOVE), 'ENOMEM')
    refuses(() => p.mremap(map.address, 0, 5 * PAGE, MAYMOVE | FIXED, AT), 'ENOMEM')
    refuses(() => p.mremap(map.address, 2 * PAGE, 6 * PAGE, MAYMOVE | FIXED, AT + PAGE), 'ENOMEM')
    expect(p.mremap(map.address, 0, 4 * PAGE, MAYMOVE | FIXED, AT)).toBe(AT)
    expect(p.maps().map(({ start, end }) => end - start)).toEqual([2 * PAGE, 4 * PAGE])
    expect(p.mremap(map.address, 2 * PAGE, 6 * PAGE, MAYMOVE | FIXED, other.address)).toBe(AT)
    expect(p.maps().map(({ start, end }) => [start, end - start])).toEqual([[AT, 6 * PAGE]])
  })

  test('counts what is reserved without access too, and a shrink gives it back', () => {
    p.setrlimit(RLIMIT.AS, 4 * PAGE)
    const map = p.mmap({ length: 4 * PAGE, prot: PROT.NONE })
    refuses(() => p.mmap({ length: PAGE }), 'ENOMEM')
    map.remap(3 * PAGE)
    expect(outcome(() => p.mmap({ length: PAGE }))).toBe('ok')
  })
})

describe('what was not promised', () => {
  test('mprotect that makes a private mapping writable takes a promise: ENOMEM without, and nothing is writable', () => {
    const pages = tooMany()
    const map = p.mmap({ length: pages * PAGE, prot: PROT.READ })
    refuses(() => map.protect(RW), 'ENOMEM')
    expect(outcome(() => map.write(0, fill(1, 1)))).toBe('SIGSEGV')
    map.protect(RW, { offset: 0, length: PAGE })
    map.write(0, fill(1, 1))
    refuses(() => map.protect(RW, { offset: PAGE }), 'ENOMEM')
  })

  test('mprotect stops with EACCES at a mapping that may not be written; the part before is done', () => {
    p.mmap({ length: PAGE, addr: AT, flags: ANON | MAP.FIXED, prot: PROT.READ })
    const fd = p.open('/read-only', O.CREAT | O.RDONLY)
    p.mmap({ fd, length: PAGE, addr: AT + PAGE, flags: MAP.SHARED | MAP.FIXED, prot: PROT.READ })
    expect(outcome(() => p.mprotect(AT, 2 * PAGE, RW))).toBe('EACCES')
    expect(p.maps().map(({ prot }) => prot)).toEqual([RW, PROT.READ])
  })

  test('mremap that may not grow leaves what FIXED was to replace', () => {
    const map = p.mmap({ length: PAGE })
    const there = p.mmap({ length: 2 * PAGE, addr: AT, flags: ANON | MAP.FIXED })
    there.write(PAGE, fill(1, 9))
    const pages = tooMany() + 8
    refuses(() => p.mremap(map.address, PAGE, pages * PAGE, MAYMOVE | FIXED, AT), 'ENOMEM')
    expect(there.read(PAGE, 1)[0]).toBe(9)
  })
})
