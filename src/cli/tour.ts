/**
 * The steps of `isopage ipc`, in order: three threads, each with a process, find each other by keys, share a page, queue messages, wait on
 * a semaphore; one dies with a lock in its hand, and nothing is lost. Each step tells what it calls and what came of it.
 */
import { IPC, type Kernel, SEM } from '../index.js'
import { ipcsText } from '../inspect/ipcs-text.js'
import { Actor } from './actor.js'
import { systemNames } from './names.js'

/** One call of a step, as it is shown. */
export interface Call {
  /** Which thread made it; empty for the program itself. */
  readonly thread: string
  readonly call: string
  readonly result: string
}

export interface Step {
  readonly title: string
  readonly calls: readonly Call[]
  /** Lines that a call printed. */
  readonly text?: string
  /** It came as it had to. */
  readonly ok: boolean
}

const KEY = 0x70616765
const KEY_TEXT = '0x70616765'
const MADE = IPC.CREAT | 0o600
const MADE_TEXT = 'IPC.CREAT | 0o600'
const SEGMENT_BYTES = 8192
const TEXT = 'one page, whoever looks'

/** What the steps share. */
interface Tour {
  readonly kernel: Kernel
  readonly a: Actor
  readonly b: Actor
  readonly c: Actor
  segment: number
  queue: number
  set: number
}

/** Runs the steps, and tells of each once it is done. => all came as they had to. */
export async function runTour(kernel: Kernel, tell: (step: Step) => void): Promise<boolean> {
  const [a, b, c] = ['A', 'B', 'C'].map((name) => new Actor(kernel, name)) as [Actor, Actor, Actor]
  const tour: Tour = { kernel, a, b, c, segment: -1, queue: -1, set: -1 }
  let ok = true
  try {
    for (const step of STEPS) {
      const done = await step(tour)
      ok &&= done.ok
      tell(done)
    }
  } finally {
    for (const actor of [b, c]) await actor.crash()
  }
  return ok
}

const shown = (thread: { name: string } | null, call: string, result: unknown): Call => ({
  thread: thread?.name ?? '',
  call,
  result: typeof result === 'string' ? result : JSON.stringify(result),
})

