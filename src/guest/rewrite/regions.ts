/**
 * Which runs of whole statements get two copies: in one, accesses whose addresses were below 2 GiB where the run began are the module's own
 * instructions; in the other, accesses ask one by one.
 *
 *   <some addresses or-ed> < 0, unlikely   if   SLOW COPY   else   FAST COPY   end
 *
 * Why the fast copy is right: what is asked about is a value that locals hold where the run begins, and a node is one value as long as control is behind
 * the place where it was made (flow.ts); so it is what the access in the run has for an address, within REACH. What loops.ts says of addresses
 * within REACH of one below 2 GiB holds here, whatever is called between: it is a fact of the number. Loops are never inside.
 *
 * Runs are chosen from the inside out: where a run that holds others is worth more than they, it takes their place.
 */
import { isHeld } from './addresses.js'
import type { Instructions } from './effects.js'
import type { Flow, Site } from './flow.js'
import { isPrivate, REACH } from './loops.js'
import { CONSTANT } from './values.js'

/** The longest statement, in bytes, and the longest run. */
const STATEMENT_BYTES = 1200
const RUN_BYTES = 2400
/** What one access that needs no test is worth in bytes, what a run costs besides its bytes, and each address that it asks about. */
const WORTH = 22
const COST = 8
const CHECK_COST = 5
const ACCESSES_MIN = 3
const CHECKS_MAX = 4
/** A run ends at one of so many borders behind its beginning. */
const BORDERS_MAX = 8

export interface Region {
  /** Numbers of its first instruction and of the first behind it. */
  readonly start: number
  readonly end: number
  /** How many events of locals there were before it. */
  readonly events: number
  /** What is asked about is node + at. */
  readonly checks: readonly { readonly node: number; readonly at: number }[]
  /** The accesses inside, and which of them are covered. */
  readonly firstSite: number
  readonly covered: Uint8Array
  /** What follows it cannot be reached. */
  readonly ends: boolean
}

/** One arm of a block while its statements are gone through. */
interface Level {
  frame: number
  depth: number
  /** Of its first `count` places: which they are, the regions inside of the statement that begins there, and what they are worth. */
  count: number
  readonly places: number[]
  readonly inner: (readonly Region[])[]
  readonly worth: number[]
}

/** A chosen run as its statements, and what it is worth. */
interface Choice {
  worth: number
  /** Where the run begins, as an index of the borders; -1 for none. */
  from: number
}

const NONE: readonly Region[] = []

export class RegionPlans {
  private readonly code: Instructions
  private readonly flow: Flow
  /** Accesses that need no test for another reason. */
  private known: (site: number) => boolean = () => false
  /** The first `open` of them are. */
  private readonly levels: Level[] = []
  private open = 0
  /** Of each access of the run in hand the first place of the run at which its address can be computed. */
  private earliest = new Int32Array(256)
  private firstOfRun = 0

  constructor(code: Instructions, flow: Flow) {
    this.code = code
    this.flow = flow
  }

  /** => the regions of the function that was walked, in order; none lies in another. */
  regions(known: (site: number) => boolean): Region[] {
    const { places } = this.flow
    this.known = known
    this.open = 0
    let found: Region[] = []
    for (let place = 0; place < places.count; place++) {
      const depth = places.depth[place] as number
      const frame = places.frame[place] as number
      while (this.open > 0) {
        const { depth: over, frame: open } = this.top()
        if (over < depth || open === frame) break
        found = this.close(found)
      }
      const level = this.open > 0 && this.top().frame === frame ? this.top() : this.begin(frame)
      level.depth = depth
      level.places[level.count] = place
      level.inner[level.count] = NONE
      level.worth[level.count++] = 0
    }
    while (this.open > 0) found = this.close(found)
    return found
  }

  private top(): Level {
    return this.levels[this.open - 1] as Level
  }

  private begin(frame: number): Level {
    this.levels[this.open] ??= { frame, depth: 0, count: 0, places: [], inner: [], worth: [] }
    const level = this.levels[this.open++] as Level
    level.frame = frame
    level.count = 0
    return level
  }

