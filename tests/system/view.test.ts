/** `inspectView(kernel, element)` of isopage/inspect: the live view in a page. */

import { describe, expect, test } from 'vitest'
import { boot, IPC, type Kernel, MAP, O, SHM } from '../../dist/src/index.js'
import { pause } from '../support/pause.ts'

const inBrowser = 'window' in globalThis
const { inspectView } = inBrowser ? await import('../../dist/src/inspect/index.js') : ({} as never)

/** A kernel with something of everything, shown. */
async function show() {
  const kernel = await boot({ memory: '16MiB' })
  const p = kernel.process()
  const q = kernel.process({ uid: 1000, parent: p.pid })
  p.shmat(p.shmget(0x51, 5000, IPC.CREAT | 0o640)).write(0, new Uint8Array(1))
  const own = q.mmap({ length: 4 * 4096, flags: MAP.PRIVATE | MAP.ANONYMOUS })
  own.write(0, new Uint8Array(1))
  p.msgsnd(p.msgget(0x52, IPC.CREAT | 0o600), 1, new Uint8Array(100))
  p.semget(0x53, 2, IPC.CREAT | 0o600)
  p.shm_open('/table', O.CREAT | O.RDWR)
  const place = document.createElement('div')
  document.body.append(place)
  const view = inspectView(kernel, place, { everyMs: 3_600_000 })
  const root = place.querySelector('div')?.shadowRoot as ShadowRoot
  return { kernel, p, place, view, root, end: () => endOf(kernel, place) }
}

async function endOf(kernel: Kernel, place: Element) {
  place.remove()
  await kernel.close()
}

/** Rows of the table with that name, each as its cells. */
function rows(root: ShadowRoot, name: string): (string | null)[][] {
  const lines = root.querySelectorAll(`table[aria-label="${name}"] tbody tr`)
  return [...lines].map((line) => [...line.children].map(({ textContent }) => textContent))
}

describe.skipIf(!inBrowser)('the view', () => {
  test('shows processes, mappings, pages and every kind of object', async () => {
    const { root, end } = await show()
    expect(rows(root, 'Processes')).toEqual([
      ['1', '-', '0', '0', '1', '1'],
      ['2', '1', '1000', '0', '1', '1'],
    ])
    expect(rows(root, 'Mappings').map((cells) => [cells[0], cells[2], cells.at(-1)])).toEqual([
      ['1', 'rw-s', 'segment 0'],
      ['2', 'rw-p', '[anon]'],
    ])
    expect(rows(root, 'Shared memory segments')).toEqual([
      ['0x00000051', '0', '0', '640', '5,000', '1', '1', '1', ''],
    ])
    expect(rows(root, 'Message queues')[0]?.slice(0, 6)).toEqual([
      ...['0x00000052', '0', '0', '600', '1', '100'],
    ])
    expect(rows(root, 'Semaphore sets')[0]?.slice(4, 6)).toEqual(['2', '0 0'])
    expect(rows(root, 'POSIX shared memory')).toEqual([['/table', '0', '600', '0']])
    expect(root.querySelector('[role=img]')?.getAttribute('aria-label')).toMatch(/^resident 1/)
    await end()
  })

  test('shows what changed at the next look, and keeps the focus', async () => {
    const { kernel, p, view, root, end } = await show()
    const button = root.querySelectorAll<HTMLElement>('td button')[1] as HTMLElement
    button.focus()
    button.click()
    expect(root.querySelector('[role=img]')?.getAttribute('aria-label')).toBe('private 1, absent 3')
    p.shmctl(p.shmget(0x51, 0), SHM.LOCK)
    kernel.process()
    view.refresh()
    expect(rows(root, 'Shared memory segments')[0]?.at(-1)).toBe('locked')
    expect(rows(root, 'Processes')).toHaveLength(3)
    expect(root.activeElement).toBe(button)
    expect(button.getAttribute('aria-pressed')).toBe('true')
    await end()
  })

  test('looks by itself, until it is paused', async () => {
    const { kernel, place, view, end } = await show()
    view.close()
    const live = inspectView(kernel, place, { everyMs: 5 })
    const root = place.querySelector('div')?.shadowRoot as ShadowRoot
    const shown = () => rows(root, 'Processes').length
    kernel.process()
    while (shown() < 3) await pause(5)
    const button = root.querySelector('header button') as HTMLElement
    button.click()
    expect(button.textContent).toBe('Resume')
    kernel.process()
    await pause(50)
    expect(shown()).toBe(3)
    button.click()
    expect(shown()).toBe(4)
    live.close()
    expect(place.children).toHaveLength(0)
    await end()
  })
})

describe.skipIf(!inBrowser)('the view, for those who read it', () => {
  test('says that the kernel was closed, and keeps what it held last', async () => {
    const { kernel, view, root, place } = await show()
    await kernel.close()
    view.refresh()
    const status = root.querySelector('[role=status]') as HTMLElement
    expect(status.hidden).toBe(false)
    expect(status.textContent).toContain('was closed')
    expect(rows(root, 'Processes')).toHaveLength(2)
    place.remove()
  })

  test('names every table and control, and heads every column', async () => {
    const { root, end } = await show()
    for (const table of root.querySelectorAll('table')) {
      expect(table.getAttribute('aria-label')).toBeTruthy()
      for (const head of table.querySelectorAll('thead th')) {
        expect(head.getAttribute('scope')).toBe('col')
      }
    }
    for (const button of root.querySelectorAll('button')) {
      expect(button.getAttribute('aria-label') ?? button.textContent).toBeTruthy()
    }
    await end()
  })
})
