/**
 * Descriptor tables: a process's small numbers to open file descriptions.
 *
 *   table:  a bit a descriptor in use | 32 chunks of 128 words: File address, or-ed with FD_CLOEXEC
 *
 * Invariants (checkTable):
 *  1. A bit is set exactly when its word is not 0; each word is one reference to its File.
 *  2. The lowest free number is given, below process.fdLimit.
 *  3. A word whose File has no inode is a descriptor that open has reserved: EBADF to everybody
 *     else.
 * Guarded by the kernel lock, journalled. Source: POSIX open, dup, fcntl, close.
 */
import {
  EBADF,
  EMFILE,
  ENFILE,
  ENOMEM,
  FD_CLOEXEC,
  FDS_MAX,
  O_CLOEXEC,
  OPEN_FILES_MAX,
  PANIC_FILE,
} from './abi'
import { checkFile, dropFile, File, newFile, openFiles, useFile } from './file'
import { edit, put, save } from './journal'
import { relaxIfDeep } from './lock'
import { closeNotice } from './notice'
import { check } from './panic'
import { Process } from './process'
import { dropRanges } from './range'
import { allocate, free } from './slab'

const WORDS: u32 = 64
const CHUNKS: u32 = 32
const CHUNK_FDS: u32 = 128
/** 64 words of 64 bits, then the chunks' addresses. */
const TABLE_BYTES: u32 = 640
const CHUNK_AT: usize = 512

if (WORDS * 64 != FDS_MAX || CHUNKS * CHUNK_FDS != FDS_MAX)
  ERROR('the table holds FDS_MAX descriptors')

/** => address of the word of `fd`, 0 when its chunk is not there. => fd < FDS_MAX. */
function wordOf(process: Process, fd: u32): usize {
  if (process.files == 0) return 0
  const chunk = load<u32>(<usize>process.files + ((<usize>fd / CHUNK_FDS) << 2), CHUNK_AT)
  return chunk == 0 ? 0 : <usize>chunk + ((<usize>fd % CHUNK_FDS) << 2)
}

function fileOfWord(word: u32): File {
  return changetype<File>(<usize>(word & ~FD_CLOEXEC))
}

/** => what `fd` is open on, null when it is not open. => lock held. */
export function fileAt(process: Process, fd: i32): File | null {
  if (<u32>fd >= FDS_MAX) return null
  const at = wordOf(process, fd)
  if (at == 0 || load<u32>(at) == 0) return null
  const file = fileOfWord(load<u32>(at))
  return file.inode == null ? null : file
}

/** => the lowest free number from `from` on, -EMFILE when there is none below the limit. */
function freeNumber(process: Process, from: u32): i32 {
  const limit = min(process.fdLimit, FDS_MAX)
  let fd = from
  while (process.files != 0 && fd < limit) {
    const free = ~load<u64>(<usize>process.files + ((<usize>(fd >> 6)) << 3)) >> (fd & 63)
    if (free != 0) {
      fd += <u32>ctz(free)
      break
    }
    fd = (fd | 63) + 1
  }
  return fd < limit ? fd : -EMFILE
}

function setBit(process: Process, fd: u32, on: bool): void {
  const at = <usize>process.files + ((<usize>(fd >> 6)) << 3)
  const bit: u64 = (<u64>1) << (fd & 63)
  save(at, 8)
  store<u64>(at, on ? load<u64>(at) | bit : load<u64>(at) & ~bit)
}

/** => the chunk for `fd` is there. */
function makeChunk(process: Process, fd: u32): bool {
  if (process.files == 0) {
    const table = allocate(TABLE_BYTES)
    if (table == 0) return false
    edit<Process>(process).files = <u32>table
  }
  if (wordOf(process, fd) != 0) return true
  const chunk = allocate(CHUNK_FDS << 2)
  if (chunk == 0) return false
  put(<usize>process.files + ((<usize>fd / CHUNK_FDS) << 2) + CHUNK_AT, <u32>chunk)
  return true
}

/**
 * Gives `file` the lowest free number from `from` on; the caller's reference goes to the table. =>
 * fd, -EMFILE, -ENOMEM.
 */
export function takeFd(process: Process, file: File, from: u32, cloexec: bool): i32 {
  const fd = freeNumber(process, from)
  if (fd < 0) return fd
  return putFd(process, file, fd, cloexec) ? fd : -ENOMEM
}

/**
 * Puts `file` at a number that is free; the caller's reference goes to the table. => false when
 * memory is out.
 */
export function putFd(process: Process, file: File, fd: u32, cloexec: bool): bool {
  if (!makeChunk(process, fd)) return false
  put(wordOf(process, fd), <u32>changetype<usize>(file) | (cloexec ? FD_CLOEXEC : 0))
  setBit(process, fd, true)
  return true
}

/**
 * A descriptor and description for open to fill: see attach. => fd, -EMFILE, -ENFILE, -ENOMEM; the
 * caller abandons.
 */
