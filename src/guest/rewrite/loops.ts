/**
 * Which innermost loops get copies - none that call - and what must hold where a copy is entered and in each of its rounds.
 *
 *   private copy   every address asked about (node + at) is below 2 GiB: accesses near it are the module's own instructions
 *   mapped copy    some of them lie in the extent of a register instead, span and all: those accesses are at address + delta
 *
 * Why a private copy is right:
 *  1. An access within REACH of an address below 2 GiB lies in private memory or in a guard on either of its sides, where no
 *     page ever is and the engine traps as the kernel would.
 *  2. A question that is asked once, before the first round, holds in all of them when the address stays; or when a round moves it by
 *     STRIDE at most and makes an access within STRIDE of it: before it has crossed a guard, one such access has trapped.
 *     All other questions are asked in each round.
 *  3. Were any of this wrong, an access would be one of the guest's own memory, or a trap: no page of the kernel is
 *     reached by the module's own instructions.
 *
 * Why a mapped copy is right: in each round [node + low, node + high) is compared with the extent, whole, and an extent is
 * only used until the next poll; nothing else in such a loop enters the kernel. Addresses in it are sums of locals whose values flow.ts knows
 * exactly or within bounds that `low` and `high` include.
 */
import { isHeld } from './addresses.js'
import { firstBehind, type Instructions } from './effects.js'
import { type Flow, type Loop, type Site, WILD } from './flow.js'
import { SPARSE_LOG2 } from './seam.js'
import { CONSTANT, LEAF, SHIFT, SUM, type Values } from './values.js'

export const REACH = 1 << 23
const STRIDE = 1 << 20
/** A mapped copy looks at most at so many bytes from one address. */
const SPAN_MAX = 1 << 11
/** The largest bodies, in bytes: to copy at all, and with one, two addresses for mapped copies. */
const PRIVATE_BYTES = 4096
const MAPPED_BYTES = [0, 400, 200]
/** Bytes of a loop that one access pays for. */
const BYTES_AN_ACCESS = 60
const CHECKS_MAX = 6
const SPARSE = (1 << SPARSE_LOG2) - 1

/** An address that copies ask about. */
export interface Check {
  readonly node: number
  /** What is asked about is node + at. */
  readonly at: number
  /** Asked once, before the first round. */
  readonly once: boolean
  /** How far every round moves the address, when each does by the same. */
  readonly step: number | undefined
  /** All bytes from `node` that the loop touches. */
  readonly low: number
  readonly high: number
  readonly write: boolean
}

/** A local that each round moves by the same: its bits in `mask` are all 0 once in 256 rounds. Undefined: one of ours. */
export interface Counter {
  readonly local: number | undefined
  readonly mask: number
}

/** A loop and its copies. */
export interface Copies {
  readonly loop: Loop
  readonly checks: readonly Check[]
  /** By the number of a site less `loop.firstSite`: the check that it belongs to; -1 for one on its own, PRIVATE for none needed. */
  readonly checkOf: Int32Array
  /** Which of two addresses are mapped, as bits, in each mapped copy. */
  readonly mapped: readonly number[]
}

export const ALONE = -1
export const PRIVATE = -2

/** From the least to the most. */
type Move = readonly [number, number]

/** => a move as addresses make it: modulo 2^32 when it is exact, and none when it may be WILD. */
function moveOf(low: number, high: number): Move | undefined {
  if (low === high) return [low | 0, low | 0]
  return low <= -WILD || high >= WILD ? undefined : [low, high]
}

/** => whether an access is one of private memory wherever it stands. */
export function isPrivate({ node, low, offset }: Site): boolean {
  return node === CONSTANT && low >= 0 && offset < REACH
}

export class LoopPlans {
  private readonly code: Instructions
  private readonly flow: Flow
  private readonly values: Values

  constructor(code: Instructions, flow: Flow) {
    this.code = code
    this.flow = flow
    this.values = flow.values
  }

  /** => the copies to make of a loop, undefined for none. */
  copies(loop: Loop, mapped: boolean): Copies | undefined {
    const bytes = this.bytes(loop)
    if (!loop.again || bytes > PRIVATE_BYTES || !this.plainType(loop)) return undefined
    // Beside a call one test a run of statements (regions.ts) is little.
    if (this.leaves(loop.instruction, loop.end)) return undefined
    const groups = this.groups(loop)
    if (groups.size === 0 || groups.size > CHECKS_MAX) return undefined
    const checks: Check[] = []
    const checkOf = new Int32Array(loop.endSite - loop.firstSite).fill(ALONE)
    let covered = 0
    for (const [node, sites] of groups) covered += this.check(loop, node, sites, checks, checkOf)
    if (covered === 0 || bytes > 200 + covered * BYTES_AN_ACCESS) return undefined
    for (let i = loop.firstSite; i < loop.endSite; i++) {
      if (isPrivate(this.flow.sites[i] as Site)) checkOf[i - loop.firstSite] = PRIVATE
    }
    const all = mapped && checkOf.every((check) => check !== ALONE)
    return { loop, checks, checkOf, mapped: all ? this.mapped(loop, checks, bytes) : [] }
  }

