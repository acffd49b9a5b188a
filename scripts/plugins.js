/**
 * Makes build/plugins/: the modules that examples/modules.js loads, from C by the compiler that users have and from AssemblyScript by asc. What is made is kept
 * under the hash of what it is made from.
 */

import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import { compile } from '../dist/src/guest/cc/index.js'
import { root, run } from './run.js'

const from = `${root}examples/plugins/`
const to = `${root}build/plugins/`
const read = (name) => readFileSync(from + name, 'utf8')

mkdirSync(to, { recursive: true })
const sysroot = readFileSync(`${root}dist/sysroot.json`, 'utf8')
await make('totals', ['totals.c', 'table.h'], compileC, sysroot)
await make('order', ['order.ts'], compileAssemblyScript)

async function make(name, sources, compiler, ...more) {
  const hash = createHash('sha256')
    .update(JSON.stringify([sources.map(read), more, compiler.toString()]))
    .digest('hex')
  const note = `${to}${name}.hash`
  if (existsSync(`${to}${name}.wasm`) && existsSync(note) && readFileSync(note, 'utf8') === hash)
    return
  await compiler(sources, `${to}${name}.wasm`)
  writeFileSync(note, hash)
}

/** A library: it has no main, and says what it exports. */
async function compileC(sources, out) {
  const files = Object.fromEntries(sources.map((name) => [name, read(name)]))
  const flags = ['-O2', '-mexec-model=reactor', sources[0], '-o', 'out.wasm']
  const made = await compile(files, flags)
  writeFileSync(out, made.files['out.wasm'])
}

/** From the sources' folder, where no asconfig.json says more. */
async function compileAssemblyScript([source], out) {
  const flags = ['-O2', '--runtime', 'stub', '--use', 'abort=', '--noAssert']
  const asc = `${root}node_modules/assemblyscript/bin/asc.js`
  const where = ['--baseDir', from, '-o', relative(from, out)]
  const { code } = await run(process.execPath, [asc, source, ...where, ...flags])
  if (code !== 0) throw new Error(`isopage: asc failed with exit code ${code}`)
}
