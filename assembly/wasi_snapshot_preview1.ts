/**
 * The file half of WASI preview 1, as the host provides it to threads that serve a mount (src/providers/wasi.ts).
 *
 * The file's name is the import module's. Each returns a WASI errno, 0 when done; pointers are into the shared memory.
 * https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md
 */
export declare function path_open(
  fd: u32,
  lookup: u32,
  path: u32,
  pathBytes: u32,
  oflags: u32,
  rights: u64,
  inheriting: u64,
  fdflags: u32,
  result: u32,
): u32
export declare function fd_close(fd: u32): u32
export declare function fd_pread(fd: u32, iovs: u32, count: u32, offset: u64, result: u32): u32
export declare function fd_pwrite(fd: u32, iovs: u32, count: u32, offset: u64, result: u32): u32
export declare function fd_filestat_get(fd: u32, result: u32): u32
export declare function fd_filestat_set_size(fd: u32, size: u64): u32
export declare function fd_filestat_set_times(fd: u32, atime: u64, mtime: u64, fstflags: u32): u32
export declare function fd_sync(fd: u32): u32
export declare function fd_datasync(fd: u32): u32
export declare function fd_readdir(fd: u32, to: u32, bytes: u32, cookie: u64, result: u32): u32
export declare function path_filestat_get(
  fd: u32,
  lookup: u32,
  path: u32,
  pathBytes: u32,
  result: u32,
): u32
export declare function path_filestat_set_times(
  fd: u32,
  lookup: u32,
  path: u32,
  pathBytes: u32,
  atime: u64,
  mtime: u64,
  fstflags: u32,
): u32
export declare function path_create_directory(fd: u32, path: u32, pathBytes: u32): u32
export declare function path_remove_directory(fd: u32, path: u32, pathBytes: u32): u32
export declare function path_unlink_file(fd: u32, path: u32, pathBytes: u32): u32
export declare function path_rename(
  fd: u32,
  path: u32,
  pathBytes: u32,
  newFd: u32,
  newPath: u32,
  newPathBytes: u32,
): u32
export declare function path_link(
  fd: u32,
  lookup: u32,
  path: u32,
  pathBytes: u32,
  newFd: u32,
  newPath: u32,
  newPathBytes: u32,
): u32
export declare function path_symlink(
  target: u32,
  targetBytes: u32,
  fd: u32,
  path: u32,
  pathBytes: u32,
): u32
export declare function path_readlink(
  fd: u32,
  path: u32,
  pathBytes: u32,
  to: u32,
  bytes: u32,
  result: u32,
): u32
