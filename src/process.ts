/**
 * A process: the calls of POSIX under their own names, made for one pid. Any thread may have an object for the same process.
 *
 *   p.read(fd, into)                    waits where it has to; ERR_WOULD_BLOCK on a thread that may not (a browser's main thread)
 *   p.promises.read(fd, into)           the same call, made by a service worker
 *   p.promises.flock(fd, op, { signal}) an AbortSignal, last, ends a wait: AbortError
 */
import { ESRCH, GROUPS_MAX, RLIM_INFINITY } from '../assembly/abi.js'
import type { Dirtied } from './calls.js'
import { checkBytes, checkInteger, checkUint32, outOfRange, wrongType } from './check.js'
import type { Instance } from './instance.js'
import { Mapping } from './mapping.js'
import type { MmapOptions } from './memory.js'
import type { MqCalls } from './mq.js'
import { type MsgrcvOptions, type ReceivedMessage, roomIn } from './msg.js'
import type { ChildRecord, MappingRecord, Services } from './protocol.js'
import type { ShmatOptions } from './shm.js'
import { SyncCalls } from './sync.js'

/** Last argument of a call's promise form. */
export interface CallOptions {
  signal?: AbortSignal
}

/** What belongs to the thread that has it, not to the process: no promise form. */
type ThreadBound =
  | 'view'
  | 'leave'
  | 'forked'
  | 'pageSize'
  | 'memory'
  | 'pid'
  | 'promises'
  | 'owner'
  | 'actFor'
  | 'mutex_sleep'
  | 'pollArmed'

/** The promise form of every call of a process. */
export type ProcessPromises = {
  readonly [Name in Exclude<keyof Process, ThreadBound | symbol>]: Process[Name] extends (
    ...args: infer Args
  ) => infer Result
    ? (...args: [...Args, options?: CallOptions]) => Promise<Result>
    : never
}

/** A process's credentials and relations. */
const FACTS = {
  uid: 0,
  gid: 1,
  euid: 2,
  egid: 3,
  umask: 4,
  parent: 5,
  groups: 6,
  threads: 7,
} as const

export class Process extends SyncCalls {
  readonly #services: Services | undefined
  #promises: ProcessPromises | undefined

  /** Made by `kernel.process()`. */
  constructor(instance: Instance, pid: number, services?: Services, dirtied: Dirtied = () => {}) {
    super(instance, pid, dirtied)
    this.#services = services
  }

  /** The promise form of each call, for threads that may not wait and for waits that can be aborted. */
  get promises(): ProcessPromises {
    this.#promises ??= this.#makePromises()
    return this.#promises
  }

  /** mmap(2). */
  mmap(options: MmapOptions): Mapping {
    return new Mapping(this, this.mapAt(options), options.length)
  }

  /** shmat(2): the segment as a mapping of its whole size; `unmap`, or shmdt, detaches it. */
  shmat(id: number, options?: ShmatOptions): Mapping {
    const { address, length } = this.attachAt(id, options)
    return new Mapping(this, address, length, true)
  }

  /** _exit(2): releases all that the process has; every later call with it is ESRCH. */
  exit(status = 0): void {
    const { calls } = this
    checkInteger('status', status, 0, 255)
    this.done('exit', calls.process_exit(this.pid, status))
    this.exited = true
    this.dirtied()
  }

  /**
   * This thread runs the process no longer: calls with this object are ESRCH. Other threads go on; when the last one has left, or ended,
   * the process exits.
   */
  leave(): void {
    this.done('leave', this.calls.process_leave(this.pid))
    this.exited = true
    this.dirtied()
  }

  /**
   * fork(2). => the child, with this thread in it: a copy of the address space (shared mappings are the same pages, private ones copy on write), the same open
   * descriptions, working directory, credentials and limits. Mappings have their addresses in it. Not inherited: memory locks, fcntl locks, other threads.
   */
  fork(): Process {
    return this.#child(this.forked())
  }

  /** fork(2), of which another thread makes a Process. => the child's pid. @internal */
  forked(): number {
    return this.done('fork', this.calls.process_fork(this.pid))
  }

  #child(pid: number): Process {
    return new Process(this.instance, pid, this.#services, this.dirtied)
  }

