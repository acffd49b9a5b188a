/** The examples: run as files in Node, Deno and Bun, opened as the page in browsers; they print the same. */

import { expect, test } from 'vitest'
import { pause } from '../support/pause.ts'

const inBrowser = 'window' in globalThis
const { makePlace } = inBrowser ? ({} as never) : await import('./command.ts')
const SLOW = { timeout: 120_000 }

const EXAMPLES: Readonly<Record<string, readonly RegExp[]>> = {
  ring: [/^16 MiB through a ring of 64 KiB in [\d.]+ s$/, /^sent (\d+), received \1: equal$/],
  queue: [/^78498 primes below 1,000,000$/, /^3 workers took \d+, \d+, \d+ jobs, 100 in all$/],
  plugins: [
    /^capital +3 documents, 3 findings$/,
    /^long +3 documents, 3 findings$/,
    /^twice +3 documents, 1 findings$/,
    /^one table of 3 rows, and not one message$/,
  ],
  crash: [
    /^before: +1000 \+ 0 = 1000$/,
    /^a thread holds the lock and has taken 300$/,
    /^after its end: +700 \+ 0 = 700$/,
    /^the next to lock: EOWNERDEAD$/,
    /^mended: +700 \+ 300 = 1000$/,
    /^nothing is lost$/,
  ],
}

/** => what the page printed once the example is done. */
async function openPage(name: string): Promise<{ text: string; tables: string[] }> {
  const frame = document.createElement('iframe')
  frame.src = `/examples/index.html?run=${name}`
  document.body.append(frame)
  try {
    const state = () => frame.contentDocument?.documentElement?.dataset.state
    while (state() !== 'done' && state() !== 'failed') {
      await pause(20)
    }
    const page = frame.contentDocument as Document
    const view = page.querySelector('#kernel > div')?.shadowRoot
    const tables = [...(view?.querySelectorAll('h3') ?? [])].map((head) => head.textContent ?? '')
    return { text: page.querySelector('#output')?.textContent ?? '', tables }
  } finally {
    frame.remove()
  }
}

async function runFile(name: string): Promise<string> {
  using place = makePlace()
  const path = new URL(`../../examples/${name}.js`, import.meta.url)
  const { code, out, err } = await place.runFile(path)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return out
}

for (const [name, expected] of Object.entries(EXAMPLES)) {
  test(`${name} runs and prints what it should`, SLOW, async () => {
    const text = inBrowser ? (await openPage(name)).text : await runFile(name)
    const lines = text.trimEnd().split('\n')
    expect(lines).toEqual(expected.map((pattern) => expect.stringMatching(pattern)))
  })
}

test.skipIf(!inBrowser)('the page shows the kernel of its example', SLOW, async () => {
  const { tables } = await openPage('crash')
  expect(tables).toContain('Mappings')
  expect(tables).toContain('Shared memory segments')
})

test.skipIf(inBrowser)('each example has fewer than 60 lines', async () => {
  const { readFileSync } = await import('node:fs')
  const lines = Object.keys(EXAMPLES).map((name) => {
    const text = readFileSync(new URL(`../../examples/${name}.js`, import.meta.url), 'utf8')
    return text.trimEnd().split('\n').length
  })
  expect(Math.max(...lines)).toBeLessThan(60)
})