  /** Ends an arm: what was found in it goes to the statement around, or to `found`, where there is none. */
  private close(found: Region[]): Region[] {
    const level = this.levels[--this.open] as Level
    const around = this.open > 0 ? this.top() : undefined
    if (this.siteAt(level, 0) === this.siteAt(level, level.count - 1)) return found
    const { regions, worth } = this.choose(level)
    if (!around) return found.concat(regions)
    const last = around.count - 1
    if (regions.length > 0)
      around.inner[last] = (around.inner[last] as readonly Region[]).concat(regions)
    around.worth[last] = (around.worth[last] as number) + worth
    return found
  }

  /** Chooses for one arm: its runs between statements that cannot be copied, one after the other. */
  private choose(level: Level): { regions: Region[]; worth: number } {
    const regions: Region[] = []
    let worth = 0
    const add = (more: readonly Region[], by: number) => {
      for (const region of more) regions.push(region)
      worth += by
    }
    const last = level.count - 1
    for (let from = 0; from <= last; ) {
      let to = from
      while (to < last && this.isPlain(level, to)) to++
      if (to > from) this.run(level, from, to, add)
      if (to === from) add(level.inner[to] as readonly Region[], level.worth[to] as number)
      from = to === from ? to + 1 : to
    }
    return { regions, worth }
  }

  private instructionAt(level: Level, at: number): number {
    return this.flow.places.instruction[level.places[at] as number] as number
  }

  private byteAt(level: Level, at: number): number {
    return this.code.at[this.instructionAt(level, at)] as number
  }

  private siteAt(level: Level, at: number): number {
    return this.flow.places.sites[level.places[at] as number] as number
  }

  /** Whether a statement may be copied: it is short and has no loop. */
  private isPlain(level: Level, statement: number): boolean {
    const bytes = this.byteAt(level, statement + 1) - this.byteAt(level, statement)
    if (bytes > STATEMENT_BYTES) return false
    const { loops } = this.flow.places
    const next = loops[level.places[statement + 1] as number]
    return loops[level.places[statement] as number] === next
  }

  /** Chooses regions of the statements [from, to). */
  private run(
    level: Level,
    from: number,
    to: number,
    add: (more: readonly Region[], by: number) => void,
  ): void {
    const borders = this.borders(level, from, to)
    if (borders.length === 1) {
      for (let i = from; i < to; i++) add(level.inner[i] as Region[], level.worth[i] as number)
      return
    }
    const choices: Choice[] = [{ worth: this.inside(level, from, borders[0] as number), from: -1 }]
    for (let border = 1; border < borders.length; border++) {
      const [before, here] = [borders[border - 1] as number, borders[border] as number]
      const last = (choices[border - 1] as Choice).worth
      const best: Choice = { worth: last + this.inside(level, before, here), from: -1 }
      for (let start = border - 1; start >= 0 && start >= border - BORDERS_MAX; start--) {
        const between = this.between(level, borders[start] as number, here)
        if (between === undefined) break
        const worth = (choices[start] as Choice).worth + between
        if (between > 0 && worth > best.worth) [best.worth, best.from] = [worth, start]
      }
      choices.push(best)
    }
    const parts: (readonly Region[])[] = []
    let border = borders.length - 1
    while (border > 0) {
      const { from: start } = choices[border] as Choice
      const begin = borders[start < 0 ? border - 1 : start] as number
      const end = borders[border] as number
      const region = start < 0 ? undefined : this.region(level, begin, end)
      parts.push(region ? [region] : insideOf(level, begin, end))
      border = start < 0 ? border - 1 : start
    }
    parts.push(insideOf(level, from, borders[0] as number))
    add(parts.reverse().flat(), (choices[borders.length - 1] as Choice).worth)
  }

  /** What the regions inside of statements are worth. */
  private inside(level: Level, from: number, to: number): number {
    let sum = 0
    for (let i = from; i < to; i++) sum += level.worth[i] as number
    return sum
  }

  /** The places at which a run may begin, where some address can first be computed, and the end of all; that alone for too few accesses. Fills `earliest`. */
  private borders(level: Level, from: number, to: number): number[] {
    const first = this.siteAt(level, from)
    const count = this.siteAt(level, to) - first
    this.firstOfRun = first
    if (count > this.earliest.length) this.earliest = new Int32Array(count * 2)
    if (count < ACCESSES_MIN) return [to]
    const begins = new Set<number>()
    for (let statement = from; statement < to; statement++) {
      const end = this.siteAt(level, statement + 1)
      for (let site = this.siteAt(level, statement); site < end; site++) {
        const place = this.firstPlace(level, from, statement, site)
        this.earliest[site - first] = place
        if (place <= statement) begins.add(place)
      }
    }
    const borders = [...begins].sort((a, b) => a - b)
    borders.push(to)
    return borders
  }

