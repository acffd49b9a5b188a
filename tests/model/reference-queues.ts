/** Message queues of the reference (ipc-reference.ts): Linux's ipc/msg.c in its simplest form. */

import { USERS } from './ipc-steps.ts'
import {
  ASLEEP,
  may,
  type Outcome,
  type Outcomes,
  owns,
  type Perm,
  Table,
} from './reference-table.ts'

const IPC_NOWAIT = 0x800
const MSG_NOERROR = 0x1000
const MSG_EXCEPT = 0x2000
const MSG_COPY = 0x4000
const MSGMAX = 8192
const MSGMNB = 16384

interface Message {
  readonly type: number
  readonly bytes: number
  readonly value: number
}

interface Receiver {
  readonly process: number
  readonly type: number
  readonly bytes: number
  readonly flags: number
}

interface Sender {
  readonly process: number
  readonly message: Message
}

interface Queue extends Perm {
  qbytes: number
  messages: Message[]
  receivers: Receiver[]
  senders: Sender[]
}

function cbytes(queue: Queue): number {
  return queue.messages.reduce((sum, { bytes }) => sum + bytes, 0)
}

function fits(queue: Queue, bytes: number): boolean {
  return cbytes(queue) + bytes <= queue.qbytes && queue.messages.length + 1 <= queue.qbytes
}

function said({ type, bytes, value }: Message, room: number): Outcome {
  const length = Math.min(bytes, room)
  return `ok ${type}:${length}:${length > 0 ? value : 0}`
}

export class Queues extends Table<Queue> {
  get(process: number, key: number, flags: number): Outcome {
    return this.open(
      process,
      key,
      flags,
      () => undefined,
      (perm) => ({ ...perm, qbytes: MSGMNB, messages: [], receivers: [], senders: [] }),
    )
  }

  send(process: number, numbers: readonly number[], woken: Outcomes): Outcome {
    const [number, type, bytes, value, flags] = numbers as [number, number, number, number, number]
    if (bytes > MSGMAX || type < 1) return 'EINVAL'
    const queue = this.at(number)
    if (!queue) return 'EINVAL'
    if (!may(process, queue, 2)) return 'EACCES'
    const message = { type, bytes, value }
    if (!fits(queue, bytes)) {
      if (flags & IPC_NOWAIT) return 'EAGAIN'
      queue.senders.push({ process, message })
      return ASLEEP
    }
    this.#deliver(queue, message, woken)
    return 'ok'
  }

  /** To the first receiver that wants it and has room; one without room is told E2BIG. Else it stays. */
  #deliver(queue: Queue, message: Message, woken: Outcomes): void {
    for (const receiver of [...queue.receivers]) {
      if (!wants(receiver, message)) continue
      queue.receivers.splice(queue.receivers.indexOf(receiver), 1)
      if (message.bytes > receiver.bytes && !(receiver.flags & MSG_NOERROR)) {
        woken.set(receiver.process, 'E2BIG')
        continue
      }
      woken.set(receiver.process, said(message, receiver.bytes))
      return
    }
    queue.messages.push(message)
  }

  receive(process: number, numbers: readonly number[], woken: Outcomes): Outcome {
    const [number, type, bytes, flags] = numbers as [number, number, number, number]
    if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT))) return 'EINVAL'
    const queue = this.at(number)
    if (!queue) return 'EINVAL'
    if (!may(process, queue, 4)) return 'EACCES'
    if (flags & MSG_COPY) {
      const copied = queue.messages[type]
      if (!copied) return 'ENOMSG'
      if (copied.bytes <= bytes) return said(copied, bytes)
      return flags & MSG_NOERROR ? 'EINVAL' : 'E2BIG'
    }
    const message = pick(queue, type, flags)
    if (!message) {
      if (flags & IPC_NOWAIT) return 'ENOMSG'
      queue.receivers.push({ process, type, bytes, flags })
      return ASLEEP
    }
    if (message.bytes > bytes && !(flags & MSG_NOERROR)) return 'E2BIG'
    queue.messages.splice(queue.messages.indexOf(message), 1)
    this.#admit(queue, woken)
    return said(message, bytes)
  }

  /** Lets senders in that fit now, in the order of arrival. */
  #admit(queue: Queue, woken: Outcomes): void {
    for (const sender of [...queue.senders]) {
      if (!fits(queue, sender.message.bytes)) continue
      queue.senders.splice(queue.senders.indexOf(sender), 1)
      if (!may(sender.process, queue, 2)) {
        woken.set(sender.process, 'EACCES')
        continue
      }
      woken.set(sender.process, 'ok')
      this.#deliver(queue, sender.message, woken)
    }
  }

  set(process: number, numbers: readonly number[], woken: Outcomes): Outcome {
    const [number, mode, qbytes] = numbers as [number, number, number]
    const queue = this.at(number)
    if (!queue) return 'EINVAL'
    if (!owns(process, queue)) return 'EPERM'
    if (qbytes > MSGMNB && USERS[process]?.uid !== 0) return 'EPERM'
    queue.mode = mode
    queue.qbytes = qbytes
    for (const receiver of queue.receivers) {
      if (!may(receiver.process, queue, 4)) woken.set(receiver.process, 'EACCES')
    }
    queue.receivers = queue.receivers.filter((receiver) => may(receiver.process, queue, 4))
    this.#admit(queue, woken)
    return 'ok'
  }

  remove(process: number, number: number, woken: Outcomes): Outcome {
    const queue = this.at(number)
    if (!queue) return 'EINVAL'
    if (!owns(process, queue)) return 'EPERM'
    for (const { process: who } of [...queue.receivers, ...queue.senders]) woken.set(who, 'EIDRM')
    queue.removed = true
    queue.key = 0
    return 'ok'
  }

  /** The process's sleep ended without a message. */
  forget(process: number): void {
    for (const queue of this.objects) {
      queue.receivers = queue.receivers.filter((one) => one.process !== process)
      queue.senders = queue.senders.filter((one) => one.process !== process)
    }
  }

  facts(): string[] {
    return this.objects.map((queue, number) =>
      queue.removed
        ? `queue ${number}: gone`
        : `queue ${number}: ${queue.mode} ${queue.messages.length} ${cbytes(queue)} ${queue.qbytes}`,
    )
  }
}

/** => the receiver's type takes the message. */
function wants({ type, flags }: Receiver, message: Message): boolean {
  if (type === 0) return true
  if (type < 0) return message.type <= -type
  return flags & MSG_EXCEPT ? message.type !== type : message.type === type
}

/** => the message that a receive takes: the first, or of several types the lowest. */
function pick(queue: Queue, type: number, flags: number): Message | undefined {
  const fitting = queue.messages.filter((message) =>
    wants({ process: 0, type, bytes: 0, flags }, message),
  )
  if (type >= 0) return fitting[0]
  const lowest = Math.min(...fitting.map((message) => message.type))
  return fitting.find((message) => message.type === lowest)
}
