/** What stat, readdir and F_GETLK leave in a thread's buffer, as objects. Layouts: assembly/abi.ts. */
import * as abi from '../assembly/abi.js'
import type { Instance } from './instance.js'

/** A file's attributes; names and units as in node:fs, times in milliseconds since 1970. */
export interface Stat {
  readonly dev: number
  readonly ino: bigint
  /** Type (`S.IFMT`) and permission bits. */
  readonly mode: number
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly atimeMs: number
  readonly mtimeMs: number
  readonly ctimeMs: number
  /** 512-byte units that hold data. */
  readonly blocks: number
  readonly blksize: number
}

export type EntryType = 'file' | 'directory' | 'symlink' | 'unknown'

export interface Entry {
  readonly name: string
  readonly ino: bigint
  readonly type: EntryType
}

/** A byte-range lock that stands in the way. */
export interface HeldLock {
  readonly type: number
  readonly start: number
  /** 0: to the end of the file. */
  readonly length: number
  readonly pid: number
}

const TYPES: ReadonlyMap<number, EntryType> = new Map([
  [abi.DT_DIR, 'directory'],
  [abi.DT_REG, 'file'],
  [abi.DT_LNK, 'symlink'],
])

export function readStat({ view, resultAt }: Instance): Stat {
  const long = (field: number) => view.getBigUint64(resultAt + field, true)
  const word = (field: number) => view.getUint32(resultAt + field, true)
  const time = (field: number) => view.getFloat64(resultAt + field, true)
  return {
    dev: Number(long(abi.STAT_DEV)),
    ino: long(abi.STAT_INO),
    mode: word(abi.STAT_MODE),
    nlink: word(abi.STAT_NLINK),
    uid: word(abi.STAT_UID),
    gid: word(abi.STAT_GID),
    size: Number(long(abi.STAT_SIZE)),
    atimeMs: time(abi.STAT_ATIME),
    mtimeMs: time(abi.STAT_MTIME),
    ctimeMs: time(abi.STAT_CTIME),
    blocks: Number(long(abi.STAT_BLOCKS)),
    blksize: word(abi.STAT_BLKSIZE),
  }
}

/** The entries in the first `bytes` bytes of the data buffer, and the cookie to go on with. */
export function readEntries(instance: Instance, bytes: number): { entries: Entry[]; next: number } {
  const { view, dataAt } = instance
  const entries: Entry[] = []
  let next = 0
  for (let at = dataAt; at < dataAt + bytes; ) {
    const nameBytes = view.getUint32(at + abi.DIRENT_NAME_BYTES, true)
    next = Number(view.getBigUint64(at + abi.DIRENT_NEXT, true))
    entries.push({
      name: instance.text(at + abi.DIRENT_BYTES, nameBytes),
      ino: view.getBigUint64(at + abi.DIRENT_INO, true),
      type: TYPES.get(view.getUint8(at + abi.DIRENT_TYPE)) ?? 'unknown',
    })
    at += abi.DIRENT_BYTES + nameBytes
  }
  return { entries, next }
}

/** What F_GETLK found; null when nothing stands in the way. */
export function readLock({ view, resultAt }: Instance): HeldLock | null {
  const type = view.getUint32(resultAt + abi.FLOCK_TYPE, true)
  if (type === abi.F_UNLCK) return null
  return {
    type,
    pid: view.getUint32(resultAt + abi.FLOCK_PID, true),
    start: Number(view.getBigUint64(resultAt + abi.FLOCK_START, true)),
    length: Number(view.getBigUint64(resultAt + abi.FLOCK_LENGTH, true)),
  }
}
