/**
 * Opens the local socket of a kernel that booted with `inspect: true`, in a worker of its own (worker.ts): it answers whatever the program's
 * threads do, and keeps no process alive. Node, Deno and Bun; loaded only where it is asked for.
 */
import { fromRecord, IsopageError } from '../errors.js'
import type { Handle } from '../protocol.js'
import { builtin, onBun, onDeno, onNode, startWorker, withResolvers } from '../runtime.js'
import { socketFiles, socketPath } from './folder.js'
import type { FromInspector, ToInspector } from './messages.js'
import { type Hello, INSPECT_VERSION } from './protocol.js'

/** An open socket. */
export interface Inspector {
  readonly path: string
  /** Answers no more; its file is gone. */
  close(): Promise<void>
}

/** Opens. Rejects with what is wrong with the folder (ERR_INSPECT), and ERR_UNSUPPORTED where there are no local sockets. */
export async function openInspector(handle: Handle, parent: number): Promise<Inspector> {
  if (!onNode) throw noSockets()
  await socketFiles() // sweeps
  const path = await socketPath(process.pid, handle.id)
  const fs = await builtin('node:fs')
  const line = await startWorker<ToInspector, FromInspector>(
    new URL('./worker.js', import.meta.url),
    () => {
      throw noSockets()
    },
  )
  const opened = withResolvers<void>()
  const ended = withResolvers<void>()
  ended.promise.catch(() => {})
  line.onEnd((cause) => {
    const message = `ERR_SERVICE_LOST: the inspector ended: ${cause.message}`
    opened.reject(new IsopageError('ERR_SERVICE_LOST', message, { cause }))
    ended.resolve()
  })
  line.onMessage((message) => {
    if (message.type === 'failed') opened.reject(fromRecord(message.error))
    if (message.type === 'opened') opened.resolve()
    else ended.resolve()
  })
  const remove = () => fs.rmSync(path, { force: true })
  const close = async () => {
    line.ref()
    line.post({ type: 'end' })
    await ended.promise
    await line.terminate()
    process.off('exit', remove)
    remove()
  }
  line.ref()
  line.post({ type: 'open', handle, parent, path, hello: helloOf(handle) })
  try {
    await opened.promise
  } catch (error) {
    await line.terminate()
    throw error
  } finally {
    line.unref()
  }
  process.on('exit', remove)
  return { path, close }
}

function helloOf({ id, memory, settings }: Handle): Hello {
  return {
    version: INSPECT_VERSION,
    pid: process.pid,
    kernel: id,
    program: process.argv[1] ?? process.argv0,
    runtime: runtimeName(),
    startedMs: Date.now(),
    pageSize: settings.pageSize,
    memory: memory.buffer.byteLength,
  }
}

/** => 'Node 26.10.0'. */
export function runtimeName(): string {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>
  if (onBun) return `Bun ${bun}`
  return onDeno ? `Deno ${deno}` : `Node ${node}`
}

function noSockets(): IsopageError {
  return new IsopageError(
    'ERR_UNSUPPORTED',
    'ERR_UNSUPPORTED: a page has no local sockets for inspect: show inspectView(kernel, element) of isopage/inspect instead',
  )
}
