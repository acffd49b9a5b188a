/**
 * The runtimes: each starts, runs measure/worker.js in a worker, and passes calls on to it. Node, Deno and Bun are child processes that
 * speak JSON lines (child.js), browsers are driven by puppeteer (page.html).
 */

import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import puppeteer from 'puppeteer-core'
import { browserPath } from '../scripts/browsers.js'
import { root } from '../scripts/run.js'
import { startServer } from './server.js'

const child = fileURLToPath(new URL('./child.js', import.meta.url))
const modules = `${root}node_modules`
/** A row may take long on a busy machine. */
const CALL_TIMEOUT_MS = 120_000
/** How long a runtime is given to end by itself. */
const END_TIMEOUT_MS = 5000

const starters = {
  node: (name) => startProcess(name, process.execPath, []),
  deno: (name) =>
    startProcess(name, `${modules}/deno/deno`, ['run', '-A', '--node-modules-dir=manual']),
  bun: (name) => startProcess(name, `${modules}/bun/bin/bun.exe`, []),
  chromium: (name, dir) => startBrowser(name, 'chrome', dir),
  firefox: (name, dir) => startBrowser(name, 'firefox', dir),
}

export const runtimeNames = Object.keys(starters)

/**
 * @typedef {object} Runtime
 * @property {string} name
 * @property {string} [absence] why it cannot run here; then there is nothing else
 * @property {string} version
 * @property {boolean} inBrowser
 * @property {(name: string, ...args: unknown[]) => Promise<any>} call
 * @property {() => Promise<void>} end
 */

/**
 * @param {string} name
 * @param {string} dir for what the runtime has to keep on disk meanwhile
 * @returns {Promise<Runtime>}
 */
export function startRuntime(name, dir) {
  return starters[name](name, dir)
}

async function startProcess(name, command, flags) {
  if (!existsSync(command)) return { name, absence: `${command} is not installed` }
  const started = spawn(command, [...flags, child], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]()
  const call = async (called, ...args) => {
    started.stdin.write(`${JSON.stringify({ called, args })}\n`)
    const { value } = await within(CALL_TIMEOUT_MS, lines.next(), `${name}: ${called}`)
    const { result, error } = JSON.parse(value ?? '{"error":"it ended"}')
    if (error !== undefined) throw new Error(`${name}: ${error}`)
    return result
  }
  const exited = new Promise((resolve) => started.once('exit', resolve))
  const end = async () => {
    started.stdin.end()
    const timer = setTimeout(() => started.kill('SIGKILL'), END_TIMEOUT_MS)
    await exited
    clearTimeout(timer)
  }
  return { name, version: await call('version'), inBrowser: false, call, end }
}

/** => what `promise` gives, unless that takes too long. */
async function within(milliseconds, promise, what) {
  let timer
  const late = new Promise((_, reject) => {
    const message = `${what} did not end within ${milliseconds / 1000} s`
    timer = setTimeout(() => reject(new Error(message)), milliseconds)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

async function startBrowser(name, browser, dir) {
  const executablePath = browserPath(name)
  if (!executablePath) return { name, absence: 'it is not installed: npm run browsers' }
  // A profile on disk: the file system of a private window is another one.
  const userDataDir = mkdtempSync(join(dir, `${name}-`))
  const server = await startServer()
  const launched = await puppeteer.launch({
    browser,
    executablePath,
    headless: true,
    userDataDir,
    protocolTimeout: CALL_TIMEOUT_MS, // of each call
    args: browser === 'chrome' ? ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] : [],
  })
  const page = await launched.newPage()
  await page.goto(`${server.origin}/bench/page.html`)
  const call = (called, ...args) =>
    page.evaluate((...given) => globalThis.callWorker(...given), called, ...args)
  const end = async () => {
    await launched.close()
    await server.end()
  }
  return { name, version: await launched.version(), inBrowser: true, call, end }
}
