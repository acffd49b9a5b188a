/**
 * readdir: entries of an open directory, from a cookie on, at BUFFER_DATA (DIRENT_* in abi.ts).
 *
 * Cookies 0 and 1 are `.` and `..`. In the tree an entry's cookie is its key (dir.ts). In a mount
 * the whole directory is read when a reader begins (cookie 0) and kept with the open description
 * until its end was given or it is closed: providers number entries by position, and a program that
 * removes what it reads would skip some. Entry i of that listing has cookie i + 2.
 *
 * The listing is a chain of pieces of whole entries, changed only by the thread that has the
 * description's position.
 * Source: POSIX readdir; preview 1's fd_readdir, whose layout is used, but no entry is ever cut
 * off.
 */
import {
  BUFFER_DATA,
  BUFFER_DATA_BYTES,
  DIRENT_BYTES,
  DIRENT_INO,
  DIRENT_NAME_BYTES,
  DIRENT_NEXT,
  DIRENT_TYPE,
  DT_DIR,
  DT_LNK,
  DT_REG,
  DT_UNKNOWN,
  EBADF,
  EINVAL,
  ENOENT,
  ENOMEM,
  ENOTDIR,
  NAME_MAX,
  S_IFDIR,
  S_IFLNK,
  S_IFMT,
  S_IFREG,
} from './abi'
import { entryFrom, nameOf } from './dir'
import { fileAt } from './fd'
import { canRead, dropListing, File } from './file'
import { heldFile, holdFile, takePosition } from './hold'
import { Inode, isDirectory, touchAccess } from './inode'
import { edit } from './journal'
import { lock, unlock } from './lock'
import { pointOf } from './mount'
import { loadPath, ROOM_FRAMES } from './mounted'
import {
  closeFd,
  OFLAGS_DIRECTORY,
  openPath,
  readEntries,
  scratch,
  WALK_PART_BYTES,
  walkPart,
} from './mountfs'
import { Process } from './process'
import { makeRoom } from './room'
import { bytesOf, newPiece, PIECE_BYTES, Text } from './text'
import { me } from './thread'
import { finishUse } from './truncate'

const FIRST: u64 = 2
const DOT: usize = memory.data(16, 16)

/**
 * Gives entries of `fd` from `cookie` on, at most `bytes` bytes of them. => bytes given, 0 at the
 * end, or -errno (EINVAL: not even one fits).
 */
export function sysReaddir(process: Process, fd: i32, cookie: u64, bytes: u32): i32 {
  const most = min(bytes, BUFFER_DATA_BYTES)
  lock()
  const file = fileAt(process, fd)
  let result = 0
  if (file == null || !canRead(file)) result = -EBADF
  else if (!isDirectory(file.inode!)) result = -ENOTDIR
  else {
    holdFile(file)
    result = takePosition()
    if (result == 0 && file.inode!.mount < 0) result = listTree(file.inode!, cookie, most)
  }
  unlock()
  if (result == -EBADF || result == -ENOTDIR) return result
  if (result == 0 && heldFile().inode!.mount >= 0) result = listMounted(cookie, most)
  finishUse()
  return result
}

function dataAt(): usize {
  return <usize>me().buffer + BUFFER_DATA
}

function typeOf(mode: u32): u32 {
  const type = mode & S_IFMT
  if (type == S_IFDIR) return DT_DIR
  if (type == S_IFREG) return DT_REG
  return type == S_IFLNK ? DT_LNK : DT_UNKNOWN
}

/**
 * Puts an entry `used` bytes into the data, if it fits in `most`. => bytes used then, the same when
 * it does not fit.
 */
function put(used: u32, most: u32, next: u64, ino: u64, type: u32, name: usize, bytes: u32): u32 {
  if (used + DIRENT_BYTES + bytes > most) return used
  const at = dataAt() + used
  store<u64>(at, next, DIRENT_NEXT)
  store<u64>(at, ino, DIRENT_INO)
  store<u32>(at, bytes, DIRENT_NAME_BYTES)
  store<u32>(at, type, DIRENT_TYPE)
  memory.copy(at + DIRENT_BYTES, name, bytes)
  return used + DIRENT_BYTES + bytes
}

/** => bytes of `.` and `..` as far as they come after `cookie`. */
function bytesOfDots(cookie: u64): u32 {
  if (cookie == 0) return 2 * DIRENT_BYTES + 3
  return cookie == 1 ? DIRENT_BYTES + 2 : 0
}

/** Puts `.` and `..` as far as they come after `cookie`, and fit. => bytes used. */
function putDots(cookie: u64, most: u32, ino: u64, parentIno: u64): u32 {
  store<u16>(DOT, 0x2e2e)
  let used: u32 = 0
  if (cookie == 0) used = put(used, most, 1, ino, DT_DIR, DOT, 1)
  if (cookie == 1 || (cookie == 0 && used != 0))
    used = put(used, most, 2, parentIno, DT_DIR, DOT, 2)
  return used
}

