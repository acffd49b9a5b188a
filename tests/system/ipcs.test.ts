/** `kernel.ipcs()` in every runtime, and `isopage ipcs` and `isopage ipcrm` as processes. Formats: tests/oracle/ipcs.test.ts. */

import { describe, expect, test } from 'vitest'
import { boot, IPC, O, SEM, SHM } from '../../dist/src/index.js'
import type { Ipcs } from '../../dist/src/inspect/ipcs.js'

const inBrowser = 'window' in globalThis
const { makePlace } = inBrowser ? ({} as never) : await import('./command.ts')
const PROGRAM = inBrowser ? ({} as never) : new URL('./inspected.program.ts', import.meta.url)

describe('kernel.ipcs()', () => {
  test('is empty, with the limits of 32-bit Linux, in a new kernel', async () => {
    await using kernel = await boot({ memory: '16MiB' })
    const { shm, msg, sem, posix, limits, shmPages } = kernel.ipcs()
    expect({ shm, msg, sem, posix, shmPages }).toEqual({
      shm: [],
      msg: [],
      sem: [],
      posix: { shm: [], mq: [], sem: [] },
      shmPages: { total: 0, resident: 0 },
    })
    expect(limits).toEqual({
      shmmni: 4096,
      shmmax: 0xfeffffff,
      shmall: 0xfeffffff,
      shmmin: 1,
      msgmni: 32000,
      msgmax: 8192,
      msgmnb: 16384,
      semmni: 32000,
      semmsl: 32000,
      semmns: 1024000000,
      semopm: 500,
      semvmx: 32767,
    })
  })

  test('tells the limits that boot was given', async () => {
    await using kernel = await boot({ memory: '16MiB', limits: { shmmni: 3, msgmax: 99 } })
    expect(kernel.ipcs().limits).toMatchObject({ shmmni: 3, msgmax: 99 })
  })

  test('has what the *ctl calls tell, also of objects that nobody may read', async () => {
    await using kernel = await boot({ memory: '16MiB' })
    const p = kernel.process({ uid: 7, gid: 8 })
    const shmid = p.shmget(1, 100, IPC.CREAT)
    const msqid = p.msgget(2, IPC.CREAT)
    const semid = p.semget(3, 3, IPC.CREAT)
    const root = kernel.process()
    root.semctl(semid, 0, SEM.SETALL, [4, 5, 6])
    const { shm, msg, sem } = kernel.ipcs()
    expect(shm).toEqual([{ ...root.shmctl(shmid, IPC.STAT), id: shmid }])
    expect(msg).toEqual([{ ...root.msgctl(msqid, IPC.STAT), id: msqid }])
    const none = { ncnt: 0, zcnt: 0, pid: root.pid }
    const sems = [4, 5, 6].map((val) => ({ val, ...none }))
    expect(sem).toEqual([{ ...root.semctl(semid, 0, IPC.STAT), id: semid, sems }])
  })

  test('changes nothing: no process, no time, no page', async () => {
    await using kernel = await boot({ memory: '16MiB' })
    const p = kernel.process()
    const id = p.shmget(1, 8192, IPC.CREAT | 0o600)
    p.semget(2, 2, IPC.CREAT | 0o600)
    const before = [kernel.stats(), kernel.ipcs(), kernel.processes()]
    for (let round = 0; round < 10; round++) kernel.ipcs()
    expect([kernel.stats(), kernel.ipcs(), kernel.processes()]).toEqual(before)
    expect(p.shmctl(id, SHM.STAT_ANY).nattch).toBe(0)
    kernel.check()
  })
})

