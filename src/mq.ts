/**
 * POSIX message queues. A queue's descriptor is one of the process's: `close`, `dup`, `fcntl` and `fstat` take it too. Deadlines are absolute:
 * milliseconds since 1970 (`Date.now() + 100`), Infinity for none.
 *
 * Sources: POSIX.1-2017 mq_*; Linux mq_overview(7).
 */
import { BUFFER_DATA_BYTES } from '../assembly/abi.js'
import * as ipc from '../assembly/ipcabi.js'
import {
  checkBytes,
  checkDeadline,
  checkFd,
  checkFlags,
  checkInteger,
  checkObject,
  checkUint32,
  wrongType,
} from './check.js'
import { noticesOf } from './notices.js'
import { SemCalls } from './sem.js'

export interface MqOpenOptions {
  /** Permission bits of a new queue, less umask: 0o600 by default. */
  mode?: number
  /** Most messages of a new queue: 10 by default. */
  maxmsg?: number
  /** Most bytes of one of its messages: 8192 by default. */
  msgsize?: number
}

/** struct mq_attr. */
export interface MqAttr {
  /** 0 or O.NONBLOCK: of the descriptor. */
  readonly flags: number
  readonly maxmsg: number
  readonly msgsize: number
  /** Messages in the queue. */
  readonly curmsgs: number
}

export interface MqMessage {
  readonly data: Uint8Array<ArrayBuffer>
  readonly priority: number
}

type Data = Uint8Array | ArrayBufferView | ArrayBufferLike

const INT32_MIN = -(2 ** 31)
const INT32_MAX = 2 ** 31 - 1

export abstract class MqCalls extends SemCalls {
  /**
   * mq_open(3). `name`: a slash and 1 to 255 bytes without one. `flags`: O.RDONLY, O.WRONLY or O.RDWR, with O.CREAT, O.EXCL, O.NONBLOCK. => a descriptor with
   * FD.CLOEXEC.
   */
  mq_open(name: string, flags: number, options?: MqOpenOptions): number {
    const { calls, instance } = this
    checkFlags('flags', flags)
    const given = checkObject<MqOpenOptions>('options', options)
    const mode = checkUint32('options.mode', given.mode ?? 0o600)
    const maxmsg = checkAttribute('options.maxmsg', given.maxmsg)
    const msgsize = checkAttribute('options.msgsize', given.msgsize)
    const [at, bytes] = instance.path('mq_open', 'name', name)
    const mqd = calls.mq_open(this.pid, at, bytes, flags, mode, maxmsg, msgsize)
    return this.done('mq_open', mqd, { path: name })
  }

  /** mq_close(3). */
  mq_close(mqd: number): void {
    this.done('mq_close', this.calls.mq_close(this.pid, checkFd(mqd, 'mqd')))
  }

  /** mq_unlink(3): takes the name away. The queue stays until nobody has it open. */
  mq_unlink(name: string): void {
    const { calls } = this
    const [at, bytes] = this.instance.path('mq_unlink', 'name', name)
    this.done('mq_unlink', calls.mq_unlink(this.pid, at, bytes), { path: name })
  }

  /** mq_send(3): waits while the queue is full, unless O.NONBLOCK is set: EAGAIN. `priority`: 0, the default, to 32767; the highest is received first. */
  mq_send(mqd: number, data: Data, priority = 0): void {
    this.#send('mq_send', mqd, data, priority, Number.POSITIVE_INFINITY)
  }

  /** mq_timedsend(3): as mq_send, until `deadline`: ETIMEDOUT. */
  mq_timedsend(mqd: number, data: Data, priority: number, deadline: number | Date): void {
    this.#send('mq_timedsend', mqd, data, priority, checkDeadline('deadline', deadline))
  }

