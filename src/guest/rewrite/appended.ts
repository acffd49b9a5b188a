/**
 * What the rewriter adds to a module: types, globals and functions behind the module's own, so that no index moves.
 *
 * Invariant: a function's index is given when it is first asked for, before its body is written; so bodies may call each
 * other, and only what is used is there.
 */
import type { Code } from './code.js'
import { I32, I64 } from './opcodes.js'

/** A value type: its byte, or the bytes of one that has more. */
export type ValueType = number | Uint8Array

interface AddedFunction {
  readonly name: string
  readonly type: number
  body: Code | undefined
}

/** The first free index of each space. */
export interface Spaces {
  readonly types: number
  readonly functions: number
  readonly globals: number
  readonly tables: number
}

export class Appended {
  readonly types: (readonly [params: readonly ValueType[], results: readonly ValueType[]])[] = []
  /** Initial values of the globals, mutable and i32 all of them. */
  readonly globals: { readonly name: string; readonly initial: number }[] = []
  readonly functions: AddedFunction[] = []
  private readonly typesByText = new Map<string, number>()
  private readonly functionsByName = new Map<string, number>()

  readonly first: Spaces

  constructor(first: Spaces) {
    this.first = first
  }

  /** The index of the table of kernel entries. */
  get table(): number {
    return this.first.tables
  }

  /** => the index of a function type. */
  type(params: readonly ValueType[], results: readonly ValueType[]): number {
    const text = `${params.join(' ')}:${results.map((type) => [type]).join(' ')}`
    let index = this.typesByText.get(text)
    if (index === undefined) {
      index = this.first.types + this.types.length
      this.types.push([params, results])
      this.typesByText.set(text, index)
    }
    return index
  }

  /** => the index of a new mutable global. */
  global(name: string, initial = 0): number {
    this.globals.push({ name, initial })
    return this.first.globals + this.globals.length - 1
  }

  /** => the index of the function `name`, its type and body made when it is first asked for. */
  function(name: string, type: () => number, body: () => Code): number {
    const known = this.functionsByName.get(name)
    if (known !== undefined) return known
    const added: AddedFunction = { name, type: type(), body: undefined }
    const index = this.first.functions + this.functions.length
    this.functions.push(added)
    this.functionsByName.set(name, index)
    added.body = body()
    return index
  }

  /** As `function`, by what it takes and leaves. */
  routine(
    name: string,
    params: readonly number[],
    results: readonly number[],
    body: () => Code,
  ): number {
    return this.function(name, () => this.type(params, results), body)
  }
}

const W = I64

/** Signatures of the kernel's entries, by their place in the table. */
export const ENTRY_TYPES: readonly (readonly [readonly number[], readonly number[]])[] = [
  [[I32, I32, I32, I32], [I32]],
  [[I32, I32, I32], [I32]],
  [[I32, I32, I32], []],
  [[I32], []],
  [[I32, I32, I32, I32], []],
  [[I32, I32, I32, I32], []],
  [[I32, I32, I32, W, W], [I32]],
  [[I32, I32, I32], [I32]],
  [[I32, I32, I32], [I32]],
  [[I32, I32], [W]],
  [[I32, I32, I32, I32], []],
  [[I32, I32, W], []],
  [[I32, I32, I32, I32, I32, I32], [I32]],
  [[I32, I32, I32, W, W], [W]],
  [[I32, I32, I32, I32], []],
]
