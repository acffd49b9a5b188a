/** `faulty` fails by plan, and the WASI functions pass on what it does. */

import { MemFS } from '@wasmer/wasi'
import { beforeAll, describe, expect, test } from 'vitest'
import { errnoNumber } from '../../dist/src/providers/errno.js'
import type { Provider } from '../../dist/src/providers/provider.js'
import { wasiFiles } from '../../dist/src/providers/wasi.js'
import { wasmer } from '../../dist/src/providers/wasmer.js'
import { type FaultRule, faulty } from '../../dist/src/test/index.js'
import { CREATE, make, type READ_WRITE, shared, textOf, writeAll } from './fixture.ts'
import { codeOf } from './runtime.ts'
import { conformance } from './suite.ts'
import { OFLAGS, READ, sharedMemory, WasiCaller, WRITE } from './wasi-caller.ts'
import { startWasmer } from './wasmer-guest.ts'

beforeAll(startWasmer)

const ROOT = 3
const text = (value: string) => new TextEncoder().encode(value)
const memory = () => wasmer(new MemFS())

conformance('a faulty provider whose plan is empty', async () => {
  await startWasmer()
  return { provider: faulty(memory(), []), end: () => {} }
})

conformance('a faulty provider that delays every call', async () => {
  await startWasmer()
  return { provider: faulty(memory(), [{ effect: { delayMs: 0 } }]), end: () => {} }
})

describe('a plan', () => {
  test('fails the nth call that matches, and no other', async () => {
    const provider = faulty(memory(), [{ op: 'sync', nth: 2, effect: { error: 'EIO' } }])
    const handle = await provider.open('f', CREATE)
    const codes = []
    for (let call = 0; call < 3; call++)
      codes.push(await codeOf(() => provider.sync(handle, false)))
    expect(codes).toEqual(['none', 'EIO', 'none'])
    expect(provider.faults).toEqual([{ rule: 0, op: 'sync', path: 'f' }])
  })

  test('fails a range of calls, of several methods', async () => {
    const provider = faulty(memory(), [
      { op: ['mkdir', 'rmdir'], nth: [2, 3], effect: { error: 'ENOSPC' } },
    ])
    await provider.mkdir('a', 0o777)
    expect(await codeOf(() => provider.mkdir('b', 0o777))).toBe('ENOSPC')
    expect(await codeOf(() => provider.rmdir('a'))).toBe('ENOSPC')
    await provider.rmdir('a')
    expect(await provider.readdir('')).toEqual([])
  })

  test('names files by path: of the call, or of the open that gave the handle', async () => {
    const provider = faulty(memory(), [
      { op: 'pwrite', path: /\.db$/, effect: { error: 'EDQUOT' } },
      { op: 'rename', path: 'kept', effect: { error: 'EACCES' } },
    ])
    await make(provider, 'kept', 'bytes')
    const handle = await provider.open('x.db', CREATE)
    expect(await codeOf(() => provider.pwrite(handle, shared('x'), 0))).toBe('EDQUOT')
    expect(await codeOf(() => provider.rename('x.db', 'kept'))).toBe('EACCES')
    expect(await textOf(provider, 'kept')).toBe('bytes')
    expect((await provider.stat(handle)).size).toBe(0)
  })

  test('the first rule that matches rules; later ones count all the same', async () => {
    const provider = faulty(memory(), [
      { op: 'lstat', nth: 1, effect: { error: 'EIO' } },
      { op: 'lstat', nth: 2, effect: { error: 'EACCES' } },
    ])
    expect(await codeOf(() => provider.lstat(''))).toBe('EIO')
    expect(await codeOf(() => provider.lstat(''))).toBe('EACCES')
    expect(await codeOf(() => provider.lstat(''))).toBe('none')
  })
})

