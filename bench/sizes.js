/** Sizes: of what is shipped, and of what the kernel spends on a mapping, a resident page and a file. */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { boot, O, PROT } from '../dist/src/index.js'
import { root } from '../scripts/run.js'

const COUNT = 10_000
const COUNT_PAGES = 1024

/** @returns {Promise<{ name: string, value: string }[]>} */
export async function measureSizes() {
  const core = readFileSync(`${root}dist/core.wasm`)
  return [
    { name: 'core.wasm', value: sizesOf(core) },
    { name: 'package (as a tar archive)', value: packageSizes() },
    ...(await kernelBytes()),
  ]
}

function sizesOf(bytes) {
  const sizes = {
    raw: bytes,
    gzip: gzipSync(bytes, { level: 9 }),
    brotli: brotliCompressSync(bytes),
  }
  return Object.entries(sizes)
    .map(([name, { length }]) => `${(length / 1000).toFixed(1)} kB ${name}`)
    .join(', ')
}

/** What `npm pack` would publish. */
function packageSizes() {
  const where = mkdtempSync(join(tmpdir(), 'isopage-pack-'))
  try {
    const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', where]
    const { status, stderr } = spawnSync('npm', args, { cwd: root, encoding: 'utf8' })
    if (status !== 0) return `npm pack failed: ${stderr}`
    return sizesOf(gunzipSync(readFileSync(join(where, readdirSync(where)[0]))))
  } finally {
    rmSync(where, { recursive: true })
  }
}

async function kernelBytes() {
  return [
    { name: 'kernel bytes per mapping', value: await bytesPer(COUNT, mappings) },
    { name: 'kernel bytes per resident page', value: await bytesPer(COUNT_PAGES, pages) },
    { name: 'kernel bytes per file in tmpfs', value: await bytesPer(COUNT, files) },
  ]
}

/**
 * Frames that `count` of something take, beside the frames of its own contents.
 * @param {(process: import('../dist/src/index.js').Process, pageSize: number) => number} make => frames of contents
 */
async function bytesPer(count, make) {
  const kernel = await boot({ memory: '256MiB' })
  const process = kernel.process()
  const before = kernel.stats().framesFree
  const contents = make(process, kernel.pageSize)
  const frames = before - kernel.stats().framesFree - contents
  const bytes = ((frames * kernel.pageSize) / count).toFixed(1)
  await kernel.close()
  return bytes
}

function mappings(process, length) {
  for (let i = 0; i < COUNT; i++) {
    process.mmap({ length, prot: i % 2 ? PROT.READ : PROT.READ | PROT.WRITE })
  }
  return 0
}

/** One mapping, all of it stored to. */
function pages(process, pageSize) {
  const map = process.mmap({ length: COUNT_PAGES * pageSize })
  for (let i = 0; i < COUNT_PAGES; i++) map.write(i * pageSize, Uint8Array.of(1))
  return COUNT_PAGES
}

function files(process) {
  process.mkdir('/files')
  for (let i = 0; i < COUNT; i++) process.close(process.open(`/files/${i}`, O.CREAT | O.WRONLY))
  return 0
}
