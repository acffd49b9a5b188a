/** A module that stirs memory: each word holds 0 or its own address + 1, and whoever sees another one has seen a page that is not its own. */
import {
  ADD,
  AND,
  BRANCH_IF,
  type Code,
  EQZ,
  NE,
  SHR_U,
  SUB,
} from '../../dist/src/guest/rewrite/code.js'
import { EMPTY, I32, PREFIX_ATOMIC } from '../../dist/src/guest/rewrite/opcodes.js'
import { moduleOf } from './guest-module.ts'

const MUL = 0x6c
const RETURN = 0x0f
const BASE = 0
const BYTES = 1
const SEED = 2
const LEFT = 3
const AT = 4
const SEEN = 5
/** Where 16 bytes stand in private memory. */
const COPY = 64

/** Returns the address unless what was seen there, on the stack, is 0 or its own. */
function judge(code: Code, by: number): Code {
  code
    .tee(SEEN)
    .if(EMPTY)
    .get(SEEN)
    .get(AT)
    .const(by + 1)
    .op(ADD, NE)
  return code.if(EMPTY).get(AT).op(RETURN).end().end()
}

/** Does `what` once in `often` rounds, a power of two. */
function sometimes(code: Code, often: number, what: () => void): void {
  code
    .get(LEFT)
    .const(often - 1)
    .op(AND, EQZ)
    .if(EMPTY)
  what()
  code.end()
}

function own(code: Code, by: number): Code {
  return code
    .get(AT)
    .const(by + 1)
    .op(ADD)
}

/**
 * => a module that exports `stir(base, bytes, seed, rounds)`: => 0, or the address of a word that was wrong. Words and rounds of plain loads and stores, now and then an atomic
 * operation, and copies from private memory and to it.
 */
export function stirringGuest(): Uint8Array<ArrayBuffer> {
  return moduleOf({
    memory: { initial: 1, shared: true },
    functions: [
      {
        name: 'stir',
        params: [I32, I32, I32, I32],
        results: [I32],
        locals: [I32, I32],
        body(code) {
          code.loop(EMPTY)
          code.get(SEED).const(1664525).op(MUL).const(1013904223).op(ADD).set(SEED)
          code.get(SEED).const(8).op(SHR_U).get(BYTES).const(1).op(SUB, AND).const(-16).op(AND)
          code.get(BASE).op(ADD).set(AT)
          judge(code.get(AT).op(0x28, 2, 0), 0)
          own(code.get(AT), 0).op(0x36, 2, 0)
          judge(code.get(AT).op(0x28, 2, 4), 4)
          own(code.get(AT), 4).op(0x36, 2, 4)
          sometimes(code, 8, () => {
            judge(own(code.get(AT), 8).op(PREFIX_ATOMIC, 0x41, 2, 8), 8)
          })
          sometimes(code, 16, () => {
            code.const(COPY).get(AT).const(16).op(0xfc, 10, 0, 0)
            for (const by of [0, 4, 8, 12]) judge(code.const(COPY + by).op(0x28, 2, 0), by)
          })
          sometimes(code, 32, () => {
            for (const by of [0, 4, 8, 12]) own(code.const(COPY + by), by).op(0x36, 2, 0)
            code.get(AT).const(COPY).const(16).op(0xfc, 10, 0, 0)
          })
          code.get(LEFT).const(-1).op(ADD).tee(LEFT).op(BRANCH_IF, 0).end().const(0)
        },
      },
    ],
  })
}
