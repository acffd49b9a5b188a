/**
 * `npm run check`: format and lint, the types of the host, the tests and the kernel, the house
 * rules, and whether the printed C headers are fresh. Runs all of them, whichever fails, and exits with 1 when any did.
 */

import { root, run } from './run.js'

const modules = `${root}node_modules`
const tsc = `${modules}/typescript/bin/tsc`

// First of all: the tests take the types of dist/.
if (!(await passes('build', `${root}scripts/build.js`))) process.exit(1)
const checks = [
  ['format and lint', `${modules}/@biomejs/biome/bin/biome`, 'check', '--error-on-warnings', '.'],
  ['types of src/', tsc, '--noEmit', '-p', 'tsconfig.json'],
  ['types of tests/', tsc, '-p', 'tests'],
  ['types of assembly/', tsc, '-p', 'assembly'],
  ['types of tests/kernel/', tsc, '-p', 'tests/kernel'],
  ['house rules', `${root}scripts/house.js`],
  ['C headers', `${root}scripts/headers.js`, '--check'],
]
const failed = []
for (const [name, ...command] of checks) if (!(await passes(name, ...command))) failed.push(name)
if (failed.length > 0) {
  console.error(`isopage: check failed: ${failed.join(', ')}`)
  process.exitCode = 1
}

async function passes(name, ...command) {
  const { code } = await run(process.execPath, command, { timeoutMs: 300_000 })
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'} ${name}`)
  return code === 0
}
