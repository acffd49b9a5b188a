/** The POSIX half of ipc-world.ts: steps as calls of a process's thread, and what an observer reads. */

import { MAP, O, type Process } from '../../dist/src/index.js'
import type { Thread } from '../support/thread.ts'
import type { IpcStep } from './ipc-steps.ts'
import { MUTEX_PAGE, MUTEX_STRIDE, MUTEXES } from './reference-mutexes.ts'
import { MAKE, MAKE_NEW, NONBLOCK } from './reference-posix.ts'

export interface Answer {
  value?: unknown
  code?: string
}

const nameOf = (number: number) => `/name${number}`

function flagsOf(how: number): number {
  const makes = how & MAKE_NEW ? O.CREAT | O.EXCL : how & MAKE ? O.CREAT : 0
  return O.RDWR | makes | (how & NONBLOCK ? O.NONBLOCK : 0)
}

/** Makes the call of a step in the thread of its process. */
export function callPosix(thread: Thread, [name, , ...numbers]: IpcStep): Promise<Answer> {
  const [a, b, c, d] = numbers as [number, number, number, number]
  switch (name) {
    case 'mqopen':
      return thread.call('openQueue', nameOf(a), flagsOf(b), c, d)
    case 'mqsend':
      return thread.call('onQueue', 'mq_send', a, new Uint8Array(b).fill(c), d)
    case 'mqreceive':
      return thread.call('onQueue', 'mq_receive', a)
    case 'mqnotify':
      return thread.call('notify', a, b === 1)
    case 'mqclose':
      return thread.call('onQueue', 'mq_close', a)
    case 'mqunlink':
      return thread.call('call', 'mq_unlink', [nameOf(a)])
    case 'semopen':
      return thread.call('openSem', nameOf(a), flagsOf(b), c, d)
    case 'semwait':
      return thread.call('onSem', 'sem_wait', a)
    case 'semtrywait':
      return thread.call('onSem', 'sem_trywait', a)
    case 'sempost':
      return thread.call('onSem', 'sem_post', a)
    case 'semclose':
      return thread.call('onSem', 'sem_close', a)
    case 'semunlink':
      return thread.call('call', 'sem_unlink', [nameOf(a)])
    default:
      return thread.call('onMutex', `pthread_mutex_${name}`, a)
  }
}

/** Root's look at queues and semaphores: it opens each as soon as it was made, so that it sees what lost its name. */
export class PosixObserver {
  readonly #p: Process
  readonly #queues: number[] = []
  readonly #semaphores: number[] = []
  readonly #names = new Set<number>()

  constructor(process: Process) {
    this.#p = process
    process.umask(0)
    const fd = process.shm_open(MUTEX_PAGE, O.CREAT | O.RDWR, 0o666)
    process.ftruncate(fd, process.pageSize)
    const { address } = process.mmap({ fd, length: process.pageSize, flags: MAP.SHARED })
    for (const [number, kind] of MUTEXES.entries()) {
      process.pthread_mutex_init(address + number * MUTEX_STRIDE, kind)
    }
  }

  /** A step was done after which the reference has so many of each. */
  see([name, , number = 0]: IpcStep, queues: number, semaphores: number): void {
    if (name !== 'mqopen' && name !== 'semopen') return
    this.#names.add(number)
    if (this.#queues.length < queues) {
      this.#queues.push(this.#p.mq_open(nameOf(number), O.RDONLY))
    }
    if (this.#semaphores.length < semaphores) {
      this.#semaphores.push(this.#p.sem_open(nameOf(number)))
    }
  }

  /** As lines of the reference. */
  facts(): string[] {
    const p = this.#p
    return [
      ...this.#queues.map((mqd, number) => `mq ${number}: ${p.mq_getattr(mqd).curmsgs}`),
      ...this.#semaphores.map((sem, number) => `semaphore ${number}: ${p.sem_getvalue(sem)}`),
    ]
  }

  /** Takes all names away. */
  unlinkAll(): void {
    this.#p.shm_unlink(MUTEX_PAGE)
    for (const number of this.#names) {
      this.#try(() => this.#p.mq_unlink(nameOf(number)))
      this.#try(() => this.#p.sem_unlink(nameOf(number)))
    }
  }

  #try(unlink: () => void): void {
    try {
      unlink()
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOENT') throw error
    }
  }
}
