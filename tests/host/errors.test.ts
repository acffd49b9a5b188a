/** Bad input, for every public call: a typed error each time, before anything is done; never a trap, never silence. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { boot, type Kernel, LOCK, type Mapping, O, type Process } from '../../dist/src/index.js'
import { codeOf } from '../conformance/runtime.ts'

let kernel: Kernel
let p: Process
let map: Mapping
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
  p = kernel.process()
  map = p.mmap({ length: 8192 })
})
afterAll(async () => {
  kernel.check()
  await kernel.close()
})

/** What an argument is: what is right for it, and with which values it is wrong. */
const PATH = 'path'
const BYTES = 'bytes'
const INTEGER = 'integer'
const SIGNED = 'signed'
/** As SIGNED, but no descriptor. */
const ID = 'id'
const BOOLEAN = 'boolean'
const TIME = 'time'
const CLOCK = 'clock'
const CALLBACK = 'callback'
const ATTRIBUTES = 'attributes'
const OBJECT = 'object'
const ARRAY = 'array'
const OPTIONAL = 'optional'

/** The parameters of every call of a process; a call that is missing here fails the test below. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  open: [PATH, INTEGER, INTEGER],
  close: [SIGNED],
  read: [SIGNED, BYTES],
  pread: [SIGNED, BYTES, INTEGER],
  write: [SIGNED, BYTES],
  pwrite: [SIGNED, BYTES, INTEGER],
  pipe: [INTEGER],
  mkfifo: [PATH, INTEGER],
  poll: [ARRAY, OPTIONAL],
  lseek: [SIGNED, SIGNED, INTEGER],
  ftruncate: [SIGNED, INTEGER],
  truncate: [PATH, INTEGER],
  fallocate: [SIGNED, INTEGER, INTEGER, INTEGER],
  fsync: [SIGNED],
  fdatasync: [SIGNED],
  fstat: [SIGNED],
  stat: [PATH],
  lstat: [PATH],
  readdir: [SIGNED],
  mkdir: [PATH, INTEGER],
  rmdir: [PATH],
  unlink: [PATH],
  link: [PATH, PATH],
  symlink: [PATH, PATH],
  readlink: [PATH],
  rename: [PATH, PATH],
  chdir: [PATH],
  fchdir: [SIGNED],
  getcwd: [],
  umask: [INTEGER],
  chmod: [PATH, INTEGER],
  fchmod: [SIGNED, INTEGER],
  chown: [PATH, SIGNED, SIGNED],
  fchown: [SIGNED, SIGNED, SIGNED],
  utimens: [PATH, OBJECT],
  futimens: [SIGNED, OBJECT],
  access: [PATH, INTEGER],
  dup: [SIGNED],
  dup2: [SIGNED, SIGNED],
  fcntl: [SIGNED, INTEGER, INTEGER],
  flock: [SIGNED, INTEGER],
  mmap: [OBJECT],
  munmap: [INTEGER, INTEGER],
  mprotect: [INTEGER, INTEGER, INTEGER],
  mremap: [INTEGER, INTEGER, INTEGER, INTEGER, INTEGER],
  msync: [INTEGER, INTEGER, INTEGER],
  madvise: [INTEGER, INTEGER, INTEGER],
  posix_madvise: [INTEGER, INTEGER, INTEGER],
  mincore: [INTEGER, INTEGER],
  maps: [],
  pages: [INTEGER, INTEGER],
  mlock: [INTEGER, INTEGER],
  munlock: [INTEGER, INTEGER],
  mlockall: [INTEGER],
  munlockall: [],
  touch: [INTEGER, INTEGER],
  gather: [INTEGER, INTEGER],
  vmRead: [INTEGER, BYTES],
  vmWrite: [INTEGER, BYTES],
  futexWait: [INTEGER, SIGNED, OPTIONAL],
  futexWake: [INTEGER, INTEGER],
  exit: [INTEGER],
  fork: [],
  interrupt: [],
  ftok: [PATH, SIGNED],
  shmget: [ID, INTEGER, INTEGER],
  shmat: [ID, OBJECT],
  shmdt: [INTEGER],
  shmctl: [ID, INTEGER, OBJECT],
  msgget: [ID, INTEGER],
  msgsnd: [ID, ID, BYTES, INTEGER],
  msgrcv: [ID, OBJECT],
  msgctl: [ID, INTEGER, OBJECT],
  mq_open: [PATH, INTEGER, OBJECT],
  mq_close: [SIGNED],
  mq_unlink: [PATH],
  mq_send: [SIGNED, BYTES, INTEGER],
  mq_timedsend: [SIGNED, BYTES, INTEGER, TIME],
  mq_receive: [SIGNED, INTEGER],
  mq_timedreceive: [SIGNED, TIME, INTEGER],
  mq_notify: [SIGNED, CALLBACK],
  mq_getattr: [SIGNED],
  mq_setattr: [SIGNED, ATTRIBUTES],
  clock_gettime: [CLOCK],
  pthread_mutex_init: [INTEGER, OBJECT],
  pthread_mutex_destroy: [INTEGER],
  pthread_mutex_lock: [INTEGER],
  pthread_mutex_timedlock: [INTEGER, TIME],
  pthread_mutex_clocklock: [INTEGER, CLOCK, TIME],
  pthread_mutex_trylock: [INTEGER],
  pthread_mutex_unlock: [INTEGER],
  pthread_mutex_consistent: [INTEGER],
  pthread_cond_init: [INTEGER, OBJECT],
  pthread_cond_destroy: [INTEGER],
  pthread_cond_wait: [INTEGER, INTEGER],
  pthread_cond_timedwait: [INTEGER, INTEGER, TIME],
  pthread_cond_clockwait: [INTEGER, INTEGER, CLOCK, TIME],
  pthread_cond_signal: [INTEGER],
  pthread_cond_broadcast: [INTEGER],
  pthread_barrier_init: [INTEGER, INTEGER],
  pthread_barrier_destroy: [INTEGER],
  pthread_barrier_wait: [INTEGER],
  pthread_rwlock_init: [INTEGER],
  pthread_rwlock_destroy: [INTEGER],
  pthread_rwlock_rdlock: [INTEGER],
  pthread_rwlock_timedrdlock: [INTEGER, TIME],
  pthread_rwlock_wrlock: [INTEGER],
  pthread_rwlock_timedwrlock: [INTEGER, TIME],
  pthread_rwlock_tryrdlock: [INTEGER],
  pthread_rwlock_trywrlock: [INTEGER],
  pthread_rwlock_unlock: [INTEGER],
  rwlock_clocklock: [INTEGER, BOOLEAN, TIME],
  shm_open: [PATH, INTEGER, INTEGER],
  shm_unlink: [PATH],
  sem_open: [PATH, INTEGER, INTEGER, INTEGER],
  sem_close: [INTEGER],
  sem_unlink: [PATH],
  sem_init: [INTEGER, BOOLEAN, INTEGER],
  sem_destroy: [INTEGER],
  sem_wait: [INTEGER],
  sem_timedwait: [INTEGER, TIME],
  sem_trywait: [INTEGER],
  sem_post: [INTEGER],
  sem_getvalue: [INTEGER],
  semget: [ID, ID, INTEGER],
  semop: [ID, ARRAY],
  semtimedop: [ID, ARRAY, OPTIONAL],
  semctl: [ID, ID, INTEGER],
  setuid: [INTEGER],
  setgid: [INTEGER],
  seteuid: [INTEGER],
  setegid: [INTEGER],
  getuid: [],
  getgid: [],
  geteuid: [],
  getegid: [],
  getppid: [],
  setgroups: [ARRAY],
  getrlimit: [INTEGER],
  setrlimit: [INTEGER, INTEGER],
}

const RIGHT: Readonly<Record<string, () => unknown>> = {
  path: () => '/right',
  bytes: () => new Uint8Array(4),
  integer: () => 0,
  signed: () => 0,
  id: () => 0,
  boolean: () => true,
  time: () => 0,
  clock: () => 'realtime',
  callback: () => null,
  attributes: () => ({ flags: 0 }),
  object: () => ({ length: 1 }),
  array: () => [],
  optional: () => 1,
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(8)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

const NOT_NUMBERS = [undefined, null, '1', {}, [], true, 1n, Symbol('s'), () => 0]
const NO_INTEGERS = [Number.NaN, 0.5, 2 ** 53, -(2 ** 53), Number.POSITIVE_INFINITY]
const TYPE = 'ERR_INVALID_ARG_TYPE'
const RANGE = 'ERR_OUT_OF_RANGE'

/** Values that no argument of a kind may have, and the code each is refused with. */
const WRONG: Readonly<Record<string, readonly [unknown[], string][]>> = {
  path: [
    [[undefined, null, 1, {}, [], Symbol('s')], TYPE],
    [['/a\0b', '\ud800'], 'ERR_INVALID_ARG_VALUE'],
    [['x'.repeat(4096)], 'ENAMETOOLONG'],
  ],
  bytes: [[[undefined, null, 1, 'text', {}, [1, 2], detached()], TYPE]],
  integer: [
    [NOT_NUMBERS, TYPE],
    [[...NO_INTEGERS, -1], RANGE],
  ],
  signed: [
    [NOT_NUMBERS, TYPE],
    [NO_INTEGERS, RANGE],
  ],
  id: [
    [NOT_NUMBERS, TYPE],
    [NO_INTEGERS, RANGE],
  ],
  boolean: [[[undefined, null, 0, 'true', {}], TYPE]],
  time: [[[undefined, null, '1', {}], TYPE]],
  clock: [
    [[undefined, null, 1, {}], TYPE],
    [['sundial'], RANGE],
  ],
  callback: [[[undefined, 1, 'text', {}], TYPE]],
  attributes: [[[undefined, null, 1, 'text', {}, { flags: '1' }], TYPE]],
  object: [[[null, 1, 'text', true, Symbol('s')], TYPE]],
  array: [[[undefined, null, 1, 'text', {}], TYPE]],
  optional: [
    [['1', {}, null], TYPE],
    [[Number.NaN, -1], RANGE],
  ],
}

