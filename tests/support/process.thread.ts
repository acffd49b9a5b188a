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
  /** Makes a process that this thread alone runs. => its pid. */
  spawn() {
    const process = kernel.process()
    processes.set(process.pid, process)
    return process.pid
  },
  /** Takes one or two units of two random semaphores at once, and gives them back, `count` times. => arrays that were done. */
  semMove(pid: number, id: number, semaphores: number, seed: number, count: number) {
    const process = processes.get(pid) ?? kernel.process({ pid })
    let state = seed | 1
    const below = (limit: number) => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0
      return (state >>> 8) % limit
    }
    for (let i = 0; i < count; i++) {
      const flags = below(2) * 0x1000
      const some = [0, 1].map(() => ({ num: below(semaphores), op: -1 - below(2), flags }))
      if (some[0]?.num === some[1]?.num) some.pop()
      process.semop(id, some)
      process.semop(
        id,
        some.map(({ num, op }) => ({ num, op: -op, flags })),
      )
    }
    return count
  },
  /** Takes a unit of semaphore `side`, gives one to the other, `rounds` times. */
  semPingpong(pid: number, id: number, side: number, rounds: number) {
    const process = processes.get(pid) ?? kernel.process({ pid })
    for (let i = 0; i < rounds; i++) {
      process.semop(id, [{ num: side, op: -1 }])
      process.semop(id, [{ num: 1 - side, op: 1 }])
    }
  },
  /**
   * Puts `count` numbers into a ring of 8, or takes as many out. At `address` three semaphores: free, full, mutex; then head, tail and the numbers.
   * => the sum of the numbers.
   */
  semBuffer(pid: number, address: number, puts: boolean, count: number) {
    const process = processes.get(pid) ?? kernel.process({ pid })
    const ring = new Int32Array(10)
    const bytes = new Uint8Array(ring.buffer)
    let sum = 0
    for (let i = 0; i < count; i++) {
      process.sem_wait(address + (puts ? 0 : 16))
      process.sem_wait(address + 32)
      process.vmRead(address + 48, bytes)
      const at = ring[puts ? 0 : 1] as number
      if (puts) ring[2 + (at % 8)] = pid * 1000 + i
      sum += ring[2 + (at % 8)] as number
      ring[puts ? 0 : 1] = at + 1
      process.vmWrite(address + 48, bytes)
      process.sem_post(address + 32)
      process.sem_post(address + (puts ? 16 : 0))
    }
    return sum
  },
  /** Is busy for so many milliseconds. */
  spin(ms: number) {
    for (const until = Date.now() + ms; Date.now() < until; );
  },
  async leave() {
    await kernel.close()
  },
})