  /** A child that a service worker has forked: this thread takes the worker's place in it. */
  #taken({ child, thread, sequence }: ChildRecord): Process {
    this.done('fork', this.instance.calls.process_take(child, thread, sequence))
    return this.#child(child)
  }

  /**
   * What a signal with a handler does to calls that sleep: each call of this process that another thread, or a promise form, sleeps in ends
   * with EINTR. What is done stays done. A call that has not yet begun to sleep is not ended: who must be sure asks again. => sleeps ended.
   */
  interrupt(): number {
    const { calls } = this
    return this.done('interrupt', calls.process_interrupt(this.pid))
  }

  /** Exits, unless that was done, here or elsewhere. */
  [Symbol.dispose](): void {
    if (this.exited || this.instance.table.closed) return
    const result = this.calls.process_exit(this.pid, 0)
    this.exited = true
    if (result !== -ESRCH) this.done('exit', result)
  }

  getuid(): number {
    return this.#fact('uid')
  }

  getgid(): number {
    return this.#fact('gid')
  }

  geteuid(): number {
    return this.#fact('euid')
  }

  getegid(): number {
    return this.#fact('egid')
  }

  getppid(): number {
    return this.#fact('parent')
  }

  #fact(name: keyof typeof FACTS): number {
    return this.done(`get${name}`, this.calls.process_get(this.pid, FACTS[name]))
  }

  /** setuid(2). */
  setuid(uid: number): void {
    this.#setIds('setuid', ['uid', 'euid'], checkUint32('uid', uid))
  }

  /** setgid(2). */
  setgid(gid: number): void {
    this.#setIds('setgid', ['gid', 'egid'], checkUint32('gid', gid))
  }

  /** seteuid(2). */
  seteuid(euid: number): void {
    this.#setIds('seteuid', ['euid'], checkUint32('euid', euid))
  }

  /** setegid(2). */
  setegid(egid: number): void {
    this.#setIds('setegid', ['egid'], checkUint32('egid', egid))
  }

  #setIds(syscall: string, names: readonly (keyof typeof FACTS)[], id: number): void {
    const { calls } = this
    for (const name of names) this.done(syscall, calls.process_set(this.pid, FACTS[name], id))
  }

  /** setgroups(2). */
  setgroups(groups: readonly number[]): void {
    const { calls, instance } = this
    if (!Array.isArray(groups)) throw wrongType('groups', 'an array of numbers', groups)
    if (groups.length > GROUPS_MAX) {
      throw outOfRange('groups.length', `at most ${GROUPS_MAX}`, groups.length)
    }
    for (const [index, group] of groups.entries()) {
      instance.view.setUint32(instance.dataAt + 4 * index, checkUint32('groups', group), true)
    }
    this.done('setgroups', calls.set_groups(this.pid, groups.length))
  }

  /** getrlimit(2). `resource`: RLIMIT.*. => bytes, or a count; Infinity for none. */
  getrlimit(resource: number): number {
    checkUint32('resource', resource)
    const limit = this.done('getrlimit', this.calls.get_limit(this.pid, resource))
    return limit === RLIM_INFINITY ? Number.POSITIVE_INFINITY : limit
  }

  /** setrlimit(2). `limit`: bytes, or a count; Infinity for none. The host may set any; a guest that is not root can raise it no more. */
  setrlimit(resource: number, limit: number): void {
    checkUint32('resource', resource)
    if (typeof limit !== 'number') throw wrongType('limit', 'of type number', limit)
    if (!(limit >= 0)) throw outOfRange('limit', 'at least 0, or Infinity', limit)
    this.done('setrlimit', this.calls.set_limit(this.pid, resource, limit))
  }

  #makePromises(): ProcessPromises {
    const promises: Record<string, (...args: unknown[]) => Promise<unknown>> = {}
    for (const name of callNames()) {
      promises[name] = (...args) => this.#inService(name, args)
    }
    return Object.freeze(promises) as unknown as ProcessPromises
  }

  /** Has a service worker make the call. */
  async #inService(name: string, given: unknown[]): Promise<unknown> {
    this.calls.booted() // closed, or exited: said at once
    if (name === 'mq_notify') return this.mq_notify(...(given as Parameters<MqCalls['mq_notify']>))
    if (!this.#services)
      throw wrongType('promises', 'used in a thread that booted or attached', name)
    const { args, signal } = takeSignal(given)
    const detached = name === 'shmdt' && args[0] instanceof Mapping ? args[0] : undefined
    if (detached) args.splice(0, 1, detached.part()[0])
    const staged = stage(name, args)
    const long = this.#onPipe(name, args[0])
    const call = { pid: this.pid, name, args: staged.args, long, ...this.#ownerFor(name) }
    const answer = this.#services.run(call, signal)
    const result = staged.finish(await answer.catch((error) => staged.fail(error)))
    detached?.gone()
    if (name === 'exit') this.exited = true
    this.dirtied()
    if (name === 'fork') return this.#taken(result as ChildRecord)
    const maps = name === 'mmap' || name === 'shmat'
    return maps ? this.#mapped(result as MappingRecord) : result
  }

  /** => a read or write that may wait for the other end of a pipe. */
  #onPipe(name: string, fd: unknown): boolean {
    if ((name !== 'read' && name !== 'write') || typeof fd !== 'number') return false
    return this.calls.may_wait(this.pid, fd) === 1
  }

  /** The life of a lock's owner is this thread's, not that of the worker that makes the call. */
  #ownerFor(name: string): { owner?: number } {
    return /^(pthread|rwlock)_/.test(name) ? { owner: this.owner } : {}
  }

  #mapped({ mapping }: MappingRecord): Mapping {
    return new Mapping(this, mapping.address, mapping.length, mapping.attached)
  }
}

