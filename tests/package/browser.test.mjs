/** The installed package in a page that Vite bundled: no Node polyfill, and it runs in Chromium and Firefox. */

import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { tool, toolPath } from './tools.mjs'

const dist = join(import.meta.dirname, 'page-dist')
/** What a slow machine takes to start a browser, ms. */
const PATIENCE_MS = 240_000
const warnings = []
let server
let url

const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' }

before(async () => {
  const { build, createLogger } = await tool('vite/dist/node/index.js')
  const logger = createLogger('warn')
  const note = (message) => warnings.push(message)
  await build({
    root: join(import.meta.dirname, 'page'),
    base: './',
    configFile: false,
    customLogger: { ...logger, warn: note, warnOnce: note },
    build: { outDir: dist, emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0 },
    worker: { format: 'es' },
    // The compiler is a package of its own, which the user of this one installs.
    resolve: { alias: { '@yowasp/clang': toolPath('@yowasp/clang/gen/bundle.js') } },
  })
  server = createServer((request, response) => {
    const path = join(dist, request.url === '/' ? 'index.html' : request.url.split('?')[0])
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin')
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
    response.setHeader('Content-Type', TYPES[extname(path)] ?? 'application/octet-stream')
    try {
      response.end(readFileSync(path))
    } catch {
      response.writeHead(404).end()
    }
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${server.address().port}/`
})

after(() => server?.close())

test('the bundle has the kernel as a file and no Node module or polyfill', () => {
  const files = readdirSync(dist, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  assert.ok(files.some(({ name }) => name.endsWith('.wasm')))
  const external = warnings.filter(
    (warning) => /externalized for browser/.test(warning) && !warning.includes('@yowasp/clang'),
  )
  assert.deepEqual(external, [])
  for (const { parentPath, name } of files.filter((entry) => entry.name.endsWith('.js'))) {
    const code = readFileSync(join(parentPath, name), 'utf8')
    if (code.includes('llvm.core.wasm')) continue // the compiler, not ours
    assert.doesNotMatch(code, /__vite-browser-external|(?:from|import)\s*\(?["']node:/, name)
  }
})

const EXPECTED = {
  byUrl: 'seen',
  byBytes: 'seen',
  said: { first: 'first: segment 11, file 22\n', second: 'second: segment 11, file 22\n' },
}
const skipped = (name) => !process.env[name] && `${name} names no browser`

test('a page runs it in Chromium', { skip: skipped('ISOPAGE_CHROMIUM') }, async () => {
  const { chromium } = await tool('playwright/index.mjs')
  const profile = mkdtempSync(join(tmpdir(), 'chromium-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.ISOPAGE_CHROMIUM,
    timeout: PATIENCE_MS,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
  try {
    const page = await context.newPage()
    await page.goto(url, { timeout: PATIENCE_MS })
    await page.waitForFunction('globalThis.result', undefined, { timeout: 120_000 })
    assert.deepEqual(await page.evaluate('globalThis.result'), EXPECTED)
  } finally {
    await context.close()
    rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  }
})

test('a page runs it in Firefox', { skip: skipped('ISOPAGE_FIREFOX') }, async () => {
  const { default: puppeteer } = await tool('puppeteer-core/lib/puppeteer/puppeteer-core.js')
  const executablePath = process.env.ISOPAGE_FIREFOX
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath,
    headless: true,
    timeout: PATIENCE_MS,
  })
  try {
    const page = await browser.newPage()
    await page.goto(url, { timeout: PATIENCE_MS })
    await page.waitForFunction('globalThis.result', { timeout: 120_000 })
    assert.deepEqual(await page.evaluate('globalThis.result'), EXPECTED)
  } finally {
    await browser.close()
  }
})
