/** Mappings through the host's API: tracked access, arrays, faults, and what each call makes of its range. */

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import {
  boot,
  IPC,
  type Kernel,
  MADV,
  MAP,
  MS,
  O,
  PROT,
  type Process,
} from '../../dist/src/index.js'
import { codeOf } from '../conformance/runtime.ts'

let kernel: Kernel
let p: Process
beforeAll(async () => {
  kernel = await boot({ memory: '32MiB' })
})
beforeEach(() => {
  p = kernel.process()
  return () => {
    p[Symbol.dispose]()
    kernel.check()
  }
})
afterAll(() => kernel.close())

const PAGE = 4096

function bytes(...values: number[]): Uint8Array {
  return new Uint8Array(values)
}

describe('tracked access', () => {
  test('reads what was written, across pages', () => {
    const map = p.mmap({ length: 3 * PAGE })
    const data = Uint8Array.from({ length: 2 * PAGE }, (_, index) => index % 251)
    map.write(100, data)
    expect(map.read(100, data.length)).toEqual(data)
    expect([...map.read(98, 3)]).toEqual([0, 0, 0])
  })

  test('reads into an array of the caller, and gives it back', () => {
    const map = p.mmap({ length: PAGE })
    map.write(0, bytes(1, 2, 3, 4))
    const into = new Uint8Array(3)
    expect(map.read(1, into)).toBe(into)
    expect([...into]).toEqual([2, 3, 4])
  })

  test('a forbidden store is SIGSEGV with the address, and what came before it stays', () => {
    const map = p.mmap({ length: 2 * PAGE })
    map.protect(PROT.READ, { offset: PAGE })
    const store = () => map.write(PAGE - 2, bytes(1, 2, 3, 4))
    expect(store).toThrow(
      expect.objectContaining({ code: 'SIGSEGV', address: map.address + PAGE, syscall: 'vmWrite' }),
    )
    expect([...map.read(PAGE - 2, 4)]).toEqual([1, 2, 0, 0])
  })

  test('past the end of the file is SIGBUS, until the file grows', () => {
    const fd = p.open('/sigbus', O.CREAT | O.RDWR)
    p.ftruncate(fd, PAGE)
    const map = p.mmap({ fd, length: 2 * PAGE })
    expect(() => map.read(PAGE, 1)).toThrow(expect.objectContaining({ code: 'SIGBUS' }))
    p.ftruncate(fd, 2 * PAGE)
    expect([...map.read(PAGE, 1)]).toEqual([0])
  })

  test('an access that leaves the mapping is out of range, and nothing is read', () => {
    const map = p.mmap({ length: 100 })
    for (const act of [
      () => map.read(99, 2),
      () => map.write(100, bytes(1)),
      () => map.notify(97),
    ]) {
      expect(act).toThrow(expect.objectContaining({ code: 'ERR_OUT_OF_RANGE' }))
    }
    map.write(99, bytes(9))
    expect([...map.read(99, 1)]).toEqual([9])
  })
})

describe('arrays', () => {
  test('bytes is a fresh array over the same memory each time', () => {
    const map = p.mmap({ length: 2 * PAGE })
    const first = map.bytes
    first[PAGE + 1] = 5
    expect(map.bytes).not.toBe(first)
    expect(map.bytes.byteOffset).toBe(first.byteOffset)
    expect(map.bytes[PAGE + 1]).toBe(5)
    expect(first.length).toBe(2 * PAGE)
  })

  test('buffer and byteOffset carry typed arrays', () => {
    const map = p.mmap({ length: PAGE })
    Atomics.add(new Int32Array(map.buffer, map.byteOffset, 1), 0, 41)
    Atomics.add(new Int32Array(map.buffer, map.byteOffset, 1), 0, 1)
    expect(map.read(0, 1)[0]).toBe(42)
  })
})

