/**
 * The legs of the test run: what each one starts, and how its outcome is counted.
 * Invariant: a leg that did not report is one failure at least; it never counts as passed.
 */

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join, relative } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { browserPath, installBrowsers } from './browsers.js'
import { failuresOfKernel, failuresOfTap, failuresOfVitest } from './failures.js'
import { root, run } from './run.js'

/**
 * @typedef {object} Result
 * @property {string} name
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped tests that were skipped; 1 for a leg that is absent
 * @property {boolean} absent the leg could not run here
 * @property {string} [reason] why it is absent, or what failed besides tests
 * @property {string[]} [failures] what failed and how (failures.js)
 * @property {Map<string, string>} [tests] outcome by test name, where the leg runs the common files
 * @property {number} elapsedMs
 */

const modules = `${root}node_modules`
const vitest = `${modules}/vitest/vitest.mjs`

/**
 * Longer than any leg takes on two slow cores; a leg past it hangs, and is killed. In the
 * environment, ISOPAGE_LEG_MINUTES sets another limit.
 */
const legTimeoutMs = () => Number(process.env.ISOPAGE_LEG_MINUTES ?? 20) * 60_000

const nativeLeg = (command, flags, more = []) => ({
  absence: () => (existsSync(command) ? undefined : `${relative(root, command)} is not installed`),
  start: (args, where) =>
    runVitest(command, [...flags, vitest, 'run', '--project', 'native', ...more], args, where),
})

const browserLeg = (browser) => ({
  absence: async () => (await installBrowsers([browser])).get(browser),
  start: (args, where) =>
    runVitest(process.execPath, [vitest, 'run', '--project', browser], args, where),
})

const legs = {
  kernel: { absence: () => undefined, start: runKernelUnits },
  node: nativeLeg(process.execPath, []),
  deno: nativeLeg(
    `${modules}/deno/deno`,
    ['run', '-A', '--node-modules-dir=manual'],
    ['--pool=forks'],
  ),
  bun: nativeLeg(`${modules}/bun/bin/bun.exe`, ['--bun']),
  chromium: browserLeg('chromium'),
  firefox: browserLeg('firefox'),
  package: {
    absence: () => (systemNode() ? undefined : 'no node on the PATH besides the one of tools/'),
    start: runPackage,
  },
  bench: { absence: () => undefined, start: runBench },
  check: { absence: () => undefined, start: runCheck },
}

/** The names of all legs, in the order in which they run. */
export const legNames = Object.keys(legs)

/**
 * Runs one leg with a temporary folder of its own, removed afterwards.
 * @param {string} name one of legNames
 * @param {readonly string[]} vitestArgs arguments for the legs that run vitest
 * @returns {Promise<Result>}
 */
