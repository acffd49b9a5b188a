/**
 * The memory of a guest as its calls see it: private memory below 2 GiB, the mapped window above.
 *
 * Invariants:
 *   1. A bad address is the errno EFAULT, never a trap: `Errno` is thrown, and whoever answers the guest returns its number.
 *   2. What lies in the window is read and written by the kernel's tracked copies, as a load or a store would be.
 *   3. Private memory may grow between two calls: views of it are looked up at each call.
 *   4. Addresses come as Wasm gives them, signed, or unsigned with an offset; lengths are unsigned.
 */
import { EFAULT, ENAMETOOLONG, PATH_MAX } from '../../assembly/abi.js'
import type { Instance } from '../instance.js'
import type { Process } from '../process.js'

/** An errno on its way to the guest. */
export class Errno extends Error {
  readonly errno: number

  constructor(errno: number) {
    super(`errno ${errno}`)
    this.errno = errno
  }
}

/** First address that is not private. */
const WINDOW = 0x8000_0000
const ADDRESS_MAX = 0xffff_ffff
/** Longest copy that is made before the kernel was asked whether its source is there. */
const COPY_MAX = 65_536
/** Bytes of a string looked at together. */
const STRING_STEP = 256

/** EFAULT for a field past the end of all addresses: it does not begin again at 0. */
function addressOf(pointer: number): number {
  if (pointer > ADDRESS_MAX) throw new Errno(EFAULT)
  return pointer >>> 0
}

export class GuestMemory {
  /** Set once the module is instantiated, where it defines its memory itself. */
  memory: WebAssembly.Memory | undefined
  readonly #instance: Instance
  readonly #process: Process
  #bytes = new Uint8Array(0)
  #view = new DataView(this.#bytes.buffer)
  readonly #scratch = new DataView(new ArrayBuffer(8))

  constructor(instance: Instance, process: Process, memory?: WebAssembly.Memory) {
    this.#instance = instance
    this.#process = process
    this.memory = memory
  }

  /** Private memory, as it is now. */
  get bytes(): Uint8Array {
    this.#refresh()
    return this.#bytes
  }

  #refresh(): void {
    const buffer = this.memory?.buffer
    if (!buffer || buffer === this.#bytes.buffer) return
    this.#bytes = new Uint8Array(buffer)
    this.#view = new DataView(buffer)
  }

  /** => [address, address + length) is private memory, and there. EFAULT when it is in neither part. */
  isPrivate(address: number, length: number): boolean {
    if (address >= WINDOW) return false
    this.#refresh()
    if (address + length > this.#bytes.length) throw new Errno(EFAULT)
    return true
  }

  /** => [address, address + length) is the program's own memory, which is there as long as the program. */
  owns(pointer: number, length: number): boolean {
    const address = addressOf(pointer)
    this.#refresh()
    return address < WINDOW && address + length <= this.#bytes.length
  }

  /** EFAULT unless all of the range may be read, or with `write` written. */
  check(pointer: number, length: number, write: boolean): void {
    const address = addressOf(pointer)
    if (length === 0 || this.isPrivate(address, length)) return
    const { calls, view, resultAt } = this.#instance
    for (let done = 0; done < length; done += view.getUint32(resultAt + 4, true)) {
      const { pid } = this.#process
      const granted = calls.access(pid, address + done, length - done, write ? 1 : 0)
      if (granted < 0) throw new Errno(EFAULT)
    }
    calls.release()
  }

  #tracked<T>(access: () => T): T {
    try {
      return access()
    } catch (error) {
      const { code } = error as { code?: string }
      if (code === 'SIGSEGV' || code === 'SIGBUS') throw new Errno(EFAULT)
      throw error
    }
  }

  /** => the bytes, a copy or a view that is good until the next call of the guest. */
  read(pointer: number, length: number): Uint8Array {
    const address = addressOf(pointer)
    if (length === 0) return new Uint8Array(0)
    if (this.isPrivate(address, length)) return this.#bytes.subarray(address, address + length)
    // Nothing is made as long as the guest says before that much is known to be there.
    if (length > COPY_MAX) this.check(pointer, length, false)
    const copy = new Uint8Array(length)
    this.#tracked(() => this.#process.vmRead(address, copy))
    return copy
  }

  write(pointer: number, from: Uint8Array): void {
    const address = addressOf(pointer)
    if (from.length === 0) return
    if (this.isPrivate(address, from.length)) this.#bytes.set(from, address)
    else this.#tracked(() => this.#process.vmWrite(address, from))
  }

  /** => the place to read `bytes` bytes of a number at `address` from. */
  #numbers(pointer: number, bytes: number): [DataView, number] {
    const address = addressOf(pointer)
    if (this.isPrivate(address, bytes)) return [this.#view, address]
    const { buffer } = this.#scratch
    new Uint8Array(buffer).set(this.read(address, bytes))
    return [this.#scratch, 0]
  }

  u8(address: number): number {
    const [view, at] = this.#numbers(address, 1)
    return view.getUint8(at)
  }

  u16(address: number): number {
    const [view, at] = this.#numbers(address, 2)
    return view.getUint16(at, true)
  }

  i32(address: number): number {
    const [view, at] = this.#numbers(address, 4)
    return view.getInt32(at, true)
  }

  u32(address: number): number {
    return this.i32(address) >>> 0
  }

  u64(address: number): bigint {
    const [view, at] = this.#numbers(address, 8)
    return view.getBigUint64(at, true)
  }

  setU8(address: number, value: number): void {
    this.#put(address, 1, (view, at) => view.setUint8(at, value))
  }

  setU16(address: number, value: number): void {
    this.#put(address, 2, (view, at) => view.setUint16(at, value, true))
  }

  setU32(address: number, value: number): void {
    this.#put(address, 4, (view, at) => view.setUint32(at, value, true))
  }

  setU64(address: number, value: bigint): void {
    this.#put(address, 8, (view, at) => view.setBigUint64(at, value, true))
  }

  #put(pointer: number, bytes: number, set: (view: DataView, at: number) => void): void {
    const address = addressOf(pointer)
    if (this.isPrivate(address, bytes)) set(this.#view, address)
    else {
      set(this.#scratch, 0)
      this.write(address, new Uint8Array(this.#scratch.buffer, 0, bytes))
    }
  }

  /** => the bytes before the first 0 from `address` on; ENAMETOOLONG when there are PATH_MAX and more. */
  string(address: number): Uint8Array {
    const parts: number[] = []
    for (let at = addressOf(address); parts.length < PATH_MAX; ) {
      const room = this.#rest(at)
      const piece = this.read(at, Math.min(STRING_STEP, room))
      const end = piece.indexOf(0)
      parts.push(...(end < 0 ? piece : piece.subarray(0, end)))
      if (end >= 0 && parts.length < PATH_MAX) return Uint8Array.from(parts)
      at += piece.length
    }
    throw new Errno(ENAMETOOLONG)
  }

  /** => bytes from `at` on that can be read without reaching into what may not be there. */
  #rest(at: number): number {
    if (at >= WINDOW) return STRING_STEP - (at % STRING_STEP)
    this.isPrivate(at, 1)
    return this.#bytes.length - at
  }
}
