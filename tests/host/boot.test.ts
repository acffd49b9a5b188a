/** What boot makes of its options, and what it refuses. */

import { expect, test } from 'vitest'
import { type BootOptions, boot, custom, type Kernel, MAP, O, PROT } from '../../dist/src/index.js'
import { codeOf } from '../conformance/runtime.ts'

test.each([4096, 8192, 65_536])('pages of %i bytes', async (pageSize) => {
  await using kernel = await boot({ memory: '64MiB', pageSize })
  const p = kernel.process()
  expect(kernel.pageSize).toBe(pageSize)
  expect(kernel.stats().pageSize).toBe(pageSize)
  const map = p.mmap({ length: 1, prot: PROT.READ, flags: MAP.PRIVATE | MAP.ANONYMOUS })
  expect(map.read(0, 1)[0]).toBe(0)
  expect(await codeOf(() => p.munmap(map.address + pageSize / 2, 1))).toBe('EINVAL')
})

const wrong: [string, unknown, string][] = [
  ['options: null', null, 'ERR_INVALID_ARG_TYPE'],
  ['options: 1', 1, 'ERR_INVALID_ARG_TYPE'],
  ['memory: 1 byte', { memory: 1 }, 'ERR_OUT_OF_RANGE'],
  ['memory: 5 GiB', { memory: '5GiB' }, 'ERR_OUT_OF_RANGE'],
  ['memory: words', { memory: 'much' }, 'ERR_OUT_OF_RANGE'],
  ['memory: NaN', { memory: Number.NaN }, 'ERR_OUT_OF_RANGE'],
  ['memory: object', { memory: {} }, 'ERR_INVALID_ARG_TYPE'],
  ['pageSize: 5000', { pageSize: 5000 }, 'ERR_OUT_OF_RANGE'],
  ['pageSize: 131072', { pageSize: 131_072 }, 'ERR_OUT_OF_RANGE'],
  ['pageSize: text', { pageSize: '4096' }, 'ERR_INVALID_ARG_TYPE'],
  ['mounts: array of text', { mounts: ['x'] }, 'ERR_INVALID_ARG_TYPE'],
  [
    'mounts: relative',
    { mounts: { data: custom('data:text/javascript,') } },
    'ERR_INVALID_ARG_TYPE',
  ],
  ['mounts: a directory name', { mounts: { '/d': './d' } }, 'ERR_INVALID_ARG_TYPE'],
  ['mounts: null', { mounts: null }, 'ERR_INVALID_ARG_TYPE'],
  ['limits: text', { limits: 'x' }, 'ERR_INVALID_ARG_TYPE'],
  ['limits.mappings: 0', { limits: { mappings: 0 } }, 'ERR_OUT_OF_RANGE'],
  ['limits.processes: 2^53', { limits: { processes: 2 ** 53 } }, 'ERR_OUT_OF_RANGE'],
  ['dirtyAgeMs: -1', { dirtyAgeMs: -1 }, 'ERR_OUT_OF_RANGE'],
  ['stallMs: NaN', { stallMs: Number.NaN }, 'ERR_OUT_OF_RANGE'],
  ['core: text', { core: 'core.wasm' }, 'ERR_INVALID_ARG_TYPE'],
]
test.each(wrong)('refuses %s', async (_, options, code) => {
  expect(await codeOf(() => boot(options as object))).toBe(code)
})

test('the limit of processes holds, and an exit makes room', async () => {
  await using kernel = await boot({ memory: '16MiB', limits: { processes: 2 } })
  const first = kernel.process()
  kernel.process()
  expect(await codeOf(() => kernel.process())).toBe('EAGAIN')
  first.exit()
  kernel.process()
})

test('the limit of mappings holds', async () => {
  await using kernel = await boot({ memory: '16MiB', limits: { mappings: 3 } })
  const p = kernel.process()
  const fd = p.open('/f', O.CREAT | O.RDWR)
  for (let offset = 0; offset < 3; offset++) p.mmap({ fd, length: 1, offset: 8192 * offset })
  expect(await codeOf(() => p.mmap({ fd, length: 1, offset: 8192 * 3 }))).toBe('ENOMEM')
})

test('after close every call is ERR_KERNEL_CLOSED, and close gives the same promise', async () => {
  const kernel = await boot({ memory: '16MiB' })
  const p = kernel.process()
  const map = p.mmap({ length: 1 })
  const closed = kernel.close()
  expect(kernel.close()).toBe(closed)
  await closed
  const calls: (() => unknown)[] = [
    () => kernel.process(),
    () => kernel.handle,
    () => kernel.stats(),
    () => kernel.check(),
    () => kernel.sync(),
    () => kernel.reap(),
    () => p.mmap({ length: 1 }),
    () => p.promises.mmap({ length: 1 }),
    () => p.open('/x', O.RDONLY),
    () => map.read(0, 1),
    () => map.bytes,
    () => map.promises.sync(),
    () => map.unmap(),
    () => p.exit(),
  ]
  for (const call of calls) expect(await codeOf(call), String(call)).toBe('ERR_KERNEL_CLOSED')
  p[Symbol.dispose]()
})

/** Boots where no memory of more than `most` bytes can be had; the time that boot tries again goes by at once. */
async function bootWithin(most: number, options: BootOptions): Promise<Kernel> {
  const { Memory } = WebAssembly
  const now = performance.now.bind(performance)
  let passedMs = 0
  performance.now = () => now() + passedMs
  WebAssembly.Memory = new Proxy(Memory, {
    construct(target, [descriptor]: [WebAssembly.MemoryDescriptor]) {
      passedMs = descriptor.initial * 65_536 > most ? 10_000 : 0
      if (passedMs > 0) throw new RangeError('could not allocate memory')
      return new target(descriptor)
    },
  })
  try {
    return await boot(options)
  } finally {
    WebAssembly.Memory = Memory
    performance.now = now
  }
}

test('memoryMin: takes half, and half of that, where `memory` cannot be had', async () => {
  const within = 20 * 2 ** 20
  await using kernel = await bootWithin(within, { memory: '64MiB', memoryMin: '12MiB' })
  expect(kernel.handle.memory.buffer.byteLength).toBe(16 * 2 ** 20)
  const p = kernel.process()
  p.mmap({ length: 8 * 2 ** 20 }).write(8 * 2 ** 20 - 1, new Uint8Array([1]))
  kernel.check()
})

test('memoryMin: takes no less, and without it no less than `memory`: a RangeError that says both names', async () => {
  for (const memoryMin of ['24MiB', undefined]) {
    const booting = bootWithin(20 * 2 ** 20, {
      memory: '64MiB',
      ...(memoryMin ? { memoryMin } : {}),
    })
    const failure = await booting.catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(RangeError)
    expect(String(failure)).toMatch(/`memory`, or `memoryMin`/)
  }
})
