/**
 * A service worker: a thread that runs calls for one that may not wait (service.ts), or writes back in the background.
 * Invariant: whatever a call throws goes back as a record; nothing is lost in silence.
 */
import { toRecord } from './errors.js'
import type { Instance } from './instance.js'
import { join } from './join.js'
import { Mapping } from './mapping.js'
import { Process } from './process.js'
import type {
  CallMessage,
  ChildRecord,
  FromWorker,
  MappingRecord,
  StartMessage,
  ToWorker,
} from './protocol.js'
import { type Port, parentPort, pause } from './runtime.js'
import { opensFifo } from './waits.js'

/** Pages that one round of write-back takes at most. */
const FLUSH_PAGES = 4096

let place: Promise<Instance> | undefined

// No top-level await: bundlers make classic scripts of workers.
parentPort<FromWorker, ToWorker>(leave).then((port) => {
  port.onMessage(async (message) => {
    if (message.type === 'start') await start(port, message)
    else if (message.type === 'call' && place) port.post(answer(await place, message))
  })
})

async function leave(): Promise<void> {
  const instance = await place
  instance?.leave()
}

async function start(port: Port<FromWorker, ToWorker>, message: StartMessage): Promise<void> {
  try {
    place = join(message.handle, message).then(({ instance }) => instance)
    const instance = await place
    port.post({ type: 'ready', slot: instance.index, doorbell: instance.doorbell })
    if (message.flusher) await writeBack(instance, message.handle.settings.dirtyAgeMs / 4)
  } catch (error) {
    port.post({ type: 'failed', error: toRecord(error) })
  }
}

/** Runs until the kernel closes, or the thread is asked to end. What cannot be written stays dirty, and is reported to those who sync it. */
async function writeBack(instance: Instance, periodMs: number): Promise<void> {
  for (;;) {
    await pause(periodMs)
    if (instance.table.closed || instance.hasLeft) return
    instance.lastCalls.flush(FLUSH_PAGES)
  }
}

function answer(instance: Instance, message: CallMessage): FromWorker {
  const { pid, name, args } = message
  try {
    if (pid === null) return { type: 'result', result: call(instance, name, args) }
    const process = new Process(instance, pid)
    if (!message.long && opensFifo(process, message)) return { type: 'long' }
    return { type: 'result', result: onProcess(instance, process, message) }
  } catch (error) {
    return { type: 'result', error: toRecord(error) }
  }
}

/** An export of the kernel itself. */
function call(instance: Instance, name: string, args: readonly unknown[]): number {
  const exported = instance.lastCalls[name as keyof typeof instance.lastCalls]
  return instance.result(name, exported(...(args as number[])))
}

function onProcess(instance: Instance, process: Process, { name, args, owner }: CallMessage) {
  if (owner !== undefined) process.actFor(owner)
  const method = process[name as keyof Process] as (...args: readonly unknown[]) => unknown
  if (name === 'fork') {
    const { index: thread, sequence } = instance
    return { child: process.forked(), thread, sequence } satisfies ChildRecord
  }
  const result = method.apply(process, args as unknown[])
  if (!(result instanceof Mapping)) return result
  const { address, length, attached } = result
  return { mapping: { address, length, attached } } satisfies MappingRecord
}
