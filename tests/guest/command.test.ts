/** `isopage cc` and `isopage run` as a user has them: a C file that maps a file and shares a segment with a second process. */

import { expect, test } from 'vitest'
import { inBrowser } from '../conformance/runtime.ts'

const { makePlace } = inBrowser ? ({} as never) : await import('../system/command.ts')
const SLOW = { timeout: 120_000 }

test.skipIf(inBrowser)('compiles a program, and runs it as two processes', SLOW, async () => {
  using place = makePlace()
  const source = new URL('../../examples/two.c', import.meta.url).pathname
  const wasm = `${place.path}/two.wasm`
  const compiled = await place.run('cc', '-O1', '-Wall', source, '-o', wasm)
  expect(compiled).toEqual({ code: 0, out: '', err: '' })
  const ran = await place.run('run', '--with', `${wasm} second`, '--maps', wasm, 'first')
  expect(ran.code).toBe(0)
  const notes = 'the file says: first 0; second 0; first 1; second 1; first 2; second 2; '
  const lines = ran.out.split('\n')
  expect(lines.filter((line) => line === notes)).toHaveLength(2)
  expect(
    lines.filter((line) => /^first reads "(round \d, from process \d+)?"$/.test(line)),
  ).toHaveLength(3)
  expect(
    lines.filter((line) => /^second reads "round \d, from process \d+"$/.test(line)),
  ).toHaveLength(3)
  expect(ran.err.match(/rw-s segment \d+/g)).toHaveLength(2)
  expect(ran.err.match(/rw-s file \d+ from 0/g)).toHaveLength(2)
  const wrong = await place.run('run', '--with', ' ', wasm)
  expect(wrong.code).toBe(2)
  expect(wrong.err).toContain('--with takes a program and its arguments')
})

/** JavaScriptCore tells neither functions nor offsets. */
const stackTells = !('Bun' in globalThis)

test.skipIf(inBrowser)('says at which line of the source an access failed', SLOW, async () => {
  using place = makePlace()
  const source = new URL('faults.c', import.meta.url).pathname
  const wasm = `${place.path}/faults.wasm`
  const flags = ['-O1', '-g', source, '-o', wasm]
  expect(await place.run('cc', ...flags)).toEqual({ code: 0, out: '', err: '' })
  const begin = `isopage: ${wasm}: SIGSEGV at 0x90000000, not mapped`
  const faults = async (where: string, ...args: string[]) => {
    const { code, err } = await place.run('run', wasm, ...args)
    expect(code).toBe(139)
    expect(err.replace(/at \S*\/faults/, 'at faults')).toBe(
      stackTells ? `${begin}, in ${where}\n` : `${begin}\n`,
    )
  }
  await faults('poke at faults.c:7')
  await faults('strlen, called from main at faults.c:13', '0x90000000')
})
