/**
 * The part of wasi_snapshot_preview1 that files need: signatures, flags and layouts, as the witx has them.
 * Sizes in bytes; i64 parameters are bigints; addresses and lengths may arrive negative (u32 as i32).
 */
import type { Awaitable, FileType } from './provider.js'

export const OFLAG_CREAT = 1
export const OFLAG_DIRECTORY = 2
export const OFLAG_EXCL = 4
export const OFLAG_TRUNC = 8
export const FDFLAG_NONBLOCK = 4
export const LOOKUP_SYMLINK_FOLLOW = 1
export const RIGHTS_READ = (1n << 1n) | (1n << 14n) // fd_read, fd_readdir
export const RIGHTS_WRITE = (1n << 6n) | (1n << 8n) | (1n << 22n) // fd_write, fd_allocate, fd_filestat_set_size
export const FST_ATIM = 1
export const FST_ATIM_NOW = 2
export const FST_MTIM = 4
export const FST_MTIM_NOW = 8

export const FILESTAT_BYTES = 64
export const DIRENT_BYTES = 24
export const FILETYPES: Readonly<Record<FileType, number>> = {
  other: 0,
  directory: 3,
  file: 4,
  symlink: 7,
}

/** An errno, or a promise of one only when the provider returned a promise. */
export type Errno = Awaitable<number>

/** The imports, each with preview 1's parameters; i64 is a bigint. */
export interface WasiFiles {
  path_open(
    fd: number,
    lookup: number,
    path: number,
    pathLength: number,
    oflags: number,
    rights: bigint,
    rightsInheriting: bigint,
    fdflags: number,
    openedFd: number,
  ): Errno
  fd_close(fd: number): Errno
  fd_pread(fd: number, iovs: number, count: number, offset: bigint, nread: number): Errno
  fd_pwrite(fd: number, iovs: number, count: number, offset: bigint, nwritten: number): Errno
  fd_filestat_get(fd: number, filestat: number): Errno
  fd_filestat_set_size(fd: number, size: bigint): Errno
  fd_filestat_set_times(fd: number, atime: bigint, mtime: bigint, fstflags: number): Errno
  fd_sync(fd: number): Errno
  fd_datasync(fd: number): Errno
  fd_readdir(fd: number, buffer: number, length: number, cookie: bigint, used: number): Errno
  path_filestat_get(
    fd: number,
    lookup: number,
    path: number,
    pathLength: number,
    filestat: number,
  ): Errno
  path_filestat_set_times(
    fd: number,
    lookup: number,
    path: number,
    pathLength: number,
    atime: bigint,
    mtime: bigint,
    fstflags: number,
  ): Errno
  path_create_directory(fd: number, path: number, pathLength: number): Errno
  path_remove_directory(fd: number, path: number, pathLength: number): Errno
  path_unlink_file(fd: number, path: number, pathLength: number): Errno
  path_rename(
    fd: number,
    from: number,
    fromLength: number,
    toFd: number,
    to: number,
    toLength: number,
  ): Errno
  path_link(
    fd: number,
    lookup: number,
    from: number,
    fromLength: number,
    toFd: number,
    to: number,
    toLength: number,
  ): Errno
  path_symlink(
    target: number,
    targetLength: number,
    fd: number,
    path: number,
    pathLength: number,
  ): Errno
  path_readlink(
    fd: number,
    path: number,
    pathLength: number,
    buffer: number,
    length: number,
    used: number,
  ): Errno
}