/** => bytes, -ENOENT for a removed directory, -EINVAL. => lock held. */
function listTree(dir: Inode, cookie: u64, most: u32): i32 {
  const parent = dir.parent
  if (parent == null) return -ENOENT
  let used = putDots(cookie, most, dir.ino, parent.ino)
  let full = used != bytesOfDots(cookie)
  let entry = entryFrom(dir, max(cookie, FIRST))
  while (entry != null && !full) {
    const inode = entry.inode
    const before = used
    used = put(used, most, entry.end, inode.ino, typeOf(inode.mode), nameOf(entry), entry.nameBytes)
    full = used == before
    entry = entryFrom(dir, entry.end)
  }
  touchAccess(dir)
  return full && used == 0 ? -EINVAL : <i32>used
}

/** => bytes or -errno. => lock not held; the description is held, and its position. */
function listMounted(cookie: u64, most: u32): i32 {
  const file = heldFile()
  if (cookie == 0 || file.listing == null) {
    const result = readListing(file)
    if (result < 0) return result
  }
  const inode = file.inode!
  let used = putDots(cookie, most, inode.ino, parentNumber(inode))
  let full = used != bytesOfDots(cookie)
  let position = FIRST
  for (let piece = file.listing; piece != null && !full; piece = piece!.next) {
    let at = bytesOf(piece)
    const end = at + piece.bytes
    while (at < end && !full) {
      const bytes = load<u32>(at, DIRENT_NAME_BYTES)
      if (position >= cookie && bytes <= NAME_MAX) {
        const before = used
        const type = <u32>load<u8>(at, DIRENT_TYPE)
        used = put(
          used,
          most,
          position + 1,
          load<u64>(at, DIRENT_INO),
          type,
          at + DIRENT_BYTES,
          bytes,
        )
        full = used == before
      }
      position++
      at += DIRENT_BYTES + bytes
    }
  }
  if (used == 0 && !full) dropAll(file)
  return full && used == 0 ? -EINVAL : <i32>used
}

/**
 * `..` of a mount's root is in the tree; below it the provider is not asked: 0 is no file's number.
 */
function parentNumber(inode: Inode): u64 {
  if (inode.text != null && inode.text!.bytes != 0) return 0
  return pointOf(inode.mount).parent!.ino
}

function dropAll(file: File): void {
  lock()
  dropListing(file)
  unlock()
}

/** Reads the whole directory from the provider. => 0 or -errno, and then there is no listing. */
function readListing(file: File): i32 {
  dropAll(file)
  const inode = file.inode!
  lock()
  const bytes = loadPath(inode)
  unlock()
  if (bytes < 0) return bytes
  const fd = openPath(inode.mount, scratch(), bytes, OFLAGS_DIRECTORY, false)
  if (fd < 0) return fd
  const result = readAll(file, inode.mount, fd)
  closeFd(inode.mount, fd)
  if (result < 0) dropAll(file)
  return result
}

/** Reads batch by batch into the two walk parts, which no path call uses now. */
function readAll(file: File, mount: i32, fd: i32): i32 {
  const batch = walkPart(0)
  const room = WALK_PART_BYTES * 2
  let last: Text | null = null
  let cookie: u64 = 0
  let got: i32 = <i32>room
  while (got == <i32>room) {
    got = readEntries(mount, fd, batch, room, cookie)
    if (got < 0) return got
    const end = batch + got
    let at = batch
    while (at < end) {
      const stop = wholeUntil(at, end)
      if (stop == at) break
      cookie = lastCookie(at, stop)
      if (stop - at <= PIECE_BYTES) {
        last = append(file, last, at, <u32>(stop - at))
        if (last == null) return -ENOMEM
      }
      at = stop
    }
    if (at == batch && got == <i32>room) return -EINVAL
  }
  return 0
}

/**
 * => end of the whole entries from `at` on that fit in one piece, or of one entry that fits in none
 * (its name is too long for any path, so it is left out); `at` when the first one is cut off.
 */
function wholeUntil(at: usize, end: usize): usize {
  let stop = at
  while (stop + DIRENT_BYTES <= end) {
    const bytes = DIRENT_BYTES + min(load<u32>(stop, DIRENT_NAME_BYTES), 65536)
    if (stop + bytes > end || (stop > at && stop + bytes - at > PIECE_BYTES)) break
    stop += bytes
  }
  return stop
}

function lastCookie(at: usize, stop: usize): u64 {
  let cookie: u64 = 0
  for (let entry = at; entry < stop; entry += DIRENT_BYTES + load<u32>(entry, DIRENT_NAME_BYTES)) {
    cookie = load<u64>(entry, DIRENT_NEXT)
  }
  return cookie
}

/**
 * Adds a piece after `last`, the listing's last (null: it is the first). => it, null when memory is
 * out.
 */
function append(file: File, last: Text | null, from: usize, bytes: u32): Text | null {
  lock()
  makeRoom(ROOM_FRAMES)
  const piece = newPiece(from, bytes)
  if (piece != null) {
    if (last == null) edit<File>(file).listing = piece
    else edit<Text>(last).next = piece
  }
  unlock()
  return piece
}
