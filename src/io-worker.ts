/**
 * The I/O worker: the thread that owns the providers which only one thread may use, and serves the file calls of all others
 * from the ring. It also writes back in the background.
 *
 * It sleeps on its doorbell: in Atomics.wait where all its providers answer at once (nothing else runs in this thread then), by
 * Atomics.waitAsync where one answers later, since its promises need the event loop.
 */
import { toRecord } from './errors.js'
import { join, type Place } from './join.js'
import { disposeAll } from './mounts.js'
import type { FromWorker, StartMessage, ToWorker } from './protocol.js'
import { type Port, parentPort } from './runtime.js'

const FLUSH_PAGES = 4096

// No top-level await: bundlers make classic scripts of workers.
parentPort<FromWorker, ToWorker>().then((port) => {
  port.onMessage((message) => {
    if (message.type === 'start') start(port, message)
  })
})

async function start(port: Port<FromWorker, ToWorker>, message: StartMessage): Promise<void> {
  try {
    const place = await join(message.handle, message)
    const { instance } = place
    if (!isLater(place)) instance.table.setFlusher(instance.index)
    port.post({ type: 'ready', slot: instance.index, doorbell: instance.doorbell })
    await serve(place, message.handle.settings.dirtyAgeMs / 4)
    port.post(await end(place))
  } catch (error) {
    port.post({ type: 'failed', error: toRecord(error) })
  }
}

/** A provider answers later: then this thread cannot write back itself, as it may not wait for its own answer. */
function isLater({ providers }: Pick<Place, 'providers'>): boolean {
  return providers.some((provider) => provider?.capabilities.async)
}

/** Serves until the kernel is closed. */
async function serve({ instance, providers }: Place, periodMs: number): Promise<void> {
  const later = isLater({ providers })
  let flushAt = performance.now() + periodMs
  while (!instance.table.closed) {
    const bell = Atomics.load(instance.words, instance.doorbell)
    instance.serve()
    if (later) await instance.rung(bell)
    else {
      Atomics.wait(
        instance.words,
        instance.doorbell,
        bell,
        Math.max(flushAt - performance.now(), 0),
      )
      if (performance.now() < flushAt) continue
      instance.lastCalls.flush(FLUSH_PAGES)
      flushAt = performance.now() + periodMs
    }
  }
  await instance.idle()
}

async function end({ providers }: Place): Promise<FromWorker> {
  const failure = await disposeAll(providers)
  return failure ? { type: 'closed', error: toRecord(failure) } : { type: 'closed' }
}
