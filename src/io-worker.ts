/**
 * The I/O worker: the thread that owns the providers which only one thread may use, and serves the file calls of all others
 * from the ring. It also writes back in the background.
 *
 * It sleeps on its doorbell: in Atomics.wait where all its providers answer at once (nothing else runs in this thread then). Where one
 * answers later, its promises need the event loop, and it sleeps by Atomics.waitAsync, but for a moment after each request.
 */
import { toRecord } from './errors.js'
import type { Instance } from './instance.js'
import { join, type Place } from './join.js'
import { disposeAll } from './mounts.js'
import type { FromWorker, StartMessage, ToWorker } from './protocol.js'
import { type Port, parentPort, pause } from './runtime.js'

const FLUSH_PAGES = 4096
/**
 * How long it sleeps outside its event loop for the next request: who asks once often asks again, and a wake-up through the event loop
 * takes 0.1 ms in Chromium, 0.4 in Firefox.
 */
const LINGER_MS = 5
/** How long the doorbell is watched before a sleep (longer than the wake-up of who was answered takes), and how many sleeps may pass without. */
const WATCH_MS = 0.1
const VAIN_MAX = 63
/** How long the event loop may stand still while requests follow each other. */
const TURN_MS = 100

// No top-level await: bundlers make classic scripts of workers. It is asked to end when it has nothing left.
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

/** Serves until the kernel is closed and nobody asks any more. */
async function serve(place: Place, periodMs: number): Promise<void> {
  if (isLater(place)) await serveLater(place.instance)
  else serveAtOnce(place.instance, periodMs)
}

/** All answers are given at once: nothing else runs in this thread, and it writes back in between. */
function serveAtOnce(instance: Instance, periodMs: number): void {
  let flushAt = performance.now() + periodMs
  while (!instance.table.serviceEnded) {
    const bell = Atomics.load(instance.words, instance.doorbell)
    instance.serve()
    sleep(instance, bell, Math.max(flushAt - performance.now(), 0))
    if (performance.now() < flushAt) continue
    instance.lastCalls.flush(FLUSH_PAGES)
    flushAt = performance.now() + periodMs
  }
}

/** Some answers need the event loop: it runs while one is awaited, when nobody asks, and every TURN_MS when somebody always does. */
async function serveLater(instance: Instance): Promise<void> {
  let turnAt = performance.now() + TURN_MS
  let recent = false
  while (!instance.table.serviceEnded) {
    const bell = Atomics.load(instance.words, instance.doorbell)
    if (instance.serve() > 0) recent = true
    const turn = performance.now() > turnAt
    if (recent && !turn && !instance.owesAnswers) {
      recent = false
      sleep(instance, bell, LINGER_MS)
      continue
    }
    if (turn) await pause(0)
    if (instance.owesAnswers) await Promise.race([instance.rung(bell), instance.idle()])
    else if (!recent) await instance.rung(bell)
    turnAt = performance.now() + TURN_MS
  }
  await instance.idle()
}

function sleep(instance: Instance, bell: number, milliseconds: number): void {
  const { words, doorbell } = instance
  if (!rungSoon(words, doorbell, bell)) Atomics.wait(words, doorbell, bell, milliseconds)
}

/** Sleeps that pass without a look at the doorbell first: how many after the last look in vain, and how many yet. */
let vain = 0
let unwatched = 0

/** Looks at the doorbell before a sleep, where that was worth it lately, as the kernel does (assembly/wait.ts). => it was rung. */
function rungSoon(words: Int32Array, doorbell: number, bell: number): boolean {
  if (unwatched > 0) {
    unwatched--
    return Atomics.load(words, doorbell) !== bell
  }
  const until = performance.now() + WATCH_MS
  do {
    for (let look = 0; look < 64; look++) {
      if (Atomics.load(words, doorbell) === bell) continue
      vain = 0
      return true
    }
  } while (performance.now() < until)
  vain = Math.min(vain * 2 + 1, VAIN_MAX)
  unwatched = vain
  return false
}

async function end({ providers }: Place): Promise<FromWorker> {
  const failure = await disposeAll(providers)
  return failure ? { type: 'closed', error: toRecord(failure) } : { type: 'closed' }
}
