/** Small modules for tests of the rewriter, put together by hand. */
import { Writer } from '../../dist/src/guest/rewrite/bytes.js'
import { Code, localsOf } from '../../dist/src/guest/rewrite/code.js'

export interface TestFunction {
  readonly name?: string
  readonly params?: readonly number[]
  readonly results?: readonly number[]
  readonly locals?: readonly number[]
  /** Writes the body but its locals and last `end`. */
  body(code: Code): void
}

export interface TestModule {
  /** Functions from elsewhere, which come first: `"module.name"`. */
  readonly imports?: readonly {
    name: string
    params?: readonly number[]
    results?: readonly number[]
  }[]
  readonly functions: readonly TestFunction[]
  /** Pages of 64 KiB; `from` when it is imported. */
  readonly memory?: { initial: number; maximum?: number; shared?: boolean; from?: string }
  readonly globals?: readonly { name: string; type: number }[]
  /** Functions in the table 0, by index. */
  readonly table?: readonly number[]
  readonly start?: number
  /** Passive data segments. */
  readonly data?: readonly Uint8Array[]
  /** Sections put in front of the code, and at the end. */
  readonly custom?: readonly { name: string; contents: Uint8Array; first?: boolean }[]
}

const ZERO: Record<number, readonly number[]> = {
  127: [0x41, 0],
  126: [0x42, 0],
  125: [0x43, 0, 0, 0, 0],
  124: [0x44, 0, 0, 0, 0, 0, 0, 0, 0],
}

/** => the bytes of a module. */
export function moduleOf(wanted: TestModule): Uint8Array<ArrayBuffer> {
  const out = new Writer()
  out.list([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  const { imports = [], functions, globals = [], data = [], memory } = wanted
  const [module, name] = memory?.from?.split('.') ?? []
  const all = [...imports, ...functions]
  const section = <T>(
    id: number,
    items: readonly T[],
    write: (part: Writer, item: T, i: number) => void,
  ) => {
    if (items.length === 0) return
    const part = new Writer()
    part.u32(items.length)
    items.forEach((item, i) => {
      write(part, item, i)
    })
    out.byte(id)
    out.u32(part.length)
    out.write(part)
  }
  const limits = (part: Writer) => {
    const { initial, maximum = 16, shared } = memory as NonNullable<TestModule['memory']>
    part.list([shared ? 3 : 1])
    part.u32(initial)
    part.u32(maximum)
  }
  section(1, all, (part, { params = [], results = [] }) => {
    part.list([0x60, params.length, ...params, results.length, ...results])
  })
  section(2, [...imports, ...(module ? [undefined] : [])], (part, item, i) => {
    const [from, as] = item?.name.split('.') ?? [module, name]
    part.name(from as string)
    part.name(as as string)
    part.byte(item ? 0 : 2)
    if (item) part.u32(i)
    else limits(part)
  })
  section(3, functions, (part, _, i) => part.u32(imports.length + i))
  section(4, wanted.table ? [wanted.table] : [], (part, table) => {
    part.list([0x70, 0, table.length])
  })
  section(5, memory && !module ? [memory] : [], limits)
  section(6, globals, (part, { type }) => part.list([type, 1, ...(ZERO[type] as number[]), 0x0b]))
  const exported = [
    ...functions.flatMap(({ name }, i) => (name ? [[name, 0, imports.length + i] as const] : [])),
    ...globals.map(({ name }, i) => [name, 3, i] as const),
    ...(memory ? [['memory', 2, 0] as const] : []),
  ]
  section(7, exported, (part, [name, kind, index]) => {
    part.name(name)
    part.byte(kind)
    part.u32(index)
  })
  if (wanted.start !== undefined) out.list([8, 1, wanted.start])
  section(9, wanted.table ? [wanted.table] : [], (part, table) => {
    part.list([0, 0x41, 0, 0x0b])
    part.u32(table.length)
    for (const index of table) part.u32(index)
  })
  if (data.length > 0) out.list([12, 1, data.length])
  customs(out, wanted, true)
  section(10, functions, (part, { locals = [], body }) => {
    const code = new Code()
    code.write(localsOf(locals))
    body(code)
    code.end()
    part.u32(code.length)
    part.write(code)
  })
  section(11, data, (part, bytes) => {
    part.byte(1)
    part.u32(bytes.length)
    part.copy(bytes, 0, bytes.length)
  })
  customs(out, wanted, false)
  return out.take()
}

function customs(out: Writer, { custom = [] }: TestModule, wanted: boolean): void {
  for (const { name, contents, first = false } of custom) {
    if (first !== wanted) continue
    const part = new Writer()
    part.name(name)
    part.copy(contents, 0, contents.length)
    out.byte(0)
    out.u32(part.length)
    out.write(part)
  }
}
