/**
 * The standard streams of guests: pipes of the kernel, whose other ends belong to a process of this thread and are pumped by its event loop.
 *
 * One pump a thread: it asks all ends by poll; where none is ready poll leaves this thread queued, and the first change rings its doorbell. So nothing
 * polls by time, no other thread is needed, and a guest that writes faster than its reader reads waits as POSIX has it.
 */
import { EAGAIN, ENOMEM, F_SETFL, O_NONBLOCK, POLLIN, POLLOUT } from '../../assembly/abi.js'
import type { Instance } from '../instance.js'
import type { PollRequest } from '../pipes.js'
import type { Process } from '../process.js'
import { pause, withResolvers } from '../runtime.js'

/** Takes what a guest wrote. A promise holds up the guest's next bytes, not the guest before its pipe is full. */
export type Sink = (bytes: Uint8Array) => void | Promise<void>
/** => the next bytes for a guest; undefined at the end. */
export interface Source {
  (): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** Nobody reads any more. */
  cancel?: () => void
}

interface Output {
  readonly kind: 'output'
  readonly fd: number
  readonly sink: Sink
  readonly end: () => void
  busy: boolean
}

interface Input {
  readonly kind: 'input'
  readonly fd: number
  readonly source: Source
  bytes: Uint8Array
  busy: boolean
}

type End = Output | Input

const ROOM = 65_536
/** How long it waits for memory before it asks again, ms. */
const AGAIN_MS = 10

/** Whose the process is that has this thread's ends: (uid_t)-1, which is no user's. It is none of a guest's neighbours: kill does not find it. */
export const STREAMS_UID = 0xffff_ffff

export class Pump {
  readonly #instance: Instance
  readonly #process: Process
  readonly #ends = new Map<number, End>()
  #running = false
  /** Something could not be moved, or asked about, as memory was out. */
  #starved = false
  #nudge = withResolvers<void>()

  constructor(instance: Instance, process: Process) {
    this.#instance = instance
    this.#process = process
  }

  get idle(): boolean {
    return this.#ends.size === 0
  }

  /** Makes a pipe whose read end this pump empties into `sink`; `end` is called at the end of the file. => its write end, to be given away and closed. */
  output(sink: Sink, end: () => void): { fd: number; end: number } {
    const [reads, writes] = this.#process.pipe()
    this.#process.fcntl(reads, F_SETFL, O_NONBLOCK)
    this.#add({ kind: 'output', fd: reads, sink, end, busy: false })
    return { fd: writes, end: reads }
  }

  /** Makes a pipe that this pump fills from `source`. => its read end, to be given away and closed. */
  input(source: Source): { fd: number; end: number } {
    const [reads, writes] = this.#process.pipe()
    this.#process.fcntl(writes, F_SETFL, O_NONBLOCK)
    this.#add({ kind: 'input', fd: writes, source, bytes: new Uint8Array(0), busy: false })
    return { fd: reads, end: writes }
  }

  #add(end: End): void {
    this.#ends.set(end.fd, end)
    this.#wake()
    if (!this.#running) this.#run()
  }

