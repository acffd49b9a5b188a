/** POSIX queues and named semaphores of the reference (ipc-reference.ts): names, what each process has open, and who sleeps. */

import { USERS } from './ipc-steps.ts'
import { ASLEEP, may, type Outcome, type Outcomes, owns, type Perm } from './reference-table.ts'

/** How a name is opened: bits. */
export const MAKE = 1
export const MAKE_NEW = 2
export const NONBLOCK = 4
/** No message is longer. */
export const MSGSIZE = 64

/** The step names something that the process has not. */
const NONE = 'none'

interface Handle<T> {
  readonly object: T
  readonly nonblock: boolean
}

/** Objects with names, and what processes have open, by the order in which each opened it. */
class Named<T extends Perm> {
  /** In the order in which they were made. */
  readonly made: T[] = []
  readonly #names = new Map<number, T>()
  readonly #open = new Map<number, (Handle<T> | undefined)[]>()

  open(process: number, name: number, how: number, mode: number, make: (perm: Perm) => T): Outcome {
    let object = this.#names.get(name)
    if (object && how & MAKE_NEW) return 'EEXIST'
    if (object && !may(process, object, 6)) return 'EACCES'
    if (!object && !(how & (MAKE | MAKE_NEW))) return 'ENOENT'
    if (!object) {
      const { uid, gid } = USERS[process] as (typeof USERS)[number]
      object = make({ key: 0, uid, gid, cuid: uid, cgid: gid, mode, removed: false })
      this.#names.set(name, object)
      this.made.push(object)
    }
    const handles = this.#open.get(process) ?? []
    this.#open.set(process, handles)
    return `ok ${handles.push({ object, nonblock: (how & NONBLOCK) !== 0 }) - 1}`
  }

  at(process: number, which: number): Handle<T> | undefined {
    return this.#open.get(process)?.[which]
  }

  close(process: number, which: number): Outcome {
    const handles = this.#open.get(process)
    if (!handles?.[which]) return NONE
    handles[which] = undefined
    return 'ok'
  }

  unlink(process: number, name: number): Outcome {
    const object = this.#names.get(name)
    if (!object) return 'ENOENT'
    if (!owns(process, object)) return 'EACCES'
    this.#names.delete(name)
    return 'ok'
  }

  exit(process: number): void {
    this.#open.delete(process)
  }
}

interface Message {
  readonly bytes: number
  readonly value: number
  readonly priority: number
}

interface PosixQueue extends Perm {
  readonly maxmsg: number
  /** The highest priority first, and of those the oldest. */
  messages: Message[]
  receivers: number[]
  senders: { readonly process: number; readonly message: Message }[]
  /** Who is told of the next message, and by which of its descriptors it asked. */
  notice?: { readonly process: number; readonly which: number } | undefined
}

function said({ bytes, value, priority }: Message): Outcome {
  return `ok ${priority}:${bytes}:${bytes > 0 ? value : 0}`
}

export class PosixQueues extends Named<PosixQueue> {
  openQueue(process: number, numbers: readonly number[]): Outcome {
    const [name, how, mode, maxmsg] = numbers as [number, number, number, number]
    const make = (perm: Perm) => ({ ...perm, maxmsg, messages: [], receivers: [], senders: [] })
    return this.open(process, name, how, mode, make)
  }

  send(process: number, numbers: readonly number[], woken: Outcomes): Outcome {
    const [which, bytes, value, priority] = numbers as [number, number, number, number]
    const { object: queue, nonblock } = this.at(process, which) ?? {}
    if (!queue) return NONE
    if (bytes > MSGSIZE) return 'EMSGSIZE'
    const message = { bytes, value, priority }
    if (queue.messages.length === queue.maxmsg) {
      if (nonblock) return 'EAGAIN'
      queue.senders.push({ process, message })
      return ASLEEP
    }
    const receiver = queue.receivers.shift()
    if (receiver === undefined) insert(queue, message)
    else woken.set(receiver, said(message))
    return 'ok'
  }

  receive(process: number, which: number, woken: Outcomes): Outcome {
    const { object: queue, nonblock } = this.at(process, which) ?? {}
    if (!queue) return NONE
    const message = queue.messages.shift()
    if (!message) {
      if (nonblock) return 'EAGAIN'
      queue.receivers.push(process)
      return ASLEEP
    }
    const sender = queue.senders.shift()
    if (sender) {
      insert(queue, sender.message)
      woken.set(sender.process, 'ok')
    }
    return said(message)
  }

  notify(process: number, which: number, wanted: boolean): Outcome {
    const queue = this.at(process, which)?.object
    if (!queue) return NONE
    if (wanted && queue.notice) return 'EBUSY'
    if (wanted) queue.notice = { process, which }
    else if (queue.notice?.process === process) queue.notice = undefined
    return 'ok'
  }

  override close(process: number, which: number): Outcome {
    const queue = this.at(process, which)?.object
    const { notice } = queue ?? {}
    if (queue && notice?.process === process && notice.which === which) queue.notice = undefined
    return super.close(process, which)
  }

  /** The process's sleep ended without a message. */
  forget(process: number): void {
    for (const queue of this.made) {
      queue.receivers = queue.receivers.filter((one) => one !== process)
      queue.senders = queue.senders.filter((one) => one.process !== process)
    }
  }

  override exit(process: number): void {
    this.forget(process)
    for (const queue of this.made) {
      if (queue.notice?.process === process) queue.notice = undefined
    }
    super.exit(process)
  }

  facts(): string[] {
    return this.made.map(({ messages }, number) => `mq ${number}: ${messages.length}`)
  }
}

/** A message comes to a queue in which no receiver sleeps; to an empty one it fires the notification. */
function insert(queue: PosixQueue, message: Message): void {
  if (queue.messages.length === 0) queue.notice = undefined
  const at = queue.messages.findIndex(({ priority }) => priority < message.priority)
  queue.messages.splice(at < 0 ? queue.messages.length : at, 0, message)
}

interface NamedSemaphore extends Perm {
  value: number
  sleepers: number[]
}

export class NamedSemaphores extends Named<NamedSemaphore> {
  openSem(process: number, numbers: readonly number[]): Outcome {
    const [name, how, mode, value] = numbers as [number, number, number, number]
    return this.open(process, name, how, mode, (perm) => ({ ...perm, value, sleepers: [] }))
  }

  wait(process: number, which: number, sleeps: boolean): Outcome {
    const sem = this.at(process, which)?.object
    if (!sem) return NONE
    if (sem.value === 0) {
      if (!sleeps) return 'EAGAIN'
      sem.sleepers.push(process)
      return ASLEEP
    }
    sem.value--
    return 'ok'
  }

  post(process: number, which: number, woken: Outcomes): Outcome {
    const sem = this.at(process, which)?.object
    if (!sem) return NONE
    const sleeper = sem.sleepers.shift()
    if (sleeper === undefined) sem.value++
    else woken.set(sleeper, 'ok')
    return 'ok'
  }

  /** The process's sleep ended without a unit. */
  forget(process: number): void {
    for (const sem of this.made) sem.sleepers = sem.sleepers.filter((one) => one !== process)
  }

  override exit(process: number): void {
    this.forget(process)
    super.exit(process)
  }

  facts(): string[] {
    return this.made.map(({ value }, number) => `semaphore ${number}: ${value}`)
  }
}
