/** SEMANTICS: shmctl, permissions, what a removed segment is, times, and what it all gives back. */

import { describe, expect, test } from 'vitest'
import { IPC, O, type Process, RLIMIT, SHM } from '../../dist/src/index.js'
import { stopClock } from '../support/clock.ts'
import { outcome } from '../support/errno.ts'
import {
  beginSegments,
  KEY,
  kernel,
  make,
  PAGE,
  p,
  seconds,
  spawn,
  stat,
  user,
} from '../support/segments.ts'

beginSegments()

describe('IPC.RMID', () => {
  test('ends a segment that nobody shows at once', () => {
    const id = p.shmget(KEY, PAGE, IPC.CREAT | 0o600)
    p.shmctl(id, IPC.RMID)
    expect(outcome(() => stat(id))).toBe('EINVAL')
    expect(outcome(() => p.shmget(KEY, 0))).toBe('ENOENT')
  })

  test('while attached: SHM.DEST in the mode, the key 0 at once and free, attach by id still works, the last detach ends it', () => {
    const id = p.shmget(KEY, PAGE, IPC.CREAT | 0o640)
    const first = p.shmat(id)
    first.write(0, new Uint8Array([6]))
    p.shmctl(id, IPC.RMID)
    expect(stat(id).perm).toMatchObject({ key: 0, mode: 0o640 | SHM.DEST })
    expect(outcome(() => p.shmget(KEY, 0))).toBe('ENOENT')
    const fresh = p.shmget(KEY, PAGE, IPC.CREAT | IPC.EXCL | 0o600)
    expect(fresh).not.toBe(id)
    const second = spawn().shmat(id)
    expect(second.read(0, 1)[0]).toBe(6)
    first.unmap()
    expect(stat(id).nattch).toBe(1)
    p.shmctl(id, IPC.RMID)
    second.unmap()
    expect(outcome(() => stat(id))).toBe('EINVAL')
    expect(stat(fresh).nattch).toBe(0)
  })

  test('IPC.SET on a removed segment keeps SHM.DEST', () => {
    const id = make()
    const map = p.shmat(id)
    p.shmctl(id, IPC.RMID)
    p.shmctl(id, IPC.SET, { mode: 0o7604 })
    expect(stat(id).perm.mode).toBe(0o604 | SHM.DEST)
    map.unmap()
    expect(outcome(() => stat(id))).toBe('EINVAL')
  })

  test('the exit of the last process ends a removed segment', () => {
    const q = spawn()
    const id = make(1, 0o600, q)
    q.shmat(id)
    q.shmat(id)
    q.shmctl(id, IPC.RMID)
    q.exit()
    expect(outcome(() => stat(id))).toBe('EINVAL')
  })
})

describe('IPC.SET', () => {
  test('changes owner, group and the nine mode bits, moves ctime; what is left out stays', () => {
    const id = make(1, 0o600)
    p.shmctl(id, IPC.SET, { uid: 11, gid: 12, mode: 0o7644 })
    expect(stat(id).perm).toMatchObject({ uid: 11, gid: 12, cuid: 0, cgid: 0, mode: 0o644 })
    expect(Math.abs(stat(id).ctime - seconds())).toBeLessThan(60)
    p.shmctl(id, IPC.SET, { gid: 13 })
    expect(stat(id).perm).toMatchObject({ uid: 11, gid: 13, mode: 0o644 })
  })

  test('refuses ids that are none with EINVAL', () => {
    const id = make()
    expect(outcome(() => p.shmctl(id, IPC.SET, { uid: 0xffff_ffff }))).toBe('EINVAL')
    expect(outcome(() => p.shmctl(id, IPC.SET, { gid: 0xffff_ffff }))).toBe('EINVAL')
  })

  test('takes rights from the next attach, not from those that are there', () => {
    const owner = user(7)
    const id = make(1, 0o600, owner)
    const map = owner.shmat(id)
    owner.shmctl(id, IPC.SET, { mode: 0 })
    map.write(0, new Uint8Array([1]))
    expect(outcome(() => owner.shmat(id))).toBe('EACCES')
  })
})

