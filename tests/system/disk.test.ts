/** A real file, mapped here and read and written outside with plain node:fs: what msync and MS_INVALIDATE promise. */

import { describe, expect, test } from 'vitest'
import { boot, disk, type Kernel, MS, O, type Process } from '../../dist/src/index.js'
import { type FaultRule, faulty } from '../../dist/src/test/index.js'
import { inBrowser } from '../conformance/runtime.ts'
import { iovec, program, type Step, text } from '../support/guest-steps.ts'
import { pause } from '../support/pause.ts'
import { startThread, type Thread } from '../support/thread.ts'

const PAGE = 4096
const CREATE = 1
const READ_WRITE = 0x42n
const host = inBrowser ? undefined : await import('../conformance/disk.ts')
const but = host ? '' : ' (skipped: a browser has no node:fs)'

describe.skipIf(!host)(`a file on disk${but}`, () => {
  async function mapped(pages: number) {
    const { fs, path, temporaryDirectory } = host as NonNullable<typeof host>
    const dir = temporaryDirectory()
    const file = path.join(dir, 'f')
    fs.writeFileSync(file, new Uint8Array(pages * PAGE).fill(1))
    const kernel = await boot({ memory: '16MiB', mounts: { '/d': disk(dir) } })
    const p = kernel.process()
    const map = p.mmap({ fd: p.open('/d/f', O.RDWR), length: pages * PAGE })
    return { fs, file, kernel, map }
  }

  test('what msync wrote is what a foreign reader finds', async () => {
    const { fs, file, kernel, map } = await mapped(4)
    map.write(PAGE + 5, new Uint8Array(10).fill(7))
    map.bytes[3 * PAGE] = 9
    map.sync()
    const bytes = fs.readFileSync(file)
    expect([bytes[PAGE + 4], bytes[PAGE + 5], bytes[PAGE + 15], bytes[3 * PAGE]]).toEqual([
      1, 7, 1, 9,
    ])
    expect(bytes.length).toBe(4 * PAGE)
    await kernel.close()
  })

  test('MS_INVALIDATE shows what a foreign writer stored, and keeps what is dirty here', async () => {
    const { fs, file, kernel, map } = await mapped(4)
    map.read(0, 4 * PAGE)
    map.write(0, new Uint8Array(PAGE).fill(5))
    const fd = fs.openSync(file, 'r+')
    fs.writeSync(fd, new Uint8Array(2 * PAGE).fill(8), 0, 2 * PAGE, 0)
    fs.closeSync(fd)
    map.sync({ flags: MS.INVALIDATE })
    expect([map.read(0, 1)[0], map.read(PAGE, 1)[0], map.read(2 * PAGE, 1)[0]]).toEqual([5, 8, 1])
    map.sync({ flags: MS.SYNC | MS.INVALIDATE })
    const bytes = fs.readFileSync(file)
    expect([bytes[0], bytes[PAGE]]).toEqual([5, 8])
    await kernel.close()
  })

  test('two syncs at once: the second does not return because the first is under way', async () => {
    const { temporaryDirectory } = host as NonNullable<typeof host>
    const slow: FaultRule = {
      op: 'sync',
      path: /f$/,
      nth: [1, 2],
      effect: { delayMs: 200, error: 'EIO' },
    }
    const mounts = { '/d': faulty(disk(temporaryDirectory()), [slow]) }
    await using kernel = await boot({ memory: '16MiB', mounts })
    const p = kernel.process()
    const [fd, other] = [p.open('/d/f', O.CREAT | O.RDWR), p.open('/d/f', O.RDWR)]
    p.write(fd, new Uint8Array(100))
    const first = p.promises.fsync(fd)
    first.catch(() => {})
    await pause(100)
    await expect(p.promises.fsync(other)).rejects.toMatchObject({ code: 'EIO' })
    await expect(first).rejects.toMatchObject({ code: 'EIO' })
    await p.promises.fsync(other).catch(() => {}) // where the second ended before the first, it is told of both
    p.fsync(other)
  })

  test('what a program wrote and nobody synced is there once the kernel is closed', async () => {
    const { fs, path, temporaryDirectory } = host as NonNullable<typeof host>
    const dir = temporaryDirectory()
    const kernel = await boot({ memory: '16MiB', mounts: { '/d': disk(dir) } })
    await writeUnsynced(kernel)
    await kernel.close()
    expect(fs.readFileSync(path.join(dir, 'f'), 'utf8')).toBe('unsynced')
  })
})

