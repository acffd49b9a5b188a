/** The promise form of calls: same results and errors, waits side by side, aborts. */

import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { boot, type Kernel, LOCK, MAP, O, type Process } from '../../dist/src/index.js'
import { codeOf, inBrowser } from '../conformance/runtime.ts'
import { pause } from '../support/pause.ts'

let kernel: Kernel
let p: Process
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
  p = kernel.process()
})
afterAll(async () => {
  kernel.check()
  await kernel.close()
})

const SHARED = MAP.SHARED | MAP.ANONYMOUS

/** Has the next worker that this thread starts fail to. */
function failNextWorker(): void {
  const { process } = globalThis as unknown as {
    process: { getBuiltinModule(name: string): object }
  }
  const original = process.getBuiltinModule
  const spy = vi.spyOn(process, 'getBuiltinModule')
  onTestFinished(() => spy.mockRestore())
  spy.mockImplementation((name) => {
    if (name !== 'node:worker_threads') return original(name)
    spy.mockRestore()
    return {
      Worker: function fail() {
        throw new Error('no thread')
      },
    }
  })
}

test('open, write, pread and close give what their synchronous forms give', async () => {
  const fd = await p.promises.open('/p', O.CREAT | O.RDWR)
  expect(await p.promises.write(fd, new Uint8Array([1, 2, 3, 4]))).toBe(4)
  const into = new Uint8Array(3)
  expect(await p.promises.pread(fd, into, 1)).toBe(3)
  expect([...into]).toEqual([2, 3, 4])
  const buffer = new ArrayBuffer(2)
  expect(await p.promises.pread(fd, buffer, 0)).toBe(2)
  expect([...new Uint8Array(buffer)]).toEqual([1, 2])
  await p.promises.close(fd)
  expect(await codeOf(() => p.close(fd))).toBe('EBADF')
})

test('an error is the same object that the synchronous form throws', async () => {
  const errors = [
    () => p.open('/none/such', O.RDONLY),
    () => p.promises.open('/none/such', O.RDONLY),
  ].map(async (call) => {
    try {
      return await call()
    } catch (error) {
      const { name, message, code, errno, syscall, path } = error as Record<string, unknown>
      return { name, message, code, errno, syscall, path }
    }
  })
  const [first, second] = await Promise.all(errors)
  expect(second).toEqual(first)
  expect(first).toMatchObject({ code: 'ENOENT', errno: 44, syscall: 'open', path: '/none/such' })
})

test('a read that faults leaves what came before, as its synchronous form does', async () => {
  const map = p.mmap({ length: 3 * 4096 })
  map.write(0, new Uint8Array(8192).fill(5))
  map.protect(0, { offset: 8192 })
  const read = async (how: (into: Uint8Array) => unknown) => {
    const into = new Uint8Array(3 * 4096).fill(9)
    expect(await codeOf(() => how(into))).toBe('SIGSEGV')
    return into
  }
  const expected = new Uint8Array(3 * 4096).fill(5, 0, 8192).fill(9, 8192)
  expect(await read((into) => p.vmRead(map.address, into))).toEqual(expected)
  expect(await read((into) => p.promises.vmRead(map.address, into))).toEqual(expected)
  expect(await read((into) => map.promises.read(0, into))).toEqual(expected)
})

test('a mapping has promise forms of all its calls', async () => {
  const map = await p.promises.mmap({ length: 8192 })
  await map.promises.write(10, new Uint8Array([5, 6]))
  expect([...(await map.promises.read(9, 4))]).toEqual([0, 5, 6, 0])
  const bytes = await map.promises.bytes()
  expect(bytes[11]).toBe(6)
  await map.promises.sync()
  await map.promises.remap(65_536)
  expect(map.length).toBe(65_536)
  await map.promises.unmap()
  expect(map.closed).toBe(true)
  expect(await codeOf(() => map.promises.sync())).toBe('ERR_MAPPING_CLOSED')
})

test('many waits without bound hold up neither each other nor other calls', async () => {
  const map = p.mmap({ length: 4096, flags: SHARED })
  const waits = Array.from({ length: 6 }, (_, index) => map.promises.wait(4 * index, 0))
  const fd = await p.promises.open('/meanwhile', O.CREAT | O.RDWR)
  expect(await p.promises.write(fd, new Uint8Array(1))).toBe(1)
  for (const [index, wait] of waits.entries()) {
    while (map.notify(4 * index) === 0) await pause(1)
    expect(await wait).toBe('ok')
  }
})