describe('permissions', () => {
  const classes = [
    ['owner', 10, 20, 6],
    ['group', 11, 20, 3],
    ['other', 12, 22, 0],
  ] as const

  test.each(
    classes,
  )('the %s is asked for its own three bits, and for no others', (_, uid, gid, shift) => {
    const owner = user(10, 20)
    const q = user(uid, gid)
    for (let bits = 0; bits < 8; bits++) {
      const reads = (bits & 4) !== 0
      const writes = reads && (bits & 2) !== 0
      // Everyone else is granted all: only the asker's class may count.
      const id = owner.shmget(IPC.PRIVATE, PAGE, (0o777 & ~(7 << shift)) | (bits << shift))
      expect(outcome(() => q.shmat(id, { flags: SHM.RDONLY }))).toBe(reads ? 'ok' : 'EACCES')
      expect(outcome(() => q.shmat(id))).toBe(writes ? 'ok' : 'EACCES')
      const executes = reads && (bits & 1) !== 0
      expect(outcome(() => q.shmat(id, { flags: SHM.RDONLY | SHM.EXEC }))).toBe(
        executes ? 'ok' : 'EACCES',
      )
      expect(outcome(() => q.shmctl(id, IPC.STAT))).toBe(reads ? 'ok' : 'EACCES')
      expect(outcome(() => q.shmctl(id % 32768, SHM.STAT))).toBe(reads ? 'ok' : 'EACCES')
      expect(outcome(() => q.shmctl(id % 32768, SHM.STAT_ANY))).toBe('ok')
    }
    q.exit()
  })

  test('shmget on a key asks for the bits of its flags', () => {
    const owner = user(10, 20)
    const id = owner.shmget(KEY, PAGE, IPC.CREAT | 0o640)
    const member = user(11, 20)
    const other = user(12, 22)
    expect(owner.shmget(KEY, 0, 0o600)).toBe(id)
    expect(outcome(() => owner.shmget(KEY, 0, 0o700))).toBe('EACCES')
    expect(member.shmget(KEY, 0, 0o440)).toBe(id)
    expect(outcome(() => member.shmget(KEY, 0, 0o020))).toBe('EACCES')
    expect(outcome(() => other.shmget(KEY, 0, 0o004))).toBe('EACCES')
    expect(other.shmget(KEY, 0, 0)).toBe(id)
  })

  test('the creator keeps the rights of the owner after the segment changed hands', () => {
    const creator = user(10, 20)
    const id = make(1, 0o600, creator)
    creator.shmctl(id, IPC.SET, { uid: 30, gid: 30 })
    expect(outcome(() => creator.shmat(id))).toBe('ok')
    const owner = user(30)
    expect(outcome(() => owner.shmat(id))).toBe('ok')
    expect(outcome(() => creator.shmctl(id, IPC.SET, { mode: 0o400 }))).toBe('ok')
  })

  test('a supplementary group counts', () => {
    const owner = user(10, 20)
    const id = make(1, 0o060, owner)
    const q = user(11, 21)
    expect(outcome(() => q.shmat(id))).toBe('EACCES')
    const root = spawn()
    root.setgroups([5, 20])
    root.setuid(11)
    expect(outcome(() => root.shmat(id))).toBe('ok')
  })
})

describe('ownership', () => {
  test.each([
    ['IPC.SET', (q: Process, id: number) => q.shmctl(id, IPC.SET, { mode: 0o600 })],
    ['IPC.RMID', (q: Process, id: number) => q.shmctl(id, IPC.RMID)],
    ['SHM.LOCK', (q: Process, id: number) => q.shmctl(id, SHM.LOCK)],
    ['SHM.UNLOCK', (q: Process, id: number) => q.shmctl(id, SHM.UNLOCK)],
  ])('%s by others is EPERM whatever the mode; owner, creator and root may', (_, act) => {
    const creator = user(10, 20)
    const id = make(1, 0o777, creator)
    const other = user(11, 20)
    expect(outcome(() => act(other, id))).toBe('EPERM')
    for (const q of [creator, p, other]) {
      const own = make(1, 0o777, creator)
      creator.shmctl(own, IPC.SET, { uid: 11 })
      expect(outcome(() => act(q, own))).toBe('ok')
    }
  })
})

describe('SHM.LOCK', () => {
  test('shows in the mode, twice is fine, so is unlocking what is not locked', () => {
    const id = make()
    p.shmctl(id, SHM.LOCK)
    p.shmctl(id, SHM.LOCK)
    expect(stat(id).perm.mode).toBe(0o600 | SHM.LOCKED)
    p.shmctl(id, SHM.UNLOCK)
    p.shmctl(id, SHM.UNLOCK)
    expect(stat(id).perm.mode).toBe(0o600)
  })

  test('RLIMIT_MEMLOCK 0 is EPERM, over it ENOMEM, counted for all segments of the user; root may', () => {
    const q = user(10)
    const id = make(3, 0o600, q)
    const more = make(2, 0o600, q)
    q.setrlimit(RLIMIT.MEMLOCK, 0)
    expect(outcome(() => q.shmctl(id, SHM.LOCK))).toBe('EPERM')
    q.setrlimit(RLIMIT.MEMLOCK, 4 * PAGE)
    expect(outcome(() => q.shmctl(id, SHM.LOCK))).toBe('ok')
    expect(outcome(() => q.shmctl(more, SHM.LOCK))).toBe('ENOMEM')
    q.shmctl(id, SHM.UNLOCK)
    expect(outcome(() => q.shmctl(more, SHM.LOCK))).toBe('ok')
    q.shmctl(more, IPC.RMID)
    expect(outcome(() => q.shmctl(id, SHM.LOCK))).toBe('ok')
    p.setrlimit(RLIMIT.MEMLOCK, 0)
    expect(outcome(() => p.shmctl(make(5), SHM.LOCK))).toBe('ok')
    q.exit()
  })
})

