/**
 * The host's files for a compiler that sees none but those in memory: from a command line, the inputs, and all that they include as far as their text
 * tells; the same line with the names that the files have there. Node, Deno and Bun only.
 *
 * A file below the working directory keeps its relative name, so that diagnostics and __FILE__ say what they say natively; any other is
 * below OUTSIDE, and `hostText` takes that away again.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { type Argument, type PathFlag, readArguments } from './flags.js'
import { put, SYSROOT } from './sysroot.js'
import type { Tree } from './toolchain.js'

const OUTSIDE = '.isopage/host'
const INCLUDE = /^[ \t]*#[ \t]*(?:include|include_next|import|embed)[ \t]*["<]([^">\n]+)[">]/gm
const COMPUTED = /^[ \t]*#[ \t]*include[ \t]+[A-Za-z_]/m
const SOURCE = /\.(c|cc|cp|cpp|cxx|c\+\+|C|CPP|i|ii|s|S|h|hh|hpp|hxx|inc)$/
const SEARCHED: readonly PathFlag[] = ['-I', '-isystem', '-iquote', '-idirafter']

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

class Files {
  readonly tree: Tree = {}
  readonly #read = new Set<string>()
  readonly #folders: string[]

  constructor(words: readonly Argument[]) {
    this.#folders = words.flatMap((word) =>
      word.kind === 'path' && SEARCHED.includes(word.flag) ? [word.path] : [],
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
    if (word.flag === '-L') this.#addFolder(word.path, /\.(a|o)$/)
    else if (word.flag === '-include' || word.flag === '-imacros') this.#find(word.path, '.')
    else if (SEARCHED.includes(word.flag)) this.#keepFolder(path)
    else this.#keepFolder(dirname(path))
    return [word.flag, path]
  }

  #addInput(path: string): void {
    const before = this.#read.size
    this.#add(path)
    if (this.#read.size === before && !this.#read.has(resolve(path))) {
      throw new Error(`no such file: '${path}'`)
    }
  }

  /** Reads a file and what it includes; one that is not there is the compiler's to complain of. */
  #add(path: string): boolean {
    const whole = resolve(path)
    if (this.#read.has(whole)) return true
    let bytes: Uint8Array
    try {
      if (!statSync(whole).isFile()) return false
      bytes = new Uint8Array(readFileSync(whole))
    } catch {
      return false
    }
    this.#read.add(whole)
    put(this.tree, insidePath(path), bytes)
    if (SOURCE.test(path)) this.#addIncluded(path, new TextDecoder().decode(bytes))
    return true
  }

  #addIncluded(from: string, text: string): void {
    for (const [, name] of text.matchAll(INCLUDE)) this.#find(name as string, dirname(from))
    if (!COMPUTED.test(text)) return
    // The name comes from a macro: whatever lies where it may be.
    for (const folder of [dirname(from), ...this.#folders]) this.#addFolder(folder, SOURCE)
  }

  /** In every folder where it may be: which one is meant the compiler decides. */
  #find(name: string, beside: string): void {
    if (isAbsolute(name)) this.#add(name)
    else for (const folder of [beside, ...this.#folders]) this.#add(join(folder, name))
  }

  #addFolder(folder: string, pattern: RegExp): void {
    this.#keepFolder(insidePath(folder))
    let names: string[] = []
    try {
      names = readdirSync(folder)
    } catch {
      return // as clang, which skips folders that are not there
    }
    for (const name of names) if (pattern.test(name)) this.#add(join(folder, name))
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

/** The name that a file of the host has for the compiler. */
function insidePath(path: string): string {
  const whole = resolve(path)
  const near = relative(process.cwd(), whole)
  const inside = near !== '..' && !near.startsWith(`..${sep}`) && !isAbsolute(near)
  const name = inside ? near || '.' : `${OUTSIDE}${whole}`
  return name.split(sep).join('/')
}
