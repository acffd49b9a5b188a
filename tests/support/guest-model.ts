/**
 * What memory is to a guest, told by a sparse model: private bytes from 0, pages with rights in the window, nothing else. What one access does to its bytes
 * the engine says, in a memory of its own.
 */
import { PTE_READ, PTE_WRITE } from '../../dist/src/guest/rewrite/seam.js'
import { accessModule } from './guest-access.ts'
import { SEGMENT, type Site } from './guest-emit.ts'
import { PAGE, WINDOW } from './guest-program.ts'

/** An access that the model refuses. */
export class Refused extends Error {}

interface Single {
  run(address: number, low: bigint, high: bigint): void
  readonly low: WebAssembly.Global<'i64'>
  readonly high: WebAssembly.Global<'i64'>
  readonly memory: WebAssembly.Memory
}

const singles = new Map<string, Single>()

/** A module with the one access of a site, kept. */
function single({ access, lane }: Site): Single {
  const key = `${access.name} ${lane}`
  let known = singles.get(key)
  if (!known) {
    const module = new WebAssembly.Module(accessModule(access, 0, lane, false))
    known = new WebAssembly.Instance(module).exports as unknown as Single
    singles.set(key, known)
  }
  return known
}

export class Model {
  readonly own: Uint8Array
  /** By page number in the window: bytes and rights. */
  readonly pages = new Map<number, { bytes: Uint8Array; rights: number }>()
  /** A bulk operation was refused: how much of it was done is nobody's business. */
  partial = false
  private last = 0n

  constructor(own: Uint8Array) {
    this.own = own
  }

  /** Where each byte of [address, + bytes) is. Throws Refused before any is touched. */
  private places(address: number, bytes: number, right: number): [Uint8Array, number][] {
    if (address + bytes > 0x1_0000_0000) throw new Refused('past 4 GiB')
    if (address < 0x8000_0000 && address + bytes > this.own.length) throw new Refused('private')
    return Array.from({ length: bytes }, (_, i) => {
      const at = address + i
      if (at < 0x8000_0000) return [this.own, at]
      const page = this.pages.get(Math.floor((at - WINDOW) / PAGE))
      if (!page || (page.rights & right) === 0) throw new Refused('window')
      return [page.bytes, at % PAGE]
    })
  }

  /** One access. => the low half of its result */
  do(site: Site, base: number, low: bigint, high: bigint): bigint {
    const { access, offset } = site
    const address = (base >>> 0) + offset
    const { run, memory, ...globals } = single(site)
    if (access.atomic && address % access.bytes !== 0) throw new Refused('not aligned')
    const places = this.places(address, access.bytes, access.write ? PTE_WRITE : PTE_READ)
    const view = new Uint8Array(memory.buffer)
    places.forEach(([from, at], i) => {
      view[i] = from[at] as number
    })
    globals.low.value = 0n
    globals.high.value = 0n
    run(0, low, high)
    if (access.write) {
      places.forEach(([to, at], i) => {
        to[at] = view[i] as number
      })
    }
    this.last = globals.high.value
    return globals.low.value
  }

  high(): bigint {
    return this.last
  }

  private bulk(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.partial = true
      throw error
    }
  }

  copy(to: number, from: number, bytes: number): void {
    this.bulk(() => {
      const source = this.places(from >>> 0, bytes, PTE_READ)
      const places = this.places(to >>> 0, bytes, PTE_WRITE)
      const values = source.map(([bytes, at]) => bytes[at] as number)
      places.forEach(([target, at], i) => {
        target[at] = values[i] as number
      })
    })
  }

  fill(to: number, value: number, bytes: number): void {
    this.bulk(() => {
      for (const [target, at] of this.places(to >>> 0, bytes, PTE_WRITE)) target[at] = value
    })
  }

  init(to: number, from: number, bytes: number): void {
    this.bulk(() => {
      if (from + bytes > SEGMENT.length) throw new Refused('segment')
      const places = this.places(to >>> 0, bytes, PTE_WRITE)
      places.forEach(([target, at], i) => {
        target[at] = SEGMENT[from + i] as number
      })
    })
  }
}
