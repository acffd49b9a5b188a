/** A thread that makes calls of the processes it is told of: the other hand in tests with several threads. */

import { attach, type Handle, type Kernel, O, type Process } from '../../dist/src/index.js'
import { serve } from './thread-port.ts'

const isMapping = (name: keyof Process) => name === 'mmap' || name === 'shmat'

let kernel: Kernel
const processes = new Map<number, Process>()
let notified = 0

await serve({
  async attach(handle: Handle) {
    kernel = await attach(handle)
  },
  join(pid: number) {
    processes.set(pid, kernel.process({ pid }))
  },
  part(pid: number) {
    processes.delete(pid)
  },
  /** Any call of a process. A failure goes as a value: a clone of an error loses its code. */
  call(pid: number, name: keyof Process, args: unknown[]) {
    const process = processes.get(pid) as Process
    try {
      const value = (process[name] as (...args: unknown[]) => unknown).apply(process, args)
      return {
        value: isMapping(name) ? { address: (value as { address: number }).address } : value,
      }
    } catch (error) {
      const { code, address, message } = error as {
        code?: string
        address?: number
        message: string
      }
      return { failure: { code, address, message } }
    }
  },
  /** Sends `count` messages of one type, numbered. */
  produce(pid: number, id: number, type: number, count: number) {
    const process = processes.get(pid) ?? kernel.process({ pid })
    for (let i = 0; i < count; i++) process.msgsnd(id, type, new Uint32Array([i]))
  },
  /** Receives `count` messages. => type and number of each. */
  consume(pid: number, id: number, type: number, count: number) {
    const process = processes.get(pid) ?? kernel.process({ pid })
    return Array.from({ length: count }, () => {
      const message = process.msgrcv(id, { type })
      return [message.type, new Uint32Array(message.data.buffer)[0]]
    })
  },
  /** Sends `count` messages of one priority to a POSIX queue, numbered. */
  mqProduce(pid: number, mqd: number, priority: number, count: number) {
    const process = processes.get(pid) ?? kernel.process({ pid })
    for (let i = 0; i < count; i++) process.mq_send(mqd, new Uint32Array([i]), priority)
  },
  /** Receives `count` messages of a POSIX queue. => priority and number of each. */
  mqConsume(pid: number, mqd: number, count: number) {
    const process = processes.get(pid) ?? kernel.process({ pid })
    return Array.from({ length: count }, () => {
      const { priority, data } = process.mq_receive(mqd)
      return [priority, new Uint32Array(data.buffer)[0]]
    })
  },
  /** Makes queues of these names with O_EXCL. => which it made. */
  mqMake(pid: number, names: readonly string[]) {
    const process = processes.get(pid) ?? kernel.process({ pid })
    return names.map((name) => {
      try {
        process.mq_close(process.mq_open(name, O.CREAT | O.EXCL | O.RDWR))
        return true
      } catch (error) {
        if ((error as { code?: string }).code !== 'EEXIST') throw error
        return false
      }
    })
  },
  /** Registers for a message; `notified` says how often this thread was told. */
  notify(pid: number, mqd: number) {
    const process = processes.get(pid) ?? kernel.process({ pid })
    process.mq_notify(mqd, () => notified++)
  },
  notified: () => notified,
  /** Is busy for so many milliseconds. */
  spin(ms: number) {
    for (const until = Date.now() + ms; Date.now() < until; );
  },
  async leave() {
    await kernel.close()
  },
})
