/** A program that runs, or has run: what `kernel.run` gives. */

export interface GuestStreams {
  /** To write to, where `stdin` was 'pipe'. */
  readonly stdin?: WritableStream<Uint8Array> | undefined
  /** To read from, where `stdout` was 'pipe'. */
  readonly stdout?: ReadableStream<Uint8Array> | undefined
  readonly stderr?: ReadableStream<Uint8Array> | undefined
}

/** How a program ended: its own status; for a signal 128 and its number, and the signal's name. */
export interface Exit {
  readonly status: number
  readonly signal?: string
}

export interface GuestControl {
  readonly exited: Promise<Exit>
  kill(signal?: number | string): void
}

export class Guest {
  readonly pid: number
  readonly stdin: WritableStream<Uint8Array> | undefined
  readonly stdout: ReadableStream<Uint8Array> | undefined
  readonly stderr: ReadableStream<Uint8Array> | undefined
  /** Resolves when it has ended and what it wrote was passed on. Rejects when it could not be run, or its worker was lost; AbortError when it was aborted. */
  readonly exited: Promise<Exit>
  readonly #control: GuestControl

  constructor(pid: number, streams: GuestStreams, control: GuestControl) {
    this.pid = pid
    this.stdin = streams.stdin
    this.stdout = streams.stdout
    this.stderr = streams.stderr
    this.exited = control.exited
    this.#control = control
  }

  /** kill(2), by number or name; SIGKILL by default. No program has handlers yet: each signal but 0 ends it. */
  kill(signal?: number | string): void {
    this.#control.kill(signal)
  }
}
