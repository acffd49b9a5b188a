/** A module with one access to memory, whose operands and result cross to JavaScript as 64-bit halves. */
import { alignOf, type Code } from '../../dist/src/guest/rewrite/code.js'
import {
  type Access,
  ATOMIC_ACCESSES,
  EMPTY,
  F32,
  F64,
  I32,
  I64,
  PLAIN_ACCESSES,
  PREFIX_SIMD,
  V128,
  VECTOR_ACCESSES,
} from '../../dist/src/guest/rewrite/opcodes.js'
import { moduleOf } from './guest-module.ts'

const known = (access: Access | undefined): access is Access => access !== undefined

/** Every access but wait and notify. */
export const ACCESSES: readonly Access[] = [
  ...PLAIN_ACCESSES.filter(known),
  ...VECTOR_ACCESSES.filter(known),
  ...ATOMIC_ACCESSES.slice(3).filter(known),
]

/** Leaves an operand of `type`, made of the i64 locals 1 and 2; the second one of an access of `second`. */
function operand(code: Code, type: number, second: boolean): void {
  code.get(second ? 2 : 1)
  if (type === I32) code.op(0xa7)
  if (type === F32) code.op(0xa7, 0xbe)
  if (type === F64) code.op(0xbf)
  if (type === V128) code.op(PREFIX_SIMD, 0x12).get(2).op(PREFIX_SIMD, 0x1e, 1)
}

/** Takes a result into the globals 0 and 1; local 3 is a v128. */
function result(code: Code, type: number): void {
  if (type === I32) code.op(0xad)
  if (type === F32) code.op(0xbc, 0xad)
  if (type === F64) code.op(0xbd)
  if (type === V128) {
    code.tee(3).op(PREFIX_SIMD, 0x1d, 0).setGlobal(0).get(3).op(PREFIX_SIMD, 0x1d, 1).setGlobal(1)
  } else if (type !== EMPTY) code.setGlobal(0)
}

/** => a module that exports `run(address, low, high)`; the result is in the globals `low` and `high`. In a loop of one round, when asked. */
export function accessModule(access: Access, offset: number, lane: number, inLoop: boolean) {
  return moduleOf({
    memory: { initial: 1, maximum: 2, shared: access.atomic },
    globals: [
      { name: 'low', type: I64 },
      { name: 'high', type: I64 },
    ],
    functions: [
      {
        name: 'run',
        params: [I32, I64, I64],
        locals: [V128],
        body(code) {
          if (inLoop) code.loop(EMPTY)
          code.get(0)
          access.operands.forEach((type, i) => {
            operand(code, type, i === 1)
          })
          code.access(access, 0, offset, access.atomic ? alignOf(access.bytes) : 0, lane)
          result(code, access.result)
          if (inLoop) code.end()
        },
      },
    ],
  })
}
