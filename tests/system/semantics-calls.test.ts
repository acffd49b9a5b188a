/** SEMANTICS: munmap, mprotect, mremap, madvise, mincore, mlock, `bytes`, and what happens when memory runs out. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  boot,
  type Kernel,
  MADV,
  MAP,
  MCL,
  MREMAP,
  O,
  POSIX_MADV,
  PROT,
  type Process,
} from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'

const PAGE = 4096
const AT = 0x9000_0000
const ANON = MAP.PRIVATE | MAP.ANONYMOUS
const SHARED = MAP.SHARED | MAP.ANONYMOUS
const { MAYMOVE, FIXED, DONTUNMAP } = MREMAP

let kernel: Kernel
let p: Process
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
})
beforeEach(() => {
  p = kernel.process()
  return () => {
    p[Symbol.dispose]()
    kernel.check()
  }
})
afterAll(() => kernel.close())

const fill = (length: number, value: number) => new Uint8Array(length).fill(value)
const load = (address: number) => {
  const into = new Uint8Array(1)
  p.vmRead(address, into)
  return into[0]
}

/** Pages at AT: `1` mapped and readable, `0` a hole. */
function layout(pattern: string, flags = ANON, prot = PROT.READ | PROT.WRITE): void {
  for (const [i, kind] of [...pattern].entries()) {
    if (kind === '1') p.mmap({ length: PAGE, addr: AT + i * PAGE, flags: flags | MAP.FIXED, prot })
  }
}

/** What is mapped of the first pages at AT. */
function mapped(pages: number): string {
  const at = (i: number) => outcome(() => p.mincore(AT + i * PAGE, PAGE))
  return Array.from({ length: pages }, (_, i) => (at(i) === 'ok' ? 1 : 0)).join('')
}

function file(path: string, size: number, flags = O.RDWR): number {
  const fd = p.open(path, O.CREAT | O.RDWR)
  p.ftruncate(fd, 0)
  p.ftruncate(fd, size)
  p.close(fd)
  return p.open(path, flags)
}

describe('munmap', () => {
  test('takes any aligned range, holes too, and splits', () => {
    layout('1110011')
    p.munmap(AT + PAGE, 5 * PAGE)
    expect(mapped(8)).toBe('10000010')
    p.munmap(AT, 8 * PAGE)
    expect(mapped(8)).toBe('00000000')
    expect(outcome(() => p.munmap(AT, PAGE))).toBe('ok')
  })

  test.for([
    ['unaligned', AT + 1, PAGE],
    ['length 0', AT, 0],
    ['below the window', PAGE, PAGE],
    ['past the window', 0xfeff_f000, 2 * PAGE],
    ['longer than the window', AT, 2 ** 40],
  ] as const)('refuses %s with EINVAL', ([, address, length]) => {
    layout('1')
    expect(outcome(() => p.munmap(address, length))).toBe('EINVAL')
    expect(mapped(1)).toBe('1')
  })

  test('a part of a page at the end counts as the whole page', () => {
    layout('11')
    p.munmap(AT, 1)
    expect(mapped(2)).toBe('01')
  })
})

describe('mprotect', () => {
  test('splits, and merges again', () => {
    p.mmap({ length: 8 * PAGE, addr: AT, flags: ANON | MAP.FIXED })
    const { mappings } = kernel.stats()
    p.mprotect(AT + 2 * PAGE, PAGE, PROT.READ)
    expect(kernel.stats().mappings).toBe(mappings + 2)
    p.mprotect(AT, 8 * PAGE, PROT.READ)
    expect(kernel.stats().mappings).toBe(mappings)
  })

  test('a hole is ENOMEM, after the part before it was done', () => {
    layout('101')
    expect(outcome(() => p.mprotect(AT, 3 * PAGE, PROT.NONE))).toBe('ENOMEM')
    expect([0, 2].map((i) => outcome(() => load(AT + i * PAGE)))).toEqual(['SIGSEGV', 'ok'])
  })

  test('length 0 is fine; unaligned and unknown bits are EINVAL', () => {
    expect(outcome(() => p.mprotect(AT, 0, PROT.READ))).toBe('ok')
    layout('1')
    expect(outcome(() => p.mprotect(AT + 1, PAGE, PROT.READ))).toBe('EINVAL')
    expect(outcome(() => p.mprotect(AT, PAGE, 0x40))).toBe('EINVAL')
  })

  test('WRITE for a shared mapping of a read-only descriptor is EACCES, also once it is closed', () => {
    const fd = file('/ro', PAGE, O.RDONLY)
    const map = p.mmap({ fd, length: PAGE, prot: PROT.READ })
    p.close(fd)
    expect(outcome(() => map.protect(PROT.READ | PROT.WRITE))).toBe('EACCES')
  })

  test('a private mapping of a read-only descriptor may gain WRITE', () => {
    const fd = file('/ro', PAGE, O.RDONLY)
    const map = p.mmap({ fd, length: PAGE, prot: PROT.READ, flags: MAP.PRIVATE })
    map.protect(PROT.READ | PROT.WRITE)
    map.write(0, fill(1, 1))
    expect(map.read(0, 1)[0]).toBe(1)
  })

  test('what was stored before a protection comes back with it', () => {
    layout('1')
    p.vmWrite(AT, fill(PAGE, 9))
    p.mprotect(AT, PAGE, PROT.NONE)
    p.mprotect(AT, PAGE, PROT.READ)
    expect(load(AT + 5)).toBe(9)
  })
})

