/**
 * Directories of tmpfs: names to inodes, O(log n), with readdir cookies that stay true while
 * entries come and go.
 *
 * Entries hang in a treap (tree.ts) by a key of 31 bits: 22 bits of the name's hash above 8 bits
 * that tell names of one hash apart. The key is the readdir position too: an entry keeps its key
 * for life, so whoever reads on from a cookie meets each entry that was there all the time exactly
 * once, and telldir's 32-bit long holds it. Keys start at KEY_FIRST; cookies 0 and 1 are `.` and
 * `..`.
 *
 * Invariants (checkDirectory):
 *  1. An entry's key is of its name's hash; no two entries have one key or one name.
 *  2. `entryCount` entries; a subdirectory's `parent` and `entry` lead back here; a directory's
 *     nlink is 2 + its subdirectories.
 *  3. Names are 1 to NAME_MAX bytes without `/` and NUL, and neither `.` nor `..`.
 * Guarded by the kernel lock, journalled. Source: POSIX readdir; Linux ext4's hashed cookies.
 */
import { NAME_MAX, PANIC_DIRECTORY } from './abi'
import { checkInode, Inode, isDirectory, touchEntries } from './inode'
import { edit } from './journal'
import { check } from './panic'
import { allocate, free } from './slab'
import { checkTree, findEndingAfter, insert, Node, remove } from './tree'

/** The name's bytes follow the structure. */
@unmanaged
export class Entry extends Node {
  inode: Inode
  nameBytes: u32
}

const SAME_HASH: u64 = 256
const KEY_FIRST: u64 = 256

/** => address of an entry's name. */
export function nameOf(entry: Entry): usize {
  return changetype<usize>(entry) + offsetof<Entry>()
}

/** => the hash of a name. FNV-1a. */
export function hashOf(name: usize, bytes: u32): u32 {
  let hash: u32 = 0x811c9dc5
  for (let i: u32 = 0; i < bytes; i++) hash = (hash ^ load<u8>(name + i)) * 0x01000193
  return hash
}

/** => the first key of names with this hash. */
function baseOf(name: usize, bytes: u32): u64 {
  return ((<u64>(hashOf(name, bytes) >> 10)) << 8) + KEY_FIRST
}

/** => the first entry whose key is `key` or more, null when there is none. */
export function entryFrom(dir: Inode, key: u64): Entry | null {
  return changetype<Entry | null>(findEndingAfter(dir.entries, key))
}

/** => the directory's entry of that name, null when there is none. */
export function findEntry(dir: Inode, name: usize, bytes: u32): Entry | null {
  const base = baseOf(name, bytes)
  let entry = entryFrom(dir, base)
  while (entry != null && entry.start < base + SAME_HASH) {
    if (entry.nameBytes == bytes && memory.compare(nameOf(entry), name, bytes) == 0) return entry
    entry = entryFrom(dir, entry.end)
  }
  return null
}

/**
 * Adds a name for `inode`. => the entry, null when memory is out or 256 names share the hash: the
 * caller abandons. => the name is new.
 */
export function addEntry(dir: Inode, name: usize, bytes: u32, inode: Inode): Entry | null {
  let key = baseOf(name, bytes)
  const end = key + SAME_HASH
  let taken = entryFrom(dir, key)
  while (taken != null && taken.start == key) {
    key++
    taken = entryFrom(dir, key)
  }
  if (key == end) return null
  const entry = changetype<Entry>(allocate(offsetof<Entry>() + bytes))
  if (changetype<usize>(entry) == 0) return null
  entry.start = key
  entry.end = key + 1
  entry.inode = inode
  entry.nameBytes = bytes
  memory.copy(nameOf(entry), name, bytes)
  edit<Inode>(dir).entries = insert(dir.entries, entry)
  dir.entryCount += 1
  touchEntries(dir)
  if (isDirectory(inode)) adopt(dir, entry)
  return entry
}

