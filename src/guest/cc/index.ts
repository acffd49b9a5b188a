/**
 * `isopage/cc`: C and C++ to guests, in Node, Deno, Bun and pages alike.
 *
 *   const { files } = await compile({ 'hello.c': source }, ['-O2', 'hello.c', '-o', 'hello.wasm'])
 *   const guest = await kernel.run(files['hello.wasm'])
 *
 * Flags are clang's. Our headers stand before wasi-libc's, and libisopage and libsetjmp behind what is linked.
 */
import { explain } from './absent.js'
import { withParents } from './dots.js'
import { hasCxx, hasInput, readArguments, SEARCHED, wholeFlags } from './flags.js'
import { SYSROOT, sysroot, treeOf } from './sysroot.js'
import { type Outcome, runTool, type Tree } from './toolchain.js'

export { NoCompilerError, type Tree } from './toolchain.js'

export interface CompileOptions {
  /** What the compiler reads where a file is named `-`. */
  readonly stdin?: Uint8Array | undefined
}

export interface Compiled {
  /** What was made, by path; empty with flags such as -fsyntax-only. */
  readonly files: Readonly<Record<string, Uint8Array>>
  /** What went to standard output: text of -E. */
  readonly stdout: string
  /** Warnings. */
  readonly messages: string
}

/** The compiler or the linker found errors; the message has them. */
export class CompileError extends Error {
  readonly code = 'ERR_COMPILE'
  /** What the compiler exited with. */
  readonly exitCode: number
  readonly messages: string

  constructor(exitCode: number, messages: string) {
    super(`isopage: the compiler failed with exit code ${exitCode}\n${messages}`)
    this.name = 'CompileError'
    this.exitCode = exitCode
    this.messages = messages
  }
}

/**
 * Runs the compiler.
 * @param files what it can read, by path; text or bytes, folders as nested objects or by slashes in a path
 * @param flags clang's, inputs among them
 * @throws CompileError with its messages; NoCompilerError where @yowasp/clang is not installed
 */
export async function compile(
  files: Tree,
  flags: readonly string[],
  options: CompileOptions = {},
): Promise<Compiled> {
  const outcome = await runCompiler(files, flags, options)
  if (outcome.code !== 0) throw new CompileError(outcome.code, outcome.messages)
  return {
    files: outcome.made,
    stdout: new TextDecoder().decode(outcome.stdout),
    messages: outcome.messages,
  }
}

/** This build of clang has no message for it. */
const NOTHING = { code: 1, messages: 'clang: error: no input files\n', made: {} } as const

/** As compile; errors are in the result. @internal */
export async function runCompiler(
  files: Tree,
  flags: readonly string[],
  { stdin }: CompileOptions = {},
): Promise<Outcome & { readonly made: Record<string, Uint8Array> }> {
  const words = readArguments(flags)
  const inputs = words.flatMap((word) => (word.kind === 'input' ? [word.path] : []))
  const folders = words.flatMap((word) =>
    word.kind === 'path' && SEARCHED.includes(word.flag) ? [word.path] : [],
  )
  const given = withParents(nested(files), inputs, folders)
  const tool = hasCxx(inputs) ? 'clang++' : 'clang'
  const whole = { ...given, [SYSROOT]: treeOf(await sysroot()) }
  const outcome = await runTool(tool, wholeFlags(flags), whole, stdin)
  const said = outcome.stdout.length > 0 || outcome.messages !== ''
  if (!hasInput(flags) && !said) return { ...outcome, ...NOTHING }
  const made: Record<string, Uint8Array> = {}
  collect(outcome.files, whole, '', made)
  return { ...outcome, messages: explain(outcome.messages), made }
}

/** Names with slashes become folders. */
function nested(files: Tree): Tree {
  const tree: Tree = {}
  for (const [path, content] of Object.entries(files)) {
    const names = path.split('/').filter((name) => name !== '' && name !== '.')
    const last = names.pop() as string
    let folder = tree
    for (const name of names) {
      folder[name] ??= {}
      folder = folder[name] as Tree
    }
    const leaf = typeof content === 'string' || content instanceof Uint8Array
    folder[last] = leaf ? content : { ...(folder[last] as Tree | undefined), ...nested(content) }
  }
  return tree
}

/** The files of `left` that were not among those given. */
function collect(left: Tree, given: Tree, folder: string, made: Record<string, Uint8Array>): void {
  for (const [name, content] of Object.entries(left)) {
    const before = given[name]
    const path = `${folder}${name}`
    if (content instanceof Uint8Array) {
      if (before === undefined) made[path] = content
    } else if (typeof content === 'string') {
      if (before === undefined) made[path] = new TextEncoder().encode(content)
    } else collect(content, (before ?? {}) as Tree, `${path}/`, made)
  }
}
