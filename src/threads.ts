/**
 * The thread table of the host: for each thread slot of the kernel, which worker runs it and how its death is proved. It
 * lies in a SharedArrayBuffer beside the kernel's memory and is part of the handle.
 *
 *   word 0 CLOSED   1 once kernel.close() began, 2 when nobody asks for files any more     word 1 FLUSHER  slot + 1 of the thread that writes back in the
 *   word 2 TICKET   last ticket given                               background, -2 - slot while that thread starts one, FLUSHER_WANTED until then
 *   from RECORDS on, one record a slot: its fields are the constants below
 *
 * Invariants:
 *   1. A record is written by its own thread after it has its slot, SEQUENCE last; SEQUENCE 0 is no record.
 *   2. A record is cleared by whoever reaped the slot, or by the thread when it detaches.
 */
import { STATE_SEQ_SHIFT, THREADS_MAX } from '../assembly/abi.js'

const CLOSED = 0
const FLUSHER = 1
const TICKET = 2
const RECORDS = 16
const RECORD_WORDS = 8
/** Sequence number + 1, so that 0 is free. */
const SEQUENCE = 0
/** Linux: the system's id of the thread and when it started, in clock ticks; 0 elsewhere. */
const TID = 1
const STARTED = 2
/** The runtime's threadId + 1; 0 in browsers. */
const THREAD_ID = 3
/** Names the Web Lock that the thread holds while it lives; 0 for none. */
const LOCK_NAME = 4
/** What `handleFor(worker)` put into the handle; 0 for none. */
const WORKER_TICKET = 5
/** Slot + 1 of the thread that started this one, for workers that Isopage starts; 0 for others. */
const PARENT = 6

const SERVICE_ENDED = 2
const FLUSHER_WANTED = -1
const startingBy = (index: number) => -2 - index

export const THREAD_TABLE_BYTES = 4 * (RECORDS + RECORD_WORDS * THREADS_MAX)

/** What identifies a thread to those who look whether it lives. */
export interface Identity {
  readonly tid: number
  readonly started: number
  readonly threadId: number
  readonly lockName: number
  readonly ticket: number
  readonly parent: number
}

/** A slot and the life of it that is meant. */
export interface ThreadRecord extends Identity {
  readonly index: number
  readonly sequence: number
}

export class ThreadTable {
  readonly #words: Int32Array

  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer)
  }

  get closed(): boolean {
    return this.#words[CLOSED] !== 0
  }

  /** Makes every later call of every thread fail. => false when somebody did before. */
  close(): boolean {
    return Atomics.compareExchange(this.#words, CLOSED, 0, 1) === 0
  }

  /** Files are served no more: the threads that own them end. */
  endService(): void {
    Atomics.store(this.#words, CLOSED, SERVICE_ENDED)
  }

  get serviceEnded(): boolean {
    return this.#words[CLOSED] === SERVICE_ENDED
  }

  /** => a number that was never given before, for a worker that is to be known by it. */
  nextTicket(): number {
    return Atomics.add(this.#words, TICKET, 1) + 1
  }

  /** Some thread writes back in the background, or is about to. */
  get hasFlusher(): boolean {
    return this.#words[FLUSHER] !== 0
  }

  /** Asks the thread that booted to start the flusher. */
  wantFlusher(): void {
    Atomics.compareExchange(this.#words, FLUSHER, 0, FLUSHER_WANTED)
  }

  get wantsFlusher(): boolean {
    return this.#words[FLUSHER] === FLUSHER_WANTED
  }

  /** => thread `index` is to start the flusher. */
  claimFlusher(index: number): boolean {
    const starts = (from: number) =>
      Atomics.compareExchange(this.#words, FLUSHER, from, startingBy(index)) === from
    return starts(0) || starts(FLUSHER_WANTED)
  }

  /** Thread `index` is the flusher; undefined: none is, after a failed start. */
  setFlusher(index: number | undefined): void {
    Atomics.store(this.#words, FLUSHER, index === undefined ? 0 : index + 1)
  }

  /** Thread `index` has ended: was it the flusher, or about to start one, another is wanted. */
  forgetFlusher(index: number): void {
    for (const was of [index + 1, startingBy(index)]) {
      Atomics.compareExchange(this.#words, FLUSHER, was, FLUSHER_WANTED)
    }
  }

  /** Records the thread that has slot `index` now. */
  record(index: number, sequence: number, identity: Identity): void {
    const at = RECORDS + index * RECORD_WORDS
    this.#words[at + TID] = identity.tid
    this.#words[at + STARTED] = identity.started
    this.#words[at + THREAD_ID] = identity.threadId + 1
    this.#words[at + LOCK_NAME] = identity.lockName
    this.#words[at + WORKER_TICKET] = identity.ticket
    this.#words[at + PARENT] = identity.parent + 1
    Atomics.store(this.#words, at + SEQUENCE, sequence + 1)
  }

  /** Forgets that life of a slot; another life of it stays. */
  forget({ index, sequence }: Pick<ThreadRecord, 'index' | 'sequence'>): void {
    const at = RECORDS + index * RECORD_WORDS
    Atomics.compareExchange(this.#words, at + SEQUENCE, sequence + 1, 0)
    this.forgetFlusher(index)
  }

  /** => the record of a slot, undefined when it has none. */
  at(index: number): ThreadRecord | undefined {
    const at = RECORDS + index * RECORD_WORDS
    const sequence = Atomics.load(this.#words, at + SEQUENCE)
    if (sequence === 0) return undefined
    const word = (field: number) => this.#words[at + field] as number
    return {
      index,
      sequence: sequence - 1,
      tid: word(TID),
      started: word(STARTED),
      threadId: word(THREAD_ID) - 1,
      lockName: word(LOCK_NAME),
      ticket: word(WORKER_TICKET),
      parent: word(PARENT) - 1,
    }
  }

  /** => all records. */
  all(): ThreadRecord[] {
    const records = Array.from({ length: THREADS_MAX }, (_, index) => this.at(index))
    return records.filter((record) => record !== undefined)
  }

  /** => the records that `choose` takes, and those of the workers that their threads started. */
  family(choose: (record: ThreadRecord) => boolean): ThreadRecord[] {
    const all = this.all()
    const found = all.filter(choose)
    for (const { index } of found) {
      for (const child of all)
        if (child.parent === index && !found.includes(child)) found.push(child)
    }
    return found
  }
}

/** The sequence number in a slot's state word. */
export function sequenceOf(state: number): number {
  return state >>> STATE_SEQ_SHIFT
}
