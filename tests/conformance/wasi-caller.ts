/**
 * Calls preview 1's file functions as a core does: paths, buffers and results lie in a memory. Works over
 * any set of such functions, ours or node:wasi's, so that the two can be compared.
 */

import type { WasiFiles } from '../../dist/src/providers/wasi.js'

const PAGES = 64
const PATH_AT = 1024
const OTHER_PATH_AT = 8192
const RESULT_AT = 16_384
const IOVS_AT = 20_480
const BUFFER_AT = 65_536
/** The most bytes one call moves here. */
export const BUFFER_BYTES = (PAGES - 1) * 65_536

export const OFLAGS = { create: 1, directory: 2, exclusive: 4, truncate: 8 } as const
/** fd_read, fd_seek, fd_sync, fd_readdir, fd_filestat_get. */
export const READ = (1n << 1n) | (1n << 2n) | (1n << 4n) | (1n << 14n) | (1n << 21n)
/** fd_datasync, fd_write, fd_filestat_set_size. */
export const WRITE = 1n | (1n << 6n) | (1n << 22n)

export interface Filestat {
  ino: bigint
  type: number
  nlink: bigint
  size: bigint
  atime: bigint
  mtime: bigint
}

export interface Dirent {
  next: bigint
  name: string
  type: number
}

/** An errno; 0 with what the call gave. */
export type Outcome<T> = { errno: number; value?: T }

export function sharedMemory(pages = PAGES): WebAssembly.Memory {
  return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
}

export class WasiCaller {
  readonly memory: WebAssembly.Memory
  readonly functions: WasiFiles
  readonly #encoder = new TextEncoder()

  constructor(memory: WebAssembly.Memory, functions: WasiFiles) {
    this.memory = memory
    this.functions = functions
  }

  get view(): DataView {
    return new DataView(this.memory.buffer)
  }

  bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, at, length)
  }

  #path(text: string, at = PATH_AT): [number, number] {
    const encoded = this.#encoder.encode(text)
    this.bytes(at, encoded.length).set(encoded)
    return [at, encoded.length]
  }

  #text(at: number, length: number): string {
    return new TextDecoder().decode(new Uint8Array(this.bytes(at, length)))
  }

  async open(fd: number, path: string, oflags: number, rights: bigint): Promise<Outcome<number>> {
    const [at, length] = this.#path(path)
    const errno = await this.functions.path_open(
      fd,
      0,
      at,
      length,
      oflags,
      rights,
      rights,
      0,
      RESULT_AT,
    )
    return errno ? { errno } : { errno, value: this.view.getUint32(RESULT_AT, true) }
  }

  async close(fd: number): Promise<Outcome<void>> {
    return { errno: await this.functions.fd_close(fd) }
  }

  /** Reads into buffers of these lengths, one after the other. */
  async pread(fd: number, lengths: number[], offset: bigint): Promise<Outcome<number[]>> {
    this.bytes(BUFFER_AT, sum(lengths)).fill(0xee)
    this.#vectors(lengths)
    const errno = await this.functions.fd_pread(fd, IOVS_AT, lengths.length, offset, RESULT_AT)
    if (errno) return { errno }
    return { errno, value: [...this.bytes(BUFFER_AT, this.view.getUint32(RESULT_AT, true))] }
  }

  async pwrite(fd: number, parts: Uint8Array[], offset: bigint): Promise<Outcome<number>> {
    this.#vectors(parts.map((part) => part.length))
    let at = BUFFER_AT
    for (const part of parts) {
      this.bytes(at, part.length).set(part)
      at += part.length
    }
    const errno = await this.functions.fd_pwrite(fd, IOVS_AT, parts.length, offset, RESULT_AT)
    return errno ? { errno } : { errno, value: this.view.getUint32(RESULT_AT, true) }
  }

  #vectors(lengths: number[]): void {
    let at = BUFFER_AT
    lengths.forEach((length, index) => {
      this.view.setUint32(IOVS_AT + index * 8, at, true)
      this.view.setUint32(IOVS_AT + index * 8 + 4, length, true)
      at += length
    })
  }

  #filestat(): Filestat {
    const { view } = this
    return {
      ino: view.getBigUint64(RESULT_AT + 8, true),
      type: view.getUint8(RESULT_AT + 16),
      nlink: view.getBigUint64(RESULT_AT + 24, true),
      size: view.getBigUint64(RESULT_AT + 32, true),
      atime: view.getBigUint64(RESULT_AT + 40, true),
      mtime: view.getBigUint64(RESULT_AT + 48, true),
    }
  }

  async filestat(fd: number): Promise<Outcome<Filestat>> {
    const errno = await this.functions.fd_filestat_get(fd, RESULT_AT)
    return errno ? { errno } : { errno, value: this.#filestat() }
  }

  async pathFilestat(fd: number, path: string): Promise<Outcome<Filestat>> {
    const errno = await this.functions.path_filestat_get(fd, 0, ...this.#path(path), RESULT_AT)
    return errno ? { errno } : { errno, value: this.#filestat() }
  }

  async setSize(fd: number, size: bigint): Promise<Outcome<void>> {
    return { errno: await this.functions.fd_filestat_set_size(fd, size) }
  }

  async sync(fd: number, dataOnly: boolean): Promise<Outcome<void>> {
    const { fd_datasync, fd_sync } = this.functions
    return { errno: await (dataOnly ? fd_datasync(fd) : fd_sync(fd)) }
  }

  async setTimes(fd: number, path: string, atime: bigint, mtime: bigint): Promise<Outcome<void>> {
    const { path_filestat_set_times } = this.functions
    const ATIM_AND_MTIM = 5
    const errno = await path_filestat_set_times(
      fd,
      0,
      ...this.#path(path),
      atime,
      mtime,
      ATIM_AND_MTIM,
    )
    return { errno }
  }

  /** One call with a buffer of `length` bytes: whole entries, and whether the buffer was filled. */
  async readdir(fd: number, cookie: bigint, length: number) {
    const errno = await this.functions.fd_readdir(fd, BUFFER_AT, length, cookie, RESULT_AT)
    if (errno) return { errno, entries: [] as Dirent[], used: 0 }
    const used = this.view.getUint32(RESULT_AT, true)
    const entries: Dirent[] = []
    let at = BUFFER_AT
    while (at + 24 <= BUFFER_AT + used) {
      const nameLength = this.view.getUint32(at + 16, true)
      if (at + 24 + nameLength > BUFFER_AT + used) break
      entries.push({
        next: this.view.getBigUint64(at, true),
        name: this.#text(at + 24, nameLength),
        type: this.view.getUint8(at + 20),
      })
      at += 24 + nameLength
    }
    return { errno, entries, used }
  }

  async makeDirectory(fd: number, path: string): Promise<Outcome<void>> {
    return { errno: await this.functions.path_create_directory(fd, ...this.#path(path)) }
  }

  async removeDirectory(fd: number, path: string): Promise<Outcome<void>> {
    return { errno: await this.functions.path_remove_directory(fd, ...this.#path(path)) }
  }

  async unlink(fd: number, path: string): Promise<Outcome<void>> {
    return { errno: await this.functions.path_unlink_file(fd, ...this.#path(path)) }
  }

  async rename(fd: number, from: string, toFd: number, to: string): Promise<Outcome<void>> {
    const [source, target] = [this.#path(from), this.#path(to, OTHER_PATH_AT)]
    return { errno: await this.functions.path_rename(fd, ...source, toFd, ...target) }
  }

  async link(fd: number, from: string, to: string): Promise<Outcome<void>> {
    const [source, target] = [this.#path(from), this.#path(to, OTHER_PATH_AT)]
    return { errno: await this.functions.path_link(fd, 0, ...source, fd, ...target) }
  }

  async symlink(target: string, fd: number, path: string): Promise<Outcome<void>> {
    const text = this.#path(target)
    const errno = await this.functions.path_symlink(...text, fd, ...this.#path(path, OTHER_PATH_AT))
    return { errno }
  }

  async readlink(fd: number, path: string, length = 4096): Promise<Outcome<string>> {
    const errno = await this.functions.path_readlink(
      fd,
      ...this.#path(path),
      BUFFER_AT,
      length,
      RESULT_AT,
    )
    if (errno) return { errno }
    return { errno, value: this.#text(BUFFER_AT, this.view.getUint32(RESULT_AT, true)) }
  }
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
