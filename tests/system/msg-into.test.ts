/** msgrcv into an array of the caller's: what C does. */

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import {
  boot,
  IPC,
  type Kernel,
  MSG,
  type MsgrcvOptions,
  type Process,
} from '../../dist/src/index.js'
import { outcome } from '../support/errno.ts'

let kernel: Kernel
let p: Process
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
})
beforeEach(() => {
  p = kernel.process()
  return () => p[Symbol.dispose]()
})
afterAll(() => kernel.close())

const bytes = (...values: number[]) => new Uint8Array(values)
const NOWAIT = IPC.NOWAIT

test('into is filled from its beginning; its length is the size, and what is behind the message stays', async () => {
  const id = p.msgget(IPC.PRIVATE, 0o600)
  const room = new Uint8Array(8).fill(9)
  const into = room.subarray(2, 6)
  const calls = [() => p.msgrcv(id, { into }), () => p.promises.msgrcv(id, { into, flags: NOWAIT })]
  for (const call of calls) {
    room.fill(9)
    p.msgsnd(id, 7, bytes(1, 2, 3))
    const { type, data } = await call()
    expect(type).toBe(7)
    expect(data).toEqual(bytes(1, 2, 3))
    expect(data.buffer).toBe(room.buffer)
    expect(room).toEqual(bytes(9, 9, 1, 2, 3, 9, 9, 9))
  }
  p.msgsnd(id, 1, bytes(1, 1, 1, 1, 1))
  expect(outcome(() => p.msgrcv(id, { into }))).toBe('E2BIG')
  expect(p.msgrcv(id, { into, flags: MSG.NOERROR }).data).toEqual(bytes(1, 1, 1, 1))
})

test('into is a Uint8Array that is not detached, and size is at most its length', async () => {
  const id = p.msgget(IPC.PRIVATE, 0o600)
  const gone = new Uint8Array(4)
  structuredClone(gone, { transfer: [gone.buffer] })
  for (const into of [null, 4, 'abc', new ArrayBuffer(4), new DataView(new ArrayBuffer(4)), gone]) {
    const options = { into } as MsgrcvOptions
    expect(() => p.msgrcv(id, options)).toThrow(TypeError)
    await expect(p.promises.msgrcv(id, options)).rejects.toThrow(TypeError)
  }
  const small = { into: new Uint8Array(4), size: 5 }
  expect(() => p.msgrcv(id, small)).toThrow(/"options.size".*the length of options.into/)
  await expect(p.promises.msgrcv(id, small)).rejects.toThrow(RangeError)
  p.msgsnd(id, 1, bytes(1, 1, 1))
  expect(outcome(() => p.msgrcv(id, { into: new Uint8Array(4), size: 2 }))).toBe('E2BIG')
  expect(outcome(() => p.msgrcv(id, { into: new Uint8Array(4), size: -1 }))).toBe('EINVAL')
})
