/**
 * The browsers that the tests drive: where they are, and on a Debian machine where we are root, how
 * they get there. `npm run browsers` runs this file; `npm test` calls it before the browser legs.
 */

import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { run } from './run.js'

/** @typedef {'chromium' | 'firefox'} BrowserName */

const APT_TIMEOUT_MS = 15 * 60_000
const APT_AGAIN = 3
const APT_AGAIN_MS = 20_000

const browsers = {
  chromium: {
    variable: 'ISOPAGE_CHROMIUM',
    commands: ['chromium', 'chromium-browser', 'google-chrome'],
    debianPackage: 'chromium',
  },
  firefox: {
    variable: 'ISOPAGE_FIREFOX',
    commands: ['firefox-esr', 'firefox'],
    debianPackage: 'firefox-esr',
  },
}

/**
 * The path of a browser's program, or undefined when there is none. A path in the environment
 * (ISOPAGE_CHROMIUM, ISOPAGE_FIREFOX) comes first.
 * @param {BrowserName} name
 * @returns {string | undefined}
 */
export function browserPath(name) {
  const { variable, commands } = browsers[name]
  const folders = (process.env.PATH ?? '').split(delimiter)
  const candidates = commands.flatMap((command) => folders.map((folder) => join(folder, command)))
  return [process.env[variable], ...candidates].find((path) => path && existsSync(path))
}

/**
 * Installs the missing ones of `names` by apt, where that is possible; never asks a question.
 * @param {readonly BrowserName[]} names
 * @returns {Promise<Map<BrowserName, string>>} for each one that is still absent, why
 */
export async function installBrowsers(names) {
  const missing = names.filter((name) => !browserPath(name))
  const refusal = missing.length > 0 ? (whyNotApt() ?? (await aptInstall(missing))) : undefined
  const absent = names.filter((name) => !browserPath(name))
  return new Map(absent.map((name) => [name, absence(name, refusal)]))
}

function absence(name, refusal) {
  return `${browsers[name].commands[0]} is not installed: ${refusal ?? 'apt did not bring it'}`
}

/** Why apt cannot be used here, or undefined. */
function whyNotApt() {
  if (!existsSync('/etc/debian_version')) return 'not a Debian system'
  if (process.getuid?.() !== 0) return 'not root, so apt was not tried'
  return undefined
}

/** Installs packages by apt; returns what failed, or undefined. */
async function aptInstall(names) {
  const packages = names.map((name) => browsers[name].debianPackage)
  console.log(`isopage: installing ${packages.join(' and ')} by apt for the browser tests`)
  const lock = ['-o', 'DPkg::Lock::Timeout=600', '-o', 'Acquire::Retries=3', '-q']
  const commands = [
    ['update', ...lock],
    ['install', '-y', '--no-install-recommends', ...lock, ...packages],
  ]
  const options = { env: { DEBIAN_FRONTEND: 'noninteractive' }, timeoutMs: APT_TIMEOUT_MS }
  for (const args of commands) {
    let { code } = await run('apt-get', args, options)
    for (let again = 0; code !== 0 && again < APT_AGAIN; again++) {
      await setTimeout(APT_AGAIN_MS) // another leg may have apt's lists
      code = (await run('apt-get', args, options)).code
    }
    if (code !== 0) return `apt-get ${args[0]} failed with exit code ${code}`
  }
  return undefined
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const absent = await installBrowsers(['chromium', 'firefox'])
  for (const reason of absent.values()) console.error(`isopage: ${reason}`)
  for (const name of /** @type {const} */ (['chromium', 'firefox'])) {
    if (!absent.has(name)) console.log(`${name}: ${browserPath(name)}`)
  }
  process.exitCode = absent.size > 0 ? 1 : 0
}
