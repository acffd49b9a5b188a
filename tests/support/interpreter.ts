/**
 * Runs steps (steps.ts) on Isopage: each one a call of a process, made by the thread that the caller names.
 * Invariant: slots belong to the process, not to the thread, as descriptors do.
 */

import { F, MAP, MREMAP, O, type Process } from '../../dist/src/index.js'
import { ARENA_PAGES, NOWHERE, nameOf, OPEN, PAGE, runs, SLOTS, type Step } from './steps.ts'

/** A call that failed, from whichever thread. */
export interface Failure {
  code: string
  address?: number
}

/** Makes one call of a process. Resolves to what it gives, or rejects with something that has `code`. */
export type Call = (name: keyof Process, ...args: unknown[]) => unknown

/** Where the arena of every process begins: no mapping that the kernel places by itself reaches it. */
export const ARENA = 0x9000_0000
const ARENA_END = ARENA + ARENA_PAGES * PAGE

/** The outcome of a failed call, as a line. */
export function outcomeOf(failure: Failure): string {
  const { code, address } = failure
  return code === 'SIGSEGV' || code === 'SIGBUS'
    ? `${code}@${(address as number) - ARENA}`
    : String(code)
}

function openFlags(flags: number): number {
  const access = { 0: 0, 1: O.RDONLY, 2: O.WRONLY, 3: O.RDWR }[flags & 3] as number
  const more = [
    [OPEN.CREAT, O.CREAT],
    [OPEN.EXCL, O.EXCL],
    [OPEN.TRUNC, O.TRUNC],
    [OPEN.APPEND, O.APPEND],
  ] as const
  return more.reduce((sum, [bit, flag]) => (flags & bit ? sum | flag : sum), access)
}

/** One process's side of a script. */
export class Interpreter {
  readonly #root: string
  readonly #slots = new Array<number>(SLOTS).fill(-1)

  /** @param root directory of the files, with a slash at its end */
  constructor(root: string) {
    this.#root = root
  }

  /** => the side of a child: the same slots. */
  forked(): Interpreter {
    const child = new Interpreter(this.#root)
    for (const [slot, fd] of this.#slots.entries()) child.#slots[slot] = fd
    return child
  }

  /** => the outcome of a step whose calls `call` makes; `fork` is the caller's, who has the processes. */
  async run(step: Step, call: Call): Promise<string> {
    const [name, , ...n] = step
    const numbers = n as [number, number, number, number, number, number]
    try {
      return await this.#steps(call)[name](...numbers)
    } catch (error) {
      if (typeof (error as Failure).code !== 'string') throw error
      return outcomeOf(error as Failure)
    }
  }

  #fd(slot: number): number {
    return this.#slots[slot] as number
  }

  #path(file: number): string {
    return this.#root + nameOf(file)
  }

