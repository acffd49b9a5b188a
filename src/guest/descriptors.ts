/**
 * What preview 1 says of descriptors besides what the kernel knows: rights, and which of them are preopened directories.
 *
 * A descriptor that a call outside of WASI made (dup, pipe, openat) has every right. Rights can only be taken away: the kernel's own checks stand below.
 */
import { ENOTCAPABLE } from '../../assembly/abi.js'
import { Errno } from './memory.js'
import { ALL_RIGHTS, RIGHT, type RightName } from './wasi-abi.js'

export interface Rights {
  readonly base: bigint
  readonly inheriting: bigint
}

const EVERY: Rights = { base: ALL_RIGHTS, inheriting: ALL_RIGHTS }

export class Descriptors {
  readonly #rights = new Map<number, Rights>()
  readonly #preopens = new Map<number, string>()
  /** Preopens of '/': `..` has a meaning there. */
  readonly #roots = new Set<number>()

  /** The name that a preopened directory has for the guest. */
  preopen(fd: number, name: string, isRoot: boolean): void {
    this.#preopens.set(fd, name)
    if (isRoot) this.#roots.add(fd)
  }

  preopenName(fd: number): string | undefined {
    return this.#preopens.get(fd)
  }

  /** => paths from here may go up: there is nothing above. */
  isRoot(fd: number): boolean {
    return this.#roots.has(fd)
  }

  rightsOf(fd: number): Rights {
    return this.#rights.get(fd) ?? EVERY
  }

  setRights(fd: number, rights: Rights): void {
    this.#rights.set(fd, rights)
  }

  /** ENOTCAPABLE unless `fd` has the right. */
  need(fd: number, name: RightName): void {
    if ((this.rightsOf(fd).base & RIGHT[name]) === 0n) throw new Errno(ENOTCAPABLE)
  }

  /** `fd` was closed, or means something else now. */
  forget(fd: number): void {
    this.#rights.delete(fd)
    this.#preopens.delete(fd)
    this.#roots.delete(fd)
  }

  /** `to` means what `fd` did, `fd` is closed. */
  move(fd: number, to: number): void {
    const rights = this.#rights.get(fd)
    const name = this.#preopens.get(fd)
    const isRoot = this.#roots.has(fd)
    this.forget(to)
    this.forget(fd)
    if (rights) this.#rights.set(to, rights)
    if (name !== undefined) this.preopen(to, name, isRoot)
  }
}
