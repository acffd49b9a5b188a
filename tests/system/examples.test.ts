/** The examples: run as files in Node, Deno and Bun, opened as the page in browsers; they print the same. */

import { expect, test } from 'vitest'
import { pause } from '../support/pause.ts'

const inBrowser = 'window' in globalThis
const { makePlace } = inBrowser ? ({} as never) : await import('./command.ts')

const EXAMPLES: Readonly<Record<string, readonly RegExp[]>> = {
  ring: [/^16 MiB through a ring of 64 KiB in [\d.]+ s$/, /^sent (\d+), received \1: equal$/],
  queue: [/^78498 primes below 1,000,000$/, /^3 workers took \d+, \d+, \d+ jobs, 100 in all$/],
  plugins: [
    /^capital +3 documents, 3 findings$/,
    /^long +3 documents, 3 findings$/,
    /^twice +3 documents, 1 findings$/,
    /^one table of 3 rows, and not one message$/,
  ],
  modules: [
    /^C added up: +780$/,
    /^AssemblyScript moved: +3 times$/,
    /^the host reads: +table 360, chair 300, lamp 120, shelf 0$/,
    /^after it is unmapped: +SIGSEGV at 0x8[0-9a-f]{7}, and the host goes on$/,
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

/** vitest has each dynamic import of a page go through this of its own. */
const RUNNER = '__vitest_browser_runner__'
type Shared = Record<typeof RUNNER, unknown>

/** Opens a page of the examples until it is done. => what `look` takes from it. */
async function openPage<T>(path: string, look: (page: Document) => T): Promise<T> {
  const frame = document.createElement('iframe')
  frame.src = `/examples/${path}`
  document.body.append(frame)
  try {
    const state = () => frame.contentDocument?.documentElement?.dataset.state
    while (state() !== 'done' && state() !== 'failed') {
      const page = frame.contentWindow as unknown as Shared
      page[RUNNER] ??= (globalThis as unknown as Shared)[RUNNER]
      await pause(5)
    }
    return look(frame.contentDocument as Document)
  } finally {
    frame.remove()
  }
}

function openExample(name: string): Promise<{ text: string; tables: string[] }> {
  return openPage(`index.html?run=${name}`, (page) => {
    const view = page.querySelector('#kernel > div')?.shadowRoot
    const tables = [...(view?.querySelectorAll('h3') ?? [])].map((head) => head.textContent ?? '')
    return { text: page.querySelector('#output')?.textContent ?? '', tables }
  })
}

async function runFile(name: string): Promise<string> {
  using place = makePlace()
  const path = new URL(`../../examples/${name}.js`, import.meta.url)
  const { code, out, err } = await place.runFile(path)
  expect({ code, err }).toEqual({ code: 0, err: '' })
  return out
}

for (const [name, expected] of Object.entries(EXAMPLES)) {
  test(`${name} runs and prints what it should`, async () => {
    const text = inBrowser ? (await openExample(name)).text : await runFile(name)
    const lines = text.trimEnd().split('\n')
    expect(lines).toEqual(expected.map((pattern) => expect.stringMatching(pattern)))
  })
}

test.skipIf(!inBrowser)('the page shows the kernel of its example', async () => {
  const { tables } = await openExample('crash')
  expect(tables).toContain('Mappings')
  expect(tables).toContain('Shared memory segments')
})

test.skipIf(!inBrowser)('a page compiles C and runs it as two processes', async () => {
  const { said, rights, messages } = await openPage('c.html?run', (page) => ({
    said: texts(page, '#processes pre').map((text) => text.trimEnd().split('\n')),
    rights: texts(page, 'tbody tr:first-child td:nth-child(2)'),
    messages: texts(page, '#messages:not([hidden])'),
  }))
  const turn = (name: string) =>
    expect.stringMatching(`^${name} reads "(round \\d, from process \\d+)?"$`)
  const notes = 'the file says: first 0; second 0; first 1; second 1; first 2; second 2; '
  expect(messages).toEqual([])
  expect(said).toEqual(
    ['first', 'second'].map((name) => [turn(name), turn(name), turn(name), notes.trimEnd()]),
  )
  expect(rights).toEqual(['rw-s', 'rw-s'])
})

function texts(page: Document, selector: string): string[] {
  return [...page.querySelectorAll(selector)].map((found) => found.textContent ?? '')
}

test.skipIf(inBrowser)('each example has fewer than 60 lines', async () => {
  const { readFileSync } = await import('node:fs')
  const lines = Object.keys(EXAMPLES).map((name) => {
    const text = readFileSync(new URL(`../../examples/${name}.js`, import.meta.url), 'utf8')
    return text.trimEnd().split('\n').length
  })
  expect(Math.max(...lines)).toBeLessThan(60)
})
