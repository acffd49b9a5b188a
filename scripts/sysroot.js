/**
 * Makes dist/sysroot.json: the headers of src/include/ and libisopage.a, compiled from src/include/lib/ by the compiler that users have. The library is
 * kept in build/ under the hash of all that it is made from.
 */

import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { compile } from '../dist/src/guest/cc/index.js'
import { runTool } from '../dist/src/guest/cc/toolchain.js'
import { root } from './run.js'

const include = `${root}src/include/`
const WARNINGS = ['-Wall', '-Wextra', '-Werror', '-Wno-parentheses', '-Wno-unused-parameter']

/** Files below src/include/ by path. */
const files = Object.fromEntries(
  globSync('**/*.{h,c}', { cwd: include })
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => [path, readFileSync(include + path, 'utf8')]),
)
const isLibrary = (path) => path.startsWith('lib/')
const headers = Object.fromEntries(Object.entries(files).filter(([path]) => !isLibrary(path)))

const flags = readFileSync(`${root}dist/src/guest/cc/flags.js`, 'utf8')
const { devDependencies } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'))
const clang = devDependencies['@yowasp/clang']
const hash = createHash('sha256')
  .update(JSON.stringify([files, flags, clang]))
  .digest('hex')
const kept = `${root}build/libisopage-${hash.slice(0, 16)}.a`

// The compiler reads the headers from here, so they stand before the library does.
write(new Uint8Array())
write(readKept() ?? (await make()))

function write(library) {
  const text = JSON.stringify({ headers, library: Buffer.from(library).toString('base64') })
  writeFileSync(`${root}dist/sysroot.json`, text)
}

function readKept() {
  try {
    return readFileSync(kept)
  } catch {
    return undefined
  }
}

/** Compiles the library, an object a file, so that programs take what they use. */
async function make() {
  const sources = Object.keys(files).filter((name) => name.endsWith('.c'))
  const { files: objects } = await compile(files, ['-c', '-O2', ...WARNINGS, ...sources])
  const archive = 'libisopage.a'
  const {
    code,
    files: left,
    messages,
  } = await runTool('ar', ['rcsD', archive, ...Object.keys(objects)], objects)
  if (code !== 0) throw new Error(`isopage: ar failed: ${messages}`)
  mkdirSync(`${root}build`, { recursive: true })
  writeFileSync(kept, left[archive])
  return left[archive]
}
