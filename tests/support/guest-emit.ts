/**
 * A random program as Wasm, in two ways that share everything but memory: with the instructions themselves, to be rewritten, and with a call of
 * a model in JavaScript in their place, which knows nothing of the rewriter.
 */
import {
  ADD,
  AND,
  alignOf,
  BR,
  BRANCH_IF,
  type Code,
  EQZ,
  SELECT,
  SUB,
} from '../../dist/src/guest/rewrite/code.js'
import {
  type Access,
  EMPTY,
  F32,
  F64,
  I32,
  I64,
  PREFIX_SIMD,
  V128,
} from '../../dist/src/guest/rewrite/opcodes.js'
import { ACCESSES } from './guest-access.ts'
import { moduleOf } from './guest-module.ts'
import {
  type Body,
  POINTERS,
  type Pointer,
  PRIVATE_PAGES,
  type Program,
  type Statement,
} from './guest-program.ts'

/** One access in a program, as the model is told of it by number. */
export interface Site {
  readonly access: Access
  readonly offset: number
  readonly lane: number
}

export const SEGMENT = Uint8Array.from({ length: 5000 }, (_, i) => (i * 31 + 7) & 255)

const LOAD = ACCESSES.find(({ name }) => name === 'i32.load') as Access
const STORE = ACCESSES.find(({ name }) => name === 'i32.store') as Access
/** Functions from elsewhere: the host's event, then those of the model. */
const EVENT = 0
const DO = 1
const HIGH = 2
const COPY = 3
const FILL = 4
const INIT = 5
const VECTOR = POINTERS
const COUNTERS = POINTERS + 1
const DEPTHS = 8
const POINTER_TYPES = new Array<number>(POINTERS).fill(I32)

class Emitter {
  readonly sites: Site[] = []
  readonly model: boolean
  readonly imports: number
  functions = 0
  private depth = 0

  constructor(model: boolean) {
    this.model = model
    this.imports = model ? 6 : 1
  }

  pointer(code: Code, pointer: Pointer): Code {
    if (pointer.kind === 'constant') return code.const(pointer.value)
    if (pointer.kind === 'local') return code.get(pointer.index)
    this.pointer(this.pointer(code, pointer.a), pointer.b)
    if (pointer.kind === 'select') return this.pointer(code, pointer.by).const(1).op(AND, SELECT)
    return code.op({ add: ADD, sub: SUB, and: AND, mul: 0x6c, shl: 0x74 }[pointer.kind])
  }

  private site(code: Code, site: Site): Code {
    return code.const(this.sites.push(site) - 1)
  }

  /** Mixes the i64 on the stack into a global. */
  private fold(code: Code, global: number): void {
    code
      .getGlobal(global)
      .const64(global ? 3n : 7n)
      .op(0x89, 0x85)
      .setGlobal(global)
  }

  private access(code: Code, statement: Statement & { kind: 'access' }): void {
    const access = ACCESSES[statement.access] as Access
    const lane = access.lane ? statement.lane % (16 / access.bytes) : 0
    const { offset } = statement
    if (this.model) {
      this.pointer(this.site(code, { access, offset, lane }), statement.at)
      code.getGlobal(0).getGlobal(1).call(DO)
      if (access.result === EMPTY) code.op(0x1a)
      else this.fold(code, 0)
      if (access.result === V128) this.fold(code.call(HIGH), 1)
      return
    }
    this.pointer(code, statement.at)
    access.operands.forEach((type, i) => {
      this.operand(code, type, i)
    })
    code.access(access, 0, offset, access.atomic ? alignOf(access.bytes) : 0, lane)
    this.result(code, access.result)
  }

  private operand(code: Code, type: number, nth: number): void {
    code.getGlobal(nth)
    if (type === I32) code.op(0xa7)
    if (type === F32) code.op(0xa7, 0xbe)
    if (type === F64) code.op(0xbf)
    if (type === V128) code.op(PREFIX_SIMD, 0x12).getGlobal(1).op(PREFIX_SIMD, 0x1e, 1)
  }

  private result(code: Code, type: number): void {
    if (type === EMPTY) return
    if (type === I32) code.op(0xad)
    if (type === F32) code.op(0xbc, 0xad)
    if (type === F64) code.op(0xbd)
    if (type !== V128) {
      this.fold(code, 0)
      return
    }
    this.fold(code.tee(VECTOR).op(PREFIX_SIMD, 0x1d, 0), 0)
    this.fold(code.get(VECTOR).op(PREFIX_SIMD, 0x1d, 1), 1)
  }

  private plant(code: Code, { at, offset, value }: Statement & { kind: 'plant' }): void {
    if (this.model) this.site(code, { access: STORE, offset, lane: 0 })
    this.pointer(this.pointer(code, at), value)
    if (this.model) code.op(0xad).const64(0n).call(DO).op(0x1a)
    else code.access(STORE, 0, offset, 0)
  }

  private fetch(code: Code, { at, offset, index }: Statement & { kind: 'fetch' }): void {
    if (this.model) this.site(code, { access: LOAD, offset, lane: 0 })
    this.pointer(code, at)
    if (this.model) code.const64(0n).const64(0n).call(DO).op(0xa7)
    else code.access(LOAD, 0, offset, 0)
    code.set(index)
  }