describe('kernel.ipcs(), of POSIX objects', () => {
  test('has their names, with owners and sizes', async () => {
    await using kernel = await boot({ memory: '16MiB' })
    const p = kernel.process({ uid: 7, gid: 8 })
    const fd = p.shm_open('/b', O.CREAT | O.RDWR, 0o640)
    p.ftruncate(fd, 5000)
    p.shm_open('/a', O.CREAT | O.RDWR)
    expect(kernel.ipcs().posix.shm).toMatchObject([
      { name: '/a', uid: 7, gid: 8, size: 0 },
      { name: '/b', uid: 7, gid: 8, size: 5000 },
    ])
    expect(kernel.ipcs().posix.shm.map(({ mode }) => mode & 0o777)).toEqual([0o600, 0o640])
  })

  test('has queues with their attributes, and semaphores with their values', async () => {
    await using kernel = await boot({ memory: '16MiB' })
    const p = kernel.process({ uid: 7, gid: 8 })
    const queue = p.mq_open('/jobs', O.CREAT | O.RDWR, { mode: 0o620, maxmsg: 5, msgsize: 100 })
    p.mq_send(queue, new Uint8Array(3), 1)
    p.sem_open('/turn', O.CREAT, 0o600, 4)
    p.sem_wait(p.sem_open('/gate', O.CREAT, 0o644, 1))
    const owner = { uid: 7, gid: 8 }
    expect(kernel.ipcs().posix).toEqual({
      shm: [],
      mq: [
        { name: '/jobs', ...owner, mode: expect.any(Number), maxmsg: 5, msgsize: 100, curmsgs: 1 },
      ],
      sem: [
        { name: '/gate', ...owner, mode: 0o644, value: 0 },
        { name: '/turn', ...owner, mode: 0o600, value: 4 },
      ],
    })
  })

  test('walks more names than a buffer holds', async () => {
    await using kernel = await boot({ memory: '32MiB' })
    const p = kernel.process()
    const names = Array.from({ length: 700 }, (_, at) => `/${String(at).padStart(120, '0')}`)
    for (const name of names) p.close(p.shm_open(name, O.CREAT | O.RDWR))
    for (const name of names) p.sem_close(p.sem_open(name, O.CREAT))
    const { shm, sem } = kernel.ipcs().posix
    expect(shm.map(({ name }) => name)).toEqual(names)
    expect(sem.map(({ name }) => name)).toEqual(names)
  })
})

describe('kernel.processes(), mapsOf() and pagesOf()', () => {
  test('tell of any process what it would tell itself, and join none', async () => {
    await using kernel = await boot({ memory: '16MiB' })
    const p = kernel.process({ uid: 5, gid: 6 })
    const q = kernel.process({ parent: p.pid })
    const map = p.mmap({ length: 3 * 4096 })
    map.write(4096, new Uint8Array(1))
    expect(kernel.processes()).toEqual([
      { pid: p.pid, parent: 0, euid: 5, egid: 6, threads: 1, mappings: 1, pages: 3 },
      { pid: q.pid, parent: p.pid, euid: 0, egid: 0, threads: 1, mappings: 0, pages: 0 },
    ])
    expect(kernel.mapsOf(p.pid)).toEqual(p.maps())
    const { address, length } = map
    expect(kernel.pagesOf(p.pid, address, length)).toEqual(p.pages(address, length))
    const esrch = expect.objectContaining({ code: 'ESRCH' })
    expect(() => kernel.mapsOf(9999)).toThrow(esrch)
    expect(() => kernel.pagesOf(9999, address, length)).toThrow(esrch)
    expect(kernel.processes().map(({ threads }) => threads)).toEqual([1, 1])
  })

  test('walk more processes than a buffer holds', async () => {
    await using kernel = await boot({ memory: '64MiB' })
    const pids = Array.from({ length: 2500 }, () => kernel.process().pid)
    expect(kernel.processes().map(({ pid }) => pid)).toEqual(pids)
  })
})

describe.skipIf(inBrowser)('isopage ipcs', () => {
  test('shows the objects of a running program', async () => {
    using place = makePlace()
    await using program = await place.start(PROGRAM, 'sleep')
    const { code, out, err } = await place.run('ipcs', String(program.pid))
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^0x00000052 0 +root +600 +100 +1 +$/m)
    expect(out).toMatch(/^0x00000051 0 +root +640 +5000 +0 +$/m)
    expect(out).toMatch(/^0x00000053 0 +root +600 +2 +$/m)
    expect([...out].filter((char) => char < ' ' && char !== '\n')).toEqual([])
  })

  test('takes the options of util-linux, the last of a kind counts', async () => {
    using place = makePlace()
    await using _program = await place.start(PROGRAM, 'sleep')
    const first = async (...args: string[]) => (await place.run('ipcs', ...args)).out.split('\n')[1]
    expect(await first('-m')).toBe('------ Shared Memory Segments --------')
    expect(await first('-qt')).toBe('------ Message Queues Send/Recv/Change Times --------')
    expect(await first('-sut', '-c')).toBe('------ Semaphore Arrays Creators/Owners --------')
    expect(await first('-m', '-i', '0')).toBe('Shared memory Segment shmid=0')
    expect(await first('--posix')).toBe('------ POSIX Message Queues --------')
    expect((await place.run('ipcs', '--posix')).out).toMatch(/^\/table +root +600 +0 +$/m)
  })

  test('--json is the snapshot', async () => {
    using place = makePlace()
    await using program = await place.start(PROGRAM, 'sleep')
    const found = JSON.parse((await place.run('ipcs', '--json')).out)
    expect(found.program.pid).toBe(program.pid)
    const { shm, msg, sem, posix } = found.ipcs as Ipcs
    expect(shm).toMatchObject([{ id: 0, perm: { key: 0x51, mode: 0o640 }, segsz: 5000 }])
    expect(msg).toMatchObject([{ id: 0, qnum: 1, cbytes: 100 }])
    expect(sem).toMatchObject([{ id: 0, nsems: 2, sems: [{ val: 0 }, { val: 0 }] }])
    expect(posix.shm).toMatchObject([{ name: '/table' }])
  })

  test('an id that is none is exit code 1, said on standard error', async () => {
    using place = makePlace()
    await using _program = await place.start(PROGRAM, 'sleep')
    expect(await place.run('ipcs', '-m', '-i', '9')).toEqual({
      code: 1,
      out: '',
      err: 'isopage: id 9 not found\n',
    })
  })

  test.each([
    [['-i', '1']],
    [['-m', '-q', '-i', '1']],
    [['-m', '-i', 'x']],
    [['-z']],
    [['a']],
  ])('wrong usage %j is exit code 2 and tells the way out', async (args) => {
    using place = makePlace()
    const { code, out, err } = await place.run('ipcs', ...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^isopage: .+\nisopage ipcs --help /)
  })
})

