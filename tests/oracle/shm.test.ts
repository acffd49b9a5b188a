/**
 * The same steps with System V shared memory on Linux (shm.c) and on Isopage: every call says the same, and after each the whole shmid_ds of every segment is the same.
 *
 * Left out on purpose:
 *  - A second mprotect in a random script. Linux 6.8 and later move the border between two mappings of an attach when one becomes like the other, older ones do not; Isopage
 *    does not, so nattch would differ. (All agree that two never become one.)
 *  - Addresses outside the window: EINVAL here, as POSIX says; Linux says ENOMEM, and attaches at 0 for root.
 *  - Sizes near SHMMAX: 32-bit Linux's here.
 */

import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  boot,
  IPC,
  type Kernel,
  MAP,
  MREMAP,
  PROT,
  type Process,
  RLIMIT,
  SHM,
} from '../../dist/src/index.js'
import { inBrowser, inNode } from '../conformance/runtime.ts'
import { effort, seedOf, soak } from '../support/effort.ts'
import { outcome } from '../support/errno.ts'
import { pause } from '../support/pause.ts'
import { at, WRITTEN } from './shm-scripts.ts'

const native = inBrowser ? undefined : await import('./shm-native.ts')
const absence = native ? native.shmAbsence() : 'a browser has no C compiler'
const SCRIPTS = 3000
const STEPS = 40
const ARENA = 0x9000_0000
const ARENA_PAGES = 16
const SLOT_MASK = 32767

const { CREAT, EXCL, RMID, SET, STAT } = IPC
const { RDONLY, RND, REMAP, EXEC, LOCK, UNLOCK, DEST } = SHM
/** Steps that mean the same to both, whatever came before; at most one mprotect among them. */
function scripts(): fc.Arbitrary<string[]> {
  const p = fc.integer({ min: 0, max: 3 })
  const v = fc.integer({ min: 0, max: 2 })
  const page = fc.integer({ min: 0, max: ARENA_PAGES - 1 })
  const few = fc.integer({ min: 1, max: 5 })
  const key = fc.constantFrom(0, 17, 18)
  const mode = fc.integer({ min: 0, max: 0o777 })
  const how = fc.constantFrom(CREAT, CREAT, CREAT | EXCL, 0)
  const size = fc.oneof(few.map(at), fc.integer({ min: 0, max: at(4) }))
  const flags = fc.constantFrom(0, 0, 0, RDONLY, REMAP, RND, RDONLY | EXEC, REMAP | RND)
  const address = fc.oneof(page.map(at), fc.integer({ min: 0, max: at(ARENA_PAGES) - 1 }))
  const command = fc.constantFrom(RMID, RMID, SET, SET, STAT, LOCK, UNLOCK, 99)
  const uid = fc.constantFrom(0, 1001, 1002, 1003, 0xffff_ffff)
  const gid = fc.constantFrom(0, 2001, 2003)
  const line = (...parts: fc.Arbitrary<number | string>[]) =>
    fc.tuple(...parts).map((values) => values.join(' '))
  const name = fc.constant<string>
  const get = fc
    .tuple(p, v, key, size, how, mode)
    .map(([P, V, K, S, H, M]) => `get ${P} ${V} ${K} ${S} ${H | M}`)
  const steps = fc.oneof(
    { weight: 3, arbitrary: get },
    { weight: 5, arbitrary: line(name('at'), p, v, address, flags) },
    { weight: 3, arbitrary: line(name('dt'), p, address) },
    { weight: 3, arbitrary: line(name('dt'), p, page.map(at)) },
    { weight: 3, arbitrary: line(name('ctl'), p, v, command, uid, gid, mode) },
    {
      weight: 1,
      arbitrary: line(name('slot'), p, v, fc.constantFrom<number>(SHM.STAT, SHM.STAT_ANY)),
    },
    { weight: 2, arbitrary: line(name('unmap'), p, page.map(at), few.map(at)) },
    { weight: 1, arbitrary: line(name('map'), p, page.map(at), few.map(at)) },
    {
      weight: 2,
      arbitrary: line(
        name('protect'),
        p,
        page.map(at),
        few.map(at),
        fc.constantFrom(0, 1, 2, 3, 5),
      ),
    },
    { weight: 2, arbitrary: line(name('store'), p, address, fc.integer({ min: 1, max: 99 })) },
    { weight: 2, arbitrary: line(name('load'), p, address) },
    { weight: 1, arbitrary: line(name('info'), p) },
    { weight: 1, arbitrary: line(name('fork'), p, fc.constantFrom(4, 5)) },
    { weight: 1, arbitrary: line(name('exit'), fc.integer({ min: 1, max: 3 })) },
  )
  return fc.array(steps, { maxLength: STEPS }).map(sensible)
}

