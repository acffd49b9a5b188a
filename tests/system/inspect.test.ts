/** `boot({ inspect: true })`: the local socket and what is said over it; in pages there is none. */

import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { boot, MAP } from '../../dist/src/index.js'
import { pause } from '../support/pause.ts'

const inBrowser = 'window' in globalThis
const { makePlace } = inBrowser ? ({} as never) : await import('./command.ts')
const fs = inBrowser ? ({} as never) : await import('node:fs')
const net = inBrowser ? ({} as never) : await import('node:net')

const PROGRAM = inBrowser ? ({} as never) : new URL('./inspected.program.ts', import.meta.url)
const asRoot = !inBrowser && process.getuid?.() === 0
const perl = !inBrowser && fs.existsSync('/usr/bin/perl')

test.skipIf(!inBrowser)('a page has no local sockets: ERR_UNSUPPORTED names the view', async () => {
  const booting = boot({ memory: '16MiB', inspect: true })
  await expect(booting).rejects.toMatchObject({ code: 'ERR_UNSUPPORTED' })
  await expect(booting).rejects.toThrow(/inspectView/)
})

/** The socket of a place's only program. */
function socketOf({ runtime }: { runtime: string }): string {
  const [name] = fs.readdirSync(`${runtime}/isopage`)
  return `${runtime}/isopage/${name}`
}

