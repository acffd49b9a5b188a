/**
 * Names of the tree: names, rename. Random sequences agree with a naive tree, and the longest names with the limit. (Examples of each rule are in
 * path.spec; full directories, permissions and memory that runs out in tmpfs.spec.)
 */
import {
  EEXIST,
  EINVAL,
  EISDIR,
  ENAMETOOLONG,
  ENOENT,
  ENOTDIR,
  ENOTEMPTY,
  EPERM,
  O_CREAT,
  O_EXCL,
  O_RDONLY,
  O_RDWR,
} from '../../assembly/abi'
import { K } from '../../assembly/root'
import {
  close,
  link,
  linksOf,
  list,
  mkdir,
  mkfifo,
  open,
  rename,
  rmdir,
  stat,
  symlink,
  unlink,
} from './support/files'
import { bootForSpec, process } from './support/kernel'
import { below, reseed } from './support/random'
import { structures } from './support/shortage'

bootForSpec()

const LONGEST = 'n'.repeat(255)
const TOO_LONG = 'n'.repeat(256)

/** Makes an empty file. => 0 or -errno. */
function create(path: string): i32 {
  const fd = open(process, path, O_CREAT | O_EXCL | O_RDWR)
  return fd < 0 ? fd : close(process, fd)
}

/** A file or directory of the naive tree. */
class Thing {
  names: Map<string, Thing> = new Map()
  links: i32 = 0
  constructor(
    public isDir: bool,
    public parent: Thing | null,
  ) {}
}

const top = new Thing(true, null)
/** What `find` found: the last directory and name, and what has it. */
let dir: Thing = top
let name: string = ''
let found: Thing | null = null

/** Walks a path of the naive tree. => 0 or -errno. */
function find(path: string): i32 {
  const parts = path.substring(1).split('/')
  dir = top
  for (let i = 1; i < parts.length - 1; i++) {
    if (!dir.names.has(parts[i])) return -ENOENT
    dir = dir.names.get(parts[i])
    if (!dir.isDir) return -ENOTDIR
  }
  name = parts[parts.length - 1]
  found = dir.names.has(name) ? dir.names.get(name) : null
  return 0
}

function make(path: string, isDir: bool): i32 {
  const walked = find(path)
  if (walked < 0) return walked
  if (found != null) return -EEXIST
  const made = new Thing(isDir, dir)
  made.links = 1
  dir.names.set(name, made)
  return 0
}

function take(path: string, isDir: bool): i32 {
  const walked = find(path)
  if (walked < 0) return walked
  if (found == null) return -ENOENT
  const thing = found!
  if (thing.isDir != isDir) return isDir ? -ENOTDIR : -EISDIR
  if (thing.names.size != 0) return -ENOTEMPTY
  dir.names.delete(name)
  thing.links--
  return 0
}

function linkNaively(from: string, to: string): i32 {
  let walked = find(from)
  if (walked == 0 && found == null) walked = -ENOENT
  if (walked < 0) return walked
  const thing = found!
  walked = find(to)
  if (walked < 0) return walked
  if (found != null) return -EEXIST
  if (thing.isDir) return -EPERM
  dir.names.set(name, thing)
  thing.links++
  return 0
}

function isWithin(inner: Thing, outer: Thing): bool {
  for (let at: Thing | null = inner; at != null; at = at.parent) if (at == outer) return true
  return false
}

function renameNaively(from: string, to: string): i32 {
  let walked = find(from)
  if (walked < 0) return walked
  const thing = found
  const fromDir = dir
  const fromName = name
  walked = find(to)
  if (walked < 0) return walked
  if (thing == null) return -ENOENT
  const target = found
  if (thing == target) return 0
  if (thing.isDir && isWithin(dir, thing)) return -EINVAL
  if (target != null && isWithin(fromDir, target)) return -ENOTEMPTY
  if (target != null && target.isDir != thing.isDir) return thing.isDir ? -ENOTDIR : -EISDIR
  if (target != null && target.names.size != 0) return -ENOTEMPTY
  if (target != null) target.links--
  fromDir.names.delete(fromName)
  dir.names.set(name, thing)
  if (thing.isDir) thing.parent = dir
  return 0
}

