/**
 * The seam between what a rewritten body says and how the window is reached: the multi-memory back end reads the kernel's
 * memory itself, the accessors back end asks the kernel for each access. What both share stands here.
 */
import { type Appended, ENTRY_TYPES } from './appended.js'
import {
  ADD,
  AND,
  alignOf,
  type Code,
  DROP,
  EQZ,
  GE_S,
  GT_U,
  LT_S,
  LT_U,
  localsOf,
  RETURN_OP,
  SUB,
  UNREACHABLE,
} from './code.js'
import { type Access, ATOMIC_NOTIFY, EMPTY, I32 } from './opcodes.js'
import * as seam from './seam.js'

export interface BackEnd {
  readonly name: 'multi-memory' | 'accessors'
  /** The function that does `access` in the window: (address, ...operands) => its result. */
  mapped(access: Access, lane: number): number
  /** The function that does `access`, not an atomic one, wherever it is: `offset`, below OFFSETS, comes to the address. */
  anywhere(access: Access, lane: number, offset: number): number
  /**
   * The arm for an access that may find its extent in a register: address and operands in locals, the address not
   * on the stack; false when the back end has no registers.
   */
  inline(code: Code, access: Access, lane: number, locals: InlineLocals): boolean
  /** For copies of loops whose addresses stay in an extent; undefined when the back end has no extents. */
  extent(write: boolean): ExtentCall | undefined
  /** Writes a poll, for the head of a loop; a `sparse` one is come by once in 256 rounds only. Behind a call of the kernel it branches to `again`, when that is given. => the offset of its `if`, whose branch is unlikely */
  poll(code: Code, sparse: boolean, again?: number): number
  /** The function to call when the kernel may have run: it drops registers that are of the past; undefined when there are none. */
  settle(): number | undefined
  /** `isopage:drop`. */
  drop(): number
  /** memory.copy, memory.fill, memory.init where an end lies in the window: (to, from, bytes), (to, value, bytes), (to, from, bytes). */
  copy(): number
  fill(): number
  init(segment: number): number
  /** Traps as an access outside of memory does; leaves nothing. */
  outside(): number
}

/** An extent: addresses in start..start+length lie at address + delta in memory 1. Three globals, or locals. */
export interface Register {
  readonly start: number
  readonly length: number
  readonly delta: number
}

/** The function (address, bytes) => whether `found` is now an extent that holds all of them. It never enters the kernel. */
export interface ExtentCall {
  readonly call: number
  readonly found: Register
}

/** The locals of an inline access: its address (its whole address, when the code has it), and its operands. */
export interface InlineLocals {
  readonly address: number
  readonly operands: readonly number[]
  /** Where hints go: the offset of an `if`, and whether its branch is likely. */
  readonly hints: number[]
}

/** What a back end is made with. */
export interface BackEndContext {
  readonly appended: Appended
  /** The global that holds the address of the context record. */
  readonly context: number
}

/** Static offsets below have functions of their own. */
export const OFFSETS = 256

/** As `anywhere`, `mapped` being the function for the window. */
export function anywhereOf(
  { appended }: BackEndContext,
  access: Access,
  lane: number,
  offset: number,
  mapped: () => number,
): number {
  const name = `isopage:${access.name}${access.lane ? lane : ''}.at${offset}`
  const results = access.result === EMPTY ? [] : [access.result]
  return appended.routine(name, [I32, ...access.operands], results, () => {
    const operands = (code: Code) => access.operands.forEach((_, i) => void code.get(1 + i))
    const code = localsOf([]).get(0).const(0).op(LT_S).if(access.result).get(0)
    if (offset > 0) code.const(offset).op(ADD)
    operands(code)
    code.call(mapped()).else().get(0)
    operands(code)
    return code.access(access, 0, offset, 0, lane).end().end()
  })
}

/** => the function for an access, made when it is first asked for. */
export function remembered(
  known: Map<Access, number[]>,
  access: Access,
  lane: number,
  make: () => number,
): number {
  let lanes = known.get(access)
  if (!lanes) {
    lanes = []
    known.set(access, lanes)
  }
  lanes[lane] ??= make()
  return lanes[lane]
}

/** Calls the kernel's entry `index`; its arguments stand on the stack. */
export function callEntry(code: Code, { appended }: BackEndContext, index: number): Code {
  const [params, results] = ENTRY_TYPES[index] as (typeof ENTRY_TYPES)[number]
  code.const(index)
  return code.callTable(appended.type(params, results), appended.table)
}