/** A connection that reads lines as JSON. */
async function connect(path: string) {
  const socket: Socket = await new Promise((resolve, reject) => {
    const made = net.connect(path, () => resolve(made)).once('error', reject)
  })
  let text = ''
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => {})
  socket.setEncoding('utf8').on('data', (more: string) => {
    text += more
  })
  const lines = () =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line))
  return {
    ended,
    send: (data: string | Uint8Array) => socket.write(data),
    lines,
    /** => the responses, once there are so many. */
    async answers(count: number) {
      while (lines().length < count) await pause(2)
      return lines()
    },
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

const hello = (id: number) => `${JSON.stringify({ isopage: 1, id, method: 'hello' })}\n`

describe.skipIf(inBrowser)('the socket of an inspected kernel', () => {
  test('answers while the main thread of the program sleeps in Atomics.wait', async () => {
    using place = makePlace()
    await using program = await place.start(PROGRAM, 'sleep')
    using line = await connect(socketOf(place))
    line.send(hello(7))
    const [answer] = await line.answers(1)
    expect(answer).toMatchObject({ isopage: 1, id: 7, result: { version: 1, pid: program.pid } })
    expect(answer.result.program).toContain('inspected.program.ts')
  })

  test('is a file of mode 0600 in a folder of mode 0700', async () => {
    using place = makePlace()
    await using _program = await place.start(PROGRAM, 'sleep')
    expect(fs.statSync(socketOf(place)).mode & 0o777).toBe(0o600)
    expect(fs.statSync(`${place.runtime}/isopage`).mode & 0o777).toBe(0o700)
  })

  test.each([
    'leave',
    'close',
  ])('keeps no process alive, and its file goes with it: %s', async (how) => {
    using place = makePlace()
    await using program = await place.start(PROGRAM, how)
    expect(await program.ended).toBe(0)
    expect(fs.readdirSync(`${place.runtime}/isopage`)).toEqual([])
  })

  test('of a killed program is swept by the next who lists', async () => {
    using place = makePlace()
    await using program = await place.start(PROGRAM, 'sleep')
    program.kill('SIGKILL')
    await program.ended
    expect(fs.readdirSync(`${place.runtime}/isopage`)).toHaveLength(1)
    expect((await place.run('maps')).code).toBe(1)
    expect(fs.readdirSync(`${place.runtime}/isopage`)).toEqual([])
  })

  test.skipIf(!asRoot || !perl)('does not answer another user (as root, by perl)', async () => {
    using place = makePlace()
    await using _program = await place.start(PROGRAM, 'sleep')
    for (const folder of [place.path, place.runtime]) fs.chmodSync(folder, 0o755)
    const { execFileSync } = await import('node:child_process')
    // Debian's perl-base: a runtime of ours may lie where another user cannot read it.
    const code = 'print IO::Socket::UNIX->new(Peer => $ARGV[0]) ? "connected" : $! + 0'
    const as = { uid: 65534, gid: 65534, encoding: 'utf8' } as const
    const arguments_ = ['-MIO::Socket::UNIX', '-e', code, socketOf(place)]
    const EACCES = 13
    expect(execFileSync('/usr/bin/perl', arguments_, as)).toBe(String(EACCES))
  })

  test('two kernels of one program have two', async () => {
    using place = makePlace()
    const before = process.env.XDG_RUNTIME_DIR
    process.env.XDG_RUNTIME_DIR = place.runtime
    try {
      await using _one = await boot({ memory: '16MiB', inspect: true })
      await using _two = await boot({ memory: '16MiB', inspect: true })
      expect(fs.readdirSync(`${place.runtime}/isopage`)).toHaveLength(2)
    } finally {
      if (before === undefined) delete process.env.XDG_RUNTIME_DIR
      else process.env.XDG_RUNTIME_DIR = before
    }
    expect(fs.readdirSync(`${place.runtime}/isopage`)).toEqual([])
  })
})

describe.skipIf(inBrowser)('the folder of the sockets is refused', () => {
  async function bootIn(runtime: string) {
    const before = process.env.XDG_RUNTIME_DIR
    process.env.XDG_RUNTIME_DIR = runtime
    try {
      await using _kernel = await boot({ memory: '16MiB', inspect: true })
    } finally {
      if (before === undefined) delete process.env.XDG_RUNTIME_DIR
      else process.env.XDG_RUNTIME_DIR = before
    }
  }

  test.each<[string, (path: string) => void, RegExp]>([
    ['when others may enter it', (path) => fs.mkdirSync(path, { mode: 0o755 }), /mode 0700/],
    ['when it is a symbolic link', (path) => fs.symlinkSync('.', path), /a folder itself/],
    ['when it is a file', (path) => fs.writeFileSync(path, ''), /a folder itself/],
  ])('%s', async (_, make, message) => {
    using place = makePlace()
    make(`${place.runtime}/isopage`)
    const booting = bootIn(place.runtime)
    await expect(booting).rejects.toMatchObject({ code: 'ERR_INSPECT' })
    await expect(booting).rejects.toThrow(message)
  })

  test.skipIf(!asRoot)('when it belongs to another user (as root, who can give)', async () => {
    using place = makePlace()
    fs.mkdirSync(`${place.runtime}/isopage`, { mode: 0o700 })
    fs.chownSync(`${place.runtime}/isopage`, 65534, 65534)
    await expect(bootIn(place.runtime)).rejects.toThrow(/belongs to you/)
  })

  test('when the path of a socket there is too long for a socket', async () => {
    using place = makePlace()
    const deep = `${place.runtime}/${'deep'.repeat(20)}`
    fs.mkdirSync(deep)
    await expect(bootIn(deep)).rejects.toThrow(/XDG_RUNTIME_DIR/)
  })
})

describe.skipIf(inBrowser)('the protocol', () => {
  test('answers a bad request with an error, and the next one as ever', async () => {
    using place = makePlace()
    await using _program = await place.start(PROGRAM, 'sleep')
    using line = await connect(socketOf(place))
    const bad: [string | Uint8Array, string, number | null][] = [
      ['hello', 'BAD_REQUEST', null],
      ['', '', null],
      ['[]', 'BAD_REQUEST', null],
      ['null', 'BAD_REQUEST', null],
      [new Uint8Array([0xff, 0xfe, 0]), 'BAD_REQUEST', null],
      ['{"isopage":1,"method":"hello"}', 'BAD_REQUEST', null],
      ['{"isopage":1,"id":"1","method":"hello"}', 'BAD_REQUEST', null],
      ['{"isopage":2,"id":3,"method":"hello"}', 'BAD_VERSION', 3],
      ['{"id":3,"method":"hello"}', 'BAD_VERSION', 3],
      ['{"isopage":1,"id":4}', 'BAD_REQUEST', 4],
      ['{"isopage":1,"id":5,"method":"format"}', 'BAD_METHOD', 5],
      ['{"isopage":1,"id":5,"method":"toString"}', 'BAD_METHOD', 5],
      ['{"isopage":1,"id":5,"method":"__proto__"}', 'BAD_METHOD', 5],
      ['{"isopage":1,"id":6,"method":"maps","params":[]}', 'BAD_PARAMS', 6],
      ['{"isopage":1,"id":6,"method":"maps","params":{"pid":-1}}', 'BAD_PARAMS', 6],
      ['{"isopage":1,"id":6,"method":"maps","params":{"pid":"1"}}', 'BAD_PARAMS', 6],
      ['{"isopage":1,"id":6,"method":"maps","params":{"pid":77}}', 'ESRCH', 6],
      ['{"isopage":1,"id":6,"method":"pages","params":{"pid":1,"address":4}}', 'EFAULT', 6],
      ['{"isopage":1,"id":6,"method":"pages","params":{"pid":1,"address":{}}}', 'BAD_PARAMS', 6],
    ]
    for (const [text] of bad) {
      line.send(text)
      line.send('\n')
    }
    line.send(hello(9))
    const expected = bad.filter(([, code]) => code !== '')
    const answers = await line.answers(expected.length + 1)
    expect(answers.slice(0, -1).map(({ id, error }) => [error?.code, id])).toEqual(
      expected.map(([, code, id]) => [code, id]),
    )
    expect(answers.at(-1)).toMatchObject({ id: 9, result: { version: 1 } })
  })

  test('ends a connection whose line is too long, and takes the next', async () => {
    using place = makePlace()
    await using _program = await place.start(PROGRAM, 'sleep')
    {
      using line = await connect(socketOf(place))
      line.send('x'.repeat(70_000))
      await line.ended
      expect(line.lines()).toMatchObject([{ id: null, error: { code: 'LINE_TOO_LONG' } }])
    }
    using line = await connect(socketOf(place))
    line.send(hello(1))
    expect(await line.answers(1)).toMatchObject([{ id: 1 }])
  })

  test('puts together a request that comes byte by byte, and takes many at once', async () => {
    using place = makePlace()
    await using _program = await place.start(PROGRAM, 'sleep')
    using line = await connect(socketOf(place))
    for (const byte of new TextEncoder().encode(hello(1))) line.send(new Uint8Array([byte]))
    await line.answers(1)
    line.send(Array.from({ length: 100 }, (_, index) => hello(2 + index)).join(''))
    const answers = await line.answers(101)
    expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 101 }, (_, at) => at + 1))
  })
})

