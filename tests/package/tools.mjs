/** What the tests of the installed package run: programs of the repository, and processes with a time limit. */

import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'

/** node_modules of the repository: set by scripts/legs.js. */
const modules = process.env.ISOPAGE_MODULES

/** The runtimes, each with what stands before the file. A runtime that is not there has no entry. */
export const runtimes = Object.entries({
  node: [process.execPath],
  deno: [join(modules, 'deno/deno'), 'run', '-A', '--node-modules-dir=manual'],
  bun: [join(modules, 'bun/bin/bun.exe')],
}).filter(([, [program]]) => existsSync(program))

/** A package of the repository's node_modules, imported. */
export function tool(path) {
  return import(pathToFileURL(join(modules, path)).href)
}

/** The path of a program in the repository's node_modules. */
export function toolPath(path) {
  return join(modules, path)
}

/** Runs a program in the project. Rejects, with what it printed, when it fails or takes two minutes. */
export function run(program, ...args) {
  const env = { ...process.env, DENO_NO_UPDATE_CHECK: '1' }
  return promisify(execFile)(program, args, { cwd: import.meta.dirname, env, timeout: 120_000 })
}

/** A file of the installed package, as text. */
export function packaged(path) {
  return readFileSync(join(import.meta.dirname, 'node_modules/isopage', path), 'utf8')
}
