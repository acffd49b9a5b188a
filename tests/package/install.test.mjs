/**
 * The published package, installed in an empty project and run by the system's own Node, from 20 on.
 * Started by scripts/legs.js, which copies this file beside the installed package.
 */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { abiVersion, boot, disk, O } from 'isopage'
import { coreBytes } from 'isopage/core-bytes'

const packageUrl = new URL(import.meta.resolve('isopage/package.json'))

test('the installed kernel boots, maps, and speaks the ABI of the package', async () => {
  const kernel = await boot({ memory: '16MiB' })
  assert.equal(kernel.handle.isopage, abiVersion)
  const p = kernel.process()
  const map = p.mmap({ length: 4096 })
  map.write(0, new Uint8Array([1, 2, 3]))
  assert.deepEqual([...map.bytes.subarray(0, 4)], [1, 2, 3, 0])
  await kernel.close()
})

test('a real file is mapped, changed and synced by the installed package', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'isopage-package-'))
  const kernel = await boot({ memory: '16MiB', mounts: { '/data': disk(dir) } })
  const p = kernel.process()
  const fd = await p.promises.open('/data/f', O.CREAT | O.RDWR)
  p.ftruncate(fd, 3)
  const map = p.mmap({ fd, length: 3 })
  map.write(0, new TextEncoder().encode('abc'))
  map.sync()
  assert.equal(await readFile(join(dir, 'f'), 'utf8'), 'abc')
  await kernel.close()
  await rm(dir, { recursive: true })
})

test('core.wasm and core-bytes are the same kernel', async () => {
  const wasm = await readFile(new URL(import.meta.resolve('isopage/core.wasm')))
  assert.deepEqual(new Uint8Array(wasm), coreBytes)
})

test('each worker is one file', async () => {
  const folder = new URL('dist/src/', packageUrl)
  const workers = (await readdir(folder)).filter((name) => name.endsWith('-worker.js'))
  assert.equal(workers.length, 3)
  for (const name of workers) {
    const code = await readFile(new URL(name, folder), 'utf8')
    assert.doesNotMatch(code, /\b(?:from|import)\s*\(?["'`]\./, name)
  }
})

test('every file that package.json exports was published', async () => {
  const { exports } = JSON.parse(await readFile(packageUrl, 'utf8'))
  const targets = Object.values(exports).flatMap((target) =>
    typeof target === 'string' ? [target] : Object.values(target),
  )
  const missing = targets.filter((path) => !existsSync(fileURLToPath(new URL(path, packageUrl))))
  assert.deepEqual(missing, [])
})
