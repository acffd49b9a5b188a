/** SEMANTICS, mmap: each rule by its name, and which of two broken rules is the one that is told. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  boot,
  type Kernel,
  MADV,
  MAP,
  type Mapping,
  MCL,
  MREMAP,
  O,
  PROT,
  type Process,
  RLIMIT,
} from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'
import { pause } from '../support/pause.ts'
import { Store } from '../support/store.ts'

const PAGE = 4096
const AT = 0x9000_0000
const RW = PROT.READ | PROT.WRITE
const ANON = MAP.PRIVATE | MAP.ANONYMOUS

let kernel: Kernel
let p: Process
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB', mounts: { '/m': new Store() } })
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

function file(path: string, size: number, flags = O.RDWR): number {
  const fd = p.open(path, O.CREAT | O.RDWR)
  p.ftruncate(fd, size)
  p.close(fd)
  return p.open(path, flags)
}

const ORDER: readonly [string, string, () => Parameters<Process['mmap']>[0]][] = [
  [
    'an unaligned offset with EINVAL, anonymous too',
    'EINVAL',
    () => ({ length: PAGE, flags: ANON, offset: 1 }),
  ],
  [
    'an unaligned offset before a bad descriptor',
    'EINVAL',
    () => ({ fd: 99, length: PAGE, offset: 1 }),
  ],
  ['a bad descriptor with EBADF, before length 0', 'EBADF', () => ({ fd: 99, length: 0 })],
  ['length 0 with EINVAL', 'EINVAL', () => ({ length: 0 })],
  [
    'a length past the window with ENOMEM, before the flag type',
    'ENOMEM',
    () => ({ length: 2 ** 31, flags: MAP.ANONYMOUS }),
  ],
  [
    'an end past the largest offset with EOVERFLOW, before the flag type',
    'EOVERFLOW',
    () => ({ fd: file('/o', 1), length: 2 * PAGE, offset: 2 ** 53 - PAGE, flags: 0 }),
  ],
  [
    'a length past the window before an end past the largest offset',
    'ENOMEM',
    () => ({ fd: file('/o', 1), length: 2 ** 31, offset: 2 ** 53 - PAGE }),
  ],
  [
    'neither MAP_SHARED nor MAP_PRIVATE with EINVAL',
    'EINVAL',
    () => ({ length: PAGE, flags: MAP.ANONYMOUS }),
  ],
  [
    'the flag type before the rights of the descriptor',
    'EINVAL',
    () => ({ fd: file('/w', 1, O.WRONLY), length: PAGE, flags: 0 }),
  ],
  [
    'a descriptor not open for reading with EACCES, even with PROT_NONE',
    'EACCES',
    () => ({ fd: file('/w', 1, O.WRONLY), length: PAGE, prot: PROT.NONE }),
  ],
  [
    'MAP_SHARED with PROT_WRITE on one not open for writing with EACCES',
    'EACCES',
    () => ({ fd: file('/r', 1, O.RDONLY), length: PAGE, prot: RW }),
  ],
  [
    'a directory with ENODEV',
    'ENODEV',
    () => ({ fd: p.open('/', O.RDONLY), length: PAGE, prot: PROT.READ }),
  ],
  [
    'MAP_SHARED with PROT_WRITE of a directory with EACCES, before ENODEV',
    'EACCES',
    () => ({ fd: p.open('/', O.RDONLY), length: PAGE, prot: RW }),
  ],
  [
    'an O_PATH descriptor with EBADF',
    'EBADF',
    () => ({ fd: file('/p', 1, O.PATH), length: PAGE, prot: PROT.NONE }),
  ],
  [
    'an unaligned MAP_FIXED address with EINVAL',
    'EINVAL',
    () => ({ length: PAGE, addr: AT + 1, flags: ANON | MAP.FIXED }),
  ],
  [
    'an unaligned MAP_FIXED_NOREPLACE address with EINVAL',
    'EINVAL',
    () => ({ length: PAGE, addr: AT + 1, flags: ANON | MAP.FIXED_NOREPLACE }),
  ],
  [
    'MAP_FIXED below the window with ENOMEM',
    'ENOMEM',
    () => ({ length: PAGE, addr: PAGE, flags: ANON | MAP.FIXED }),
  ],
  [
    'MAP_FIXED that leaves the window with ENOMEM',
    'ENOMEM',
    () => ({ length: 2 * PAGE, addr: 0xfeff_f000, flags: ANON | MAP.FIXED }),
  ],
  [
    'no flag type with EINVAL, before a MAP_FIXED address below the window',
    'EINVAL',
    () => ({ length: PAGE, addr: 0, flags: ~0 >>> 0 }),
  ],
  [
    'MAP_FIXED_NOREPLACE outside the window with ENOMEM',
    'ENOMEM',
    () => ({ length: 2 * PAGE, addr: 0xfeff_f000, flags: ANON | MAP.FIXED_NOREPLACE }),
  ],
  [
    'MAP_SHARED_VALIDATE of anonymous memory with EINVAL',
    'EINVAL',
    () => ({ length: PAGE, flags: MAP.SHARED_VALIDATE | MAP.ANONYMOUS }),
  ],
]

describe('mmap refuses', () => {
  test.for(ORDER)('%s', ([, code, options]) => {
    const before = kernel.stats().mappings
    expect(outcome(() => p.mmap(options()))).toBe(code)
    expect(kernel.stats().mappings).toBe(before)
  })

  test('unknown flags of MAP_SHARED_VALIDATE with EOPNOTSUPP, and ignores them otherwise', () => {
    const fd = file('/v', PAGE)
    const unknown = 0x0200_0000
    const refused = { fd, length: PAGE, flags: MAP.SHARED_VALIDATE | unknown }
    expect(() => p.mmap(refused)).toThrow(expect.objectContaining({ errno: 58 }))
    expect(outcome(() => p.mmap({ fd, length: PAGE, flags: MAP.SHARED | unknown }))).toBe('ok')
    expect(outcome(() => p.mmap({ fd, length: PAGE, flags: MAP.SHARED_VALIDATE }))).toBe('ok')
  })

  test('MAP_FIXED_NOREPLACE on what is mapped with EEXIST, and leaves it', () => {
    const map = p.mmap({ length: 2 * PAGE, addr: AT, flags: ANON | MAP.FIXED })
    map.write(PAGE, fill(1, 5))
    const over = { length: 2 * PAGE, addr: AT + PAGE, flags: ANON | MAP.FIXED_NOREPLACE }
    expect(outcome(() => p.mmap(over))).toBe('EEXIST')
    expect(map.read(PAGE, 1)[0]).toBe(5)
    expect(p.mmap({ ...over, addr: AT + 2 * PAGE }).address).toBe(AT + 2 * PAGE)
  })

  test('more mappings than the limit with ENOMEM, a split too', async () => {
    await using small = await boot({ memory: '16MiB', limits: { mappings: 4 } })
    const q = small.process()
    const one = (i: number) =>
      q.mmap({ length: 3 * PAGE, addr: AT + i * 8 * PAGE, flags: ANON | MAP.FIXED })
    const maps = [0, 1, 2, 3].map(one)
    expect(outcome(() => one(4))).toBe('ENOMEM')
    const middle = { offset: PAGE, length: PAGE }
    expect(outcome(() => maps[0]?.protect(PROT.READ, middle))).toBe('ENOMEM')
    expect(outcome(() => maps[0]?.lock(middle))).toBe('ENOMEM')
    expect(outcome(() => q.munmap(AT + PAGE, PAGE))).toBe('ENOMEM')
    expect(maps[0]?.read(PAGE, 1)[0]).toBe(0)
    q.munmap(AT + 3 * 8 * PAGE, 3 * PAGE)
    expect(outcome(() => one(5))).toBe('ok')
    small.check()
  })

  test('what would pass RLIMIT_AS with ENOMEM; MAP_FIXED counts what it replaces', () => {
    p.setrlimit(RLIMIT.AS, 4 * PAGE)
    const map = p.mmap({ length: 3 * PAGE })
    expect(outcome(() => p.mmap({ length: 2 * PAGE }))).toBe('ENOMEM')
    expect(
      outcome(() => p.mmap({ length: 3 * PAGE, addr: map.address, flags: ANON | MAP.FIXED })),
    ).toBe('ok')
    expect(outcome(() => p.mmap({ length: PAGE }))).toBe('ok')
    expect(outcome(() => p.mremap(map.address, 3 * PAGE, 4 * PAGE, MREMAP.MAYMOVE))).toBe('ENOMEM')
  })

  test('more private writable or shared anonymous memory than there is with ENOMEM; MAP_NORESERVE not', () => {
    const { commitLimit, framesCommitted } = kernel.stats()
    const length = (commitLimit - framesCommitted + 1) * PAGE
    for (const flags of [ANON, MAP.SHARED | MAP.ANONYMOUS]) {
      expect(outcome(() => p.mmap({ length, flags }))).toBe('ENOMEM')
      expect(outcome(() => p.mmap({ length, flags: flags | MAP.NORESERVE }))).toBe('ok')
    }
    expect(outcome(() => p.mmap({ length, prot: PROT.READ }))).toBe('ok')
  })
})

describe('addresses', () => {
  test('a free hint is honoured, rounded to a page; a used one gives another place', () => {
    expect(p.mmap({ length: PAGE, addr: AT }).address).toBe(AT)
    const other = p.mmap({ length: PAGE, addr: AT }).address
    expect(other).not.toBe(AT)
    expect(other % PAGE).toBe(0)
    expect(p.mmap({ length: PAGE, addr: AT + 8 * PAGE + 5 }).address).toBe(AT + 9 * PAGE)
  })

  test('MAP_FIXED replaces what is there, and only that', () => {
    const map = p.mmap({ length: 4 * PAGE, addr: AT, flags: ANON | MAP.FIXED })
    map.write(0, fill(4 * PAGE, 1))
    p.mmap({ length: 2 * PAGE, addr: AT + PAGE, flags: ANON | MAP.FIXED })
    const pages = [0, 1, 2, 3].map((page) => map.read(page * PAGE, 1)[0])
    expect(pages).toEqual([1, 0, 0, 1])
  })

  test('a long mapping is placed at a multiple of 64 KiB', () => {
    p.mmap({ length: PAGE })
    expect(p.mmap({ length: 65_536 }).address % 65_536).toBe(0)
  })
})

describe('flags', () => {
  test('MAP_ANONYMOUS ignores the descriptor, whatever it is', () => {
    const own = file('/ignored', PAGE)
    p.pwrite(own, fill(PAGE, 9), 0)
    for (const fd of [
      -1,
      99,
      own,
      file('/ignored', PAGE, O.WRONLY),
      file('/ignored', PAGE, O.PATH),
    ]) {
      const map = p.mmap({ fd, length: PAGE, flags: ANON })
      expect(map.read(0, PAGE)).toEqual(fill(PAGE, 0))
      map.write(0, fill(PAGE, 3))
    }
    const into = fill(PAGE, 0)
    p.pread(own, into, 0)
    expect(into).toEqual(fill(PAGE, 9))
  })

  test('MAP_LOCKED locks: DONTNEED is EINVAL until munlock, and a move keeps the lock', () => {
    const map = p.mmap({ length: 2 * PAGE, flags: ANON | MAP.LOCKED })
    expect(outcome(() => map.advise(MADV.DONTNEED))).toBe('EINVAL')
    map.remap(2 * PAGE, { flags: MREMAP.MAYMOVE | MREMAP.FIXED, addr: AT })
    expect(outcome(() => map.advise(MADV.DONTNEED))).toBe('EINVAL')
    map.unlock()
    expect(outcome(() => map.advise(MADV.DONTNEED))).toBe('ok')
  })

  test('MAP_LOCKED over RLIMIT_MEMLOCK is EAGAIN, with limit 0 and unprivileged EPERM', () => {
    using user = kernel.process({ uid: 1000, gid: 1000 })
    const locked = (length: number) =>
      outcome(() => user.mmap({ length, flags: ANON | MAP.LOCKED }))
    user.setrlimit(RLIMIT.MEMLOCK, 2 * PAGE)
    expect([locked(3 * PAGE), locked(2 * PAGE), locked(PAGE)]).toEqual(['EAGAIN', 'ok', 'EAGAIN'])
    user.setrlimit(RLIMIT.MEMLOCK, 0)
    expect(locked(PAGE)).toBe('EPERM')
    user.setrlimit(RLIMIT.MEMLOCK, 4 * PAGE)
    user.mlockall(MCL.FUTURE)
    user.setrlimit(RLIMIT.MEMLOCK, 0)
    expect(outcome(() => user.mmap({ length: PAGE }))).toBe('EAGAIN')
    p.setrlimit(RLIMIT.MEMLOCK, 0)
    expect(outcome(() => p.mmap({ length: PAGE, flags: ANON | MAP.LOCKED }))).toBe('ok')
  })
})

describe('sharing', () => {
  test('MAP_SHARED is one page for other mappings, processes, read and write, at once', () => {
    const fd = file('/s', 3 * PAGE)
    const whole = p.mmap({ fd, length: 3 * PAGE })
    const part = p.mmap({ fd, length: PAGE, offset: PAGE })
    const q = kernel.process()
    const theirs = q.mmap({ fd: q.open('/s', O.RDWR), length: 3 * PAGE })
    whole.write(PAGE, fill(3, 8))
    const into = new Uint8Array(3)
    p.pread(fd, into, PAGE)
    expect([...into, ...part.read(0, 3), ...theirs.read(PAGE, 3)]).toEqual(new Array(9).fill(8))
    p.pwrite(fd, fill(1, 9), PAGE)
    expect([whole, theirs].map((map) => map.read(PAGE, 1)[0])).toEqual([9, 9])
    q.exit()
  })

  test('MAP_PRIVATE copies by page at the first store, and shows later writes to the file before', () => {
    const fd = file('/c', 2 * PAGE)
    const map = p.mmap({ fd, length: 2 * PAGE, flags: MAP.PRIVATE })
    map.write(0, fill(1, 1))
    p.pwrite(fd, fill(2 * PAGE, 7), 0)
    expect([map.read(0, 2), map.read(PAGE, 2)].map((bytes) => [...bytes])).toEqual([
      [1, 0],
      [7, 7],
    ])
    const into = new Uint8Array(1)
    p.pread(fd, into, 0)
    expect(into[0]).toBe(7)
    const others = [MAP.SHARED, MAP.PRIVATE].map((flags) => p.mmap({ fd, length: PAGE, flags }))
    expect(others.map((other) => other.read(0, 1)[0])).toEqual([7, 7])
  })

  test('the descriptor may be closed and the file unlinked after mmap', () => {
    const fd = file('/u', PAGE)
    const map = p.mmap({ fd, length: PAGE })
    p.close(fd)
    p.unlink('/u')
    map.write(0, fill(PAGE, 3))
    expect(map.read(0, PAGE)).toEqual(fill(PAGE, 3))
    expect(outcome(() => p.open('/u', O.RDONLY))).toBe('ENOENT')
  })

  test('anonymous memory is zero-filled, also where something was before', () => {
    const map = p.mmap({ length: 16 * PAGE })
    map.write(0, fill(16 * PAGE, 255))
    map.unmap()
    for (const flags of [ANON, MAP.SHARED | MAP.ANONYMOUS]) {
      expect(p.mmap({ length: 16 * PAGE, flags }).read(0, 16 * PAGE)).toEqual(fill(16 * PAGE, 0))
    }
  })

  test('MAP_POPULATE and MAP_LOCKED bring every page in', () => {
    const fd = file('/pop', 4 * PAGE)
    for (const flags of [MAP.POPULATE, MAP.LOCKED]) {
      for (const options of [{ flags: ANON | flags }, { fd, flags: MAP.SHARED | flags }]) {
        const map = p.mmap({ length: 4 * PAGE, ...options })
        expect([...p.mincore(map.address, 4 * PAGE)].map((byte) => byte & 1)).toEqual([1, 1, 1, 1])
      }
    }
  })
})

describe.each(['/', '/m/'])('the end of a file in %s', (root) => {
  let fd: number
  let map: Mapping
  beforeEach(() => {
    fd = file(`${root}end`, 0)
    p.write(fd, fill(100, 1))
    map = p.mmap({ fd, length: 4 * PAGE })
  })

  test('bytes of the last page past it read 0', () => {
    expect(map.read(90, 20)).toEqual(Uint8Array.from([...fill(10, 1), ...fill(10, 0)]))
  })

  test('stores past it are seen by mappings only, and never change the size', () => {
    const other = p.mmap({ fd, length: PAGE })
    map.write(100, fill(10, 5))
    expect(other.read(100, 10)).toEqual(fill(10, 5))
    expect(p.pread(fd, new Uint8Array(200), 0)).toBe(100)
    expect(p.fstat(fd).size).toBe(100)
  })

  const growths: readonly [string, () => void][] = [
    ['ftruncate', () => p.ftruncate(fd, PAGE)],
    ['a write past the end', () => void p.pwrite(fd, fill(1, 1), 2000)],
    ['an append', () => void p.write(p.open(`${root}end`, O.WRONLY | O.APPEND), fill(1, 1))],
    ['a write that ends in another page', () => void p.pwrite(fd, fill(1, 1), 3 * PAGE)],
    ['truncate', () => p.truncate(`${root}end`, 3 * PAGE)],
    ['fallocate', () => p.fallocate(fd, 0, 0, PAGE)],
  ]
  test.for(growths)('stores past it are zeroed before %s lets the file grow', ([, grow]) => {
    map.write(101, fill(1000, 5))
    grow()
    expect(map.read(101, 1000)).toEqual(fill(1000, 0))
  })

  test('a page wholly past it is SIGBUS with its address, for loads and stores', () => {
    for (const touch of [() => map.read(PAGE + 5, 1), () => map.write(PAGE + 5, fill(1, 1))]) {
      expect(touch).toThrow(
        expect.objectContaining({ code: 'SIGBUS', address: map.address + PAGE + 5 }),
      )
    }
  })

  test('usable when the file grows, SIGBUS again when it shrinks, private copies included, which read 0 after', () => {
    const own = p.mmap({ fd, length: 4 * PAGE, flags: MAP.PRIVATE })
    p.ftruncate(fd, 4 * PAGE)
    for (const one of [map, own]) one.write(2 * PAGE, fill(PAGE, 6))
    p.ftruncate(fd, PAGE)
    for (const one of [map, own]) expect(outcome(() => one.read(2 * PAGE, 1))).toBe('SIGBUS')
    p.ftruncate(fd, 4 * PAGE)
    for (const one of [map, own]) expect(one.read(2 * PAGE, PAGE)).toEqual(fill(PAGE, 0))
  })

  test('a mapping may begin past the end of the file', () => {
    const far = p.mmap({ fd, length: PAGE, offset: 64 * PAGE })
    expect(outcome(() => far.read(0, 1))).toBe('SIGBUS')
    p.pwrite(fd, fill(1, 4), 64 * PAGE + 7)
    expect(far.read(7, 1)[0]).toBe(4)
  })
})

describe('protection', () => {
  test.for([
    ['PROT_NONE', PROT.NONE, 'SIGSEGV', 'SIGSEGV'],
    ['PROT_READ', PROT.READ, 'ok', 'SIGSEGV'],
    ['PROT_WRITE implies reading', PROT.WRITE, 'ok', 'ok'],
    ['PROT_EXEC implies reading', PROT.EXEC, 'ok', 'SIGSEGV'],
    ['unknown bits are ignored by mmap', 0x40 | PROT.READ, 'ok', 'SIGSEGV'],
  ] as const)('%s', ([, prot, load, store]) => {
    const map = p.mmap({ length: PAGE, prot })
    expect([outcome(() => map.read(0, 1)), outcome(() => map.write(0, fill(1, 1)))]).toEqual([
      load,
      store,
    ])
  })

  test.for([
    [PROT.WRITE, ['ok', 'ok']],
    [PROT.EXEC, ['ok', 'SIGSEGV']],
    [PROT.NONE, ['SIGSEGV', 'SIGSEGV']],
  ] as const)('mprotect to %i does the same, and maps() tells what was asked for', ([
    prot,
    said,
  ]) => {
    const map = p.mmap({ length: PAGE, prot: RW })
    map.protect(prot)
    expect([() => map.read(0, 1), () => map.write(0, fill(1, 1))].map(outcome)).toEqual(said)
    expect(p.maps()[0]?.prot).toBe(prot)
    expect(p.mmap({ length: PAGE, prot, flags: MAP.SHARED | MAP.ANONYMOUS }).length).toBe(PAGE)
    expect(p.maps().map((one) => one.prot)).toEqual([prot, prot])
  })

  test('a forbidden access is SIGSEGV with the address', () => {
    const map = p.mmap({ length: 2 * PAGE, prot: PROT.READ })
    const store = () => map.write(PAGE - 1, fill(2, 1))
    expect(store).toThrow(
      expect.objectContaining({ code: 'SIGSEGV', address: map.address + PAGE - 1 }),
    )
  })
})

describe('times', () => {
  test('mmap of a file marks its last access, as a read does', () => {
    const fd = file('/access', PAGE)
    p.futimens(fd, { atimeMs: 1000 })
    p.mmap({ length: PAGE, flags: ANON })
    expect(p.fstat(fd).atimeMs).toBe(1000)
    p.mmap({ fd, length: PAGE })
    expect(p.fstat(fd).atimeMs).toBeGreaterThan(1000)
  })

  test('st_mtime and st_ctime move between a store to a shared writable mapping and the next msync', async () => {
    const fd = file('/times', PAGE)
    const map = p.mmap({ fd, length: PAGE })
    const before = p.fstat(fd)
    await pause(15)
    map.write(0, fill(1, 1))
    map.sync()
    const after = p.fstat(fd)
    expect(after.mtimeMs).toBeGreaterThan(before.mtimeMs)
    expect(after.ctimeMs).toBeGreaterThan(before.ctimeMs)
  })

  test('a store to a private mapping moves nothing', async () => {
    const fd = file('/times', PAGE)
    const map = p.mmap({ fd, length: PAGE, flags: MAP.PRIVATE })
    const before = p.fstat(fd)
    await pause(15)
    map.write(0, fill(1, 1))
    map.sync()
    expect(p.fstat(fd)).toEqual(before)
  })
})
