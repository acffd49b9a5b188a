/** Several threads of the user's over one kernel: attaching, sharing, and their ends. */

import { expect, onTestFinished, test, vi } from 'vitest'
import { attach, boot, type Handle, MAP, O } from '../../dist/src/index.js'
import { codeOf, inBrowser } from '../conformance/runtime.ts'
import { pause } from '../support/pause.ts'
import { untilReaped } from '../support/reaped.ts'
import { startThread, type Thread } from '../support/thread.ts'

const SHARED = MAP.SHARED | MAP.ANONYMOUS

function userThread(): Promise<Thread> {
  return startThread(new URL('./user.thread.ts', import.meta.url))
}

/** Waits until a byte of shared memory is 1. */
async function untilOne(byte: () => number | undefined): Promise<void> {
  while (byte() !== 1) await pause(1)
}

test('a process that two threads run has one memory and one file table', async () => {
  await using kernel = await boot({ memory: '16MiB' })
  const p = kernel.process()
  const map = p.mmap({ length: 4096, flags: SHARED })
  await using thread = await userThread()
  expect(await thread.call('attach', kernel.handle, p.pid)).toBe(p.pid)
  await thread.call('call', 'vmWrite', map.address + 5, new Uint8Array([42]))
  expect(map.read(5, 1)[0]).toBe(42)
  const { value: fd } = await thread.call<{ value: number }>(
    'call',
    'open',
    '/theirs',
    O.CREAT | O.RDWR,
  )
  expect(p.write(fd, new Uint8Array(3))).toBe(3)
})

test('a file that two processes map is one page', async () => {
  await using kernel = await boot({ memory: '16MiB' })
  const p = kernel.process()
  const fd = p.open('/shared', O.CREAT | O.RDWR)
  p.ftruncate(fd, 4096)
  const map = p.mmap({ fd, length: 4096 })
  await using thread = await userThread()
  expect(await thread.call('attach', kernel.handle)).not.toBe(p.pid)
  await thread.call('call', 'open', '/shared', O.RDWR)
  map.write(0, new Uint8Array([9]))
  const into = new Uint8Array(new SharedArrayBuffer(1))
  await thread.call('call', 'pread', 0, into, 0)
  expect(into[0]).toBe(9)
})

test('attaching twice in one thread gives the same kernel; so does the thread that booted', async () => {
  await using kernel = await boot({ memory: '16MiB' })
  expect(await attach(kernel.handle)).toBe(kernel)
  await using thread = await userThread()
  expect(await thread.call('attachTwice', kernel.handle)).toBe(true)
})

test('a thread that leaves gives its slot back, and the kernel goes on', async () => {
  await using kernel = await boot({ memory: '16MiB' })
  await using thread = await userThread()
  await thread.call('attach', kernel.handle)
  expect(await thread.call('leave')).toBe('ERR_KERNEL_CLOSED')
  kernel.check()
  expect(kernel.stats().processes).toBe(0)
})

test('a wake reaches a thread that waits', async () => {
  await using kernel = await boot({ memory: '16MiB' })
  const p = kernel.process()
  const map = p.mmap({ length: 4096, flags: SHARED })
  await using thread = await userThread()
  await thread.call('attach', kernel.handle, p.pid)
  const woken = thread.call('call', 'futexWait', map.address, 0)
  while (map.notify(0) === 0) await pause(1)
  expect(await woken).toEqual({ value: undefined })
})

