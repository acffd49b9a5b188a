/** A thread of ipc-world.ts that is one process: its calls sleep for real. */

import {
  attach,
  type Handle,
  type Kernel,
  MAP,
  type Mapping,
  O,
  type Process,
} from '../../dist/src/index.js'
import { serve } from '../support/thread-port.ts'
import { MUTEX_PAGE, MUTEX_STRIDE } from './reference-mutexes.ts'
import { MSGSIZE } from './reference-posix.ts'

let kernel: Kernel
let process: Process
let attaches: (Mapping | undefined)[] = []
/** What the process opened, in that order; what it closed leaves a hole. */
let queues: (number | undefined)[] = []
let semaphores: (number | undefined)[] = []
/** Where the mutexes are, once one is used. */
let page: Mapping | undefined

interface Answer {
  value?: unknown
  code?: string
}

type Method = (...args: unknown[]) => unknown

await serve({
  async attach(handle: Handle) {
    kernel = await attach(handle)
  },
  /** Becomes a new process; the one before exits, unless it was ended from outside. => its pid. */
  spawn(uid: number, gid: number) {
    outcomeOf(() => process?.exit())
    attaches = []
    queues = []
    semaphores = []
    page = undefined
    process = kernel.process({ uid, gid })
    process.umask(0)
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
  openQueue(name: string, flags: number, mode: number, maxmsg: number) {
    const options = { mode, maxmsg, msgsize: MSGSIZE }
    return outcomeOf(() => queues.push(process.mq_open(name, flags, options)) - 1)
  },
  onQueue(method: keyof Process, which: number, ...args: unknown[]) {
    return onOpen(queues, method, which, args)
  },
  /** A callback cannot be sent. */
  notify(which: number, wanted: boolean) {
    return onOpen(queues, 'mq_notify', which, [wanted ? () => {} : null])
  },
  openSem(name: string, flags: number, mode: number, value: number) {
    return outcomeOf(() => semaphores.push(process.sem_open(name, flags, mode, value)) - 1)
  },
  onSem(method: keyof Process, which: number) {
    return onOpen(semaphores, method, which, [])
  },
  onMutex(method: keyof Process, number: number) {
    page ??= mapMutexes()
    const address = page.address + number * MUTEX_STRIDE
    return outcomeOf(() => (process[method] as Method).call(process, address))
  },
})

function onOpen(
  open: (number | undefined)[],
  method: keyof Process,
  which: number,
  args: unknown[],
): Answer {
  const handle = open[which]
  if (handle === undefined) return NONE
  if (method === 'mq_close' || method === 'sem_close') open[which] = undefined
  return outcomeOf(() => (process[method] as Method).call(process, handle, ...args))
}

function mapMutexes(): Mapping {
  const fd = process.shm_open(MUTEX_PAGE, O.RDWR)
  const map = process.mmap({ fd, length: process.pageSize, flags: MAP.SHARED })
  process.close(fd)
  return map
}

/** There is no such attach, or it has no such byte; nothing of the kind is open. */
const NONE: Answer = { code: 'none' }

function at(which: number, offset: number): Mapping | undefined {
  const map = attaches[which]
  return map && offset < map.length ? map : undefined
}

function outcomeOf(act: () => unknown): Answer {
  try {
    return { value: act() }
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === undefined) throw error
    return { code }
  }
}
