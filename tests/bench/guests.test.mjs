/**
 * The programs of the bench do the same work natively, plain and as guests: no row compares two different works. node:test runs it (leg
 * `bench` of npm test).
 */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { guestRows } from '../../bench/guest-rows.js'
import { compiled } from '../../bench/guests.js'
import { moduleBytes } from '../../bench/measure/guest.js'
import { plainExports } from '../../bench/measure/plain.js'
import { boot } from '../../dist/src/index.js'

const main = fileURLToPath(new URL('./native-main.c', import.meta.url))
const sources = fileURLToPath(new URL('../../bench/guest/', import.meta.url))
/** SQLite is fetched, and takes minutes to compile: its row looks at its checksum. */
const ownRows = guestRows.filter(({ checksum, program }) => checksum && program !== 'sqlite')
const noCompiler = spawnSync('cc', ['--version']).error?.message

let kernel
let folder
before(async () => {
  kernel = await boot({ memory: '64MiB' })
  folder = mkdtempSync(join(tmpdir(), 'isopage-bench-guests-'))
})
after(async () => {
  rmSync(folder, { recursive: true })
  await kernel.close()
})

for (const { program, checksum } of ownRows) {
  test(`gives one checksum for ${program}, plain and as a guest`, async () => {
    const bytes = await moduleBytes(await compiled(program))
    const plain = await plainExports(bytes)
    using guest = await kernel.load(bytes)
    for (const work of [plain.work, guest.exports.work]) {
      assert.deepEqual([work(1) >>> 0, work(2) >>> 0], [checksum, checksum])
    }
  })

  test(`gives the same checksum for ${program} natively`, { skip: noCompiler }, () => {
    const binary = join(folder, program)
    const flags = ['-O2', '-ffp-contract=off', '-o', binary, main, `${sources}${program}.c`, '-lm']
    const { status, stderr } = spawnSync('cc', flags, { encoding: 'utf8' })
    assert.equal(status, 0, stderr)
    assert.equal(spawnSync(binary, { encoding: 'utf8' }).stdout, `${checksum}\n`)
  })
}
