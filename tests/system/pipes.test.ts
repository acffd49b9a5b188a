/** Pipes, FIFOs and poll: POSIX pipe, read, write, mkfifo, poll, with ends in several processes and threads. */

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { boot, F, FD, type Kernel, O, POLL, type Process, S } from '../../dist/src/index.js'
import { codeOf } from '../conformance/runtime.ts'
import { asleep, Caller } from '../support/caller.ts'

const PIPE_BYTES = 65_536

let kernel: Kernel
let callers: Caller[]
let p: Process
let q: Process

beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
  callers = await Promise.all([1, 2].map(() => Caller.start(kernel)))
})
beforeEach(() => {
  const { inodes } = kernel.stats()
  p = kernel.process()
  q = kernel.process()
  return () => {
    q[Symbol.dispose]()
    p[Symbol.dispose]()
    kernel.check()
    expect(kernel.stats()).toMatchObject({ inodes, sleepers: 0, processes: 0 })
  }
})
afterAll(async () => {
  for (const each of callers) await each.kill()
  await kernel.close()
})

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)
const bytes = (value: string) => new TextEncoder().encode(value)

function readAll(process: Process, fd: number): string {
  const into = new Uint8Array(100)
  return text(into.subarray(0, process.read(fd, into)))
}

test('bytes come out in the order in which they went in; the end of the file comes with the last writer', () => {
  const [reads, writes] = p.pipe()
  expect(p.write(writes, bytes('one '))).toBe(4)
  expect(p.write(writes, bytes('two'))).toBe(3)
  expect(readAll(p, reads)).toBe('one two')
  p.close(writes)
  expect(readAll(p, reads)).toBe('')
  expect(p.fstat(reads).mode & S.IFMT).toBe(S.IFIFO)
})

test('a write that nobody reads is EPIPE, seeking ESPIPE, mapping ENODEV and EACCES', async () => {
  const [reads, writes] = p.pipe(O.CLOEXEC)
  expect(p.fcntl(reads, F.GETFD)).toBe(FD.CLOEXEC)
  expect(await codeOf(() => p.lseek(reads, 0, 0))).toBe('ESPIPE')
  expect(await codeOf(() => p.mmap({ fd: reads, length: 1, prot: 1 }))).toBe('ENODEV')
  expect(await codeOf(() => p.mmap({ fd: writes, length: 1, prot: 1 }))).toBe('EACCES')
  p.close(reads)
  expect(await codeOf(() => p.write(writes, bytes('x')))).toBe('EPIPE')
})

test('with O.NONBLOCK full and empty are EAGAIN', async () => {
  const [reads, writes] = p.pipe(O.NONBLOCK)
  expect(await codeOf(() => p.read(reads, new Uint8Array(1)))).toBe('EAGAIN')
  expect(p.write(writes, new Uint8Array(PIPE_BYTES + 5))).toBe(PIPE_BYTES)
  expect(await codeOf(() => p.write(writes, bytes('x')))).toBe('EAGAIN')
  expect(p.read(reads, new Uint8Array(2 * PIPE_BYTES))).toBe(PIPE_BYTES)
})

test('a child has both ends; the pipe ends with the last of them', () => {
  const [reads, writes] = p.pipe()
  const child = p.fork()
  p.close(writes)
  child.write(writes, bytes('from the child'))
  expect(readAll(p, reads)).toBe('from the child')
  child.exit()
  expect(readAll(p, reads)).toBe('')
})

test('promise forms wait: a read for its writer, many of them without holding up others', async () => {
  const pipes = Array.from({ length: 4 }, () => p.pipe())
  const into = pipes.map(() => new Uint8Array(4))
  const all = pipes.map(([reads], i) => p.promises.read(reads, into[i] as Uint8Array))
  await p.promises.stat('/')
  for (const [i, [, writes]] of pipes.entries()) p.write(writes, bytes(`no ${i}`))
  expect(await Promise.all(all)).toEqual([4, 4, 4, 4])
  expect(into.map(text)).toEqual(['no 0', 'no 1', 'no 2', 'no 3'])
})

test('a blocked writer goes on as readers make room, and a megabyte arrives whole', async () => {
  const [reads, writes] = q.pipe()
  const sent = Uint8Array.from({ length: 1 << 20 }, (_, i) => (i * 31) >> 5)
  const writing = (callers[0] as Caller).call(q, 'write', writes, sent)
  let got = 0
  while (got < sent.length) {
    const into = new Uint8Array(50_000)
    const count = await q.promises.read(reads, into)
    for (let i = 0; i < count; i++)
      if (into[i] !== sent[got + i]) throw new Error(`byte ${got + i}`)
    got += count
  }
  expect(await writing).toBe(sent.length)
})