/** The directory of `entry` has `dir` as its parent now. */
function adopt(dir: Inode, entry: Entry): void {
  dir.nlink += 1
  const child = edit<Inode>(entry.inode)
  child.parent = dir
  child.entry = <u32>changetype<usize>(entry)
}

/** Takes a name away and frees its entry; the inode's own nlink is the caller's. */
export function removeEntry(dir: Inode, entry: Entry): void {
  edit<Inode>(dir).entries = remove(dir.entries, entry)
  dir.entryCount -= 1
  touchEntries(dir)
  const inode = entry.inode
  if (isDirectory(inode)) {
    dir.nlink -= 1
    if (inode.entry == <u32>changetype<usize>(entry)) {
      edit<Inode>(inode).parent = null
      inode.entry = 0
    }
  }
  free(changetype<usize>(entry), offsetof<Entry>() + entry.nameBytes)
}

/** Lets an entry name another inode (rename over it); nlink of the old one is the caller's. */
export function replaceEntry(dir: Inode, entry: Entry, inode: Inode): void {
  const old = entry.inode
  edit<Entry>(entry).inode = inode
  touchEntries(dir)
  if (isDirectory(old)) {
    dir.nlink -= 1
    edit<Inode>(old).parent = null
    old.entry = 0
  }
  if (isDirectory(inode)) adopt(dir, entry)
}

/** => `name` is `.`. */
export function isDot(name: usize, bytes: u32): bool {
  return bytes == 1 && load<u8>(name) == 0x2e
}

/** => `name` is `..`. */
export function isDotDot(name: usize, bytes: u32): bool {
  return bytes == 2 && load<u16>(name) == 0x2e2e
}

/** => `dir` is `top` or below it. => both are tmpfs directories with a name, or the root. */
export function isBelow(dir: Inode, top: Inode): bool {
  let at = dir
  while (at != top) {
    const parent = at.parent
    if (parent == null || parent == at) return false
    at = parent
  }
  return true
}

/** Panics at the first broken invariant of one directory; => its entries. => lock held. */
export function checkDirectory(dir: Inode): u32 {
  const number = <u32>dir.ino
  check(isDirectory(dir) && dir.mount < 0, PANIC_DIRECTORY, number)
  check(checkTree(dir.entries) == dir.entryCount, PANIC_DIRECTORY, number)
  let directories: u32 = 0
  for (let entry = entryFrom(dir, 0); entry != null; entry = entryFrom(dir, entry!.end)) {
    const name = nameOf(entry)
    const bytes = entry.nameBytes
    check(bytes > 0 && bytes <= NAME_MAX, PANIC_DIRECTORY, number)
    check(!isDot(name, bytes) && !isDotDot(name, bytes), PANIC_DIRECTORY, number)
    check((entry.start & ~(SAME_HASH - 1)) == baseOf(name, bytes), PANIC_DIRECTORY, number)
    check(findEntry(dir, name, bytes) == entry, PANIC_DIRECTORY, number)
    checkInode(entry.inode)
    check(entry.inode.nlink > 0, PANIC_DIRECTORY, number)
    if (!isDirectory(entry.inode)) continue
    directories++
    check(entry.inode.parent == dir, PANIC_DIRECTORY, number)
    check(entry.inode.entry == <u32>changetype<usize>(entry), PANIC_DIRECTORY, number)
  }
  check(dir.nlink == 0 || dir.nlink == 2 + directories, PANIC_DIRECTORY, number)
  return dir.entryCount
}

/**
 * Checks a directory and all below it. => inodes reached, each hard link counted. => lock held; a
 * shallow tree.
 */
export function checkTreeOf(dir: Inode): u32 {
  let count: u32 = 1
  checkDirectory(dir)
  for (let entry = entryFrom(dir, 0); entry != null; entry = entryFrom(dir, entry!.end)) {
    count += isDirectory(entry.inode) ? checkTreeOf(entry.inode) : 1
  }
  return count
}
