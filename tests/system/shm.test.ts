/** SEMANTICS: System V shared memory. What several threads do with it stands in shm-threads.test.ts. */

import { describe, expect, test } from 'vitest'
import { boot, IPC, MAP, MCL, MREMAP, PROT, RLIMIT, SHM } from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'
import { pause } from '../support/pause.ts'
import {
  beginSegments,
  KEY,
  make,
  PAGE,
  p,
  seconds,
  spawn,
  stat,
  user,
} from '../support/segments.ts'

const AT = 0x9000_0000
const RW = PROT.READ | PROT.WRITE
const FIXED = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED
const nattch = (id: number) => stat(id).nattch

beginSegments()

describe('shmget', () => {
  test('a public key finds one segment, IPC.PRIVATE makes a new one each time', () => {
    const id = p.shmget(KEY, PAGE, IPC.CREAT | 0o600)
    expect(p.shmget(KEY, 0)).toBe(id)
    expect(p.shmget(KEY, PAGE, IPC.CREAT | 0o600)).toBe(id)
    expect(p.shmget(-KEY, PAGE, IPC.CREAT)).not.toBe(id)
    expect(make()).not.toBe(make())
  })

  test('no segment without IPC.CREAT is ENOENT; IPC.EXCL beside it EEXIST, alone ignored', () => {
    expect(outcome(() => p.shmget(KEY, PAGE))).toBe('ENOENT')
    expect(outcome(() => p.shmget(KEY, PAGE, IPC.EXCL))).toBe('ENOENT')
    const id = p.shmget(KEY, PAGE, IPC.CREAT | IPC.EXCL | 0o600)
    expect(outcome(() => p.shmget(KEY, PAGE, IPC.CREAT | IPC.EXCL | 0o600))).toBe('EEXIST')
    expect(p.shmget(KEY, PAGE, IPC.EXCL)).toBe(id)
  })

  test('of an existing key EEXIST comes first, then a size above its own EINVAL, then EACCES', () => {
    p.shmget(KEY, PAGE, IPC.CREAT | 0o600)
    const other = user(5)
    expect(outcome(() => other.shmget(KEY, 9 * PAGE, IPC.CREAT | IPC.EXCL | 0o600))).toBe('EEXIST')
    expect(outcome(() => other.shmget(KEY, PAGE + 1, 0o600))).toBe('EINVAL')
    expect(outcome(() => other.shmget(KEY, PAGE, 0o400))).toBe('EACCES')
    expect(outcome(() => other.shmget(KEY, 0, 0o200))).toBe('EACCES')
    expect(outcome(() => other.shmget(KEY, 0, 0))).toBe('ok')
  })

  test('refuses a size below SHMMIN with EINVAL', () => {
    expect(outcome(() => p.shmget(IPC.PRIVATE, 0))).toBe('EINVAL')
    expect(outcome(() => p.shmget(KEY, 0, IPC.CREAT))).toBe('EINVAL')
    expect(stat(p.shmget(IPC.PRIVATE, 1)).segsz).toBe(1)
  })

  test('refuses a size above SHMMAX with EINVAL, and one that the memory cap does not hold with ENOMEM', () => {
    const { shmmax } = p.shmctl(0, IPC.INFO)
    expect(outcome(() => p.shmget(IPC.PRIVATE, shmmax + 1))).toBe('EINVAL')
    expect(outcome(() => p.shmget(IPC.PRIVATE, 2 ** 40))).toBe('EINVAL')
    expect(outcome(() => p.shmget(IPC.PRIVATE, shmmax))).toBe('ENOMEM')
    expect(outcome(() => p.shmget(IPC.PRIVATE, 40 * 2 ** 20))).toBe('ENOMEM')
  })
})