describe('arrays over files', () => {
  test('two mappings of one file are one page, and read() sees it', () => {
    const fd = p.open('/one-page', O.CREAT | O.RDWR)
    p.ftruncate(fd, 3 * PAGE)
    const whole = p.mmap({ fd, length: 3 * PAGE })
    const tail = p.mmap({ fd, length: PAGE, offset: 2 * PAGE })
    const all = whole.bytes
    tail.bytes[7] = 77
    expect(all[2 * PAGE + 7]).toBe(77)
    const into = new Uint8Array(1)
    p.pread(fd, into, 2 * PAGE + 7)
    expect(into[0]).toBe(77)
  })

  test('a private mapping takes copies, and the file keeps its bytes', () => {
    const fd = p.open('/private', O.CREAT | O.RDWR)
    p.write(fd, bytes(1, 2, 3))
    const map = p.mmap({ fd, length: PAGE, flags: MAP.PRIVATE })
    map.bytes[0] = 9
    const into = new Uint8Array(1)
    p.pread(fd, into, 0)
    expect([into[0], map.read(0, 1)[0]]).toEqual([1, 9])
  })

  test('an array outlives its mapping', () => {
    const map = p.mmap({ length: PAGE })
    const array = map.bytes
    array.fill(3)
    map.unmap()
    const other = p.mmap({ length: 16 * PAGE })
    other.write(0, new Uint8Array(16 * PAGE).fill(8))
    expect(array.every((byte) => byte === 3)).toBe(true)
    expect(kernel.stats().orphanFrames).toBeGreaterThan(0)
  })

  test('segments cover the mapping in order, over the same memory', () => {
    const map = p.mmap({ length: 5 * PAGE + 10 })
    map.write(4 * PAGE, bytes(4))
    const segments = map.segments()
    let at = 0
    for (const { offset, bytes: piece } of segments) {
      expect(offset).toBe(at)
      at += piece.length
      piece[0] = 200
    }
    expect(at).toBe(5 * PAGE + 10)
    for (const { offset } of segments) expect(map.read(offset, 1)[0]).toBe(200)
  })

  test('pages that other arrays hold elsewhere come as segments', async () => {
    const fd = p.open('/pinned', O.CREAT | O.RDWR)
    p.ftruncate(fd, 3 * PAGE)
    const held = [1, 0].map((page) => p.mmap({ fd, length: PAGE, offset: page * PAGE }).bytes)
    const map = p.mmap({ fd, length: 3 * PAGE })
    expect(await codeOf(() => map.bytes)).toBe('ENOMEM')
    const segments = map.segments()
    expect(segments.length).toBeGreaterThan(1)
    for (const { bytes: piece } of segments) piece.fill(6)
    expect(held.every((array) => array.every((byte) => byte === 6))).toBe(true)
    expect(map.read(0, 3 * PAGE).every((byte) => byte === 6)).toBe(true)
  })

  test('bytes of what may not be read and written is EACCES', async () => {
    const map = p.mmap({ length: PAGE, prot: PROT.READ })
    expect(await codeOf(() => map.bytes)).toBe('EACCES')
  })
})

describe('calls on a range', () => {
  test('sync rounds its range down to pages', () => {
    const fd = p.open('/sync', O.CREAT | O.RDWR)
    p.ftruncate(fd, 2 * PAGE)
    const map = p.mmap({ fd, length: 2 * PAGE })
    map.sync()
    map.sync({ offset: 100, length: 1 })
    map.sync({ flags: MS.ASYNC, offset: PAGE + 1 })
  })

  test('remap grows, keeps the bytes, and says where it is', () => {
    const map = p.mmap({ length: PAGE })
    p.mmap({ length: PAGE, addr: map.address + PAGE })
    map.write(0, bytes(1, 2))
    map.remap(64 * PAGE)
    expect(map.length).toBe(64 * PAGE)
    expect([...map.read(0, 3)]).toEqual([1, 2, 0])
    map.write(64 * PAGE - 1, bytes(3))
  })

  test('advise DONTNEED empties private memory; lock and unlock hold it', async () => {
    const map = p.mmap({ length: 2 * PAGE })
    map.write(0, bytes(1))
    map.lock()
    expect(await codeOf(() => map.advise(MADV.DONTNEED))).toBe('EINVAL')
    map.unlock()
    map.advise(MADV.DONTNEED)
    expect(map.read(0, 1)[0]).toBe(0)
  })

  test('mincore has a byte a page', () => {
    const map = p.mmap({ length: 3 * PAGE })
    map.write(PAGE, bytes(1))
    expect([...p.mincore(map.address, 3 * PAGE)].map((byte) => byte & 1)).toEqual([0, 1, 0])
  })

  test('dispose unmaps once, and after an unmap does nothing', async () => {
    const map = p.mmap({ length: PAGE })
    const { address } = map
    {
      using inner = map
      inner.unmap()
    }
    expect(map.closed).toBe(true)
    expect(await codeOf(() => p.vmRead(address, new Uint8Array(1)))).toBe('SIGSEGV')
  })

  test('dispose after the process has ended does nothing', () => {
    const other = kernel.process()
    {
      using map = other.mmap({ length: PAGE })
      using attached = other.shmat(other.shmget(IPC.PRIVATE, PAGE, 0o600))
      other.exit()
      expect([map.closed, attached.closed]).toEqual([false, false])
    }
  })

  test('a futex wait whose word differs, or whose time is over, says so', () => {
    const map = p.mmap({ length: PAGE })
    expect(map.wait(0, 1)).toBe('not-equal')
    expect(map.notify(0)).toBe(0)
  })
})