/** Parameters that have a default: undefined is no mistake there. */
const DEFAULTED = new Set([
  'open 2',
  'pipe 0',
  'mkfifo 1',
  'mkdir 1',
  'access 1',
  'fcntl 2',
  'mremap 3',
  'mremap 4',
  'msync 2',
  'futexWake 1',
  'exit 0',
  'shm_open 2',
  'shmget 2',
  'msgget 1',
  'msgsnd 3',
  'mq_send 2',
  'mq_receive 1',
  'mq_timedreceive 2',
  'semget 2',
  'sem_open 1',
  'sem_open 2',
  'sem_open 3',
])
/** Infinity is a number of waiters, a limit, or a time. */
const INFINITE = new Set(['poll 1', 'futexWake 1', 'setrlimit 1', 'semtimedop 2'])
/** A limit may be a fraction: it is rounded. So may what is no byte count. */
const FRACTION = new Set(['setrlimit 1'])

/** For messages; a detached array has no text. */
function shown(value: unknown): string {
  return typeof value === 'object' && value !== null ? value.constructor.name : String(value)
}

type Call = (...args: unknown[]) => unknown

function wrongCalls(name: string): { args: unknown[]; code: string; what: string }[] {
  const kinds = CALLS[name] as readonly string[]
  const found: { args: unknown[]; code: string; what: string }[] = []
  for (const [at, kind] of kinds.entries()) {
    const place = `${name} ${at}`
    for (const [values, code] of WRONG[kind] as readonly [unknown[], string][]) {
      for (const value of values) {
        if (value === undefined && DEFAULTED.has(place)) continue
        if (value === Number.POSITIVE_INFINITY && INFINITE.has(place)) continue
        if (FRACTION.has(place) && typeof value === 'number' && value > 0) continue
        const args = kinds.map((each) => (RIGHT[each] as () => unknown)())
        args[at] = value
        found.push({ args, code, what: `${place}: ${shown(value)}` })
      }
    }
  }
  return found
}

