/** What the tests of locks stand on: a kernel, three threads, and for each test two processes with one shared page of zeros. */

import { afterAll, beforeAll, beforeEach, expect } from 'vitest'
import { boot, type Kernel, type Process } from '../../dist/src/index.js'
import { Caller } from './caller.ts'
import { SharedPage } from './shared-page.ts'

export const TYPES = ['normal', 'recursive', 'errorcheck'] as const

export let kernel: Kernel
export let page: SharedPage
export let p: Process
export let q: Process
/** The address of a lock in p, and in q. */
export let at: number
export let there: number
/** That of another one. */
export let cond: number
export let thereCond: number

let callers: Caller[]

/** Registers the hooks of a test file. */
export function beginLocks(): void {
  beforeAll(async () => {
    kernel = await boot({ memory: '32MiB' })
    callers = await Promise.all([1, 2, 3].map(() => Caller.start(kernel)))
  })
  beforeEach(() => {
    page = new SharedPage(kernel)
    p = page.p
    q = page.q
    ;[at, there] = page.at(0)
    ;[cond, thereCond] = page.at(64)
    return () => {
      page.end()
      expect(kernel.stats()).toMatchObject({ sleepers: 0, processes: 0 })
    }
  })
  afterAll(async () => {
    for (const each of callers) await each.kill()
    await kernel.close()
  })
}

export const caller = (index: number) => callers[index] as Caller
export const word = (offset: number) => page.word(offset)
export const dieHolding = (address: number, how?: 'killed' | 'exit') =>
  page.dieHolding(address, how)
