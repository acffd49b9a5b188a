/**
 * A provider that fails by plan, around one that does not: for testing what a program does when its storage
 * fails, delays, moves less than asked, or fills up.
 *
 *     const mount = faulty(provider, [
 *       { op: 'sync', nth: 2, effect: { error: 'EIO' } },
 *       { op: 'pwrite', path: /\.db$/, effect: { fillAfterBytes: 1 << 20, error: 'EDQUOT' } },
 *     ])
 *
 * Invariants:
 *   1. A call that is made to fail does not reach the provider, and changes nothing below.
 *   2. Rules are tried in order; the first that matches and has an effect left rules the call. Every
 *      rule that matches counts it.
 *   3. Without delays a synchronous provider stays synchronous.
 *   4. The same plan over the same calls has the same effects: nothing here is random or timed.
 */
import { type ErrnoName, errnoNumber, ProviderError } from '../providers/errno.js'
import type {
  Awaitable,
  Capabilities,
  OpenFlags,
  Provider,
  ProviderSpec,
} from '../providers/provider.js'
import { instantiate } from '../providers/specs.js'

/** The methods that a rule can name. */
export type FaultOp = Exclude<keyof Provider, 'name' | 'capabilities' | 'dispose'>

/** What happens to a call that a rule rules. Delays come first and go with each of the others. */
export interface FaultEffect {
  /** The call fails with this errno. */
  error?: ErrnoName
  /** The call waits this long before it does anything; the provider's `async` capability becomes true. */
  delayMs?: number
  /** pread, pwrite: at most this many bytes are moved, 1 or more. */
  short?: number
  /**
   * pwrite, truncate: growth of a file past its size is counted, over all files of the rule; what would bring the
   * count over this number is written in part, and from then on fails with `error`, or ENOSPC. Overwriting
   * goes on working, as on a full disk.
   */
  fillAfterBytes?: number
}

export interface FaultRule {
  /** One method, several, or every one when left out. */
  op?: FaultOp | readonly FaultOp[]
  /** Only the nth call that matches, from 1; [first, last] for a range; every one when left out. */
  nth?: number | readonly [number, number]
  /** The path, or the path at which a handle was opened: equal to a string, or matching a RegExp. */
  path?: string | RegExp
  effect: FaultEffect
}

/** A provider that can also tell what the plan did. */
export interface FaultyProvider extends Provider {
  /** One line for each call that a rule ruled: the rule's index, the method, the path. */
  readonly faults: readonly { rule: number; op: FaultOp; path: string }[]
}

const OPS: readonly FaultOp[] = [
  ...([
    'open',
    'close',
    'pread',
    'pwrite',
    'truncate',
    'sync',
    'stat',
    'lstat',
    'readdir',
  ] as const),
  ...(['mkdir', 'rmdir', 'unlink', 'rename', 'link', 'symlink', 'readlink', 'utimes'] as const),
  'futimes',
]
const BY_HANDLE: ReadonlySet<FaultOp> = new Set<FaultOp>([
  ...(['close', 'pread', 'pwrite', 'truncate', 'sync', 'stat', 'futimes'] as const),
])

/**
 * Wraps a provider, or a mount's spec: `boot({ mounts: { '/data': faulty(disk('./data'), plan) } })`. A spec's mount is
 * then served by one thread, so that each rule counts all calls.
 * TypeError for a plan that means nothing, naming the rule.
 */
export function faulty(provider: Provider, plan: readonly FaultRule[]): FaultyProvider
export function faulty(spec: ProviderSpec, plan: readonly FaultRule[]): ProviderSpec
export function faulty(
  target: Provider | ProviderSpec,
  plan: readonly FaultRule[],
): FaultyProvider | ProviderSpec {
  plan.forEach(checkRule)
  if ('module' in target) {
    const { sharedBytes = 0 } = target
    return {
      module: import.meta.url,
      options: { spec: target, plan },
      threads: 'owner',
      sharedBytes,
    }
  }
  return new Faulty(target, plan) as unknown as FaultyProvider
}

