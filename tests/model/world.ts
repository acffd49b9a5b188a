/**
 * A kernel, processes of it and the reference beside them, to run scripts on. Each process is run by this thread and by a worker
 * in turns.
 *
 * Invariant: after a script nothing is left: its processes are gone, its files unlinked, and the kernel's counters are back where they were.
 */

import { expect } from 'vitest'
import { boot, type Kernel, type KernelStats, type Process } from '../../dist/src/index.js'
import { ARENA, type Call, Interpreter } from '../support/interpreter.ts'
import {
  ARENA_PAGES,
  FILES,
  format,
  nameOf,
  PAGE,
  PROCESSES,
  runs,
  type Step,
} from '../support/steps.ts'
import { Store } from '../support/store.ts'
import { startThread, type Thread } from '../support/thread.ts'
import { Reference } from './reference.ts'

/** The kernel's tables may grow by as much while scripts run; a leak of a frame a script is far more. */
const TABLE_FRAMES = 64

export type StoreKind = 'tmpfs' | 'store'

export interface World extends AsyncDisposable {
  readonly kernel: Kernel
  /** Runs a script; rejects with the first step whose outcome or bytes differ. `eager`: look at all bytes after each step. */
  run(steps: readonly Step[], eager: boolean): Promise<void>
}

export async function startWorld(kind: StoreKind): Promise<World> {
  const store = new Store()
  const mounts = kind === 'store' ? { '/m': store } : {}
  // Background write-back would make it a matter of time which pages are clean.
  const kernel = await boot({ memory: '32MiB', mounts, dirtyAgeMs: 3_600_000 })
  const thread = await startThread(new URL('../support/process.thread.ts', import.meta.url))
  await thread.call('attach', kernel.handle)
  const root = kind === 'store' ? '/m/' : '/'
  const before = kernel.stats()
  return {
    kernel,
    run: (steps, eager) => runScript({ kernel, thread, store, root, kind }, steps, eager),
    async [Symbol.asyncDispose]() {
      await thread.call('leave')
      await thread.end()
      const after = kernel.stats()
      await kernel.close()
      expect(before.framesFree - after.framesFree, 'frames lost over all scripts').toBeLessThan(
        TABLE_FRAMES,
      )
      expect(after.framesCommitted - before.framesCommitted, 'promises kept').toBeLessThan(
        TABLE_FRAMES,
      )
    },
  }
}

interface Parts {
  readonly kernel: Kernel
  readonly thread: Thread
  readonly store: Store
  readonly root: string
  readonly kind: StoreKind
}

interface Side {
  readonly process: Process
  readonly calls: readonly Call[]
  readonly interpreter: Interpreter
}

async function runScript(parts: Parts, steps: readonly Step[], eager: boolean): Promise<void> {
  const { kernel, kind, root } = parts
  const reference = new Reference({ mounted: kind === 'store' })
  const sides = await Promise.all(Array.from({ length: PROCESSES }, () => startSide(parts, root)))
  let failed = true
  try {
    for (const [index, step] of steps.entries()) {
      const outcome = await runStep(parts, sides, step, index)
      expect(outcome, `step ${index + 1}: ${format(step)}`).toBe(reference.run(step))
      kernel.check()
      if (kind === 'store') compareDurable(parts, reference, step, outcome)
      if (eager) compare(sides, reference, `after step ${index + 1}: ${format(step)}`)
    }
    compare(sides, reference, 'at the end')
    failed = false
  } finally {
    await end(parts, sides, failed)
  }
}

async function runStep(parts: Parts, sides: Side[], step: Step, index: number): Promise<string> {
  const side = sides[step[1]] as Side
  if (step[0] === 'fork') return fork(parts, sides, step, index)
  return side.interpreter.run(step, side.calls[index % side.calls.length] as Call)
}

/** The process in the child's place exits first; then the child is made, by this thread or a service worker. */
async function fork(parts: Parts, sides: Side[], step: Step, index: number): Promise<string> {
  const [, from, place = 0] = step
  if (from === place) return 'EINVAL'
  const parent = sides[from] as Side
  const { process } = sides[place] as Side
  await parts.thread.call('part', process.pid)
  process.exit()
  const child = index % 3 ? parent.process.fork() : await parent.process.promises.fork()
  sides[place] = await sideOf(parts, child, parent.interpreter.forked())
  return 'ok'
}

function startSide(parts: Parts, root: string): Promise<Side> {
  return sideOf(parts, parts.kernel.process({ uid: 0 }), new Interpreter(root))
}

async function sideOf(
  { thread }: Parts,
  process: Process,
  interpreter: Interpreter,
): Promise<Side> {
  await thread.call('join', process.pid)
  const direct: Call = (name, ...args) =>
    (process[name] as (...args: unknown[]) => unknown).apply(process, args)
  const remote: Call = async (name, ...args) => {
    const answer = await thread.call<{ value?: unknown; failure?: object }>(
      'call',
      process.pid,
      name,
      args,
    )
    if (answer.failure) throw answer.failure
    return answer.value
  }
  return { process, calls: [direct, remote, direct], interpreter }
}

/** Every page of every process, by tracked loads. */
function compare(sides: readonly Side[], reference: Reference, when: string): void {
  const bytes = new Uint8Array(PAGE)
  for (const [index, { process }] of sides.entries()) {
    for (let page = 0; page < ARENA_PAGES; page++) {
      const expected = reference.page(index, page)
      const found = look(process, page, bytes)
      if (typeof expected !== 'string' && typeof found !== 'string' && same(found, expected))
        continue
      const said = (seen: Uint8Array | string) => (typeof seen === 'string' ? seen : runs(seen))
      expect(said(found), `page ${page} of process ${index}, ${when}`).toBe(said(expected))
    }
  }
}

function look(process: Process, page: number, into: Uint8Array): Uint8Array | string {
  try {
    process.vmRead(ARENA + page * PAGE, into)
    return into
  } catch (error) {
    const { code, address } = error as { code: string; address: number }
    return `${code}@${address - ARENA}`
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < PAGE; i++) if (a[i] !== b[i]) return false
  return true
}

/** What a sync acknowledged survives a power loss from then on. */
function compareDurable({ store }: Parts, reference: Reference, step: Step, outcome: string): void {
  if (outcome !== 'ok') return
  for (const { pages, from, to } of reference.synced(step)) {
    const file = reference.names.indexOf(pages)
    if (file < 0) continue // unlinked: no name to look under
    const durable = store.durable(nameOf(file)) ?? new Uint8Array(0)
    const length = Math.min(to, pages.size) - from
    const said = `durable bytes of ${nameOf(file)} after ${format(step)}`
    expect(runs(durable.subarray(from, to)), said).toBe(runs(pages.read(from, length)))
  }
}

async function end(
  { kernel, thread, store, root }: Parts,
  sides: readonly Side[],
  failed: boolean,
) {
  for (const { process } of sides) {
    await thread.call('part', process.pid)
    process.exit()
  }
  const last = kernel.process()
  for (let file = 0; file < FILES; file++) {
    try {
      last.unlink(root + nameOf(file))
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') throw error
    }
  }
  last.exit()
  kernel.check()
  if (failed) return
  expect(store.paths).toEqual([])
  expect(leftovers(kernel.stats())).toEqual({
    mappings: 0,
    processes: 0,
    dirtyPages: 0,
    orphanFrames: 0,
    cachedPages: 0,
  })
}

/** Counters that are 0 when no process and no file is left. */
function leftovers({ mappings, processes, dirtyPages, orphanFrames, cachedPages }: KernelStats) {
  return { mappings, processes, dirtyPages, orphanFrames, cachedPages }
}