describe('the effects of a plan', () => {
  test('moves less than asked', async () => {
    const provider = faulty(memory(), [{ op: ['pread', 'pwrite'], effect: { short: 2 } }])
    const handle = await provider.open('f', CREATE)
    expect(await provider.pwrite(handle, shared('abc'), 0)).toBe(2)
    expect(await provider.pwrite(handle, shared('cdef'), 2)).toBe(2)
    expect(await provider.pread(handle, shared(9), 0)).toBe(2)
  })

  test('fills up after so many bytes, in the middle of a write; overwriting goes on', async () => {
    const provider = faulty(memory(), [{ effect: { fillAfterBytes: 5 } }])
    const handle = await provider.open('f', CREATE)
    expect(await provider.pwrite(handle, shared('abc'), 0)).toBe(3)
    expect(await provider.pwrite(handle, shared('XY'), 0)).toBe(2)
    expect(await provider.pwrite(handle, shared('defg'), 3)).toBe(2)
    expect(await codeOf(() => provider.pwrite(handle, shared('f'), 5))).toBe('ENOSPC')
    expect(await codeOf(() => provider.truncate(handle, 6))).toBe('ENOSPC')
    expect(await provider.pwrite(handle, shared('Z'), 4)).toBe(1)
    await provider.truncate(handle, 1)
    expect((await provider.stat(handle)).size).toBe(1)
  })

  test('delays, and the provider says that it is asynchronous', async () => {
    const plain = faulty(memory(), [{ op: 'stat', effect: { error: 'EIO' } }])
    expect([plain.capabilities.async, plain.open('f', CREATE)]).toEqual([false, 0])
    const slow = faulty(memory(), [{ op: 'open', effect: { delayMs: 5, error: 'EIO' } }])
    expect(slow.capabilities.async).toBe(true)
    expect(await codeOf(() => slow.open('f', CREATE))).toBe('EIO')
  })

  test.for([
    [{ effect: {} }, 'effect is empty'],
    [{}, 'effect is missing'],
    [{ op: 'fsync', effect: { error: 'EIO' } }, "op 'fsync'"],
    [{ effect: { error: 'EWHAT' } }, "'EWHAT' is no errno"],
    [{ effect: { short: 0 } }, 'short must be'],
    [{ effect: { delayMs: Number.NaN } }, 'delayMs must be'],
    [{ nth: 0, effect: { error: 'EIO' } }, 'nth counts from 1'],
  ] as [FaultRule, string][])('refuses %j: %s', ([rule, message]) => {
    expect(() => faulty(memory(), [{ effect: { error: 'EIO' } }, rule])).toThrow(
      new RegExp(`plan\\[1\\]: .*${message}`),
    )
  })

  test('wraps a spec, which stays structured-cloneable', async () => {
    const { instantiate, mountOf } = await import('../../dist/src/providers/specs.js')
    const inner = { module: new URL('./memory.ts', import.meta.url).href, options: {} } as const
    const plan: FaultRule[] = [{ op: 'mkdir', path: /x/, effect: { error: 'EROFS' } }]
    const spec = faulty({ ...inner, threads: 'any' }, plan)
    expect(spec.threads).toBe('owner')
    const provider = await instantiate(structuredClone(mountOf(spec)))
    expect(await codeOf(() => provider.mkdir('x', 0o777))).toBe('EROFS')
    expect(await codeOf(() => provider.mkdir('y', 0o777))).toBe('none')
  })
})

function mounted(provider: Provider) {
  const memory = sharedMemory()
  return new WasiCaller(memory, wasiFiles(memory, [provider]))
}
async function opened(provider: Provider, content = '') {
  const wasi = mounted(provider)
  const { value } = await wasi.open(ROOT, 'f', OFLAGS.create, READ | WRITE)
  if (content) await wasi.pwrite(value as number, [text(content)], 0n)
  return { wasi, fd: value as number }
}

