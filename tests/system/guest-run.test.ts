/** Programs as processes: how they start, what they say, how they end. */

import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Pump } from '../../dist/src/guest/streams.js'
import { boot, type Kernel, MAP, O, PROT } from '../../dist/src/index.js'
import { moduleOf } from '../support/guest-module.ts'
import { iovec, program, type Step, text } from '../support/guest-steps.ts'
import { pause } from '../support/pause.ts'

const WASI = 'wasi_snapshot_preview1.'
const SIGUSR1 = 10
const SHARED_ANONYMOUS = MAP.SHARED | MAP.ANONYMOUS

let kernel: Kernel

beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
})
afterAll(async () => {
  kernel.check()
  expect(kernel.stats()).toMatchObject({ processes: 0, sleepers: 0 })
  await kernel.close()
})

/** Says `words` on descriptor `fd`. */
function say(fd: number, words: string): Step[] {
  const { length } = new TextEncoder().encode(words)
  return [
    text(64, words),
    ...iovec(16, 64, length),
    { call: `${WASI}fd_write`, args: [fd, 16, 1, 24], gives: 0 },
    { at: 24, is: length },
  ]
}

/** Runs a program to its end. => how it ended, what it said, and what it said on stderr. */
async function run(bytes: Uint8Array<ArrayBuffer>, options = {}) {
  const said = ['', '']
  const decoder = new TextDecoder()
  const listen = (index: number) => (chunk: Uint8Array) => {
    said[index] += decoder.decode(chunk)
  }
  const guest = await kernel.run(bytes, {
    args: ['test'],
    stdout: listen(0),
    stderr: listen(1),
    cache: false,
    ...options,
  })
  return { exit: await guest.exited, out: said[0] as string, err: said[1] as string }
}

const KINDS = [
  ['in a worker', {}],
  ['in place', { inPlace: true }],
  ['with imported accessors', { backEnd: 'accessors' }],
] as const

test.each(KINDS)('a program says what it has to, and ends with its status: %s', async (_, how) => {
  const hello = program([...say(1, 'hello\n'), ...say(2, 'careful\n')], 7)
  expect(await run(hello, how)).toEqual({ exit: { status: 7 }, out: 'hello\n', err: 'careful\n' })
})

test.each(KINDS)('a mapping and fd_pread are one page: %s', async (_, how) => {
  const p = kernel.process()
  const fd = p.open('/shared', O.CREAT | O.RDWR)
  p.ftruncate(fd, 4096)
  const address = 0x8123_0000
  const shares = program([
    text(64, 'shared'),
    {
      call: `${WASI}path_open`,
      args: [4, 0, 64, 6, 0, 0x60_0046n, 0n, 0, 32],
      gives: 0,
    },
    { at: 32, is: 5 },
    {
      call: 'isopage.mmap',
      args: [address, 4096, PROT.READ | PROT.WRITE, MAP.SHARED | MAP.FIXED, 5, 0n],
      gives: address | 0,
    },
    { at: address + 8, word: 1234 },
    ...iovec(16, 128, 4),
    { call: `${WASI}fd_pread`, args: [5, 16, 1, 8n, 24], gives: 0 },
    { at: 128, is: 1234 },
    // The kernel's copies reach the window too.
    ...iovec(16, address + 100, 4),
    { call: `${WASI}fd_pread`, args: [5, 16, 1, 8n, 24], gives: 0 },
    { at: address + 100, is: 1234 },
  ])
  expect(await run(shares, how)).toEqual({ exit: { status: 0 }, out: '', err: '' })
  const bytes = new Uint8Array(4)
  p.pread(fd, bytes, 100)
  expect(new Uint32Array(bytes.buffer)[0]).toBe(1234)
  p.exit()
})