test.skipIf(inBrowser)(
  'a wait too many is refused, and what ends the waits still runs',
  async () => {
    await using own = await boot({ memory: '256MiB' })
    const process = own.process()
    const sem = process.sem_open('/many', O.CREAT)
    const waits = Array.from({ length: 64 }, () => codeOf(() => process.promises.sem_wait(sem)))
    await expect(process.promises.sem_wait(sem)).rejects.toMatchObject({
      code: 'ERR_TOO_MANY_WAITS',
      syscall: 'sem_wait',
    })
    let lost = 0
    for (const wait of waits) wait.then((end) => (lost += end === 'none' ? 0 : 1))
    while (own.sleepers().length < 62 && lost <= 2) await pause(1)
    for (let post = 0; post < 62; post++) await process.promises.sem_post(sem)
    const ends = await Promise.all(waits)
    expect(ends.filter((end) => end === 'ERR_TOO_MANY_WAITS')).toHaveLength(2)
    expect(ends.filter((end) => end === 'none')).toHaveLength(62)
  },
)

test.skipIf(inBrowser)('a worker that does not start fails one call, not all', async () => {
  await using own = await boot({ memory: '256MiB' })
  const process = own.process()
  const map = process.mmap({ length: 4096, flags: SHARED })
  failNextWorker()
  const waits = [0, 4].map((at) => codeOf(() => map.promises.wait(at, 0, { timeoutMs: 50 })))
  const fd = await process.promises.open('/meanwhile', O.CREAT | O.RDWR)
  expect(await process.promises.write(fd, new Uint8Array(1))).toBe(1)
  const ends = await Promise.all(waits)
  expect(ends).toEqual(['Error: no thread', 'none'])
})

test('a wait whose time is over says so', async () => {
  const map = p.mmap({ length: 4096, flags: SHARED })
  expect(await map.promises.wait(0, 0, { timeoutMs: 5 })).toBe('timed-out')
  expect(await map.promises.wait(0, 1)).toBe('not-equal')
})

test('an abort ends a wait with AbortError, and its worker serves again', async () => {
  const map = p.mmap({ length: 4096, flags: SHARED })
  for (let round = 0; round < 5; round++) {
    const controller = new AbortController()
    const wait = map.promises.wait(0, 0, { signal: controller.signal })
    setTimeout(() => controller.abort(new Error('enough')), round * 3)
    await expect(wait).rejects.toMatchObject({
      name: 'AbortError',
      code: 'ABORT_ERR',
      cause: expect.objectContaining({ message: 'enough' }),
    })
  }
  expect(map.notify(0)).toBe(0)
})

test('a signal that outlives its calls keeps nothing of them', async () => {
  const { signal } = new AbortController()
  const added = vi.spyOn(signal, 'addEventListener')
  const removed = vi.spyOn(signal, 'removeEventListener')
  await p.promises.munlockall({ signal })
  expect(await codeOf(() => p.promises.close(999, { signal }))).toBe('EBADF')
  expect(added).toHaveBeenCalledTimes(2)
  const listeners = (spy: typeof added | typeof removed) => spy.mock.calls.map(([, heard]) => heard)
  expect(listeners(removed)).toEqual(listeners(added))
})

test('a signal that is aborted already makes no call', async () => {
  const signal = AbortSignal.abort()
  await expect(
    p.promises.open('/never', O.CREAT | O.RDWR, 0o666, { signal }),
  ).rejects.toMatchObject({ name: 'AbortError' })
  expect(await codeOf(() => p.open('/never', O.RDONLY))).toBe('ENOENT')
})

test('a signal that is none is refused', async () => {
  const signal = 'stop' as unknown as AbortSignal
  expect(await codeOf(() => p.promises.munlockall({ signal }))).toBe('ERR_INVALID_ARG_TYPE')
})

test('what cannot go to another thread is a wrong type', async () => {
  const odd = (() => 1) as unknown as number
  expect(await codeOf(() => p.promises.close(odd))).toBe('ERR_INVALID_ARG_TYPE')
  const buffer = new ArrayBuffer(8)
  structuredClone(buffer, { transfer: [buffer] })
  expect(await codeOf(() => p.promises.write(0, buffer))).toBe('ERR_INVALID_ARG_TYPE')
})

test('a lock that another process holds is waited for', async () => {
  const other = kernel.process()
  const [mine, theirs] = [p, other].map((process) => process.open('/lock', O.CREAT | O.RDWR))
  other.flock(theirs as number, LOCK.EX)
  let got = false
  const waiting = p.promises.flock(mine as number, LOCK.EX).then(() => {
    got = true
  })
  await p.promises.getcwd()
  expect(got).toBe(false)
  other.exit()
  await waiting
})

test('exit in the promise form ends the process', async () => {
  const process = kernel.process()
  await process.promises.exit(3)
  expect(await codeOf(() => process.munlockall())).toBe('ESRCH')
  expect(await codeOf(() => process.promises.munlockall())).toBe('ESRCH')
})
