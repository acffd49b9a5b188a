/** A module that touches memory in each way in which the rewriter treats accesses differently. */
import { ADD, BRANCH_IF, DROP, EQZ } from '../../dist/src/guest/rewrite/code.js'
import {
  EMPTY,
  I32,
  PREFIX_ATOMIC,
  PREFIX_SIMD,
  V128,
} from '../../dist/src/guest/rewrite/opcodes.js'
import { moduleOf, type TestFunction } from './guest-module.ts'

/** (address, value) => the word that was seen there, or 0: at 16 bytes or more of accessible memory, aligned to 16. */
type Touch = (code: Parameters<TestFunction['body']>[0]) => void

const ROUNDS = 4

/** Local 3 counts the rounds, local 2 is the address of each, local 4 a sum. */
function rounds(code: Parameters<TestFunction['body']>[0], step: () => void): void {
  code.get(0).set(2).const(ROUNDS).set(3).loop(EMPTY)
  step()
  code.get(2).const(4).op(ADD).set(2).get(3).const(-1).op(ADD).tee(3).op(BRANCH_IF, 0).end()
}

export const READS = {
  load: (code) => void code.get(0).op(0x28, 2, 0),
  loadByte: (code) => void code.get(0).op(0x2d, 0, 0),
  loadFar: (code) => void code.get(0).const(-0x200_0000).op(ADD).op(0x28, 2).u32(0x200_0000),
  loadInLoop: (code) => {
    rounds(code, () => code.get(4).get(2).op(0x28, 2, 0, 0x72).set(4))
    code.get(4)
  },
  loadVector: (code) => void code.get(0).op(PREFIX_SIMD, 0, 4, 0, PREFIX_SIMD, 0x1b, 0),
  loadAtomic: (code) => void code.get(0).op(PREFIX_ATOMIC, 0x10, 2, 0),
  copyOut: (code) =>
    void code.const(64).get(0).const(16).op(0xfc, 10, 0, 0).const(64).op(0x28, 2, 0),
} satisfies Record<string, Touch>

export const WRITES = {
  store: (code) => void code.get(0).get(1).op(0x36, 2, 0).const(0),
  storeByte: (code) => void code.get(0).get(1).op(0x3a, 0, 0).const(0),
  storeFar: (code) => {
    code.get(0).const(-0x200_0000).op(ADD).get(1).op(0x36, 2).u32(0x200_0000)
    code.const(0)
  },
  storeInLoop: (code) => {
    rounds(code, () => code.get(2).get(1).op(0x36, 2, 0))
    code.const(0)
  },
  storeVector: (code) =>
    void code.get(0).get(1).op(PREFIX_SIMD, 0x11, PREFIX_SIMD, 11, 4, 0).const(0),
  rmw: (code) => void code.get(0).get(1).op(PREFIX_ATOMIC, 0x41, 2, 0),
  storeAtomic: (code) => void code.get(0).get(1).op(PREFIX_ATOMIC, 0x17, 2, 0).const(0),
  copyIn: (code) => void code.get(0).const(128).const(16).op(0xfc, 10, 0, 0).const(0),
  copyWithin: (code) =>
    void code.get(0).get(0).const(8).op(ADD).const(8).op(0xfc, 10, 0, 0).const(0),
  fill: (code) => void code.get(0).get(1).const(16).op(0xfc, 11, 0).const(0),
  init: (code) => void code.get(0).const(0).const(16).op(0xfc, 8, 0, 0).const(0),
} satisfies Record<string, Touch>

export const TOUCHES: Readonly<Record<string, Touch>> = { ...READS, ...WRITES }

const touch = (name: string, body: Touch): TestFunction => ({
  name,
  params: [I32, I32],
  results: [I32],
  locals: [I32, I32, I32, V128],
  body,
})

const LOAD: Touch = (code) => void code.get(0).op(0x28, 2, 0)

/**
 * => a module that exports each touch, and three that touch, leave their code and touch again: `imports` by calling `host.event`, `catches` by catching what that
 * throws, `traps` by a trap.
 */
export function touchingGuest(): Uint8Array<ArrayBuffer> {
  return moduleOf({
    imports: [{ name: 'host.event' }],
    memory: { initial: 1, shared: true },
    data: [new Uint8Array(16).fill(0x11)],
    functions: [
      ...Object.entries(TOUCHES).map(([name, body]) => touch(name, body)),
      touch('imports', (code) => {
        LOAD(code)
        code.op(DROP).call(0)
        LOAD(code)
      }),
      touch('catches', (code) => {
        LOAD(code)
        code.op(DROP).op(0x06, EMPTY).call(0).op(0x19).end()
        LOAD(code)
      }),
      touch('traps', (code) => {
        LOAD(code)
        code.get(0).get(1).op(0x36, 2, 0).op(0x00)
      }),
      touch('nothing', (code) => void code.get(0).op(EQZ)),
    ],
  })
}
