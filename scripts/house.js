/**
 * The rules of the house that biome does not know: which folder may import from which, no cycles
 * (imports of types included), and no file that nobody imports. Biome counts lines.
 */

import { globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { root } from './run.js'

/** Folders, and the beginnings of the paths that files there may import. The longest match rules. */
const mayImport = {
  'assembly/': ['assembly/'],
  'src/': ['src/', 'assembly/abi.ts', 'assembly/ipcabi.ts'],
  'src/providers/': ['src/providers/', 'assembly/abi.ts', 'assembly/ipcabi.ts'],
  'scripts/': [
    'scripts/',
    'src/cli/index.ts',
    'src/guest/imports-def.ts',
    'src/guest/cc/',
    'assembly/abi.ts',
    'assembly/ipcabi.ts',
  ],
  'bench/': ['bench/', 'scripts/', 'src/index.ts', 'src/guest/index.ts', 'src/guest/cc/'],
  'examples/': ['examples/', 'src/index.ts', 'src/inspect/index.ts', 'src/guest/cc/index.ts'],
  'tests/': ['tests/', 'scripts/', 'src/', 'assembly/abi.ts', 'assembly/ipcabi.ts'],
  'tests/kernel/': ['tests/kernel/', 'assembly/'],
}

/** Files that are started, not imported: by a user, npm, a test runner or a new thread. */
const entries = [
  /^assembly\/index\.ts$/,
  /^src\/index\.ts$/,
  /^src\/(cli|guest|guest\/cc|inspect)\/index\.ts$/,
  /^tests\/support\/under-way\.ts$/,
  /^tests\/system\/inspected\.program\.ts$/,
  /^scripts\/(build|check|headers|house|plugins|require-node|start|sysroot|test|under-way|workers)\.js$/,
  /^bench\/(index|page)\.js$/,
  /^examples\/(?!threads)\w+\.js$/,
  /^examples\/plugins\/\w+\.ts$/,
  /^tests\/package\/page\/main\.js$/,
  /\.d\.ts$/,
  /\.(test|spec)\.ts$/,
  /^tests\/kernel\/as-pect\.config\.js$/,
]

const IMPORT = /(?:^|[^\w.])(?:from|import\(?|new URL\()\s*['"](\.{1,2}\/[^'"]+)['"]/g

const roots = '{assembly,bench,examples,src,scripts,tests}/**/*.{ts,js}'
const files = globSync(roots, { cwd: root }).map((path) => path.replaceAll('\\', '/'))
const graph = new Map(files.map((file) => [file, importsOf(file)]))
const problems = [...forbidden(), ...cycles(), ...orphans()]
for (const problem of problems) console.error(`house: ${problem}`)
process.exitCode = problems.length > 0 ? 1 : 0

/** The files of this repository that `file` names in imports and in URLs of threads. */
function importsOf(file) {
  const code = readFileSync(join(root, file), 'utf8').replace(/^\s*(\*|\/\*|\/\/).*$/gm, '')
  const named = [...code.matchAll(IMPORT)].map(([, path]) => join(dirname(file), path))
  return named.flatMap((path) => sourceOf(path) ?? [])
}

/** The source that an import path means: no ending in assembly/, `.js` or dist/ for TypeScript. */
function sourceOf(path) {
  const source = path.replaceAll('\\', '/').replace(/^dist\//, '')
  const candidates = [source, `${source}.ts`, source.replace(/\.js$/, '.ts'), `${source}/index.ts`]
  return candidates.find((candidate) => files.includes(candidate))
}

function forbidden() {
  return [...graph].flatMap(([file, imports]) => {
    const allowed = allowedFor(file)
    const wrong = imports.filter((path) => !allowed.some((prefix) => path.startsWith(prefix)))
    return wrong.map((path) => `${file} may not import ${path}: only ${allowed.join(', ')}`)
  })
}

function allowedFor(file) {
  const folders = Object.keys(mayImport).filter((folder) => file.startsWith(folder))
  return mayImport[folders.sort((a, b) => b.length - a.length)[0]]
}

/** Each cycle once, by the file at which the search closed it. */
function cycles() {
  const found = []
  const done = new Set()
  const visit = (file, path) => {
    if (path.includes(file)) {
      found.push(
        `imports go in a circle: ${[...path.slice(path.indexOf(file)), file].join(' -> ')}`,
      )
      return
    }
    if (done.has(file)) return
    for (const next of graph.get(file)) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return found
}

function orphans() {
  const imported = new Set([...graph.values()].flat())
  for (const path of importsOf('vitest.config.ts')) imported.add(path)
  return files
    .filter((file) => !imported.has(file) && !entries.some((entry) => entry.test(file)))
    .map((file) => `${file} is imported by no file`)
}