/** The factory of the specs that `faulty` makes. */
export default async function faultyFactory(
  { spec, plan }: { spec: ProviderSpec; plan: readonly FaultRule[] },
  shared: SharedArrayBuffer,
): Promise<FaultyProvider> {
  return faulty(await instantiate({ spec, shared }), plan)
}

function checkRule(rule: FaultRule, index: number): void {
  const refuse = (what: string): never => {
    throw new TypeError(`plan[${index}]: ${what}`)
  }
  const ops = opsOf(rule)
  for (const op of ops) if (!OPS.includes(op)) refuse(`op '${op}' is no method of a provider`)
  const { error, delayMs, short, fillAfterBytes } = rule.effect ?? refuse('effect is missing')
  if ([error, delayMs, short, fillAfterBytes].every((part) => part === undefined)) {
    refuse('effect is empty: give error, delayMs, short or fillAfterBytes')
  }
  if (error !== undefined && errnoNumber(error) === undefined) refuse(`'${error}' is no errno`)
  if (delayMs !== undefined && !(delayMs >= 0)) refuse('delayMs must be 0 or more')
  if (short !== undefined && !(Number.isInteger(short) && short > 0)) {
    refuse('short must be an integer from 1')
  }
  if (fillAfterBytes !== undefined && !(fillAfterBytes >= 0)) {
    refuse('fillAfterBytes must be 0 or more')
  }
  const [first, last] = rangeOf(rule)
  if (!(first >= 1 && last >= first)) refuse('nth counts from 1')
}

function opsOf({ op }: FaultRule): readonly FaultOp[] {
  if (op === undefined) return OPS
  return typeof op === 'string' ? [op] : op
}

function rangeOf({ nth }: FaultRule): readonly [number, number] {
  if (nth === undefined) return [1, Number.POSITIVE_INFINITY]
  return typeof nth === 'number' ? [nth, nth] : nth
}

/** A rule with what it has counted. */
class Rule {
  readonly #rule: FaultRule
  readonly #ops: ReadonlySet<FaultOp>
  #calls = 0
  /** Bytes that files grew by, under fillAfterBytes. */
  grownBytes = 0

  constructor(rule: FaultRule) {
    this.#rule = rule
    this.#ops = new Set(opsOf(rule))
  }

  get effect(): FaultEffect {
    return this.#rule.effect
  }

  /** Counts the call when it matches; => whether its effect is due. */
  meets(op: FaultOp, paths: readonly string[]): boolean {
    if (!this.#ops.has(op) || !paths.some((path) => this.#matches(path))) return false
    this.#calls++
    const [first, last] = rangeOf(this.#rule)
    return this.#calls >= first && this.#calls <= last
  }

  #matches(path: string): boolean {
    const { path: wanted } = this.#rule
    if (wanted === undefined) return true
    return typeof wanted === 'string' ? wanted === path : path.search(wanted) >= 0
  }
}

class Faulty {
  readonly name: string
  readonly capabilities: Capabilities
  readonly faults: { rule: number; op: FaultOp; path: string }[] = []
  readonly #provider: Provider
  readonly #rules: readonly Rule[]
  readonly #paths = new Map<number, string>()

  constructor(provider: Provider, plan: readonly FaultRule[]) {
    this.#provider = provider
    this.#rules = plan.map((rule) => new Rule(rule))
    this.name = `faulty ${provider.name}`
    const delays = plan.some((rule) => rule.effect.delayMs !== undefined)
    const async = provider.capabilities.async || delays
    this.capabilities = { ...provider.capabilities, threads: 'owner', async }
    const methods = this as unknown as Record<FaultOp, unknown>
    const has = (op: FaultOp) => op !== 'futimes' || provider.futimes !== undefined
    for (const op of OPS.filter(has)) methods[op] = (...args: unknown[]) => this.#call(op, args)
  }

  dispose(): Awaitable<void> {
    return this.#provider.dispose?.()
  }

