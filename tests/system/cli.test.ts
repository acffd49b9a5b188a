/** The command `isopage`, as a process. Not in browsers: it maps files of a disk. */

import { describe, expect, test } from 'vitest'
import type { Report } from '../../dist/src/cli/report.js'

const inBrowser = 'window' in globalThis
const { makePlace } = inBrowser ? ({} as never) : await import('./command.ts')
const fs = inBrowser ? ({} as never) : await import('node:fs')
const { join } = inBrowser ? ({} as never) : await import('node:path')

const PAGE = 4096

/** A file with `bytes` bytes, none of them alike in neighbouring pages. */
function makeFile(folder: string, bytes: number): string {
  const path = join(folder, 'user.bin')
  fs.writeFileSync(
    path,
    Uint8Array.from({ length: bytes }, (_, at) => (at * 31 + (at >> 12)) & 255),
  )
  return path
}

/** Pages in which two contents differ. */
function changedPages(before: Uint8Array, after: Uint8Array, pageSize: number): number[] {
  const pages = Math.ceil(before.length / pageSize)
  return Array.from({ length: pages }, (_, page) => page).filter((page) => {
    const [start, end] = [page * pageSize, (page + 1) * pageSize]
    return Buffer.compare(before.subarray(start, end), after.subarray(start, end)) !== 0
  })
}

describe.skipIf(inBrowser)('isopage map', () => {
  test('makes a file of 16 MiB, holds all checks, and leaves nothing behind', async () => {
    using place = makePlace()
    const { code, out, err } = await place.run('map')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toContain('16 MiB, 4,096 pages of 4 KiB')
    expect(out).toMatch(/msync\(MS_SYNC\) wrote 64 pages/)
    expect(out).toContain('All of it holds.')
    expect(place.left()).toEqual([])
  })

  test('writes no escape sequences and no tabs where there is no terminal', async () => {
    using place = makePlace()
    const { out } = await place.run('map', makeFile(place.path, 3 * PAGE))
    const controls = [...out].filter((char) => char < ' ' && char !== '\n')
    expect(controls).toEqual([])
  })

  test('edits a copy: the file of the user stays as it was', async () => {
    using place = makePlace()
    const file = makeFile(place.path, 64 * PAGE)
    const before = fs.readFileSync(file)
    const { mtimeMs } = fs.statSync(file)
    expect((await place.run('map', file)).code).toBe(0)
    expect(fs.readFileSync(file).equals(before)).toBe(true)
    expect(fs.statSync(file).mtimeMs).toBe(mtimeMs)
    expect(place.left()).toEqual([])
  })

  test.each([
    ['pages of 4 KiB', '4KiB', 40 * PAGE],
    ['pages of 64 KiB and a size that is no multiple', '64KiB', 1_000_001],
  ])('--write changes exactly the pages that --json names: %s', async (_, size, bytes) => {
    using place = makePlace()
    const file = makeFile(place.path, bytes)
    const before = fs.readFileSync(file)
    const { code, out } = await place.run(
      'map',
      file,
      ...['--write', '--json', '--pages', '7', '--page-size', size],
    )
    const report: Report = JSON.parse(out)
    const after = fs.readFileSync(file)
    expect(code).toBe(0)
    expect(report.file).toMatchObject({ path: file, source: 'original', bytes })
    expect(after.length).toBe(before.length)
    const changed = changedPages(before, after, report.kernel.pageSize)
    expect(changed).toHaveLength(7)
    expect(report.disk.changedPages).toEqual(changed)
    expect(report.sync.pages).toEqual(changed)
  })

  test('--write twice: the second run finds its own edits and still changes each', async () => {
    using place = makePlace()
    const file = makeFile(place.path, 1)
    for (let round = 0; round < 2; round++) {
      const before = fs.readFileSync(file)
      expect((await place.run('map', file, '--write')).code).toBe(0)
      expect(fs.readFileSync(file)).not.toEqual(before)
      expect(fs.statSync(file).size).toBe(1)
    }
  })
})

