/**
 * `npm test`: builds, runs every leg, two at a time, and prints what each one counted. A leg is one
 * runtime over the same test files, or the kernel's unit tests. One that is absent here is skipped
 * by name. The last line of the output is `N passed, N failed`.
 *
 *     npm test -- --only node,bun                   these legs
 *     npm test -- --only node -- tests/host -t word what stands after the second -- goes to vitest
 *     npm test -- --no-build                        what dist/ holds now
 *     npm test -- --check                           every leg, and `npm run check` as one more
 *     npm run soak                                  the full counts of random tests (tests/support/effort.ts says how much each runtime does)
 */

import { parseArgs, styleText } from 'node:util'
import { legNames, runLeg } from './legs.js'
import { root, run } from './run.js'

const USAGE =
  'usage: npm test -- [--check] [--soak] [--no-build] [--only <legs>] [-- <vitest arguments>]\n' +
  `legs: ${legNames.join(',')}`

const { only, build, vitestArgs } = readArguments(process.argv.slice(2))
if (build) await buildOrExit()
const results = await runLegs()
report(results)

/**
 * Browsers wait a good part of their time, for workers to start and to end: their legs run beside the others. What builds or measures has the machine
 * for itself, at the end.
 */
async function runLegs() {
  const beside = only.filter((name) => ['chromium', 'firefox'].includes(name))
  const last = only.filter((name) => ['bench', 'check'].includes(name))
  const others = only.filter((name) => !beside.includes(name) && !last.includes(name))
  const ran = await Promise.all([runInTurn(others), runInTurn(beside)])
  return [...ran.flat(), ...(await runInTurn(last))]
}

async function runInTurn(names) {
  const results = []
  for (const name of names) {
    console.log(styleText('bold', `\nisopage: ${name}`))
    results.push(await runLeg(name, vitestArgs))
  }
  return results
}

function readArguments(argv) {
  const split = argv.indexOf('--')
  const own = split < 0 ? argv : argv.slice(0, split)
  try {
    const { values } = parseArgs({
      args: own,
      allowNegative: true,
      options: {
        only: { type: 'string' },
        build: { type: 'boolean', default: true },
        check: { type: 'boolean', default: false },
        soak: { type: 'boolean', default: false },
      },
    })
    const only = values.only?.split(',') ?? legNames.filter((name) => isWanted(name, values))
    if (values.soak) beginSoak()
    const unknown = only.filter((name) => !legNames.includes(name))
    if (unknown.length > 0) throw new Error(`--only: no leg is named ${unknown.join(', ')}`)
    return { only, build: values.build, vitestArgs: split < 0 ? [] : argv.slice(split + 1) }
  } catch (error) {
    console.error(`isopage: ${error.message}\n${USAGE}`)
    process.exit(2)
  }
}

/** A plain `npm test` leaves out the checks of `npm run check`, and the bench, which takes minutes and belongs to the soak. */
function isWanted(name, { check, soak }) {
  return (name !== 'check' || check) && (name !== 'bench' || soak)
}

/** The legs inherit both: full counts, and hours to do them in. */
function beginSoak() {
  process.env.ISOPAGE_SOAK = '1'
  process.env.ISOPAGE_LEG_MINUTES ??= '240'
}

async function buildOrExit() {
  const { code } = await run(process.execPath, [`${root}scripts/build.js`], { timeoutMs: 300_000 })
  if (code === 0) return
  console.log('isopage: nothing was tested, because the build failed\n0 passed, 1 failed')
  process.exit(1)
}

/** @param {import('./legs.js').Result[]} results */
function report(results) {
  console.log(styleText('bold', '\nisopage: results'))
  console.table(Object.fromEntries(results.map((result) => [result.name, row(result)])))
  for (const { name, reason } of results) if (reason) console.log(`${name}: ${reason}`)
  for (const line of differences(results)) console.log(line)
  for (const { name, failures = [] } of results) {
    for (const failure of failures) console.log(`failed in ${name}: ${failure}`)
  }
  const sum = (key) => results.reduce((total, result) => total + result[key], 0)
  const [passed, failed, skipped] = ['passed', 'failed', 'skipped'].map(sum)
  process.exitCode = failed > 0 ? 1 : 0
  if (skipped > 0) console.log(`${skipped} skipped`)
  console.log(`${passed} passed, ${failed} failed`)
}

function row({ passed, failed, skipped, absent, elapsedMs }) {
  const seconds = Number((elapsedMs / 1000).toFixed(1))
  return { passed, failed, skipped, seconds, ran: absent ? 'no' : 'yes' }
}

/**
 * What has not the same outcome in all the runtimes that ran: a line for each test that failed somewhere, and one for all tests of a file
 * that differ alike (the file, or the test's own name, says which capability is missing where).
 */
function differences(results) {
  const ran = results.filter(({ tests, absent }) => tests && !absent)
  const names = new Set(ran.flatMap(({ tests }) => [...tests.keys()]))
  const groups = new Map()
  for (const test of [...names].sort()) {
    const outcomes = ran.map(({ name, tests }) => [name, tests.get(test) ?? 'absent'])
    const kinds = new Set(outcomes.map(([, outcome]) => outcome))
    if (kinds.size < 2) continue
    const where = kinds.has('failed') ? test : test.split(' > ')[0]
    const key = `${where}: ${outcomes.map((pair) => pair.join(' ')).join(', ')}`
    groups.set(key, [...(groups.get(key) ?? []), test])
  }
  return [...groups].map(([key, tests]) =>
    tests.length === 1
      ? `differs: ${tests[0]}: ${key.slice(key.indexOf(': ') + 2)}`
      : `differs: ${tests.length} tests of ${key}`,
  )
}