describe.skipIf(!host)(`a program on disk that is ended by force${but}`, () => {
  test.each(['by a signal', 'by the end of the kernel'])('%s keeps what it wrote', async (how) => {
    const { fs, path, temporaryDirectory } = host as NonNullable<typeof host>
    const dir = temporaryDirectory()
    const kernel = await boot({ memory: '16MiB', mounts: { '/d': disk(dir) } })
    const guest = await startWriting(kernel, [{ loop: true }])
    const p = kernel.process()
    while (sizeOf(p, '/d/f') < 8) await pause(1)
    if (how === 'by a signal') guest.kill()
    else await kernel.close()
    expect(await guest.exited).toEqual({ status: 137, signal: 'SIGKILL' })
    await kernel.close()
    expect(fs.readFileSync(path.join(dir, 'f'), 'utf8')).toBe('unsynced')
  })
})

describe.skipIf(!host)(`descriptors of a disk${but}`, () => {
  test('a kernel leaves no descriptor behind, whatever threads it had', async () => {
    const { descriptorsBelow, temporaryDirectory } = host as NonNullable<typeof host>
    const dir = temporaryDirectory()
    const kernel = await boot({ memory: '16MiB', mounts: { '/d': disk(dir) } })
    await writeUnsynced(kernel)
    const p = kernel.process()
    p.mkdir('/d/made')
    await p.promises.stat('/d/f')
    await using thread = await attached(kernel, p.pid)
    await thread.call('call', p.pid, 'mkdir', ['/d/by another'])
    p.open('/d/f', O.RDWR)
    await kernel.close()
    expect(descriptorsBelow(dir)).toEqual([])
  })

  test('files that a thread opened outlive its part in the kernel', async () => {
    const { fs, path, temporaryDirectory } = host as NonNullable<typeof host>
    const dir = temporaryDirectory()
    await using kernel = await boot({ memory: '16MiB', mounts: { '/d': disk(dir) } })
    const p = kernel.process()
    const thread = await attached(kernel, p.pid)
    const args = ['/d/f', O.CREAT | O.RDWR]
    const { value: fd } = await thread.call<{ value: number }>('call', p.pid, 'open', args)
    await thread.call('call', p.pid, 'pwrite', [fd, new TextEncoder().encode('from below'), 0])
    await thread.call('leave')
    await thread.end()
    p.fsync(fd)
    expect(fs.readFileSync(path.join(dir, 'f'), 'utf8')).toBe('from below')
  })

  test('the directory is the same for threads that come after it was renamed', async () => {
    const { fs, path, temporaryDirectory } = host as NonNullable<typeof host>
    const parent = temporaryDirectory()
    const [dir, moved] = [path.join(parent, 'a'), path.join(parent, 'b')]
    fs.mkdirSync(dir)
    await using kernel = await boot({ memory: '16MiB', mounts: { '/d': disk(dir) } })
    const p = kernel.process()
    fs.renameSync(dir, moved)
    fs.mkdirSync(dir)
    await using thread = await attached(kernel, p.pid)
    await thread.call('call', p.pid, 'mkdir', ['/d/made'])
    expect([fs.readdirSync(dir), fs.readdirSync(moved)]).toEqual([[], ['made']])
  })

  test('two kernels over one spec do not close each other their files', async () => {
    const { temporaryDirectory } = host as NonNullable<typeof host>
    const mounts = { '/d': disk(temporaryDirectory()) }
    const one = await boot({ memory: '16MiB', mounts })
    await using other = await boot({ memory: '16MiB', mounts })
    const p = other.process()
    const fd = p.open('/d/f', O.CREAT | O.RDWR)
    await one.close()
    p.pwrite(fd, new Uint8Array([7]), 0)
    p.fsync(fd)
    expect(p.stat('/d/f').size).toBe(1)
  })
})

/** Starts a program in /d that makes a file `f`, writes to it, and does `more`. */
function startWriting(kernel: Kernel, more: readonly Step[] = []) {
  const open = [3, 1, 64, 1, CREATE, READ_WRITE, 0n, 0, 32]
  const steps: Step[] = [
    text(64, 'f'),
    { call: 'wasi_snapshot_preview1.path_open', args: open, gives: 0 },
    text(128, 'unsynced'),
    ...iovec(16, 128, 8),
    { call: 'wasi_snapshot_preview1.fd_write', args: [5, 16, 1, 24], gives: 0 },
    ...more,
  ]
  const options = { cwd: '/d', cache: false, stdout: 'ignore', stderr: 'ignore' } as const
  return kernel.run(program(steps), options)
}

async function writeUnsynced(kernel: Kernel): Promise<void> {
  const guest = await startWriting(kernel)
  expect(await guest.exited).toEqual({ status: 0 })
}

/** A thread of a user's, which takes part in a process. */
async function attached(kernel: Kernel, pid: number): Promise<Thread> {
  const thread = await startThread(new URL('../support/process.thread.ts', import.meta.url))
  await thread.call('attach', kernel.handle)
  await thread.call('join', pid)
  return thread
}

/** Bytes of a file; 0 of one that is not there yet. */
function sizeOf(p: Process, path: string): number {
  try {
    return p.stat(path).size
  } catch {
    return 0
  }
}
