/** A thread that runs a guest made by hand, again after each fault that ends it. */
import * as abi from '../../dist/assembly/abi.js'
import { attach, type Kernel, MAP } from '../../dist/src/index.js'
import type { Instance } from '../../dist/src/instance.js'
import { checkHandle, join } from '../../dist/src/join.js'
import { GUEST_ENTRIES } from '../../dist/src/system-calls.js'
import { handMadeGuest } from '../support/hand-made-guest.ts'
import { serve } from '../support/thread-port.ts'

type Entry = 'stir' | 'count'

let instance: Instance
let context = 0
let guest: Record<Entry, (...args: number[]) => number>

/** => what the guest's code gives, or the name of what ended it. */
function runOnce(entry: Entry, args: readonly number[]): number | string {
  const entered = instance.calls.guest_enter(context)
  if (entered !== 0) return entered === -abi.ESRCH ? 'ESRCH' : `guest_enter gave ${entered}`
  try {
    return guest[entry](...args) ?? 0
  } catch (error) {
    const end = instance.takeGuestEnd()
    if (end === undefined) return `an error of its own: ${error}`
    return 'kind' in end ? nameOf(end.kind) : end.code
  } finally {
    instance.calls.guest_leave(context)
  }
}

function nameOf(kind: number): string {
  if (kind === abi.SIGSEGV) return 'SIGSEGV'
  if (kind === abi.SIGBUS) return 'SIGBUS'
  return kind === abi.SIGKILL ? 'SIGKILL' : `kind ${kind}`
}

const CANARY = 0xca

/** => the first byte that another process changed, -1 for none. */
function lookAtCanaries(kernel: Kernel, pages: number): number {
  const c = kernel.process()
  const bytes = new Uint8Array(pages * 4096).fill(CANARY)
  const { address } = c.mmap({ length: bytes.length, flags: MAP.PRIVATE | MAP.ANONYMOUS })
  c.vmWrite(address, bytes)
  c.vmRead(address, bytes)
  c.exit()
  return bytes.findIndex((byte) => byte !== CANARY)
}

await serve({
  async attach(handle: unknown, pid: number) {
    instance = (await join(checkHandle(handle), { parent: -1 })).instance
    instance.result('join', instance.calls.process_join(pid))
    context = instance.result('create', instance.calls.guest_create(pid))
    const pages = instance.memory.buffer.byteLength / 65536
    const at = (name: (typeof GUEST_ENTRIES)[number]) =>
      instance.guestEntries[GUEST_ENTRIES.indexOf(name)] as () => number
    const k = {
      memory: instance.memory,
      guest_fault: at('guest_fault'),
      guest_poll: at('guest_poll'),
    }
    const made = await WebAssembly.instantiate(handMadeGuest(pages), { k })
    const exported = made.instance.exports as Record<string, WebAssembly.Global>
    ;(exported.context as WebAssembly.Global).value = context
    guest = exported as never
  },
  /** Stirs until `stop`. => how often it ran to the end and was ended by faults, or what was wrong. */
  stir(stop: Int32Array, base: number, bytes: number, rounds: number): string {
    let runs = 0
    let faults = 0
    for (let seed = 1; Atomics.load(stop, 0) === 0; seed++) {
      const result = runOnce('stir', [base, bytes, seed * 7919, rounds])
      if (result === 0) runs++
      else if (result === 'SIGSEGV' || result === 'SIGBUS') faults++
      else return `stir gave ${typeof result === 'number' ? (result >>> 0).toString(16) : result}`
      Atomics.add(stop, 1, 1)
    }
    return `ok, ${runs} runs, ${faults} faults`
  },
  count: (base: number, bytes: number, rounds: number) => runOnce('count', [base, bytes, rounds]),
  /** For ever, but for a kill. */
  spin: (base: number) => runOnce('count', [base, 4096, -1]),
  /**
   * Until `stop`, on a thread without a guest: fills memory of a process of its own with canaries, looks whether they are whole, and gives it back. => 'ok', or what
   * was wrong.
   */
  async canary(handle: never, stop: Int32Array, pages: number) {
    const kernel = await attach(handle)
    let rounds = 0
    for (; Atomics.load(stop, 0) === 0; rounds++) {
      const wrong = lookAtCanaries(kernel, pages)
      if (wrong >= 0) return `a guest stored to byte ${wrong} of another process`
    }
    return `ok, ${rounds} rounds`
  },
  leave() {
    instance.calls.guest_destroy(context)
    instance.leave()
  },
})
