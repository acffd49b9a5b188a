/**
 * Builds what is published: assembly/ to build/core.wasm, src/ and the numbers of assembly/ to dist/ (ES
 * modules and types, in the folders of their sources, each worker as one file), the kernel beside them as dist/core.wasm,
 * and as dist/core-bytes.js for bundles that must be one file; the headers and the library of C programs as dist/sysroot.json; for the examples
 * build/plugins/.
 */

import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { root, run } from './run.js'
import { refuseInlinedWaits, refuseSections } from './wasm-sections.js'

await step('asc', ['assemblyscript/bin/asc.js', '--config', 'asconfig.json', '--target', 'release'])
const core = readFileSync(`${root}build/core.wasm`)
refuseSections(core)
refuseInlinedWaits(core)

rmSync(`${root}dist`, { recursive: true, force: true })
await step('tsc', ['typescript/bin/tsc', '-p', 'tsconfig.json'])
await step('the workers', ['../scripts/workers.js'])
mkdirSync(`${root}dist`, { recursive: true })
copyFileSync(`${root}build/core.wasm`, `${root}dist/core.wasm`)
writeCoreBytes()
declareAbiTypes()
await step('the C library', ['../scripts/sysroot.js'])
await step('the plugins of the examples', ['../scripts/plugins.js'])

/** Runs one compiler from node_modules; its failure is the build's. */
async function step(name, [script, ...args]) {
  const { code } = await run(process.execPath, [`${root}node_modules/${script}`, ...args])
  if (code === 0) return
  console.error(`isopage: the build stopped because ${name} failed with exit code ${code}`)
  process.exit(1)
}

function writeCoreBytes() {
  const note = '/** The bytes of core.wasm, for bundles that must be one file. */'
  const decode = `Uint8Array.from(atob('${core.toString('base64')}'), (c) => c.charCodeAt(0))`
  writeFileSync(
    `${root}dist/core-bytes.js`,
    `${note}\nexport const coreBytes = /* @__PURE__ */ ${decode}\n`,
  )
  writeFileSync(
    `${root}dist/core-bytes.d.ts`,
    `${note}\nexport declare const coreBytes: Uint8Array<ArrayBuffer>\n`,
  )
}

/** asc's `u32` means nothing to a user's tsc: the published types say what it is. */
function declareAbiTypes() {
  for (const name of ['abi', 'ipcabi']) {
    const path = `${root}dist/assembly/${name}.d.ts`
    const types = 'type i32 = number\ntype u32 = number\ntype u64 = number\n'
    writeFileSync(path, `${types}${readFileSync(path, 'utf8')}`)
  }
}