export async function runLeg(name, vitestArgs) {
  const startMs = performance.now()
  const finish = (outcome) => ({
    name,
    passed: 0,
    failed: 0,
    skipped: 0,
    absent: false,
    ...outcome,
    elapsedMs: performance.now() - startMs,
  })
  const absence = await legs[name].absence()
  if (absence) {
    console.log(`isopage: ${name} is skipped: ${absence}`)
    return finish({ skipped: 1, absent: true, reason: `skipped: ${absence}` })
  }
  const where = mkdtempSync(join(realpathSync(tmpdir()), `isopage-${name}-`))
  try {
    return finish(withReason(await legs[name].start(vitestArgs, where)))
  } finally {
    rmSync(where, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  }
}

/** What the process itself says on top of its report: a bad end with a good report is a failure. */
function withReason({ code, timedOut, underWay, ...counts }) {
  const minutes = legTimeoutMs() / 60_000
  const where = underWay === undefined ? '' : `; under way: ${underWay}`
  if (timedOut) return failing(counts, `killed after ${minutes} minutes without an end${where}`)
  if (code !== 0 && !counts.failed) return failing(counts, `ended with exit code ${code}${where}`)
  if (!counts.passed && !counts.failed) return failing(counts, 'ran no test')
  return counts
}

function failing(counts, reason) {
  return { ...counts, failed: (counts.failed ?? 0) + 1, reason }
}

/** The environment that keeps what a leg writes inside its own folder. */
function legEnvironment(where) {
  return { TMPDIR: where, DENO_NO_UPDATE_CHECK: '1', NO_UPDATE_NOTIFIER: '1' }
}

async function runVitest(command, args, vitestArgs, where) {
  const [reportPath, underWayPath, failuresPath] = ['report.json', 'under-way', 'failures'].map(
    (name) => join(where, name),
  )
  const own = ['under-way', 'failures'].map((name) => `${root}scripts/${name}.js`)
  const reporters = ['default', 'json', ...own].map((name) => `--reporter=${name}`)
  const output = `--outputFile.json=${reportPath}`
  const { code, timedOut } = await run(command, [...args, ...reporters, output, ...vitestArgs], {
    env: {
      ...legEnvironment(where),
      ISOPAGE_UNDER_WAY: underWayPath,
      ISOPAGE_FAILURES: failuresPath,
    },
    timeoutMs: legTimeoutMs(),
  })
  const ended = { code, timedOut, failures: failuresOfVitest(failuresPath) }
  if (!existsSync(reportPath)) return { ...ended, underWay: textOf(underWayPath) }
  return { ...ended, ...countVitest(JSON.parse(readFileSync(reportPath, 'utf8'))) }
}

function textOf(path) {
  return existsSync(path) ? readFileSync(path, 'utf8') : 'no test'
}

/** Counts a report of vitest's JSON reporter; a file that could not be loaded is one failure. */
function countVitest({ testResults }) {
  const tests = new Map()
  for (const { name, status, assertionResults } of testResults) {
    const file = relative(root, name)
    for (const test of assertionResults) tests.set(`${file} > ${test.fullName}`, test.status)
    if (status === 'failed' && !assertionResults.some((test) => test.status === 'failed')) {
      tests.set(file, 'failed')
    }
  }
  const outcomes = [...tests.values()]
  const passed = outcomes.filter((outcome) => outcome === 'passed').length
  const failed = outcomes.filter((outcome) => outcome === 'failed').length
  return { tests, passed, failed, skipped: outcomes.length - passed - failed }
}

async function runKernelUnits(_vitestArgs, where) {
  const config = ['as-pect.config.js', 'as-pect.asconfig.json'].map(
    (file) => `tests/kernel/${file}`,
  )
  const args = ['--config', config[0], '--as-config', config[1], '--summary']
  const { code, timedOut, output } = await run(
    process.execPath,
    [`${modules}/@as-pect/cli/bin/asp.js`, ...args],
    { env: legEnvironment(where), capture: true, timeoutMs: legTimeoutMs() },
  )
  const counted = /\[Tests\]: (\d+) \/ (\d+)/.exec(stripVTControlCharacters(output))
  if (!counted) return { code, timedOut }
  const [passed, total] = counted.slice(1).map(Number)
  return { code, timedOut, passed, failed: total - passed, failures: failuresOfKernel(output) }
}

/** The first node on the PATH that no node_modules brought: the one that a user of this machine has. */
function systemNode() {
  const program = process.platform === 'win32' ? 'node.exe' : 'node'
  return process.env.PATH?.split(delimiter)
    .filter((folder) => folder && !folder.includes('node_modules'))
    .map((folder) => join(folder, program))
    .find((path) => existsSync(path))
}

/** Where the browsers are, for tests that a Node without our scripts runs. */
async function packageBrowsers() {
  await installBrowsers(['chromium', 'firefox'])
  return {
    ISOPAGE_CHROMIUM: browserPath('chromium') ?? '',
    ISOPAGE_FIREFOX: browserPath('firefox') ?? '',
  }
}

/** Packs the package, installs it in an empty project, and runs tests/package/ there. */
async function runPackage(_vitestArgs, where) {
  const app = join(where, 'app')
  mkdirSync(app)
  const found = await packageBrowsers()
  const env = { ...legEnvironment(where), ISOPAGE_MODULES: modules, ...found }
  const options = { env, timeoutMs: legTimeoutMs() }
  const pack = ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', where]
  const packed = await run('npm', pack, options)
  if (packed.code !== 0) return packed
  const tarball = join(where, readdirSync(where).find((name) => name.endsWith('.tgz')) ?? '')
  const install = [
    'install',
    '--prefix',
    app,
    '--offline',
    '--ignore-scripts',
    '--no-save',
    tarball,
  ]
  const installed = await run('npm', install, options)
  if (installed.code !== 0) return installed
  const scripts = readdirSync(`${root}tests/package`)
  cpSync(`${root}tests/package`, app, { recursive: true })
  const tests = scripts.filter((name) => name.endsWith('.test.mjs')).map((name) => join(app, name))
  await run(systemNode(), ['-p', '"isopage: the package on Node " + process.version'], options)
  return runTap(systemNode(), tests, options)
}

/** The bench: its programs, and one round a sample in every runtime: that it runs and what its JSON looks like. */
function runBench(_vitestArgs, where) {
  const options = { env: legEnvironment(where), timeoutMs: legTimeoutMs() }
  const files = ['guests', 'shape'].map((name) => `${root}tests/bench/${name}.test.mjs`)
  return runTap(process.execPath, files, options)
}

/** Runs files of node:test. */
async function runTap(node, tests, options) {
  const flags = ['--test', '--test-reporter=tap']
  const whole = { ...options, capture: true }
  const { code, timedOut, output } = await run(node, [...flags, ...tests], whole)
  return { code, timedOut, ...countTap(output) }
}

/** The counts at the end of what node:test prints as TAP; none when it did not get there. */
function countTap(output) {
  const count = (word) => Number(new RegExp(`^# ${word} (\\d+)$`, 'm').exec(output)?.[1] ?? 0)
  const skipped = count('skipped') + count('todo')
  const failed = count('fail') + count('cancelled')
  return { passed: count('pass'), failed, skipped, failures: failuresOfTap(output) }
}

async function runCheck(_vitestArgs, where) {
  const { code, timedOut, output } = await run(process.execPath, [`${root}scripts/check.js`], {
    env: legEnvironment(where),
    capture: true,
    timeoutMs: legTimeoutMs(),
  })
  const count = (word) => output.match(new RegExp(`^${word} `, 'gm'))?.length ?? 0
  return { code, timedOut, passed: count('ok    '), failed: count('FAILED') }
}
