/** Gives a new process its standard streams at 0, 1 and 2. */
import type { Instance } from '../instance.js'
import type { Process } from '../process.js'
import type { GuestStreams } from './guest.js'
import type { RunOptions } from './options.js'
import {
  connectInput,
  connectOutput,
  isShared,
  type Shared,
  type Stdout,
  sinkOf,
  sourceOf,
  writerSink,
} from './stdio.js'
import type { Pump } from './streams.js'

export interface Plumbing {
  readonly streams: GuestStreams
  /** The guest has ended: passes on what it left. */
  finish(): void
}

export function plumb(
  { host, pump }: { host: Process; pump: Pump },
  process: Process,
  instance: Instance,
  { stdin = 'ignore', stdout = 'inherit', stderr = 'inherit' }: RunOptions,
): Plumbing {
  const ends: number[] = []
  const share = (to: number) => (from: Process, fd: number) =>
    void instance.result('run', instance.calls.share_fd(from.pid, fd, process.pid, to))

  function output(name: string, value: Stdout, fd: 1 | 2): ReadableStream<Uint8Array> | undefined {
    if (isShared(value)) return void shared(value, fd)
    const stream = value === 'pipe' ? new TransformStream<Uint8Array, Uint8Array>() : undefined
    const sink =
      value === 'pipe' ? writerSink((stream as TransformStream).writable) : sinkOf(name, value, fd)
    ends.push(connectOutput(pump, host, sink, share(fd)))
    return stream?.readable
  }

  function shared({ process: from, fd }: Shared, to: number): void {
    share(to)(from, fd)
  }

  function input(): WritableStream<Uint8Array> | undefined {
    if (isShared(stdin)) return void shared(stdin, 0)
    const stream = stdin === 'pipe' ? new TransformStream<Uint8Array, Uint8Array>() : undefined
    const source = sourceOf(stdin === 'pipe' ? (stream as TransformStream).readable : stdin)
    ends.push(connectInput(pump, host, source, share(0)))
    return stream?.writable
  }

  const streams = {
    stdin: input(),
    stdout: output('options.stdout', stdout, 1),
    stderr: output('options.stderr', stderr, 2),
  }
  return { streams, finish: () => pump.finish(ends) }
}