describe('what shmget makes', () => {
  test('SHM_HUGETLB is EINVAL: there are no huge pages', () => {
    expect(outcome(() => p.shmget(IPC.PRIVATE, PAGE, 0x800))).toBe('EINVAL')
    p.shmget(KEY, PAGE, IPC.CREAT)
    expect(outcome(() => p.shmget(KEY, PAGE, 0x800))).toBe('ok')
  })

  test('a mode of 0 refuses the maker too', () => {
    const maker = user(7)
    const id = maker.shmget(KEY, PAGE, IPC.CREAT)
    for (const mode of [0o400, 0o200, 0o600, 0o004]) {
      expect(outcome(() => maker.shmget(KEY, PAGE, mode))).toBe('EACCES')
    }
    expect(outcome(() => maker.shmat(id, { flags: SHM.RDONLY }))).toBe('EACCES')
    expect(outcome(() => p.shmat(id))).toBe('ok')
  })

  test('takes the low nine bits as mode, owner and creator from the effective ids, and says who made it', () => {
    const maker = user(7, 8)
    const id = maker.shmget(KEY, 100, IPC.CREAT | 0o644 | 0x40000)
    const before = seconds()
    expect(stat(id)).toMatchObject({
      perm: { key: KEY, uid: 7, gid: 8, cuid: 7, cgid: 8, mode: 0o644 },
      segsz: 100,
      atime: 0,
      dtime: 0,
      cpid: maker.pid,
      lpid: 0,
      nattch: 0,
    })
    expect(Math.abs(stat(id).ctime - before)).toBeLessThan(60)
    maker.exit()
    expect(stat(id).cpid).toBe(maker.pid)
  })

  test('a stale id is EINVAL, also when its slot is used again', () => {
    const id = make()
    const { seq } = stat(id).perm
    p.shmctl(id, IPC.RMID)
    let again = make()
    expect(again % 32768).not.toBe(id % 32768)
    while (again % 32768 !== id % 32768) {
      p.shmctl(again, IPC.RMID)
      again = make()
    }
    expect(again).not.toBe(id)
    expect(stat(again).perm.seq).toBe(seq + 1)
    expect(outcome(() => stat(id))).toBe('EINVAL')
    expect(outcome(() => p.shmat(id))).toBe('EINVAL')
    expect(outcome(() => p.shmctl(id, IPC.RMID))).toBe('EINVAL')
  })
})

describe('bad arguments', () => {
  test.each([
    ['a key that is no number', () => p.shmget('5' as never, 1), 'ERR_INVALID_ARG_TYPE'],
    ['a key past 32 bits', () => p.shmget(2 ** 31, 1), 'ERR_OUT_OF_RANGE'],
    ['a negative size', () => p.shmget(5, -1), 'ERR_OUT_OF_RANGE'],
    ['an id that is no number', () => p.shmat({} as never), 'ERR_INVALID_ARG_TYPE'],
    [
      'an address that is no number',
      () => p.shmat(0, { addr: 'x' as never }),
      'ERR_INVALID_ARG_TYPE',
    ],
    ['a fraction to detach', () => p.shmdt(0.5), 'ERR_OUT_OF_RANGE'],
    ['a command that is no number', () => p.shmctl(0, 'STAT' as never), 'ERR_INVALID_ARG_TYPE'],
    [
      'a mode that is no number',
      () => p.shmctl(0, IPC.SET, { mode: '6' as never }),
      'ERR_INVALID_ARG_TYPE',
    ],
  ])('%s is refused by name before anything is done', (_, act, code) => {
    expect(outcome(act)).toBe(code)
  })
})