  #send(syscall: string, mqd: number, data: Data, priority: number, deadline: number): void {
    const { calls, instance } = this
    checkFd(mqd, 'mqd')
    checkUint32('priority', priority)
    const bytes = checkBytes('data', data)
    const size = Math.min(bytes.length, INT32_MAX)
    if (size <= BUFFER_DATA_BYTES) instance.bytes.set(bytes, instance.dataAt)
    this.done(syscall, calls.mq_send(this.pid, mqd, size, priority, deadline))
    noticesOf(instance).look()
  }

  /**
   * mq_receive(3): the oldest message of the highest priority; waits while there is none, unless O.NONBLOCK is set: EAGAIN. `size`: of the buffer that C
   * gives; EMSGSIZE when it is smaller than the queue's `msgsize`.
   */
  mq_receive(mqd: number, size = BUFFER_DATA_BYTES): MqMessage {
    return this.#receive('mq_receive', mqd, size, Number.POSITIVE_INFINITY)
  }

  /** mq_timedreceive(3): as mq_receive, until `deadline`: ETIMEDOUT. */
  mq_timedreceive(mqd: number, deadline: number | Date, size = BUFFER_DATA_BYTES): MqMessage {
    return this.#receive('mq_timedreceive', mqd, size, checkDeadline('deadline', deadline))
  }

  #receive(syscall: string, mqd: number, size: number, deadline: number): MqMessage {
    const { calls, instance } = this
    checkFd(mqd, 'mqd')
    checkUint32('size', size)
    const count = this.done(syscall, calls.mq_receive(this.pid, mqd, size, deadline))
    const { dataAt } = instance
    return {
      data: instance.bytes.slice(dataAt, dataAt + count) as Uint8Array<ArrayBuffer>,
      priority: instance.view.getInt32(instance.resultAt, true),
    }
  }

  /**
   * mq_notify(3): `callback` is called once, by the event loop of this thread, after a message came to the empty queue while nobody waited for one; EBUSY
   * when somebody is registered. null takes back what this process has registered. It ends with the descriptor, the process and the thread, and keeps none
   * of them alive.
   */
  mq_notify(mqd: number, callback: (() => void) | null): void {
    const { calls, instance } = this
    checkFd(mqd, 'mqd')
    if (callback !== null && typeof callback !== 'function') {
      throw wrongType('callback', 'a function, or null', callback)
    }
    const register = (cookie: number) =>
      this.done('mq_notify', calls.mq_notify(this.pid, mqd, cookie))
    if (callback === null) register(0)
    else noticesOf(instance).listen(callback, register)
  }

  /** mq_getattr(3). */
  mq_getattr(mqd: number): MqAttr {
    return this.#attributes('mq_getattr', mqd, Number.NaN)
  }

  /** mq_setattr(3): sets O.NONBLOCK of the descriptor, or clears it (`flags` 0); nothing else can be changed. => what was before. */
  mq_setattr(mqd: number, attr: { flags: number }): MqAttr {
    const { flags } = checkObject<{ flags: number }>('attr', attr)
    return this.#attributes('mq_setattr', mqd, checkFlags('attr.flags', flags))
  }

  #attributes(syscall: string, mqd: number, flags: number): MqAttr {
    const { calls, instance } = this
    checkFd(mqd, 'mqd')
    this.done(syscall, calls.mq_attributes(this.pid, mqd, flags))
    const word = (field: number) => instance.view.getUint32(instance.resultAt + field, true)
    return {
      flags: word(ipc.MQ_ATTR_FLAGS),
      maxmsg: word(ipc.MQ_ATTR_MAXMSG),
      msgsize: word(ipc.MQ_ATTR_MSGSIZE),
      curmsgs: word(ipc.MQ_ATTR_CURMSGS),
    }
  }
}

/** An attribute of a new queue; whether it is in range is the kernel's to say. => NaN for none. */
function checkAttribute(name: string, value: unknown): number {
  return value === undefined ? Number.NaN : checkInteger(name, value, INT32_MIN, INT32_MAX)
}