export function reserveFd(process: Process, flags: u32): i32 {
  if (freeNumber(process, 0) < 0) return -EMFILE
  if (openFiles() >= OPEN_FILES_MAX) return -ENFILE
  const file = newFile(flags & ~O_CLOEXEC)
  return file == null ? -ENOMEM : takeFd(process, file, 0, (flags & O_CLOEXEC) != 0)
}

/** => the description that open has reserved at `fd`. => reserveFd gave it in this transaction. */
export function reservedAt(process: Process, fd: u32): File {
  return fileOfWord(load<u32>(wordOf(process, fd)))
}

/** => `fd` is still the number reserved for, or open on, `file`; with null: reserved by whoever. */
export function isReserved(process: Process, fd: i32, file: File | null): bool {
  if (<u32>fd >= FDS_MAX) return false
  const at = wordOf(process, fd)
  if (at == 0 || load<u32>(at) == 0) return false
  const there = fileOfWord(load<u32>(at))
  return file == null ? there.inode == null : there == file
}

/**
 * Frees the number; the process's byte-range locks on the file go with it. It may free. => `fd` is
 * taken.
 */
export function clearFd(process: Process, fd: u32): void {
  const at = wordOf(process, fd)
  const file = fileOfWord(load<u32>(at))
  put(at, 0)
  setBit(process, fd, false)
  const inode = file.inode
  if (inode != null) {
    dropRanges(inode, process.pid)
    const queue = inode.queue
    if (queue != null) closeNotice(queue, process.pid, fd)
  }
  dropFile(file)
}

/** => FD_CLOEXEC or 0. => `fd` is open. */
export function fdFlags(process: Process, fd: u32): u32 {
  return load<u32>(wordOf(process, fd)) & FD_CLOEXEC
}

/** Sets or clears FD_CLOEXEC. => `fd` is open. */
export function setFdFlags(process: Process, fd: u32, flags: u32): void {
  const at = wordOf(process, fd)
  put(at, (load<u32>(at) & ~FD_CLOEXEC) | (flags & FD_CLOEXEC))
}

/**
 * dup: the lowest free number from `from` on, for the same description. => fd or -errno; the caller
 * abandons.
 */
export function copyFd(process: Process, fd: i32, from: u32, cloexec: bool): i32 {
  const file = fileAt(process, fd)
  if (file == null) return -EBADF
  useFile(file)
  return takeFd(process, file, from, cloexec)
}

/**
 * fork: `to`, which has no table, gets `from`'s descriptors. => false when memory is out: the
 * caller abandons. => lock held.
 */
export function copyFiles(from: Process, to: Process): bool {
  if (from.files == 0) return true
  for (let fd: u32 = 0; fd < FDS_MAX; fd++) {
    const at = wordOf(from, fd)
    if (at == 0) {
      fd |= CHUNK_FDS - 1
      continue
    }
    const word = load<u32>(at)
    if (word == 0 || fileOfWord(word).inode == null) continue
    useFile(fileOfWord(word))
    if (!putFd(to, fileOfWord(word), fd, (word & FD_CLOEXEC) != 0)) return false
  }
  return true
}

/**
 * exec, exit: closes the descriptors with FD_CLOEXEC, or (`all`) every one. => lock held; it frees,
 * and relaxes.
 */
export function closeFiles(process: Process, all: bool): void {
  for (let fd: u32 = 0; fd < FDS_MAX; fd++) {
    const at = wordOf(process, fd)
    if (at == 0) {
      fd |= CHUNK_FDS - 1
      continue
    }
    const word = load<u32>(at)
    if (word == 0 || (!all && (word & FD_CLOEXEC) == 0)) continue
    clearFd(process, fd)
    relaxIfDeep()
  }
  if (all) freeTable(process)
}

function freeTable(process: Process): void {
  if (process.files == 0) return
  const table: usize = process.files
  for (let i: u32 = 0; i < CHUNKS; i++) {
    const chunk = load<u32>(table + ((<usize>i) << 2), CHUNK_AT)
    if (chunk != 0) free(chunk, CHUNK_FDS << 2)
  }
  edit<Process>(process).files = 0
  free(table, TABLE_BYTES)
}

/**
 * Panics at the first broken invariant of a process's table; => descriptors in use. => lock held.
 */
export function checkTable(process: Process): u32 {
  let count: u32 = 0
  for (let fd: u32 = 0; process.files != 0 && fd < FDS_MAX; fd++) {
    const at = wordOf(process, fd)
    const bits = load<u64>(<usize>process.files + ((<usize>(fd >> 6)) << 3))
    const used = at != 0 && load<u32>(at) != 0
    check(((bits >> (fd & 63)) & 1) == (used ? <u64>1 : <u64>0), PANIC_FILE, fd)
    if (!used) continue
    checkFile(fileOfWord(load<u32>(at)))
    count++
  }
  return count
}
