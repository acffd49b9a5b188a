/**
 * The worker that guests run in, one after another. It joins the kernel once; each program is a process that it joins, runs and ends.
 * Invariant: whatever goes wrong goes back as a message; nothing is lost in silence.
 */
import { ESRCH } from '../assembly/abi.js'
import { toRecord } from './errors.js'
import { execute } from './guest/execute.js'
import type { FromGuest, RunMessage } from './guest/messages.js'
import { type Ending, GuestThread, SIGKILL } from './guest/thread.js'
import type { Instance } from './instance.js'
import { join } from './join.js'
import { Process } from './process.js'
import { type Port, parentPort } from './runtime.js'

/** Exit status of a process that a signal ended, less the signal's number. */
const STATUS_SIGNAL = 128

let place: Promise<Instance> | undefined

// No top-level await: bundlers make classic scripts of workers.
parentPort<FromGuest, RunMessage>(leave).then((port) => {
  port.onMessage((message) => void run(port, message))
})

async function leave(): Promise<void> {
  const instance = await place
  instance?.leave()
}

async function run(port: Port<FromGuest, RunMessage>, message: RunMessage): Promise<void> {
  try {
    const { handle, parent } = message
    place ??= join(handle, { parent }).then(({ instance }) => instance)
    const instance = await place
    port.post({ type: 'began', slot: instance.index, stateWord: instance.stateWord })
    const joined = instance.calls.process_join(message.pid)
    if (joined === -ESRCH) return port.post(ended(SIGKILL)) // before it began
    instance.result('run', joined)
    const process = new Process(instance, message.pid)
    const thread = new GuestThread(instance, process)
    port.post(finish(thread, execute(thread, message.program)))
  } catch (error) {
    port.post({ type: 'failed', error: toRecord(error) })
  }
}

/** Ends the process, unless somebody else did. */
function finish(thread: GuestThread, ending: Ending): FromGuest {
  const { signal = 0, error } = ending
  const message = ended(signal, ending.status)
  try {
    thread.process.exit(message.status)
  } catch {
    // It was killed.
  }
  thread.forgetNotices()
  if (signal === 0 && error !== undefined) return { type: 'failed', error: toRecord(error) }
  return message
}

function ended(signal: number, own = 1): FromGuest & { type: 'ended' } {
  const status = signal === 0 ? own & 0xff : STATUS_SIGNAL + signal
  return { type: 'ended', status, signal }
}
