/** A live `@wasmer/wasi` instance as a mount, end to end: a file of its guest is mapped, changed, synced, and the guest reads it. */

import { beforeAll, expect, test } from 'vitest'
import { boot, MAP, O, wasmer } from '../../dist/src/index.js'
import { inBrowser } from '../conformance/runtime.ts'
import { OFLAGS, READ, WRITE } from '../conformance/wasi-caller.ts'
import { startWasmer, wasmerGuest } from '../conformance/wasmer-guest.ts'
import { outcome } from '../support/errno.ts'
import { startThread } from '../support/thread.ts'

const PAGE = 4096

beforeAll(startWasmer)

const fill = (length: number, value: number) => new Uint8Array(length).fill(value)

/** An instance whose guest wrote two pages, 1 and 2, to the file `f`. */
async function written() {
  const { guest, root, wasi } = wasmerGuest()
  const { value } = await guest.open(root, 'f', OFLAGS.create, READ | WRITE)
  await guest.pwrite(value as number, [fill(PAGE, 1), fill(PAGE, 2)], 0n)
  const bytes = async () => {
    const { value: fd } = await guest.open(root, 'f', 0, READ)
    const got = await guest.pread(fd as number, [3 * PAGE], 0n)
    return got.value ?? []
  }
  return { guest, root, wasi, bytes }
}

test('what a guest wrote is mapped, what is stored and synced is what the guest reads', async () => {
  const { wasi, bytes } = await written()
  await using kernel = await boot({ memory: '8MiB', mounts: { '/w': wasmer(wasi) } })
  const p = kernel.process()
  const fd = p.open('/w/f', O.RDWR)
  const map = p.mmap({ fd, length: 2 * PAGE })
  expect([map.read(0, 1)[0], map.read(PAGE, 1)[0]]).toEqual([1, 2])
  map.write(PAGE - 2, fill(4, 9))
  map.bytes[0] = 7
  map.sync()
  const stored = await bytes()
  expect(stored.length).toBe(2 * PAGE)
  expect([0, 1, PAGE - 2, PAGE + 1, PAGE + 2].map((at) => stored[at])).toEqual([7, 1, 9, 9, 2])
  kernel.check()
})

test('a private mapping reaches no guest, and a store past the end of the file neither', async () => {
  const { wasi, bytes } = await written()
  await using kernel = await boot({ memory: '8MiB', mounts: { '/w': wasmer(wasi) } })
  const p = kernel.process()
  const fd = p.open('/w/f', O.RDWR)
  p.ftruncate(fd, PAGE + 10)
  p.mmap({ fd, length: PAGE, flags: MAP.PRIVATE }).write(0, fill(PAGE, 8))
  const map = p.mmap({ fd, length: 3 * PAGE })
  map.write(PAGE + 10, fill(100, 8))
  expect(outcome(() => map.write(2 * PAGE, fill(1, 8)))).toBe('SIGBUS')
  p.fsync(fd)
  expect(await bytes()).toEqual([...fill(PAGE, 1), ...fill(10, 2)])
})

test('what a guest writes is seen when the file is opened again, which nobody had open meanwhile', async () => {
  const { wasi, guest, root } = await written()
  await using kernel = await boot({ memory: '8MiB', mounts: { '/w': wasmer(wasi) } })
  const p = kernel.process()
  const first = p.open('/w/f', O.RDWR)
  const map = p.mmap({ fd: first, length: PAGE })
  expect(map.read(0, 1)[0]).toBe(1)
  map.unmap()
  p.close(first)
  const { value } = await guest.open(root, 'f', OFLAGS.truncate, READ | WRITE)
  await guest.pwrite(value as number, [fill(2 * PAGE, 5)], 0n)
  const again = p.mmap({ fd: p.open('/w/f', O.RDWR), length: PAGE })
  expect(again.read(0, 1)[0]).toBe(5)
})

test('another thread maps it through the thread that has the instance', async () => {
  const { wasi, bytes } = await written()
  await using kernel = await boot({ memory: '8MiB', mounts: { '/w': wasmer(wasi) } })
  const p = kernel.process()
  await using thread = await startThread(new URL('./user.thread.ts', import.meta.url))
  await thread.call('attach', kernel.handleFor(thread.worker), p.pid)
  const map = p.mmap({ fd: p.open('/w/f', O.RDWR), length: 2 * PAGE })
  const call = (name: string, ...args: unknown[]) => thread.call('call', name, ...args)
  expect(await call('vmWrite', map.address + PAGE, fill(PAGE, 6))).toEqual({ value: PAGE })
  expect(map.read(PAGE, PAGE)).toEqual(fill(PAGE, 6))
  expect(await call('msync', map.address, 2 * PAGE)).toEqual({ value: undefined })
  expect(await bytes()).toEqual([...fill(PAGE, 1), ...fill(PAGE, 6)])
  await thread.call('leave')
  expect(inBrowser || kernel.sleepers().length === 0).toBe(true)
})
