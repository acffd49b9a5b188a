/**
 * `..` in the names of included files. The compiler's files in memory know no parent: it drops each `..` from a path that it opens, so that
 * "a/../b.h" is "a/b.h". Here such a name is followed as a file system would, and the file it means is put where the compiler will look.
 */
import { put } from './sysroot.js'
import type { Tree } from './toolchain.js'

const INCLUDE = /^[ \t]*#[ \t]*(?:include|include_next|import|embed)[ \t]*["<]([^">\n]+)[">]/gm
/** Headers that include each other by ".." give ever longer names; guards end that for the compiler, this does here. */
const DEPTH = 24

/** A tree with, beside its own files, those that inputs reach by `..`. */
export function withParents(
  tree: Tree,
  inputs: readonly string[],
  folders: readonly string[],
): Tree {
  const made: Tree = copy(tree)
  const seen = new Set<string>()
  const follow = (path: string, depth: number): void => {
    const dropped = withoutParents(path)
    if (seen.has(dropped) || depth > DEPTH) return
    const content = fileAt(tree, normal(path))
    if (content === undefined) return
    seen.add(dropped)
    if (path.includes('..') && fileAt(tree, dropped) === undefined) put(made, dropped, content)
    const text = typeof content === 'string' ? content : new TextDecoder().decode(content)
    const beside = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.'
    for (const [, name] of text.matchAll(INCLUDE)) {
      for (const folder of [beside, ...folders]) follow(`${folder}/${name}`, depth + 1)
    }
  }
  for (const input of inputs) if (isSource(input)) follow(input, 0)
  return made
}

function isSource(path: string): boolean {
  return !/\.(o|a|wasm|so)$/.test(path)
}

function parts(path: string): string[] {
  return path.split('/').filter((name) => name !== '' && name !== '.')
}

/** What the compiler makes of a path. */
export function withoutParents(path: string): string {
  return parts(path)
    .filter((name) => name !== '..')
    .join('/')
}

/** What a file system makes of it. */
function normal(path: string): string {
  const names: string[] = []
  for (const name of parts(path)) {
    if (name === '..') names.pop()
    else names.push(name)
  }
  return names.join('/')
}

function fileAt(tree: Tree, path: string): string | Uint8Array | undefined {
  let at: Tree | string | Uint8Array | undefined = tree
  for (const name of path.split('/')) {
    if (at === undefined || typeof at === 'string' || at instanceof Uint8Array) return undefined
    at = Object.hasOwn(at, name) ? at[name] : undefined
  }
  return typeof at === 'string' || at instanceof Uint8Array ? at : undefined
}

/** Folders copied, files shared. */
function copy(tree: Tree): Tree {
  const entries = Object.entries(tree).map(([name, content]) => {
    const leaf = typeof content === 'string' || content instanceof Uint8Array
    return [name, leaf ? content : copy(content)]
  })
  return Object.fromEntries(entries)
}
