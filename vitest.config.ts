/**
 * The same test files in every runtime: project `native` for whichever of Node, Deno and Bun runs
 * vitest, `chromium` and `firefox` for the browsers, driven from Node.
 */

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import type { BrowserConfigOptions } from 'vitest/node'

const inNode = !('Deno' in globalThis) && !('Bun' in globalThis)

/** A slow machine takes minutes to start a browser beside another leg. */
const CONNECT_MS = 300_000

/** Shared memory needs a page that is isolated from other origins. */
const isolation = {
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
}

const native: TestProjectInlineConfiguration = {
  extends: true,
  test: { name: 'native', environment: 'node', setupFiles: ['tests/support/under-way.ts'] },
}

export default defineConfig({
  server: { headers: isolation },
  // Known before a browser starts: what Vite finds in the middle of a run makes it load the page anew.
  optimizeDeps: { include: ['@wasmer/wasi', 'fast-check'], exclude: ['@yowasp/clang'] },
  test: {
    include: ['tests/{attack,conformance,guest,host,system,model,oracle}/**/*.test.ts'],
    fileParallelism: false,
    env: {
      ISOPAGE_SOAK: process.env.ISOPAGE_SOAK ?? '',
      ISOPAGE_SEED: process.env.ISOPAGE_SEED ?? '',
    },
    pool: 'forks',
    // A soak does twenty times as much; the leg's own limit bounds it.
    testTimeout: process.env.ISOPAGE_SOAK ? 3 * 3_600_000 : 300_000,
    hookTimeout: 300_000,
    projects: inNode ? [native, await chromium(), await firefox()] : [native],
  },
})

/** Compiled and run natively by the process that drives a page, when the page asks. */
async function guestPrograms() {
  return (await import('./tests/guest/build.ts')).guestPrograms()
}

async function runProgram(_page: unknown, name: string, args: string[], file: string) {
  return (await import('./tests/guest/build.ts')).runProgram(name, args, file)
}

async function chromium(): Promise<TestProjectInlineConfiguration> {
  const { playwright } = await import('@vitest/browser-playwright')
  const { browserPath } = await import('./scripts/browsers.js')
  // A profile on disk: OPFS in incognito is 40 to 300 times slower and ignores truncate.
  const provider = playwright({
    persistentContext: join(tmpdir(), `isopage-chromium-${process.pid}`),
    launchOptions: {
      executablePath: browserPath('chromium') ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    },
  })
  return browserProject('chromium', {
    enabled: true,
    headless: true,
    screenshotFailures: false,
    provider,
    instances: [{ browser: 'chromium' }],
  })
}

async function firefox(): Promise<TestProjectInlineConfiguration> {
  const { puppeteerFirefox } = await import('./tests/support/firefox-provider.ts')
  return browserProject('firefox', {
    enabled: true,
    headless: true,
    screenshotFailures: false,
    provider: puppeteerFirefox(),
    instances: [{ browser: 'firefox' }],
  })
}

/** `fileParallelism` stands beside `name`: inside `browser` it is not read. */
function browserProject(
  name: string,
  browser: BrowserConfigOptions,
): TestProjectInlineConfiguration {
  const commands = { guestPrograms, runProgram }
  const test = {
    name,
    fileParallelism: false,
    browser: { connectTimeout: CONNECT_MS, ...browser, commands },
  }
  return { extends: true, test }
}
