/** A thread that makes calls of the processes it is told of: the other hand in tests with several threads. */

import { attach, type Handle, type Kernel, type Process } from '../../dist/src/index.js'
import { serve } from './thread-port.ts'

const isMapping = (name: keyof Process) => name === 'mmap' || name === 'shmat'

let kernel: Kernel
const processes = new Map<number, Process>()

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
  async leave() {
    await kernel.close()
  },
})
