/** A thread that runs a rewritten module in a process of another one, again after each fault that ends it. */
import { attach, type Kernel } from '../../dist/src/index.js'
import { stirringGuest } from '../support/stirring-guest.ts'
import { serve } from '../support/thread-port.ts'

let kernel: Kernel

await serve({
  async attach(handle: never) {
    kernel = await attach(handle)
  },
  /** Stirs until word 0 of `stop` is set; word 1 counts its runs, word 2 those that faults ended. => how often it ran to the end and was ended by faults, or what was wrong. */
  async stir(pid: number, backEnd: never, stop: Int32Array, base: number, bytes: number) {
    const process = kernel.process({ pid })
    const plugin = await kernel.load(stirringGuest(), { process, backEnd, cache: false })
    const stir = plugin.exports.stir as (...args: number[]) => number
    let runs = 0
    let faults = 0
    for (let seed = 1; Atomics.load(stop, 0) === 0; seed++) {
      try {
        const wrong = stir(base, bytes, seed * 7919, 20_000)
        if (wrong !== 0) return `a foreign byte at ${(wrong >>> 0).toString(16)}`
        runs++
      } catch (error) {
        const { code } = error as { code?: string }
        if (code !== 'SIGSEGV' && code !== 'SIGBUS') return `ended by ${error}`
        faults++
        Atomics.store(stop, 2, faults)
      }
      Atomics.add(stop, 1, 1)
    }
    plugin[Symbol.dispose]()
    return `ok, ${runs} runs, ${faults} faults`
  },
  leave: () => kernel.close(),
})
