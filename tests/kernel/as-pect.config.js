/**
 * as-pect runs the kernel's unit tests: one spec per assembly file, compiled together with it.
 * Globs are relative to the repository's top folder, where the runner starts. What the kernel imports is
 * stood in for: clocks and randomness of the process, failures as exceptions, files by tree.js. A spec that imports support/disk.ts
 * gets the deterministic host of support/host.js, which it scripts.
 */

import { createHost } from './support/host.js'
import { treeFiles } from './support/tree.js'

const memoryPages = { initial: 64, maximum: 65536 } // as in as-pect.asconfig.json

const host = {
  now: (realtime) => (realtime ? Date.now() : performance.now()),
  random: () => Math.floor(Math.random() * 2 ** 32),
  panicked: (code, detail) => {
    throw new Error(`panic ${code} (${detail >>> 0})`)
  },
  stalled: (owner) => {
    throw new Error(`stalled: ${owner}`)
  },
  stopped: () => {
    throw new Error('stopped')
  },
  serve: () => {},
  faulted: (kind, address) => {
    throw new Error(`guest fault ${kind} at ${(address >>> 0).toString(16)}`)
  },
}

export default {
  entries: [`tests/kernel/**/${process.env.ISOPAGE_SPEC ?? '*'}.spec.ts`],
  include: ['tests/kernel/**/*.include.ts'],
  disclude: [/node_modules/],
  instantiate(_memory, createImports, instantiate, binary) {
    const memory = new WebAssembly.Memory({ ...memoryPages, shared: true })
    const module = WebAssembly.Module.imports(new WebAssembly.Module(binary))
    const scripted = module.some((imported) => imported.module === 'disk')
    if (scripted) return instantiate(binary, createImports({ env: { memory } }, createHost(memory)))
    const imports = { env: { memory, ...host }, wasi_snapshot_preview1: treeFiles(memory) }
    return instantiate(binary, createImports(imports))
  },
  outputBinary: false,
}