describe.skipIf(inBrowser)('isopage maps', () => {
  test('shows every mapping of every process, its pages counted', async () => {
    using place = makePlace()
    await using program = await place.start(PROGRAM, 'sleep')
    const { code, out, err } = await place.run('maps', String(program.pid))
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^.*inspected\.program\.ts, pid \d+, (Node|Deno|Bun) /)
    expect(out).toMatch(/^ +1 +[0-9a-f]{8}-[0-9a-f]{8} +rw-s +00000000 +3 +\d+ +0 +inode \d+$/m)
    expect(out).toMatch(/^ +2 +[0-9a-f]{8}-[0-9a-f]{8} +rw-p +00000000 +1 +\d+ +1 +\[anon\]$/m)
    expect([...out].filter((char) => char < ' ' && char !== '\n')).toEqual([])
  })

  test('--json is one document, --process one process, --pages a map of each', async () => {
    using place = makePlace()
    await using program = await place.start(PROGRAM, 'sleep')
    const { processes, program: hello } = JSON.parse((await place.run('maps', '--json')).out)
    expect(hello.pid).toBe(program.pid)
    expect(processes).toMatchObject([
      { pid: 1, euid: 0, mappings: 1, maps: [{ resident: 3, private: 0, shared: true }] },
      { pid: 2, euid: 1000, mappings: 1, maps: [{ resident: 1, private: 1, shared: false }] },
    ])
    const one = JSON.parse((await place.run('maps', '--json', '--process', '2')).out)
    expect(one.processes).toEqual([processes[1]])
    const { out } = await place.run('maps', '--pages')
    expect(out).toContain(' .rrr......\n')
    expect(out).toContain('P private 1   . absent 3')
  })

  test('says that no program runs: exit code 1', async () => {
    using place = makePlace()
    for (const args of [[], ['1']]) {
      const { code, out, err } = await place.run('maps', ...args)
      expect({ code, out }).toEqual({ code: 1, out: '' })
      expect(err).toMatch(/^isopage: no program .*inspect: true/)
    }
  })

  test('says which programs run when there are several: exit code 2', async () => {
    using place = makePlace()
    await using one = await place.start(PROGRAM, 'sleep')
    await using two = await place.start(PROGRAM, 'sleep')
    const { code, out, err } = await place.run('maps')
    expect({ code, out }).toEqual({ code: 2, out: '' })
    for (const { pid } of [one, two]) expect(err).toMatch(new RegExp(`^ +${pid} .*program`, 'm'))
    expect((await place.run('maps', String(two.pid))).code).toBe(0)
  })

  test.each([
    [['one']],
    [['1', '2']],
    [['--process', 'x']],
    [['--mappings']],
  ])('wrong usage %j is exit code 2 and tells the way out', async (args) => {
    using place = makePlace()
    const { code, out, err } = await place.run('maps', ...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^isopage: .+\nisopage maps --help /)
  })

  test('a program that is stopped is said not to answer', async () => {
    using place = makePlace()
    await using program = await place.start(PROGRAM, 'sleep')
    program.kill('SIGSTOP')
    const { code, err } = await place.run('maps')
    expect(code).toBe(1)
    expect(err).toMatch(new RegExp(`^isopage: .*${program.pid}.* does not answer`))
  })
})

test.skipIf(inBrowser)('a boot without inspect makes no socket and no folder', async () => {
  using place = makePlace()
  const before = process.env.XDG_RUNTIME_DIR
  process.env.XDG_RUNTIME_DIR = place.runtime
  try {
    await using kernel = await boot({ memory: '16MiB' })
    kernel.process().mmap({ length: 4096, flags: MAP.PRIVATE | MAP.ANONYMOUS })
    expect(fs.readdirSync(place.runtime)).toEqual([])
  } finally {
    if (before === undefined) delete process.env.XDG_RUNTIME_DIR
    else process.env.XDG_RUNTIME_DIR = before
  }
})