describe('limits', () => {
  test('SHMMNI segments and SHMALL pages are ENOSPC past them, SHMMAX EINVAL', async () => {
    await using small = await boot({
      memory: '16MiB',
      limits: { shmmni: 3, shmall: 8, shmmax: 6 * PAGE },
    })
    const q = small.process()
    expect(q.shmctl(0, IPC.INFO)).toEqual({
      last: 0,
      shmmax: 6 * PAGE,
      shmmin: 1,
      shmmni: 3,
      shmseg: 3,
      shmall: 8,
    })
    expect(outcome(() => q.shmget(IPC.PRIVATE, 6 * PAGE + 1))).toBe('EINVAL')
    const first = q.shmget(IPC.PRIVATE, 6 * PAGE)
    expect(outcome(() => q.shmget(IPC.PRIVATE, 2 * PAGE + 1))).toBe('ENOSPC')
    q.shmget(IPC.PRIVATE, PAGE)
    q.shmget(IPC.PRIVATE, 1)
    q.shmctl(first, IPC.RMID)
    q.shmget(IPC.PRIVATE, 1)
    expect(outcome(() => q.shmget(IPC.PRIVATE, 1))).toBe('ENOSPC')
    expect(outcome(() => q.shmget(KEY, 1, IPC.CREAT))).toBe('ENOSPC')
    expect(outcome(() => q.shmget(KEY, 1))).toBe('ENOENT')
  })
})

describe('shmat', () => {
  test('gives a mapping of the segment, zeros at first, the same pages to all', () => {
    const other = spawn()
    const id = p.shmget(IPC.PRIVATE, 10_000, 0o600)
    const a = p.shmat(id)
    const b = other.shmat(id)
    expect(a).toMatchObject({ length: 10_000, attached: true, closed: false })
    expect(a.read(9_990, 10)).toEqual(new Uint8Array(10))
    a.write(9_000, new Uint8Array([1, 2, 3]))
    expect(b.read(9_000, 3)).toEqual(new Uint8Array([1, 2, 3]))
    b.bytes[0] = 77
    expect(a.bytes[0]).toBe(77)
    expect(a.bytes.length).toBe(10_000)
    expect(nattch(id)).toBe(2)
  })

  test('attaches where it is told, and rounds down with SHM.RND', () => {
    const id = make(2)
    expect(p.shmat(id, { addr: AT }).address).toBe(AT)
    expect(outcome(() => p.shmat(id, { addr: AT + 4 * PAGE + 1 }))).toBe('EINVAL')
    const rounded = p.shmat(id, { addr: AT + 4 * PAGE + 4095, flags: SHM.RND })
    expect(rounded.address).toBe(AT + 4 * PAGE)
    expect(p.shmat(id, { addr: 0, flags: SHM.RND }).address).toBeGreaterThan(0)
    expect(nattch(id)).toBe(3)
  })

  test('refuses a used address with EINVAL, replaces what is there with SHM.REMAP, which wants an address', () => {
    const id = make(2)
    const map = p.mmap({ length: PAGE, addr: AT + PAGE, flags: FIXED })
    map.write(0, new Uint8Array([5]))
    expect(outcome(() => p.shmat(id, { addr: AT }))).toBe('EINVAL')
    expect(nattch(id)).toBe(0)
    expect(map.read(0, 1)[0]).toBe(5)
    p.shmat(id, { addr: AT, flags: SHM.REMAP })
    expect(map.read(0, 1)[0]).toBe(0)
    expect(outcome(() => p.shmat(id, { flags: SHM.REMAP }))).toBe('EINVAL')
    expect(outcome(() => p.shmat(id, { addr: 1, flags: SHM.REMAP | SHM.RND }))).toBe('EINVAL')
    expect(nattch(id)).toBe(1)
  })

  test('refuses an address outside the window with EINVAL', () => {
    const id = make(2)
    for (const addr of [PAGE, 0x8000_0000, 0xfeff_f000, 0xffff_f000, 2 ** 40]) {
      expect(outcome(() => p.shmat(id, { addr }))).toBe('EINVAL')
    }
  })
})

