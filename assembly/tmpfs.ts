/**
 * Making and removing names in tmpfs, with the permissions that POSIX asks for.
 *
 * All of it runs under the kernel lock, in the transaction whose walk found the directory. A
 * failure leaves half a change: the caller abandons the transaction.
 * Source: POSIX open, mkdir, unlink, rmdir; Linux for the sticky bit and set-group-ID directories.
 */
import {
  EACCES,
  EMLINK,
  ENOENT,
  ENOSPC,
  EPERM,
  LINK_MAX,
  S_IFDIR,
  S_IFMT,
  S_ISGID,
  S_ISUID,
  S_ISVTX,
} from './abi'
import { addEntry, Entry } from './dir'
import { Inode, isDirectory, newInode } from './inode'
import { edit, put } from './journal'
import { mayUse } from './path'
import { inGroup, Process } from './process'
import { K, Root } from './root'

/**
 * Makes the root of the tree, and the directories of POSIX shared memory and message queues, which are in no tree: what is mounted where does not matter to it.
 * => false when memory is out. => lock held, called once, by boot.
 */
export function bootTree(): bool {
  const root = newRoot(0o755)
  const shm = newRoot(S_ISVTX | 0o777)
  const mq = newRoot(S_ISVTX | 0o777)
  if (root == 0 || shm == 0 || mq == 0) return false
  put(changetype<usize>(K) + offsetof<Root>('rootInode'), root)
  put(changetype<usize>(K) + offsetof<Root>('shmInode'), shm)
  put(changetype<usize>(K) + offsetof<Root>('mqInode'), mq)
  return true
}

/** => a directory that is its own parent, 0 when memory is out. */
function newRoot(permissions: u32): u32 {
  const root = newInode(S_IFDIR | permissions, 0, 0)
  if (root == null) return 0
  root.nlink = 2
  root.parent = root
  return <u32>changetype<usize>(root)
}

/** => 0 when the process may add a name to `dir`, else -errno. */
export function mayAdd(process: Process, dir: Inode): i32 {
  if (dir.nlink == 0) return -ENOENT
  return mayUse(process, dir, 3) ? 0 : -EACCES
}

/** => 0 when the process may take `inode`'s name out of `dir`, else -errno. */
export function mayRemove(process: Process, dir: Inode, inode: Inode): i32 {
  if (!mayUse(process, dir, 3)) return -EACCES
  if ((dir.mode & S_ISVTX) == 0 || process.euid == 0) return 0
  return process.euid == inode.uid || process.euid == dir.uid ? 0 : -EPERM
}

/**
 * Makes an inode of `mode` (type, and permissions already less umask) under a new name in `dir`.
 * => null when it cannot: see whyNot. => mayAdd said 0, the name is new.
 */
export function makeNode(
  process: Process,
  dir: Inode,
  name: usize,
  bytes: u32,
  mode: u32,
): Inode | null {
  const inherits = (dir.mode & S_ISGID) != 0
  const gid = inherits ? dir.gid : process.egid
  let bits = mode
  if ((mode & S_IFMT) == S_IFDIR) {
    if (dir.nlink >= LINK_MAX) return null
    if (inherits) bits |= S_ISGID
  } else if (process.euid != 0 && !inGroup(process, gid)) bits &= ~S_ISGID
  const inode = newInode(bits, process.euid, gid)
  if (inode == null) return null
  inode.nlink = isDirectory(inode) ? 2 : 1
  return addEntry(dir, name, bytes, inode) == null ? null : inode
}

/** => the errno of a makeNode that gave null, negative. */
export function whyNot(dir: Inode, mode: u32): i32 {
  return (mode & S_IFMT) == S_IFDIR && dir.nlink >= LINK_MAX ? -EMLINK : -ENOSPC
}

/**
 * => the entry that a directory inode has in its parent, null for the root and for a removed one.
 */
export function ownEntry(dir: Inode): Entry | null {
  return changetype<Entry | null>(<usize>dir.entry)
}

/** Sets permission bits; the type stays. */
export function setMode(inode: Inode, bits: u32): void {
  edit<Inode>(inode).mode = (inode.mode & S_IFMT) | (bits & 0o7777)
}

/** => the set-ID bits that a write and a change of hands take away: set-group-ID without group execute is none of them. */
export function setIdsOf(inode: Inode): u32 {
  return inode.mode & ((inode.mode & 0o10) != 0 ? S_ISUID | S_ISGID : S_ISUID)
}

/** A write or a resize by who is not root takes set-user-ID and, with group execute, set-group-ID away. */
export function dropSetIds(process: Process, inode: Inode): void {
  const lost = setIdsOf(inode)
  if (process.euid != 0 && lost != 0) setMode(inode, inode.mode & ~lost)
}
