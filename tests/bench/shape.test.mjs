/**
 * The bench, one round a sample: every row is measured in every runtime that is here, and the JSON has the promised shape. No time is
 * judged. node:test runs it (leg `bench` of npm test).
 */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { rows } from '../../bench/rows.js'
import { runtimeNames } from '../../bench/runtimes.js'

const bench = fileURLToPath(new URL('../../bench/index.js', import.meta.url))
const TIMEOUT_MS = 300_000

function runBench(...args) {
  const where = mkdtempSync(join(tmpdir(), 'isopage-bench-'))
  try {
    const json = join(where, 'rows.json')
    const flags = ['--no-build', '--tiny', '--runs', '1', '--dir', where, '--json', json]
    const options = { encoding: 'utf8', timeout: TIMEOUT_MS }
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [bench, ...flags, ...args],
      options,
    )
    assert.equal(status, 0, `${stdout}\n${stderr}`)
    return { stdout, results: JSON.parse(readFileSync(json, 'utf8')) }
  } finally {
    rmSync(where, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

for (const runtime of runtimeNames) {
  test(`gives every row in ${runtime}, in the promised shape`, (context) => {
    const { stdout, results } = runBench('--runtime', runtime)
    const absence = new RegExp(`^isopage: ${runtime} is skipped: (.*)$`, 'm').exec(stdout)
    if (absence) return context.skip(absence[1])
    const without = /^isopage: (\S+) is skipped:/gm
    const skipped = new Set([...stdout.matchAll(without)].map(([, name]) => name))
    const wanted = rows.filter(({ name }) => !skipped.has(name))
    assert.deepEqual(
      results.map(({ name }) => name),
      wanted.map(({ name }) => name),
    )
    for (const [index, result] of results.entries()) checkResult(result, wanted[index], runtime)
  })
}

function checkResult(result, { unit, peerName }, runtime) {
  const { name, ours, peer, ratio } = result
  const keys = ['name', 'runtime', 'unit', 'ours', 'peer', 'peerName', 'ratio', 'runs']
  assert.deepEqual(Object.keys(result), keys)
  for (const figure of [ours, peer, ratio]) {
    // One round may be shorter than a browser's clock can tell.
    assert.ok(typeof figure === 'number' || figure === null, `${name}: ${figure}`)
    assert.ok(figure === null || figure >= 0, `${name}: ${figure}`)
  }
  if (peer > 0) assert.ok(Math.abs(ratio - ours / peer) <= 1e-9 * ratio, name)
  assert.deepEqual([result.runtime, result.unit, result.peerName], [runtime, unit, peerName])
  assert.equal(result.runs, 1)
}

test('prints plain text into a pipe, with the machine and the sizes', () => {
  const { stdout } = runBench('--runtime', 'node', '--only', 'map-unmap')
  assert.ok(!stdout.includes('\u001b'), stdout)
  for (const word of ['cores', 'core.wasm', 'kernel bytes per mapping', '<= 0.2']) {
    assert.ok(stdout.includes(word), word)
  }
})

test('refuses a row and a runtime that are not there', () => {
  for (const args of [
    ['--only', 'map-nothing'],
    ['--runtime', 'netscape'],
    ['--runs', '0'],
  ]) {
    const { status, stderr } = spawnSync(process.execPath, [bench, ...args], { encoding: 'utf8' })
    assert.equal(status, 2)
    assert.match(stderr, /^isopage: --/)
  }
})