test('two programs share a page by its address, and a pipe', async () => {
  const p = kernel.process()
  const [reads, writes] = p.pipe()
  const first = kernel.run(program(say(1, 'through the pipe')), {
    stdout: { process: p, fd: writes },
    cache: false,
  })
  expect((await (await first).exited).status).toBe(0)
  p.close(writes)
  const second = program([
    ...iovec(16, 64, 100),
    { call: `${WASI}fd_read`, args: [0, 16, 1, 24], gives: 0 },
    { at: 24, is: 16 },
    ...iovec(16, 64, 16),
    { call: `${WASI}fd_write`, args: [1, 16, 1, 24], gives: 0 },
  ])
  const { out } = await run(second, { stdin: { process: p, fd: reads } })
  expect(out).toBe('through the pipe')
  p.exit()
})

test('what a program is given to read ends', async () => {
  const echo = program([
    ...iovec(16, 64, 100),
    { call: `${WASI}fd_read`, args: [0, 16, 1, 24], gives: 0 },
    { at: 24, is: 3 },
    { call: `${WASI}fd_read`, args: [0, 16, 1, 24], gives: 0 },
    { at: 24, is: 0 },
  ])
  expect((await run(echo, { stdin: { text: 'abc' } })).exit).toEqual({ status: 0 })
  const guest = await kernel.run(echo, { stdin: 'pipe', cache: false })
  const writer = (guest.stdin as WritableStream<Uint8Array>).getWriter()
  await writer.write(new TextEncoder().encode('abc'))
  await writer.close()
  expect(await guest.exited).toEqual({ status: 0 })
})

test.each([
  [
    'a load of what is not mapped',
    [{ at: 0x9000_0000, is: 0 }],
    'SIGSEGV',
    139,
    /0x90000000, not mapped/,
  ],
  ['abort', [{ trap: 'unreachable' }], 'SIGABRT', 134, /SIGABRT/],
  ['a division by zero', [{ trap: 'divide' }], 'SIGFPE', 136, /SIGFPE/],
  [
    'a store to a page that is not for storing',
    [
      {
        call: 'isopage.mmap',
        args: [0x8123_0000, 4096, PROT.READ, SHARED_ANONYMOUS | MAP.FIXED, -1, 0n],
        gives: 0x8123_0000 | 0,
      },
      { at: 0x8123_0004, word: 1 },
    ],
    'SIGSEGV',
    139,
    /0x81230004, in the mapping 0x81230000-0x81231000 r--/,
  ],
] as const)('%s ends it with a signal and a line', async (_, steps, signal, status, line) => {
  const { exit, err } = await run(program(steps as unknown as Step[]))
  expect(exit).toEqual({ status, signal })
  expect(err).toMatch(line)
  expect(err.split('\n')).toHaveLength(2)
})

test('a runaway loop is killed, by a call, an AbortSignal, a limit', async () => {
  const forever = program([{ loop: true }])
  const killed = await kernel.run(forever, { cache: false })
  killed.kill('SIGTERM')
  expect(await killed.exited).toEqual({ status: 143, signal: 'SIGTERM' })
  const abort = new AbortController()
  const aborted = await kernel.run(forever, { signal: abort.signal, cache: false })
  abort.abort()
  await expect(aborted.exited).rejects.toMatchObject({ name: 'AbortError' })
  const limited = await kernel.run(forever, { cpuMs: 20, cache: false })
  expect(await limited.exited).toEqual({ status: 152, signal: 'SIGXCPU' })
})

test('a signal that outlives a program keeps nothing of it', async () => {
  const { signal } = new AbortController()
  const added = vi.spyOn(signal, 'addEventListener')
  const removed = vi.spyOn(signal, 'removeEventListener')
  expect((await run(program([]), { signal })).exit).toEqual({ status: 0 })
  expect(added).toHaveBeenCalledTimes(1)
  expect(removed.mock.calls.map(([, heard]) => heard)).toEqual([added.mock.calls[0]?.[1]])
})

