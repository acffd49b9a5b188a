/**
 * The host's files for a compiler that sees none but those in memory: from a command line, the inputs, and all that they include as far as their text
 * tells; the same line with the names that the files have there. Node, Deno and Bun only.
 *
 * A file below the working directory keeps its relative name, so that diagnostics and __FILE__ say what they say natively; any other is
 * below OUTSIDE, and `hostText` takes that away again.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { withoutParents } from './dots.js'
import { type Argument, readArguments, SEARCHED } from './flags.js'
import { put, SYSROOT } from './sysroot.js'
import type { Tree } from './toolchain.js'

const OUTSIDE = '.host'
/** The compiler's own, emptied when it is done. */
const TEMPORARY = 'tmp'
const INCLUDE = /^[ \t]*#[ \t]*(?:include|include_next|import|embed)[ \t]*["<]([^">\n]+)[">]/gm
/** Headers that include each other by ".." give ever longer names; guards end that for the compiler, this does here. */
const DEPTH = 24
const COMPUTED = /^[ \t]*#[ \t]*include[ \t]+[A-Za-z_]/m
const SOURCE = /\.(c|cc|cp|cpp|cxx|c\+\+|C|CPP|i|ii|s|S|h|hh|hpp|hxx|inc)$/

export interface Collected {
  readonly args: string[]
  readonly files: Tree
}

/** Reads what a command line needs. Throws when an input cannot be read. */
export function collect(args: readonly string[]): Collected {
  const words = readArguments(args)
  const files = new Files(words)
  return { args: words.flatMap((word) => files.rename(word)), files: files.tree }
}

/** The name that a file of the compiler's has on the host. */
export function hostPath(path: string): string {
  return path.startsWith(`${OUTSIDE}/`) ? path.slice(OUTSIDE.length) : path
}

/** Text of the compiler's with the host's names. */
export function hostText(text: string): string {
  return text.replaceAll(`${OUTSIDE}/`, '/').replaceAll(`${SYSROOT}/include/`, 'isopage/include/')
}

/** A folder, and how the compiler spells it. */
interface Folder {
  readonly path: string
  readonly inside: string
}

class Files {
  readonly tree: Tree = {}
  readonly #read = new Set<string>()
  readonly #folders: Folder[]

  constructor(words: readonly Argument[]) {
    this.#folders = words.flatMap((word) =>
      word.kind === 'path' && SEARCHED.includes(word.flag) ? [folder(word.path)] : [],
    )
  }

  /** A word of the command line for the compiler; what it names is read. */
  rename(word: Argument): string[] {
    if (word.kind === 'other') return [...word.words]
    const path = insidePath(word.path)
    if (word.kind === 'input') {
      this.#addInput(word.path)
      return [path]
    }
    if (word.flag === '-L') this.#addFolder(folder(word.path), /\.(a|o)$/, 0)
    else if (word.flag === '-include' || word.flag === '-imacros') this.#add(word.path, path, 0)
    else if (SEARCHED.includes(word.flag)) this.#keepFolder(path)
    else this.#keepFolder(dirname(path))
    return [word.flag, path]
  }

  #addInput(path: string): void {
    if (!this.#add(path, insidePath(path), 0)) throw new Error(`no such file: '${path}'`)
  }

  /**
   * Reads a file and what it includes. `inside` is how the compiler will spell it, with what it includes behind that: spelt so it is put, less each "..",
   * which the compiler's files do not know (dots.ts). => it is there; one that is not is the compiler's to complain of.
   */
  #add(path: string, inside: string, depth: number): boolean {
    const place = withoutParents(inside)
    if (this.#read.has(place) || depth > DEPTH) return true
    const bytes = contentOf(path)
    if (bytes === undefined) return false
    this.#read.add(place)
    put(this.tree, place, bytes)
    if (!SOURCE.test(path)) return true
    const from = { path: dirname(path), inside: folderOf(inside) }
    this.#addIncluded(from, new TextDecoder().decode(bytes), depth + 1)
    return true
  }

  #addIncluded(from: Folder, text: string, depth: number): void {
    const folders = [from, ...this.#folders]
    for (const [, name] of text.matchAll(INCLUDE)) {
      if (isAbsolute(name as string)) this.#add(name as string, insidePath(name as string), depth)
      // Wherever it may be: which one is meant the compiler decides.
      else
        for (const { path, inside } of folders)
          this.#add(join(path, name as string), `${inside}/${name}`, depth)
    }
    // The name comes from a macro: whatever lies where it may be.
    if (COMPUTED.test(text)) for (const folder of folders) this.#addFolder(folder, SOURCE, depth)
  }

  #addFolder({ path, inside }: Folder, pattern: RegExp, depth: number): void {
    this.#keepFolder(inside)
    for (const name of namesIn(path)) {
      if (pattern.test(name)) this.#add(join(path, name), `${inside}/${name}`, depth)
    }
  }

  /** So that an output can be made there. */
  #keepFolder(path: string): void {
    let folder = this.tree
    for (const name of path.split('/').filter((part) => part !== '' && part !== '.')) {
      folder[name] ??= {}
      folder = folder[name] as Tree
    }
  }
}

function folder(path: string): Folder {
  return { path, inside: insidePath(path) }
}

function folderOf(inside: string): string {
  return inside.includes('/') ? inside.slice(0, inside.lastIndexOf('/')) : '.'
}

function contentOf(path: string): Uint8Array | undefined {
  try {
    return statSync(path).isFile() ? new Uint8Array(readFileSync(path)) : undefined
  } catch {
    return undefined
  }
}

/** Names in a folder; none where there is no such folder, which clang skips too. */
function namesIn(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** The name that a file of the host has for the compiler. */
function insidePath(path: string): string {
  const whole = resolve(path)
  const near = relative(process.cwd(), whole)
  const [first] = near.split(sep)
  const inside = first !== '..' && first !== TEMPORARY && !isAbsolute(near)
  const name = inside ? near || '.' : `${OUTSIDE}${whole}`
  return name.split(sep).join('/')
}