describe.skipIf(inBrowser)('isopage map, of any file', () => {
  test.each([
    1,
    63,
    64,
    PAGE - 1,
    PAGE,
    PAGE + 1,
    5 * PAGE + 123,
  ])('maps a file of %i bytes', async (bytes) => {
    using place = makePlace()
    const { code, out, err } = await place.run('map', makeFile(place.path, bytes), '--json')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    const report: Report = JSON.parse(out)
    expect(report.checks.filter(({ ok }) => !ok)).toEqual([])
    expect(report.file.bytes).toBe(bytes)
    expect(report.file.pages).toBe(Math.ceil(bytes / PAGE))
  })
  test('--json is one document that agrees with itself', async () => {
    using place = makePlace()
    const { out } = await place.run('map', '--json')
    const report: Report = JSON.parse(out)
    expect(report.ok).toBe(true)
    expect(new Set(report.threads.map(({ pid }) => pid)).size).toBe(2)
    for (const { shared } of [report.beforeSync, report.afterSync]) {
      expect(shared.reduce((sum, { pages }) => sum + pages, 0)).toBe(report.file.pages)
    }
    const counts = (state: Report['beforeSync']) =>
      state.mappings.map(({ dirtyPages }) => dirtyPages)
    expect(Math.max(...counts(report.beforeSync))).toBeGreaterThan(0)
    expect(Math.max(...counts(report.afterSync))).toBe(0)
  })

  test('walks a file larger than the memory it may use', async () => {
    using place = makePlace()
    const file = makeFile(place.path, 24 * 1024 * 1024)
    const { code, err } = await place.run('map', file, '--memory', '12MiB')
    expect({ code, err }).toEqual({ code: 0, err: '' })
  })

  test.each([
    ['a missing file', 'ENOENT', 'none.bin'],
    ['a directory', 'EISDIR', 'folder'],
    ['an empty file', 'EINVAL', 'empty.bin'],
  ])('%s is exit code 1, said on standard error alone', async (_, code, name) => {
    using place = makePlace()
    fs.writeFileSync(join(place.path, 'empty.bin'), '')
    fs.mkdirSync(join(place.path, 'folder'))
    const outcome = await place.run('map', join(place.path, name), '--json')
    expect(outcome.code).toBe(1)
    expect(outcome.out).toBe('')
    expect(outcome.err).toContain(code)
    expect(outcome.err).toContain(name)
    expect(place.left()).toEqual([])
  })

  test.skipIf(!inBrowser && process.getuid?.() === 0)(
    'a file that may not be read is exit code 1 (not as root, who may)',
    async () => {
      using place = makePlace()
      const file = makeFile(place.path, PAGE)
      fs.chmodSync(file, 0)
      const { code, err } = await place.run('map', file)
      expect(code).toBe(1)
      expect(err).toContain('EACCES')
    },
  )
})

describe.skipIf(inBrowser)('isopage ipc', () => {
  test('takes every step, says each call and its result, and leaves nothing behind', async () => {
    using place = makePlace()
    const { code, out, err } = await place.run('ipc')
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^ 1 {2}Three threads take part/m)
    expect(out).toMatch(/^ {4}B mutex\.lock\(\) +EOWNERDEAD: locked$/m)
    expect(out).toMatch(/^ {4}C msgrcv\(queue\) +EIDRM$/m)
    expect(out).toContain('All of it came as it had to. 13 of 13 steps.')
    expect([...out].filter((char) => char < ' ' && char !== '\n')).toEqual([])
    expect(place.left()).toEqual([])
  })

  test('--json is one document with every step', async () => {
    using place = makePlace()
    const { code, out } = await place.run('ipc', '--json')
    const { steps, ok } = JSON.parse(out)
    expect({ code, ok, steps: steps.length }).toEqual({ code: 0, ok: true, steps: 13 })
    expect(steps.filter((step: { ok: boolean }) => !step.ok)).toEqual([])
  })

  test.each([[['tour']], [['--colour']]])('wrong usage %j is exit code 2', async (args) => {
    using place = makePlace()
    const { code, out, err } = await place.run('ipc', ...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^isopage: .+\nisopage ipc --help /)
  })

  test('--help of each command names its options and exit codes', async () => {
    using place = makePlace()
    for (const command of ['ipc', 'ipcs', 'ipcrm', 'maps']) {
      const { code, out } = await place.run(command, '--help')
      expect(code).toBe(0)
      expect(out).toMatch(new RegExp(`^usage: isopage ${command} `))
      expect(out).toContain('--json')
      expect(out).toContain('exit codes: 0')
    }
  })
})

describe.skipIf(inBrowser)('isopage', () => {
  test.each([
    ['no command', []],
    ['an unknown command', ['mmap']],
    ['an unknown option', ['map', '--colour']],
    ['two files', ['map', 'one', 'two']],
    ['--write without a file', ['map', '--write']],
    ['no pages', ['map', '--pages', '0']],
    ['pages that are no number', ['map', '--pages', 'ten']],
    ['a page size that is no power of two', ['map', '--page-size', '5000']],
    ['a memory that is no size', ['map', '--memory', 'much']],
    ['a memory that is too small', ['map', '--memory', '1KiB']],
  ])('%s is exit code 2 and tells the way out', async (_, args) => {
    using place = makePlace()
    const { code, out, err } = await place.run(...args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^isopage: .+\nisopage --help /)
  })

  test('--help names every option and the exit codes', async () => {
    using place = makePlace()
    const { code, out } = await place.run('--help')
    expect(code).toBe(0)
    for (const word of ['--write', '--pages', '--page-size', '--memory', '--json', '--no-color']) {
      expect(out).toContain(word)
    }
    expect(out).toContain('exit codes: 0')
  })

  test('--version is the version of the package', async () => {
    using place = makePlace()
    const manifest = new URL('../../package.json', import.meta.url)
    const { version } = JSON.parse(fs.readFileSync(manifest, 'utf8'))
    expect((await place.run('--version')).out).toBe(`${version}\n`)
  })
})