describe('mremap', () => {
  test.for([
    ['an unaligned old address', 'EINVAL', [AT + 1, PAGE, PAGE, 0]],
    ['new size 0', 'EINVAL', [AT, PAGE, 0, MAYMOVE]],
    ['unknown flags', 'EINVAL', [AT, PAGE, PAGE, 8]],
    ['MREMAP_DONTUNMAP', 'EINVAL', [AT, PAGE, PAGE, MAYMOVE | DONTUNMAP]],
    ['FIXED without MAYMOVE', 'EINVAL', [AT, PAGE, PAGE, FIXED, AT + 16 * PAGE]],
    ['an unaligned new address', 'EINVAL', [AT, PAGE, PAGE, MAYMOVE | FIXED, AT + 16 * PAGE + 1]],
    [
      'a new range over the old one',
      'EINVAL',
      [AT, 2 * PAGE, 2 * PAGE, MAYMOVE | FIXED, AT + PAGE],
    ],
    ['a hole', 'EFAULT', [AT + 3 * PAGE, PAGE, 2 * PAGE, MAYMOVE]],
    ['growth over more than one mapping', 'EFAULT', [AT + PAGE, 2 * PAGE, 5 * PAGE, MAYMOVE]],
    [
      'a move over more than one mapping',
      'EFAULT',
      [AT + PAGE, 2 * PAGE, 2 * PAGE, MAYMOVE | FIXED, AT + 16 * PAGE],
    ],
    ['growth without room and without MAYMOVE', 'ENOMEM', [AT + PAGE, PAGE, 2 * PAGE, 0]],
    ['old size 0 of a private mapping', 'EINVAL', [AT, 0, PAGE, MAYMOVE]],
    ['a new size past the window', 'EINVAL', [AT, PAGE, 2 ** 40, MAYMOVE]],
    [
      'a new address outside the window',
      'EINVAL',
      [AT, PAGE, 2 * PAGE, MAYMOVE | FIXED, 0xfeff_f000],
    ],
  ] as const)('refuses %s with %s', ([, code, args]) => {
    p.mmap({ length: 2 * PAGE, addr: AT, flags: ANON | MAP.FIXED })
    p.mmap({ length: PAGE, addr: AT + 2 * PAGE, flags: ANON | MAP.FIXED, prot: PROT.READ })
    p.vmWrite(AT, fill(PAGE, 7))
    expect(outcome(() => p.mremap(...(args as unknown as [number, number, number, number])))).toBe(
      code,
    )
    expect(mapped(6)).toBe('111000')
    expect(load(AT)).toBe(7)
  })
})

