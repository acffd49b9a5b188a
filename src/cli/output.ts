/**
 * What becomes of output that cannot be written. A reader that has seen enough, such as `head`, is no failure; a full disk is one, and one line says so.
 * A command of ours stops there. A program that `isopage run` runs hears of it, and ends as it does: EPIPE, or SIGPIPE.
 */
import type { Sink } from '../guest/streams.js'

/** Standard output is that of programs too: they decide when it is over. */
let isShared = false
let failed = false

/** Listens for errors of our own streams; of those of standard error there is nobody to tell. */
export function watchOutput(): void {
  for (const stream of [process.stdout, process.stderr]) emitErrors(stream)
  process.stderr.on('error', () => {})
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && !failed) {
      failed = true
      console.error(`isopage: standard output: ${messageOf(error)}`)
    }
    if (!isShared) process.exit(failed ? 1 : undefined)
    // The command may have ended before its output did.
    process.exitCode = statusWith(Number(process.exitCode ?? 0))
  })
}

/** In Deno a write throws what it does not emit. */
function emitErrors(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean
  stream.write = (...args: unknown[]) => {
    try {
      return write(...args)
    } catch (error) {
      stream.emit('error', error)
      return false
    }
  }
}

/** Deno's have no errno name. */
function messageOf({ code = '', message }: NodeJS.ErrnoException): string {
  return message.includes(code) ? message : `${code}: ${message}`
}

/** => the exit code of a command that would end with `status`. */
export function statusWith(status: number): number {
  return status === 0 && failed ? 1 : status
}

/** => our standard output, or error, for a program: its end is closed once ours takes no more. Messages that cannot be written are left out, as natively. */
export function outputFor(stream: NodeJS.WriteStream): Sink {
  isShared = true
  let over: Error | undefined
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (stream === process.stdout || error.code === 'EPIPE') over ??= error
  })
  return (bytes) => {
    if (over) return Promise.reject(over)
    stream.write(bytes)
  }
}
