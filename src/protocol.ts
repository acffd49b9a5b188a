/**
 * Every message between threads, and the handle that lets a thread take part. All of it is structured-cloneable.
 *
 *   starter -> worker   start (once, first), call, close        worker -> starter   ready | failed (once), result | long, closed
 *
 * A worker runs one call at a time and answers each with one result, or that it is to come again.
 */
import type { ErrorRecord } from './errors.js'
import type { MountedSpec } from './providers/provider.js'

/** What `attach(handle)` takes: post it to a worker. */
export interface Handle {
  /** ABI_VERSION: tells a handle from anything else. */
  readonly isopage: number
  /** Names the kernel, in Web Locks and to threads that attach twice. */
  readonly id: string
  readonly memory: WebAssembly.Memory
  readonly module: WebAssembly.Module
  /** The thread table (threads.ts). */
  readonly threads: SharedArrayBuffer
  /** By mount number: how a thread serves it by itself; null where one thread owns it. */
  readonly mounts: readonly (MountedSpec | null)[]
  readonly settings: Settings
  /** Ties what attaches with this handle to a worker (`kernel.handleFor(worker)`); 0 for none. */
  readonly ticket: number
}

/** What boot decided and every thread needs. */
export interface Settings {
  readonly pageSize: number
  readonly dirtyAgeMs: number
  readonly stallMs: number
  /** A page's own thread booted: it starts the flusher, whoever wants one. */
  readonly inPage: boolean
}

/** A call that another thread makes: a method of a process, or an export of the kernel where `pid` is null. */
export interface ServiceCall {
  readonly pid: number | null
  readonly name: string
  readonly args: readonly unknown[]
  /** It may wait until another thread does something, besides what waits.ts knows. */
  readonly long?: boolean
  /** Of a call that takes locks: whom it takes them for (`Process.owner` of the thread that asks). */
  readonly owner?: number
}

export interface StartMessage {
  readonly type: 'start'
  readonly handle: Handle
  /** Slot of the thread that starts the worker. */
  readonly parent: number
  /** I/O worker: the mounts that it owns, by number. */
  readonly owned: readonly (MountedSpec | null)[]
  /** Service worker: write back in the background instead of taking calls. */
  readonly flusher: boolean
}

export interface CallMessage extends ServiceCall {
  readonly type: 'call'
}

export interface CloseMessage {
  readonly type: 'close'
}

/** The I/O worker's answer to start and close names what its providers can do; a service worker's is empty. */
export interface ReadyMessage {
  readonly type: 'ready'
  readonly slot: number
  /** Index of its doorbell among the words of the memory. */
  readonly doorbell: number
}

export interface FailedMessage {
  readonly type: 'failed'
  readonly error: ErrorRecord
}

export type ResultMessage =
  | { readonly type: 'result'; readonly result: unknown }
  | { readonly type: 'result'; readonly error: ErrorRecord }

/** A call was not made: it may wait without bound, and is to come again with `long`. */
export interface LongMessage {
  readonly type: 'long'
}

export interface ClosedMessage {
  readonly type: 'closed'
  /** What failed while the providers were let go. */
  readonly error?: ErrorRecord
}

export type ToWorker = StartMessage | CallMessage | CloseMessage
export type FromWorker = ReadyMessage | FailedMessage | ResultMessage | LongMessage | ClosedMessage

/** A new mapping, as a service worker gives it back. */
export interface MappingRecord {
  readonly mapping: {
    readonly address: number
    readonly length: number
    /** An attach of a System V segment. */
    readonly attached: boolean
  }
}

/** A child that a service worker forked, and the worker's slot, which the asking thread takes over. */
export interface ChildRecord {
  readonly child: number
  readonly thread: number
  readonly sequence: number
}

/** Runs calls in threads that may wait. */
export interface Services {
  run(call: ServiceCall, signal?: AbortSignal): Promise<unknown>
}