test('the table has every call of a process', () => {
  expect(Object.keys(CALLS).sort()).toEqual(Object.keys(p.promises).sort())
})

describe('a wrong argument is refused by its type and range', () => {
  test.each(Object.keys(CALLS))('%s', async (name) => {
    const call = (p[name as keyof Process] as Call).bind(p)
    for (const { args, code, what } of wrongCalls(name)) {
      expect(await codeOf(() => call(...args)), what).toBe(code)
    }
  })

  test('errors are TypeErrors and RangeErrors that name the argument', () => {
    expect(() => p.close('1' as never)).toThrow(TypeError)
    expect(() => p.close('1' as never)).toThrow(/"fd" argument must be of type number. Received/)
    expect(() => p.close(Number.NaN)).toThrow(RangeError)
    expect(() => p.ftruncate(0, -1)).toThrow(/"size" is out of range/)
  })

  test('a member of an options object is checked as an argument is', async () => {
    const wrong: [object, string][] = [
      [{}, TYPE],
      [{ length: '1' }, TYPE],
      [{ length: Number.NaN }, RANGE],
      [{ length: 2 ** 53 }, RANGE],
      [{ length: 1, prot: -1 }, RANGE],
      [{ length: 1, flags: null }, TYPE],
      [{ length: 1, fd: 'x' }, TYPE],
      [{ length: 1, addr: -4096 }, RANGE],
      [{ length: 1, offset: 0.5 }, RANGE],
    ]
    for (const [options, code] of wrong) {
      expect(await codeOf(() => p.mmap(options as never)), JSON.stringify(options)).toBe(code)
    }
  })
})

