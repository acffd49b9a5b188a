/** WASI preview 1 as the kernel answers it, and modules whose functions are called in place. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { EMPTY, I32 } from '../../dist/src/guest/rewrite/opcodes.js'
import { boot, type Kernel, MAP, O, PROT } from '../../dist/src/index.js'
import { moduleOf } from '../support/guest-module.ts'
import { iovec, program, type Step, text } from '../support/guest-steps.ts'

const WASI = 'wasi_snapshot_preview1.'
const [EAGAIN, EBADF, EINVAL, ENOTDIR, EPERM, ESPIPE, ENOTCAPABLE] = [6, 8, 28, 54, 63, 70, 76]
const FD_READ = 0x2n
const CREATE = 1

let kernel: Kernel

beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
})
afterAll(async () => {
  kernel.check()
  expect(kernel.stats()).toMatchObject({ processes: 0, sleepers: 0 })
  await kernel.close()
})

/** Runs steps; each checks itself. */
async function steps(...list: readonly (Step | readonly Step[])[]): Promise<void> {
  const bytes = program(list.flat() as Step[])
  const guest = await kernel.run(bytes, { cache: false, stdout: 'ignore', stderr: 'ignore' })
  expect(await guest.exited, 'the number of the step that failed').toEqual({ status: 0 })
}

/** Opens a path below a descriptor: a step whose descriptor is put at 32. */
function open(fd: number, path: string, rights: bigint, gives = 0, oflags = 0): Step[] {
  const { length } = new TextEncoder().encode(path)
  const args = [fd, 1, 64, length, oflags, rights, 0n, 0, 32]
  return [text(64, path), { call: `${WASI}path_open`, args, gives }]
}

test('the first descriptors are the streams, the working directory, the root', async () => {
  const p = kernel.process()
  p.mkdir('/home')
  p.close(p.open('/home/file', O.CREAT | O.RDWR))
  const bytes = program([
    ...open(3, 'file', FD_READ),
    { at: 32, is: 5 },
    ...open(4, 'home/file', FD_READ),
  ])
  const guest = await kernel.run(bytes, { cwd: '/home', cache: false })
  expect(await guest.exited).toEqual({ status: 0 })
  p.exit()
})

test('paths do not leave a directory, but for the root, which has nothing above', async () => {
  const p = kernel.process()
  p.mkdir('/below')
  p.exit()
  const paths: Step[][] = [
    open(4, 'inside', FD_READ, 0, CREATE),
    open(4, '../../inside', FD_READ),
    open(3, '/inside', FD_READ, EPERM),
    open(3, '../inside', FD_READ, EPERM),
    open(3, 'a/../../inside', FD_READ, EPERM),
    open(1, 'inside', FD_READ, ENOTDIR),
    open(99, 'inside', FD_READ, EBADF),
  ]
  const guest = await kernel.run(program(paths.flat()), { cwd: '/below', cache: false })
  expect(await guest.exited, 'the number of the step that failed').toEqual({ status: 0 })
})

test('a right that was not asked for is ENOTCAPABLE', async () => {
  await steps(
    open(4, 'rights', FD_READ, 0, CREATE),
    iovec(16, 128, 4),
    { call: `${WASI}fd_read`, args: [5, 16, 1, 24], gives: 0 },
    { call: `${WASI}fd_write`, args: [5, 16, 1, 24], gives: ENOTCAPABLE },
    { call: `${WASI}fd_seek`, args: [5, 0n, 0, 24], gives: ENOTCAPABLE },
    { call: `${WASI}fd_close`, args: [5], gives: 0 },
    { call: `${WASI}fd_close`, args: [5], gives: EBADF },
  )
})

test('a pipe that a program makes carries its bytes; it cannot be sought', async () => {
  await steps(
    { call: 'isopage.pipe', args: [32, O.NONBLOCK], gives: 0 },
    { at: 32, is: 5 },
    { at: 36, is: 6 },
    iovec(16, 64, 3),
    { call: `${WASI}fd_read`, args: [5, 16, 1, 24], gives: EAGAIN },
    text(64, 'abc'),
    { call: `${WASI}fd_write`, args: [6, 16, 1, 24], gives: 0 },
    iovec(16, 80, 10),
    { call: `${WASI}fd_read`, args: [5, 16, 1, 24], gives: 0 },
    { at: 24, is: 3 },
    { at: 80, is: 0x636261 },
    { call: `${WASI}fd_seek`, args: [5, 0n, 0, 24], gives: ESPIPE },
  )
})