for (const [what, how] of [
  ['calls the kernel without end', 'loop'],
  ['waits for ever', 'wait'],
] as const) {
  test(`terminate() of a worker that ${what} leaves the kernel whole`, async () => {
    await using kernel = await boot({ memory: '16MiB' })
    const p = kernel.process()
    const map = p.mmap({ length: 4096, flags: SHARED })
    const thread = await userThread()
    await thread.call('attach', kernel.handleFor(thread.worker), p.pid)
    thread.call(how, map.address + (how === 'loop' ? 4 : 0)).catch(() => {})
    await untilOne(() => map.read(4, 1)[0])
    await kernel.terminate(thread.worker)
    kernel.check()
    p.exit()
    expect(kernel.stats().processes).toBe(0)
    kernel.check()
  })

  test(`a raw terminate of a worker that ${what} is repaired`, async () => {
    await using kernel = await boot({ memory: '16MiB' })
    const p = kernel.process()
    const map = p.mmap({ length: 4096, flags: SHARED })
    const thread = await userThread()
    await thread.call('attach', kernel.handleFor(thread.worker))
    const own = await userThread()
    await own.call('attach', kernel.handleFor(own.worker), p.pid)
    own.call(how, map.address + (how === 'loop' ? 4 : 0)).catch(() => {})
    await untilOne(() => map.read(4, 1)[0])
    await own.end()
    expect(await untilReaped(kernel, own)).toBe(true)
    kernel.check()
    await thread.end()
    expect(await untilReaped(kernel, thread)).toBe(true)
    kernel.check()
    expect(kernel.stats().processes).toBe(1)
  })
}

test('reap() lets the event loop turn: who asks until something is found does not keep a worker from its end', async () => {
  await using kernel = await boot({ memory: '16MiB' })
  let turned = false
  setTimeout(() => {
    turned = true
  })
  for (let asked = 0; asked < 1000 && !turned; asked++) expect(await kernel.reap()).toBe(0)
  expect(turned).toBe(true)
})

test('terminate() leaves no timer behind, which would keep the program alive', async () => {
  await using kernel = await boot({ memory: '16MiB' })
  const thread = await userThread()
  await thread.call('attach', kernel.handleFor(thread.worker))
  onTestFinished(() => void vi.restoreAllMocks())
  const set = vi.spyOn(globalThis, 'setTimeout')
  const cleared = vi.spyOn(globalThis, 'clearTimeout')
  await kernel.terminate(thread.worker)
  const long = set.mock.calls.flatMap(([, ms = 0], at) =>
    ms >= 1000 ? [set.mock.results[at]?.value] : [],
  )
  expect(cleared.mock.calls.map(([timer]) => timer)).toEqual(expect.arrayContaining(long))
})

test('what is no worker is no worker to terminate', async () => {
  await using kernel = await boot({ memory: '16MiB' })
  for (const worker of [undefined, null, 1, {}, new EventTarget()]) {
    expect(await codeOf(() => kernel.terminate(worker as never))).toBe('ERR_INVALID_ARG_TYPE')
    expect(await codeOf(() => kernel.handleFor(worker as never))).toBe('ERR_INVALID_ARG_TYPE')
  }
})

test('attach refuses what is no handle, and one of another ABI or of a closed kernel', async () => {
  const kernel = await boot({ memory: '16MiB' })
  const { handle } = kernel
  const wrong: [unknown, string][] = [
    [undefined, 'ERR_INVALID_ARG_TYPE'],
    [null, 'ERR_INVALID_ARG_TYPE'],
    [{}, 'ERR_INVALID_ARG_TYPE'],
    [kernel, 'ERR_INVALID_ARG_TYPE'],
    [{ ...handle, memory: new WebAssembly.Memory({ initial: 1 }) }, 'ERR_INVALID_ARG_TYPE'],
    [{ ...handle, memory: null }, 'ERR_INVALID_ARG_TYPE'],
    [{ ...handle, module: {} }, 'ERR_INVALID_ARG_TYPE'],
    [{ ...handle, threads: new SharedArrayBuffer(4) }, 'ERR_INVALID_ARG_TYPE'],
    [{ ...handle, mounts: {} }, 'ERR_INVALID_ARG_TYPE'],
    [{ ...handle, isopage: 99 }, 'ERR_ABI_MISMATCH'],
  ]
  for (const [value, code] of wrong) {
    expect(await codeOf(() => attach(value as Handle)), code).toBe(code)
  }
  await kernel.close()
  expect(await codeOf(() => attach(handle))).toBe('ERR_KERNEL_CLOSED')
})

test.runIf(inBrowser)('a page may not wait: the call names its promise form', async () => {
  await using kernel = await boot({ memory: '16MiB' })
  const map = kernel.process().mmap({ length: 4096, flags: SHARED })
  expect(() => map.wait(0, 0)).toThrow(
    expect.objectContaining({
      code: 'ERR_WOULD_BLOCK',
      message: expect.stringContaining('promises.futexWait'),
    }),
  )
})