/** The function that traps by a load behind the end of the private memory, which never reaches 2 GiB. */
export function outsideOf({ appended }: BackEndContext): number {
  return appended.routine('isopage:outside', [], [], () =>
    localsOf([]).const(-1).op(0x2d, 0, 0, DROP, UNREACHABLE).end(),
  )
}

/** Traps unless `address` is in the upper half: what came here otherwise went past 4 GiB. */
export function refuseWrapped(code: Code, address: number, outside: number): Code {
  return code.get(address).const(0).op(GE_S).if(EMPTY).call(outside).end()
}

/** Traps as the engine does for an atomic access that is not aligned. `memory` is one in which it is valid. */
export function refuseUnaligned(code: Code, access: Access, memory: number): Code {
  code
    .get(0)
    .const(access.bytes - 1)
    .op(AND)
    .if(EMPTY)
  code
    .get(0)
    .const(access.bytes - 1)
    .op(AND)
  access.operands.forEach((_, i) => {
    code.get(1 + i)
  })
  code.access(access, memory, 0, alignOf(access.bytes))
  if (access.result !== EMPTY) code.op(DROP)
  return code.op(UNREACHABLE).end()
}

/** Traps when [at, at + bytes) goes past 4 GiB. */
export function refuseOverflow(code: Code, at: number, bytes: number, outside: number): Code {
  return code.get(at).get(bytes).op(ADD).get(at).op(LT_U).if(EMPTY).call(outside).end()
}

/** Traps when [at, at + bytes) is not wholly inside the private memory; `size` is a local to use. */
export function refuseOutside(
  code: Code,
  at: number,
  bytes: number,
  size: number,
  outside: number,
): Code {
  code.op(0x3f, 0).const(16).op(0x74).set(size)
  code.get(at).get(size).op(GT_U).if(EMPTY).call(outside).end()
  return code.get(bytes).get(size).get(at).op(SUB, GT_U).if(EMPTY).call(outside).end()
}

/** memory.atomic.wait and notify in the window: both back ends ask the kernel. */
export function waitOrNotify(
  context: BackEndContext,
  access: Access,
  memory: number,
  settle: number | undefined,
): number {
  const { appended } = context
  return appended.routine(`isopage:${access.name}`, [I32, ...access.operands], [I32], () => {
    const code = refuseUnaligned(localsOf([]), access, memory)
    refuseWrapped(code, 0, outsideOf(context)).getGlobal(context.context).get(0)
    if (access.code === ATOMIC_NOTIFY) {
      callEntry(code.get(1), context, seam.ENTRY_NOTIFY)
    } else {
      code.const(access.bytes).get(1)
      if (access.operands[0] === I32) code.op(0xad) // i64.extend_i32_u
      callEntry(code.get(2), context, seam.ENTRY_WAIT)
    }
    if (settle !== undefined) code.call(settle)
    return code.end()
  })
}

/** Returns when there is nothing to do: no bytes are nowhere, whatever the address. */
function nothing(code: Code): Code {
  return code.get(2).op(EQZ).if(EMPTY).op(RETURN_OP).end()
}

/** memory.fill in the window: both back ends ask the kernel. */
export function fillOf(context: BackEndContext, settle: number | undefined): number {
  return context.appended.routine('isopage:memory.fill', [I32, I32, I32], [], () => {
    const code = refuseOverflow(nothing(localsOf([])), 0, 2, outsideOf(context))
    callEntry(code.getGlobal(context.context).get(0).get(1).get(2), context, seam.ENTRY_FILL)
    if (settle !== undefined) code.call(settle)
    return code.end()
  })
}

/** memory.copy where both ends lie in the window: a piece of the function (to, from, bytes). */
export function copyInWindow(
  code: Code,
  context: BackEndContext,
  settle: number | undefined,
): Code {
  const outside = outsideOf(context)
  code.get(0).get(1).op(AND).const(0).op(0x48).if(EMPTY)
  refuseOverflow(refuseOverflow(nothing(code), 0, 2, outside), 1, 2, outside)
  callEntry(code.getGlobal(context.context).get(0).get(1).get(2), context, seam.ENTRY_COPY)
  if (settle !== undefined) code.call(settle)
  return code.op(0x0f).end()
}
