/**
 * `npm run bench`: Isopage through its public API against what it stands for, in every runtime that is here.
 *
 *     npm run bench                                              every row in Node, Deno, Bun, Chromium and Firefox
 *     npm run bench -- --only map-touch,boot --runtime node      these
 *     npm run bench -- --only guest-private --runtime node       all rows of a group
 *     npm run bench -- --runs 31 --json FILE                     31 pairs of samples a row; the figures as JSON
 *     npm run bench -- --tiny                                    one round a sample: to see that it runs
 *     npm run bench -- --dir DIR                                 the folder, and so the disk, of the mapped files
 *
 * Ours and the peer take turns in one run; a figure is the median of its samples. What is absent here (a runtime, a C compiler) is
 * skipped by name.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { root, run } from '../scripts/run.js'
import { compiled, hasSqlite } from './guests.js'
import { printMachine } from './machine.js'
import { startNative } from './native.js'
import { printRows, printSizes } from './report.js'
import { FILE_BYTES, rows } from './rows.js'
import { runtimeNames, startRuntime } from './runtimes.js'
import { meanOf, sample } from './sample.js'
import { measureSizes } from './sizes.js'

const RUNS_MIN = 9
const TINY_FILE_BYTES = 2 ** 20
const USAGE =
  'usage: npm run bench -- [--only <rows>] [--runtime <runtimes>] [--runs <n>] [--json <file>] [--dir <folder>] [--tiny] [--no-build]\n' +
  `rows: ${rows.map(({ name }) => name).join(',')}\nruntimes: ${runtimeNames.join(',')}`

const options = readArguments()
if (options.build) await buildOrExit()
mkdirSync(options.dir, { recursive: true })
const dir = mkdtempSync(join(options.dir, 'bench-'))
try {
  const results = await measureAll(dir)
  printRows(results)
  printSizes(await measureSizes())
  if (options.json) writeFileSync(options.json, `${JSON.stringify(results, null, 2)}\n`)
} finally {
  rmSync(dir, { recursive: true, force: true })
}

function readArguments() {
  try {
    const { values } = parseArgs({
      allowNegative: true,
      options: {
        only: { type: 'string' },
        runtime: { type: 'string' },
        runs: { type: 'string', default: String(RUNS_MIN) },
        json: { type: 'string' },
        dir: { type: 'string', default: `${root}build` },
        tiny: { type: 'boolean', default: false },
        build: { type: 'boolean', default: true },
      },
    })
    const runs = Number(values.runs)
    if (!(Number.isInteger(runs) && runs >= 1))
      throw new Error('--runs: not a whole number above 0')
    const allRows = rows.map(({ name }) => name)
    return {
      ...values,
      runs,
      dir: resolve(values.dir),
      only: rowsOf(listOf('--only', values.only, [...allRows, ...groupsOf(rows)])),
      runtimes: listOf('--runtime', values.runtime, runtimeNames),
    }
  } catch (error) {
    console.error(`isopage: ${error.message}\n${USAGE}`)
    process.exit(2)
  }
}

/** The names in a comma-separated list; all when it is not given. */
function listOf(option, list, all) {
  const names = list?.split(',') ?? all
  const unknown = names.filter((name) => !all.includes(name))
  if (unknown.length > 0) throw new Error(`${option}: there is no ${unknown.join(', ')}`)
  return names
}

function groupsOf(these) {
  return [...new Set(these.flatMap(({ group }) => group ?? []))]
}

/** The rows of names of rows and groups. */
function rowsOf(names) {
  const wanted = rows.filter(({ name, group }) => names.includes(name) || names.includes(group))
  return wanted.map(({ name }) => name)
}

async function buildOrExit() {
  const { code } = await run(process.execPath, [`${root}scripts/build.js`], { timeoutMs: 300_000 })
  if (code !== 0) process.exit(1)
}

async function measureAll(dir) {
  const fileBytes = options.tiny ? TINY_FILE_BYTES : FILE_BYTES
  const native = await startNative(dir, fileBytes)
  const results = []
  printMachine()
  try {
    for (const name of options.runtimes) {
      results.push(...(await measureRuntime(name, native, { dir, fileBytes })))
    }
  } finally {
    native.end()
  }
  return results
}

/** All rows in one runtime. A row that fails is named, and the runtime started anew for the next. */
async function measureRuntime(name, native, where) {
  const results = []
  let runtime
  for (const row of wantedRows()) {
    if (row.peerRow && native.absence) {
      console.log(`isopage: ${row.name} is skipped: ${native.absence}`)
      continue
    }
    if (row.parts) {
      results.push(...[meanOf(row, results) ?? []].flat())
      continue
    }
    const guest = await guestOf(row)
    if (guest.absence) {
      console.log(`isopage: ${row.name} is skipped: ${guest.absence}`)
      continue
    }
    runtime ??= await startRuntime(name, where.dir)
    if (runtime.absence) {
      console.log(`isopage: ${name} is skipped: ${runtime.absence}`)
      return []
    }
    console.error(`isopage: ${name}: ${row.name}`) // progress
    const dir = runtime.inBrowser ? 'bench' : where.dir
    const place = { dir, fileBytes: where.fileBytes, guest: guest.module }
    try {
      results.push(await sample({ row, runtime, native, where: place, runs: options.runs }))
    } catch (error) {
      console.error(`isopage: ${name}: ${row.name} failed: ${error.message}`)
      process.exitCode = 1
      await runtime.end()
      runtime = undefined
    }
  }
  console.log(`isopage: ${name}: ${runtime?.version ?? 'ended'}`)
  await runtime?.end()
  return results
}

/** => the module of a row that has one, or why it cannot be had. */
async function guestOf({ program }) {
  if (!program) return {}
  if (program === 'sqlite' && options.tiny && !hasSqlite())
    return { absence: 'SQLite is not compiled yet' }
  try {
    return { module: await compiled(program) }
  } catch (error) {
    return { absence: error.message }
  }
}

function wantedRows() {
  const chosen = rows.filter(({ name }) => options.only.includes(name))
  if (!options.tiny) return chosen
  return chosen.map((row) => ({ ...row, count: row.tinyCount ?? 1, warmMs: 0 }))
}
