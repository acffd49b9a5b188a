/** What a caller may give for a guest's standard streams, and how that becomes a descriptor of the guest. */

import { wrongType } from '../check.js'
import { IsopageError } from '../errors.js'
import type { Process } from '../process.js'
import { onNode } from '../runtime.js'
import type { Pump, Sink, Source } from './streams.js'

/** A descriptor of a process of this kernel, a pipe's end say, to be shared with the guest. */
export interface Shared {
  readonly process: Process
  readonly fd: number
}

/** 'ignore': nothing to read. `{ text }` or bytes: that, then the end. 'inherit': this program's. 'pipe': `guest.stdin`. */
export type Stdin =
  | 'ignore'
  | 'inherit'
  | 'pipe'
  | Uint8Array
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | { readonly text: string }
  | Shared
/** 'ignore': thrown away. 'inherit': this program's; a page's console, line by line. 'pipe': `guest.stdout`. */
export type Stdout = 'ignore' | 'inherit' | 'pipe' | Sink | WritableStream<Uint8Array> | Shared

export function isShared(value: unknown): value is Shared {
  return typeof value === 'object' && value !== null && 'process' in value && 'fd' in value
}

const encoder = new TextEncoder()

/** => where a guest's bytes go. `stream` is filled for 'pipe'. */
export function sinkOf(name: string, value: Exclude<Stdout, Shared | 'pipe'>, fd: 1 | 2): Sink {
  if (value === 'ignore') return () => {}
  if (value === 'inherit') return onNode ? nodeSink(fd) : consoleSink(fd)
  if (typeof value === 'function') return value
  if (value instanceof WritableStream) return writerSink(value)
  throw wrongType(
    name,
    "'inherit', 'ignore', 'pipe', a function, a WritableStream or { process, fd }",
    value,
  )
}

/** => a sink that fills a stream, and what ends that. */
export function writerSink(stream: WritableStream<Uint8Array>): Sink & { end?: () => void } {
  const writer = stream.getWriter()
  const sink: Sink & { end?: () => void } = (bytes) => writer.write(bytes)
  sink.end = () => void writer.close().catch(() => {})
  return sink
}

function nodeSink(fd: 1 | 2): Sink {
  const stream = fd === 1 ? process.stdout : process.stderr
  return (bytes) => void stream.write(bytes)
}

function consoleSink(fd: 1 | 2): Sink & { end?: () => void } {
  const decoder = new TextDecoder()
  let line = ''
  const print = (text: string) => (fd === 1 ? console.log(text) : console.error(text))
  const sink: Sink & { end?: () => void } = (bytes) => {
    const lines = (line + decoder.decode(bytes, { stream: true })).split('\n')
    line = lines.pop() as string
    for (const each of lines) print(each)
  }
  sink.end = () => {
    if (line !== '') print(line)
  }
  return sink
}

function once(bytes: Uint8Array): Source {
  let left: Uint8Array | undefined = bytes
  return () => {
    const next = left
    left = undefined
    return next?.length === 0 ? undefined : next
  }
}

function ofReader(stream: ReadableStream<Uint8Array>): Source {
  const reader = stream.getReader()
  const source: Source = async () => {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return undefined
      if (value.length > 0) return value
    }
  }
  source.cancel = () => void reader.cancel().catch(() => {})
  return source
}

function ofIterable(list: AsyncIterable<Uint8Array>): Source {
  const iterator = list[Symbol.asyncIterator]()
  const source: Source = async () => {
    for (;;) {
      const { done, value } = await iterator.next()
      if (done) return undefined
      const bytes = typeof value === 'string' ? encoder.encode(value) : value
      if (bytes.length > 0) return bytes
    }
  }
  source.cancel = () => void iterator.return?.().catch(() => {})
  return source
}

/** This program's own stdin: let go of, not ended, when the guest reads no more, so that it keeps nobody waiting. */
function ofNode(stream: NodeJS.ReadStream): Source {
  const chunks: Uint8Array[] = []
  let ended = false
  let arrived = () => {}
  const take = (chunk: Uint8Array | string) => {
    chunks.push(typeof chunk === 'string' ? encoder.encode(chunk) : chunk)
    stream.pause()
    arrived()
  }
  const end = () => {
    ended = true
    arrived()
  }
  stream.on('data', take).on('end', end).pause()
  const source: Source = async () => {
    if (chunks.length === 0 && !ended) {
      stream.resume()
      await new Promise<void>((resolve) => {
        arrived = resolve
      })
    }
    return chunks.shift()
  }
  source.cancel = () => {
    stream.off('data', take).off('end', end).pause()
    end()
  }
  return source
}

/** => where a guest's stdin comes from. */
export function sourceOf(value: Exclude<Stdin, Shared | 'pipe'>): Source {
  if (value === 'ignore') return () => undefined
  if (value === 'inherit') {
    if (onNode) return ofNode(process.stdin)
    throw new IsopageError('ERR_UNSUPPORTED', 'ERR_UNSUPPORTED: a page has no stdin to inherit')
  }
  if (value instanceof Uint8Array) return once(value)
  if (value instanceof ReadableStream) return ofReader(value)
  if (typeof value === 'object' && value !== null && 'text' in value) {
    return once(encoder.encode(value.text))
  }
  if (typeof value === 'object' && value !== null && Symbol.asyncIterator in value) {
    return ofIterable(value as AsyncIterable<Uint8Array>)
  }
  throw wrongType(
    'options.stdin',
    "'ignore', 'inherit', 'pipe', bytes, { text }, a stream or { process, fd }",
    value,
  )
}

/** Gives the guest its descriptor `to`. => the pump's end, undefined where there is none. */
export function connectOutput(
  pump: Pump,
  host: Process,
  value: Sink,
  share: (from: Process, fd: number) => void,
): number {
  const { fd, end } = pump.output(value, () => (value as { end?: () => void }).end?.())
  share(host, fd)
  host.close(fd)
  return end
}

export function connectInput(
  pump: Pump,
  host: Process,
  source: Source,
  share: (from: Process, fd: number) => void,
): number {
  const { fd, end } = pump.input(source)
  share(host, fd)
  host.close(fd)
  return end
}
