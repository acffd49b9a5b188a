/**
 * POSIX shared memory: shm_open and shm_unlink.
 *
 * The objects are tmpfs files in a directory of the kernel's own (K.shmInode), root's and of mode 01777, which is in no visible tree. So ftruncate, fstat,
 * mmap, read and write are those of any file, and an object lives until it is unlinked and neither mapped nor open.
 * Sources: POSIX.1-2017 shm_open, shm_unlink; Linux shm_open(3), glibc's shm_open.c and shm_unlink.c for what POSIX leaves open.
 */
import {
  EACCES,
  EINVAL,
  ENOENT,
  O_ACCMODE,
  O_CLOEXEC,
  O_DIRECTORY,
  O_NOFOLLOW,
  O_PATH,
} from './abi'
import { Entry, findEntry, removeEntry } from './dir'
import { dropLink, Inode } from './inode'
import { abandon, lock, unlock } from './lock'
import { beginOpen, finishOpen, openTree } from './open'
import { Walk, walkOf } from './path'
import { posixName, posixNameBytes } from './posixname'
import { Process } from './process'
import { K } from './root'
import { mayRemove } from './tmpfs'

function directory(): Inode {
  return changetype<Inode>(<usize>K.shmInode)
}

/**
 * Opens, and perhaps makes, a shared memory object. Flags: O_RDONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC (with O_RDONLY too); FD_CLOEXEC is set. `mode`: permissions of
 * a new one, less umask. => the descriptor; -EINVAL (the name, no access mode, O_DIRECTORY, O_PATH), -ENAMETOOLONG, -ENOENT, -EEXIST, -EACCES, -EMFILE, -ENFILE,
 * -ENOSPC, -ENOMEM.
 */
export function sysShmOpen(process: Process, path: usize, bytes: u32, flags: u32, mode: u32): i32 {
  const named = posixName(path, bytes)
  if (named < 0) return named
  if ((flags & O_ACCMODE) == 0 || (flags & (O_DIRECTORY | O_PATH)) != 0) return -EINVAL
  const how = flags | O_CLOEXEC | O_NOFOLLOW
  const fd = beginOpen(process, how)
  if (fd < 0) return fd
  lock()
  const opened = openTree(process, look(path, bytes), how, mode & 0o777)
  if (opened < 0) abandon()
  unlock()
  return finishOpen(process, fd, opened, how)
}

/** => a walk that has looked for a name in the directory. => posixName said 0; lock held. */
function look(path: usize, bytes: u32): Walk {
  const found = walkOf(0)
  memory.fill(changetype<usize>(found), 0, offsetof<Walk>())
  found.mount = -1
  found.dir = directory()
  found.nameBytes = posixNameBytes(path, bytes)
  found.name = path + (bytes - found.nameBytes)
  const entry = findEntry(directory(), found.name, found.nameBytes)
  if (entry != null) found.inode = entry.inode
  return found
}

/**
 * Takes a name away; the object stays while it is mapped or open. => 0, -ENAMETOOLONG, -ENOENT (also what is no name: nothing has it), -EACCES (only its owner
 * and root may: the directory is sticky).
 */
export function sysShmUnlink(process: Process, path: usize, bytes: u32): i32 {
  const named = posixName(path, bytes)
  if (named < 0) return named == -EINVAL ? -ENOENT : named
  const nameBytes = posixNameBytes(path, bytes)
  lock()
  const entry = findEntry(directory(), path + (bytes - nameBytes), nameBytes)
  const result = entry == null ? -ENOENT : remove(process, entry)
  unlock()
  return result
}

function remove(process: Process, entry: Entry): i32 {
  const inode = entry.inode
  if (mayRemove(process, directory(), inode) < 0) return -EACCES
  removeEntry(directory(), entry)
  dropLink(inode)
  return 0
}