test('the promise form refuses what its synchronous form refuses', async () => {
  for (const name of ['open', 'pread', 'mmap', 'vmWrite', 'flock', 'setgroups', 'futexWait']) {
    const call = p.promises[name as keyof typeof p.promises] as Call
    for (const { args, code, what } of wrongCalls(name)) {
      expect(await codeOf(() => call(...args)), `promises.${what}`).toBe(code)
    }
  }
})

test('a closed descriptor is EBADF in every call that takes one', async () => {
  const fd = p.open('/closed', O.CREAT | O.RDWR)
  p.close(fd)
  for (const [name, kinds] of Object.entries(CALLS)) {
    if (kinds[0] !== 'signed') continue
    const args = kinds.map((kind) => (RIGHT[kind] as () => unknown)())
    args[0] = fd
    if (name === 'fallocate') args[3] = 1
    if (name === 'flock') args[1] = LOCK.SH
    const call = (p[name as keyof Process] as Call).bind(p)
    expect(await codeOf(() => call(...args)), name).toBe('EBADF')
  }
  expect(await codeOf(() => p.mmap({ fd, length: 1 }))).toBe('EBADF')
})

test('every member of a mapping refuses wrong ranges, and all after unmap', async () => {
  const calls: [string, (map: Mapping, offset: number) => unknown][] = [
    ['read', (m, offset) => m.read(offset, 1)],
    ['write', (m, offset) => m.write(offset, new Uint8Array(1))],
    ['touch', (m, offset) => m.touch({ offset })],
    ['sync', (m, offset) => m.sync({ offset })],
    ['protect', (m, offset) => m.protect(1, { offset })],
    ['lock', (m, offset) => m.lock({ offset })],
    ['unlock', (m, offset) => m.unlock({ offset })],
    ['advise', (m, offset) => m.advise(0, { offset })],
    ['wait', (m, offset) => m.wait(offset, 0)],
    ['notify', (m, offset) => m.notify(offset)],
    ['remap', (m, offset) => m.remap(offset)],
  ]
  const gone = p.mmap({ length: 8192 })
  gone.unmap()
  for (const [name, call] of calls) {
    for (const offset of [Number.NaN, -1, 2 ** 53, 0.5]) {
      expect(await codeOf(() => call(map, offset)), `${name} ${offset}`).toBe(RANGE)
    }
    expect(await codeOf(() => call(map, '0' as never)), name).toBe(TYPE)
    expect(await codeOf(() => call(gone, 0)), name).toBe('ERR_MAPPING_CLOSED')
  }
  for (const get of [
    () => gone.bytes,
    () => gone.buffer,
    () => gone.byteOffset,
    () => gone.segments(),
  ]) {
    expect(await codeOf(get)).toBe('ERR_MAPPING_CLOSED')
  }
  expect(await codeOf(() => gone.unmap())).toBe('ERR_MAPPING_CLOSED')
  gone[Symbol.dispose]()
})

test('every call of a process that exited is ESRCH', async () => {
  const gone = kernel.process()
  gone.exit()
  const again = kernel.process()
  for (const [name, kinds] of Object.entries(CALLS)) {
    const args = kinds.map((kind) => (RIGHT[kind] as () => unknown)())
    const call = (gone[name as keyof Process] as Call).bind(gone)
    expect(await codeOf(() => call(...args)), name).toBe('ESRCH')
  }
  expect(await codeOf(() => kernel.process({ pid: gone.pid }))).toBe('ESRCH')
  again.exit()
})

test('a process of wrong options is refused', async () => {
  const wrong: [unknown, string][] = [
    [null, TYPE],
    [5, TYPE],
    [{ pid: 'x' }, TYPE],
    [{ pid: -1 }, RANGE],
    [{ uid: Number.NaN }, RANGE],
    [{ parent: 999_999 }, 'ESRCH'],
    [{ pid: 999_999 }, 'ESRCH'],
  ]
  for (const [options, code] of wrong) {
    expect(await codeOf(() => kernel.process(options as never)), JSON.stringify(options)).toBe(code)
  }
})
