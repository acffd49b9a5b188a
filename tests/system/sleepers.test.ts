/** Observers see who sleeps in the kernel, and on what. */

import { expect, test } from 'vitest'
import { boot, IPC, MAP, O, POLL } from '../../dist/src/index.js'
import { asleep, Caller } from '../support/caller.ts'
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

test('what a thread sleeps on is told apart: a pipe, a message queue of either kind, a poll', async () => {
  await using kernel = await boot({ memory: '16MiB' })
  await using caller = await Caller.start(kernel)
  const p = kernel.process()
  const [end, other] = p.pipe()
  const mq = p.mq_open('/q', O.CREAT | O.RDWR)
  const msg = p.msgget(IPC.PRIVATE, 0o600)
  const byte = new Uint8Array(1)
  const kinds = [
    ['pipe', 'read', [end, byte], () => p.write(other, byte)],
    ['posix-mq', 'mq_receive', [mq], () => p.mq_send(mq, byte)],
    ['queue', 'msgrcv', [msg], () => p.msgsnd(msg, 1, byte)],
    ['poll', 'poll', [[{ fd: end, events: POLL.IN }]], () => p.write(other, byte)],
  ] as const
  for (const [on, name, args, wake] of kinds) {
    const call = caller.call(p, name, ...args)
    await asleep(kernel, 1)
    expect(kernel.sleepers()).toMatchObject([{ pid: p.pid, on }])
    wake()
    await call
    expect(kernel.sleepers()).toEqual([])
  }
})

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(1)
}
