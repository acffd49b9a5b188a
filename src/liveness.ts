/**
 * Is a thread of the kernel still there? What a dead one held is used again only after proof that it executes nothing any more.
 *
 * Proofs, each measured to come after the last instruction of the thread, never before:
 *   Linux (Node, Deno, Bun)   its system thread is gone from /proc/self/task, or is another that started later: at once, from any
 *                             thread, also a blocked one
 *   browsers                  the Web Lock that it held is free
 *   other systems             the `exit` event of a worker that was handed to us (Node, Bun); none in Deno
 * What is no proof: terminate() that returned (Deno: the loop still runs), Deno's `exit`, a counter that stands still, in Node a Web
 * Lock (never released there), in Deno one (released too early).
 *
 * Deno: a worker that holds a Web Lock ends when terminated; one that holds none may run on (measured in 2.9.5, reason unknown).
 * So it holds one, and nobody believes it.
 */
import { builtin, onDeno, onNode, threadId } from './runtime.js'
import type { ThreadRecord } from './threads.js'

/** What a thread records so that others can prove its death. */
export interface Life {
  readonly tid: number
  readonly started: number
  readonly lockName: number
}

/** Kept for the life of the thread: what is collected would look like a death. */
const KEPT = Symbol.for('isopage.life')

function keep(value: unknown): void {
  const scope = globalThis as { [KEPT]?: unknown[] }
  scope[KEPT] ??= []
  scope[KEPT].push(value)
}

function nameOf(kernelId: string, lockName: number): string {
  return `isopage-${kernelId}-${lockName >>> 0}`
}

/** Makes this thread's death provable. Called before it claims a slot: no slot, nothing to repair. */
export async function announce(kernelId: string): Promise<Life> {
  let lockName = 0
  // Not on Deno's main thread: nothing terminates that, and a lock would keep the process alive.
  if (!onNode || (onDeno && (await threadId()) !== 0)) {
    lockName = crypto.getRandomValues(new Int32Array(1))[0] as number
    await hold(nameOf(kernelId, lockName))
  }
  const tid = await ownTid()
  return { tid, started: tid === 0 ? 0 : (startOf(tid) ?? 0), lockName: onNode ? 0 : lockName }
}

function hold(name: string): Promise<void> {
  return new Promise((held, fail) => {
    const forever = () => {
      held()
      return new Promise<void>(keep)
    }
    navigator.locks.request(name, forever).catch(fail)
  })
}

let fs: typeof import('node:fs') | undefined

/** => the system's id of this thread, 0 where it has none that can be looked up. */
async function ownTid(): Promise<number> {
  if (!onNode || process.platform !== 'linux') return 0
  try {
    fs = await builtin('node:fs')
    return Number(fs.readlinkSync('/proc/thread-self').split('/').pop()) | 0
  } catch {
    return 0 // no /proc, or no permission to read it
  }
}

/** => when a system thread started, in clock ticks; undefined when it is gone. Source: proc_pid_stat(5), field 22. */
function startOf(tid: number): number | undefined {
  try {
    const stat = fs?.readFileSync(`/proc/self/task/${tid}/stat`, 'utf8')
    return Number(stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19]) | 0
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

/** Workers by the runtime's number whose `exit` was seen where that is proof. */
const exited = new Set<number>()
const watched = new WeakSet<object>()

/** Takes the `exit` of a worker as proof, where it is one. */
export function watchExit(worker: object): void {
  const emitter = worker as { once?: (event: string, act: () => void) => void; threadId?: number }
  if (!onNode || onDeno || watched.has(worker)) return
  if (typeof emitter.once !== 'function') return
  watched.add(worker)
  const { threadId } = emitter // -1 after the end
  emitter.once('exit', () => {
    if (threadId !== undefined && threadId > 0) exited.add(threadId)
  })
}

/** => proved, without waiting. False where proof takes time or there is none. */
export function provedDead(record: ThreadRecord): boolean {
  if (record.tid !== 0 && fs) return startOf(record.tid) !== record.started
  return record.threadId > 0 && exited.has(record.threadId)
}

/** => proved by now. */
export async function isDead(kernelId: string, record: ThreadRecord): Promise<boolean> {
  if (record.lockName === 0) return provedDead(record)
  const name = nameOf(kernelId, record.lockName)
  return navigator.locks.request(name, { ifAvailable: true }, (lock) => lock !== null)
}
