/**
 * open and close, and the calls on descriptors alone: dup, dup2, fcntl's F_DUPFD, F_GETFD, F_SETFD,
 * F_GETFL, F_SETFL.
 *
 * open reserves its descriptor first, so that a full table or memory fails it before a file is made
 * or truncated. Paths are bytes in the calling thread's buffer; `at` is AT_FDCWD or a directory's
 * descriptor.
 * Source: POSIX open, close, dup, fcntl; Linux for O_PATH and where POSIX leaves the errno open.
 */
import {
  EACCES,
  EBADF,
  EBUSY,
  EEXIST,
  EFBIG,
  EINVAL,
  EISDIR,
  ELOOP,
  EMFILE,
  ENFILE,
  ENOENT,
  ENOTDIR,
  ENOTSUP,
  ENXIO,
  EROFS,
  F_DUPFD,
  F_DUPFD_CLOEXEC,
  F_GETFD,
  F_GETFL,
  F_SETFD,
  F_SETFL,
  FD_CLOEXEC,
  O_ACCMODE,
  O_APPEND,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_DSYNC,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_PATH,
  O_RDONLY,
  O_RSYNC,
  O_SYNC,
  O_TRUNC,
  O_WRONLY,
  OFFSET_MAX,
  OPEN_FILES_MAX,
  S_IFDIR,
  S_IFIFO,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from './abi'
import {
  clearFd,
  copyFd,
  fdFlags,
  fileAt,
  isReserved,
  putFd,
  reservedAt,
  reserveFd,
  setFdFlags,
} from './fd'
import { attach, canRead, canWrite, File, newFile, openFiles, takeFailure, useFile } from './file'
import { heldFile, holdFile, holdNew } from './hold'
import { giveUpDescriptor } from './idle'
import { Inode, isFile } from './inode'
import { edit } from './journal'
import { abandon, lock, unlock } from './lock'
import { isReadOnly } from './mount'
import { bindName, openMountedFile, ROOM_FRAMES } from './mounted'
import { OFLAGS_EXCL } from './mountfs'
import { OFLAGS_CREAT } from './pager'
import { FOLLOW, MAKES_FILE, mayUse, NOFOLLOW, Walk, walk, walkOf } from './path'
import { awaitOther } from './pipe'
import { Process } from './process'
import { makeRoom } from './room'
import { makeNode, mayAdd, whyNot } from './tmpfs'
import { finishUse, resizeHeld } from './truncate'

const STATUS_FLAGS: u32 = O_APPEND | O_DSYNC | O_NONBLOCK | O_RSYNC | O_SYNC
const PATH_FLAGS: u32 = O_PATH | O_CLOEXEC | O_DIRECTORY | O_NOFOLLOW

/**
 * Opens, and perhaps makes, a file. `mode`: permissions of a new one, less umask. => the
 * descriptor, or -errno.
 */
export function sysOpen(
  process: Process,
  at: i32,
  path: usize,
  bytes: u32,
  flags: u32,
  mode: u32,
): i32 {
  const how = (flags & O_PATH) != 0 ? flags & PATH_FLAGS : flags
  const both = O_CREAT | O_DIRECTORY
  if ((how & (O_ACCMODE | O_PATH)) == 0 || (how & both) == both) return -EINVAL
  const fd = beginOpen(process, how)
  if (fd < 0) return fd
  let opened = findAndAttach(process, at, path, bytes, how, mode)
  while (lacksDescriptor(opened) && giveUpDescriptor()) {
    opened = findAndAttach(process, at, path, bytes, how, mode)
  }
  return finishOpen(process, fd, opened, how)
}

/** => the host had none left for an open that had its own in the kernel. */
function lacksDescriptor(result: i32): bool {
  return result == -EMFILE || result == -ENFILE
}

/** Reserves a descriptor; this thread holds its description from now on. => fd, or -errno. => lock not held. */
export function beginOpen(process: Process, flags: u32): i32 {
  lock()
  makeRoom(ROOM_FRAMES)
  const fd = reserveFd(process, flags & (O_ACCMODE | STATUS_FLAGS | O_PATH | O_CLOEXEC))
  if (fd < 0) abandon()
  else holdFile(reservedAt(process, fd))
  unlock()
  return fd
}

/** After beginOpen: `opened` is 0 when the description has its inode, else why not. O_TRUNC is done here. => fd, or -errno. */
export function finishOpen(process: Process, fd: i32, opened: i32, flags: u32): i32 {
  let result = opened
  const cuts = (flags & O_TRUNC) != 0 && result == 0 && isFile(heldFile().inode!)
  if (cuts) result = resizeHeld(process, 0)
  if (result == 0 && (flags & (O_NONBLOCK | O_PATH)) == 0) result = meet()
  if (result < 0) {
    lock()
    if (isReserved(process, fd, heldFile())) clearFd(process, fd)
    unlock()
  }
  finishUse()
  return result < 0 ? result : fd
}

/** A FIFO's open waits for its other side. => 0, or as awaitOther. => lock not held. */
function meet(): i32 {
  const file = heldFile()
  const pipe = file.inode!.pipe
  if (pipe == null) return 0
  lock()
  const result = awaitOther(pipe, canRead(file), canWrite(file))
  unlock()
  return result
}

function findAndAttach(
  process: Process,
  at: i32,
  path: usize,
  bytes: u32,
  flags: u32,
  mode: u32,
  fileOnly: bool = false,
): i32 {
  const exclusive = (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0
  const follow = (flags & O_NOFOLLOW) != 0 || exclusive ? NOFOLLOW : FOLLOW
  const makes = (flags & O_CREAT) != 0 ? MAKES_FILE : 0
  const result = walk(process, 0, at, path, bytes, follow | makes)
  if (result < 0) return result
  const found = walkOf(0)
  if (found.mount >= 0) return openMounted(found, flags)
  const opened = openTree(process, found, flags, mode, fileOnly)
  if (opened < 0) abandon()
  unlock()
  return opened
}

/** truncate: sets the size of the file that a path means. => 0 or -errno. */
export function sysTruncate(process: Process, at: i32, path: usize, bytes: u32, size: u64): i32 {
  if (size > OFFSET_MAX) return -EFBIG
  lock()
  makeRoom(ROOM_FRAMES)
  const file = openFiles() < OPEN_FILES_MAX ? newFile(O_WRONLY) : null
  if (file != null) holdNew(file)
  unlock()
  if (file == null) return -ENFILE
  let result = findAndAttach(process, at, path, bytes, O_WRONLY, 0, true)
  if (result == 0) result = resizeHeld(process, size)
  finishUse()
  return result
}

/** => 0 when what exists, of st_mode `mode`, may be opened so; else -errno. */
function checkType(mode: u32, flags: u32): i32 {
  const type = mode & S_IFMT
  if ((flags & O_CREAT) != 0 && (flags & O_EXCL) != 0) return -EEXIST
  if ((flags & O_DIRECTORY) != 0 && type != S_IFDIR) return -ENOTDIR
  if (type == S_IFLNK && (flags & O_PATH) == 0) return -ELOOP
  if (type == S_IFDIR) return (flags & (O_CREAT | O_TRUNC | O_WRONLY)) != 0 ? -EISDIR : 0
  const opens = type == S_IFREG || type == S_IFLNK || type == S_IFIFO
  return opens || (flags & O_PATH) != 0 ? 0 : -ENOTSUP
}

function changes(flags: u32): bool {
  return (flags & (O_WRONLY | O_TRUNC)) != 0
}

/** Opens, for the description in use, what a walk found in the tree; with `fileOnly` no FIFO. => lock held; the caller abandons at a failure. */
export function openTree(
  process: Process,
  found: Walk,
  flags: u32,
  mode: u32,
  fileOnly: bool = false,
): i32 {
  const inode = found.inode
  if (inode == null) return create(process, found, flags, mode)
  const result = checkType(inode.mode, flags)
  if (result < 0) return result
  const want: u32 = ((flags & O_RDONLY) != 0 ? 4 : 0) | (changes(flags) ? 2 : 0)
  if (!mayUse(process, inode, want)) return -EACCES
  if (fileOnly && !isFile(inode)) return -EINVAL
  if (nobodyReads(inode, flags)) return -ENXIO
  attach(heldFile(), inode)
  return 0
}

/** => it is a FIFO, to be opened for writing alone and without waiting, that has no reader. */
function nobodyReads(inode: Inode, flags: u32): bool {
  const pipe = inode.pipe
  if (pipe == null || pipe.readers != 0) return false
  return (flags & (O_NONBLOCK | O_ACCMODE | O_PATH)) == (O_NONBLOCK | O_WRONLY)
}

function create(process: Process, found: Walk, flags: u32, mode: u32): i32 {
  if ((flags & O_CREAT) == 0) return -ENOENT
  const dir = found.dir!
  const allowed = mayAdd(process, dir)
  if (allowed < 0) return allowed
  const bits = S_IFREG | (mode & 0o7777 & ~process.umask)
  const inode = makeNode(process, dir, found.name, found.nameBytes, bits)
  if (inode == null) return whyNot(dir, bits)
  attach(heldFile(), inode)
  return 0
}

/** Opens what a walk found in a mount. => lock not held. */
function openMounted(found: Walk, flags: u32): i32 {
  const readOnly = isReadOnly(found.mount)
  if (found.exists == 0) {
    if ((flags & O_CREAT) == 0) return -ENOENT
    if (readOnly) return -EROFS
    return openMountedFile(
      found,
      (flags & O_EXCL) != 0 ? OFLAGS_CREAT | OFLAGS_EXCL : OFLAGS_CREAT,
      true,
    )
  }
  const result = checkType(found.mode, flags)
  if (result < 0) return result
  if (readOnly && changes(flags)) return -EROFS
  if ((flags & O_PATH) != 0 || (found.mode & S_IFMT) != S_IFREG) return bindName(found)
  return openMountedFile(found, 0, changes(flags))
}

/**
 * Closes a descriptor. => 0, -EBADF, or a failed write-back that was not reported yet; the
 * descriptor is closed all the same.
 */
export function sysClose(process: Process, fd: i32): i32 {
  lock()
  const file = fileAt(process, fd)
  if (file == null) {
    unlock()
    return -EBADF
  }
  const failure = takeFailure(file)
  clearFd(process, fd)
  unlock()
  return failure
}

/** => the lowest free descriptor for what `fd` is open on, or -errno. */
export function sysDup(process: Process, fd: i32): i32 {
  return duplicate(process, fd, 0, false)
}

function duplicate(process: Process, fd: i32, from: u32, cloexec: bool): i32 {
  lock()
  makeRoom(ROOM_FRAMES)
  const result = copyFd(process, fd, from, cloexec)
  if (result < 0) abandon()
  unlock()
  return result
}

/**
 * Makes `to` mean what `fd` is open on, closing what `to` was; `flags`: 0, or O_CLOEXEC as dup3,
 * which refuses one number for both. => `to`, or -errno.
 */
export function sysDup2(process: Process, fd: i32, to: i32, flags: u32): i32 {
  lock()
  makeRoom(ROOM_FRAMES)
  let result = checkDup2(process, fd, to, flags)
  if (result == 0) {
    const file = fileAt(process, fd)!
    useFile(file)
    result = replaceFd(process, file, to, (flags & O_CLOEXEC) != 0)
  }
  if (result < 0) abandon()
  unlock()
  return result < 0 ? result : to
}

/** => 0 to go on, 1 when `to` is `fd` itself, -errno. */
function checkDup2(process: Process, fd: i32, to: i32, flags: u32): i32 {
  if (fd == to && (flags & O_CLOEXEC) != 0) return -EINVAL // dup3
  if (fileAt(process, fd) == null || to < 0 || <u32>to >= process.fdLimit) return -EBADF
  if (fd == to) return 1
  return isReserved(process, to, null) ? -EBUSY : 0
}

/** Puts `file` at `to`; what was there is closed in the same transaction. */
function replaceFd(process: Process, file: File, to: i32, cloexec: bool): i32 {
  // A number in use has its chunk: then putFd allocates nothing, as it must not after clearFd.
  if (fileAt(process, to) != null) clearFd(process, to)
  return putFd(process, file, to, cloexec) ? 0 : -EMFILE
}

/**
 * fcntl on a descriptor: F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL. => its
 * value, or -errno.
 */
export function sysFcntl(process: Process, fd: i32, command: u32, argument: u32): i32 {
  if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) {
    if (argument >= process.fdLimit) return -EINVAL
    return duplicate(process, fd, argument, command == F_DUPFD_CLOEXEC)
  }
  lock()
  const file = fileAt(process, fd)
  const result = file == null ? -EBADF : control(process, fd, file, command, argument)
  unlock()
  return result
}

function control(process: Process, fd: i32, file: File, command: u32, argument: u32): i32 {
  switch (command) {
    case F_GETFD:
      return fdFlags(process, fd)
    case F_SETFD:
      setFdFlags(process, fd, argument & FD_CLOEXEC)
      return 0
    case F_GETFL:
      return file.flags
    case F_SETFL:
      if ((file.flags & O_PATH) != 0) return -EBADF
      edit<File>(file).flags = (file.flags & ~SETTABLE) | (argument & SETTABLE)
      return 0
    default:
      return -EINVAL
  }
}

/** What F_SETFL changes (Linux: not O_SYNC and O_DSYNC). */
const SETTABLE: u32 = O_APPEND | O_NONBLOCK
