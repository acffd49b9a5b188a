/** What is known of the function that is being rewritten: of each access whether it needs an arm for the window, of each loop its copies. */

import { Reader } from './bytes.js'
import { Instructions } from './effects.js'
import { Flow, type Loop, type Site } from './flow.js'
import { type Copies, type Counter, isPrivate, LoopPlans } from './loops.js'
import { type Decoded, skipValueType } from './module.js'
import type { Values } from './values.js'

/** Which facts are used. All of them unless one is false. */
export interface Optimisations {
  /** Accesses of constants and of numbers known to be below 2 GiB go to private memory without a test. */
  readonly classes?: boolean
  /** Innermost loops are copied: one copy for private memory alone. */
  readonly loops?: boolean
  /** And copies whose addresses stay in an extent. */
  readonly mappedLoops?: boolean
  /** Innermost loops without calls poll once in 256 rounds. */
  readonly sparsePolls?: boolean
}

export class Facts {
  private readonly decoded: Decoded
  private readonly use: Optimisations
  private readonly mapped: boolean
  private readonly code: Instructions
  private readonly flow: Flow
  private sites: Site[] = []
  private readonly plans: LoopPlans
  private readonly byPlace = new Map<number, Loop>()
  private cursor = 0

  /** `mapped`: the back end has registers. */
  constructor(decoded: Decoded, use: Optimisations, mapped: boolean) {
    this.decoded = decoded
    this.use = use
    this.mapped = mapped && use.mappedLoops !== false
    this.code = new Instructions(decoded.bytes)
    this.flow = new Flow(decoded)
    this.plans = new LoopPlans(this.code, this.flow)
  }

  get values(): Values {
    return this.flow.values
  }

  /** Looks at body `index` of those defined. */
  of(index: number): void {
    const decoded = this.decoded
    this.sites = []
    this.byPlace.clear()
    this.cursor = 0
    const type = decoded.types[decoded.functionTypes[index] as number] as Decoded['types'][number]
    const reader = new Reader(decoded.bytes, decoded.bodies[index * 2] as number)
    const end = decoded.bodies[index * 2 + 1] as number
    let locals = type.params
    for (let groups = reader.u32(); groups > 0; groups--) {
      locals += reader.u32()
      skipValueType(reader)
    }
    if (!this.code.read(reader.at, end)) return
    if (!this.flow.walk(this.code, locals, type.results.length)) return
    this.sites = this.flow.sites
    for (const loop of this.flow.loops) this.byPlace.set(this.place(loop.instruction), loop)
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
    const loop = this.use.loops === false ? undefined : this.byPlace.get(at)
    return loop && this.plans.copies(loop, this.mapped)
  }

  counterAt(at: number): Counter | undefined {
    const loop = this.byPlace.get(at)
    return loop && this.counterOf(loop)
  }

  counterOf(loop: Loop): Counter | undefined {
    return this.use.sparsePolls === false ? undefined : this.plans.counter(loop)
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