describe('mremap moves and sizes', () => {
  test('a shrink may span mappings', () => {
    layout('1')
    p.mmap({ length: PAGE, addr: AT + PAGE, flags: ANON | MAP.FIXED, prot: PROT.READ })
    expect(p.mremap(AT, 2 * PAGE, PAGE, 0)).toBe(AT)
    expect(mapped(2)).toBe('10')
  })

  test('grows in place where there is room, else moves with its bytes', () => {
    layout('1')
    p.vmWrite(AT, fill(PAGE, 3))
    expect(p.mremap(AT, PAGE, 2 * PAGE, 0)).toBe(AT)
    p.mmap({ length: PAGE, addr: AT + 2 * PAGE, flags: ANON | MAP.FIXED })
    const moved = p.mremap(AT, 2 * PAGE, 3 * PAGE, MAYMOVE)
    expect(moved).not.toBe(AT)
    expect([load(moved), load(moved + 2 * PAGE)]).toEqual([3, 0])
    expect(mapped(3)).toBe('001')
  })

  test('FIXED replaces what is at the new address', () => {
    layout('1000001')
    p.vmWrite(AT, fill(PAGE, 3))
    p.vmWrite(AT + 6 * PAGE, fill(PAGE, 4))
    expect(p.mremap(AT, PAGE, 2 * PAGE, MAYMOVE | FIXED, AT + 5 * PAGE)).toBe(AT + 5 * PAGE)
    expect(mapped(7)).toBe('0000011')
    expect([load(AT + 5 * PAGE), load(AT + 6 * PAGE)]).toEqual([3, 0])
  })

  test('old size 0 duplicates a shared mapping', () => {
    const map = p.mmap({ length: 2 * PAGE, flags: SHARED })
    const twin = p.mremap(map.address, 0, 2 * PAGE, MAYMOVE)
    p.vmWrite(twin + PAGE, fill(1, 6))
    expect(map.read(PAGE, 1)[0]).toBe(6)
    expect(outcome(() => p.mremap(map.address, 0, 2 * PAGE, 0))).toBe('ENOMEM')
  })

  test('growth past the end of the file succeeds, and an access there is SIGBUS', () => {
    const map = p.mmap({ fd: file('/g', PAGE), length: PAGE })
    map.remap(3 * PAGE)
    expect(outcome(() => map.read(PAGE, 1))).toBe('SIGBUS')
  })
})

describe('madvise', () => {
  test.for([
    MADV.NORMAL,
    MADV.RANDOM,
    MADV.SEQUENTIAL,
    MADV.WILLNEED,
  ])('advice %i changes nothing that is seen', (advice) => {
    layout('11')
    p.vmWrite(AT, fill(2 * PAGE, 5))
    p.madvise(AT, 2 * PAGE, advice)
    expect([load(AT), load(AT + PAGE)]).toEqual([5, 5])
  })

  test('DONTNEED: private anonymous memory reads 0, a private file page drops its copy, shared refills', () => {
    const fd = file('/dn', PAGE)
    p.pwrite(fd, fill(PAGE, 1), 0)
    const maps = [
      p.mmap({ length: PAGE }),
      p.mmap({ fd, length: PAGE, flags: MAP.PRIVATE }),
      p.mmap({ length: PAGE, flags: SHARED }),
      p.mmap({ fd: file('/dn2', PAGE), length: PAGE }),
    ]
    for (const map of maps) {
      map.write(0, fill(PAGE, 8))
      map.advise(MADV.DONTNEED)
    }
    expect(maps.map((map) => map.read(9, 1)[0])).toEqual([0, 1, 8, 8])
  })

  test('DONTNEED of locked pages is EINVAL', () => {
    layout('1')
    p.mlock(AT, PAGE)
    expect(outcome(() => p.madvise(AT, PAGE, MADV.DONTNEED))).toBe('EINVAL')
  })

  test('REMOVE punches a shared object: its own mappings and others read 0', () => {
    const fd = file('/rm', 2 * PAGE)
    const maps = [p.mmap({ fd, length: 2 * PAGE }), p.mmap({ fd, length: 2 * PAGE })]
    maps[0]?.write(0, fill(2 * PAGE, 4))
    maps[0]?.advise(MADV.REMOVE, { offset: 0, length: PAGE })
    expect(maps.map((map) => [map.read(0, 1)[0], map.read(PAGE, 1)[0]])).toEqual([
      [0, 4],
      [0, 4],
    ])
    expect(p.fstat(fd).size).toBe(2 * PAGE)
  })
})

