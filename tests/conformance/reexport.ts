/**
 * A WebAssembly module that imports preview 1's file functions and a shared memory, and exports them again: a
 * guest whose every call a test makes itself. Assembled here: no compiler gives just that.
 */

const I32 = 0x7f
const I64 = 0x7e

/** The parameters of each function; each gives an errno, an i32. */
const SIGNATURES: Readonly<Record<string, readonly number[]>> = {
  path_open: [I32, I32, I32, I32, I32, I64, I64, I32, I32],
  fd_close: [I32],
  fd_pread: [I32, I32, I32, I64, I32],
  fd_pwrite: [I32, I32, I32, I64, I32],
  fd_filestat_get: [I32, I32],
  fd_filestat_set_size: [I32, I64],
  fd_filestat_set_times: [I32, I64, I64, I32],
  fd_sync: [I32],
  fd_datasync: [I32],
  fd_readdir: [I32, I32, I32, I64, I32],
  path_filestat_get: [I32, I32, I32, I32, I32],
  path_filestat_set_times: [I32, I32, I32, I32, I64, I64, I32],
  path_create_directory: [I32, I32, I32],
  path_remove_directory: [I32, I32, I32],
  path_unlink_file: [I32, I32, I32],
  path_rename: [I32, I32, I32, I32, I32, I32],
  path_link: [I32, I32, I32, I32, I32, I32, I32],
  path_symlink: [I32, I32, I32, I32, I32],
  path_readlink: [I32, I32, I32, I32, I32, I32],
}

const NAMES = Object.keys(SIGNATURES)

export function reexport(): WebAssembly.Module {
  const types = NAMES.map((name) => [0x60, ...vector(SIGNATURES[name] as number[]), 1, I32])
  const functions = NAMES.map((name, index) => [
    ...text('wasi_snapshot_preview1'),
    ...text(name),
    0,
    index,
  ])
  // Shared, from 1 to 65,536 pages: any memory that a test makes fits.
  const memory = [...text('env'), ...text('memory'), 2, 3, 1, ...leb(65_536)]
  const start = [...text('_start'), 0, NAMES.length]
  const exports = NAMES.map((name, index) => [...text(name), 0, index])
  const bytes = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list([...types, [0x60, 0, 0]])),
    ...section(2, list([...functions, memory])),
    ...section(3, list([[NAMES.length]])),
    ...section(7, list([...exports, [...text('memory'), 2, 0], start])),
    ...section(10, list([[2, 0, 0x0b]])),
  ]
  return new WebAssembly.Module(new Uint8Array(bytes))
}

function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)]
}

function vector(bytes: readonly number[]): number[] {
  return [...leb(bytes.length), ...bytes]
}

function text(value: string): number[] {
  return vector([...new TextEncoder().encode(value)])
}

function list(items: readonly (readonly number[])[]): number[] {
  return [...leb(items.length), ...items.flat()]
}

function section(id: number, bytes: readonly number[]): number[] {
  return [id, ...vector(bytes)]
}
