/** The installed package in use: what README.md shows, the command, the types. */

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { packaged, run, runtimes, toolPath } from './tools.mjs'

const here = import.meta.dirname
const bin = join(here, 'node_modules/.bin/isopage')

for (const [name, [program, ...flags]] of runtimes) {
  test(`the program in README.md prints what its comment says, in ${name}`, async () => {
    const [, code] = /```js\n(.*?)```/s.exec(packaged('README.md'))
    const [, expected] = /console\.log\(.*\) \/\/ (.*)$/m.exec(code)
    writeFileSync(join(here, 'readme.mjs'), code)
    const { stdout } = await run(program, ...flags, join(here, 'readme.mjs'))
    assert.equal(stdout.trim(), expected)
  })

  test(`the command maps a file and holds all its checks, in ${name}`, async () => {
    const entry = join(here, 'node_modules/isopage/dist/src/cli/index.js')
    const { stdout } = await run(program, ...flags, entry, 'map', '--json')
    assert.equal(JSON.parse(stdout).ok, true)
  })
}

test('npm linked the command', async () => {
  const { stdout } = await run(bin, '--version')
  assert.equal(stdout.trim(), JSON.parse(packaged('package.json')).version)
})

test('two threads that fight for one page never see the kernel as stalled', async () => {
  const file = join(here, 'page.txt')
  writeFileSync(file, 'one page of text\n'.repeat(80))
  for (let round = 0; round < 12; round++) {
    const { stdout } = await run(process.execPath, bin, 'map', file, '--json')
    assert.equal(JSON.parse(stdout).ok, true)
  }
  assert.equal(readFileSync(file, 'utf8'), 'one page of text\n'.repeat(80))
})

test('it compiles a new C file, and runs it as two processes that share what they ask for', async () => {
  mkdirSync(join(here, 'node_modules/@yowasp'), { recursive: true })
  symlinkSync(toolPath('@yowasp/clang'), join(here, 'node_modules/@yowasp/clang'))
  writeFileSync(join(here, 'shares.c'), readFileSync(join(here, 'page/shares.c')))
  await run(process.execPath, bin, 'cc', '-O1', 'shares.c', '-o', 'shares.wasm')
  const both = ['--with', 'shares.wasm second', 'shares.wasm', 'first']
  const { stdout } = await run(process.execPath, bin, 'run', ...both)
  const lines = stdout.trim().split('\n').sort()
  assert.deepEqual(lines, ['first: segment 11, file 22', 'second: segment 11, file 22'])
})

const CONSUMER = `
import { attach, boot, disk, MAP, O, type Handle, type Kernel, type Mapping } from 'isopage'
import { coreBytes } from 'isopage/core-bytes'

const kernel: Kernel = await boot({ memory: '64MiB', core: coreBytes, mounts: { '/d': disk('.') } })
const p = kernel.process({ uid: 1000 })
const map: Mapping = p.mmap({ length: 4096, flags: MAP.PRIVATE | MAP.ANONYMOUS })
const fd: number = p.open('/f', O.CREAT | O.RDWR)
const read: Promise<number> = p.promises.read(fd, new Uint8Array(8), {})
export const handle: Handle = kernel.handle
export const other: Kernel = await attach(handle)
export const all = [map.bytes.byteLength, await read]
// @ts-expect-error: length is asked for
p.mmap({ fd })
`

for (const [resolution, module] of [
  ['bundler', 'esnext'],
  ['nodenext', 'nodenext'],
]) {
  test(`types resolve for a consumer with moduleResolution ${resolution}`, async () => {
    writeFileSync(join(here, 'consumer.mts'), CONSUMER)
    const options = ['--strict', '--noEmit', '--target', 'es2023', '--module', module]
    const lib = ['--lib', 'es2024,esnext.disposable,dom', '--types', 'node']
    const types = ['--typeRoots', toolPath('@types')]
    const how = ['--moduleResolution', resolution, ...options, ...lib, ...types]
    const tsc = toolPath('typescript/bin/tsc')
    await run(process.execPath, tsc, ...how, 'consumer.mts').catch(({ stdout, message }) => {
      assert.fail(`${stdout}\n${message}`)
    })
  })
}