describe('observing', () => {
  test('SHM.INFO counts segments, their pages and those in memory; its index ends a walk by SHM.STAT', () => {
    const [a, b] = [make(3), make(2)]
    p.shmat(a).write(PAGE, new Uint8Array(1))
    const info = p.shmctl(0, SHM.INFO)
    expect(info).toMatchObject({ usedIds: 2, tot: 5, rss: 1, swp: 0 })
    const found = []
    for (let slot = 0; slot <= info.last; slot++) {
      if (outcome(() => p.shmctl(slot, SHM.STAT)) !== 'ok') continue
      const { id, ...status } = p.shmctl(slot, SHM.STAT)
      expect(status).toEqual(stat(id))
      expect(p.shmctl(slot, SHM.STAT_ANY).id).toBe(id)
      found.push(id)
    }
    expect(found.sort()).toEqual([a, b].sort())
  })

  test('a slot that is free, an id and a command that is none are EINVAL', () => {
    const { last } = p.shmctl(0, SHM.INFO)
    expect(outcome(() => p.shmctl(last + 1, SHM.STAT))).toBe('EINVAL')
    expect(outcome(() => p.shmctl(last + 1, SHM.STAT_ANY))).toBe('EINVAL')
    expect(outcome(() => p.shmctl(-1, IPC.STAT))).toBe('EINVAL')
    expect(outcome(() => p.shmctl(-1, IPC.INFO))).toBe('EINVAL')
    expect(outcome(() => p.shmctl(-1, SHM.STAT))).toBe('EINVAL')
    expect(outcome(() => p.shmctl(make(), 99 as never))).toBe('EINVAL')
    expect(outcome(() => p.shmctl(12345, IPC.STAT))).toBe('EINVAL')
  })

  test('maps() names the segment of an attach by id and key, also when the key is gone', () => {
    const id = p.shmget(KEY, 2 * PAGE, IPC.CREAT | 0o600)
    const other = make()
    p.shmat(id, { addr: 0x9000_0000 })
    p.shmat(other, { addr: 0x9100_0000, flags: SHM.RDONLY })
    p.mmap({ length: PAGE, addr: 0x9200_0000 })
    p.shmctl(id, IPC.RMID)
    expect(p.maps().map(({ segment }) => segment)).toEqual([
      { id, key: KEY },
      { id: other, key: 0 },
      undefined,
    ])
  })
})

describe('times and pids', () => {
  test('attach moves atime and lpid, detach dtime and lpid, nothing moves ctime but IPC.SET', () => {
    using clock = stopClock()
    clock.set(100)
    const q = spawn()
    const id = make()
    clock.set(200)
    const map = q.shmat(id)
    const made = { ctime: 100, cpid: p.pid }
    expect(stat(id)).toMatchObject({ ...made, atime: 200, dtime: 0, lpid: q.pid })
    clock.set(300)
    p.shmat(id)
    expect(stat(id)).toMatchObject({ ...made, atime: 300, dtime: 0, lpid: p.pid })
    clock.set(400)
    map.unmap()
    const detached = stat(id)
    expect(detached).toMatchObject({ ...made, atime: 300, dtime: 400, lpid: q.pid })
    clock.set(500)
    p.shmctl(id, SHM.LOCK)
    expect(stat(id)).toMatchObject({ ...detached, perm: { mode: 0o600 | SHM.LOCKED } })
    p.shmctl(id, IPC.SET, { mode: 0o640 })
    expect(stat(id)).toMatchObject({ atime: 300, dtime: 400, ctime: 500, lpid: q.pid })
    q.shmat(id)
    clock.set(600)
    q.exit()
    expect(stat(id)).toMatchObject({ atime: 500, dtime: 600, ctime: 500, lpid: q.pid })
  })
})

