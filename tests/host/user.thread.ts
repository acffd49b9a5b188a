/** A user's worker: attaches to the kernel whose handle it is given, and does what a test asks. */

import { attach, type Handle, type Kernel, type Process } from '../../dist/src/index.js'
import { serve } from '../support/thread-port.ts'

let kernel: Kernel
let process: Process

await serve({
  /** Joins the process, or makes one. => its pid */
  async attach(handle: Handle, pid?: number) {
    kernel = await attach(handle)
    process = kernel.process(pid === undefined ? {} : { pid })
    return process.pid
  },
  async attachTwice(handle: Handle) {
    const first = await attach(handle)
    return first === (await attach(handle))
  },
  /** Any call of the process. Errors go as values: a structured clone of one loses its code. */
  call(name: string, ...args: unknown[]) {
    try {
      const method = process[name as keyof Process] as (...args: unknown[]) => unknown
      return { value: method.apply(process, args) }
    } catch (error) {
      const { code, message } = error as { code?: string; message: string }
      return { code: code ?? 'no code', message }
    }
  },
  /** Asks for a file's state once, then posts to a semaphore. `begun`: a word that is 1 from before it asks. */
  statAndPost(path: string, id: number, begun: Int32Array) {
    Atomics.store(begun, 0, 1)
    process.stat(path)
    process.semop(id, [{ num: 0, op: 1 }])
  },
  /** Asks for a file's state until told to stop, 3000 times at most. */
  statUntil(path: string, enough: Int32Array) {
    for (let i = 0; i < 3000; i++) {
      if (Atomics.load(enough, 0) !== 0) return 'told to stop'
      process.stat(path)
    }
    return 'never told to stop'
  },
  async leave() {
    await kernel.close()
    try {
      kernel.process()
      return 'none'
    } catch (error) {
      return (error as { code?: string }).code
    }
  },
  /** Calls the kernel until the end: maps, stores, reads, unmaps. */
  loop(word: number) {
    const bytes = new Uint8Array(5000).fill(7)
    for (let round = 0; ; round++) {
      const map = process.mmap({ length: 65_536 })
      map.write(4000, bytes)
      map.read(0, 9000)
      map.unmap()
      if (round === 3) process.vmWrite(word, new Uint8Array([1]))
    }
  },
  /** Waits on a word for ever. */
  wait(address: number) {
    process.vmWrite(address + 4, new Uint8Array([1]))
    process.futexWait(address, 0)
  },
})