  /** => the first place from `from` to `statement` at which the address of an access can be computed; one behind when there is none. */
  private firstPlace(level: Level, from: number, statement: number, number: number): number {
    const site = this.flow.sites[number] as Site
    const none = statement + 1
    if (!this.isWanted(site) || this.known(number)) return none
    const { leaves, events } = this.flow.places
    const latest = this.flow.values.latest[site.node] as number
    let [low, high] = [from, statement + 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((leaves[level.places[middle] as number] as number) > latest) high = middle
      else low = middle + 1
    }
    for (const place of low < statement ? [low, statement] : [low]) {
      if (place > statement) break
      if (isHeld(this.flow, events[level.places[place] as number] as number, site.node)) {
        return place
      }
    }
    return none
  }

  private isWanted(site: Site): boolean {
    return site.node > CONSTANT && site.offset < REACH && !isPrivate(site)
  }

  /** What a region of statements [from, to) is worth; 0 or less for nothing, undefined when it is too long. */
  private between(level: Level, from: number, to: number): number | undefined {
    if (this.byteAt(level, to) - this.byteAt(level, from) > RUN_BYTES) return undefined
    const { accesses, first, last } = this.covered(level, from, to)
    if (accesses < ACCESSES_MIN) return 0
    const bytes = this.byteAt(level, last + 1) - this.byteAt(level, first)
    return accesses * WORTH - bytes - COST - CHECK_COST
  }

  /** How many accesses of statements [from, to) a region could cover, and the first and last statement that has one. */
  private covered(level: Level, from: number, to: number) {
    let [accesses, first, last] = [0, to, from]
    const base = this.firstOfRun
    for (let statement = from; statement < to; statement++) {
      const end = this.siteAt(level, statement + 1)
      for (let site = this.siteAt(level, statement); site < end; site++) {
        if ((this.earliest[site - base] as number) > from) continue
        accesses++
        first = Math.min(first, statement)
        last = statement
      }
    }
    return { accesses, first, last }
  }

  /** Makes the region of statements [from, to), as many of them as it takes. */
  private region(level: Level, from: number, to: number): Region | undefined {
    const { first, last } = this.covered(level, from, to)
    const place = level.places[first] as number
    const end = level.places[last + 1] as number
    const events = this.flow.places.events[place] as number
    const firstSite = this.siteAt(level, first)
    const covered = new Uint8Array(this.siteAt(level, last + 1) - firstSite)
    const checks: { node: number; at: number }[] = []
    for (let i = 0; i < covered.length; i++) {
      const site = this.flow.sites[firstSite + i] as Site
      if ((this.earliest[firstSite + i - this.firstOfRun] as number) > from) continue
      if (!isHeld(this.flow, events, site.node)) continue
      if (!checks.some((check) => isNear(site, check))) {
        if (checks.length === CHECKS_MAX) continue
        checks.push({ node: site.node, at: site.low })
        if (!isNear(site, checks[checks.length - 1] as Region['checks'][0])) return undefined
      }
      covered[i] = 1
    }
    if (checks.length === 0) return undefined
    const { instruction, over } = this.flow.places
    return {
      start: instruction[place] as number,
      end: instruction[end] as number,
      events,
      checks,
      firstSite,
      covered,
      ends: over[end] === 1,
    }
  }
}

/** The regions inside of statements [from, to). */
function insideOf({ inner }: Level, from: number, to: number): readonly Region[] {
  let found = NONE
  for (let i = from; i < to; i++) {
    const more = inner[i] as readonly Region[]
    if (more.length > 0) found = found.concat(more)
  }
  return found
}

/** Whether all that an access may touch lies within REACH of what is asked about. */
function isNear({ node, low, high, offset, access }: Site, check: Region['checks'][0]): boolean {
  if (node !== check.node || low < check.at - REACH) return false
  return high + offset + access.bytes <= check.at + REACH
}

/** Whether a region covers the access of this number. */
export function isCovered(region: Region | undefined, site: number): boolean {
  return region !== undefined && region.covered[site - region.firstSite] === 1
}
