/** What the rewriter refuses, beside what the engine itself refuses. */

/** A rule of guest modules that a module breaks; `rule` names it for programs, the message for people. */
export type GuestModuleRule =
  | 'memory64'
  | 'multi-memory'
  | 'rewritten'
  | 'reserved-name'
  | 'memory-size'
  | 'unsupported'
  | 'too-large'

/** Thrown by `instrument` and `describe` for a module that is valid Wasm, but no guest. */
export class GuestModuleError extends Error {
  override readonly name: string = 'GuestModuleError'
  readonly code = 'ERR_GUEST_MODULE'

  readonly rule: GuestModuleRule

  constructor(rule: GuestModuleRule, message: string) {
    super(message)
    this.rule = rule
  }
}

/** An instruction that the rewriter does not know; `code` is what follows a prefix. */
export function refuse(opcode: number, code?: number): never {
  const hex = [opcode, ...(code === undefined ? [] : [code])].map((n) => `0x${n.toString(16)}`)
  throw new GuestModuleError('unsupported', `the module has the instruction ${hex.join(' ')}`)
}

/** The engine read the body of a function otherwise than we do: nothing of it may be trusted. */
export function outOfStep(own: number): never {
  const message = `the module's function ${own} has instructions that are not known here`
  throw new GuestModuleError('unsupported', message)
}