const UNPROMISED: ReadonlySet<string> = new Set([
  'constructor',
  'view',
  'leave',
  'forked',
  'actFor',
  'mutex_sleep',
  'pollArmed',
])

/** The names of all calls, from the classes that have them. */
function callNames(): string[] {
  const names: string[] = []
  for (let at = Process.prototype; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(at))) {
      if (typeof value === 'function' && !UNPROMISED.has(name)) names.push(name)
    }
  }
  return names.filter((name) => !['mapAt', 'attachAt', 'done'].includes(name))
}

/** Takes `{ signal }`, or an `undefined` in its place, off the end of the arguments. */
function takeSignal(given: unknown[]): { args: unknown[]; signal: AbortSignal | undefined } {
  const last = given.at(-1)
  const isOptions =
    typeof last === 'object' && last !== null && Object.keys(last).join() === 'signal'
  if (!isOptions) return { args: given, signal: undefined }
  const { signal } = last as { signal: unknown }
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw wrongType('options.signal', 'an AbortSignal', signal)
  }
  return { args: given.slice(0, -1), signal }
}

/** Calls that fill an array, and which argument it is. */
const FILLS: Readonly<Record<string, number>> = { read: 1, pread: 1, vmRead: 1 }

interface Staged {
  readonly args: unknown[]
  finish(result: unknown): unknown
  /** Throws what the call threw, once what came before it is where it belongs. */
  fail(error: unknown): never
}

const same = (result: unknown) => result
const rethrow = (error: unknown): never => {
  throw error
}

/** An array that only this thread has is stood in for by a shared one, and filled when the call is done. */
function stage(name: string, args: unknown[]): Staged {
  if (name === 'msgrcv') return stageMessage(args)
  const index = FILLS[name]
  if (index === undefined) return { args, finish: same, fail: rethrow }
  const into = checkBytes('into', args[index])
  if (into.length === 0 || into.buffer instanceof SharedArrayBuffer)
    return { args, finish: same, fail: rethrow }
  const shared = new Uint8Array(new SharedArrayBuffer(into.length))
  return {
    args: args.with(index, shared),
    finish(result) {
      into.set(shared.subarray(0, result as number))
      return result
    },
    fail(error) {
      const { address } = error as { address?: number }
      if (name === 'vmRead' && address !== undefined) {
        into.set(shared.subarray(0, address - (args[0] as number)))
      }
      throw error
    },
  }
}

/** The message comes in an array of its own, and is put where it was wanted. */
function stageMessage(args: unknown[]): Staged {
  const options = args[1] as MsgrcvOptions | undefined
  if (options?.into === undefined) return { args, finish: same, fail: rethrow }
  const { into, ...rest } = options
  const size = roomIn(into, rest.size)
  return {
    args: args.with(1, { ...rest, size }),
    finish(result) {
      const { type, data } = result as ReceivedMessage
      into.set(data)
      return { type, data: into.subarray(0, data.length) }
    },
    fail: rethrow,
  }
}