test('a program cannot kill the process that has its streams', async () => {
  const ESRCH = 71
  await using other = await boot({ memory: '16MiB' })
  const kills = program([
    { call: 'isopage.kill', args: [2, 9], gives: -ESRCH },
    { call: 'isopage.kill', args: [2, 0], gives: -ESRCH },
    ...say(1, 'still here\n'),
  ])
  let out = ''
  const stdout = (bytes: Uint8Array) => {
    out += new TextDecoder().decode(bytes)
  }
  const guest = await other.run(kills, { stdout, cache: false })
  expect(guest.pid).toBe(1)
  expect(await guest.exited).toEqual({ status: 0 })
  expect(out).toBe('still here\n')
})

test('streams whose process is gone end, and nothing is thrown', async () => {
  const gone = () => {
    throw Object.assign(new Error('ESRCH'), { errno: 71 })
  }
  const process = { pipe: () => [4, 5], fcntl() {}, pollArmed: gone, read: gone, close: gone }
  const instance = { words: new Int32Array(1), doorbell: 0, table: { closed: false } }
  const pump = new Pump(instance as never, process as never)
  let ended = 0
  pump.output(
    () => {},
    () => ended++,
  )
  await pause(0)
  expect({ ended, idle: pump.idle }).toEqual({ ended: 1, idle: true })
})

test('a program whose process ends before it begins was killed', async () => {
  const guest = await kernel.run(program([{ loop: true }]), { cache: false })
  kernel.process({ pid: guest.pid }).exit(128 + 9) // as a rule its worker has not looked yet
  expect(await guest.exited).toEqual({ status: 137, signal: 'SIGKILL' })
})

test('closing the kernel ends the programs that still run', async () => {
  const other = await boot({ memory: '16MiB' })
  const guest = await other.run(program([{ loop: true }]), { cache: false })
  await other.close()
  expect(await guest.exited).toEqual({ status: 137, signal: 'SIGKILL' })
})

test('a program that sleeps in a call is killed too', async () => {
  const p = kernel.process()
  const [reads] = p.pipe()
  const waits = program([...iovec(16, 64, 4), { call: `${WASI}fd_read`, args: [0, 16, 1, 24] }])
  const guest = await kernel.run(waits, { stdin: { process: p, fd: reads }, cache: false })
  guest.kill()
  expect(await guest.exited).toEqual({ status: 137, signal: 'SIGKILL' })
  p.exit()
})

/** Registers with the queue that is descriptor 0. */
const notify: Step = { call: 'isopage.mq_notify', args: [0, 0, SIGUSR1], gives: 0 }
const send = (fd: number): Step => ({
  call: 'isopage.mq_send',
  args: [fd, 64, 1, 0, 0],
  gives: 0,
})

test('a registration of a program that is gone is not taken for the next one’s', async () => {
  const p = kernel.process()
  const [one, other] = ['/one', '/other'].map((name) => p.mq_open(name, O.RDWR | O.CREAT))
  const idle = await run(program([notify]), { stdin: { process: p, fd: one } })
  expect(idle.exit).toEqual({ status: 0 })
  const told = await run(program([notify, send(0)]), { stdin: { process: p, fd: other } })
  expect(told.exit).toEqual({ status: 138, signal: 'SIGUSR1' })
  p.mq_unlink('/one')
  p.mq_unlink('/other')
  p.exit()
})

test('a program in place and its host each hear of their own registrations', async () => {
  const p = kernel.process()
  const [mine, its] = ['/mine', '/its'].map((name) => p.mq_open(name, O.RDWR | O.CREAT))
  let called = 0
  p.mq_notify(mine as number, () => called++)
  const options = { inPlace: true, cache: false, stdin: { process: p, fd: its as number } }
  const stdout = { process: p, fd: mine as number }
  const guest = await kernel.run(program([notify, send(1)]), { ...options, stdout })
  expect(await guest.exited).toEqual({ status: 0 })
  while (called === 0) await pause(1)
  p.mq_notify(its as number, () => called++)
  const ended = await kernel.run(program([notify], 0), { ...options, stdout: 'ignore' })
  expect(await ended.exited).toMatchObject({ status: 1 }) // EBUSY
  p.mq_send(its as number, new Uint8Array(1))
  while (called === 1) await pause(1)
  expect(called).toBe(2)
  p.mq_unlink('/mine')
  p.mq_unlink('/its')
  p.exit()
})