describe('what shmat gives', () => {
  test('with SHM.RDONLY a store is SIGSEGV, and PROT.WRITE is never gained', () => {
    const id = make(2)
    const map = p.shmat(id, { flags: SHM.RDONLY })
    expect(map.read(0, 1)[0]).toBe(0)
    expect(outcome(() => map.write(0, new Uint8Array(1)))).toBe('SIGSEGV')
    expect(outcome(() => map.protect(RW))).toBe('EACCES')
    expect(outcome(() => map.protect(RW, { offset: PAGE, length: PAGE }))).toBe('EACCES')
    expect(outcome(() => map.protect(PROT.READ | PROT.EXEC))).toBe('ok')
    expect(outcome(() => map.bytes)).toBe('EACCES')
  })

  test('of the same segment, one attach may be read-only and another not', () => {
    const id = make()
    const reader = p.shmat(id, { flags: SHM.RDONLY })
    const writer = p.shmat(id)
    writer.write(3, new Uint8Array([9]))
    expect(reader.read(3, 1)[0]).toBe(9)
    expect(outcome(() => reader.write(0, new Uint8Array(1)))).toBe('SIGSEGV')
  })

  test('a store past the end of the last page is SIGSEGV, up to there it is the page', () => {
    const id = p.shmget(IPC.PRIVATE, 10, 0o600)
    const { address } = p.shmat(id, { addr: AT })
    p.vmWrite(address + PAGE - 1, new Uint8Array([3]))
    expect(outcome(() => p.vmWrite(address + PAGE, new Uint8Array(1)))).toBe('SIGSEGV')
  })

  test('no room and too many mappings are ENOMEM, past RLIMIT_AS too', async () => {
    await using small = await boot({ memory: '16MiB', limits: { mappings: 3 } })
    const q = small.process()
    const id = q.shmget(IPC.PRIVATE, PAGE, 0o600)
    for (let i = 0; i < 3; i++) q.shmat(id)
    expect(outcome(() => q.shmat(id))).toBe('ENOMEM')
    const limited = spawn()
    limited.setrlimit(RLIMIT.AS, 2 * PAGE)
    expect(outcome(() => limited.shmat(make(3)))).toBe('ENOMEM')
    expect(outcome(() => limited.shmat(make(2)))).toBe('ok')
    const huge = p.shmget(IPC.PRIVATE, 0x7e00_0000, SHM.NORESERVE | 0o600)
    p.mmap({ length: PAGE })
    expect(outcome(() => p.shmat(huge))).toBe('ENOMEM')
  })

  test('after mlockall(MCL.FUTURE) an attach is locked and filled, past RLIMIT_MEMLOCK EAGAIN', () => {
    const q = user(5)
    const id = make(3, 0o600, q)
    q.setrlimit(RLIMIT.MEMLOCK, 4 * PAGE)
    q.mlockall(MCL.FUTURE)
    q.shmat(id)
    expect(q.maps()).toMatchObject([{ locked: true, resident: 3 }])
    expect(outcome(() => q.shmat(id))).toBe('EAGAIN')
    expect(nattch(id)).toBe(1)
  })

  test('wait and notify meet through any attach of the page', async () => {
    const id = make()
    const a = p.shmat(id)
    const b = spawn().shmat(id)
    const waiting = a.promises.wait(64, 0)
    while (b.notify(64) === 0) await pause(1)
    expect(await waiting).toBe('ok')
    p.exit()
  })
})