describe('memory', () => {
  const counts = () => {
    const { framesFree, framesCommitted, objects, mappings } = kernel.stats()
    return { framesFree, framesCommitted, objects, mappings }
  }

  test('a segment is promised its pages when it is made, and gives all back after IPC.RMID and the last detach', () => {
    const warm = make(4)
    using map = p.shmat(warm)
    map.write(0, new Uint8Array(4 * PAGE))
    map.unmap()
    p.shmctl(warm, IPC.RMID)
    const before = counts()
    const id = make(500)
    expect(kernel.stats().framesCommitted).toBeGreaterThanOrEqual(before.framesCommitted + 500)
    const attach = p.shmat(id)
    attach.write(0, new Uint8Array(500 * PAGE).fill(1))
    p.shmctl(id, IPC.RMID)
    expect(kernel.stats().framesCommitted).toBeGreaterThanOrEqual(before.framesCommitted + 500)
    attach.unmap()
    expect(counts()).toEqual(before)
  })

  test('all that a process attached is back after its exit', () => {
    const q = spawn()
    const warm = make(4)
    q.shmat(warm).write(0, new Uint8Array(4 * PAGE))
    p.shmctl(warm, IPC.RMID)
    q.exit()
    const before = counts()
    const r = spawn()
    const id = make(100)
    for (let i = 0; i < 10; i++) r.shmat(id).write(i * PAGE, new Uint8Array(PAGE))
    p.shmctl(id, IPC.RMID)
    r.exit()
    expect(counts()).toEqual(before)
  })

  test('SHM.NORESERVE promises nothing; a touch that finds no frame is SIGBUS, and nobody else loses one', () => {
    const before = kernel.stats().framesCommitted
    const id = p.shmget(IPC.PRIVATE, 200 * 2 ** 20, SHM.NORESERVE | 0o600)
    const map = p.shmat(id)
    expect(kernel.stats().framesCommitted).toBeLessThan(before + 8)
    const promised = p.mmap({ length: 4 * 2 ** 20 })
    const page = new Uint8Array(PAGE).fill(1)
    let touched = 0
    while (outcome(() => map.write(touched * PAGE, page)) === 'ok') touched++
    expect(outcome(() => map.write(touched * PAGE, page))).toBe('SIGBUS')
    expect(touched).toBeGreaterThan(1000)
    promised.write(0, new Uint8Array(4 * 2 ** 20))
    expect(map.read(0, 1)[0]).toBe(1)
  })
})

describe('promise forms', () => {
  test('attach, detach by mapping, and control from a thread that may not wait', async () => {
    const id = await p.promises.shmget(KEY, PAGE, IPC.CREAT | 0o600)
    const map = await p.promises.shmat(id, { addr: 0x9000_0000 })
    expect(map).toMatchObject({ address: 0x9000_0000, length: PAGE, attached: true })
    await map.promises.write(0, new Uint8Array([8]))
    const other = await p.promises.shmat(id)
    expect(other.read(0, 1)[0]).toBe(8)
    await p.promises.shmdt(map)
    expect(map.closed).toBe(true)
    await expect(p.promises.shmdt(map)).rejects.toMatchObject({ code: 'ERR_MAPPING_CLOSED' })
    await other.promises.unmap()
    expect(stat(id).nattch).toBe(0)
    await expect(p.promises.shmdt(0x9000_0000)).rejects.toMatchObject({ code: 'EINVAL' })
    await p.promises.shmctl(id, IPC.RMID)
    expect(outcome(() => stat(id))).toBe('EINVAL')
    expect(await p.promises.ftok('/', 1)).toBe(p.ftok('/', 1))
  })
})

describe('ftok', () => {
  test('is made of inode, device and the low eight bits of the number, as glibc does it', () => {
    p.close(p.open('/keyed', O.CREAT | O.RDWR))
    const { ino, dev } = p.stat('/keyed')
    const low = Number(BigInt(ino) & 0xffffn) | (Number(BigInt(dev) & 0xffn) << 16)
    expect(p.ftok('/keyed', 65)).toBe(low | (65 << 24))
    expect(p.ftok('/keyed', 0x1ff)).toBe(low | (0xff << 24))
    expect(p.ftok('/keyed', 0)).toBe(low)
    p.link('/keyed', '/again')
    expect(p.ftok('/again', 65)).toBe(p.ftok('/keyed', 65))
    p.symlink('/keyed', '/linked')
    expect(p.ftok('/linked', 65)).toBe(p.ftok('/keyed', 65))
    expect(p.ftok('/', 65)).not.toBe(p.ftok('/keyed', 65))
    for (const path of ['/keyed', '/again', '/linked']) p.unlink(path)
  })

  test('fails as stat does', () => {
    expect(outcome(() => p.ftok('/none', 1))).toBe('ENOENT')
    p.close(p.open('/file', O.CREAT | O.RDWR))
    expect(outcome(() => p.ftok('/file/x', 1))).toBe('ENOTDIR')
    p.mkdir('/shut', 0o700)
    expect(outcome(() => user(9).ftok('/shut/x', 1))).toBe('EACCES')
    expect(outcome(() => p.ftok('/file', 'x' as never))).toBe('ERR_INVALID_ARG_TYPE')
    p.unlink('/file')
    p.rmdir('/shut')
  })
})
