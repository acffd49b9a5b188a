/**
 * A vitest browser provider that drives the system's Firefox ESR by puppeteer (WebDriver BiDi):
 * Playwright only drives its own patched Firefox.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineBrowserProvider } from '@vitest/browser'
import puppeteer, { type Browser, type Page } from 'puppeteer-core'
import type { BrowserProvider, BrowserProviderOption, TestProject } from 'vitest/node'
import { browserPath } from '../../scripts/browsers.js'

type ProjectBrowser = NonNullable<TestProject['browser']>

/** The provider, for `browser.provider` of a vitest project. */
export function puppeteerFirefox(): BrowserProviderOption {
  return defineBrowserProvider({
    name: 'puppeteer-firefox',
    supportedBrowser: ['firefox'],
    providerFactory: (project) => new FirefoxProvider(project),
  })
}

class FirefoxProvider implements BrowserProvider {
  readonly name = 'puppeteer-firefox'
  readonly supportsParallelism = false
  readonly #pages = new Map<string, Page>()
  #browser: Promise<Browser> | undefined
  #profile: string | undefined

  constructor(project: TestProject) {
    // vitest calls it for each file though its types keep it private; pages keep their size.
    const viewport = '__vitest_viewport' as Parameters<ProjectBrowser['registerCommand']>[0]
    project.browser?.registerCommand(viewport, async () => {})
  }

  getCommandsContext(sessionId: string): Record<string, unknown> {
    return { page: this.#pages.get(sessionId) }
  }

  async openPage(sessionId: string, url: string): Promise<void> {
    this.#browser ??= this.#launch()
    const page = await (await this.#browser).newPage()
    this.#pages.set(sessionId, page)
    await page.goto(url, { timeout: 0 }) // vitest has a limit of its own
  }

  async close(): Promise<void> {
    const browser = await this.#browser?.catch(() => undefined)
    this.#browser = undefined
    await browser?.close()
    if (this.#profile) await rm(this.#profile, { recursive: true, force: true, maxRetries: 5 })
  }

  async #launch(): Promise<Browser> {
    const executablePath = browserPath('firefox')
    if (!executablePath) throw new Error('Firefox is not installed: npm run browsers')
    this.#profile = await mkdtemp(join(tmpdir(), 'isopage-firefox-'))
    return puppeteer.launch({
      browser: 'firefox',
      executablePath,
      headless: true,
      timeout: 240_000,
      protocolTimeout: 600_000,
      userDataDir: this.#profile,
    })
  }
}
