/**
 * The naive reference for interprocess communication, written from SEMANTICS.md and Linux's ipc/: lists and loops, no waits of its own. A call either has an
 * outcome or sleeps; each call may end the sleeps of others.
 */

import type { IpcStep, IpcStepName } from './ipc-steps.ts'
import { PROCESSES } from './ipc-steps.ts'
import { Mutexes } from './reference-mutexes.ts'
import { NamedSemaphores, PosixQueues } from './reference-posix.ts'
import { Queues } from './reference-queues.ts'
import { Segments } from './reference-segments.ts'
import { Semaphores } from './reference-semaphores.ts'
import { ASLEEP, type Outcome, type Outcomes } from './reference-table.ts'

export class IpcReference {
  readonly queues = new Queues()
  readonly semaphores = new Semaphores()
  readonly segments = new Segments()
  readonly posixQueues = new PosixQueues()
  readonly namedSemaphores = new NamedSemaphores()
  readonly mutexes = new Mutexes()
  readonly #asleep = new Set<number>()

  /** Processes whose call has not ended. */
  get asleep(): ReadonlySet<number> {
    return this.#asleep
  }

  /** Runs a step of a process that does not sleep, or ends its sleep (interrupt, kill). */
  run(step: IpcStep): Outcomes {
    const [, process] = step
    const outcomes: Outcomes = new Map()
    const own = this.#run(step, outcomes)
    outcomes.set(process, own)
    for (const [who, outcome] of outcomes) {
      if (outcome === ASLEEP) this.#asleep.add(who)
      else this.#asleep.delete(who)
    }
    return outcomes
  }

  #run(step: IpcStep, woken: Outcomes): Outcome {
    const [name, p, ...numbers] = step
    const n = numbers as [number, number, number, number, number]
    switch (name) {
      case 'msgget':
        return this.queues.get(p, n[0], n[1])
      case 'msgsnd':
        return this.queues.send(p, n, woken)
      case 'msgrcv':
        return this.queues.receive(p, n, woken)
      case 'msgrmid':
        return this.queues.remove(p, n[0], woken)
      case 'msgset':
        return this.queues.set(p, n, woken)
      case 'semget':
        return this.semaphores.get(p, n[0], n[1], n[2])
      case 'semop':
        return this.semaphores.operate(p, numbers, woken)
      case 'setval':
        return this.semaphores.setValue(p, n[0], n[1], n[2], woken)
      case 'setall':
        return this.semaphores.setAll(p, n[0], n[1], woken)
      case 'semrmid':
        return this.semaphores.remove(p, n[0], woken)
      case 'shmget':
        return this.segments.get(p, n[0], n[1], n[2])
      case 'shmat':
        return this.segments.attach(p, n[0], n[1])
      case 'shmdt':
        return this.segments.detach(p, n[0])
      case 'store':
        return this.segments.store(p, n[0], n[1], n[2])
      case 'load':
        return this.segments.load(p, n[0], n[1])
      case 'shmrmid':
        return this.segments.remove(p, n[0])
      case 'interrupt':
        return this.#interrupt(p)
      case 'kill':
        return this.#kill(p, woken)
      default:
        return this.#runPosix(name, p, numbers, woken)
    }
  }

  #runPosix(name: IpcStepName, p: number, numbers: readonly number[], woken: Outcomes): Outcome {
    const [which, wanted] = numbers as [number, number]
    switch (name) {
      case 'mqopen':
        return this.posixQueues.openQueue(p, numbers)
      case 'mqsend':
        return this.posixQueues.send(p, numbers, woken)
      case 'mqreceive':
        return this.posixQueues.receive(p, which, woken)
      case 'mqnotify':
        return this.posixQueues.notify(p, which, wanted === 1)
      case 'mqclose':
        return this.posixQueues.close(p, which)
      case 'mqunlink':
        return this.posixQueues.unlink(p, which)
      case 'semopen':
        return this.namedSemaphores.openSem(p, numbers)
      case 'semwait':
        return this.namedSemaphores.wait(p, which, true)
      case 'semtrywait':
        return this.namedSemaphores.wait(p, which, false)
      case 'sempost':
        return this.namedSemaphores.post(p, which, woken)
      case 'semclose':
        return this.namedSemaphores.close(p, which)
      case 'semunlink':
        return this.namedSemaphores.unlink(p, which)
      case 'lock':
        return this.mutexes.lock(p, which)
      case 'trylock':
        return this.mutexes.trylock(p, which)
      case 'unlock':
        return this.mutexes.unlock(p, which, woken)
      default:
        return this.mutexes.consistent(p, which)
    }
  }

  /** => what the sleeping call of the process says, if there is one. */
  #interrupt(process: number): Outcome {
    if (!this.#asleep.has(process)) return 'ok'
    if (this.mutexes.sleeps(process)) return ASLEEP
    this.queues.forget(process)
    this.semaphores.forget(process)
    this.posixQueues.forget(process)
    this.namedSemaphores.forget(process)
    return 'EINTR'
  }

  #kill(process: number, woken: Outcomes): Outcome {
    this.queues.forget(process)
    this.semaphores.forget(process)
    this.semaphores.undo(process, woken)
    this.segments.exit(process)
    this.posixQueues.exit(process)
    this.namedSemaphores.exit(process)
    this.mutexes.exit(process, woken)
    return 'ok'
  }

  /** Everything that an observer could read, as lines. */
  facts(): string[] {
    const kinds = [this.queues, this.semaphores, this.segments, this.posixQueues]
    return [...kinds, this.namedSemaphores].flatMap((kind) => kind.facts())
  }
}

/** All processes, for loops. */
export const ALL: readonly number[] = Array.from({ length: PROCESSES }, (_, index) => index)