test('what no guest is given does not link, and the message names it', async () => {
  const bytes = program([{ call: 'isopage.getpid', args: [] }])
  const wrong = Uint8Array.from(bytes)
  const at = new TextDecoder('latin1').decode(bytes).indexOf('getpid')
  wrong.set(new TextEncoder().encode('vforks'), at)
  const guest = await kernel.run(wrong, { cache: false })
  await expect(guest.exited).rejects.toMatchObject({
    code: 'ERR_GUEST_IMPORT',
    message: expect.stringContaining('"vforks" (a function of "isopage")'),
  })
  await expect(kernel.run(new Uint8Array(8))).rejects.toBeInstanceOf(WebAssembly.CompileError)
})

test('names of imports stay short and in one line in the message', async () => {
  const name = `a\n\u001b[31m${'x'.repeat(60_000)}`
  const imports = Array.from({ length: 30 }, (_, i) => ({
    name: `isopage.${i}${name}`,
    params: [],
  }))
  const bytes = moduleOf({ imports, functions: [] })
  const guest = await kernel.run(bytes, { cache: false })
  const { message } = await guest.exited.then(fail, (error) => error as Error)
  expect(message).toContain(String.raw`"0a\n\u001b[31mxx`)
  expect(message).toMatch(/xx\.\.\." \(a function of "isopage"\), and 10 more$/)
  expect(message.length).toBeLessThan(4000)
})

const fail = () => {
  throw new Error('it ran')
}

test('a module that is no program is ERR_GUEST_MODULE', async () => {
  const library = moduleOf({ functions: [] })
  const segment = Uint8Array.of(0, 0x41, 0xff, 0xff, 0xff, 0, 0x0b, 1, 7)
  const beyond = moduleOf({ memory: { initial: 1 }, functions: [] })
  const outside = Uint8Array.of(...beyond, 11, segment.length + 1, 1, ...segment)
  const texts = ['the program exports no _start', 'a segment of it does not fit']
  for (const [index, bytes] of [library, outside].entries()) {
    const guest = await kernel.run(bytes, { cache: false })
    const message = expect.stringContaining(texts[index] as string)
    await expect(guest.exited).rejects.toMatchObject({ code: 'ERR_GUEST_MODULE', message })
  }
})

test('a signal that is none is refused by its name', async () => {
  const signal = {} as AbortSignal
  await expect(kernel.run(program([]), { signal })).rejects.toMatchObject({
    code: 'ERR_INVALID_ARG_TYPE',
    message: expect.stringContaining('options.signal'),
  })
})

test('memoryMax below what it begins with is ENOMEM', async () => {
  const guest = await kernel.run(program([]), { memoryMax: 65_536, cache: false })
  await expect(guest.exited).rejects.toMatchObject({ code: 'ENOMEM' })
})

test('a bad pointer is EFAULT, never a trap', async () => {
  const EFAULT = 21
  const wrong = program([
    { call: `${WASI}random_get`, args: [0x7fff_0000, 8], gives: EFAULT },
    { call: `${WASI}random_get`, args: [0xa000_0000, 8], gives: EFAULT },
    ...iovec(16, 0x9000_0000, 4),
    { call: `${WASI}fd_write`, args: [1, 16, 1, 24], gives: EFAULT },
    { call: `${WASI}fd_write`, args: [1, 0xfffffff8, 1, 24], gives: EFAULT },
    { call: 'isopage.pipe', args: [0x9000_0000, 0], gives: -EFAULT },
  ])
  expect((await run(wrong)).exit).toEqual({ status: 0 })
})