  /**
   * => what counts the rounds of a loop; undefined for one that must poll in each. Loops without calls may wait for 256 rounds, those of a nest of them
   * together: it is innermost loops alone that count by what they count themselves.
   */
  counter(instruction: number, loop: Loop | undefined): Counter | undefined {
    const end = this.code.match[instruction] as number
    const bytes = (this.code.at[end] as number) - (this.code.at[instruction] as number)
    if (bytes > PRIVATE_BYTES || this.leaves(instruction, end)) return undefined
    for (const { local, low, high } of loop?.again ? loop.steps.values() : []) {
      if (low !== high || low === 0) continue
      const zeros = 31 - Math.clz32(low & -low)
      if (zeros + SPARSE_LOG2 > 31) continue
      return { local, mask: SPARSE << zeros }
    }
    return { local: undefined, mask: SPARSE }
  }

  private bytes({ instruction, end }: Loop): number {
    return (this.code.at[end] as number) - (this.code.at[instruction] as number)
  }

  /** Whether a loop takes nothing and leaves one value at most: copies of it are put in a block of its type. */
  private plainType({ instruction }: Loop): boolean {
    return (this.code.values[instruction] as number) < 0
  }

  /** Whether a loop has what takes long or enters the kernel: calls, bulk memory. */
  leaves(instruction: number, end: number): boolean {
    const { leaving } = this.code
    return (leaving[firstBehind(leaving, instruction)] ?? end) < end
  }

  /** The accesses of a loop by node, of those whose node can be computed at its head. */
  private groups(loop: Loop): Map<number, number[]> {
    const groups = new Map<number, number[]>()
    for (let i = loop.firstSite; i < loop.endSite; i++) {
      const { node, offset } = this.flow.sites[i] as Site
      if (node <= CONSTANT || offset >= REACH || !this.held(loop, node)) continue
      const known = groups.get(node)
      if (known) known.push(i)
      else groups.set(node, [i])
    }
    return groups
  }

  /** Whether a node can be computed at the head of a loop. */
  private held(loop: Loop, node: number): boolean {
    if ((this.values.latest[node] as number) >= loop.leaves) return false
    return isHeld(this.flow, loop.events, node)
  }

  /** How far a round moves a node, at least and at most: undefined when nobody knows. */
  private step(loop: Loop, node: number): Move | undefined {
    const { values } = this
    const kind = values.kinds[node] as number
    if (kind === LEAF) {
      const step = loop.steps.get(node)
      return step ? moveOf(step.low, step.high) : [0, 0]
    }
    const first = this.step(loop, values.first[node] as number)
    if (!first) return undefined
    const by = values.second[node] as number
    if (kind >= SHIFT) {
      const factor = kind === SHIFT ? 2 ** by : by
      return moveOf(first[0] * factor, first[1] * factor)
    }
    const second = this.step(loop, by)
    if (!second) return undefined
    if (kind === SUM) return moveOf(first[0] + second[0], first[1] + second[1])
    return moveOf(first[0] - second[1], first[1] - second[0])
  }

  /** Makes the check of one node's accesses. => how many it covers */
  private check(
    loop: Loop,
    node: number,
    sites: readonly number[],
    checks: Check[],
    checkOf: Int32Array,
  ): number {
    const site = (i: number) => this.flow.sites[i] as Site
    const first = site(sites.find((i) => site(i).sure) ?? (sites[0] as number))
    const at = first.low
    const end = ({ high, offset, access }: Site) => high + offset + access.bytes
    const covered = sites.filter((i) => site(i).low >= at - REACH && end(site(i)) <= at + REACH)
    const step = this.step(loop, node) ?? [-WILD, WILD]
    const sure = sites.some((i) => site(i).sure)
    const still = step[0] === 0 && step[1] === 0
    const walks = Math.max(-step[0], step[1]) <= STRIDE
    const met = sites.some((i) => {
      const near = site(i).low >= at - STRIDE && end(site(i)) <= at + STRIDE
      return site(i).sure && near
    })
    const once = still || (walks && met)
    // Asked in each round for accesses that few rounds make, it would cost more than they do.
    if (!once && !sure) return 0
    const low = Math.min(...covered.map((i) => site(i).low))
    const high = Math.max(...covered.map((i) => end(site(i))))
    const write = covered.some((i) => site(i).access.write)
    for (const i of covered) checkOf[i - loop.firstSite] = checks.length
    checks.push({
      node,
      at,
      once,
      step: step[0] === step[1] ? step[0] : undefined,
      low,
      high,
      write,
    })
    return covered.length
  }

  /** Which mapped copies a loop gets. */
  private mapped(loop: Loop, checks: readonly Check[], bytes: number): number[] {
    const most = MAPPED_BYTES[checks.length] ?? 0
    if (bytes > most) return []
    for (let i = loop.firstSite; i < loop.endSite; i++) {
      if ((this.flow.sites[i] as Site).access.atomic) return []
    }
    if (checks.some(({ low, high }) => high - low > SPAN_MAX)) return []
    return checks.length === 1 ? [1] : [1, 2, 3]
  }
}
