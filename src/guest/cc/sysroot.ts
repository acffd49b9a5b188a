/**
 * Our headers over wasi-libc's, and the library: one JSON file beside the package, made by scripts/sysroot.js, read at the first compilation.
 * Invariant: no import of a Node module, so that browsers load this file as it is.
 */
import type { Tree } from './toolchain.js'

const url = new URL('../../../sysroot.json', import.meta.url)

/** Where the headers and the library are for the compiler. */
export const SYSROOT = '.isopage'

interface Stored {
  /** Text by path. */
  readonly headers: Readonly<Record<string, string>>
  /** libisopage.a, base64. */
  readonly library: string
}

export interface Sysroot {
  readonly headers: Readonly<Record<string, string>>
  readonly library: Uint8Array
}

let read: Promise<Sysroot> | undefined

export function sysroot(): Promise<Sysroot> {
  read ??= readSysroot().catch((cause) => {
    read = undefined
    throw new Error(`isopage: the headers could not be loaded from ${url}`, { cause })
  })
  return read
}

async function readSysroot(): Promise<Sysroot> {
  const { headers, library }: Stored = JSON.parse(await text())
  return { headers, library: Uint8Array.from(atob(library), (char) => char.charCodeAt(0)) }
}

async function text(): Promise<string> {
  if (url.protocol === 'file:') {
    // A variable keeps bundlers for browsers from resolving the name.
    const name = 'node:fs/promises'
    const fs: typeof import('node:fs/promises') = await import(/* @vite-ignore */ name)
    return fs.readFile(url, 'utf8')
  }
  const response = await fetch(url)
  if (!response.ok) throw new Error(`HTTP ${response.status} ${response.statusText}`)
  return response.text()
}

/** The sysroot as files for the compiler: `include`, and `lib` with the library. */
export function treeOf({ headers, library }: Sysroot): Tree {
  const include: Tree = {}
  for (const [path, header] of Object.entries(headers)) put(include, path, header)
  return { include, lib: { 'libisopage.a': library } }
}

/** Puts a file into a tree, its folders made as needed. */
export function put(tree: Tree, path: string, content: string | Uint8Array): void {
  const names = path.split('/').filter((name) => name !== '' && name !== '.')
  const last = names.pop() as string
  let folder = tree
  for (const name of names) {
    folder[name] ??= {}
    folder = folder[name] as Tree
  }
  folder[last] = content
}