describe('what the WASI functions make of faults', () => {
  test('a short read is read on, to the end of the file', async () => {
    const inner = memory()
    await make(inner, 'f', 'abcdefghij')
    const { wasi, fd } = await opened(faulty(inner, [{ op: 'pread', effect: { short: 3 } }]))
    expect((await wasi.pread(fd, [4, 99], 1n)).value).toEqual([...text('bcdefghij')])
  })

  test('a failure in the middle of a read is a failure, never a short count', async () => {
    const inner = memory()
    await make(inner, 'f', 'abcdefghij')
    const plan: FaultRule[] = [
      { op: 'pread', nth: 1, effect: { short: 3 } },
      { op: 'pread', nth: 2, effect: { error: 'EIO' } },
    ]
    const { wasi, fd } = await opened(faulty(inner, plan))
    expect((await wasi.pread(fd, [10], 0n)).errno).toBe(errnoNumber('EIO'))
  })

  test('a short write is passed on as it is', async () => {
    const { wasi, fd } = await opened(faulty(memory(), [{ op: 'pwrite', effect: { short: 3 } }]))
    expect(await wasi.pwrite(fd, [text('ab'), text('cdefg')], 0n)).toEqual({ errno: 0, value: 5 })
    expect(await wasi.pwrite(fd, [text('abcdef'), text('g')], 0n)).toEqual({ errno: 0, value: 3 })
  })

  test('a failure after some bytes is a short write, and the next one fails', async () => {
    const plan: FaultRule[] = [{ op: 'pwrite', nth: [2, 3], effect: { error: 'EDQUOT' } }]
    const { wasi, fd } = await opened(faulty(memory(), plan))
    expect(await wasi.pwrite(fd, [text('ab'), text('cd')], 0n)).toEqual({ errno: 0, value: 2 })
    expect((await wasi.pwrite(fd, [text('cd')], 2n)).errno).toBe(errnoNumber('EDQUOT'))
  })

  test.for([
    'EIO',
    'ENOSPC',
    'EDQUOT',
    'EROFS',
    'EACCES',
  ] as const)('%s keeps its number', async (code) => {
    const { wasi, fd } = await opened(faulty(memory(), [{ op: 'sync', effect: { error: code } }]))
    expect((await wasi.sync(fd, false)).errno).toBe(errnoNumber(code))
  })

  test('a provider that throws without an errno, or moves a wrong count, is EIO', async () => {
    const inner = memory()
    await make(inner, 'f', 'abc')
    const wrong = Object.assign(Object.create(inner), {
      open: (path: string, flags: typeof READ_WRITE) => inner.open(path, flags),
      pread: () => 99,
      sync: () => Promise.reject(new TypeError('a bug')),
      stat: () => {
        throw 'not even an error'
      },
    }) as Provider
    const { wasi, fd } = await opened(wrong)
    const EIO = errnoNumber('EIO')
    expect((await wasi.pread(fd, [4], 0n)).errno).toBe(EIO)
    expect((await wasi.sync(fd, false)).errno).toBe(EIO)
    expect((await wasi.filestat(fd)).errno).toBe(EIO)
  })

  test('promises come only from providers that promise', async () => {
    const { wasi } = await opened(memory())
    expect(wasi.functions.fd_filestat_get(ROOT, 0)).toBe(0)
    const slow = mounted(faulty(memory(), [{ effect: { delayMs: 0 } }]))
    expect(slow.functions.fd_filestat_get(ROOT, 0)).toBeInstanceOf(Promise)
    expect(await slow.functions.fd_filestat_get(ROOT, 0)).toBe(0)
  })

  test('a file that fills up keeps what was acknowledged', async () => {
    const inner = memory()
    const provider = faulty(inner, [{ effect: { fillAfterBytes: 7 } }])
    const handle = await provider.open('f', CREATE)
    expect(await codeOf(() => writeAll(provider, handle, shared('0123456789'), 0))).toBe('ENOSPC')
    await provider.close(handle)
    expect(await textOf(inner, 'f')).toBe('0123456')
  })
})