/** Compares a directory and all below it with the naive one. */
function compare(path: string, thing: Thing): void {
  const names = thing.names.keys()
  names.sort()
  const expected = names.length == 0 ? '. ..' : `. .. ${names.join(' ')}`
  assert(list(process, path) == expected, `${path}: ${list(process, path)}, not ${expected}`)
  let directories = 0
  for (let i = 0; i < names.length; i++) {
    const child = thing.names.get(names[i])
    if (child.isDir) directories++
    if (child.isDir) compare(`${path}/${names[i]}`, child)
    else {
      assert(stat(process, `${path}/${names[i]}`) == 0, 'stat')
      assert(linksOf() == <u32>child.links, `${path}/${names[i]} has ${linksOf()} links`)
    }
  }
  assert(stat(process, path) == 0 && linksOf() == <u32>(2 + directories), `links of ${path}`)
}

function somePath(): string {
  let path = '/t'
  for (let depth = below(3) + 1; depth > 0; depth--) path += `/${'abc'.charAt(below(3))}`
  return path
}

/** One random operation on both trees. */
function operate(): void {
  const what = below(10)
  const path = somePath()
  const to = somePath()
  let real: i32
  let naive: i32
  if (what < 2) {
    real = mkdir(process, path)
    naive = make(path, true)
  } else if (what < 4) {
    real = create(path)
    naive = make(path, false)
  } else if (what == 4) {
    real = rmdir(process, path)
    naive = take(path, true)
  } else if (what == 5) {
    real = unlink(process, path)
    naive = take(path, false)
  } else if (what == 6) {
    real = link(process, path, to)
    naive = linkNaively(path, to)
  } else {
    real = rename(process, path, to)
    naive = renameNaively(path, to)
  }
  assert(real == naive, `${what} of ${path}, ${to}: ${real}, not ${naive}`)
}

function removeAll(path: string): void {
  const names = list(process, path).split(' ')
  for (let i = 0; i < names.length; i++) {
    if (names[i].startsWith('.')) continue
    const child = `${path}/${names[i]}`
    if (unlink(process, child) == 0) continue
    removeAll(child)
    assert(rmdir(process, child) == 0, child)
  }
}

describe('names', () => {
  it('agree with a naive tree, whatever is made, removed, linked and renamed, and leave nothing', () => {
    reseed('names')
    mkdir(process, '/t')
    close(process, open(process, '/t', O_RDONLY))
    const inodes = K.inodes
    const before = structures()
    for (let round = 0; round < 2500; round++) {
      operate()
      if (round % 250 == 0) compare('/t', top)
    }
    compare('/t', top)
    removeAll('/t')
    expect(K.inodes).toBe(inodes)
    expect(structures()).toBe(before)
    rmdir(process, '/t')
  })

  it('of 255 bytes are taken and of 256 refused by every call that makes or looks for one', () => {
    mkdir(process, '/n')
    const longest = `/n/${LONGEST}`
    const longer = `/n/${TOO_LONG}`
    expect(mkdir(process, longest)).toBe(0)
    expect(rmdir(process, longest)).toBe(0)
    expect(mkfifo(process, longest)).toBe(0)
    expect(link(process, longest, `/n/x${LONGEST.substring(1)}`)).toBe(0)
    expect(rename(process, `/n/x${LONGEST.substring(1)}`, '/n/short')).toBe(0)
    expect(rename(process, '/n/short', longest)).toBe(0)
    expect(rename(process, '/n/short', `/n/y${LONGEST.substring(1)}`)).toBe(0)
    expect(unlink(process, longest)).toBe(0)
    expect(symlink(process, LONGEST, longest)).toBe(0)
    expect(mkdir(process, longer)).toBe(-ENAMETOOLONG)
    expect(mkfifo(process, longer)).toBe(-ENAMETOOLONG)
    expect(create(longer)).toBe(-ENAMETOOLONG)
    expect(symlink(process, 'x', longer)).toBe(-ENAMETOOLONG)
    expect(link(process, longest, longer)).toBe(-ENAMETOOLONG)
    expect(rename(process, longest, longer)).toBe(-ENAMETOOLONG)
    expect(rename(process, longer, longest)).toBe(-ENAMETOOLONG)
    expect(unlink(process, longer)).toBe(-ENAMETOOLONG)
    expect(rmdir(process, longer)).toBe(-ENAMETOOLONG)
    expect(stat(process, `${longer}/..`)).toBe(-ENAMETOOLONG)
    removeAll('/n')
    rmdir(process, '/n')
  })
})
