/**
 * The inspector: a worker that attaches to the kernel and answers on its local socket, also while every thread of the program sleeps or runs.
 * Started by open.ts. Node, Deno and Bun.
 */
import type { Server, Socket } from 'node:net'
import { toRecord } from '../errors.js'
import { join } from '../join.js'
import { Reaper } from '../reaper.js'
import { builtin, type Port, parentPort } from '../runtime.js'
import { Answers } from './answers.js'
import type { FromInspector, OpenMessage, ToInspector } from './messages.js'
import { failure, Lines } from './protocol.js'

/** What a connection may leave unread before it is cut off, bytes. */
const UNREAD_MAX = 64 * 1024 * 1024

// No top-level await: as in the other workers.
parentPort<FromInspector, ToInspector>().then((port) => {
  let open: Promise<() => void> | undefined
  port.onMessage(async (message) => {
    try {
      if (message.type === 'open') {
        open = start(message)
        await open
        port.post({ type: 'opened' })
      } else await end(port, open)
    } catch (error) {
      port.post({ type: 'failed', error: toRecord(error) })
    }
  })
})

async function end(port: Port<FromInspector, ToInspector>, open?: Promise<() => void>) {
  const close = await open
  close?.()
  port.post({ type: 'ended' })
}

/** => what ends it. */
async function start({ handle, parent, path, hello }: OpenMessage): Promise<() => void> {
  const { instance } = await join(handle, { parent })
  new Reaper(instance, handle.id, handle.settings.stallMs) // a stalled thread that is proved dead is repaired from here too
  const answers = new Answers(instance, hello)
  const net = await builtin('node:net')
  const sockets = new Set<Socket>()
  const server = net.createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serve(socket, answers)
  })
  await listen(server, path)
  return () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    instance.leave()
  }
}

/** The folder keeps others out from the first moment on; the file's mode, should the folder be opened later. */
async function listen(server: Server, path: string): Promise<void> {
  const fs = await builtin('node:fs')
  await new Promise<void>((listening, fail) => {
    server.once('error', fail)
    server.listen(path, listening)
  })
  fs.chmodSync(path, 0o600)
}

function serve(socket: Socket, answers: Answers): void {
  const lines = new Lines()
  socket.on('error', () => socket.destroy()) // the asker has gone
  socket.on('data', (bytes: Uint8Array) => {
    try {
      for (const line of lines.push(bytes)) {
        socket.write(`${JSON.stringify(answers.answer(line))}\n`)
      }
      if (socket.writableLength > UNREAD_MAX) socket.destroy()
    } catch (error) {
      socket.end(`${JSON.stringify(failure(error, null))}\n`)
    }
  })
}