/** Waits until so many threads sleep in a call. => on what. */
async function sleeping(kernel: Kernel, count: number): Promise<string> {
  for (;;) {
    const found = kernel.sleepers().filter(({ on }) => on === 'queue' || on === 'semaphores')
    if (found.length >= count) return found.map(({ on, id }) => `${on} ${id}`).join(', ')
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

/** => the code of the error that it fails with. */
async function codeOf(act: Promise<unknown>): Promise<string> {
  return act.then(
    () => 'no error',
    (error) => error.code ?? error.message,
  )
}

const STEPS: readonly ((tour: Tour) => Promise<Step>)[] = [
  async ({ a, b, c }) => {
    const pids = [await a.ask('pid'), await b.ask('pid'), await c.ask('pid')]
    const calls = [a, b, c].map((actor, at) =>
      shown(actor, 'attach(handle); p = kernel.process()', `pid ${pids[at]}`),
    )
    const title = 'Three threads take part in one kernel, each with a process of its own'
    return { title, calls, ok: new Set(pids).size === 3 }
  },
  async (tour) => {
    const { a, b } = tour
    tour.segment = await a.ask('shmget', KEY, SEGMENT_BYTES, MADE)
    const found = await b.ask('shmget', KEY, 0)
    return {
      title: 'A makes a segment of shared memory under a key; B finds it by that key alone',
      calls: [
        shown(a, `shmget(${KEY_TEXT}, ${SEGMENT_BYTES}, ${MADE_TEXT})`, `id ${tour.segment}`),
        shown(b, `shmget(${KEY_TEXT}, 0)`, `id ${found}`),
      ],
      ok: found === tour.segment,
    }
  },
  async ({ a, b, segment }) => {
    const at = [await a.ask('shmat', segment), await b.ask('shmat', segment)]
    const nattch = await b.ask('nattch', segment)
    const calls = [a, b].map((actor, index) =>
      shown(actor, `map = shmat(${segment})`, `at 0x${at[index]?.toString(16)}`),
    )
    calls.push(shown(b, `shmctl(${segment}, IPC.STAT).nattch`, nattch))
    return { title: 'Both attach it; the kernel counts who does', calls, ok: nattch === 2 }
  },
  async ({ a, b }) => {
    await a.ask('write', TEXT)
    const seen = await b.ask('read', TEXT.length)
    return {
      title: 'What A stores B reads at once: it is one page, not a copy',
      calls: [
        shown(a, `map.write(64, '${TEXT}')`, 'stored'),
        shown(b, 'map.read(64, 23)', `'${seen}'`),
      ],
      ok: seen === TEXT,
    }
  },
  async (tour) => {
    const { b, c, kernel } = tour
    tour.queue = await c.ask('msgget', KEY, MADE)
    const received = c.ask('msgrcv', tour.queue, 0)
    const on = await sleeping(kernel, 1)
    await b.ask('msgsnd', tour.queue, 1, 'hello')
    const message = await received
    return {
      title: 'C waits for a message, asleep; B sends one, and C has it',
      calls: [
        shown(c, `queue = msgget(${KEY_TEXT}, ${MADE_TEXT})`, `id ${tour.queue}`),
        shown(c, 'msgrcv(queue)', `sleeps on ${on}`),
        shown(b, "msgsnd(queue, 1, 'hello')", 'sent'),
        shown(c, 'msgrcv(queue)', message),
      ],
      ok: message.data === 'hello',
    }
  },
  async ({ a, c, queue }) => {
    await a.ask('msgsnd', queue, 5, 'can wait')
    await a.ask('msgsnd', queue, 2, 'urgent')
    const first = await c.ask('msgrcv', queue, -9)
    const second = await c.ask('msgrcv', queue, -9)
    return {
      title: 'Messages have types: C takes the lowest first, whatever came first',
      calls: [
        shown(a, "msgsnd(queue, 5, 'can wait')", 'sent'),
        shown(a, "msgsnd(queue, 2, 'urgent')", 'sent'),
        shown(c, 'msgrcv(queue, { type: -9 })', first),
        shown(c, 'msgrcv(queue, { type: -9 })', second),
      ],
      ok: first.data === 'urgent' && second.data === 'can wait',
    }
  },
  async (tour) => {
    const { a, c, kernel } = tour
    tour.set = await a.ask('semget', KEY, 1, MADE)
    const taken = c.ask('semop', tour.set, -1)
    const on = await sleeping(kernel, 1)
    await a.ask('semop', tour.set, 1)
    await taken
    return {
      title: 'C waits on a semaphore that is 0; A adds one, and C goes on with it',
      calls: [
        shown(a, `set = semget(${KEY_TEXT}, 1, ${MADE_TEXT})`, `id ${tour.set}`),
        shown(c, 'semop(set, [{ num: 0, op: -1 }])', `sleeps on ${on}`),
        shown(a, 'semop(set, [{ num: 0, op: 1 }])', 'added'),
        shown(c, 'semop(set, [{ num: 0, op: -1 }])', 'taken'),
      ],
      ok: true,
    }
  },
  async ({ a, b, set }) => {
    await b.ask('semop', set, 1)
    await a.ask('semop', set, -1, SEM.UNDO)
    await a.ask('lock')
    const value = await b.ask('getval', set)
    return {
      title: 'A takes the semaphore, to be undone if it dies, and locks a robust mutex in the page',
      calls: [
        shown(b, 'semop(set, [{ num: 0, op: 1 }])', 'added'),
        shown(a, 'semop(set, [{ num: 0, op: -1, flags: SEM.UNDO }])', 'taken'),
        shown(a, 'mutex = map.mutex(0, { robust: true }); mutex.lock()', 'locked'),
        shown(b, 'semctl(set, 0, SEM.GETVAL)', value),
      ],
      ok: value === 0,
    }
  },
  async ({ a, b, set, segment }) => {
    await a.crash()
    const [value, nattch] = [await b.ask('getval', set), await b.ask('nattch', segment)]
    return {
      title: 'A crashes. The kernel gives back what it held: the semaphore, its attach',
      calls: [
        shown(null, 'kernel.terminate(workerOfA)', 'ended'),
        shown(b, 'semctl(set, 0, SEM.GETVAL)', value),
        shown(b, `shmctl(${segment}, IPC.STAT).nattch`, nattch),
      ],
      ok: value === 1 && nattch === 1,
    }
  },
  async ({ b }) => {
    const code = await codeOf(b.ask('lock'))
    await b.ask('consistent')
    await b.ask('unlock')
    return {
      title:
        'B locks the mutex and is told that its owner died; B mends the page, says so, goes on',
      calls: [
        shown(b, 'mutex.lock()', `${code}: locked`),
        shown(b, 'mutex.consistent(); mutex.unlock()', 'free again'),
      ],
      ok: code === 'EOWNERDEAD',
    }
  },
  async ({ b, c, kernel, queue }) => {
    const waiting = codeOf(c.ask('msgrcv', queue, 0))
    await sleeping(kernel, 1)
    await b.ask('removeQueue', queue)
    const code = await waiting
    return {
      title: 'C waits again; B removes the queue, and C is told instead of waiting for ever',
      calls: [
        shown(c, 'msgrcv(queue)', 'sleeps'),
        shown(b, 'msgctl(queue, IPC.RMID)', 'removed'),
        shown(c, 'msgrcv(queue)', code),
      ],
      ok: code === 'EIDRM',
    }
  },
  async ({ kernel }) => {
    const ipcs = kernel.ipcs()
    return {
      title:
        'What is left, as ipcs prints it (isopage ipcs does, of any program with inspect: true)',
      calls: [shown(null, 'kernel.ipcs()', `${ipcs.shm.length} segment, ${ipcs.sem.length} set`)],
      text: ipcsText(ipcs, { kinds: ['shm', 'sem'], names: systemNames() }),
      ok: ipcs.msg.length === 0 && ipcs.shm.length === 1 && ipcs.sem.length === 1,
    }
  },
  async ({ b, kernel, segment, set }) => {
    await b.ask('removeSegment', segment)
    await b.ask('removeSet', set)
    await b.ask('exit')
    kernel.check()
    const { shm, msg, sem } = kernel.ipcs()
    const left = shm.length + msg.length + sem.length
    return {
      title: 'B removes the rest and exits; the last detach destroys the segment',
      calls: [
        shown(b, `shmctl(${segment}, IPC.RMID); semctl(set, 0, IPC.RMID)`, 'removed'),
        shown(b, 'exit()', 'ended'),
        shown(null, 'kernel.check()', `whole; ${left} objects left`),
      ],
      ok: left === 0,
    }
  },
]