describe('what madvise refuses', () => {
  test('REMOVE of private or locked memory is EINVAL; of what may never be written, or a private file mapping, EACCES', () => {
    const fd = file('/rm', PAGE)
    const said = (options: Parameters<Process['mmap']>[0]) =>
      outcome(() => p.mmap(options).advise(MADV.REMOVE))
    expect(said({ length: PAGE })).toBe('EINVAL')
    expect(said({ length: PAGE, flags: SHARED | MAP.LOCKED })).toBe('EINVAL')
    expect(said({ fd, length: PAGE, flags: MAP.PRIVATE })).toBe('EACCES')
    expect(said({ fd: file('/rm', PAGE, O.RDONLY), length: PAGE, prot: PROT.READ })).toBe('EACCES')
    expect(said({ fd, length: PAGE, prot: PROT.READ })).toBe('ok')
  })

  test('FREE of shared memory, or of a file, is EINVAL, of private memory reads 0 or what was there', () => {
    expect(outcome(() => p.mmap({ length: PAGE, flags: SHARED }).advise(MADV.FREE))).toBe('EINVAL')
    const own = p.mmap({ fd: file('/free', PAGE), length: PAGE, flags: MAP.PRIVATE })
    expect(outcome(() => own.advise(MADV.FREE))).toBe('EINVAL')
    layout('1')
    p.vmWrite(AT, fill(PAGE, 5))
    p.madvise(AT, PAGE, MADV.FREE)
    expect([0, 5]).toContain(load(AT))
  })

  test('unknown and unaligned are EINVAL; a hole is ENOMEM after the rest was done', () => {
    layout('101')
    p.vmWrite(AT, fill(1, 1))
    p.vmWrite(AT + 2 * PAGE, fill(1, 1))
    expect(outcome(() => p.madvise(AT, PAGE, 99))).toBe('EINVAL')
    expect(outcome(() => p.madvise(AT + 1, PAGE, MADV.NORMAL))).toBe('EINVAL')
    expect(outcome(() => p.madvise(AT, 3 * PAGE, MADV.DONTNEED))).toBe('ENOMEM')
    expect([load(AT), load(AT + 2 * PAGE)]).toEqual([0, 0])
  })

  test('posix_madvise DONTNEED changes nothing', () => {
    layout('1')
    p.vmWrite(AT, fill(1, 7))
    p.posix_madvise(AT, PAGE, POSIX_MADV.DONTNEED)
    expect(load(AT)).toBe(7)
    expect(outcome(() => p.posix_madvise(AT, PAGE, 9))).toBe('EINVAL')
    expect(outcome(() => p.posix_madvise(AT, 2 * PAGE, POSIX_MADV.DONTNEED))).toBe('ENOMEM')
  })
})

describe('mincore and mlock', () => {
  test('mincore tells by the low bit what is in memory; unaligned EINVAL, a hole ENOMEM', () => {
    layout('111')
    p.vmWrite(AT + PAGE, fill(1, 1))
    expect([...p.mincore(AT, 3 * PAGE)].map((byte) => byte & 1)).toEqual([0, 1, 0])
    expect(outcome(() => p.mincore(AT + 1, PAGE))).toBe('EINVAL')
    expect(outcome(() => p.mincore(AT, 4 * PAGE))).toBe('ENOMEM')
  })

  test('mlock rounds the address down, brings pages in, and fails at a hole with ENOMEM', () => {
    layout('11')
    p.mlock(AT + 100, PAGE)
    expect([...p.mincore(AT, 2 * PAGE)].map((byte) => byte & 1)).toEqual([1, 1])
    expect(outcome(() => p.mlock(AT, 3 * PAGE))).toBe('ENOMEM')
    expect(outcome(() => p.munlock(AT, 3 * PAGE))).toBe('ENOMEM')
  })

  test('locks do not nest', () => {
    layout('1')
    p.mlock(AT, PAGE)
    p.mlock(AT, PAGE)
    p.munlock(AT, PAGE)
    expect(outcome(() => p.madvise(AT, PAGE, MADV.DONTNEED))).toBe('ok')
  })

  test('mlockall(0), unknown flags and MCL_ONFAULT alone are EINVAL', () => {
    const said = [0, 8, MCL.ONFAULT].map((flags) => outcome(() => p.mlockall(flags)))
    expect(said).toEqual(['EINVAL', 'EINVAL', 'EINVAL'])
  })

  test('MCL_CURRENT locks what is mapped, MCL_FUTURE what will be, munlockall ends both', () => {
    layout('1')
    p.mlockall(MCL.CURRENT | MCL.FUTURE)
    const later = p.mmap({ length: PAGE })
    const refused = () =>
      [AT, later.address].map((a) => outcome(() => p.madvise(a, PAGE, MADV.DONTNEED)))
    expect(refused()).toEqual(['EINVAL', 'EINVAL'])
    p.munlockall()
    expect(refused()).toEqual(['ok', 'ok'])
    expect(outcome(() => p.mmap({ length: PAGE }).advise(MADV.DONTNEED))).toBe('ok')
  })
})

