/**
 * The memory calls of a process, under their POSIX and Linux names, by address. Addresses lie in the window 0x8100_0000 to
 * 0xfeff_ffff; lengths are bytes. A `Mapping` has the same calls for its own range.
 *
 * Sources: POSIX.1-2017, Linux man pages; process_vm_readv(2) for vmRead and vmWrite.
 */
import * as abi from '../assembly/abi.js'
import {
  checkBytes,
  checkFd,
  checkFlags,
  checkInteger,
  checkObject,
  checkSize,
  checkTimeout,
} from './check.js'
import { kernelError } from './errors.js'
import { counted, type MapEntry, readMaps, type UncountedMap } from './maps.js'
import { PipeCalls } from './pipes.js'

export interface MmapOptions {
  /** The file; none with MAP.ANONYMOUS. */
  fd?: number
  length: number
  /** PROT.READ | PROT.WRITE by default. */
  prot?: number
  /** MAP.SHARED of a file by default, MAP.PRIVATE | MAP.ANONYMOUS without one. */
  flags?: number
  /** A hint, or with MAP.FIXED the address. */
  addr?: number
  /** Where in the file, a multiple of the page size. */
  offset?: number
}

/** Ends the view of an array that was collected. A kernel that is broken says so to who calls it, not in here. */
const collected = new FinalizationRegistry<() => void>((close) => {
  try {
    close()
  } catch {}
})

export abstract class MemoryCalls extends PipeCalls {
  /** Bytes of a page. */
  get pageSize(): number {
    return this.instance.pageSize
  }

  /** The kernel's memory, in which `bytes` of mappings lie. */
  get memory(): SharedArrayBuffer {
    return this.instance.memory.buffer as unknown as SharedArrayBuffer
  }

  /** mmap(2). => the address. @internal `Process.mmap` gives a Mapping. */
  protected mapAt(options: MmapOptions): number {
    const { calls } = this
    const given = checkObject<MmapOptions>('options', options)
    const { length, addr = 0, offset = 0, fd = -1, flags = defaultFlags(given.fd) } = given
    const { prot = abi.PROT_READ | abi.PROT_WRITE } = given
    checkFd(fd)
    checkFlags('flags', flags)
    checkFlags('prot', prot)
    checkSize('length', length)
    checkSize('addr', addr)
    checkSize('offset', offset)
    const at = calls.mmap(this.pid, addr, length, prot, flags, fd, offset)
    return this.instance.address('mmap', at, addr === 0 ? undefined : { address: addr })
  }

