/** What is known of the function that is being rewritten: of each access whether it needs an arm for the window, of each loop its copies. */

import { Reader } from './bytes.js'
import { firstBehind, Instructions } from './effects.js'
import { Flow, type Loop, type Site } from './flow.js'
import { ALONE, type Copies, type Counter, isPrivate, LoopPlans } from './loops.js'
import { type Decoded, skipLocals } from './module.js'
import { type Region, RegionPlans } from './regions.js'

/** Which facts are used. All of them unless one is false. */
export interface Optimisations {
  /** Accesses of constants and of numbers known to be below 2 GiB go to private memory without a test. */
  readonly classes?: boolean
  /** Innermost loops that call nothing are copied: one copy for private memory alone. */
  readonly loops?: boolean
  /** And copies whose addresses stay in an extent. */
  readonly mappedLoops?: boolean
  /** Runs of statements are copied, one copy for private memory alone. */
  readonly regions?: boolean
  /** Loops without calls poll once in 256 rounds. */
  readonly sparsePolls?: boolean
}

export class Facts {
  private readonly decoded: Decoded
  private readonly use: Optimisations
  private readonly mapped: boolean
  private readonly code: Instructions
  readonly flow: Flow
  private sites: Site[] = []
  private readonly plans: LoopPlans
  private readonly regionPlans: RegionPlans
  private readonly byPlace = new Map<number, Loop>()
  private readonly copiesOf = new Map<Loop, Copies | undefined>()
  /** Regions in order, and where each begins. */
  private regions: readonly Region[] = []
  private regionStarts: readonly number[] = []
  private cursor = 0
  /** The function has nothing that the walk does not know. */
  private walked = false

  /** `mapped`: the back end has registers. */
  constructor(decoded: Decoded, use: Optimisations, mapped: boolean) {
    this.decoded = decoded
    this.use = use
    this.mapped = mapped && use.mappedLoops !== false
    this.code = new Instructions(decoded.bytes)
    this.flow = new Flow(decoded)
    this.plans = new LoopPlans(this.code, this.flow)
    this.regionPlans = new RegionPlans(this.code, this.flow)
  }

  /** Looks at body `index` of those defined. */
  of(index: number): void {
    const decoded = this.decoded
    this.walked = false
    this.sites = []
    this.byPlace.clear()
    this.copiesOf.clear()
    this.regions = []
    this.regionStarts = []
    this.cursor = 0
    const type = decoded.types[decoded.functionTypes[index] as number] as Decoded['types'][number]
    const reader = new Reader(decoded.bytes, decoded.bodies[index * 2] as number)
    const end = decoded.bodies[index * 2 + 1] as number
    const locals = type.params + skipLocals(reader)
    if (!this.code.read(reader.at, end)) return
    if (!this.flow.walk(this.code, locals, type.results.length)) return
    this.walked = true
    this.sites = this.flow.sites
    for (const loop of this.flow.loops) this.byPlace.set(this.place(loop.instruction), loop)
    this.planRegions()
  }

  private planRegions(): void {
    if (this.use.regions === false) return
    const known = new Uint8Array(this.sites.length)
    for (const loop of this.flow.loops) {
      const copies = this.copies(loop)
      copies?.checkOf.forEach((check, i) => {
        if (check !== ALONE) known[loop.firstSite + i] = 1
      })
    }
    this.regions = this.regionPlans.regions((site) => known[site] === 1)
    this.regionStarts = this.regions.map(({ start }) => this.place(start))
  }

  /** => the first region that begins at or behind `at`, and where it does; none: far behind the end. */
  regionFrom(at: number): { region: Region | undefined; at: number } {
    const next = firstBehind(this.regionStarts, at - 1)
    return { region: this.regions[next], at: this.regionStarts[next] ?? Number.MAX_SAFE_INTEGER }
  }

  /** Where a region stands: from its first instruction up to what follows it. */
  bytesOf({ start, end }: Region): { start: number; end: number } {
    return { start: this.place(start), end: this.place(end) }
  }

  private place(instruction: number): number {
    return this.code.at[instruction] as number
  }

  /** => the number of the access that stands at `at`, -1 when it was not looked at. */
  siteAt(at: number): number {
    const { sites } = this
    const here = sites[this.cursor]
    if (here === undefined || this.place(here.instruction) !== at) this.cursor = this.find(at)
    const found = sites[this.cursor]
    return found && this.place(found.instruction) === at ? this.cursor++ : -1
  }

  private find(at: number): number {
    let [low, high] = [0, this.sites.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.place((this.sites[middle] as Site).instruction) < at) low = middle + 1
      else high = middle
    }
    return low
  }

  /** => whether access `number` is one of private memory in any case. */
  isPrivate(number: number): boolean {
    const site = this.sites[number]
    return this.use.classes !== false && site !== undefined && isPrivate(site)
  }

  /** => the copies of the loop that stands at `at`, undefined for none. */
  copiesAt(at: number): Copies | undefined {
    const loop = this.byPlace.get(at)
    return loop && this.copies(loop)
  }

  private copies(loop: Loop): Copies | undefined {
    if (this.use.loops === false) return undefined
    if (!this.copiesOf.has(loop)) this.copiesOf.set(loop, this.plans.copies(loop, this.mapped))
    return this.copiesOf.get(loop)
  }

  /** Whether the loop that stands at `at` has no other loop in it, and no call; true as well where nobody knows. */
  isTight(at: number): boolean {
    const loop = this.byPlace.get(at)
    return !this.walked || (loop !== undefined && !this.plans.leaves(loop.instruction, loop.end))
  }

  /** => what counts the rounds of the loop that stands at `at`, undefined when nothing does. */
  counterAt(at: number): Counter | undefined {
    const { code } = this
    let [low, high] = [0, code.loops.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.place(code.loops[middle] as number) < at) low = middle + 1
      else high = middle
    }
    const instruction = code.loops[low]
    if (instruction === undefined || this.place(instruction) !== at) return undefined
    if (!this.walked || this.use.sparsePolls === false) return undefined
    return this.plans.counter(instruction, this.byPlace.get(at))
  }

  counterOf(loop: Loop): Counter | undefined {
    return this.counterAt(this.place(loop.instruction))
  }

  /** The type of a loop, as one byte. */
  blockType(loop: Loop): number {
    return (this.code.values[loop.instruction] as number) & 0x7f
  }

  /** Where the inside of a loop stands: behind its type, up to its `end`. */
  inside(loop: Loop): { start: number; end: number } {
    return { start: this.place(loop.instruction + 1), end: this.place(loop.end) }
  }
}
