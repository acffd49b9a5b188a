/** The thread behind an Actor (actor.ts): its calls, by name. Everything that comes and goes can be cloned. */
import { parentPort, workerData } from 'node:worker_threads'
import { attach, type Handle, IPC, type Mapping, type Process, SEM } from '../index.js'

export interface Start {
  readonly handle: Handle
}

export interface Ask {
  readonly name: keyof Acts
  readonly args: readonly unknown[]
}

export type Answer =
  | { readonly result: unknown }
  | { readonly error: { readonly code: string | undefined; readonly message: string } }

/** What an actor can do. */
export type Acts = ReturnType<typeof actsOf>

const encoder = new TextEncoder()
const decoder = new TextDecoder()
/** Where in the segment the mutex is, and where the text. */
const MUTEX = 0
const TEXT = 64

function actsOf(p: Process) {
  let map: Mapping | undefined
  const mapped = () => {
    if (!map) throw new Error('nothing is attached')
    return map
  }
  const mutex = () => mapped().mutex(MUTEX, { robust: true })
  return {
    pid: () => p.pid,
    shmget: (key: number, size: number, flags = 0) => p.shmget(key, size, flags),
    shmat(id: number) {
      map = p.shmat(id)
      return map.address
    },
    write: (text: string) => mapped().write(TEXT, encoder.encode(text)),
    read: (bytes: number) => decoder.decode(mapped().read(TEXT, bytes)),
    lock: () => void mutex().lock(),
    consistent: () => mutex().consistent(),
    unlock: () => mutex().unlock(),
    nattch: (id: number) => p.shmctl(id, IPC.STAT).nattch,
    removeSegment: (id: number) => p.shmctl(id, IPC.RMID),
    msgget: (key: number, flags = 0) => p.msgget(key, flags),
    msgsnd: (id: number, type: number, text: string) => p.msgsnd(id, type, encoder.encode(text)),
    msgrcv(id: number, type: number) {
      const received = p.msgrcv(id, { type })
      return { type: received.type, data: decoder.decode(received.data) }
    },
    removeQueue: (id: number) => p.msgctl(id, IPC.RMID),
    semget: (key: number, count: number, flags = 0) => p.semget(key, count, flags),
    semop: (id: number, op: number, flags = 0) => p.semop(id, [{ num: 0, op, flags }]),
    getval: (id: number) => p.semctl(id, 0, SEM.GETVAL),
    removeSet: (id: number) => p.semctl(id, 0, IPC.RMID),
    exit: () => p.exit(),
  }
}

let acts: Promise<Acts> | undefined

async function start(): Promise<Acts> {
  const kernel = await attach((workerData as Start).handle)
  return actsOf(kernel.process())
}

parentPort?.on('message', async ({ name, args }: Ask) => {
  parentPort?.postMessage(await answer(name, args))
})

async function answer(name: keyof Acts, args: readonly unknown[]): Promise<Answer> {
  try {
    acts ??= start()
    const act = (await acts)[name] as (...args: readonly unknown[]) => unknown
    return { result: act(...args) }
  } catch (error) {
    const { code, message } = error as Error & { code?: string }
    return { error: { code, message } }
  }
}