  private bulk(code: Code, statement: Statement & { kind: 'copy' | 'init' | 'fill' }): void {
    this.pointer(code, statement.to)
    if (statement.kind === 'init') this.pointer(code, statement.from).const(4095).op(AND)
    else this.pointer(code, statement.kind === 'fill' ? statement.value : statement.from)
    code.const(statement.bytes)
    if (this.model) code.call({ copy: COPY, fill: FILL, init: INIT }[statement.kind])
    else if (statement.kind === 'copy') code.op(0xfc, 10, 0, 0)
    else code.op(0xfc, ...(statement.kind === 'fill' ? [11, 0] : [8, 0, 0]))
  }

  /** A loop of so many rounds, its counter a local of its depth. */
  private rounds(code: Code, count: number, inside: () => void): void {
    const counter = COUNTERS + this.depth++
    code.const(count).set(counter).loop(EMPTY)
    inside()
    code.get(counter).const(-1).op(ADD).tee(counter).op(BRANCH_IF, 0).end()
    this.depth--
  }

  private block(code: Code, { by, body }: Statement & { kind: 'block' }, caller: number): void {
    this.pointer(code.block(EMPTY), by).const(1).op(AND, EQZ, BRANCH_IF, 0)
    this.body(code, body, caller)
    code.op(BR, 0).end()
  }

  private call(code: Code, { by, index }: Statement & { kind: 'call' }, caller: number): void {
    const callee = caller + 1 + (by % Math.max(1, this.functions - caller - 1))
    if (callee >= this.functions) return
    for (let i = 0; i < POINTERS; i++) code.get((i + by) % POINTERS)
    code.call(this.imports + callee).set(index)
  }

  private one(code: Code, statement: Statement, caller: number): void {
    switch (statement.kind) {
      case 'set':
        this.pointer(code, statement.to).set(statement.index)
        break
      case 'access':
        this.access(code, statement)
        break
      case 'plant':
        this.plant(code, statement)
        break
      case 'fetch':
        this.fetch(code, statement)
        break
      case 'copy':
      case 'init':
      case 'fill':
        this.bulk(code, statement)
        break
      case 'if':
        this.pointer(code, statement.by).const(0x8000_0001).op(AND).if(EMPTY)
        this.body(code, statement.yes, caller)
        this.body(code.else(), statement.no, caller)
        code.end()
        break
      case 'block':
        this.block(code, statement, caller)
        break
      case 'loop':
        this.rounds(code, statement.rounds, () => this.body(code, statement.body, caller))
        break
      case 'walk':
        this.rounds(code, statement.rounds, () => {
          this.body(code, statement.body, caller)
          code.get(statement.index).const(statement.stride).op(ADD).set(statement.index)
        })
        break
      case 'call':
        this.call(code, statement, caller)
        break
      case 'grow':
        this.fold(code.const(0).op(0x40, 0, 0xad), 1)
        break
      case 'event':
        code.const(statement.event).const(statement.page).call(EVENT)
    }
  }

  body(code: Code, body: Body, caller: number): void {
    for (const statement of body) this.one(code, statement, caller)
  }
}

/** => the bytes of a module that exports `step0` and so on, and the globals `low`, `high`, `pointer0` and so on, and its accesses as the model knows them. */
export function emit(
  program: Program,
  model: boolean,
): { bytes: Uint8Array<ArrayBuffer>; sites: Site[] } {
  const emitter = new Emitter(model)
  emitter.functions = program.functions.length
  const three = [I32, I32, I32]
  const shape = { locals: [V128, ...new Array<number>(DEPTHS).fill(I32)] }
  const bytes = moduleOf({
    imports: [
      { name: 'host.event', params: [I32, I32] },
      ...(model
        ? [
            { name: 'host.do', params: [I32, I32, I64, I64], results: [I64] },
            { name: 'host.high', results: [I64] },
            ...['copy', 'fill', 'init'].map((name) => ({ name: `host.${name}`, params: three })),
          ]
        : []),
    ],
    memory: { initial: PRIVATE_PAGES, maximum: 16 },
    globals: [
      { name: 'low', type: I64 },
      { name: 'high', type: I64 },
      ...POINTER_TYPES.map((type, i) => ({ name: `pointer${i}`, type })),
    ],
    data: [SEGMENT],
    functions: [
      ...program.functions.map((body, i) => ({
        ...shape,
        params: POINTER_TYPES,
        results: [I32],
        body: (code: Code) => {
          emitter.body(code, body, i)
          code.get(0).get(1).op(0x73).get(2).op(0x73).get(3).op(0x73)
        },
      })),
      ...program.steps.map((step, i) => ({
        ...shape,
        name: `step${i}`,
        locals: [...POINTER_TYPES, ...shape.locals],
        body: (code: Code) => {
          for (let p = 0; p < POINTERS; p++) code.getGlobal(2 + p).set(p)
          emitter.body(code, step, -1)
          for (let p = 0; p < POINTERS; p++) code.get(p).setGlobal(2 + p)
        },
      })),
    ],
  })
  return { bytes, sites: emitter.sites }
}