  #steps(call: Call) {
    const ok = async (result: unknown) => {
      await result
      return 'ok'
    }
    const count = async (result: unknown) => `ok ${await result}`
    const at = (address: number) => (address === NOWHERE ? 0 : ARENA + address)
    const fill = (length: number, value: number) => new Uint8Array(length).fill(value)
    const fd = (slot: number) => this.#fd(slot)
    return {
      mmap: (
        address: number,
        length: number,
        prot: number,
        flags: number,
        slot: number,
        offset: number,
      ) => this.#map(call, at(address), length, prot, flags, slot, offset),
      munmap: (a: number, length: number) => ok(call('munmap', at(a), length)),
      mprotect: (a: number, length: number, prot: number) =>
        ok(call('mprotect', at(a), length, prot)),
      mremap: (a: number, before: number, after: number, flags: number, to: number) =>
        this.#remap(call, at(a), before, after, flags, at(to)),
      msync: (a: number, length: number, flags: number) => ok(call('msync', at(a), length, flags)),
      madvise: (a: number, length: number, advice: number) =>
        ok(call('madvise', at(a), length, advice)),
      mincore: (a: number, length: number) => ok(call('mincore', at(a), length)),
      mlock: (a: number, length: number) => ok(call('mlock', at(a), length)),
      munlock: (a: number, length: number) => ok(call('munlock', at(a), length)),
      mlockall: (flags: number) => ok(call('mlockall', flags)),
      munlockall: () => ok(call('munlockall')),
      load: async (a: number, length: number) => {
        const into = shared(length)
        await call('vmRead', at(a), into)
        return runs(into)
      },
      store: (a: number, length: number, value: number) =>
        ok(call('vmWrite', at(a), fill(length, value))),
      open: (slot: number, file: number, flags: number) => this.#open(call, slot, file, flags),
      close: (slot: number) => this.#close(call, slot),
      dup: (slot: number, to: number) => this.#dup(call, slot, to),
      read: async (slot: number, length: number) => {
        const into = shared(length)
        return runs(into.subarray(0, (await call('read', fd(slot), into)) as number))
      },
      write: (slot: number, length: number, value: number) =>
        count(call('write', fd(slot), fill(length, value))),
      pread: async (slot: number, length: number, offset: number) => {
        const into = shared(length)
        return runs(into.subarray(0, (await call('pread', fd(slot), into, offset)) as number))
      },
      pwrite: (slot: number, length: number, value: number, offset: number) =>
        count(call('pwrite', fd(slot), fill(length, value), offset)),
      lseek: (slot: number, offset: number, whence: number) =>
        count(call('lseek', fd(slot), offset, whence)),
      ftruncate: (slot: number, size: number) => ok(call('ftruncate', fd(slot), size)),
      fallocate: (slot: number, mode: number, offset: number, length: number) =>
        ok(call('fallocate', fd(slot), mode, offset, length)),
      fsync: (slot: number) => ok(call('fsync', fd(slot))),
      size: async (slot: number) => {
        const { size, nlink } = (await call('fstat', fd(slot))) as { size: number; nlink: number }
        return `ok ${size} ${nlink}`
      },
      unlink: (file: number) => ok(call('unlink', this.#path(file))),
      rename: (file: number, to: number) => ok(call('rename', this.#path(file), this.#path(to))),
      link: (file: number, to: number) => ok(call('link', this.#path(file), this.#path(to))),
      flock: (slot: number, operation: number) => ok(call('flock', fd(slot), operation)),
      setlk: (slot: number, type: number, start: number, length: number) =>
        ok(call('fcntl', fd(slot), F.SETLK, { type, start, length })),
      getlk: async (slot: number, type: number, start: number, length: number) => {
        const held = await call('fcntl', fd(slot), F.GETLK, { type, start, length })
        return held === null ? 'ok free' : 'ok held'
      },
      fork: () => Promise.reject(new Error('fork is not one call')),
    }
  }

  async #map(
    call: Call,
    addr: number,
    length: number,
    prot: number,
    flags: number,
    slot: number,
    offset: number,
  ): Promise<string> {
    const fd = flags & MAP.ANONYMOUS ? -1 : this.#fd(slot)
    // A thread elsewhere gives the mapping's address, as a Mapping cannot be sent.
    const map = await call('mmap', { addr, length, prot, flags, fd, offset })
    return this.#placed(call, (map as { address: number }).address, length)
  }

  async #remap(call: Call, a: number, before: number, after: number, flags: number, to: number) {
    const address = await call('mremap', a, before, after, flags, flags & MREMAP.FIXED ? to : 0)
    return this.#placed(call, address as number, after)
  }

  async #placed(call: Call, address: number, length: number): Promise<string> {
    if (address >= ARENA && address < ARENA_END) return `ok ${address - ARENA}`
    await call('munmap', address, length)
    return 'away'
  }

  async #open(call: Call, slot: number, file: number, flags: number): Promise<string> {
    if (this.#fd(slot) >= 0) await this.#close(call, slot)
    this.#slots[slot] = (await call('open', this.#path(file), openFlags(flags), 0o644)) as number
    return 'ok'
  }

  async #close(call: Call, slot: number): Promise<string> {
    const fd = this.#fd(slot)
    this.#slots[slot] = -1
    await call('close', fd)
    return 'ok'
  }

  async #dup(call: Call, slot: number, to: number): Promise<string> {
    const copy = (await call('dup', this.#fd(slot))) as number
    if (this.#fd(to) >= 0) await call('close', this.#fd(to))
    this.#slots[to] = copy
    return 'ok'
  }
}

/** An array that a thread elsewhere can fill. */
function shared(length: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(length))
}
