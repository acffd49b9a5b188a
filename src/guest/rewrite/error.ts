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