  #wake(): void {
    this.#nudge.resolve()
    this.#nudge = withResolvers<void>()
  }

  /** Moves what can be moved without waiting. */
  drain(): void {
    for (const end of [...this.#ends.values()]) if (!end.busy) this.#serve(end)
  }

  /** Moves what a guest that has ended left in these ends, and closes them. */
  finish(ends: readonly number[]): void {
    for (const fd of ends) {
      const end = this.#ends.get(fd)
      if (!end) continue
      if (end.kind === 'output' && !end.busy) this.#serve(end)
      else if (end.kind === 'input') this.#close(end)
    }
  }

  /** Lets go of all ends: their process is about to end. */
  stop(): void {
    const ends = [...this.#ends.values()]
    this.#ends.clear()
    for (const end of ends) {
      if (end.kind === 'output') end.end()
      else end.source.cancel?.()
    }
    this.#wake()
  }

  async #run(): Promise<void> {
    this.#running = true
    const { words, doorbell } = this.#instance
    try {
      while (this.#ends.size > 0 && !this.#instance.table.closed && !this.#instance.hasLeft) {
        const bell = Atomics.load(words, doorbell)
        const nudged = this.#nudge.promise
        const moved = this.#look()
        if (this.#starved) await pause(AGAIN_MS)
        else if (moved) await null
        else await Promise.race([this.#instance.rung(bell), nudged])
      }
    } catch {
      this.stop() // its process is gone, and all ends with it
    }
    this.#running = false
  }

  /** Asks all ends and serves those that are ready. => one was. */
  #look(): boolean {
    this.#starved = false
    const idle = [...this.#ends.values()].filter(({ busy }) => !busy)
    const requests: PollRequest[] = idle.map(({ kind, fd }) => ({
      fd,
      events: kind === 'output' ? POLLIN : POLLOUT,
    }))
    const ready = this.#asked(requests)
    for (const { fd } of ready) {
      const end = this.#ends.get(fd)
      if (end) this.#serve(end)
    }
    return ready.length > 0
  }

  #asked(requests: PollRequest[]): readonly { fd: number }[] {
    try {
      return this.#process.pollArmed(requests)
    } catch (error) {
      if (!this.#isStarved(error)) throw error
      return []
    }
  }

  #isStarved(error: unknown): boolean {
    const isOut = (error as { errno?: number }).errno === ENOMEM
    if (isOut) this.#starved = true
    return isOut
  }

  #serve(end: End): void {
    if (end.kind === 'output') this.#empty(end)
    else this.#fill(end)
  }

  #empty(end: Output): void {
    for (;;) {
      const into = new Uint8Array(ROOM)
      const count = this.#attempt(() => this.#process.read(end.fd, into))
      if (count === undefined) return
      const taken = count === 0 ? undefined : this.#give(end, into.subarray(0, count))
      if (count === 0) this.#close(end)
      else if (!(taken instanceof Promise)) continue
      else this.#await(end, taken)
      return
    }
  }

  /** A sink that throws takes no more; its error is the program's to hear of, and no other guest's harm. */
  #give({ sink }: Output, bytes: Uint8Array): void | Promise<void> {
    try {
      return sink(bytes)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
      return Promise.reject(error)
    }
  }

  #fill(end: Input): void {
    while (end.bytes.length > 0 || this.#ask(end)) {
      const count = this.#attempt(() => this.#process.write(end.fd, end.bytes))
      if (count === undefined) return
      end.bytes = end.bytes.subarray(count)
      if (count === 0) return void this.#close(end)
    }
  }

  /** => there are bytes to write. */
  #ask(end: Input): boolean {
    if (!this.#ends.has(end.fd)) return false
    const next = end.source()
    if (!(next instanceof Promise)) return this.#take(end, next)
    this.#await(
      end,
      next.then((bytes) => this.#take(end, bytes)),
    )
    return false
  }

  /** => false at the end: the guest reads the end of its file. */
  #take(end: Input, bytes: Uint8Array | undefined): boolean {
    if (bytes) end.bytes = bytes
    else this.#close(end)
    return bytes !== undefined
  }

  /** => bytes moved; undefined when none can be now, 0 when the other side is gone, or this one. */
  #attempt(move: () => number): number | undefined {
    try {
      return move()
    } catch (error) {
      if (this.#isStarved(error)) return undefined
      return (error as { errno?: number }).errno === EAGAIN ? undefined : 0
    }
  }

  #await(end: End, work: Promise<unknown>): void {
    end.busy = true
    work
      .catch(() => this.#close(end)) // who takes no more bytes closes its end: EPIPE for the guest
      .finally(() => {
        end.busy = false
        this.#wake()
      })
  }

  #close(end: End): void {
    if (!this.#ends.delete(end.fd)) return
    try {
      this.#process.close(end.fd)
    } catch {
      // Its process is gone, or the kernel.
    }
    if (end.kind === 'output') end.end()
    else end.source.cancel?.()
  }
}
