/** ERR_KERNEL_STALLED: a thread that lives and holds what a call needs for longer than `stallMs`. */

import { expect, test } from 'vitest'
import { boot, O } from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'
import { startThread } from '../support/thread.ts'

const PAGE = 4096

test('a page that a live thread does not let go of: the call is ERR_KERNEL_STALLED, and does its work once the thread has', async () => {
  await using kernel = await boot({ memory: '8MiB', stallMs: 50 })
  const p = kernel.process()
  const [held, other] = [p.mmap({ length: 2 * PAGE }), p.mmap({ length: 2 * PAGE })]
  held.write(0, new Uint8Array([7]))
  await using thread = await startThread(new URL('./hold.thread.ts', import.meta.url))
  await thread.call('attach', kernel.handleFor(thread.worker), p.pid)
  expect(await thread.call('hold', held.address)).toBe(0)
  expect(() => held.unmap()).toThrow(
    expect.objectContaining({ code: 'ERR_KERNEL_STALLED', name: 'IsopageError' }),
  )
  kernel.check()
  other.write(0, new Uint8Array([1]))
  expect(outcome(() => p.munmap(other.address, PAGE))).toBe('ok')
  await thread.call('letGo')
  held.unmap()
  expect(outcome(() => p.vmRead(held.address, new Uint8Array(1)))).toBe('SIGSEGV')
  kernel.check()
  await kernel.terminate(thread.worker)
})

test('a holder that is terminated holds up nobody', async () => {
  await using kernel = await boot({ memory: '8MiB', stallMs: 50 })
  const p = kernel.process()
  const map = p.mmap({ length: PAGE })
  map.write(0, new Uint8Array([7]))
  const thread = await startThread(new URL('./hold.thread.ts', import.meta.url))
  await thread.call('attach', kernel.handleFor(thread.worker), p.pid)
  await thread.call('hold', map.address)
  await kernel.terminate(thread.worker)
  map.unmap()
  kernel.check()
})

test('a file with such a page is not cut, and the thread that tried goes on with other files', async () => {
  await using kernel = await boot({ memory: '8MiB', stallMs: 50 })
  const p = kernel.process()
  const fd = p.open('/held', O.CREAT | O.RDWR)
  p.ftruncate(fd, 2 * PAGE)
  const held = p.mmap({ fd, length: 2 * PAGE })
  held.write(0, new Uint8Array([7]))
  await using thread = await startThread(new URL('./hold.thread.ts', import.meta.url))
  await thread.call('attach', kernel.handleFor(thread.worker), p.pid)
  expect(await thread.call('hold', held.address)).toBe(0)
  expect(outcome(() => p.ftruncate(fd, 0))).toBe('ERR_KERNEL_STALLED')
  const other = p.open('/other', O.CREAT | O.RDWR)
  expect(p.write(other, new Uint8Array([1, 2]))).toBe(2)
  kernel.check()
  expect(outcome(() => p.ftruncate(fd, 0))).toBe('ERR_KERNEL_STALLED')
  await thread.call('letGo')
  p.ftruncate(fd, 0)
  expect(p.fstat(fd).size).toBe(0)
  kernel.check()
  await kernel.terminate(thread.worker)
})
