/**
 * The compiler: clang and lld as WebAssembly, from the npm package @yowasp/clang, loaded at the first compilation. It sees a tree of files in memory
 * and nothing else, in Node as in a page.
 */

/** Files by name; a folder is a tree. */
export interface Tree {
  [name: string]: Tree | string | Uint8Array
}

/** What a run of a tool left. */
export interface Outcome {
  readonly code: number
  /** All files: those given, and those made. */
  readonly files: Tree
  readonly stdout: Uint8Array
  /** Diagnostics. */
  readonly messages: string
}

export type Tool = 'clang' | 'clang++' | 'ar'

type Clang = typeof import('@yowasp/clang')

/** No compiler is installed. */
export class NoCompilerError extends Error {
  readonly code = 'ERR_NO_COMPILER'
  constructor(cause: unknown) {
    const what = 'isopage: no C compiler: run `npm install @yowasp/clang` (100 MB)'
    super(`${what}, or set ISOPAGE_CC to a clang that has a wasi-sysroot`, { cause })
    this.name = 'NoCompilerError'
  }
}

let loaded: Promise<Clang> | undefined

function load(): Promise<Clang> {
  loaded ??= import('@yowasp/clang').then(
    async (clang) => {
      // Its first run fetches the modules, and would print how far it is.
      await clang.commands.clang(null as never, {}, { fetchProgress: () => {} })
      return clang
    },
    (cause) => {
      loaded = undefined
      throw new NoCompilerError(cause)
    },
  )
  return loaded
}

/** Runs a tool on a tree of files. */
export async function runTool(
  tool: Tool,
  args: readonly string[],
  files: Tree,
  stdin?: Uint8Array,
): Promise<Outcome> {
  const clang = await load()
  const stdout = new Collector()
  const stderr = new Collector()
  const options = {
    stdin: stdin === undefined ? null : readerOf(stdin),
    stdout: stdout.take,
    stderr: stderr.take,
    fetchProgress: () => {},
  }
  const outcome = (code: number, left: Tree): Outcome => ({
    code,
    files: left,
    stdout: stdout.bytes(),
    messages: new TextDecoder().decode(stderr.bytes()),
  })
  try {
    const left = await clang.commands[tool]([...args], files, options)
    return outcome(0, left as Tree)
  } catch (error) {
    if (!(error instanceof clang.Exit)) throw error
    return outcome(error.code, (error.files ?? {}) as Tree)
  }
}

/** What a tool wrote, in pieces. */
class Collector {
  readonly #pieces: Uint8Array[] = []

  readonly take = (bytes: Uint8Array | null): void => {
    if (bytes !== null) this.#pieces.push(bytes.slice())
  }

  bytes(): Uint8Array {
    const whole = new Uint8Array(this.#pieces.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const piece of this.#pieces) {
      whole.set(piece, at)
      at += piece.length
    }
    return whole
  }
}

function readerOf(bytes: Uint8Array): (byteLength: number) => Uint8Array | null {
  let at = 0
  return (byteLength) => {
    if (at >= bytes.length) return null
    const piece = bytes.subarray(at, at + byteLength)
    at += piece.length
    return piece
  }
}
