/**
 * The C headers that are printed, not written: the numbers of assembly/ as src/include/isopage/abi.h, and the imports of src/guest/imports-def.ts as
 * src/include/isopage/imports.h. `node scripts/headers.js` writes them; with `--check` it fails when one is stale. Runs after a build: it reads dist/.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import * as abi from '../dist/assembly/abi.js'
import * as ipcabi from '../dist/assembly/ipcabi.js'
import { GUEST_LAYOUTS, IMPORT_GROUPS, IMPORT_MODULE } from '../dist/src/guest/imports-def.js'
import { root } from './run.js'

/** What programs have no use for: how the kernel and its host talk, and what panics are called. */
const HOST_ONLY =
  /^(RING_|THREAD_|STATE_|BUFFER_|WASI_|PANIC_|WHERE_|STAT_(MAP|PROCESS|NAME|PAGE|WAIT|KERNEL)|WAIT_ON)/

const C_TYPES = {
  int: 'int',
  uint: 'unsigned',
  size: '__SIZE_TYPE__',
  fd: 'int',
  address: 'const volatile void *',
  string: 'const char *',
  offset: 'long long',
}

const headers = {
  'isopage/abi.h': printNumbers(),
  'isopage/imports.h': printImports(),
}
const stale = Object.entries(headers).filter(([name, text]) => text !== read(pathOf(name)))
if (process.argv.includes('--check')) {
  for (const [name] of stale) {
    console.error(`isopage: src/include/${name} is stale: run node scripts/headers.js`)
  }
  process.exitCode = stale.length > 0 ? 1 : 0
} else {
  for (const [name, text] of stale) {
    mkdirSync(dirname(pathOf(name)), { recursive: true })
    writeFileSync(pathOf(name), text)
  }
}

function pathOf(name) {
  return `${root}src/include/${name}`
}

function read(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function printNumbers() {
  const numbers = Object.entries({ ...abi, ...ipcabi, ...GUEST_LAYOUTS })
  const lines = numbers
    .filter(([name]) => !HOST_ONLY.test(name))
    .map(([name, value]) => `#define ISOPAGE_${name} ${literal(value)}`)
  const source = 'assembly/abi.ts, assembly/ipcabi.ts and GUEST_LAYOUTS of src/guest/imports-def.ts'
  return guarded('ABI', `Printed by scripts/headers.js from ${source}.`, lines)
}

function literal(value) {
  if (value < 0) return `(${value})`
  if (value <= 0x7fffffff) return String(value)
  return value <= 0xffffffff ? `${value}u` : `${value}ull`
}

function printImports() {
  const lines = [
    '#define ISOPAGE_IMPORT(name) \\',
    `  __attribute__((__import_module__("${IMPORT_MODULE}"), __import_name__(#name)))`,
    '',
    '#ifdef __cplusplus',
    'extern "C" {',
    '#endif',
  ]
  for (const [group, imports] of Object.entries(IMPORT_GROUPS)) {
    lines.push('', `/* ${group} */`)
    for (const [name, def] of Object.entries(imports)) lines.push(declaration(name, def))
  }
  lines.push('', '#ifdef __cplusplus', '}', '#endif')
  const note = `Printed by scripts/headers.js from src/guest/imports-def.ts: each gives -errno or its result.`
  return guarded('IMPORTS', note, lines)
}

function declaration(name, { params }) {
  const list = Object.entries(params).map(([param, kind]) => {
    const type = C_TYPES[kind]
    return type.endsWith('*') ? `${type}${param}` : `${type} ${param}`
  })
  const parameters = list.length > 0 ? list.join(', ') : 'void'
  return `int __isopage_${name}(${parameters}) ISOPAGE_IMPORT(${name});`
}

function guarded(name, note, lines) {
  const guard = `ISOPAGE_${name}_H`
  return `/* ${note} */\n#ifndef ${guard}\n#define ${guard}\n\n${lines.join('\n')}\n\n#endif\n`
}