describe.skipIf(inBrowser)('isopage ipcrm', () => {
  async function left(place: { run(...args: string[]): Promise<{ out: string }> }) {
    const { shm, msg, sem, posix } = JSON.parse((await place.run('ipcs', '--json')).out)
      .ipcs as Ipcs
    return [shm, msg, sem, posix.shm, posix.mq, posix.sem].map(({ length }) => length)
  }

  test('removes by id, by key and by name', async () => {
    using place = makePlace()
    await using _program = await place.start(PROGRAM, 'sleep')
    expect(await left(place)).toEqual([1, 1, 1, 1, 1, 1])
    const posix = [
      '--posix-shmem',
      '/table',
      '--posix-mqueue',
      '/jobs',
      '--posix-semaphore',
      '/turn',
    ]
    const args = ['-m', '0', '-Q', '0x52', '-S', '83', ...posix]
    expect(await place.run('ipcrm', ...args)).toEqual({ code: 0, out: '', err: '' })
    expect(await left(place)).toEqual([0, 0, 0, 0, 0, 0])
  })

  test('--all removes all, --all=KIND all of a kind, and -v says what', async () => {
    using place = makePlace()
    await using _program = await place.start(PROGRAM, 'sleep')
    const one = await place.run('ipcrm', '--all=sem', '-v')
    expect(one).toEqual({ code: 0, out: "removing semaphore id `0'\n", err: '' })
    expect(await left(place)).toEqual([1, 1, 0, 1, 1, 1])
    expect((await place.run('ipcrm', '-a')).code).toBe(0)
    expect(await left(place)).toEqual([0, 0, 0, 0, 0, 0])
  })

  test('says in the words of util-linux what is not there, and removes the rest', async () => {
    using place = makePlace()
    await using _program = await place.start(PROGRAM, 'sleep')
    const args = ['-m', '7', '-M', '0x7', '-q', '0', '--posix-shmem', '/none']
    expect(await place.run('ipcrm', ...args)).toEqual({
      code: 1,
      out: '',
      err: "isopage: invalid id (7)\nisopage: invalid key (0x7)\nisopage: name `/none' not found\n",
    })
    expect(await left(place)).toEqual([1, 0, 1, 1, 1, 1])
  })

  test('--json tells what became of each', async () => {
    using place = makePlace()
    await using _program = await place.start(PROGRAM, 'sleep')
    const { code, out } = await place.run('ipcrm', '--json', '-s', '0', '-s', '0')
    expect(code).toBe(1)
    expect(JSON.parse(out)).toEqual([
      { removal: { kind: 'sem', id: 0 } },
      { removal: { kind: 'sem', id: 0 }, error: 'invalid id (0)' },
    ])
  })

  test.each([
    [[]],
    [['-m', 'x']],
    [['-M', '0']],
    [['-M', '0xg']],
    [['--all=disk']],
    [['shm', '1']],
  ])('wrong usage %j is exit code 2 and tells the way out', async (args) => {
    using place = makePlace()
    const { code, out, err } = await place.run('ipcrm', ...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^isopage: .+\nisopage ipcrm --help /)
  })
})