  /** A call on a range, with more numbers after it. */
  #onRange(
    syscall:
      | 'munmap'
      | 'mprotect'
      | 'msync'
      | 'madvise'
      | 'posix_madvise'
      | 'mlock'
      | 'munlock'
      | 'touch',
    address: number,
    length: number,
    ...more: number[]
  ): void {
    const call = this.calls[syscall]
    checkSize('address', address)
    checkSize('length', length)
    this.done(syscall, call(this.pid, address, length, ...more), { address })
  }

  /** munmap(2). */
  munmap(address: number, length: number): void {
    this.#onRange('munmap', address, length)
    this.dirtied()
  }

  /** mprotect(2). */
  mprotect(address: number, length: number, prot: number): void {
    this.#onRange('mprotect', address, length, checkFlags('prot', prot))
  }

  /** mremap(2). => the address. */
  mremap(
    address: number,
    length: number,
    newLength: number,
    flags: number = abi.MREMAP_MAYMOVE,
    newAddress = 0,
  ): number {
    const { calls } = this
    checkSize('address', address)
    checkSize('length', length)
    checkSize('newLength', newLength)
    checkFlags('flags', flags)
    checkSize('newAddress', newAddress)
    const at = calls.mremap(this.pid, address, length, newLength, flags, newAddress)
    return this.instance.address('mremap', at, { address })
  }

  /** msync(2): MS.SYNC, the default, is durable when it returns. */
  msync(address: number, length: number, flags: number = abi.MS_SYNC): void {
    this.#onRange('msync', address, length, checkFlags('flags', flags))
    if ((flags & abi.MS_SYNC) === 0) this.dirtied()
  }

  /** madvise(2). */
  madvise(address: number, length: number, advice: number): void {
    this.#onRange('madvise', address, length, checkFlags('advice', advice))
  }

  /** posix_madvise(3): changes nothing that could be seen. */
  posix_madvise(address: number, length: number, advice: number): void {
    this.#onRange('posix_madvise', address, length, checkFlags('advice', advice))
  }

  /** mincore(2). => a byte a page, its low bit set when the page is in memory. */
  mincore(address: number, length: number): Uint8Array {
    const { calls, instance } = this
    checkSize('address', address)
    checkSize('length', length)
    const found: Uint8Array[] = []
    const step = abi.BUFFER_DATA_BYTES * this.pageSize
    for (let at = 0; at === 0 || at < length; at += step) {
      const part = Math.min(step, length - at)
      const pages = this.done('mincore', calls.mincore(this.pid, address + at, part), { address })
      found.push(instance.bytes.slice(instance.dataAt, instance.dataAt + pages))
    }
    return found.length === 1 ? (found[0] as Uint8Array) : concatenate(found)
  }

  /** The mappings of the process by address, each with its pages counted: /proc/PID/maps for observers. */
  maps(): MapEntry[] {
    const { calls, instance } = this
    const found: UncountedMap[] = []
    for (let from = 0; ; from = found.at(-1)?.end ?? 0) {
      const count = this.done('maps', calls.stat_maps(this.pid, from))
      if (count === 0) break
      found.push(...readMaps(instance, count))
    }
    return found.map((map) => counted(map, this.pages(map.start, map.end - map.start)))
  }

  /** The state of the pages that hold a range, for observers. => a byte of PAGE.* bits a page; 0 where nothing is mapped. */
  pages(address: number, length: number): Uint8Array {
    const { calls, instance, pageSize } = this
    checkSize('address', address)
    checkSize('length', length)
    const first = Math.floor(address / pageSize)
    const bits = new Uint8Array(Math.ceil((address + length) / pageSize) - first)
    for (let done = 0; done < bits.length; ) {
      const at = (first + done) * pageSize
      const count = this.done('pages', calls.stat_pages(this.pid, at, bits.length - done))
      bits.set(instance.bytes.subarray(instance.dataAt, instance.dataAt + count), done)
      done += count
    }
    return bits
  }

  /** mlock(2). */
  mlock(address: number, length: number): void {
    this.#onRange('mlock', address, length)
  }

  /** munlock(2). */
  munlock(address: number, length: number): void {
    this.#onRange('munlock', address, length)
  }

  /** mlockall(2). */
  mlockall(flags: number): void {
    this.done('mlockall', this.calls.mlockall(this.pid, checkFlags('flags', flags)))
  }

  /** munlockall(2). */
  munlockall(): void {
    this.done('munlockall', this.calls.munlockall(this.pid))
  }

  /** Tells the kernel that pages were stored to through `bytes`. */
  touch(address: number, length: number): void {
    this.#onRange('touch', address, length)
    this.dirtied()
  }

  /** Copies out of the mapped window, as loads would. => bytes copied: all, or SIGSEGV or SIGBUS is thrown with `address`. */
  vmRead(address: number, into: Uint8Array): number {
    const bytes = checkBytes('into', into)
    const { bytes: memory } = this.instance
    this.#granted('vmRead', address, bytes.length, false, (at, count, done) =>
      bytes.set(memory.subarray(at, at + count), done),
    )
    return bytes.length
  }

  /** Copies into the mapped window, as stores would. => bytes copied: all, or SIGSEGV or SIGBUS is thrown with `address`. */
  vmWrite(address: number, from: Uint8Array): number {
    const bytes = checkBytes('from', from)
    const { bytes: memory } = this.instance
    this.#granted('vmWrite', address, bytes.length, true, (at, count, done) =>
      memory.set(count === bytes.length ? bytes : bytes.subarray(done, done + count), at),
    )
    this.dirtied()
    return bytes.length
  }

  /** Runs `copy` on each run of memory behind a range, under the kernel's grant to touch it. */
  #granted(
    syscall: string,
    address: number,
    length: number,
    write: boolean,
    copy: (at: number, count: number, done: number) => void,
  ): void {
    const { calls } = this
    const { view, resultAt } = this.instance
    checkSize('address', address)
    const inOnePage = (address % this.pageSize) + length <= this.pageSize
    if (!this.instance.mayBlock && !inOnePage) this.#reach(syscall, address, length, write)
    for (let done = 0; done < length; ) {
      const granted = calls.access(this.pid, address + done, length - done, write ? 1 : 0)
      if (granted < 0) throw kernelError(syscall, -granted, { address: address + done })
      const count = view.getUint32(resultAt + 4, true)
      copy(view.getUint32(resultAt, true), count, done)
      calls.release()
      done += count
    }
  }

  /** Brings a range into memory before any of it is copied: a thread that may not wait for its last page is told with nothing done. */
  #reach(syscall: string, address: number, length: number, write: boolean): void {
    const { calls } = this
    const { view, resultAt } = this.instance
    let result = 0
    for (let done = 0; done < length && result >= 0; ) {
      result = calls.access(this.pid, address + done, length - done, write ? 1 : 0)
      if (result === -abi.EWOULDBLOCK_PARK) throw kernelError(syscall, -result, { address })
      done += view.getUint32(resultAt + 4, true)
    }
    calls.release()
  }

  /** An array over mapped memory, pinned until it is collected. `Mapping.bytes` says the rules. */
  view(address: number, length: number): Uint8Array<SharedArrayBuffer> {
    const { instance } = this
    const { at, close } = this.#openView(address, length)
    const bytes = new Uint8Array(this.memory, at, length)
    collected.register(bytes, () => {
      if (!instance.table.closed) close()
    })
    this.dirtied()
    return bytes
  }

  /** Brings the pages of a range into memory, and together, as `view` needs them. */
  gather(address: number, length: number): void {
    this.#openView(address, length).close()
  }

  #openView(address: number, length: number): { at: number; close: () => void } {
    const { calls, instance } = this
    checkSize('address', address)
    checkSize('length', length)
    this.done('bytes', calls.view_open(this.pid, address, length), { address })
    const at = instance.view.getUint32(instance.resultAt, true)
    const id = instance.view.getUint32(instance.resultAt + 4, true)
    return { at, close: () => void instance.lastCalls.view_close(id) }
  }

  /** futex(2), FUTEX_WAIT: waits while the 32-bit word at `address` is `expected`. EAGAIN, ETIMEDOUT, EINTR. */
  futexWait(address: number, expected: number, timeoutMs?: number): void {
    const { calls } = this
    checkSize('address', address)
    checkInteger('expected', expected, -(2 ** 31), 2 ** 32 - 1)
    const limit = checkTimeout('timeoutMs', timeoutMs)
    this.done('futexWait', calls.futex_wait(this.pid, address, expected, limit), { address })
  }

  /** futex(2), FUTEX_WAKE. => waiters woken, at most `count`. */
  futexWake(address: number, count = 0xffffffff): number {
    checkSize('address', address)
    const most = count === Number.POSITIVE_INFINITY ? 0xffffffff : checkFlags('count', count)
    return this.done('futexWake', this.calls.futex_wake(this.pid, address, most), { address })
  }
}

function defaultFlags(fd: number | undefined): number {
  return fd === undefined ? abi.MAP_PRIVATE | abi.MAP_ANONYMOUS : abi.MAP_SHARED
}

function concatenate(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
