/** A thread of ipc-world.ts that is one process: its calls sleep for real. */

import {
  attach,
  type Handle,
  type Kernel,
  type Mapping,
  type Process,
} from '../../dist/src/index.js'
import { serve } from '../support/thread-port.ts'

let kernel: Kernel
let process: Process
let attaches: (Mapping | undefined)[] = []

type Method = (...args: unknown[]) => unknown

await serve({
  async attach(handle: Handle) {
    kernel = await attach(handle)
  },
  /** Becomes a new process; the one before exits. => its pid. */
  spawn(uid: number, gid: number) {
    process?.exit()
    attaches = []
    process = kernel.process({ uid, gid })
    return process.pid
  },
  /** => what the call gives; a failure goes as a value, as a clone of an error loses its code. */
  call(name: keyof Process, args: unknown[]) {
    return outcomeOf(() => (process[name] as Method).apply(process, args))
  },
  attachSegment(id: number, flags: number) {
    return outcomeOf(() => attaches.push(process.shmat(id, { flags })) - 1)
  },
  detachSegment(which: number) {
    return outcomeOf(() => {
      process.shmdt(attaches[which]?.address ?? 0xa000_0000)
      attaches[which] = undefined
    })
  },
  store(which: number, offset: number, value: number) {
    const map = at(which, offset)
    return map ? outcomeOf(() => map.write(offset, Uint8Array.of(value))) : NONE
  },
  load(which: number, offset: number) {
    const map = at(which, offset)
    return map ? outcomeOf(() => map.read(offset, 1)[0]) : NONE
  },
})

/** There is no such attach, or it has no such byte. */
const NONE = { code: 'none' }

function at(which: number, offset: number): Mapping | undefined {
  const map = attaches[which]
  return map && offset < map.length ? map : undefined
}

function outcomeOf(act: () => unknown): { value?: unknown; code?: string } {
  try {
    return { value: act() }
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === undefined) throw error
    return { code }
  }
}