test('an interrupt ends the sleep of a reader with EINTR; the last reader’s end that of a writer with EPIPE', async () => {
  const [reads, writes] = q.pipe()
  const reading = (callers[0] as Caller).call(q, 'read', reads, new Uint8Array(4))
  await asleep(kernel, 1)
  q.interrupt()
  expect(await reading).toBe('EINTR')
  q.fcntl(writes, F.SETFL, O.NONBLOCK)
  q.write(writes, new Uint8Array(PIPE_BYTES))
  q.fcntl(writes, F.SETFL, 0)
  const writing = (callers[1] as Caller).call(q, 'write', writes, new Uint8Array(4))
  await asleep(kernel, 1)
  q.close(reads)
  expect(await writing).toBe('EPIPE')
})

test('a FIFO’s open waits for its other side', async () => {
  p.mkfifo('/fifo', 0o600)
  expect(await codeOf(() => p.open('/fifo', O.WRONLY | O.NONBLOCK))).toBe('ENXIO')
  const opening = (callers[0] as Caller).call(q, 'open', '/fifo', O.RDONLY, 0)
  await asleep(kernel, 1)
  expect(await codeOf(() => p.truncate('/fifo', 0))).toBe('EINVAL') // which wakes nobody
  await asleep(kernel, 1)
  const writes = p.open('/fifo', O.WRONLY)
  const reads = (await opening) as number
  p.write(writes, bytes('by name'))
  expect(readAll(q, reads)).toBe('by name')
  p.unlink('/fifo')
})

test('promise forms of a FIFO’s open wait without holding up others', async () => {
  p.mkfifo('/fifo', 0o600)
  p.symlink('/fifo', '/link')
  const opening = ['/fifo', '/link', '/fifo'].map((path) => p.promises.open(path, O.RDONLY))
  await asleep(kernel, 3)
  await p.promises.stat('/')
  const writes = await p.promises.open('/fifo', O.WRONLY)
  for (const reads of await Promise.all(opening)) p.close(reads)
  p.close(writes)
  const controller = new AbortController()
  const aborted = p.promises.open('/fifo', O.RDONLY, 0, { signal: controller.signal })
  controller.abort()
  expect(await codeOf(() => aborted)).toBe('ABORT_ERR')
  p.unlink('/link')
  p.unlink('/fifo')
})

test('poll says who is ready, and waits for the first that is', async () => {
  const [one, toOne] = q.pipe()
  const [two, toTwo] = q.pipe()
  const both = [
    { fd: one, events: POLL.IN },
    { fd: two, events: POLL.IN },
    { fd: -1, events: POLL.IN },
  ]
  expect(q.poll(both, 0)).toEqual([])
  const polling = (callers[0] as Caller).call(q, 'poll', both)
  await asleep(kernel, 1)
  q.write(toTwo, bytes('x'))
  expect(await polling).toEqual([{ fd: two, revents: POLL.IN }])
  const ended = (callers[1] as Caller).call(q, 'poll', [both[0]])
  await asleep(kernel, 1)
  q.close(toOne)
  expect(await ended).toEqual([{ fd: one, revents: POLL.HUP }])
  expect(await q.promises.poll([{ fd: toTwo, events: POLL.IN }], 5)).toEqual([])
  expect(q.poll([{ fd: 99, events: 0 }])).toEqual([{ fd: 99, revents: POLL.NVAL }])
})

test('poll waits for messages of a queue and for room in it', async () => {
  const mqd = q.mq_open('/polled', O.CREAT | O.RDWR, { maxmsg: 1 })
  q.mq_unlink('/polled')
  expect(q.poll([{ fd: mqd, events: POLL.IN | POLL.OUT }])).toEqual([
    { fd: mqd, revents: POLL.OUT },
  ])
  const polling = (callers[0] as Caller).call(q, 'poll', [{ fd: mqd, events: POLL.IN }])
  await asleep(kernel, 1)
  q.mq_send(mqd, bytes('x'))
  expect(await polling).toEqual([{ fd: mqd, revents: POLL.IN }])
})

test('a thread that dies asleep in a pipe leaves it to the others', async () => {
  const [reads, writes] = q.pipe()
  const third = await Caller.start(kernel)
  third.call(q, 'read', reads, new Uint8Array(4)).catch(() => {})
  await asleep(kernel, 1)
  await third.kill()
  q.write(writes, bytes('left'))
  expect(readAll(q, reads)).toBe('left')
})
