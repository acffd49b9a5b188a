/**
 * The published package, installed in an empty project and run by the system's own Node, from 20 on.
 * Started by scripts/legs.js, which copies this file beside the installed package.
 */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { abiVersion, coreModule } from 'isopage'
import { coreBytes } from 'isopage/core-bytes'

const packageUrl = new URL(import.meta.resolve('isopage/package.json'))

async function abiVersionOf(module) {
  const memory = new WebAssembly.Memory({ initial: 1024, maximum: 1024, shared: true })
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } })
  return exports.abiVersion()
}

test('the installed kernel speaks the ABI of the package', async () => {
  assert.equal(await abiVersionOf(await coreModule()), abiVersion)
})

test('core.wasm and core-bytes are the same kernel', async () => {
  const wasm = await readFile(new URL(import.meta.resolve('isopage/core.wasm')))
  assert.deepEqual(new Uint8Array(wasm), coreBytes)
})

test('every file that package.json exports was published', async () => {
  const { exports } = JSON.parse(await readFile(packageUrl, 'utf8'))
  const targets = Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  )
  const missing = targets.filter((path) => !existsSync(fileURLToPath(new URL(path, packageUrl))))
  assert.deepEqual(missing, [])
})