describe('bytes', () => {
  test('un-shares a private mapping: later writes to the file are not seen, stores reach no file', () => {
    const fd = file('/b', PAGE)
    const map = p.mmap({ fd, length: PAGE, flags: MAP.PRIVATE })
    const { bytes } = map
    p.pwrite(fd, fill(1, 9), 0)
    bytes[1] = 5
    const into = new Uint8Array(2)
    p.pread(fd, into, 0)
    expect([bytes[0], ...into]).toEqual([0, 9, 0])
  })

  test.for([PROT.NONE, PROT.READ, PROT.WRITE])('of prot %i is EACCES', (prot) => {
    expect(outcome(() => p.mmap({ length: PAGE, prot }).bytes)).toBe('EACCES')
  })

  test('brings the whole mapping in', () => {
    const { address, bytes } = p.mmap({ fd: file('/b', 4 * PAGE), length: 4 * PAGE })
    expect([...p.mincore(address, 4 * PAGE)].map((byte) => byte & 1)).toEqual([1, 1, 1, 1])
    expect(bytes.length).toBe(4 * PAGE)
  })

  test('past the end of the file is SIGBUS', () => {
    expect(outcome(() => p.mmap({ fd: file('/b', PAGE), length: 2 * PAGE }).bytes)).toBe('SIGBUS')
  })

  test('of a file that shrinks under it keeps its memory, which nobody else gets', () => {
    const fd = file('/b', 4 * PAGE)
    const { bytes } = p.mmap({ fd, length: 4 * PAGE })
    bytes.fill(9)
    p.ftruncate(fd, 0)
    p.mmap({ length: 64 * PAGE }).write(0, fill(64 * PAGE, 1))
    expect(bytes.every((byte) => byte === 9)).toBe(true)
    p.ftruncate(fd, 4 * PAGE)
    const into = new Uint8Array(1)
    p.pread(fd, into, 0)
    expect(into[0]).toBe(0)
  })

  test('stores through it are seen by read, other mappings, and after munmap', () => {
    const fd = file('/b', PAGE)
    const map = p.mmap({ fd, length: PAGE })
    map.bytes[100] = 42
    map.unmap()
    const into = new Uint8Array(1)
    p.pread(fd, into, 100)
    expect(into[0]).toBe(42)
  })
})

describe('when memory runs out', () => {
  test('a store to MAP_NORESERVE memory with no frame left is SIGBUS, a write to a sparse file ENOSPC, and nobody is killed', async () => {
    await using small = await boot({ memory: '8MiB' })
    const q = small.process()
    const pages = small.stats().frames
    const map = q.mmap({ length: pages * PAGE, flags: ANON | MAP.NORESERVE })
    let stored = 0
    const store = () => {
      for (; stored < pages; stored++) map.write(stored * PAGE, fill(1, 1 + (stored % 200)))
    }
    expect(outcome(store)).toBe('SIGBUS')
    const fd = q.open('/full', O.CREAT | O.RDWR)
    let code = 'ok'
    for (let page = 0; code === 'ok' && page < pages; page++) {
      code = outcome(() => void q.pwrite(fd, fill(PAGE, 1), page * PAGE))
    }
    expect(code).toBe('ENOSPC')
    for (let page = 0; page < stored; page++)
      expect(map.read(page * PAGE, 1)[0]).toBe(1 + (page % 200))
    small.check()
    map.unmap()
    q.ftruncate(fd, 0)
    expect(q.pwrite(fd, fill(PAGE, 1), 0)).toBe(PAGE)
    small.check()
  })

  test('what was promised can be stored to, whatever else takes frames', async () => {
    await using small = await boot({ memory: '8MiB' })
    const q = small.process()
    const { commitLimit, framesCommitted, frames } = small.stats()
    const promised = Math.floor((commitLimit - framesCommitted) / 2)
    const map = q.mmap({ length: promised * PAGE })
    const greedy = q.mmap({ length: frames * PAGE, flags: ANON | MAP.NORESERVE })
    outcome(() => greedy.write(0, fill(frames * PAGE, 1)))
    for (let page = 0; page < promised; page++) map.write(page * PAGE, fill(1, 2))
    small.check()
  })
})