  #call(op: FaultOp, args: unknown[]): Awaitable<unknown> {
    const paths = this.#pathsOf(op, args)
    const due = this.#rules.map((rule) => rule.meets(op, paths))
    const index = due.findIndex((met, at) => met && appliesTo(this.#rules[at] as Rule, op))
    const rule = this.#rules[index]
    if (!rule) return this.#pass(op, args)
    this.faults.push({ rule: index, op, path: paths[0] ?? '' })
    const { delayMs } = rule.effect
    if (delayMs === undefined) return this.#ruled(rule, op, args)
    return delay(delayMs).then(() => this.#ruled(rule, op, args))
  }

  #ruled(rule: Rule, op: FaultOp, args: unknown[]): Awaitable<unknown> {
    const { effect } = rule
    if (effect.fillAfterBytes !== undefined) return this.#filling(rule, op, args)
    if (effect.error !== undefined) throw injected(effect.error, op)
    if (effect.short === undefined || (op !== 'pread' && op !== 'pwrite')) {
      return this.#pass(op, args)
    }
    const [handle, bytes, offset] = args as [number, Uint8Array, number]
    return this.#pass(op, [handle, bytes.subarray(0, effect.short), offset])
  }

  /** A write that makes its file grow takes from what is left; one that does not is free. */
  #filling(rule: Rule, op: FaultOp, args: unknown[]): Awaitable<unknown> {
    const stat = this.#provider.stat(args[0] as number)
    const go = ({ size }: { size: number }) => this.#fill(rule, op, args, size)
    return isPromise(stat) ? stat.then(go) : go(stat)
  }

  #fill(rule: Rule, op: FaultOp, args: unknown[], size: number): Awaitable<unknown> {
    const left = Math.max(0, (rule.effect.fillAfterBytes as number) - rule.grownBytes)
    const full = injected(rule.effect.error ?? 'ENOSPC', op)
    if (op === 'truncate') {
      const [, wanted] = args as [number, number]
      if (wanted - size > left) throw full
      return this.#grow(rule, this.#pass(op, args), Math.max(0, wanted - size))
    }
    const [handle, from, offset] = args as [number, Uint8Array, number]
    const room = size + left - offset
    if (room <= 0 && from.length > 0) throw full
    const part = from.subarray(0, Math.min(from.length, room))
    const written = this.#pass(op, [handle, part, offset]) as Awaitable<number>
    const count = (bytes: number) => {
      rule.grownBytes += Math.max(0, offset + bytes - size)
      return bytes
    }
    return isPromise(written) ? written.then(count) : count(written)
  }

  #grow(rule: Rule, done: Awaitable<unknown>, bytes: number): Awaitable<unknown> {
    const count = () => {
      rule.grownBytes += bytes
    }
    return isPromise(done) ? done.then(count) : count()
  }

  #pass(op: FaultOp, args: unknown[]): Awaitable<unknown> {
    const method = this.#provider[op] as (...args: unknown[]) => Awaitable<unknown>
    if (op === 'open') return this.#open(args as [string, OpenFlags])
    const result = method.apply(this.#provider, args)
    if (op !== 'close') return result
    this.#paths.delete(args[0] as number)
    return result
  }

  #open([path, flags]: [string, OpenFlags]): Awaitable<number> {
    const note = (handle: number) => {
      this.#paths.set(handle, path)
      return handle
    }
    const handle = this.#provider.open(path, flags)
    return isPromise(handle) ? handle.then(note) : note(handle)
  }

  /** The paths that a call names; both of a rename or link, that of the link for symlink. */
  #pathsOf(op: FaultOp, args: unknown[]): string[] {
    if (BY_HANDLE.has(op)) return [this.#paths.get(args[0] as number) ?? '']
    if (op === 'rename' || op === 'link') return [args[0] as string, args[1] as string]
    return [(op === 'symlink' ? args[1] : args[0]) as string]
  }
}

/** Effects about bytes concern the calls that move bytes; the others concern every call. */
function appliesTo({ effect }: Rule, op: FaultOp): boolean {
  if (effect.fillAfterBytes !== undefined) return op === 'pwrite' || op === 'truncate'
  if (effect.short !== undefined && effect.error === undefined && effect.delayMs === undefined) {
    return op === 'pread' || op === 'pwrite'
  }
  return true
}

function injected(code: ErrnoName, op: FaultOp): ProviderError {
  return new ProviderError(code, `${op} fails by plan`)
}

function isPromise<T>(value: Awaitable<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function'
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