/** Drops what ended or unborn processes would do, second births, second mprotects, and lengths past the arena. */
function sensible(steps: readonly string[]): string[] {
  const live = new Set([0, 1, 2, 3])
  let protects = 0
  return steps.filter((step) => {
    const [name = '', ...rest] = step.split(' ')
    const [p = 0, a = 0, b = 0] = rest.map(Number)
    if (!live.has(p)) return false
    if (name === 'exit') live.delete(p)
    if (name === 'protect' && protects++ > 0) return false
    if (name !== 'fork')
      return !['unmap', 'map', 'protect'].includes(name) || a + b <= at(ARENA_PAGES)
    if (live.has(a) || steps.includes(`exit ${a}`)) return false
    live.add(a)
    return true
  })
}

/** One run of a script on Isopage. */
class Script {
  readonly #kernel: Kernel
  readonly #root: Process
  readonly #processes: Process[]
  readonly #variables = Array<number>(8).fill(-1)
  readonly #segments: number[] = []
  readonly #ticks = [1]

  constructor(kernel: Kernel) {
    this.#kernel = kernel
    this.#root = kernel.process()
    this.#processes = [
      [0, 0],
      [1001, 2001],
      [1002, 2001],
      [1003, 2003],
    ].map(([uid = 0, gid = 0]) => kernel.process({ uid, gid }))
  }

  async run(steps: readonly string[]): Promise<string[]> {
    const lines: string[] = []
    for (const step of steps) {
      const [name = '', ...rest] = step.split(' ')
      const said = name === 'tick' ? await this.#tick() : this.#step(name, rest.map(Number))
      lines.push(
        [said, ...this.#segments.flatMap((id, index) => this.#segment(id, index))].join('; '),
      )
    }
    for (const process of this.#processes) process?.[Symbol.dispose]()
    for (const id of this.#segments) outcome(() => this.#root.shmctl(id, RMID))
    this.#root.exit()
    this.#kernel.check()
    return lines
  }

  async #tick(): Promise<string> {
    const next = Math.floor(Date.now() / 1000) + 1
    this.#ticks.push(next)
    while (Date.now() < next * 1000 + 10) await pause(20)
    return 'ok'
  }

  #step(name: string, n: readonly number[]): string {
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = n.slice(1)
    if (name === 'id') return `ok ${this.#variables[n[0] as number]}`
    const p = this.#processes[n[0] as number] as Process
    let value = ''
    const acts: Record<string, () => unknown> = {
      get: () => {
        this.#variables[a] = p.shmget(b, c, d)
        value = ` #${this.#known(this.#variables[a] as number)}`
      },
      at: () => {
        const map = p.shmat(this.#variables[a] as number, { addr: b < 0 ? 0 : ARENA + b, flags: c })
        value = b < 0 ? '' : ` ${map.address - ARENA}`
      },
      dt: () => p.shmdt(ARENA + a),
      ctl: () =>
        p.shmctl(this.#variables[a] as number, b as typeof SET, { uid: c, gid: d, mode: e }),
      slot: () => p.shmctl((this.#variables[a] as number) & SLOT_MASK, b as typeof SHM.STAT),
      unmap: () => p.munmap(ARENA + a, b),
      map: () => {
        const flags = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED
        p.mmap({ addr: ARENA + a, length: b, prot: PROT.READ, flags })
      },
      protect: () => p.mprotect(ARENA + a, b, c),
      remap: () => p.mremap(ARENA + a, b, c, MREMAP.MAYMOVE | MREMAP.FIXED, ARENA + d),
      store: () => p.vmWrite(ARENA + a, new Uint8Array([b])),
      load: () => {
        const byte = new Int8Array(1)
        p.vmRead(ARENA + a, new Uint8Array(byte.buffer))
        value = ` ${byte[0]}`
      },
      limit: () => p.setrlimit(RLIMIT.MEMLOCK, a),
      fork: () => {
        this.#processes[a] = p.fork()
      },
      exit: () => p.exit(),
      info: () => {
        const { usedIds, tot, rss, swp } = p.shmctl(0, SHM.INFO)
        value = ` ${usedIds} ${tot} ${rss} ${swp}`
      },
    }
    const said = outcome(acts[name] as () => unknown)
    return said === 'ok' ? `ok${value}` : said
  }

  #known(id: number): number {
    if (!this.#segments.includes(id)) this.#segments.push(id)
    return this.#segments.indexOf(id)
  }

  #segment(id: number, index: number): string[] {
    if (outcome(() => this.#root.shmctl(id, STAT)) !== 'ok') return []
    const { perm, ...ds } = this.#root.shmctl(id, STAT)
    const process = (pid: number) =>
      pid === 0 ? '-' : `p${this.#processes.findIndex((one) => one?.pid === pid)}`
    const time = (seconds: number) =>
      seconds === 0 ? '-' : this.#ticks.filter((tick) => tick <= seconds).length
    return [
      `#${index} key ${perm.key} uid ${perm.uid} gid ${perm.gid} cuid ${perm.cuid} cgid ${perm.cgid} mode ${perm.mode.toString(8)}` +
        ` segsz ${ds.segsz} nattch ${ds.nattch} cpid ${process(ds.cpid)} lpid ${process(ds.lpid)}` +
        ` atime ${time(ds.atime)} dtime ${time(ds.dtime)} ctime ${time(ds.ctime)}`,
    ]
  }
}

describe.skipIf(absence)(`segments against Linux${absence ? ` (skipped: ${absence})` : ''}`, () => {
  let oracle: import('./shm-native.ts').ShmOracle
  let kernel: Kernel
  beforeAll(async () => {
    kernel = await boot({ memory: '32MiB' })
    oracle = new (native as typeof import('./shm-native.ts')).ShmOracle()
  })
  afterAll(async () => {
    oracle?.[Symbol.dispose]()
    await kernel?.close()
  })

  async function compare(steps: readonly string[], by = kernel): Promise<void> {
    if (steps.length === 0) return
    const [said, found] = await Promise.all([oracle.run(steps), new Script(by).run(steps)])
    const lines = (results: string[]) => steps.map((step, i) => `${step} => ${results[i]}`)
    expect(lines(found)).toEqual(lines(said))
  }

  test('random scripts have the same outcomes', async () => {
    const seed = seedOf()
    const numRuns = effort(SCRIPTS)
    console.log(`shm oracle: ISOPAGE_SEED=${seed}, ${numRuns} scripts`)
    await fc.assert(
      fc.asyncProperty(scripts(), (steps) => compare(steps)),
      { seed, numRuns },
    )
  })

  for (const { says, script } of WRITTEN) {
    // Times are whole seconds, so those scripts wait for whole seconds: once, in Node, is enough.
    const timed = script.includes('tick')
    const title = timed ? `${says} (Deno, Bun: slow)` : says
    test.skipIf(timed && !inNode && !soak)(title, async () => {
      await using fresh = await boot({ memory: '32MiB' })
      await compare(script, fresh)
    })
  }

  test('SHM_DEST and SHM_LOCKED are the numbers of Linux', () => {
    expect([DEST, SHM.LOCKED]).toEqual([0o1000, 0o2000])
  })
})
