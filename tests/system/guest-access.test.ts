/**
 * Every instruction that touches memory, rewritten, at every kind of place: what it leaves and what it stores is what the
 * engine does with the same bytes in plain memory.
 */
import { describe, expect, test } from 'vitest'
import { type BackEndName, instrument } from '../../dist/src/guest/rewrite/index.js'
import type { Access } from '../../dist/src/guest/rewrite/opcodes.js'
import { soak } from '../support/effort.ts'
import { ACCESSES, accessModule } from '../support/guest-access.ts'
import { FAKE_MEMORY, FakeKernel, type Linked, PAGE, Segv } from '../support/guest-fake.ts'

const WINDOW = 0x8100_0000
const BYTES = 65536
/** On both sides of the border at which an offset is added first. */
const OFFSETS = [0, 0xff_fff0, 0x100_0000, 0x8000_0010, 0xffff_ffe0]
const READ = 1
const WRITE = 2

type Run = (address: number, low: bigint, high: bigint) => void

/** The same bytes everywhere: at a window's address those of the address below 64 KiB. */
const pattern = (address: number) => (Math.imul(address & (BYTES - 1), 2654435761) >>> 13) & 0xff

function fill(view: Uint8Array, address: number): void {
  for (let i = 0; i < view.length; i++) view[i] = pattern(address + i)
}

/** Four pages at the window's start, neighbours in memory but for the third, and one at its end. */
const PAGES = [WINDOW, WINDOW + PAGE, WINDOW + 2 * PAGE, WINDOW + 3 * PAGE, 0xfeff_f000]

function kernelOf(): FakeKernel {
  const kernel = new FakeKernel()
  PAGES.forEach((address, i) => {
    fill(kernel.map(address, READ | WRITE, i === 2 ? 1 : 0), address)
  })
  return kernel
}

interface Outcome {
  trap: boolean
  low?: unknown
  high?: unknown
  /** The bytes around the place. */
  near?: string
}

function outcome(instance: WebAssembly.Instance, address: number, near: () => Uint8Array): Outcome {
  const { run, low, high } = instance.exports as Record<string, never> as unknown as {
    run: Run
    low: WebAssembly.Global
    high: WebAssembly.Global
  }
  try {
    run(address, 0x0123_4567_89ab_cdefn, -0x7654_3210_fedc_ba99n)
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError) && !(error instanceof Segv)) throw error
    return { trap: true }
  }
  return { trap: false, low: low.value, high: high.value, near: near().join() }
}

/** Places as whole addresses: where the access begins. */
function places({ bytes }: Access): number[] {
  const window = [0, 8, 1, PAGE - bytes, PAGE - 1, 2 * PAGE - bytes, 2 * PAGE - 1, 3 * PAGE - 1]
  return [
    0,
    3,
    BYTES - bytes,
    BYTES - Math.max(1, bytes - 1),
    BYTES - 1,
    ...window.map((at) => WINDOW + at),
    WINDOW + 4 * PAGE - bytes,
    0xfeff_f000,
    0xff00_0000 - bytes,
  ]
}

/** Places where nothing is: before and behind private memory, in the guards, past the last page and past 4 GiB. */
function nowhere({ bytes }: Access): number[] {
  const at = [BYTES, 0x7fff_ffff, 0x8000_0000, WINDOW - bytes, WINDOW - 1, WINDOW + 4 * PAGE]
  return [...at, WINDOW + 4 * PAGE - 1 + (bytes === 1 ? 1 : 0), 0xff00_0000, 0xffff_fff0]
}

function link(kernel: FakeKernel, backEnd: BackEndName, source: Uint8Array): Linked {
  const linked = kernel.link(instrument(source, { backEnd, kernelMemory: FAKE_MEMORY }))
  fill(new Uint8Array(linked.memory.buffer), 0)
  return linked
}

interface Pair {
  plain: WebAssembly.Instance
  linked: Linked
  kernel: FakeKernel
}

/** The same access at one place, plainly and rewritten; what both stored is put back. */
function compare(
  { plain, linked, kernel }: Pair,
  whole: number,
  offset: number,
  text: string,
): void {
  const at = whole & (BYTES - 1)
  const end = whole < BYTES ? BYTES : whole < WINDOW + 4 * PAGE ? WINDOW + 4 * PAGE : 0xff00_0000
  const count = Math.min(16, end - whole)
  const bytes = new Uint8Array((plain.exports.memory as WebAssembly.Memory).buffer, at, count)
  const own = new Uint8Array(linked.memory.buffer)
  const near = () => (whole < BYTES ? own.slice(at, at + count) : kernel.read(whole, count))
  const expected = outcome(plain, at, () => bytes)
  const seen = outcome(linked.instance, whole - offset, near)
  expect({ whole, ...seen }, text).toEqual({ whole, ...expected })
  fill(bytes, at)
  if (whole < BYTES) fill(own.subarray(at, at + count), at)
  else kernel.write(whole, bytes)
}

function check(
  kernel: FakeKernel,
  access: Access,
  backEnd: BackEndName,
  offset: number,
  lane: number,
): void {
  const text = `${access.name} offset ${offset} lane ${lane}`
  const source = accessModule(access, 0, lane, lane === 0)
  const plain = new WebAssembly.Instance(new WebAssembly.Module(source))
  fill(new Uint8Array((plain.exports.memory as WebAssembly.Memory).buffer), 0)
  const linked = link(kernel, backEnd, accessModule(access, offset, lane, lane === 0))
  for (const whole of places(access)) {
    if (whole >= offset) compare({ plain, linked, kernel }, whole, offset, text)
  }
  const addresses = nowhere(access).filter((whole) => whole >= offset)
  for (const address of [
    ...addresses.map((whole) => whole - offset),
    ...(offset ? [0xffff_ffff] : []),
  ]) {
    const seen = outcome(linked.instance, address, () => new Uint8Array())
    expect({ address, ...seen }, text).toEqual({ address, trap: true })
  }
}

describe.each(['multi-memory', 'accessors'] as const)('the %s back end', (backEnd) => {
  for (const [group, prefix] of [
    ['loads and stores', 0],
    ['vectors', 0xfd],
    ['atomics', 0xfe],
  ] as const) {
    test(`${group} do at every address what they do in plain memory`, () => {
      const kernel = kernelOf()
      ACCESSES.forEach((access, i) => {
        if (access.prefix !== prefix) return
        const offsets = soak ? OFFSETS : [OFFSETS[i % OFFSETS.length] as number]
        for (const offset of offsets) check(kernel, access, backEnd, offset, 0)
        if (access.lane) check(kernel, access, backEnd, 0, 16 / access.bytes - 1)
      })
    })
  }
})
