/** A worker with a process of its own that makes random calls of every kind of interprocess communication without end, to be killed at some moment of them. */

import {
  attach,
  type Handle,
  IPC,
  type Kernel,
  MAP,
  O,
  type Process,
  SEM,
} from '../../dist/src/index.js'
import { type Pulse, restOf } from '../support/pulse.ts'
import { randomOf } from '../support/random.ts'
import { serve } from '../support/thread-port.ts'
import { COUNTERS, GATE, type Meeting, MUTEX } from './ipc-kill.meeting.ts'

/** Wrong calls are part of the game; what must not come is anything but the errno of one. */
const EXPECTED = /^(E[A-Z0-9]+|SIGSEGV|SIGBUS)$/

let kernel: Kernel

await serve({
  async attach(handle: Handle) {
    kernel = await attach(handle)
  },
  hammer(meeting: Meeting, seed: number, pulse: Pulse) {
    const rest = restOf(pulse)
    const next = randomOf(seed)
    const hammer = new Hammer(kernel.process(), meeting, next)
    for (;;) {
      rest()
      try {
        hammer.act()
      } catch (error) {
        const { code = String(error) } = error as { code?: string }
        if (!EXPECTED.test(code)) throw new Error(`${code}: ${(error as Error).stack}`)
      }
    }
  },
})

class Hammer {
  readonly #p: Process
  readonly #meeting: Meeting
  readonly #next: (below: number) => number
  readonly #address: number
  readonly #words: Int32Array
  readonly #bytes = new Uint8Array(64)

  constructor(p: Process, meeting: Meeting, next: (below: number) => number) {
    this.#p = p
    this.#meeting = meeting
    this.#next = next
    const map = p.shmat(meeting.segment)
    this.#address = map.address
    this.#words = new Int32Array(map.buffer, map.byteOffset, 1024)
  }

  act(): void {
    const acts = [
      () => this.#throughGate(),
      () => this.#throughMutex(),
      () => this.#message(),
      () => this.#message(),
      () => this.#semaphores(),
      () => this.#semaphores(),
      () => this.#attaches(),
      () => this.#ownSegment(),
      () => this.#posixQueue(),
      () => this.#posixMemory(),
      () => this.#child(),
    ]
    acts[this.#next(acts.length)]?.()
  }

  /** Two words that are equal whenever nobody is inside: the semaphore's undo lets the next in. */
  #throughGate(): void {
    const { semaphores } = this.#meeting
    this.#p.semtimedop(semaphores, [{ num: GATE, op: -1, flags: SEM.UNDO }], 50)
    this.#step(COUNTERS)
    this.#p.semop(semaphores, [{ num: GATE, op: 1, flags: SEM.UNDO }])
  }

  /** Two more, behind a robust mutex. */
  #throughMutex(): void {
    const mutex = this.#address + MUTEX
    try {
      this.#p.pthread_mutex_timedlock(mutex, Date.now() + 50)
    } catch (error) {
      if ((error as { code?: string }).code !== 'EOWNERDEAD') throw error
      this.#words[COUNTERS + 3] = this.#words[COUNTERS + 2] as number
      this.#p.pthread_mutex_consistent(mutex)
    }
    this.#step(COUNTERS + 2)
    this.#p.pthread_mutex_unlock(mutex)
  }

  /** Long enough inside, with calls of the kernel, that many die there. */
  #step(at: number): void {
    this.#words[at] = (this.#words[at] as number) + 1
    for (let i = this.#next(400); i > 0; i--) this.#p.vmRead(this.#address, this.#bytes)
    this.#words[at + 1] = (this.#words[at + 1] as number) + 1
  }

  /** Sometimes it sleeps until somebody sends, or receives. */
  #message(): void {
    const { queue } = this.#meeting
    const flags = this.#next(64) === 0 ? 0 : IPC.NOWAIT
    const type = 1 + this.#next(3)
    if (this.#next(2)) this.#p.msgsnd(queue, type, new Uint8Array(this.#next(3000)), flags)
    else this.#p.msgrcv(queue, { type: this.#next(4) - 1, flags })
  }

  /** Random arrays with undo on the semaphores beside the gate. */
  #semaphores(): void {
    const operations = Array.from({ length: 1 + this.#next(3) }, () => ({
      num: 1 + this.#next(3),
      op: this.#next(5) - 2,
      flags: (this.#next(2) ? SEM.UNDO : 0) | (this.#next(4) ? IPC.NOWAIT : 0),
    }))
    this.#p.semtimedop(this.#meeting.semaphores, operations, this.#next(20))
  }

  #attaches(): void {
    const map = this.#p.shmat(this.#meeting.segment)
    map.write(2048, Uint8Array.of(1, 2, 3))
    if (this.#next(2)) this.#p.munmap(map.address, 4096)
    else this.#p.shmdt(map)
  }

  /** A segment that goes with its last attach, however that ends. */
  #ownSegment(): void {
    const id = this.#p.shmget(IPC.PRIVATE, 4096 * (1 + this.#next(8)), 0o600)
    try {
      this.#p.shmat(id).write(0, new Uint8Array(4096).fill(7))
    } finally {
      this.#p.shmctl(id, IPC.RMID)
    }
  }

  #posixQueue(): void {
    const name = `/q${this.#next(2)}`
    const mqd = this.#p.mq_open(name, O.CREAT | O.RDWR | O.NONBLOCK, { maxmsg: 4, msgsize: 64 })
    try {
      if (this.#next(2)) this.#p.mq_send(mqd, new Uint8Array(this.#next(64)), this.#next(3))
      else this.#p.mq_receive(mqd)
      if (this.#next(8) === 0) this.#p.mq_unlink(name)
    } finally {
      this.#p.mq_close(mqd)
    }
  }

  #posixMemory(): void {
    const name = `/m${this.#next(2)}`
    const fd = this.#p.shm_open(name, O.CREAT | O.RDWR)
    this.#p.ftruncate(fd, 4096 * this.#next(5))
    const map = this.#p.mmap({ fd, length: 8192, flags: MAP.SHARED })
    this.#p.close(fd)
    if (this.#next(4) === 0) this.#p.shm_unlink(name)
    map.unmap()
  }

  #child(): void {
    if (this.#next(4)) return
    const child = this.#p.fork()
    if (this.#next(2)) child.vmWrite(this.#address + 2048, Uint8Array.of(9))
    child.exit()
  }
}