test('times before 1970 are set as they are', async () => {
  const seconds = -5_000_000_000n
  await steps(
    open(4, 'old', FD_READ | (1n << 23n), 0, CREATE), // FD_FILESTAT_SET_TIMES
    { call: `${WASI}fd_filestat_set_times`, args: [5, 0n, seconds, 4], gives: 0 },
    { call: `${WASI}path_filestat_set_times`, args: [4, 1, 64, 3, seconds, 0n, 1], gives: 0 },
  )
  const p = kernel.process()
  expect(p.stat('/old')).toMatchObject({ atimeMs: -5000, mtimeMs: -5000 })
  p.exit()
})

/** A subscription at an address. */
function subscribe(at: number, type: number, what: number, ns = 0): Step[] {
  return [
    { at, word: at },
    { at: at + 8, word: type },
    { at: at + 16, word: what },
    { at: at + 24, word: ns },
  ]
}

test('poll_oneoff waits for a clock or a descriptor, whichever is first', async () => {
  const [clock, monotonic, reads, writes] = [0, 1, 1, 2]
  await steps(
    { call: 'isopage.pipe', args: [32, 0], gives: 0 },
    subscribe(256, clock, monotonic, 2_000_000),
    subscribe(304, reads, 5),
    { call: `${WASI}poll_oneoff`, args: [256, 512, 2, 24], gives: 0 },
    { at: 24, is: 1 },
    { at: 512, is: 256 }, // the clock's
    { at: 256 + 28, word: 100 }, // its time is minutes away from now on: the high word
    subscribe(304, writes, 6),
    subscribe(352, reads, 77),
    { call: `${WASI}poll_oneoff`, args: [256, 512, 3, 24], gives: 0 },
    { at: 24, is: 2 },
    { at: 512, is: 304 },
    { at: 544, is: 352 },
    { at: 552, is: EBADF | (reads << 16) },
    { call: `${WASI}poll_oneoff`, args: [256, 512, 0, 24], gives: EINVAL },
  )
})

test('kill sends a signal to another program; nobody is ESRCH', async () => {
  const ESRCH = 71
  const sleeps = program([
    { call: 'isopage.pipe', args: [32, 0], gives: 0 },
    ...iovec(16, 64, 1),
    { call: `${WASI}fd_read`, args: [5, 16, 1, 24] },
  ])
  const victim = await kernel.run(sleeps, { cache: false })
  await steps(
    { call: 'isopage.kill', args: [victim.pid, 0], gives: 0 },
    { call: 'isopage.kill', args: [victim.pid, 15], gives: 0 },
    { call: 'isopage.kill', args: [victim.pid, 0], gives: -ESRCH },
  )
  expect((await victim.exited).status).toBeGreaterThan(128)
})

/** `sum(address, count)`: of words; `put(address, value)`. */
const plugin = moduleOf({
  memory: { initial: 1 },
  functions: [
    {
      name: 'sum',
      params: [I32, I32],
      results: [I32],
      locals: [I32],
      body(code) {
        code.block(EMPTY).loop(EMPTY)
        code.get(1).op(0x45, 0x0d, 1) // none is left
        code.get(2).get(0).op(0x28, 2, 0).op(0x6a).set(2)
        code.get(0).const(4).op(0x6a).set(0)
        code.get(1).const(1).op(0x6b).set(1).op(0x0c, 0)
        code.end().end().get(2)
      },
    },
    {
      name: 'put',
      params: [I32, I32],
      body(code) {
        code.get(0).get(1).op(0x36, 2, 0)
      },
    },
  ],
})

test.each([
  'multi-memory',
  'accessors',
] as const)('functions of a loaded module share pages with the host by their address: %s', async (backEnd) => {
  using p = kernel.process()
  using map = p.mmap({ length: 4096, flags: MAP.SHARED | MAP.ANONYMOUS })
  const loaded = await kernel.load(plugin, { process: p, backEnd, cache: false })
  const words = new Int32Array(map.buffer, map.byteOffset, 3)
  words.set([1, 20, 300])
  expect(loaded.exports.sum?.(map.address, 3)).toBe(321)
  loaded.exports.put?.(map.address + 4, -1)
  expect([...words]).toEqual([1, -1, 300])
  p.mprotect(map.address, 4096, PROT.READ)
  expect(() => loaded.exports.put?.(map.address, 5)).toThrow(
    expect.objectContaining({ code: 'SIGSEGV', address: map.address }),
  )
  expect(loaded.exports.sum?.(map.address, 3)).toBe(300)
  loaded[Symbol.dispose]()
})
