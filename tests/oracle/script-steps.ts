/** Scripts of processes.h, made on Isopage: what the steps of queues.c and of sems.c have in common. */

import type { Kernel, Process } from '../../dist/src/index.js'
import { Caller } from '../support/caller.ts'
import { pause } from '../support/pause.ts'

/** As processes.h has them. */
export const USERS = [
  { uid: 0, gid: 0 },
  { uid: 1001, gid: 2001 },
  { uid: 1002, gid: 2001 },
  { uid: 1003, gid: 2003 },
]
export const SLOTS = [0, 1, 2]
/** The id in a slot that is not filled. */
const NEVER = 999_999

export type Call = { name: keyof Process; args: unknown[]; say: (result: unknown) => string }

interface Begun {
  readonly call: Call
  readonly result: Promise<unknown>
  done: boolean
}

export abstract class ScriptSteps implements AsyncDisposable {
  protected readonly kernel: Kernel
  protected readonly ids = SLOTS.map(() => NEVER)
  readonly #callers = new Map<number, Caller>()
  readonly #begun = new Map<number, Begun>()
  readonly #times: number[][] = SLOTS.map(() => [])

  constructor(kernel: Kernel) {
    this.kernel = kernel
  }

  /** The process of that number. */
  protected abstract process(which: number): Process
  /** => what a step calls, undefined for what is not there. */
  protected abstract call(which: number, name: string, path: string, n: number[]): Call | undefined
  /** What all objects say of themselves. */
  protected abstract state(): string
  /** The process exits, and another takes its place. */
  protected abstract replace(which: number): void

  /** Makes a step. => what the C program prints for it. */
  async run(step: string): Promise<string> {
    const which = Number(step[0])
    const [name = '', ...words] = step.slice(2).trim().split(/ +/)
    const path = words.find((word) => word.startsWith(':'))?.slice(1) ?? ''
    const numbers = words.filter((word) => !word.startsWith(':')).map(Number)
    const outcome = await this.#outcome(step[1] ?? ' ', which, name, path, numbers)
    for (const each of this.#begun.keys()) await this.#rest(each)
    return outcome + this.state()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const caller of this.#callers.values()) await caller.kill()
  }

  /** => what became of the call that the process began: `none` once its outcome was asked for. */
  begun(which: number): 'asleep' | 'ended' | 'none' {
    if (!this.#begun.has(which)) return 'none'
    return this.#sleeps(which) ? 'asleep' : 'ended'
  }

  #sleeps(which: number): boolean {
    const { pid } = this.process(which)
    return this.kernel.sleepers().some((sleeper) => sleeper.pid === pid)
  }

  async #outcome(mode: string, which: number, name: string, path: string, n: number[]) {
    if (name === 'wait') {
      await pause(1100)
      return 'ok'
    }
    if (name === 'end') return this.#end(which)
    if (mode === '=' || mode === '?') return this.#settled(which)
    const call = this.call(which, name, path, n)
    if (!call) return 'none'
    if (mode === '&') return this.#begin(which, call)
    return said(() => call.say(this.#make(which, call)))
  }

  async #end(which: number): Promise<string> {
    this.process(which).exit()
    await this.#begun.get(which)?.result
    this.#begun.delete(which)
    this.replace(which)
    return 'ok'
  }

  #make(which: number, { name, args }: Call): unknown {
    const process = this.process(which)
    return (process[name] as (...args: unknown[]) => unknown).apply(process, args)
  }

  async #begin(which: number, call: Call): Promise<string> {
    const caller = this.#callers.get(which) ?? (await Caller.start(this.kernel))
    this.#callers.set(which, caller)
    const result = caller.call(this.process(which), call.name, ...call.args)
    const begun = { call, result, done: false }
    const end = () => {
      begun.done = true
    }
    begun.result.then(end, end)
    this.#begun.set(which, begun)
    return this.#settled(which)
  }

  /** => the outcome of the call that was begun, `asleep` while it sleeps. */
  async #settled(which: number): Promise<string> {
    const begun = this.#begun.get(which)
    if (!begun) return 'none'
    if (!(await this.#rest(which))) return 'asleep'
    this.#begun.delete(which)
    const value = await begun.result
    return typeof value === 'string' ? value : begun.call.say(value)
  }

  /** Waits until the call that was begun sleeps or has ended. => it has ended. */
  async #rest(which: number): Promise<boolean> {
    while (!this.#begun.get(which)?.done) {
      if (this.#sleeps(which)) return false
      await pause(1)
    }
    return true
  }

  /** A time of the object in a slot: 0 never, = as before, + moved. */
  protected moved(slot: number, which: number, now: number): string {
    const known = this.#times[slot] as number[]
    const says = now === 0 ? '0' : now === known[which] ? '=' : '+'
    known[which] = now
    return says
  }
}

/** => the call that a step names. */
export function chosen(calls: Record<string, () => Call>, name: string): Call {
  const make = calls[name]
  if (!make) throw new Error(`no call named ${name}`)
  return make()
}

/** => what an act says, or the errno that it fails with. */
export function said(act: () => string): string {
  try {
    return act()
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (typeof code !== 'string' || !/^E[A-Z0-9]+$/.test(code)) throw error
    return code
  }
}

export const ok = () => 'ok'
