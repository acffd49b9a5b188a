/**
 * The working directory: chdir, fchdir, getcwd.
 *
 * A process's `cwd` is an inode that it uses: a tmpfs directory, or a mount's directory with the
 * path that it has there.
 * Source: POSIX chdir, fchdir, getcwd.
 */
import {
  BUFFER_RESULT,
  EACCES,
  EBADF,
  ENAMETOOLONG,
  ENOENT,
  ENOMEM,
  ENOTDIR,
  PATH_MAX,
  S_IFDIR,
  S_IFMT,
} from './abi'
import { nameOf } from './dir'
import { fileAt } from './fd'
import { Inode, isDirectory } from './inode'
import { lock, unlock } from './lock'
import { pointOf } from './mount'
import { inodeOfWalk, loadPath } from './mounted'
import { scratch } from './mountfs'
import { prepare, settle } from './names'
import { cwdOf, FOLLOW, mayUse, setCwd, Walk, walk, walkOf } from './path'
import { Process } from './process'
import { me } from './thread'
import { ownEntry } from './tmpfs'

/** Makes the directory at a path the working directory. => 0 or -errno. */
export function sysChdir(process: Process, at: i32, path: usize, bytes: u32): i32 {
  prepare()
  const walked = walk(process, 0, at, path, bytes, FOLLOW)
  if (walked < 0) return walked
  const found = walkOf(0)
  if (found.mount >= 0) return enterMounted(process, found)
  const inode = found.inode
  return settle(inode == null ? -ENOENT : enterDirectory(process, inode))
}

/** Makes the directory that `fd` is open on the working directory. => 0 or -errno. */
export function sysFchdir(process: Process, fd: i32): i32 {
  lock()
  const file = fileAt(process, fd)
  return settle(file == null ? -EBADF : enterDirectory(process, file.inode!))
}

function enterDirectory(process: Process, inode: Inode): i32 {
  if (!isDirectory(inode)) return -ENOTDIR
  if (!mayUse(process, inode, 1)) return -EACCES
  setCwd(process, inode)
  return 0
}

function enterMounted(process: Process, found: Walk): i32 {
  if (found.exists == 0) return -ENOENT
  if ((found.mode & S_IFMT) != S_IFDIR) return -ENOTDIR
  lock()
  const inode = inodeOfWalk(found)
  return settle(inode == null ? -ENOMEM : enterDirectory(process, inode))
}

/**
 * Writes the working directory's path to BUFFER_RESULT. => its bytes, fewer than PATH_MAX; -ENOENT when it was
 * removed, -ENAMETOOLONG.
 */
export function sysGetcwd(process: Process): i32 {
  lock()
  const result = absolutePath(cwdOf(process))
  unlock()
  return result
}

/**
 * Built from its end: PATH_MAX bytes of scratch, filled downwards; a path inside a mount was loaded
 * at the scratch's start.
 */
function absolutePath(inode: Inode): i32 {
  const end = scratch() + PATH_MAX * 2
  let at = end
  let dir = inode
  if (inode.mount >= 0) {
    const bytes = loadPath(inode)
    if (bytes < 0) return bytes
    if (<u32>bytes + 1 >= PATH_MAX) return -ENAMETOOLONG
    if (bytes > 0) at = prepend(at, scratch(), bytes)
    dir = pointOf(inode.mount)
  }
  while (dir.parent != dir) {
    const entry = ownEntry(dir)
    if (entry == null) return -ENOENT
    if (end - at + entry.nameBytes + 1 >= PATH_MAX) return -ENAMETOOLONG
    at = prepend(at, nameOf(entry), entry.nameBytes)
    dir = dir.parent!
  }
  if (at == end) store<u8>(--at, 0x2f)
  memory.copy(<usize>me().buffer + BUFFER_RESULT, at, end - at)
  return <i32>(end - at)
}

function prepend(at: usize, name: usize, bytes: u32): usize {
  const start = at - bytes - 1
  store<u8>(start, 0x2f)
  memory.copy(start + 1, name, bytes)
  return start
}
