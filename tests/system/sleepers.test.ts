/** Observers see who sleeps in the kernel, and on what. */

import { expect, test } from 'vitest'
import { boot, MAP } from '../../dist/src/index.js'
import { pause } from '../support/pause.ts'
import { startThread } from '../support/thread.ts'

test('a thread asleep on a word is listed with its process until it is woken', async () => {
  await using kernel = await boot({ memory: '16MiB' })
  const p = kernel.process()
  const map = p.mmap({ length: p.pageSize, flags: MAP.SHARED | MAP.ANONYMOUS })
  await using thread = await startThread(new URL('../support/process.thread.ts', import.meta.url))
  await thread.call('attach', kernel.handle)
  await thread.call('join', p.pid)
  expect(kernel.sleepers()).toEqual([])
  const call = thread.call('call', p.pid, 'futexWait', [map.address, 0])
  await until(() => kernel.stats().sleepers === 1)
  expect(kernel.sleepers()).toMatchObject([{ pid: p.pid, on: 'word' }])
  expect(p.futexWake(map.address)).toBe(1)
  expect(await call).toEqual({ value: undefined })
  expect(kernel.sleepers()).toEqual([])
  await thread.call('leave')
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(1)
}