describe('shmdt', () => {
  test('wants the start of an attach, aligned; anything else is EINVAL', () => {
    const id = make(3)
    const { address } = p.shmat(id)
    const map = p.mmap({ length: PAGE })
    for (const wrong of [address + PAGE, address + 1, address - PAGE, map.address, 0, 2 ** 40]) {
      expect(outcome(() => p.shmdt(wrong))).toBe('EINVAL')
    }
    p.shmdt(address)
    expect(outcome(() => p.shmdt(address))).toBe('EINVAL')
    expect(outcome(() => p.vmRead(address, new Uint8Array(1)))).toBe('SIGSEGV')
  })

  test('takes a mapping too, which is closed then', () => {
    const id = make()
    const map = p.shmat(id)
    p.shmdt(map)
    expect(map.closed).toBe(true)
    expect(outcome(() => map.read(0, 1))).toBe('ERR_MAPPING_CLOSED')
    expect(outcome(() => p.shmdt(map))).toBe('ERR_MAPPING_CLOSED')
    expect(outcome(() => p.shmdt(p.mmap({ length: PAGE })))).toBe('EINVAL')
  })

  test('removes all parts that munmap, mprotect and other mappings left of an attach, and nothing else', () => {
    const id = make(10)
    const map = p.shmat(id, { addr: AT })
    const twin = p.shmat(id, { addr: AT + 10 * PAGE })
    p.munmap(AT, PAGE)
    p.munmap(AT + 4 * PAGE, PAGE)
    p.mprotect(AT + 6 * PAGE, PAGE, PROT.READ)
    p.mmap({ length: PAGE, addr: AT + 8 * PAGE, flags: FIXED }).write(0, new Uint8Array([7]))
    expect(nattch(id)).toBe(6)
    map.unmap()
    expect(nattch(id)).toBe(1)
    expect(p.maps().map(({ start, end }) => [start, end])).toEqual([
      [AT + 8 * PAGE, AT + 9 * PAGE],
      [AT + 10 * PAGE, AT + 20 * PAGE],
    ])
    twin.unmap()
  })

  test('finds a moved attach at its new address', () => {
    const id = make(2)
    const map = p.shmat(id, { addr: AT })
    map.write(PAGE, new Uint8Array([4]))
    map.remap(2 * PAGE, { flags: MREMAP.MAYMOVE | MREMAP.FIXED, addr: AT + 64 * PAGE })
    expect(outcome(() => p.shmdt(AT))).toBe('EINVAL')
    expect(map.read(PAGE, 1)[0]).toBe(4)
    expect(nattch(id)).toBe(1)
    map.unmap()
    expect(nattch(id)).toBe(0)
  })

  test('a mapping that was detached by its address is disposed of without a word', () => {
    const id = make(2)
    {
      using map = p.shmat(id)
      p.shmdt(map.address)
      using other = p.shmat(id)
      p.munmap(other.address, 2 * PAGE)
    }
    expect(nattch(id)).toBe(0)
  })
})

describe('nattch', () => {
  test('counts mappings: a hole makes two, a changed part three, and they stay apart when it is changed back', () => {
    const id = make(10)
    const { address } = p.shmat(id)
    p.munmap(address + 2 * PAGE, PAGE)
    expect(nattch(id)).toBe(2)
    p.mprotect(address + 5 * PAGE, PAGE, PROT.READ)
    expect(nattch(id)).toBe(4)
    p.mprotect(address + 5 * PAGE, PAGE, RW)
    expect(nattch(id)).toBe(4)
  })

  test('is 0 again after mprotect of overlapping parts and a detach', () => {
    const id = make(3)
    const map = p.shmat(id)
    map.protect(PROT.NONE, { offset: PAGE, length: PAGE })
    map.protect(PROT.WRITE, { offset: 0, length: 2 * PAGE })
    map.unmap()
    expect(nattch(id)).toBe(0)
  })

  test('goes down with munmap of the whole, a mapping over it, and exit', () => {
    const id = make(2)
    const q = spawn()
    p.munmap(p.shmat(id).address, 2 * PAGE)
    expect(nattch(id)).toBe(0)
    p.shmat(id, { addr: AT })
    p.mmap({ length: 2 * PAGE, addr: AT, flags: FIXED })
    expect(nattch(id)).toBe(0)
    for (let i = 0; i < 5; i++) q.shmat(id)
    expect(nattch(id)).toBe(5)
    q.exit()
    expect(stat(id)).toMatchObject({ nattch: 0, lpid: q.pid })
  })

  test('counts a doubled mapping, and one that mremap moved once', () => {
    const id = make(2)
    const { address } = p.shmat(id)
    const twin = p.mremap(address, 0, 2 * PAGE)
    expect(nattch(id)).toBe(2)
    p.shmdt(address)
    p.shmdt(twin)
    expect(nattch(id)).toBe(0)
  })
})
